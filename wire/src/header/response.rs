//! Headers of answers: written by the daemon, read by clients.

use super::{HEADER_LENGTH, KEEP_CONNECTION, PROTOBUF, RawHeader, RequestHeader, check_magic, check_size};
use crate::{Opcode, ProviderId, Status};

/// Header of an answer. Content type is protobuf; there is no authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponseHeader {
    /// 0 or [`KEEP_CONNECTION`].
    pub flags: u16,
    /// Provider of the request.
    pub provider: ProviderId,
    /// Session of the request.
    pub session: u64,
    /// Operation of the request.
    pub opcode: Opcode,
    /// How the operation ended.
    pub status: Status,
    /// Bytes of the body, 0 unless the operation succeeded.
    pub body_length: u32,
}

impl ResponseHeader {
    /// Header of the answer to a request that failed before its header was converted (steps 1 to 9):
    /// provider Core, opcode Ping, session 0.
    pub const fn anonymous(status: Status) -> ResponseHeader {
        ResponseHeader {
            flags: 0,
            provider: ProviderId::Core,
            session: 0,
            opcode: Opcode::Ping,
            status,
            body_length: 0,
        }
    }

    /// Header of the answer to `request`: its provider, session and opcode, and of its flags
    /// [`KEEP_CONNECTION`]. `body_length` must be 0 unless `status` is Success.
    pub const fn echo(request: &RequestHeader, status: Status, body_length: u32) -> ResponseHeader {
        ResponseHeader {
            flags: request.flags & KEEP_CONNECTION,
            provider: request.provider,
            session: request.session,
            opcode: request.opcode,
            status,
            body_length,
        }
    }

    /// The header as it is sent.
    pub const fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        RawHeader {
            flags: self.flags,
            provider: self.provider.number(),
            session: self.session,
            body_length: self.body_length,
            opcode: self.opcode.number(),
            status: self.status.number(),
            ..RawHeader::BLANK
        }
        .to_bytes()
    }

    /// Reads the header of an answer (client-behaviour.md 1.2 and 7). Accept type, authentication type
    /// and authentication length are not looked at.
    ///
    /// # Errors
    /// The first field that is not of protocol 1.0. The status comes before provider and opcode, because
    /// it says more.
    pub fn from_bytes(bytes: &[u8; HEADER_LENGTH]) -> Result<ResponseHeader, ResponseHeaderError> {
        let raw = RawHeader::from_bytes(bytes);
        check_magic(raw.magic).map_err(|_| ResponseHeaderError::Magic(raw.magic))?;
        check_size(raw.header_size).map_err(|_| ResponseHeaderError::HeaderSize(raw.header_size))?;
        raw.check_version()
            .map_err(|_| ResponseHeaderError::Version(raw.version_major, raw.version_minor))?;
        raw.check_reserved().map_err(|_| ResponseHeaderError::Reserved)?;
        let status = Status::from_number(raw.status).ok_or(ResponseHeaderError::Status(raw.status))?;
        if raw.content_type != PROTOBUF {
            return Err(ResponseHeaderError::ContentType(raw.content_type));
        }
        let provider =
            ProviderId::from_number(raw.provider).ok_or(ResponseHeaderError::Provider(raw.provider))?;
        let opcode = Opcode::from_number(raw.opcode).ok_or(ResponseHeaderError::Opcode(raw.opcode))?;
        Ok(ResponseHeader {
            flags: raw.flags,
            provider,
            session: raw.session,
            opcode,
            status,
            body_length: raw.body_length,
        })
    }

    /// Whether [`KEEP_CONNECTION`] is set.
    pub const fn keeps_connection(&self) -> bool {
        self.flags & KEEP_CONNECTION != 0
    }
}

/// Why a client cannot use the header of an answer. Values are as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ResponseHeaderError {
    /// No Parsec frame.
    #[error("the answer starts with {0:#010x}, not with the magic number of Parsec")]
    Magic(u32),
    /// A header of another length.
    #[error("the answer has a header of {0} instead of 30 bytes")]
    HeaderSize(u16),
    /// Another version: major, minor.
    #[error("the answer is of protocol version {0}.{1}, not 1.0")]
    Version(u8, u8),
    /// Reserved bytes are not 0.
    #[error("the answer's reserved bytes are not zero")]
    Reserved,
    /// A status this version does not know; the operation failed.
    #[error("the answer has the unknown status {0}")]
    Status(u16),
    /// A body that is not protobuf.
    #[error("the answer has the unknown content type {0}")]
    ContentType(u8),
    /// A provider this version does not know.
    #[error("the answer comes from the unknown provider {0}")]
    Provider(u8),
    /// An operation this version does not know.
    #[error("the answer has the unknown opcode {0:#x}")]
    Opcode(u32),
}

impl ResponseHeaderError {
    /// The status that a client reports for it locally.
    pub const fn status(self) -> Status {
        match self {
            ResponseHeaderError::Magic(_)
            | ResponseHeaderError::HeaderSize(_)
            | ResponseHeaderError::Reserved => Status::InvalidHeader,
            ResponseHeaderError::Version(..) => Status::WireProtocolVersionNotSupported,
            ResponseHeaderError::Status(_) => Status::InvalidEncoding,
            ResponseHeaderError::ContentType(_) => Status::ContentTypeNotSupported,
            ResponseHeaderError::Provider(_) => Status::ProviderDoesNotExist,
            ResponseHeaderError::Opcode(_) => Status::OpcodeDoesNotExist,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AuthenticationType;

    const REQUEST: RequestHeader = RequestHeader {
        flags: 0xFFFF,
        provider: ProviderId::Tpm,
        session: 0x1122_3344_5566_7788,
        authentication_type: AuthenticationType::UnixPeerCredentials,
        body_length: 100,
        authentication_length: 4,
        opcode: Opcode::PsaSignHash,
    };

    #[test]
    fn an_answer_echoes_provider_session_opcode_and_the_kept_connection() {
        let answer = ResponseHeader::echo(&REQUEST, Status::Success, 7);
        let raw = RawHeader::from_bytes(&answer.to_bytes());
        let expected = RawHeader {
            flags: KEEP_CONNECTION,
            provider: 3,
            session: REQUEST.session,
            body_length: 7,
            opcode: 4,
            ..RawHeader::BLANK
        };
        assert_eq!(raw, expected);
        assert_eq!(ResponseHeader::from_bytes(&answer.to_bytes()), Ok(answer));
    }

    #[test]
    fn an_anonymous_answer_names_core_and_ping() {
        let raw = RawHeader::from_bytes(&ResponseHeader::anonymous(Status::InvalidHeader).to_bytes());
        assert_eq!(raw, RawHeader { opcode: 1, status: 17, ..RawHeader::BLANK });
    }

    #[test]
    fn a_malformed_answer_is_told_by_its_first_bad_field() {
        let good = RawHeader { opcode: 1, ..RawHeader::BLANK };
        let read = |raw: RawHeader| {
            ResponseHeader::from_bytes(&raw.to_bytes()).map_err(|error| (error, error.status()))
        };
        assert_eq!(read(good), Ok(ResponseHeader::anonymous(Status::Success)));
        assert_eq!(
            read(RawHeader { magic: 0, ..good }),
            Err((ResponseHeaderError::Magic(0), Status::InvalidHeader))
        );
        assert_eq!(
            read(RawHeader { header_size: 29, ..good }),
            Err((ResponseHeaderError::HeaderSize(29), Status::InvalidHeader))
        );
        assert_eq!(
            read(RawHeader { version_major: 2, ..good }),
            Err((ResponseHeaderError::Version(2, 0), Status::WireProtocolVersionNotSupported))
        );
        assert_eq!(
            read(RawHeader { reserved: [1, 0], ..good }),
            Err((ResponseHeaderError::Reserved, Status::InvalidHeader))
        );
        assert_eq!(
            read(RawHeader { status: 1144, opcode: 0, ..good }),
            Err((ResponseHeaderError::Status(1144), Status::InvalidEncoding))
        );
        assert_eq!(
            read(RawHeader { content_type: 1, ..good }),
            Err((ResponseHeaderError::ContentType(1), Status::ContentTypeNotSupported))
        );
        assert_eq!(
            read(RawHeader { provider: 6, ..good }),
            Err((ResponseHeaderError::Provider(6), Status::ProviderDoesNotExist))
        );
        assert_eq!(
            read(RawHeader { opcode: 0x21, ..good }),
            Err((ResponseHeaderError::Opcode(0x21), Status::OpcodeDoesNotExist))
        );
    }
}
