//! The 36 bytes in front of requests and answers (wire-protocol.md 1, 2 and 6).

/// First bytes of everything.
pub const MAGIC: [u8; 4] = [0x10, 0xA7, 0xC0, 0x5E];
/// Bytes of a header.
pub const LENGTH: usize = 36;

/// Where fields begin.
pub mod at {
    /// Bytes that follow this field.
    pub const HEADER_SIZE: usize = 4;
    /// Major, then minor.
    pub const VERSION: usize = 6;
    /// Bit 0 keeps the connection (decisions.md 6).
    pub const FLAGS: usize = 8;
    /// Who is to do it.
    pub const PROVIDER: usize = 10;
    /// Echoed.
    pub const SESSION: usize = 11;
    /// Encoding of the body.
    pub const CONTENT_TYPE: usize = 19;
    /// Encoding of the body of the answer.
    pub const ACCEPT_TYPE: usize = 20;
    /// Who shows how who asks.
    pub const AUTHENTICATION_TYPE: usize = 21;
    /// Bytes of the body.
    pub const BODY_LENGTH: usize = 22;
    /// Bytes of the authentication.
    pub const AUTHENTICATION_LENGTH: usize = 26;
    /// What is asked.
    pub const OPCODE: usize = 28;
    /// Of answers.
    pub const STATUS: usize = 32;
    /// Two bytes that are 0.
    pub const RESERVED: usize = 34;
}

/// What a client may choose in the header of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestHeader {
    /// Any value is accepted.
    pub flags: u16,
    /// See `numbers`.
    pub provider: u8,
    /// Any value is accepted.
    pub session: u64,
    /// See `numbers`.
    pub authentication_type: u8,
    /// Bytes of the body.
    pub body_length: u32,
    /// Bytes of the authentication.
    pub authentication_length: u16,
    /// See `numbers`.
    pub opcode: u32,
    /// Any value is accepted.
    pub status: u16,
}

impl RequestHeader {
    /// As it is sent.
    pub fn bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let mut put = |from: usize, value: &[u8]| bytes[from..from + value.len()].copy_from_slice(value);
        put(0, &MAGIC);
        put(at::HEADER_SIZE, &30_u16.to_le_bytes());
        put(at::VERSION, &[1, 0]);
        put(at::FLAGS, &self.flags.to_le_bytes());
        put(at::PROVIDER, &[self.provider]);
        put(at::SESSION, &self.session.to_le_bytes());
        put(at::AUTHENTICATION_TYPE, &[self.authentication_type]);
        put(at::BODY_LENGTH, &self.body_length.to_le_bytes());
        put(at::AUTHENTICATION_LENGTH, &self.authentication_length.to_le_bytes());
        put(at::OPCODE, &self.opcode.to_le_bytes());
        put(at::STATUS, &self.status.to_le_bytes());
        bytes
    }
}

/// What the header of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerHeader {
    /// Bit 0: the connection stays.
    pub flags: u16,
    /// Echo, or 0.
    pub provider: u8,
    /// Echo, or 0.
    pub session: u64,
    /// Bytes of the body.
    pub body_length: u32,
    /// Echo, or 1.
    pub opcode: u32,
    /// See `numbers`.
    pub status: u16,
}

impl AnswerHeader {
    /// Reads what may be said; everything else has to be what it always is.
    pub fn read(bytes: &[u8; LENGTH]) -> Result<AnswerHeader, &'static str> {
        let two = |from: usize| u16::from_le_bytes([bytes[from], bytes[from + 1]]);
        let four = |from: usize| u32::from(two(from)) | u32::from(two(from + 2)) << 16;
        let eight = |from: usize| u64::from(four(from)) | u64::from(four(from + 4)) << 32;
        let constant = bytes[..4] == MAGIC
            && two(at::HEADER_SIZE) == 30
            && bytes[at::VERSION] == 1
            && bytes[at::VERSION + 1] == 0
            && two(at::RESERVED) == 0;
        let encoding = [at::CONTENT_TYPE, at::ACCEPT_TYPE].iter().all(|at| bytes[*at] == 0);
        let shown = bytes[at::AUTHENTICATION_TYPE] != 0 || two(at::AUTHENTICATION_LENGTH) != 0;
        let header = AnswerHeader {
            flags: two(at::FLAGS),
            provider: bytes[at::PROVIDER],
            session: eight(at::SESSION),
            body_length: four(at::BODY_LENGTH),
            opcode: four(at::OPCODE),
            status: two(at::STATUS),
        };
        match () {
            () if !constant => Err("what is constant in a header is not"),
            () if !encoding => Err("an encoding that there is not"),
            () if shown => Err("an answer with an authentication"),
            () if header.flags > 1 => Err("flags that there are not"),
            () if header.status != 0 && header.body_length != 0 => Err("a failure with a body"),
            () => Ok(header),
        }
    }
}
