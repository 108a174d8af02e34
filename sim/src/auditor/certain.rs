//! What is certain in a world that has healed, in whole or in part.

use super::{Auditor, Open};
use crate::call::{Call, Meaning};
use crate::excuses::key_of;
use crate::oracle::Oracle;
use crate::probe::{PROMPT, Probing};
use crate::stage::SECOND;
use parsecd_wire::Status;

impl Auditor {
    /// Requests that came in whole before `instant` and have no answer.
    pub fn unanswered_since(&self, instant: u64) -> impl Iterator<Item = usize> {
        self.open.iter().filter(move |(_, open)| open.since < instant).map(|(id, _)| *id)
    }

    /// In a world that has healed nobody waits for ever; for what is well nobody waits long.
    pub(super) fn check_patience(&mut self, id: usize, call: &Call, open: &Open, now: u64) {
        let Some((healed, patience)) = self.healed else { return };
        let waited = now.saturating_sub(open.since.max(healed));
        let prompt =
            self.probing.is_some_and(|probing| id >= probing.first && !self.is_touched(probing, call));
        let allowed = if prompt { PROMPT } else { patience };
        self.findings.check(Oracle::I15Liveness, waited <= allowed, || {
            let seconds = waited / SECOND;
            format!("request {id} {:?} is answered after {seconds} s in a healed world", call.opcode)
        });
    }

    /// Whether what stays broken may have a part in the answer to a request.
    fn is_touched(&self, probing: Probing, call: &Call) -> bool {
        let asked = match call.meaning {
            Meaning::ListOpcodes(provider) => provider,
            _ => call.provider,
        };
        let provider = probing.provider.is_some() && probing.provider == key_of(asked);
        provider || probing.store
    }

    /// Whether no fault can be why a request is told `status`.
    pub(super) fn is_certain(&self, id: usize, call: &Call, status: Status) -> bool {
        let Some(probing) = self.probing.filter(|probing| id >= probing.first) else { return false };
        let changes = call.meaning.changes().is_some();
        match status {
            Status::PsaErrorCommunicationFailure => {
                let laneless = self.excuses.is_served_without_lanes(call) && !probing.store;
                laneless || !self.is_touched(probing, call)
            }
            Status::KeyInfoManagerError | Status::PsaErrorInsufficientStorage => {
                !(probing.store && (changes || self.excuses.is_in_doubt()))
            }
            _ => false,
        }
    }
}
