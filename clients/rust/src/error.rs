//! What can go wrong, by whose doing (client-behaviour.md 1.3).

use parsecd_wire::header::ResponseHeaderError;
use parsecd_wire::{DecodeError, Opcode, Status};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service answered with this status, never [`Status::Success`].
    #[error("the service answered {0:?} ({number})", number = .0.number())]
    Service(Status),
    /// The service cannot be reached, or the connection broke. Whether the operation was carried out is
    /// not known once the request was on its way.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The service answered what the protocol does not allow, or what this version does not know.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The request cannot be made; nothing was sent.
    #[error(transparent)]
    Usage(#[from] UsageError),
}

/// Why no answer arrived.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nobody accepts connections there.
    #[error("cannot connect to the Parsec service at {}", path.display())]
    Connect {
        /// Path of the socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The request could not be written, and no answer was waiting.
    #[error("the connection broke while the request was being sent")]
    Send(#[source] io::Error),
    /// The answer could not be read.
    #[error("the connection broke while the answer was being read")]
    Receive(#[source] io::Error),
    /// The service closed the connection before the answer was complete.
    #[error("the service closed the connection after {received} of {expected} bytes of its answer")]
    Truncated {
        /// Bytes that came.
        received: usize,
        /// Bytes that are known to belong to the answer so far.
        expected: usize,
    },
    /// The deadline of the request passed.
    #[error("the service did not answer within {0:?}")]
    Deadline(Duration),
}

/// What is wrong with an answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Its header. An unknown status is among these: the operation failed, the reason is opaque.
    #[error(transparent)]
    Header(#[from] ResponseHeaderError),
    /// It belongs to another operation.
    #[error("the answer belongs to {received:?}, the request was {sent:?}")]
    Opcode {
        /// Operation of the request.
        sent: Opcode,
        /// Operation of the answer.
        received: Opcode,
    },
    /// Its body does not decode.
    #[error("the body of the answer to {opcode:?} cannot be decoded")]
    Body {
        /// Operation of the request.
        opcode: Opcode,
        /// What decoding says.
        source: DecodeError,
    },
    /// Its body decodes as the reply to another operation.
    #[error("the reply does not belong to {0:?}")]
    Reply(Opcode),
    /// It announces a body that is larger than this client accepts, or than memory holds.
    #[error("the answer announces a body of {announced} bytes, the limit is {limit}")]
    BodyTooLong {
        /// Bytes it announces.
        announced: u32,
        /// Bytes that are accepted.
        limit: usize,
    },
    /// It holds another number of random bytes than was asked for.
    #[error("the service gave {received} random bytes where {asked} were asked for")]
    RandomLength {
        /// Bytes asked for.
        asked: u64,
        /// Bytes received.
        received: usize,
    },
}

/// Why a request cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// No address of a service.
    #[error(
        "{text:?} is no endpoint of a Parsec service: {reason}; it looks like unix:/run/parsec/parsec.sock"
    )]
    Endpoint {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A Direct application name that cannot be sent.
    #[error("an application name has 1 to 65535 bytes, not {length}")]
    ApplicationName {
        /// Bytes of the name.
        length: usize,
    },
    /// The service offers Direct authentication, and nothing else that this client can do, but no
    /// application name was given.
    #[error("the service wants an application name (Direct authentication), and none was given")]
    ApplicationNameMissing,
    /// The service offers no authenticator that this client can do.
    #[error("the service offers no authenticator that this client supports")]
    NoAuthenticator,
    /// The service lists no provider of cryptography.
    #[error("the service has no provider of cryptography")]
    NoProvider,
    /// An operation on keys was asked of the Core provider.
    #[error("the Core provider serves no cryptography; choose another provider")]
    CoreProvider,
    /// The body is longer than a header can announce.
    #[error("a request of {length} bytes is longer than the protocol allows")]
    RequestTooLong {
        /// Bytes of the body.
        length: usize,
    },
}
