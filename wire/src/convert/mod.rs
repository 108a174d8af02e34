//! Bodies of requests and answers: protobuf on the wire, [`Operation`](crate::Operation) and
//! [`Reply`](crate::Reply) in memory (wire-protocol.md 3).

mod algorithm;
mod attributes;
mod buffer;
mod operation_decode;
mod operation_encode;
mod reply_decode;
mod reply_encode;

use crate::{AuthenticationType, ProviderId, Status};
use alloc::string::String;
use buffer::WipedCopies;
use bytes::Buf;

/// Why a body is not one of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a protobuf message, or one whose fields have other types.
    #[error("the body is malformed")]
    Malformed(#[from] prost::DecodeError),
    /// A required sub-message is absent, or no member of a oneof is set.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An enum number that the protocol does not assign, or 0 where it means none.
    #[error("{what} has the unknown number {number}")]
    UnknownNumber {
        /// Name of the enum.
        what: &'static str,
        /// The number on the wire.
        number: i32,
    },
    /// A part of the protocol version is over 255.
    #[error("{0} is no part of a protocol version")]
    Version(u32),
    /// A number that is no provider id.
    #[error("there is no provider {0}")]
    UnknownProvider(u32),
    /// A number that is no authentication type.
    #[error("there is no authentication type {0}")]
    UnknownAuthenticationType(u32),
    /// A provider's UUID cannot be parsed.
    #[error("the provider's UUID is malformed")]
    Uuid,
}

impl DecodeError {
    /// The status of the answer to a request with this body; for answers, the status that a client
    /// reports locally.
    pub const fn status(&self) -> Status {
        match self {
            DecodeError::Malformed(_) => Status::DeserializingBodyFailed,
            DecodeError::Missing(_) | DecodeError::UnknownNumber { .. } | DecodeError::Version(_) => {
                Status::InvalidEncoding
            }
            DecodeError::UnknownProvider(_) => Status::ProviderDoesNotExist,
            DecodeError::UnknownAuthenticationType(_) => Status::AuthenticatorDoesNotExist,
            DecodeError::Uuid => Status::WrongProviderUuid,
        }
    }
}

/// Decodes the message `M` and converts it. All copies of bytes that are made on the way are wiped.
fn decode<M, T>(body: impl Buf) -> Result<T, DecodeError>
where
    M: prost::Message + Default,
    T: TryFrom<M, Error = DecodeError>,
{
    M::decode(WipedCopies(body))?.try_into()
}

/// The value of a required sub-message.
fn required<M, T>(name: &'static str, message: Option<M>) -> Result<T, DecodeError>
where
    T: TryFrom<M, Error = DecodeError>,
{
    message.ok_or(DecodeError::Missing(name))?.try_into()
}

/// The text of a field that means *absent* when it is empty.
fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn provider_id(number: u32) -> Result<ProviderId, DecodeError> {
    u8::try_from(number).ok().and_then(ProviderId::from_number).ok_or(DecodeError::UnknownProvider(number))
}

fn authentication_type(number: u32) -> Result<AuthenticationType, DecodeError> {
    u8::try_from(number)
        .ok()
        .and_then(AuthenticationType::from_number)
        .ok_or(DecodeError::UnknownAuthenticationType(number))
}
