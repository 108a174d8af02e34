//! How long the bodies of successful answers are: where one would be longer than `Limits::response`, its client is
//! told so (decisions.md 1 and 5).

use crate::auditor::Scene;
use crate::bodies::{self, Span};
use crate::call::{Call, Meaning};
use crate::configurations::is_admin;
use crate::provider::Made;
use crate::truth::Truth;
use parsecd_core::config::Config;
use parsecd_core::ids::ObjectId;
use parsecd_wire::{KeyInfo, Opcode, ProviderId, Reply, Status};

/// No answer is longer whose length is known beforehand, and none that shows what is configured.
const LONGEST: u64 = 4096;

/// Length of a field of bytes or text that is not repeated: nothing where it is empty.
fn field(length: usize) -> u64 {
    if length == 0 { 0 } else { element(length) }
}

/// Length of one element of a repeated field.
fn element(length: usize) -> u64 {
    (1 + length.max(1).ilog2() as usize / 7 + 1 + length) as u64
}

/// How long the body of a success is where the key leads to this object; `None`: that depends on more.
fn exact(call: &Call, lead: Option<ObjectId>, made: &Made, config: &Config) -> Option<u64> {
    let length = match &call.meaning {
        Meaning::Random(size) => field(*size as usize),
        Meaning::Hash { algorithm, expected: None, .. } => field(algorithm.length()),
        Meaning::Use { operation, .. } => {
            let key = lead.and_then(|object| made.get(object))?;
            operation.output(key).map_or(0, |output| field(output.len()))
        }
        Meaning::ListOpcodes(provider) => {
            let opcodes = bodies::opcodes_of(*provider, is_admin(call, config));
            Reply::ListOpcodes { opcodes: opcodes.into_iter().collect() }.encode().len() as u64
        }
        Meaning::Ask if call.opcode == Opcode::Ping => {
            Reply::Ping { major: 1, minor: 0 }.encode().len() as u64
        }
        Meaning::Ask | Meaning::ListKeys(_) | Meaning::ListClients(_) | Meaning::Fixed(_) => return None,
        _ => 0,
    };
    Some(length)
}

/// What a request is told that would be told `status`, as far as that can be said of its answer's length.
pub fn told(call: &Call, lead: Option<ObjectId>, made: &Made, config: &Config, status: Status) -> Status {
    let limit = config.limits.response;
    if status != Status::Success || limit >= LONGEST {
        return status;
    }
    match exact(call, lead, made, config) {
        Some(length) if length > limit => Status::ResponseTooLarge,
        _ => status,
    }
}

/// Whether the answer may have been too long, where its length is not known beforehand.
pub fn may_be_too_long(call: &Call, span: &Span, truth: &Truth, config: &Config, scene: Scene<'_>) -> bool {
    let there = |identity| {
        let leads = truth.between(identity, span.from, span.to);
        leads.into_iter().flatten().filter_map(|object| scene.fleet.made.get(object))
    };
    let longest = match &call.meaning {
        Meaning::ListKeys(application) => {
            let own = truth.identities().filter(|identity| identity.application == *application);
            let entry = |key: KeyInfo| Reply::ListKeys { keys: vec![key] }.encode().len() as u64;
            own.filter_map(|identity| {
                there(identity)
                    .map(|made| {
                        let (name, attributes) = (identity.name.to_string(), made.attributes);
                        entry(KeyInfo { provider: ProviderId::Pkcs11, name, attributes })
                    })
                    .max()
            })
            .sum()
        }
        Meaning::ListClients(authenticator) => {
            let mut clients: Vec<_> = truth
                .identities()
                .filter(|identity| identity.application.authenticator == *authenticator)
                .filter(|identity| there(identity).next().is_some())
                .map(|identity| &identity.application.name)
                .collect();
            clients.dedup();
            clients.into_iter().map(|name| element(name.len())).sum()
        }
        Meaning::Ask | Meaning::Fixed(Status::Success) => LONGEST,
        _ => 0,
    };
    longest > config.limits.response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_as_long_as_it_is_encoded() {
        for length in [0, 1, 126, 127, 128, 129, 16_383, 16_384] {
            let random_bytes = vec![7; length].into();
            assert_eq!(Reply::PsaGenerateRandom { random_bytes }.encode().len() as u64, field(length));
            let clients = vec!["x".repeat(length)];
            assert_eq!(Reply::ListClients { clients }.encode().len() as u64, element(length));
        }
    }
}
