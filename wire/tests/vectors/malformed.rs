//! Malformed frames: what the header and the body alone decide.

use super::{number, text, unhex, vectors};
use parsecd_wire::header::{HEADER_PREFIX_LENGTH, RawHeader, check_magic, check_size};
use parsecd_wire::{Operation, ResponseHeader, Status};
use serde_json::Value;

fn frame(vector: &Value) -> Vec<u8> {
    let mut frame = unhex(text(&vector["hex"]));
    if let Some(repeat) = vector["then_repeat"].as_object() {
        let byte = unhex(text(&repeat["byte_hex"]))[0];
        frame.resize(frame.len() + number::<usize>(&repeat["count"]), byte);
    }
    assert_eq!(frame.len(), number::<usize>(&vector["total_len"]));
    frame
}

/// Steps 1 to 9 and 14 of the pipeline (wire-protocol.md 4) over a frame after which nothing comes. The
/// steps between need a service and are passed over.
fn judge(frame: &[u8], body_length_limit: u32) -> Status {
    pipeline(frame, body_length_limit).err().unwrap_or(Status::Success)
}

fn pipeline(frame: &[u8], body_length_limit: u32) -> Result<(), Status> {
    let magic = frame.first_chunk::<4>().ok_or(Status::ConnectionError)?;
    check_magic(u32::from_le_bytes(*magic))?;
    let prefix = frame.first_chunk::<HEADER_PREFIX_LENGTH>().ok_or(Status::ConnectionError)?;
    let header_size = u16::from_le_bytes([prefix[4], prefix[5]]);
    if frame.len() - prefix.len() < usize::from(header_size) {
        return Err(Status::ConnectionError);
    }
    check_size(header_size)?;
    let (header, rest) = frame.split_first_chunk().ok_or(Status::ConnectionError)?;
    let header = RawHeader::from_bytes(header);
    header.check_version()?;
    header.check_reserved()?;
    if header.body_length > body_length_limit {
        return Err(Status::BodySizeExceedsLimit);
    }
    let (body, rest) = rest.split_at_checked(header.body_length as usize).ok_or(Status::ConnectionError)?;
    rest.get(..usize::from(header.authentication_length)).ok_or(Status::ConnectionError)?;
    let header = header.convert()?;
    Operation::decode(header.opcode, body).map_err(|error| error.status())?;
    Ok(())
}

#[test]
fn malformed_frames_get_the_status_of_the_reference() {
    let mut judged = 0;
    for vector in vectors("malformed") {
        let name = text(&vector["name"]);
        let expected = Status::from_number(number(&vector["expected"]["status"])).expect("a status");
        let needs_a_service = matches!(
            expected,
            Status::ProviderNotRegistered
                | Status::AuthenticationError
                | Status::AuthenticatorNotRegistered
                | Status::NotAuthenticated
                | Status::AdminOperation
                | Status::PsaErrorNotSupported
        );
        if needs_a_service {
            continue;
        }
        assert_eq!(judge(&frame(&vector), 1_048_576), expected, "{name}");
        judged += 1;
    }
    assert_eq!(judged, 76);
}

#[test]
fn the_answers_of_the_reference_are_read_and_written_byte_for_byte() {
    let mut count = 0;
    for vector in vectors("malformed") {
        let name = text(&vector["name"]);
        // The order of ListOpcodes is unspecified, so its answer was not recorded.
        if vector["expected"]["response_hex"].is_null() {
            assert_eq!(name, "listopcodes_provider_u64_truncated");
            continue;
        }
        let response = unhex(text(&vector["expected"]["response_hex"]));
        let header = ResponseHeader::from_bytes(response.first_chunk().expect("a header"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(header.status.number(), number::<u16>(&vector["expected"]["status"]), "{name}");
        assert_eq!(header.provider.number(), number::<u8>(&vector["expected"]["provider"]), "{name}");
        assert_eq!(header.opcode.number(), number::<u32>(&vector["expected"]["opcode"]), "{name}");
        assert_eq!(header.session, number::<u64>(&vector["expected"]["session"]), "{name}");
        assert_eq!(header.to_bytes(), response[..36], "{name}");
        if header.status != Status::Success {
            assert_eq!(response.len(), 36, "{name}");
        }
        count += 1;
    }
    assert_eq!(count, 90);
}
