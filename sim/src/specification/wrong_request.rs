//! Requests that go wrong in steps 10 to 15 of the pipeline (wire-protocol.md 4): who asks, whom, and what.

use super::choices::Choices;
use super::{numbers, operations, wrong_body};
use parsecd_wire::{Operation, ProviderId, Status};

/// What is wrong with how a client shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongAuthentication {
    /// Its type.
    pub kind: u8,
    /// What is shown.
    pub bytes: Vec<u8>,
    /// What it is told.
    pub told: Status,
}

/// Somebody who is nobody here.
pub fn authentication(choices: &mut Choices) -> WrongAuthentication {
    let any: Vec<u8> = (0..choices.below(9)).map(|index| (index * 31) as u8).collect();
    let (kind, bytes, told) = match choices.below(8) {
        0 => (2, any, Status::AuthenticatorNotRegistered),
        1 => (1, Vec::new(), Status::AuthenticationError),
        2 => (1, [&any[..], &[0xFF]].concat(), Status::AuthenticationError),
        3 => (1, vec![b'x'; 4097], Status::AuthenticationError),
        4 => (3, Vec::new(), Status::AuthenticationError),
        5 => (3, vec![0; if choices.one_in(2) { 3 } else { 5 }], Status::AuthenticationError),
        6 => (3, vec![0xFE, 0xFF, 0xFF, 0xFF], Status::AuthenticationError),
        _ => (4, [&any[..], &[0xFF]].concat(), Status::InvalidEncoding),
    };
    WrongAuthentication { kind, bytes, told }
}

/// Whom a request goes to, if not to whom it should: another kind of provider, or one that is not here.
pub fn provider(operation: &Operation, choices: &mut Choices) -> (ProviderId, Status) {
    let absent = [ProviderId::Tpm, ProviderId::TrustedService, ProviderId::CryptoAuthLib];
    match choices.one_in(2) {
        true => (absent[choices.below(3) as usize], Status::ProviderNotRegistered),
        false if numbers::is_core(operation.opcode()) => {
            let provider = if choices.one_in(2) { ProviderId::MbedCrypto } else { ProviderId::Pkcs11 };
            (provider, Status::PsaErrorNotSupported)
        }
        false => (ProviderId::Core, Status::PsaErrorNotSupported),
    }
}

/// A wrong body for an operation, and what it is told: identified or not, but not as an admin.
pub fn body(
    operation: &Operation,
    identified: bool,
    longest: usize,
    choices: &mut Choices,
) -> (Vec<u8>, Status) {
    let message = operations::body(operation);
    let inconvertible = match choices.one_in(2) {
        true => wrong_body::inconvertible(&message, choices, longest),
        false => None,
    };
    let (bytes, told) = match inconvertible {
        Some(bytes) => (bytes, Status::InvalidEncoding),
        None => (wrong_body::undecodable(&message, choices), Status::DeserializingBodyFailed),
    };
    let admin = numbers::is_for_admins(operation.opcode());
    match identified {
        _ if !admin => (bytes, told),
        true => (bytes, Status::AdminOperation),
        false => (bytes, Status::NotAuthenticated),
    }
}
