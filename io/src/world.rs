//! Everything outside the core that its outputs are about.

use crate::audit::AuditLog;
use crate::bell::Bell;
use crate::connections::{Connections, Ending};
use crate::executor::Executor;
use crate::hosts::Hosts;
use crate::listener::Listener;
use crate::poller::{Poller, Readiness, Source};
use crate::store::{Store, StoreRequest};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::{Input, TokenVerdict};
use parsecd_core::output::{Output, Place};
use std::collections::VecDeque;
use std::io;

/// A listener, and whether somebody waits at it.
pub(crate) struct Gate {
    pub(crate) listener: Listener,
    /// Which gate it is for the poller.
    serial: u32,
    /// Somebody may be waiting.
    pub(crate) ready: bool,
    /// Its socket has no name any more: only who found it before can still come.
    pub(crate) leaving: bool,
}

/// Everything outside the core that its outputs are about.
pub(crate) struct World {
    pub(crate) poller: Poller,
    pub(crate) bell: Bell,
    pub(crate) connections: Connections,
    pub(crate) gates: Vec<Gate>,
    /// Gates there ever were.
    pub(crate) gates_made: u32,
    pub(crate) hosts: Hosts,
    pub(crate) executor: Executor,
    pub(crate) store: Store,
    pub(crate) store_down: bool,
    pub(crate) audit: AuditLog,
    pub(crate) aborts: Vec<ConnectionKey>,
    /// Answers that came about at once.
    pub(crate) answers: VecDeque<Input<'static>>,
}

impl World {
    /// A gate at this listener, watched.
    pub(crate) fn gate(&mut self, listener: Listener) -> io::Result<Gate> {
        let serial = self.gates_made;
        self.gates_made = serial.wrapping_add(1);
        self.poller.watch(listener.socket(), Source::Listener(serial))?;
        Ok(Gate { listener, serial, ready: true, leaving: false })
    }

    /// Does what `output` says, or notes it for the end of the turn.
    pub(crate) fn take(&mut self, output: Output) {
        match output {
            Output::Write { connection } => self.connections.queue_write(connection),
            Output::ShutdownWrite { connection } => {
                self.connections.end_with(connection, Ending::ShutdownWrite);
            }
            Output::Close { connection } => self.connections.end_with(connection, Ending::Close),
            Output::Abort { connection } => self.aborts.push(connection),
            Output::ReadAgain { connection } => self.connections.queue_read(connection),
            Output::Fetch { ticket, identity, principal } => {
                self.store.submit(StoreRequest::Fetch { ticket, identity, principal });
            }
            Output::List { ticket, query } => self.store.submit(StoreRequest::List { ticket, query }),
            Output::Commit { ticket, mutation } => {
                self.store.submit(StoreRequest::Commit { ticket, mutation })
            }
            Output::StartJob { ticket, on: Place::Lane(lane), job } => self.hosts.start(lane, ticket, &job),
            Output::StartJob { ticket, on: Place::Executor, job } => self.executor.submit(ticket, job),
            Output::CancelJob { ticket } => self.hosts.cancel(ticket),
            Output::OpenHost { host } => self.hosts.open(host, &self.poller),
            Output::KillHost { host } => self.hosts.kill(host),
            Output::CloseHost { host } => self.hosts.close(host),
            Output::Audit { ticket, event } => self.audit.push(ticket, &event),
            Output::VerifyToken { ticket, .. } => {
                // No identity provider can be configured, so there is none to ask.
                self.answers.push_back(Input::TokenVerified { ticket, verdict: TokenVerdict::Unavailable });
            }
            // The loop's own.
            Output::AcceptAgain { .. } | Output::Stopped | Output::Idle { .. } => {}
        }
    }

    /// Notes what became ready. Gives connections whose peer is gone.
    pub(crate) fn note(&mut self, readiness: &[Readiness]) -> Vec<ConnectionKey> {
        let mut gone = Vec::new();
        for ready in readiness {
            match ready.source {
                Source::Connection(key) => {
                    if self.connections.ready(key, *ready) {
                        gone.push(key);
                    }
                }
                Source::Listener(serial) => {
                    self.gates
                        .iter_mut()
                        .filter(|gate| gate.serial == serial)
                        .for_each(|gate| gate.ready = true);
                }
                Source::HostLink(serial) => self.hosts.link_ready(serial, ready.readable, ready.writable),
                Source::HostErrors(serial) => self.hosts.errors_ready(serial),
                Source::HostExit(serial) => self.hosts.exited(serial),
                Source::Bell => self.bell.hear(),
            }
        }
        gone
    }
}
