//! Stopping: what runs is finished, what waits is told, hosts finish and go.

use crate::deadlines::Due;
use crate::ids::{ConnectionKey, ObjectId, ProviderKey, RequestId};
use crate::key_life::{At, KeyLife};
use crate::output::Output;
use crate::request::Request;
use crate::schedule::principals::Payer;
use crate::state::Step;
use crate::time::Instant;
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::Status;

#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Shutdown {
    deadline: Instant,
    hosts_closing: bool,
    stopped: bool,
}

impl Step<'_> {
    pub(crate) fn shutdown_requested(&mut self, grace: Duration) {
        if self.state.shutdown.is_some() {
            return;
        }
        let deadline = self.now.instant.after(grace);
        self.state.shutdown = Some(Shutdown { deadline, hosts_closing: false, stopped: false });
        self.state.deadlines.set(deadline, Due::Grace);
        let connections: Vec<ConnectionKey> = self.state.connections.keys().collect();
        for key in connections {
            self.refuse_unfinished(key);
        }
        let queued: Vec<(RequestId, Payer, Option<ProviderKey>)> = self
            .state
            .requests
            .values()
            .filter(|request| matches!(request.state, Request::Queued { .. }))
            .map(|request| (request.id, request.payer(), request.provider))
            .collect();
        for (id, payer, provider) in queued {
            self.forget_queued(id, &payer, provider);
            self.refuse_queued(id, Status::PsaErrorCommunicationFailure);
        }
        let waiting: Vec<(ObjectId, Option<ProviderKey>)> = self
            .state
            .lives
            .iter()
            .filter(|(_, life)| {
                matches!(
                    life.state,
                    KeyLife::Making { at: At::Queue } | KeyLife::Removing { at: At::Queue, .. }
                )
            })
            .map(|(object, life)| (*object, life.provider))
            .collect();
        for (object, provider) in waiting {
            if let Some(provider) = provider {
                self.life_leaves_queue(provider, object);
            }
            self.life_not_started(object, Status::PsaErrorCommunicationFailure);
        }
    }

    /// Goes on with a shutdown as far as what runs allows.
    pub(crate) fn shutdown_goes_on(&mut self) {
        let Some(shutdown) = self.state.shutdown else { return };
        let busy = !self.state.requests.is_empty()
            || !self.state.lives.is_empty()
            || !self.state.connections.is_empty();
        if shutdown.stopped || busy {
            return;
        }
        if !shutdown.hosts_closing {
            self.state.shutdown = Some(Shutdown { hosts_closing: true, ..shutdown });
            let providers: Vec<ProviderKey> = self.state.providers.keys().copied().collect();
            for provider in providers {
                self.close_hosts(provider);
            }
        }
        if self.all_hosts_gone() {
            self.stop();
        }
    }

    /// The grace is over: who still waits is told so.
    pub(crate) fn grace_expired(&mut self) {
        let owed: Vec<RequestId> =
            self.state.connections.values().flat_map(|connection| connection.owed()).collect();
        for id in owed {
            self.give_up(id);
        }
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(shutdown) = &mut self.state.shutdown
            && !core::mem::replace(&mut shutdown.stopped, true)
        {
            let deadline = shutdown.deadline;
            self.state.deadlines.clear(deadline, Due::Grace);
            self.output(Output::Stopped);
        }
    }
}
