//! Changes of the store: as many at a time as make good groups. The others wait, shared between principals like
//! lanes, so that nobody's change stands behind thousands of another's.

use super::principals::{Entrance, Payer, Queue};
use crate::identity::Principal;
use crate::ids::{ObjectId, Ticket};
use crate::output::Output;
use crate::providers::Queued;
use crate::state::{Purpose, Step};
use crate::store::Mutation;
use alloc::collections::BTreeMap;
use core::time::Duration;

/// What a change is charged with. All count the same: what a commit takes is shared by its group.
const COST: Duration = Duration::from_millis(1);

/// Changes that wait, and those that the store was asked for.
#[derive(Debug, Default, Hash)]
pub(crate) struct Writes {
    queue: Queue,
    /// By object: a key life asks for one change at a time.
    waiting: BTreeMap<ObjectId, (Ticket, Mutation)>,
    asked: BTreeMap<Ticket, Principal>,
}

impl Writes {
    pub(crate) fn len(&self) -> usize {
        let queued = self.queue.len().saturating_add(self.queue.principals());
        queued.saturating_add(self.waiting.len()).saturating_add(self.asked.len())
    }
}

impl Step<'_> {
    /// Asks the store for a change on behalf of a key life, in its turn.
    pub(crate) fn write(&mut self, object: ObjectId, ticket: Ticket, mutation: Mutation) {
        let payer = self.state.lives.get(&object).map(|life| life.payer.clone());
        let payer = payer.unwrap_or(Payer { principal: Principal::Sweeper, tenant: None });
        let writes = &mut self.state.writes;
        writes.queue.push(&payer, Queued::Life(object), Entrance::default());
        let before = writes.waiting.insert(object, (ticket, mutation));
        assert!(before.is_none(), "a key life asks for one change at a time");
        self.ask_store();
    }

    /// The store has answered a change.
    pub(crate) fn written(&mut self, ticket: Ticket) {
        let writes = &mut self.state.writes;
        if let Some(principal) = writes.asked.remove(&ticket) {
            writes.queue.ended(&principal, COST, COST);
        }
        self.ask_store();
    }

    fn ask_store(&mut self) {
        let limit = crate::length(self.state.config.limits.writes.max(1));
        while self.state.writes.asked.len() < limit {
            let writes = &mut self.state.writes;
            let Some((Queued::Life(object), payer)) = writes.queue.pop(false) else { return };
            let Some((ticket, mutation)) = writes.waiting.remove(&object) else { continue };
            writes.queue.started(&payer.principal, COST);
            writes.asked.insert(ticket, payer.principal);
            // Only now is an answer owed for it.
            self.state.tickets.insert(ticket, Purpose::Commit(object));
            self.output(Output::Commit { ticket, mutation });
        }
    }
}
