//! How a life goes on when a commit of it has ended.

use super::{Doubt, KeyLife};
use crate::ids::ObjectId;
use crate::state::Step;
use crate::store::CommitResult;
use parsecd_wire::Status;

impl Step<'_> {
    pub(crate) fn life_committed(&mut self, object: ObjectId, result: CommitResult) {
        let Some(life) = self.state.lives.get(&object) else { return };
        let state = life.state.clone();
        let destroys_sealed = life.sealed && matches!(state, KeyLife::Erasing { .. });
        let refused = match result {
            CommitResult::Durable => None,
            CommitResult::Refused => Some(Status::KeyInfoManagerError),
            CommitResult::Full => Some(Status::PsaErrorInsufficientStorage),
            CommitResult::Unknown => return self.commit_in_doubt(object, &state, destroys_sealed),
        };
        match (state, refused) {
            (KeyLife::Reserving { .. }, None) => self.reserved(object),
            (KeyLife::Reserving { .. }, Some(status)) => self.end_as_nothing(object, Err(status)),
            (KeyLife::Publishing { .. }, None) => self.end_as_usable(object, Ok(())),
            (KeyLife::Publishing { .. }, Some(status)) => self.fail_and_remove(object, status),
            (KeyLife::Retiring { .. }, None) => {
                self.give_name_back(object);
                self.remove(object);
            }
            (KeyLife::Erasing { .. }, None) => self.end_as_nothing(object, Ok(())),
            (KeyLife::Retiring { .. }, Some(status)) => self.destruction_refused(object, result, status),
            (KeyLife::Erasing { .. }, Some(status)) if destroys_sealed => {
                self.destruction_refused(object, result, status);
            }
            (KeyLife::Erasing { .. }, Some(_)) => self.leave_to_sweeper(object, Ok(())),
            (
                KeyLife::Making { .. }
                | KeyLife::Emptying
                | KeyLife::Removing { .. }
                | KeyLife::Doubtful { .. },
                _,
            ) => {}
        }
    }

    /// The key stays as it was. A refusal may mean that the row is another one than we knew: ask again.
    fn destruction_refused(&mut self, object: ObjectId, result: CommitResult, status: Status) {
        if result == CommitResult::Refused
            && let Some(life) = self.state.lives.get_mut(&object)
        {
            life.record = None;
        }
        self.end_as_usable(object, Err(status));
    }

    fn commit_in_doubt(&mut self, object: ObjectId, state: &KeyLife, destroys_sealed: bool) {
        let next = match state {
            KeyLife::Reserving { .. } => Doubt::Reserving,
            KeyLife::Publishing { .. } => Doubt::Publishing,
            KeyLife::Retiring { .. } => Doubt::Destroying,
            KeyLife::Erasing { .. } if destroys_sealed => Doubt::Destroying,
            KeyLife::Erasing { .. } => Doubt::Erasing,
            _ => return,
        };
        self.life_becomes(object, KeyLife::Doubtful { next, look: None });
        match next {
            Doubt::Erasing => self.tell_waiter(object, Ok(())),
            _ => self.tell_waiter(object, Err(Status::KeyInfoManagerError)),
        }
        self.store_in_doubt();
    }
}
