//! Tokens that wait for the identity provider: a queue of their own, shared between peer groups like lanes.

use crate::authenticate::accept_token;
use crate::identity::Principal;
use crate::ids::{RequestId, Ticket};
use crate::input::TokenVerdict;
use crate::output::Output;
use crate::providers::Queued;
use crate::request::Request;
use crate::schedule::principals::{Entrance, Payer, Queue};
use crate::state::{Purpose, Step};
use crate::time::Instant;
use alloc::collections::BTreeMap;
use core::time::Duration;
use parsecd_wire::{SecretBytes, Status};

#[derive(Debug, Default, Hash)]
pub(crate) struct Tokens {
    queue: Queue,
    asked: BTreeMap<Ticket, (Principal, Instant)>,
}

impl Tokens {
    pub(crate) fn len(&self) -> usize {
        self.queue.len().saturating_add(self.queue.principals()).saturating_add(self.asked.len())
    }

    /// Takes a request's token out of the queue. Whether it still waited.
    pub(crate) fn forget(&mut self, payer: &Payer, id: RequestId) -> bool {
        self.queue.remove(payer, Queued::Request(id))
    }
}

impl Step<'_> {
    /// Has the token of a request verified, in its turn.
    pub(crate) fn verify_token(&mut self, id: RequestId) {
        let limits = &self.state.config.limits;
        let Some(payer) = self.state.requests.get(&id).map(|request| request.payer()) else { return };
        let full = self.state.tokens.queue.len() >= crate::length(limits.queue)
            || self.state.tokens.queue.waiting_of(&payer) >= crate::length(limits.tenant_queue);
        if full {
            return self.refuse_unverified(id, Status::PsaErrorInsufficientMemory);
        }
        self.state.tokens.queue.push(&payer, Queued::Request(id), Entrance::default());
        self.expect_lane(id);
        self.ask_identity_provider();
    }

    fn ask_identity_provider(&mut self) {
        while self.state.tokens.asked.len() < crate::length(self.state.config.limits.tokens.max(1)) {
            let Some((Queued::Request(id), payer)) = self.state.tokens.queue.pop(false) else { return };
            let Some(Request::Verifying { token, .. }) =
                self.state.requests.get_mut(&id).map(|request| &mut request.state)
            else {
                continue;
            };
            let token: SecretBytes = core::mem::take(token);
            self.state.tokens.queue.started(&payer.principal, Duration::ZERO);
            let ticket = self.ticket(Purpose::Token(id));
            self.state.tokens.asked.insert(ticket, (payer.principal, self.now.instant));
            self.output(Output::VerifyToken { ticket, token });
        }
    }

    /// A token has waited too long: for its turn, or for what the identity provider says.
    pub(crate) fn token_expired(&mut self, id: RequestId, payer: &Payer) {
        let waited = self.state.tokens.forget(payer, id);
        let unavailable = Status::PsaErrorCommunicationFailure;
        self.refuse_unverified(id, if waited { Status::PsaErrorInsufficientMemory } else { unavailable });
    }

    fn refuse_unverified(&mut self, id: RequestId, status: Status) {
        let connection = self.state.requests.get(&id).and_then(|request| request.connection);
        self.answer(id, Err(status));
        if let Some(connection) = connection {
            self.token_settled(connection);
        }
    }

    pub(crate) fn token_verified(&mut self, id: RequestId, ticket: Ticket, verdict: TokenVerdict) {
        if let Some((principal, asked)) = self.state.tokens.asked.remove(&ticket) {
            let took = self.now.instant.since(asked);
            self.state.tokens.queue.ended(&principal, Duration::ZERO, took);
        }
        self.ask_identity_provider();
        self.forget_queue_deadline(id);
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let Some(connection) = request.connection else { return };
        let listener = self
            .state
            .connections
            .get(&connection)
            .and_then(|connection| request.config.listeners.get(&connection.listener));
        let accepted = match listener {
            Some(listener) => accept_token(listener, &request.config.limits, verdict, self.now.wall),
            None => Err(Status::AuthenticatorNotRegistered),
        };
        match accepted {
            Ok(caller) => {
                request.caller = caller;
                if let Some(Request::Verifying { body, .. }) = self.request_becomes(id, Request::Admitted) {
                    self.admit(id, body);
                }
            }
            Err(status) => self.answer(id, Err(status)),
        }
        self.token_settled(connection);
    }
}
