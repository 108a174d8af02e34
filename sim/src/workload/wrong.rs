//! Requests that are wrong as the tables of the specification say, at one place of the pipeline or several.

use super::Workload;
use crate::call::{Auth, Call, Meaning};
use crate::random::{Domain, Random};
use crate::specification::choices::Choices;
use crate::specification::header::RequestHeader;
use crate::specification::{
    assemble, authentication, numbers, operations, requests, wrong_header, wrong_request,
};
use parsecd_wire::{Operation, ProviderId, Status};

impl Workload {
    /// A request that goes wrong somewhere: for this provider and about this key, if it is about any.
    pub(super) fn wrong(&mut self, auth: Auth, id: ProviderId, name: &str, random: &mut Random) -> Call {
        let mut choices = Choices::new(random.bits(Domain::Workload));
        let auth = if choices.one_in(4) { Auth::Anonymous } else { auth };
        match choices.below(8) {
            0 => self.more_than_one_frame(&auth, &mut choices),
            1..4 => {
                let operation = requests::any(name, &mut choices);
                self.wrong_header(operation, id, &auth, &mut choices)
            }
            _ => {
                let operation = requests::any(name, &mut choices);
                self.wrong_request(operation, id, &auth, &mut choices)
            }
        }
    }

    /// Bytes after the frame are not answered.
    fn more_than_one_frame(&mut self, auth: &Auth, choices: &mut Choices) -> Call {
        let mut call = self.call(Operation::Ping, ProviderId::Core, auth, Meaning::Ask);
        match choices.one_in(2) {
            true => call.bytes.extend_from_within(..),
            false => call.bytes.extend([choices.bits() as u8; 9]),
        }
        call
    }

    fn wrong_header(
        &mut self,
        operation: Operation,
        id: ProviderId,
        auth: &Auth,
        choices: &mut Choices,
    ) -> Call {
        let provider = whose(&operation, id);
        let mut call = self.call(operation, provider, auth, Meaning::Incomplete);
        let bytes = std::mem::take(&mut call.bytes);
        let wrong = wrong_header::spoil(bytes, self.limits.body_length as usize, choices);
        call.meaning = wrong.told.map_or(Meaning::Incomplete, Meaning::Anonymous);
        (call.bytes, call.length) = (wrong.bytes, wrong.length);
        call
    }

    fn wrong_request(
        &mut self,
        operation: Operation,
        id: ProviderId,
        auth: &Auth,
        choices: &mut Choices,
    ) -> Call {
        let opcode = operation.opcode();
        let provider = whose(&operation, id);
        let mut call = self.call(operation.clone(), provider, auth, Meaning::Incomplete);
        let stranger = choices.one_in(4).then(|| wrong_request::authentication(choices));
        let elsewhere = choices.one_in(4).then(|| wrong_request::provider(&operation, choices));
        let identified = *auth != Auth::Anonymous;
        let refused = match (numbers::is_for_admins(opcode), numbers::needs_identity(opcode), identified) {
            (_, true, false) => Some(Status::NotAuthenticated),
            (true, _, true) => Some(Status::AdminOperation),
            _ => None,
        };
        let wrong = stranger.is_some() || elsewhere.is_some() || refused.is_some();
        let body = match wrong && choices.one_in(2) {
            true => (operations::body(&operation).encode(), refused),
            false => {
                let (body, told) =
                    wrong_request::body(&operation, identified, self.limits.body_length as usize, choices);
                (body, Some(told))
            }
        };
        let (body, told) = body;
        let told = match (&stranger, &elsewhere) {
            (Some(stranger), _) => Some(stranger.told),
            (_, Some((_, told))) => Some(*told),
            _ => told,
        };
        call.meaning = Meaning::Fixed(told.unwrap_or(Status::Success));
        call.provider = elsewhere.map_or(provider, |(provider, _)| provider);
        let (kind, shown) = match stranger {
            Some(stranger) => {
                (call.application, call.token) = (None, None);
                (stranger.kind, stranger.bytes)
            }
            None => authentication::encoded(auth),
        };
        let header = RequestHeader {
            provider: numbers::provider(call.provider),
            session: call.session,
            authentication_type: kind,
            opcode: numbers::opcode(opcode),
            ..RequestHeader::default()
        };
        call.bytes = assemble(header, &body, &shown);
        call.length = call.bytes.len();
        call
    }
}

/// Who does an operation that this provider or the service itself does.
fn whose(operation: &Operation, id: ProviderId) -> ProviderId {
    if numbers::is_core(operation.opcode()) { ProviderId::Core } else { id }
}
