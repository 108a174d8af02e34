//! A second generator of requests and reader of answers, written from the specification and not from `wire`:
//! a number that is wrong there in both directions is not wrong here. Of `wire` it takes the names of things
//! only (types and their variants), never a number, a length or an encoding.

pub mod algorithm;
pub mod attributes;
pub mod authentication;
pub mod choices;
pub mod header;
pub mod numbers;
pub mod odd;
pub mod operations;
pub mod policy;
pub mod protobuf;
pub mod requests;
pub mod results;
pub mod wrong_body;
pub mod wrong_header;
pub mod wrong_request;

use crate::call::Auth;
use choices::Choices;
use header::{AnswerHeader, RequestHeader};
use parsecd_wire::{Opcode, Operation, ProviderId, Reply, ResponseHeader};

/// How requests are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// 0: as every encoder does; else as odd as this says.
    pub oddness: u64,
    /// Longest body that is accepted.
    pub longest: usize,
}

impl Encoding {
    /// A whole request.
    pub fn frame(&self, operation: &Operation, provider: ProviderId, session: u64, auth: &Auth) -> Vec<u8> {
        let (authentication_type, mut authentication) = authentication::encoded(auth);
        let mut header = RequestHeader {
            provider: numbers::provider(provider),
            session,
            authentication_type,
            opcode: numbers::opcode(operation.opcode()),
            ..RequestHeader::default()
        };
        let body = if self.oddness == 0 {
            operations::body(operation).encode()
        } else {
            let mut choices = Choices::new(self.oddness);
            if choices.one_in(4) {
                (header.flags, header.status) = (choices.bits() as u16 & !1, choices.bits() as u16);
            }
            if authentication_type == 0 && choices.one_in(8) {
                authentication = vec![choices.bits() as u8; choices.below(40) as usize];
            }
            let mut body = operations::body(operation);
            if choices.one_in(2) {
                operations::leave_implied_flags_away(&mut body);
            }
            odd::encode(&body, &mut choices, self.longest)
        };
        assemble(header, &body, &authentication)
    }
}

/// A whole request; its header says how long the rest is.
pub fn assemble(mut header: RequestHeader, body: &[u8], authentication: &[u8]) -> Vec<u8> {
    header.body_length = body.len() as u32;
    header.authentication_length = authentication.len() as u16;
    [&header.bytes()[..], body, authentication].concat()
}

/// Whether an answer's header says what was read of it otherwise.
pub fn header_says(bytes: &[u8; header::LENGTH], other: &ResponseHeader) -> Result<(), String> {
    let header = AnswerHeader::read(bytes)?;
    let same = AnswerHeader {
        flags: other.flags,
        provider: numbers::provider(other.provider),
        session: other.session,
        body_length: other.body_length,
        opcode: numbers::opcode(other.opcode),
        status: numbers::status(other.status),
    };
    if header == same { Ok(()) } else { Err(format!("{header:?} is read as {other:?}")) }
}

/// Whether the body of an answer to `opcode` says what was read of it otherwise.
pub fn body_says(opcode: Opcode, body: &[u8], reply: &Reply) -> Result<(), String> {
    let answer = results::read(numbers::opcode(opcode), body)?;
    match answer.says(reply) {
        true => Ok(()),
        false => Err(format!("{answer:?} is read as {reply:?}")),
    }
}
