//! Frames recorded from the reference implementation, byte for byte (wire-protocol.md 5).
//!
//! `vectors.json` holds valid frames with the values in them, and malformed frames with the reference's
//! answers. The values are read from JSON by a mapping of its own, which names fields as the protocol does.

mod attributes;
mod malformed;
mod operations;
mod replies;

use parsecd_wire::header::{HEADER_LENGTH, RawHeader};
use parsecd_wire::{
    AuthenticationType, Opcode, Operation, ProviderId, Reply, RequestHeader, ResponseHeader, Status,
};
use serde_json::Value;

/// The list `kind` of the vectors: *valid* or *malformed*.
fn vectors(kind: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(include_str!("../vectors.json")).expect("vectors are JSON");
    let list = document[kind].as_array().expect("vectors are a list").clone();
    assert_eq!(Some(list.len() as u64), document["counts"][kind].as_u64());
    list
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&text[start..start + 2], 16).expect("hexadecimal digits"))
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is a string"))
}

/// A number whose absence means 0.
fn number<T: TryFrom<u64>>(value: &Value) -> T {
    let number = if value.is_null() { 0 } else { value.as_u64().expect("an unsigned number") };
    T::try_from(number).unwrap_or_else(|_| panic!("{number} is out of range"))
}

/// A text whose absence means empty.
fn string(value: &Value) -> String {
    if value.is_null() { String::new() } else { text(value).to_owned() }
}

/// Bytes whose absence means none.
fn bytes(value: &Value) -> Vec<u8> {
    if value.is_null() { Vec::new() } else { unhex(text(&value["hex"])) }
}

fn raw_header(header: &Value) -> RawHeader {
    let version: Vec<u8> =
        text(&header["version"]).split('.').map(|part| part.parse().expect("a number")).collect();
    RawHeader {
        magic: u32::from_str_radix(text(&header["magic"]).trim_start_matches("0x"), 16).expect("a number"),
        header_size: number(&header["header_size"]),
        version_major: version[0],
        version_minor: version[1],
        flags: number(&header["flags"]),
        provider: number(&header["provider"]),
        session: number(&header["session"]),
        content_type: number(&header["content_type"]),
        accept_type: number(&header["accept_type"]),
        authentication_type: number(&header["auth_type"]),
        body_length: number(&header["body_len"]),
        authentication_length: number(&header["auth_len"]),
        opcode: number(&header["opcode"]),
        status: number(&header["status"]),
        reserved: [number(&header["reserved"][0]), number(&header["reserved"][1])],
    }
}

/// Header, body and authentication of a whole frame; nothing may be left over.
fn split(frame: &[u8]) -> (RawHeader, &[u8], &[u8]) {
    let (header, rest) = frame.split_first_chunk::<HEADER_LENGTH>().expect("a frame has a header");
    let header = RawHeader::from_bytes(header);
    let (body, authentication) = rest.split_at(header.body_length as usize);
    assert_eq!(authentication.len(), usize::from(header.authentication_length));
    (header, body, authentication)
}

#[test]
fn every_valid_request_decodes_to_its_values_and_encodes_to_its_bytes() {
    let mut count = 0;
    for vector in vectors("valid").iter().filter(|vector| vector["kind"] == "request") {
        let name = text(&vector["name"]);
        let frame = unhex(text(&vector["hex"]));
        let (raw, body, authentication) = split(&frame);
        assert_eq!(raw, raw_header(&vector["header"]), "{name}");
        assert_eq!(raw.check_constants(), Ok(()), "{name}");
        let header = raw.convert().unwrap_or_else(|status| panic!("{name}: {status:?}"));
        let opcode = operations::opcode(text(&vector["operation"]));
        let expected_header = RequestHeader {
            flags: raw.flags,
            provider: ProviderId::from_number(raw.provider).expect("a provider"),
            session: raw.session,
            authentication_type: AuthenticationType::from_number(raw.authentication_type).expect("a type"),
            body_length: raw.body_length,
            authentication_length: raw.authentication_length,
            opcode,
        };
        assert_eq!(header, expected_header, "{name}");
        assert_eq!(authentication, unhex(text(&vector["auth_hex"])), "{name}");

        let expected = operations::from_json(opcode, &vector["body"]);
        let operation =
            Operation::decode(header.opcode, body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(operation, expected, "{name}");
        assert_eq!(operation.opcode(), opcode, "{name}");

        let encoded = [&header.to_bytes(), operation.encode().expose(), authentication].concat();
        assert_eq!(encoded, frame, "{name}");
        count += 1;
    }
    assert_eq!(count, 55);
}

#[test]
fn every_valid_response_decodes_to_its_values_and_encodes_to_its_bytes() {
    let mut count = 0;
    for vector in vectors("valid").iter().filter(|vector| vector["kind"] == "response") {
        let name = text(&vector["name"]);
        let frame = unhex(text(&vector["hex"]));
        let (raw, body, authentication) = split(&frame);
        assert_eq!(raw, raw_header(&vector["header"]), "{name}");
        assert!(authentication.is_empty(), "{name}");
        let header = ResponseHeader::from_bytes(frame.first_chunk().expect("a header"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let opcode = operations::opcode(text(&vector["operation"]));
        let expected_header = ResponseHeader {
            flags: raw.flags,
            provider: ProviderId::from_number(raw.provider).expect("a provider"),
            session: raw.session,
            opcode,
            status: replies::status(text(&vector["status_name"])),
            body_length: raw.body_length,
        };
        assert_eq!(header, expected_header, "{name}");

        let encoded_body = if header.status == Status::Success {
            let reply = Reply::decode(header.opcode, body).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(reply, replies::from_json(opcode, &vector["body"]), "{name}");
            assert_eq!(reply.opcode(), opcode, "{name}");
            reply.encode()
        } else {
            assert!(body.is_empty(), "{name}");
            Default::default()
        };
        assert_eq!([&header.to_bytes(), encoded_body.expose()].concat(), frame, "{name}");
        count += 1;
    }
    assert_eq!(count, 35);
}

#[test]
fn the_valid_vectors_cover_every_operation_that_the_reference_serves() {
    let covered: Vec<Opcode> = vectors("valid")
        .iter()
        .filter(|vector| vector["kind"] == "request")
        .map(|vector| operations::opcode(text(&vector["operation"])))
        .collect();
    let missing: Vec<Opcode> = Opcode::ALL.into_iter().filter(|opcode| !covered.contains(opcode)).collect();
    assert_eq!(missing, [Opcode::PsaMacCompute, Opcode::PsaMacVerify]);
}
