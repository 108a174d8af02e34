//! Frames with exactly one fault, made from a good one by hand (wire-protocol.md 5).

use crate::call::{Auth, Call, Meaning};
use crate::random::{Domain, Random};
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{Opcode, ProviderId, Status};

/// A way to spoil a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoil {
    Magic,
    SizeShort,
    SizeLong,
    Version,
    Reserved,
    TooLong,
    ContentType,
    AcceptType,
    AuthenticationType,
    Opcode,
    Provider,
    NotRegistered,
    Unconfigured,
    EmptyName,
    WrongUid,
    WrongProvider,
    Garbage,
    SecondFrame,
    FlagsAndStatus,
}

const ALL: [Spoil; 19] = [
    Spoil::Magic,
    Spoil::SizeShort,
    Spoil::SizeLong,
    Spoil::Version,
    Spoil::Reserved,
    Spoil::TooLong,
    Spoil::ContentType,
    Spoil::AcceptType,
    Spoil::AuthenticationType,
    Spoil::Opcode,
    Spoil::Provider,
    Spoil::NotRegistered,
    Spoil::Unconfigured,
    Spoil::EmptyName,
    Spoil::WrongUid,
    Spoil::WrongProvider,
    Spoil::Garbage,
    Spoil::SecondFrame,
    Spoil::FlagsAndStatus,
];

/// Spoils `call` in one way, where bodies may be this long. Its meaning becomes what it must be told.
pub fn spoil(call: &mut Call, auth: &Auth, body_length: u32, random: &mut Random) {
    let way = *random.pick(Domain::Workload, &ALL);
    let bytes = &mut call.bytes;
    let body_end = HEADER_LENGTH + u32::from_le_bytes([bytes[22], bytes[23], bytes[24], bytes[25]]) as usize;
    let anonymous = Meaning::Anonymous;
    match way {
        Spoil::Magic => {
            bytes[random.between(Domain::Workload, 0, 3) as usize] ^= 0x40;
            call.meaning = anonymous(Status::InvalidHeader);
        }
        Spoil::SizeShort => {
            bytes[4] = 29;
            call.meaning = anonymous(Status::InvalidHeader);
        }
        Spoil::SizeLong => {
            bytes[4] = 31;
            bytes.push(0);
            call.meaning = anonymous(Status::InvalidHeader);
        }
        Spoil::Version => {
            bytes[*random.pick(Domain::Workload, &[6, 7])] = 2;
            call.meaning = anonymous(Status::WireProtocolVersionNotSupported);
        }
        Spoil::Reserved => {
            bytes[*random.pick(Domain::Workload, &[34, 35])] = 1;
            call.meaning = anonymous(Status::InvalidHeader);
        }
        Spoil::TooLong => {
            bytes[22..26].copy_from_slice(
                random.pick(Domain::Workload, &[body_length + 1, u32::MAX]).to_le_bytes().as_slice(),
            );
            call.meaning = anonymous(Status::BodySizeExceedsLimit);
        }
        Spoil::ContentType => {
            bytes[19] = 1;
            call.meaning = anonymous(Status::ContentTypeNotSupported);
        }
        Spoil::AcceptType => {
            bytes[20] = 255;
            call.meaning = anonymous(Status::AcceptTypeNotSupported);
        }
        Spoil::AuthenticationType => {
            bytes[21] = 5;
            call.meaning = anonymous(Status::AuthenticatorDoesNotExist);
        }
        Spoil::Opcode => {
            let opcode = *random.pick(Domain::Workload, &[0, 0x1D, 0x21, u32::MAX]);
            bytes[28..32].copy_from_slice(&opcode.to_le_bytes());
            call.meaning = anonymous(Status::OpcodeDoesNotExist);
        }
        Spoil::Provider => {
            bytes[10] = 6;
            call.meaning = anonymous(Status::ProviderDoesNotExist);
        }
        Spoil::NotRegistered => {
            bytes[21] = 2;
            call.meaning = Meaning::Fixed(Status::AuthenticatorNotRegistered);
        }
        Spoil::Unconfigured => {
            bytes[10] = ProviderId::Tpm.number();
            call.provider = ProviderId::Tpm;
            call.meaning = Meaning::Fixed(Status::ProviderNotRegistered);
        }
        Spoil::EmptyName | Spoil::WrongUid => {
            bytes.truncate(body_end);
            let (number, payload): (u8, &[u8]) = match way {
                Spoil::EmptyName => (1, &[]),
                _ => (3, &[1, 0, 0, 0]),
            };
            bytes[21] = number;
            bytes[26..28].copy_from_slice(&(payload.len() as u16).to_le_bytes());
            bytes.extend_from_slice(payload);
            call.meaning = Meaning::Fixed(Status::AuthenticationError);
        }
        Spoil::WrongProvider => {
            let (opcode, provider) = match call.opcode.is_core() {
                true => (Opcode::Ping, ProviderId::Pkcs11),
                false => (call.opcode, ProviderId::Core),
            };
            bytes[28..32].copy_from_slice(&opcode.number().to_le_bytes());
            bytes[10] = provider.number();
            (call.opcode, call.provider) = (opcode, provider);
            call.meaning = Meaning::Fixed(Status::PsaErrorNotSupported);
        }
        Spoil::Garbage => {
            let authentication = bytes.split_off(body_end);
            bytes.truncate(HEADER_LENGTH);
            let garbage: [u8; 3] = [0x0A, 0x7F, 1];
            bytes.extend_from_slice(&garbage);
            bytes.extend_from_slice(&authentication);
            bytes[22..26].copy_from_slice(&3_u32.to_le_bytes());
            call.meaning = Meaning::Fixed(Status::DeserializingBodyFailed);
        }
        Spoil::SecondFrame => {
            let second = bytes.clone();
            call.length = bytes.len();
            bytes.extend_from_slice(&second);
            return;
        }
        Spoil::FlagsAndStatus => {
            bytes[8] = 0xFE;
            bytes[9] = 0xFF;
            bytes[32] = 0xFF;
        }
    }
    call.length = call.bytes.len();
    let _ = auth;
}
