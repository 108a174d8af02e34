//! Frames of requests and answers, as a client sees them.

use parsecd_wire::header::{HEADER_LENGTH, KEEP_CONNECTION};
use parsecd_wire::{
    AuthenticationType, Operation, ProviderId, RequestHeader, ResponseHeader, ResponseHeaderError, Status,
};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody: no authentication.
    Anonymous,
    /// An application that names itself.
    Direct(String),
    /// A user, by the uid of this process.
    Unix(u32),
}

/// Whether the connection is to stay open after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is.
    Open,
    /// One request, one answer.
    Close,
}

/// The bytes of a request to the software provider, or to Core where the operation is Core's.
///
/// # Panics
/// If the body or the name does not fit a frame.
pub fn request(operation: &Operation, caller: &Caller, keep: Keep) -> Vec<u8> {
    let (authentication_type, authentication) = match caller {
        Caller::Anonymous => (AuthenticationType::None, Vec::new()),
        Caller::Direct(name) => (AuthenticationType::Direct, name.as_bytes().to_vec()),
        Caller::Unix(uid) => (AuthenticationType::UnixPeerCredentials, uid.to_le_bytes().to_vec()),
    };
    let body = operation.encode();
    let opcode = operation.opcode();
    let header = RequestHeader {
        flags: if keep == Keep::Open { KEEP_CONNECTION } else { 0 },
        provider: if opcode.is_core() { ProviderId::Core } else { ProviderId::MbedCrypto },
        session: 0,
        authentication_type,
        body_length: body.len().try_into().expect("a body fits a frame"),
        authentication_length: authentication.len().try_into().expect("a name fits a frame"),
        opcode,
    };
    let mut frame = header.to_bytes().to_vec();
    frame.extend_from_slice(body.expose());
    frame.extend_from_slice(&authentication);
    frame
}

/// An answer at the start of `bytes`: its header and its length in bytes; `None` while it is incomplete.
///
/// # Errors
/// What is wrong with its header.
pub fn answer(bytes: &[u8]) -> Result<Option<(ResponseHeader, usize)>, ResponseHeaderError> {
    let Some(header) = bytes.first_chunk::<HEADER_LENGTH>() else { return Ok(None) };
    let header = ResponseHeader::from_bytes(header)?;
    let length = HEADER_LENGTH.saturating_add(usize::try_from(header.body_length).unwrap_or(usize::MAX));
    Ok((bytes.len() >= length).then_some((header, length)))
}

/// Why a request was not served as it should be.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] std::io::Error),
    /// The server closed the connection while an answer was owed.
    #[error("the server closed the connection and owes an answer")]
    Closed,
    /// Nothing came for too long.
    #[error("no answer for {0:?}")]
    Stalled(std::time::Duration),
    /// No header of protocol 1.0.
    #[error("{0}")]
    Header(#[from] ResponseHeaderError),
    /// Another status than Success.
    #[error("the answer to {opcode:?} is {status:?}")]
    Status {
        /// Operation that was asked for.
        opcode: parsecd_wire::Opcode,
        /// How it ended.
        status: Status,
    },
    /// A body that is not what the operation answers.
    #[error("the body of the answer to {0:?} cannot be read")]
    Body(parsecd_wire::Opcode),
}

impl From<rustix::io::Errno> for RequestError {
    fn from(errno: rustix::io::Errno) -> RequestError {
        RequestError::Socket(errno.into())
    }
}
