//! Records that the store is asked for: as many at a time as keep it busy. The others wait, shared between
//! principals like changes.

use super::principals::{Entrance, Payer, Queue};
use crate::identity::{KeyIdentity, Principal};
use crate::ids::Ticket;
use crate::output::Output;
use crate::state::{Purpose, Step};
use alloc::collections::BTreeMap;
use core::time::Duration;

/// What a record is charged with; all count the same.
const COST: Duration = Duration::from_millis(1);

/// Records that are waited for, and those that the store was asked for.
#[derive(Debug, Default, Hash)]
pub(crate) struct Reads {
    queue: Queue<Ticket>,
    waiting: BTreeMap<Ticket, (KeyIdentity, Payer)>,
    asked: BTreeMap<Ticket, Principal>,
}

impl Reads {
    pub(crate) fn len(&self) -> usize {
        let queued = self.queue.len().saturating_add(self.queue.principals());
        queued.saturating_add(self.waiting.len()).saturating_add(self.asked.len())
    }
}

impl Step<'_> {
    /// Asks the store for the record of a name, in its turn.
    pub(crate) fn read(&mut self, identity: &KeyIdentity, payer: Payer) -> Ticket {
        let ticket = self.state.mint.ticket();
        let reads = &mut self.state.reads;
        reads.queue.push(&payer, ticket, Entrance::default());
        reads.waiting.insert(ticket, (identity.clone(), payer));
        self.ask_for_records();
        ticket
    }

    /// Nobody wants the record any more. Whether the store was not asked for it yet and will not be.
    pub(crate) fn read_unwanted(&mut self, ticket: Ticket) -> bool {
        let reads = &mut self.state.reads;
        let Some((_, payer)) = reads.waiting.remove(&ticket) else { return false };
        reads.queue.remove(&payer, ticket)
    }

    /// The store has answered.
    pub(crate) fn read_ended(&mut self, ticket: Ticket) {
        let reads = &mut self.state.reads;
        if let Some(principal) = reads.asked.remove(&ticket) {
            reads.queue.ended(&principal, COST, COST);
        }
        self.ask_for_records();
    }

    fn ask_for_records(&mut self) {
        let limit = crate::length(self.state.config.limits.reads.max(1));
        while self.state.reads.asked.len() < limit {
            let reads = &mut self.state.reads;
            let Some((ticket, payer)) = reads.queue.pop(false) else { return };
            let Some((identity, _)) = reads.waiting.remove(&ticket) else { continue };
            reads.queue.started(&payer.principal, COST);
            let principal = payer.principal.to_text();
            reads.asked.insert(ticket, payer.principal);
            // Only now is an answer owed for it.
            self.state.tickets.insert(ticket, Purpose::Fetch(identity.clone()));
            self.output(Output::Fetch { ticket, identity, principal });
        }
    }
}
