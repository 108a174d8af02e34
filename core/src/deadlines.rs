//! What is due when.

use crate::ids::{ConnectionKey, HostKey, ObjectId, ProviderKey, RequestId, Ticket};
use crate::output::WakeReason;
use crate::time::Instant;
use alloc::collections::BTreeSet;

/// Something that expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Due {
    /// A connection's current phase, or one that is over.
    Connection(ConnectionKey, WakeReason),
    /// A job on a lane.
    Job(Ticket),
    /// The time a request may wait for a lane.
    Queue(RequestId),
    /// The pause before a host is opened again.
    Reopen(ProviderKey, u16),
    /// The first opening of a provider is not waited for any longer.
    FirstOpening(ProviderKey),
    /// The pause before an object is searched again.
    Settling(ObjectId),
    /// The pause before a provider is swept again.
    Sweep(ProviderKey),
    /// The pause before another barrier is tried.
    Barrier,
    /// The pause after accepting failed.
    Accept,
    /// The grace of a shutdown.
    Grace,
    /// The time in which a host has to open, or to go.
    Host(HostKey),
}

impl Due {
    fn reason(self) -> WakeReason {
        match self {
            Due::Connection(_, reason) => reason,
            Due::Job(_) => WakeReason::Operation,
            Due::Queue(_) => WakeReason::Queue,
            Due::Reopen(..) | Due::FirstOpening(_) => WakeReason::Reopen,
            Due::Settling(_) | Due::Sweep(_) | Due::Barrier => WakeReason::Settling,
            Due::Accept => WakeReason::Accept,
            Due::Grace => WakeReason::Grace,
            Due::Host(_) => WakeReason::Operation,
        }
    }
}

/// Everything that expires, in order.
#[derive(Debug, Default, Hash)]
pub(crate) struct Deadlines {
    due: BTreeSet<(Instant, Due)>,
}

impl Deadlines {
    pub(crate) fn set(&mut self, at: Instant, due: Due) {
        self.due.insert((at, due));
    }

    pub(crate) fn clear(&mut self, at: Instant, due: Due) {
        self.due.remove(&(at, due));
    }

    /// Removes and returns one thing that is due by `now`.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Due> {
        let first = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.due.remove(&first);
        Some(first.1)
    }

    /// When the next thing is due, and which.
    pub(crate) fn next(&self) -> Option<(Instant, WakeReason)> {
        self.due.first().map(|(at, due)| (*at, due.reason()))
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}
