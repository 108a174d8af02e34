//! Response statuses: the u16 at offset 32 of a response (status-codes.md).

/// Response status. 0 to 22 are the service's own, 1132 to 1153 are PSA's (1000 minus the PSA status).
///
/// Every status but [`Status::Success`] comes with an empty body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Status {
    /// The operation finished.
    Success = 0,
    /// Back end does not match the provider id of the request.
    WrongProviderId = 1,
    /// Body encoding unknown.
    ContentTypeNotSupported = 2,
    /// Response encoding unknown.
    AcceptTypeNotSupported = 3,
    /// Version unknown.
    WireProtocolVersionNotSupported = 4,
    /// Provider known but not configured.
    ProviderNotRegistered = 5,
    /// Provider id unknown.
    ProviderDoesNotExist = 6,
    /// Body is not a valid message.
    DeserializingBodyFailed = 7,
    /// Result cannot be encoded.
    SerializingBodyFailed = 8,
    /// Opcode unknown.
    OpcodeDoesNotExist = 9,
    /// Answer over the limit.
    ResponseTooLarge = 10,
    /// Credentials refused.
    AuthenticationError = 11,
    /// Authentication type unknown.
    AuthenticatorDoesNotExist = 12,
    /// Authentication type known, not configured.
    AuthenticatorNotRegistered = 13,
    /// The key store failed.
    KeyInfoManagerError = 14,
    /// Reading failed, timed out, or the stream ended early.
    ConnectionError = 15,
    /// Value not representable.
    InvalidEncoding = 16,
    /// Constant header field wrong.
    InvalidHeader = 17,
    /// Provider UUID text cannot be parsed.
    WrongProviderUuid = 18,
    /// The operation needs an identity.
    NotAuthenticated = 19,
    /// Announced body over the limit.
    BodySizeExceedsLimit = 20,
    /// The operation needs admin rights.
    AdminOperation = 21,
    /// Algorithm or key type deprecated.
    DeprecatedPrimitive = 22,
    /// Unspecified.
    PsaErrorGenericError = 1132,
    /// The key's policy forbids it.
    PsaErrorNotPermitted = 1133,
    /// Not implemented.
    PsaErrorNotSupported = 1134,
    /// Bad parameter.
    PsaErrorInvalidArgument = 1135,
    /// Key handle invalid.
    PsaErrorInvalidHandle = 1136,
    /// Wrong state.
    PsaErrorBadState = 1137,
    /// Output buffer too small.
    PsaErrorBufferTooSmall = 1138,
    /// The name is taken.
    PsaErrorAlreadyExists = 1139,
    /// No such key.
    PsaErrorDoesNotExist = 1140,
    /// Out of memory, or a queue is full.
    PsaErrorInsufficientMemory = 1141,
    /// No room for the key.
    PsaErrorInsufficientStorage = 1142,
    /// Not enough data.
    PsaErrorInsufficientData = 1143,
    /// Back end cannot be reached.
    PsaErrorCommunicationFailure = 1145,
    /// Storage failed.
    PsaErrorStorageFailure = 1146,
    /// Hardware failed.
    PsaErrorHardwareFailure = 1147,
    /// Not enough entropy.
    PsaErrorInsufficientEntropy = 1148,
    /// Signature, MAC, tag or hash does not match.
    PsaErrorInvalidSignature = 1149,
    /// Padding wrong after decryption.
    PsaErrorInvalidPadding = 1150,
    /// Tampering detected.
    PsaErrorCorruptionDetected = 1151,
    /// Stored data corrupt.
    PsaErrorDataCorrupt = 1152,
    /// Stored data invalid.
    PsaErrorDataInvalid = 1153,
}

impl Status {
    /// Every status of the protocol, in ascending order.
    pub const ALL: [Status; 44] = [
        Status::Success,
        Status::WrongProviderId,
        Status::ContentTypeNotSupported,
        Status::AcceptTypeNotSupported,
        Status::WireProtocolVersionNotSupported,
        Status::ProviderNotRegistered,
        Status::ProviderDoesNotExist,
        Status::DeserializingBodyFailed,
        Status::SerializingBodyFailed,
        Status::OpcodeDoesNotExist,
        Status::ResponseTooLarge,
        Status::AuthenticationError,
        Status::AuthenticatorDoesNotExist,
        Status::AuthenticatorNotRegistered,
        Status::KeyInfoManagerError,
        Status::ConnectionError,
        Status::InvalidEncoding,
        Status::InvalidHeader,
        Status::WrongProviderUuid,
        Status::NotAuthenticated,
        Status::BodySizeExceedsLimit,
        Status::AdminOperation,
        Status::DeprecatedPrimitive,
        Status::PsaErrorGenericError,
        Status::PsaErrorNotPermitted,
        Status::PsaErrorNotSupported,
        Status::PsaErrorInvalidArgument,
        Status::PsaErrorInvalidHandle,
        Status::PsaErrorBadState,
        Status::PsaErrorBufferTooSmall,
        Status::PsaErrorAlreadyExists,
        Status::PsaErrorDoesNotExist,
        Status::PsaErrorInsufficientMemory,
        Status::PsaErrorInsufficientStorage,
        Status::PsaErrorInsufficientData,
        Status::PsaErrorCommunicationFailure,
        Status::PsaErrorStorageFailure,
        Status::PsaErrorHardwareFailure,
        Status::PsaErrorInsufficientEntropy,
        Status::PsaErrorInvalidSignature,
        Status::PsaErrorInvalidPadding,
        Status::PsaErrorCorruptionDetected,
        Status::PsaErrorDataCorrupt,
        Status::PsaErrorDataInvalid,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The status with this number, `None` where the protocol assigns none.
    pub fn from_number(number: u16) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.number() == number)
    }

    /// The status of a PSA return value: 0 is Success, −132 to −153 map to 1132 to 1153, all others to
    /// [`Status::PsaErrorGenericError`].
    pub fn from_psa(psa_status: i32) -> Status {
        if psa_status == 0 {
            return Status::Success;
        }
        1000_i32
            .checked_sub(psa_status)
            .and_then(|number| u16::try_from(number).ok())
            .filter(|number| *number >= 1132)
            .and_then(Status::from_number)
            .unwrap_or(Status::PsaErrorGenericError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_maps_back_to_its_status() {
        for status in Status::ALL {
            assert_eq!(Status::from_number(status.number()), Some(status));
        }
        for number in [23, 1131, 1144, 1154, u16::MAX] {
            assert_eq!(Status::from_number(number), None);
        }
    }

    #[test]
    fn psa_errors_map_to_the_1000_range_and_unknown_ones_to_generic() {
        assert_eq!(Status::from_psa(0), Status::Success);
        assert_eq!(Status::from_psa(-135), Status::PsaErrorInvalidArgument);
        assert_eq!(Status::from_psa(-149), Status::PsaErrorInvalidSignature);
        assert_eq!(Status::from_psa(-144), Status::PsaErrorGenericError);
        assert_eq!(Status::from_psa(982), Status::PsaErrorGenericError);
        assert_eq!(Status::from_psa(i32::MIN), Status::PsaErrorGenericError);
    }
}
