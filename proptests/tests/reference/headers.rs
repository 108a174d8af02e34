//! Headers of any content: what the reference refuses we refuse with the same status.

use super::attributes::{from_authentication_type, from_provider};
use super::{opcode, status};
use parsec_interface::requests::{Request, Response};
use parsecd_wire::header::RawHeader;
use parsecd_wire::{Opcode, ResponseHeader, Status};
use proptest::prelude::*;

/// A field's good values, and now and then any other.
fn mostly<T: std::fmt::Debug + Clone>(
    good: impl Strategy<Value = T>,
    any: impl Strategy<Value = T>,
) -> impl Strategy<Value = T> {
    prop_oneof![12 => good, 1 => any]
}

/// Any header of a frame without body and authentication, each field mostly good.
fn raw_header() -> impl Strategy<Value = RawHeader> {
    let constants = (
        mostly(Just(0x5EC0_A710), any::<u32>()),
        mostly(Just(30), any::<u16>()),
        mostly(Just((1, 0)), (0..=2_u8, 0..=2_u8)),
        mostly(Just([0, 0]), any::<[u8; 2]>()),
    );
    let provider = mostly(0..=5_u8, any::<u8>());
    let types =
        (mostly(Just(0_u8), any::<u8>()), mostly(Just(0_u8), any::<u8>()), mostly(0..=4_u8, any::<u8>()));
    let opcode = mostly(0..=0x22_u32, any::<u32>());
    let status = mostly(prop_oneof![0..=23_u16, 1130..=1155_u16], any::<u16>());
    (constants, any::<u16>(), provider, any::<u64>(), types, opcode, status).prop_map(
        |(
            (magic, header_size, (version_major, version_minor), reserved),
            flags,
            provider,
            session,
            (content_type, accept_type, authentication_type),
            opcode,
            status,
        )| RawHeader {
            magic,
            header_size,
            version_major,
            version_minor,
            flags,
            provider,
            session,
            content_type,
            accept_type,
            authentication_type,
            body_length: 0,
            authentication_length: 0,
            opcode,
            status,
            reserved,
        },
    )
}

/// The frame: after a header that announces more, zeroes follow.
fn frame(raw: &RawHeader) -> Vec<u8> {
    let mut frame = raw.to_bytes().to_vec();
    frame.resize(frame.len().max(usize::from(raw.header_size) + 6), 0);
    frame
}

fn is_mac(number: u32) -> bool {
    [Opcode::PsaMacCompute, Opcode::PsaMacVerify].map(Opcode::number).contains(&number)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn request_headers_are_judged_alike(raw in raw_header()) {
        let ours = raw.check_constants().and_then(|()| raw.convert());
        match Request::read_from_stream(&mut &frame(&raw)[..], usize::MAX) {
            Ok(theirs) => {
                let header = ours.expect("we read it as well");
                prop_assert_eq!(header.provider, from_provider(theirs.header.provider));
                prop_assert_eq!(header.session, theirs.header.session);
                let authentication_type = from_authentication_type(theirs.header.auth_type);
                prop_assert_eq!(header.authentication_type, authentication_type);
                prop_assert_eq!(opcode(header.opcode), theirs.header.opcode);
            }
            Err(theirs) if is_mac(raw.opcode) && status(theirs) == Status::OpcodeDoesNotExist => {
                // Ours goes on and may find the last field, the provider, unknown.
                match ours {
                    Ok(header) => prop_assert_eq!(header.opcode.number(), raw.opcode),
                    Err(ours) => prop_assert_eq!(ours, Status::ProviderDoesNotExist),
                }
            }
            Err(theirs) => prop_assert_eq!(ours.err(), Some(status(theirs))),
        }
    }

    #[test]
    fn response_headers_are_judged_alike(raw in raw_header()) {
        let ours = ResponseHeader::from_bytes(&raw.to_bytes());
        match Response::read_from_stream(&mut &frame(&raw)[..], usize::MAX) {
            Ok(theirs) => {
                let header = ours.expect("we read it as well");
                prop_assert_eq!(header.provider, from_provider(theirs.header.provider));
                prop_assert_eq!(header.session, theirs.header.session);
                prop_assert_eq!(opcode(header.opcode), theirs.header.opcode);
                prop_assert_eq!(header.status, status(theirs.header.status));
            }
            Err(theirs) if is_mac(raw.opcode) && status(theirs) == Status::OpcodeDoesNotExist => {}
            // Where several fields are bad we name the status first, the reference names it last.
            Err(_) => prop_assert!(ours.is_err()),
        }
    }
}
