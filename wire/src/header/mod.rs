//! The header of a frame: 36 bytes, integers little-endian, no padding (wire-protocol.md 2).

mod response;

pub use response::{ResponseHeader, ResponseHeaderError};

use crate::{AuthenticationType, Opcode, ProviderId, Status};

/// First four bytes of every frame: `10 A7 C0 5E`.
pub const MAGIC: u32 = 0x5EC0_A710;
/// Length of a header in bytes.
pub const HEADER_LENGTH: usize = 36;
/// Length in bytes of what comes before the part that the size field counts: magic and size field.
pub const HEADER_PREFIX_LENGTH: usize = 6;
/// The only value of the header size field: bytes that follow the field.
pub const HEADER_SIZE_FIELD: u16 = 30;
/// The only major version.
pub const VERSION_MAJOR: u8 = 1;
/// The only minor version.
pub const VERSION_MINOR: u8 = 0;
/// The only content type and accept type.
pub const PROTOBUF: u8 = 0;
/// Flag of a request that asks for the connection to stay open after the answer, and of the answer that
/// grants it (decisions.md 6). All other flags are ignored.
pub const KEEP_CONNECTION: u16 = 1;

/// Step 1 of the pipeline (wire-protocol.md 4): the first four bytes of a frame.
///
/// # Errors
/// [`Status::InvalidHeader`] unless they are the magic number.
pub const fn check_magic(magic: u32) -> Result<(), Status> {
    if magic == MAGIC { Ok(()) } else { Err(Status::InvalidHeader) }
}

/// The end of step 3: the header size field, once as many bytes as it says have been read.
///
/// # Errors
/// [`Status::InvalidHeader`] unless it is 30.
pub const fn check_size(header_size: u16) -> Result<(), Status> {
    if header_size == HEADER_SIZE_FIELD { Ok(()) } else { Err(Status::InvalidHeader) }
}

/// All fields of a header as the numbers they are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RawHeader {
    /// Offset 0: [`MAGIC`].
    pub magic: u32,
    /// Offset 4: [`HEADER_SIZE_FIELD`].
    pub header_size: u16,
    /// Offset 6: [`VERSION_MAJOR`].
    pub version_major: u8,
    /// Offset 7: [`VERSION_MINOR`].
    pub version_minor: u8,
    /// Offset 8: bits, see [`KEEP_CONNECTION`].
    pub flags: u16,
    /// Offset 10: see [`ProviderId`].
    pub provider: u8,
    /// Offset 11: copied from request to answer, without meaning.
    pub session: u64,
    /// Offset 19: encoding of the body, [`PROTOBUF`].
    pub content_type: u8,
    /// Offset 20: encoding wanted for the answer's body, [`PROTOBUF`]; 0 in answers.
    pub accept_type: u8,
    /// Offset 21: see [`AuthenticationType`]; 0 in answers.
    pub authentication_type: u8,
    /// Offset 22: bytes of the body.
    pub body_length: u32,
    /// Offset 26: bytes of authentication, after the body; 0 in answers.
    pub authentication_length: u16,
    /// Offset 28: see [`Opcode`].
    pub opcode: u32,
    /// Offset 32: see [`Status`]; ignored in requests.
    pub status: u16,
    /// Offset 34: zeroes.
    pub reserved: [u8; 2],
}

impl RawHeader {
    /// The constant fields as protocol 1.0 has them, everything else 0.
    const BLANK: RawHeader = RawHeader {
        magic: MAGIC,
        header_size: HEADER_SIZE_FIELD,
        version_major: VERSION_MAJOR,
        version_minor: VERSION_MINOR,
        flags: 0,
        provider: 0,
        session: 0,
        content_type: PROTOBUF,
        accept_type: PROTOBUF,
        authentication_type: 0,
        body_length: 0,
        authentication_length: 0,
        opcode: 0,
        status: 0,
        reserved: [0; 2],
    };

    /// Reads the fields and checks nothing.
    #[rustfmt::skip]
    pub const fn from_bytes(bytes: &[u8; HEADER_LENGTH]) -> RawHeader {
        let [
            m0, m1, m2, m3,
            z0, z1,
            version_major, version_minor,
            f0, f1,
            provider,
            s0, s1, s2, s3, s4, s5, s6, s7,
            content_type, accept_type, authentication_type,
            b0, b1, b2, b3,
            a0, a1,
            o0, o1, o2, o3,
            t0, t1,
            r0, r1,
        ] = *bytes;
        RawHeader {
            magic: u32::from_le_bytes([m0, m1, m2, m3]),
            header_size: u16::from_le_bytes([z0, z1]),
            version_major,
            version_minor,
            flags: u16::from_le_bytes([f0, f1]),
            provider,
            session: u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            content_type,
            accept_type,
            authentication_type,
            body_length: u32::from_le_bytes([b0, b1, b2, b3]),
            authentication_length: u16::from_le_bytes([a0, a1]),
            opcode: u32::from_le_bytes([o0, o1, o2, o3]),
            status: u16::from_le_bytes([t0, t1]),
            reserved: [r0, r1],
        }
    }

    /// Writes the fields as they are.
    #[rustfmt::skip]
    pub const fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        let [m0, m1, m2, m3] = self.magic.to_le_bytes();
        let [z0, z1] = self.header_size.to_le_bytes();
        let [f0, f1] = self.flags.to_le_bytes();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.session.to_le_bytes();
        let [b0, b1, b2, b3] = self.body_length.to_le_bytes();
        let [a0, a1] = self.authentication_length.to_le_bytes();
        let [o0, o1, o2, o3] = self.opcode.to_le_bytes();
        let [t0, t1] = self.status.to_le_bytes();
        let [r0, r1] = self.reserved;
        [
            m0, m1, m2, m3,
            z0, z1,
            self.version_major, self.version_minor,
            f0, f1,
            self.provider,
            s0, s1, s2, s3, s4, s5, s6, s7,
            self.content_type, self.accept_type, self.authentication_type,
            b0, b1, b2, b3,
            a0, a1,
            o0, o1, o2, o3,
            t0, t1,
            r0, r1,
        ]
    }

    /// Step 4: the version.
    ///
    /// # Errors
    /// [`Status::WireProtocolVersionNotSupported`] unless it is 1.0.
    pub const fn check_version(&self) -> Result<(), Status> {
        if self.version_major == VERSION_MAJOR && self.version_minor == VERSION_MINOR {
            Ok(())
        } else {
            Err(Status::WireProtocolVersionNotSupported)
        }
    }

    /// Step 5: the reserved bytes.
    ///
    /// # Errors
    /// [`Status::InvalidHeader`] unless both are 0.
    pub const fn check_reserved(&self) -> Result<(), Status> {
        match self.reserved {
            [0, 0] => Ok(()),
            _ => Err(Status::InvalidHeader),
        }
    }

    /// The checks of a complete header that need nothing but the header, in the order of the pipeline:
    /// magic, size, version, reserved bytes.
    ///
    /// # Errors
    /// Those of the single checks.
    pub fn check_constants(&self) -> Result<(), Status> {
        check_magic(self.magic)?;
        check_size(self.header_size)?;
        self.check_version()?;
        self.check_reserved()
    }

    /// Step 9: the numbers of a request's header as types. Flags and status may be anything.
    ///
    /// # Errors
    /// The first of: [`Status::ContentTypeNotSupported`], [`Status::AcceptTypeNotSupported`],
    /// [`Status::AuthenticatorDoesNotExist`], [`Status::OpcodeDoesNotExist`], [`Status::ProviderDoesNotExist`].
    pub fn convert(&self) -> Result<RequestHeader, Status> {
        if self.content_type != PROTOBUF {
            return Err(Status::ContentTypeNotSupported);
        }
        if self.accept_type != PROTOBUF {
            return Err(Status::AcceptTypeNotSupported);
        }
        let authentication_type = AuthenticationType::from_number(self.authentication_type)
            .ok_or(Status::AuthenticatorDoesNotExist)?;
        let opcode = Opcode::from_number(self.opcode).ok_or(Status::OpcodeDoesNotExist)?;
        let provider = ProviderId::from_number(self.provider).ok_or(Status::ProviderDoesNotExist)?;
        Ok(RequestHeader {
            flags: self.flags,
            provider,
            session: self.session,
            authentication_type,
            body_length: self.body_length,
            authentication_length: self.authentication_length,
            opcode,
        })
    }

    /// Whether [`KEEP_CONNECTION`] is set.
    pub const fn keeps_connection(&self) -> bool {
        self.flags & KEEP_CONNECTION != 0
    }
}

/// Header of a request. Content type and accept type are protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestHeader {
    /// Bits, see [`KEEP_CONNECTION`]; others have no meaning.
    pub flags: u16,
    /// Provider that is asked.
    pub provider: ProviderId,
    /// Copied to the answer, without meaning; clients send 0.
    pub session: u64,
    /// How to read the authentication bytes.
    pub authentication_type: AuthenticationType,
    /// Bytes of the body.
    pub body_length: u32,
    /// Bytes of authentication, after the body.
    pub authentication_length: u16,
    /// Operation that is asked for.
    pub opcode: Opcode,
}

impl RequestHeader {
    /// The header as it is sent.
    pub const fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        RawHeader {
            flags: self.flags,
            provider: self.provider.number(),
            session: self.session,
            authentication_type: self.authentication_type.number(),
            body_length: self.body_length,
            authentication_length: self.authentication_length,
            opcode: self.opcode.number(),
            ..RawHeader::BLANK
        }
        .to_bytes()
    }

    /// Whether [`KEEP_CONNECTION`] is set.
    pub const fn keeps_connection(&self) -> bool {
        self.flags & KEEP_CONNECTION != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: RequestHeader = RequestHeader {
        flags: KEEP_CONNECTION,
        provider: ProviderId::Tpm,
        session: 0x1122_3344_5566_7788,
        authentication_type: AuthenticationType::UnixPeerCredentials,
        body_length: 0xA1B2_C3D4,
        authentication_length: 0xE5F6,
        opcode: Opcode::PsaSignHash,
    };

    #[test]
    fn every_field_of_a_request_lies_at_its_offset() {
        let expected = [
            0x10, 0xA7, 0xC0, 0x5E, 0x1E, 0x00, 1, 0, 0x01, 0x00, 3, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33,
            0x22, 0x11, 0, 0, 3, 0xD4, 0xC3, 0xB2, 0xA1, 0xF6, 0xE5, 0x04, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(REQUEST.to_bytes(), expected);
        assert_eq!(RawHeader::from_bytes(&expected).convert(), Ok(REQUEST));
    }

    #[test]
    fn raw_fields_survive_any_bytes() {
        let mut bytes = [0; HEADER_LENGTH];
        for (value, byte) in (1..).zip(&mut bytes) {
            *byte = value;
        }
        assert_eq!(RawHeader::from_bytes(&bytes).to_bytes(), bytes);
    }

    #[test]
    fn conversion_reports_the_first_bad_field_in_the_order_of_the_pipeline() {
        let mut raw = RawHeader {
            content_type: 1,
            accept_type: 1,
            authentication_type: 5,
            opcode: 0x1D,
            provider: 6,
            ..RawHeader::BLANK
        };
        assert_eq!(raw.convert(), Err(Status::ContentTypeNotSupported));
        raw.content_type = 0;
        assert_eq!(raw.convert(), Err(Status::AcceptTypeNotSupported));
        raw.accept_type = 0;
        assert_eq!(raw.convert(), Err(Status::AuthenticatorDoesNotExist));
        raw.authentication_type = 4;
        assert_eq!(raw.convert(), Err(Status::OpcodeDoesNotExist));
        raw.opcode = 0x17;
        assert_eq!(raw.convert(), Err(Status::ProviderDoesNotExist));
        raw.provider = 5;
        assert_eq!(raw.convert().map(|header| header.opcode), Ok(Opcode::PsaMacVerify));
    }

    #[test]
    fn flags_and_status_of_a_request_may_be_anything() {
        let raw = RawHeader { flags: 0xFFFE, status: 0xFFFF, ..RawHeader::from_bytes(&REQUEST.to_bytes()) };
        assert_eq!(raw.check_constants(), Ok(()));
        assert_eq!(raw.convert(), Ok(RequestHeader { flags: 0xFFFE, ..REQUEST }));
        assert!(!raw.keeps_connection());
    }

    #[test]
    fn constant_fields_are_checked_in_the_order_of_the_pipeline() {
        let mut raw = RawHeader {
            magic: MAGIC.swap_bytes(),
            header_size: 31,
            version_minor: 1,
            reserved: [0, 1],
            ..RawHeader::BLANK
        };
        assert_eq!(check_magic(raw.magic), Err(Status::InvalidHeader));
        assert_eq!(raw.check_constants(), Err(Status::InvalidHeader));
        raw.magic = MAGIC;
        assert_eq!(raw.check_constants(), Err(Status::InvalidHeader));
        raw.header_size = 30;
        assert_eq!(raw.check_constants(), Err(Status::WireProtocolVersionNotSupported));
        raw.version_minor = 0;
        assert_eq!(raw.check_constants(), Err(Status::InvalidHeader));
        raw.reserved = [0, 0];
        assert_eq!(raw.check_constants(), Ok(()));
    }
}
