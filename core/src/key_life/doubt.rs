//! What a commit of unknown outcome has become: a durable barrier first, then a look at the row.
//!
//! The process that saw an fsync fail still reads the old row, the next one may read the new. Only after a
//! later commit is durable does reading tell which of the two it is.

use super::{Doubt, KeyLife};
use crate::deadlines::Due;
use crate::identity::KeyIdentity;
use crate::ids::{ObjectId, Ticket};
use crate::observer::Event;
use crate::output::Output;
use crate::record::RecordError;
use crate::state::{Barrier, Purpose, Step, StoreHealth};
use crate::store::{CommitResult, Fetched, Mutation, StoreState};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Step<'_> {
    /// From here on nobody is told what the store says, until a barrier is durable.
    pub(super) fn store_in_doubt(&mut self) {
        if self.state.store == StoreHealth::Up {
            self.observer.event(Event::StoreDoubt { began: true });
            self.try_barrier();
        }
        self.refuse_lines_in_doubt();
    }

    /// Nobody knows how long a doubt lasts: whoever waits for its end is told so at once.
    fn refuse_lines_in_doubt(&mut self) {
        let doubtful = self.state.lives.values().filter(|life| life.is_doubtful() && life.holds_name);
        let names: Vec<KeyIdentity> = doubtful.map(|life| life.identity.clone()).collect();
        for name in names {
            self.refuse_line_in_doubt(&name);
        }
        self.ask_again(None);
    }

    /// The store was asked what it says and could not tell: it is asked again after a while.
    fn store_in_doubt_for_a_while(&mut self) {
        if self.state.store == StoreHealth::Up {
            self.observer.event(Event::StoreDoubt { began: true });
            self.try_barrier_later();
        }
        self.refuse_lines_in_doubt();
    }

    pub(crate) fn try_barrier(&mut self) {
        let ticket = self.ticket(Purpose::Barrier);
        self.state.store = StoreHealth::Doubtful(Barrier::Asked(ticket));
        self.output(Output::Commit { ticket, mutation: Mutation::Barrier });
    }

    fn try_barrier_later(&mut self) {
        let at = self.now.instant.after(self.state.config.deadlines.settling);
        self.state.store = StoreHealth::Doubtful(Barrier::At(at));
        self.state.deadlines.set(at, Due::Barrier);
    }

    pub(crate) fn store_changed(&mut self, state: StoreState) {
        if let StoreHealth::Doubtful(Barrier::At(at)) = self.state.store {
            self.state.deadlines.clear(at, Due::Barrier);
        }
        match state {
            StoreState::Down => {
                self.state.store = StoreHealth::Down;
                self.refuse_lines_in_doubt();
            }
            StoreState::Up if self.state.store == StoreHealth::Down => self.try_barrier(),
            StoreState::Up => {}
        }
    }

    pub(crate) fn barrier_committed(&mut self, ticket: Ticket, result: CommitResult) {
        if self.state.store != StoreHealth::Doubtful(Barrier::Asked(ticket)) {
            return self.observer.event(Event::Stale { ticket });
        }
        if result != CommitResult::Durable {
            return self.try_barrier_later();
        }
        self.state.store = StoreHealth::Up;
        self.observer.event(Event::StoreDoubt { began: false });
        let doubtful: Vec<(ObjectId, Doubt)> = self
            .state
            .lives
            .iter()
            .filter_map(|(object, life)| match life.state {
                KeyLife::Doubtful { next, .. } => Some((*object, next)),
                _ => None,
            })
            .collect();
        for (object, next) in doubtful {
            match next {
                Doubt::Reserving => {
                    self.give_name_back(object);
                    self.erase(object);
                }
                Doubt::Erasing => self.leave_to_sweeper(object, Ok(())),
                Doubt::Publishing | Doubt::Destroying => self.look_at_row(object),
            }
        }
        self.sweep_all();
    }

    fn look_at_row(&mut self, object: ObjectId) {
        let Some(life) = self.state.lives.get(&object) else { return };
        let (identity, principal) = (life.identity.clone(), life.payer.principal.to_text());
        let ticket = self.ticket(Purpose::FetchDoubtful(object));
        if let Some(KeyLife::Doubtful { look, .. }) =
            self.state.lives.get_mut(&object).map(|life| &mut life.state)
        {
            *look = Some(ticket);
        }
        self.output(Output::Fetch { ticket, identity, principal });
    }

    /// What the row is. The client was told of a failure: what it wanted to make is unmade, what it wanted
    /// to destroy is whatever it is.
    pub(crate) fn doubtful_fetched(&mut self, object: ObjectId, ticket: Ticket, fetched: Fetched) {
        // In doubt again: nothing can be unmade now, and the next durable barrier looks again.
        if self.state.store != StoreHealth::Up {
            return;
        }
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        let KeyLife::Doubtful { next, look } = life.state else { return };
        // An earlier look may have read the row before the barrier that this one was made after.
        if look != Some(ticket) {
            return self.observer.event(Event::Stale { ticket });
        }
        let sealed = life.sealed;
        let found = match fetched {
            Fetched::Found(row) => row.decode_for(&life.identity).map(Some),
            Fetched::Absent => Ok(None),
            Fetched::Unreadable => Err(RecordError::OtherKey),
            Fetched::Failed => return self.store_in_doubt_for_a_while(),
        };
        let found = match found {
            Ok(found) => found,
            Err(_) => {
                life.record = None;
                return self.end_as_usable(object, Ok(()));
            }
        };
        let ours = found.filter(|record| record.object == object);
        let unmakes = life.creation.is_some();
        match (next, ours) {
            (Doubt::Publishing | Doubt::Destroying, Some(record)) if unmakes => {
                life.record = Some(Arc::new(record));
                self.life_becomes(object, KeyLife::Emptying);
                self.uses_ended(object);
            }
            (Doubt::Destroying, Some(record)) => {
                life.record = Some(Arc::new(record));
                self.end_as_usable(object, Ok(()));
            }
            (_, None) if sealed => self.end_as_nothing(object, Ok(())),
            (_, None) => {
                self.give_name_back(object);
                self.remove(object);
            }
            (Doubt::Reserving | Doubt::Publishing | Doubt::Erasing, Some(_)) => {}
        }
    }
}
