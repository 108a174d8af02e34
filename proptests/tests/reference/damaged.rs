//! Bodies that are damaged: both sides read the same value, or refuse with the same status.

use super::{common_opcodes, opcode, requests, results, status};
use parsec_interface::operations::Convert;
use parsec_interface::operations_protobuf::ProtobufConverter;
use parsec_interface::requests::{Request, Response};
use parsecd_proptests::operations::operation;
use parsecd_proptests::replies::reply;
use parsecd_wire::{
    AuthenticationType, Opcode, Operation, ProviderId, Reply, RequestHeader, ResponseHeader, Status,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What happens to a body on its way.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte gets another value.
    Replace(Index, u8),
    /// The end is missing.
    Truncate(Index),
    /// Bytes come in between.
    Insert(Index, Vec<u8>),
    /// A part comes twice.
    Repeat(Index, Index),
    /// A part is missing.
    Remove(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        1 => index().prop_map(Damage::Truncate),
        2 => (index(), vec(any::<u8>(), 1..=12)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (index(), index()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        1 => (index(), index()).prop_map(|(from, to)| Damage::Remove(from, to)),
    ]
}

fn apply(body: &mut Vec<u8>, damage: Damage) {
    let within = |body: &Vec<u8>, index: Index| index.index(body.len() + 1);
    let range = |body: &Vec<u8>, from: Index, to: Index| {
        let (from, to) = (within(body, from), within(body, to));
        from.min(to)..from.max(to)
    };
    match damage {
        Damage::Replace(at, byte) => {
            if let Some(place) = {
                let at = within(body, at);
                body.get_mut(at)
            } {
                *place = byte;
            }
        }
        Damage::Truncate(at) => body.truncate(within(body, at)),
        Damage::Insert(at, bytes) => {
            let at = within(body, at);
            body.splice(at..at, bytes);
        }
        Damage::Repeat(from, to) => {
            let part = range(body, from, to);
            body.extend_from_within(part);
        }
        Damage::Remove(from, to) => {
            body.drain(range(body, from, to));
        }
    }
}

/// What the reference makes of a request's body.
fn reference_request(request: Opcode, body: &[u8]) -> Result<Operation, Status> {
    let header = RequestHeader {
        flags: 0,
        provider: ProviderId::Core,
        session: 0,
        authentication_type: AuthenticationType::None,
        body_length: body.len().try_into().expect("a short body"),
        authentication_length: 0,
        opcode: request,
    };
    let frame = [&header.to_bytes()[..], body].concat();
    let read = Request::read_from_stream(&mut &frame[..], usize::MAX).expect("the header is good");
    let operation = ProtobufConverter.body_to_operation(read.body, opcode(request));
    operation.map(requests::from_reference).map_err(status)
}

/// What the reference makes of an answer's body.
fn reference_reply(request: Opcode, body: &[u8]) -> Result<Reply, Status> {
    let header = ResponseHeader {
        opcode: request,
        body_length: body.len().try_into().expect("a short body"),
        ..ResponseHeader::anonymous(Status::Success)
    };
    let frame = [&header.to_bytes()[..], body].concat();
    let read = Response::read_from_stream(&mut &frame[..], usize::MAX).expect("the header is good");
    let result = ProtobufConverter.body_to_result(read.body, opcode(request));
    result.map(results::from_reference).map_err(status)
}

fn our_request(request: Opcode, body: &[u8]) -> Result<Operation, Status> {
    Operation::decode(request, body).map_err(|error| error.status())
}

fn our_reply(request: Opcode, body: &[u8]) -> Result<Reply, Status> {
    Reply::decode(request, body).map_err(|error| error.status())
}

fn any_common_opcode() -> impl Strategy<Value = Opcode> {
    select(common_opcodes().collect::<Vec<_>>())
}

fn damaged(body: &[u8], damages: Vec<Damage>) -> Vec<u8> {
    let mut body = body.to_vec();
    for damage in damages {
        apply(&mut body, damage);
    }
    body
}

fn damaged_request() -> impl Strategy<Value = (Opcode, Vec<u8>)> {
    (any_common_opcode().prop_flat_map(operation), vec(damage(), 1..=3))
        .prop_map(|(operation, damages)| (operation.opcode(), damaged(operation.encode().expose(), damages)))
}

/// Any answer but that of ListOpcodes: there we keep opcodes that the reference refuses, so that a client
/// can show what a newer service lists.
fn damaged_reply() -> impl Strategy<Value = (Opcode, Vec<u8>)> {
    let answers = any_common_opcode().prop_filter("kept opcodes", |opcode| *opcode != Opcode::ListOpcodes);
    (answers.prop_flat_map(reply), vec(damage(), 1..=3))
        .prop_map(|(reply, damages)| (reply.opcode(), damaged(reply.encode().expose(), damages)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn damaged_requests_are_judged_alike((request, body) in damaged_request()) {
        prop_assert_eq!(our_request(request, &body), reference_request(request, &body));
    }

    #[test]
    fn damaged_results_are_judged_alike((request, body) in damaged_reply()) {
        prop_assert_eq!(our_reply(request, &body), reference_reply(request, &body));
    }

    #[test]
    fn random_bytes_are_judged_alike(
        request in any_common_opcode(),
        body in vec(any::<u8>(), 0..=24),
    ) {
        prop_assert_eq!(our_request(request, &body), reference_request(request, &body));
    }
}
