//! I6 with tokens: what is known of each request's token when its answer is decided.

use super::Auditor;
use crate::call::{Call, Meaning};
use crate::limit::Limit;
use parsecd_core::ids::Ticket;
use parsecd_core::input::TokenVerdict;
use parsecd_wire::Status;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Tokens that are shown, asked about, and decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    /// Requests that show a token and for which nobody was asked, in order.
    shown: BTreeMap<u64, VecDeque<usize>>,
    asked: BTreeMap<Ticket, usize>,
    /// Whether the daemon may take the client for whom its token names; else what it must be told.
    decided: BTreeMap<usize, Result<(), Status>>,
    /// Requests that were answered without anybody being asked, when as many waited as may.
    crowded: BTreeSet<usize>,
}

impl Tokens {
    pub(crate) fn shown(&mut self, id: usize, call: &Call) {
        // What is refused before step 10 is nobody's.
        let anonymous = matches!(call.meaning, Meaning::Anonymous(_));
        if let Some(serial) = call.token.filter(|_| !anonymous) {
            self.shown.entry(serial).or_default().push_back(id);
        }
    }

    /// A request is answered, or gone.
    pub(crate) fn forget(&mut self, id: usize, call: &Call) {
        self.decided.remove(&id);
        self.crowded.remove(&id);
        self.stops_waiting(id, call);
    }

    /// The answer of a request is decided: nobody will be asked any more. So many may wait.
    pub(crate) fn answered(&mut self, id: usize, call: &Call, most: usize) {
        let waiting = self.shown.values().map(VecDeque::len).sum::<usize>();
        if self.stops_waiting(id, call) && waiting > most {
            self.crowded.insert(id);
        }
    }

    /// The request waits no more to have its token asked about. Whether it did.
    fn stops_waiting(&mut self, id: usize, call: &Call) -> bool {
        let Some(serial) = call.token else { return false };
        let Some(ids) = self.shown.get_mut(&serial) else { return false };
        let before = ids.len();
        ids.retain(|other| *other != id);
        let waited = ids.len() < before;
        if ids.is_empty() {
            self.shown.remove(&serial);
        }
        waited
    }

    /// Whether as many waited as may when this request was answered.
    pub(crate) fn was_crowded(&self, id: usize) -> bool {
        self.crowded.contains(&id)
    }

    /// Requests whose token was accepted.
    pub(crate) fn verified(&self) -> impl Iterator<Item = usize> + use<'_> {
        self.decided.iter().filter(|(_, decision)| decision.is_ok()).map(|(id, _)| *id)
    }

    pub(crate) fn decision(&self, id: usize) -> Option<Result<(), Status>> {
        self.decided.get(&id).copied()
    }
}

impl Auditor {
    /// The core has a token verified.
    pub fn token_asked(&mut self, ticket: Ticket, serial: u64) {
        if let Some(id) = self.tokens.shown.get_mut(&serial).and_then(VecDeque::pop_front) {
            self.tokens.asked.insert(ticket, id);
            let asked = self.tokens.asked.len() as u64;
            self.findings.distances.note(Limit::Tokens, asked, &self.configurations.current().limits);
        }
    }

    /// The core learns what a token is, at `wall` by its own clock (wire-protocol.md 9, decisions.md 1).
    pub fn token_verified(&mut self, ticket: Ticket, verdict: &TokenVerdict, calls: &[Call], wall: i64) {
        let Some(id) = self.tokens.asked.remove(&ticket) else { return };
        let undecided = self.open.contains_key(&id) && !self.decided.contains_key(&id);
        let Some(call) = calls.get(id).filter(|_| undecided) else { return };
        let under = self.open.get(&id).and_then(|open| open.runs_under.as_ref());
        let config = under.map_or(self.configurations.current(), |(_, _, config)| config);
        let longest = config.limits.token_lifetime.as_millis() as i64;
        let decision = match verdict {
            TokenVerdict::Unavailable => Err(Status::PsaErrorCommunicationFailure),
            TokenVerdict::Genuine { name, valid_from, valid_until } => {
                let named = call.application.as_ref().is_some_and(|application| application.name == *name);
                let valid = valid_from.0 <= wall && wall <= valid_until.0;
                let lifetime = valid_until.0 - valid_from.0;
                let short = lifetime <= longest;
                if short {
                    let distances = &mut self.findings.distances;
                    distances.note(Limit::TokenLifetime, lifetime as u64, &config.limits);
                }
                let length = name.len();
                let named = named && (1..=config.limits.application_name as usize).contains(&length);
                if named && valid && short { Ok(()) } else { Err(Status::AuthenticationError) }
            }
            TokenVerdict::Refused => Err(Status::AuthenticationError),
        };
        self.tokens.decided.insert(id, decision);
    }
}
