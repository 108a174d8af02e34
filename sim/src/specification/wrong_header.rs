//! Frames that go wrong in steps 1 to 9 of the pipeline, or never become whole (wire-protocol.md 4 and 5).

use super::choices::Choices;
use super::header::{LENGTH, MAGIC, at};
use parsecd_wire::Status;

/// What a client sends instead of a request.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// All it sends.
    pub bytes: Vec<u8>,
    /// Where the daemon must know enough to answer; past the end if it never does.
    pub length: usize,
    /// What it is told; `None`: 15, once it has waited for the rest.
    pub told: Option<Status>,
}

/// Bytes between the field that counts them and the end of the header.
const COUNTED: usize = 30;

/// Makes a wrong frame of a right one; bodies of `longest` bytes are accepted.
pub fn spoil(mut bytes: Vec<u8>, longest: usize, choices: &mut Choices) -> Wrong {
    let told = match choices.below(9) {
        0 => return wrong_magic(bytes, choices),
        1 => return wrong_size(bytes, choices),
        2 => return cut_short(bytes, longest, choices),
        3 => wrong_version(&mut bytes, longest, choices),
        4 => {
            reserve(&mut bytes, choices);
            if choices.one_in(4) {
                announce(&mut bytes, longest as u64 + 1);
            }
            Status::InvalidHeader
        }
        5 => {
            too_long(&mut bytes, longest, choices);
            Status::BodySizeExceedsLimit
        }
        _ => unknown(&mut bytes, choices),
    };
    Wrong { length: bytes.len(), bytes, told: Some(told) }
}

fn wrong_magic(mut bytes: Vec<u8>, choices: &mut Choices) -> Wrong {
    match choices.below(3) {
        0 => bytes[..MAGIC.len()].reverse(),
        1 => bytes[..MAGIC.len()].fill(0),
        _ => bytes[choices.below(4) as usize] ^= 1 << choices.below(8),
    }
    if choices.one_in(2) {
        bytes.truncate(MAGIC.len());
    }
    Wrong { length: bytes.len(), bytes, told: Some(Status::InvalidHeader) }
}

/// A header that says that it is longer or shorter than it may be. What it announces is read, then refused.
fn wrong_size(mut bytes: Vec<u8>, choices: &mut Choices) -> Wrong {
    let size = match choices.below(8) {
        0 => 0,
        1 => COUNTED - 1,
        2 => COUNTED + 1,
        3 => 0x1E00,
        4 if choices.one_in(8) => 0xFFFF,
        _ => choices.below(200) as usize,
    };
    let size = if size == COUNTED { COUNTED + 2 } else { size };
    bytes[at::HEADER_SIZE..at::VERSION].copy_from_slice(&(size as u16).to_le_bytes());
    if choices.one_in(4) {
        bytes[at::VERSION] = choices.bits() as u8;
    }
    let length = at::VERSION + size;
    if size > COUNTED && choices.one_in(3) {
        bytes.truncate(LENGTH);
        return Wrong { bytes, length, told: None };
    }
    bytes.resize(length, 0);
    Wrong { bytes, length, told: Some(Status::InvalidHeader) }
}

fn wrong_version(bytes: &mut [u8], longest: usize, choices: &mut Choices) -> Status {
    let any = (choices.bits() as u8 | 2, choices.bits() as u8);
    let (major, minor) = [(0, 0), (1, 1), (2, 0), (0, 1), (1, 255), any][choices.below(6) as usize];
    bytes[at::VERSION..at::FLAGS].copy_from_slice(&[major, minor]);
    if choices.one_in(4) {
        reserve(bytes, choices);
    }
    if choices.one_in(4) {
        announce(bytes, longest as u64 + 1);
    }
    Status::WireProtocolVersionNotSupported
}

fn reserve(bytes: &mut [u8], choices: &mut Choices) {
    bytes[at::RESERVED + choices.below(2) as usize] = 1 << choices.below(8);
}

fn announce(bytes: &mut [u8], length: u64) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes[at::BODY_LENGTH..at::AUTHENTICATION_LENGTH].copy_from_slice(&length.to_le_bytes());
}

/// More body than is accepted, which may really be sent.
fn too_long(bytes: &mut Vec<u8>, longest: usize, choices: &mut Choices) {
    let length = match choices.below(4) {
        0 => u64::from(u32::MAX),
        1 => 1 << 31,
        _ => longest as u64 + 1,
    };
    announce(bytes, length);
    match choices.below(8) {
        0 => bytes.resize(LENGTH + longest + 1, 0),
        1..5 => bytes.truncate(LENGTH),
        _ => {}
    }
}

/// A header whose fields mean nothing, one or several: the first in this order is told.
fn unknown(bytes: &mut [u8], choices: &mut Choices) -> Status {
    let all = [
        Status::ContentTypeNotSupported,
        Status::AcceptTypeNotSupported,
        Status::AuthenticatorDoesNotExist,
        Status::OpcodeDoesNotExist,
        Status::ProviderDoesNotExist,
    ];
    let first = choices.below(all.len() as u64) as usize;
    for (step, status) in all.into_iter().enumerate().skip(first) {
        if step > first && choices.one_in(2) {
            continue;
        }
        let any = choices.below(256) as u8;
        match status {
            Status::ContentTypeNotSupported => bytes[at::CONTENT_TYPE] = any.max(1),
            Status::AcceptTypeNotSupported => bytes[at::ACCEPT_TYPE] = any.max(1),
            Status::AuthenticatorDoesNotExist => bytes[at::AUTHENTICATION_TYPE] = any.max(5),
            Status::ProviderDoesNotExist => bytes[at::PROVIDER] = any.max(6),
            _ => {
                let high = 1 << (8 + choices.below(24));
                let opcode = [0_u32, 0x1D, 0x21, high, high | 1, u32::MAX][choices.below(6) as usize];
                bytes[at::OPCODE..at::STATUS].copy_from_slice(&opcode.to_le_bytes());
            }
        }
    }
    all[first]
}

/// A frame of which a part never comes.
fn cut_short(mut bytes: Vec<u8>, longest: usize, choices: &mut Choices) -> Wrong {
    let whole = bytes.len();
    let word = |bytes: &[u8], from: usize| u16::from_le_bytes([bytes[from], bytes[from + 1]]);
    let length = match choices.below(3) {
        0 => {
            bytes.truncate(choices.below(LENGTH as u64) as usize);
            whole
        }
        1 => {
            let high = usize::from(word(&bytes, at::BODY_LENGTH + 2));
            let body = high << 16 | usize::from(word(&bytes, at::BODY_LENGTH));
            let more = longest.saturating_sub(body).min(1 + choices.below(300) as usize);
            announce(&mut bytes, (body + more) as u64);
            whole + more
        }
        _ => {
            let shown = word(&bytes, at::AUTHENTICATION_LENGTH);
            let more = (u16::MAX - shown).min(1 + choices.below(300) as u16);
            let from = at::AUTHENTICATION_LENGTH;
            bytes[from..from + 2].copy_from_slice(&(shown + more).to_le_bytes());
            whole + usize::from(more)
        }
    };
    match length > bytes.len() {
        true => Wrong { bytes, length, told: None },
        false => {
            bytes.truncate(whole - 1);
            Wrong { bytes, length: whole, told: None }
        }
    }
}
