//! Numbers of operations, providers, authenticators and statuses (operations.md 1, wire-protocol.md 2 and 9,
//! status-codes.md).

use parsecd_wire::{AuthenticationType, Opcode, ProviderId, Status};

/// Number of an operation.
pub fn opcode(opcode: Opcode) -> u32 {
    match opcode {
        Opcode::Ping => 0x01,
        Opcode::PsaGenerateKey => 0x02,
        Opcode::PsaDestroyKey => 0x03,
        Opcode::PsaSignHash => 0x04,
        Opcode::PsaVerifyHash => 0x05,
        Opcode::PsaImportKey => 0x06,
        Opcode::PsaExportPublicKey => 0x07,
        Opcode::ListProviders => 0x08,
        Opcode::ListOpcodes => 0x09,
        Opcode::PsaAsymmetricEncrypt => 0x0A,
        Opcode::PsaAsymmetricDecrypt => 0x0B,
        Opcode::PsaExportKey => 0x0C,
        Opcode::PsaGenerateRandom => 0x0D,
        Opcode::ListAuthenticators => 0x0E,
        Opcode::PsaHashCompute => 0x0F,
        Opcode::PsaHashCompare => 0x10,
        Opcode::PsaAeadEncrypt => 0x11,
        Opcode::PsaAeadDecrypt => 0x12,
        Opcode::PsaRawKeyAgreement => 0x13,
        Opcode::PsaCipherEncrypt => 0x14,
        Opcode::PsaCipherDecrypt => 0x15,
        Opcode::PsaMacCompute => 0x16,
        Opcode::PsaMacVerify => 0x17,
        Opcode::PsaSignMessage => 0x18,
        Opcode::PsaVerifyMessage => 0x19,
        Opcode::ListKeys => 0x1A,
        Opcode::ListClients => 0x1B,
        Opcode::DeleteClient => 0x1C,
        Opcode::AttestKey => 0x1E,
        Opcode::PrepareKeyAttestation => 0x1F,
        Opcode::CanDoCrypto => 0x20,
    }
}

/// Whether an operation is one of the service itself, not of a provider of cryptography.
pub fn is_core(opcode: Opcode) -> bool {
    matches!(self::opcode(opcode), 0x01 | 0x08 | 0x09 | 0x0E | 0x1A | 0x1B | 0x1C)
}

/// Whether an operation is for admins only.
pub fn is_for_admins(opcode: Opcode) -> bool {
    matches!(self::opcode(opcode), 0x1B | 0x1C)
}

/// Whether an operation is for those only who say who they are.
pub fn needs_identity(opcode: Opcode) -> bool {
    !matches!(self::opcode(opcode), 0x01 | 0x08 | 0x09 | 0x0D | 0x0E | 0x0F | 0x10)
}

/// Number of a provider.
pub fn provider(provider: ProviderId) -> u8 {
    match provider {
        ProviderId::Core => 0,
        ProviderId::MbedCrypto => 1,
        ProviderId::Pkcs11 => 2,
        ProviderId::Tpm => 3,
        ProviderId::TrustedService => 4,
        ProviderId::CryptoAuthLib => 5,
    }
}

/// Number of an authenticator.
pub fn authenticator(authenticator: AuthenticationType) -> u8 {
    match authenticator {
        AuthenticationType::None => 0,
        AuthenticationType::Direct => 1,
        AuthenticationType::Jwt => 2,
        AuthenticationType::UnixPeerCredentials => 3,
        AuthenticationType::JwtSvid => 4,
    }
}

/// Number of a status.
pub fn status(status: Status) -> u16 {
    match status {
        Status::Success => 0,
        Status::WrongProviderId => 1,
        Status::ContentTypeNotSupported => 2,
        Status::AcceptTypeNotSupported => 3,
        Status::WireProtocolVersionNotSupported => 4,
        Status::ProviderNotRegistered => 5,
        Status::ProviderDoesNotExist => 6,
        Status::DeserializingBodyFailed => 7,
        Status::SerializingBodyFailed => 8,
        Status::OpcodeDoesNotExist => 9,
        Status::ResponseTooLarge => 10,
        Status::AuthenticationError => 11,
        Status::AuthenticatorDoesNotExist => 12,
        Status::AuthenticatorNotRegistered => 13,
        Status::KeyInfoManagerError => 14,
        Status::ConnectionError => 15,
        Status::InvalidEncoding => 16,
        Status::InvalidHeader => 17,
        Status::WrongProviderUuid => 18,
        Status::NotAuthenticated => 19,
        Status::BodySizeExceedsLimit => 20,
        Status::AdminOperation => 21,
        Status::DeprecatedPrimitive => 22,
        Status::PsaErrorGenericError => 1132,
        Status::PsaErrorNotPermitted => 1133,
        Status::PsaErrorNotSupported => 1134,
        Status::PsaErrorInvalidArgument => 1135,
        Status::PsaErrorInvalidHandle => 1136,
        Status::PsaErrorBadState => 1137,
        Status::PsaErrorBufferTooSmall => 1138,
        Status::PsaErrorAlreadyExists => 1139,
        Status::PsaErrorDoesNotExist => 1140,
        Status::PsaErrorInsufficientMemory => 1141,
        Status::PsaErrorInsufficientStorage => 1142,
        Status::PsaErrorInsufficientData => 1143,
        Status::PsaErrorCommunicationFailure => 1145,
        Status::PsaErrorStorageFailure => 1146,
        Status::PsaErrorHardwareFailure => 1147,
        Status::PsaErrorInsufficientEntropy => 1148,
        Status::PsaErrorInvalidSignature => 1149,
        Status::PsaErrorInvalidPadding => 1150,
        Status::PsaErrorCorruptionDetected => 1151,
        Status::PsaErrorDataCorrupt => 1152,
        Status::PsaErrorDataInvalid => 1153,
    }
}
