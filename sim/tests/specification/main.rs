//! The second generator against `vectors.json`: frames of the published interface library, byte for byte.

mod values;

use parsecd_sim::specification::choices::Choices;
use parsecd_sim::specification::header::{AnswerHeader, LENGTH, RequestHeader};
use parsecd_sim::specification::{body_says, numbers, odd, operations, requests, wrong_body};
use parsecd_wire::{Opcode, Operation};
use serde_json::Value;
use std::collections::BTreeSet;

fn vectors(kind: &str) -> Vec<Value> {
    let document: Value =
        serde_json::from_str(include_str!("../../../wire/tests/vectors.json")).expect("vectors are JSON");
    let valid = document["valid"].as_array().expect("valid vectors");
    valid.iter().filter(|vector| vector["kind"] == kind).cloned().collect()
}

fn header_of(vector: &Value, name: &str) -> u64 {
    vector["header"][name].as_u64().unwrap_or_else(|| panic!("{name} in {}", vector["name"]))
}

#[test]
fn every_request_is_encoded_byte_for_byte() {
    let requests = vectors("request");
    assert_eq!(requests.len(), 55);
    for vector in requests {
        let body = operations::body(&values::operation(&vector)).encode();
        let authentication = values::hex(&vector["auth_hex"]);
        let header = RequestHeader {
            flags: header_of(&vector, "flags") as u16,
            provider: header_of(&vector, "provider") as u8,
            session: header_of(&vector, "session"),
            authentication_type: header_of(&vector, "auth_type") as u8,
            body_length: body.len() as u32,
            authentication_length: authentication.len() as u16,
            opcode: numbers::opcode(values::operation(&vector).opcode()),
            status: 0,
        };
        let frame = [header.bytes().to_vec(), body, authentication].concat();
        assert_eq!(frame, values::hex(&vector["hex"]), "{}", vector["name"]);
    }
}

#[test]
fn every_answer_is_read_as_what_it_says() {
    let answers = vectors("response");
    assert_eq!(answers.len(), 35);
    for vector in answers {
        let name = &vector["name"];
        let frame = values::hex(&vector["hex"]);
        let (header, body) = frame.split_first_chunk::<LENGTH>().expect("a header");
        let header = AnswerHeader::read(header).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(u64::from(header.provider), header_of(&vector, "provider"), "{name}");
        assert_eq!(u64::from(header.opcode), header_of(&vector, "opcode"), "{name}");
        assert_eq!(header.session, header_of(&vector, "session"), "{name}");
        assert_eq!(header.body_length as usize, body.len(), "{name}");
        let status = numbers::status(values::status(&vector["status_name"]));
        assert_eq!(header.status, status, "{name}");
        if status == 0 {
            let read = body_says(values::reply(&vector).opcode(), body, &values::reply(&vector));
            read.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn a_body_with_one_byte_more_or_less_is_not_read() {
    for vector in vectors("response") {
        let frame = values::hex(&vector["hex"]);
        let body = &frame[LENGTH..];
        if vector["status_name"] == "Success" {
            let reply = values::reply(&vector);
            let opcode = reply.opcode();
            for more in [0_u8, 1, 8, 10, 0x7F, 0xFF] {
                assert!(body_says(opcode, &[body, &[more]].concat(), &reply).is_err(), "{}", vector["name"]);
            }
            for length in 0..body.len() {
                assert!(body_says(opcode, &body[..length], &reply).is_err(), "{}", vector["name"]);
            }
        }
    }
}

#[test]
fn however_odd_a_request_is_it_means_the_same() {
    for vector in vectors("request") {
        let operation = values::operation(&vector);
        for seed in 1..2000 {
            let mut body = operations::body(&operation);
            if seed % 2 == 0 {
                operations::leave_implied_flags_away(&mut body);
            }
            let bytes = odd::encode(&body, &mut Choices::new(seed), 4096);
            let decoded = Operation::decode(operation.opcode(), &bytes[..]);
            assert_eq!(decoded.as_ref(), Ok(&operation), "{} {seed}: {bytes:02x?}", vector["name"]);
        }
    }
}

#[test]
fn every_operation_has_a_number_of_its_own() {
    let numbers: Vec<u32> = Opcode::ALL.into_iter().map(numbers::opcode).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), numbers.len());
}

#[test]
fn however_wrong_a_body_is_it_is_refused_as_the_specification_says() {
    for vector in vectors("request") {
        let operation = values::operation(&vector);
        let body = operations::body(&operation);
        for seed in 1..1000 {
            let mut choices = Choices::new(seed);
            let undecodable = wrong_body::undecodable(&body, &mut choices);
            let inconvertible = wrong_body::inconvertible(&body, &mut choices, 4096);
            let wrong = [(Some(undecodable), 7), (inconvertible, 16)];
            for (bytes, status) in wrong.into_iter().filter_map(|(bytes, status)| Some((bytes?, status))) {
                let decoded = Operation::decode(operation.opcode(), &bytes[..]);
                let refused = decoded.map_err(|error| numbers::status(error.status()));
                assert_eq!(refused, Err(status), "{} {seed}: {bytes:02x?}", vector["name"]);
            }
        }
    }
}

#[test]
fn every_operation_is_made_and_means_the_same_encoded_oddly() {
    let mut made = BTreeSet::new();
    for seed in 1..20_000 {
        let mut choices = Choices::new(seed);
        let operation = requests::any("a key", &mut choices);
        let bytes = odd::encode(&operations::body(&operation), &mut choices, 4096);
        let decoded = Operation::decode(operation.opcode(), &bytes[..]);
        assert_eq!(decoded.as_ref(), Ok(&operation), "{seed}: {bytes:02x?}");
        made.insert(numbers::opcode(operation.opcode()));
    }
    assert_eq!(made.len(), Opcode::ALL.len());
}
