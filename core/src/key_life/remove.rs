//! Removing an object that nobody can name any more, and the row that remembers it.
//!
//! *Not found* proves nothing while logged out or on another device. Where nobody told how the making
//! ended, the object may still come: then two searches, a settling time apart, have to find nothing.

use super::{At, KeyLife, Life, LifeWaiter};
use crate::deadlines::Due;
use crate::identity::Principal;
use crate::ids::{ObjectId, ProviderKey};
use crate::job::Job;
use crate::outcome::{Effect, Outcome};
use crate::record::Device;
use crate::schedule::principals::Payer;
use crate::state::{Step, StoreHealth};
use crate::store::{Mutation, Unfinished, UnfinishedState};
use parsecd_wire::Status;

/// Removals without effect after which the sweeper is left to try again.
const ATTEMPTS_MAX: u8 = 3;

impl Step<'_> {
    /// Takes up an unfinished object that nobody works on.
    pub(crate) fn recover(&mut self, provider: ProviderKey, row: Unfinished) {
        let object = row.object;
        self.begin_life(Life {
            object,
            identity: row.identity,
            provider: Some(provider),
            sealed: false,
            device: row.device,
            payer: Payer { principal: Principal::Sweeper, tenant: None },
            waiter: LifeWaiter::Nobody,
            holds_name: false,
            creation: None,
            record: None,
            publishes: None,
            uncertain: row.state == UnfinishedState::Making,
            attempts: 0,
            state: KeyLife::Removing { at: At::Queue, searched: false, again_at: None },
        });
        self.search(object, false);
    }

    /// Removes the object, which nobody can name any more.
    pub(super) fn remove(&mut self, object: ObjectId) {
        if let Some(life) = self.state.lives.get_mut(&object) {
            life.attempts = 0;
        }
        self.search(object, false);
    }

    /// Queues a search for the object, which removes what it finds.
    fn search(&mut self, object: ObjectId, searched: bool) {
        let Some(life) = self.state.lives.get(&object) else { return };
        match life.provider {
            Some(provider) if self.is_on_device(provider, &life.device) => {
                self.life_becomes(object, KeyLife::Removing { at: At::Queue, searched, again_at: None });
                self.life_enters_queue(provider, object);
            }
            _ => self.leave_to_sweeper(object, Err(Status::PsaErrorCommunicationFailure)),
        }
    }

    /// The pause between two searches is over.
    pub(crate) fn settled(&mut self, object: ObjectId) {
        if let Some(life) = self.state.lives.get(&object)
            && matches!(life.state, KeyLife::Removing { again_at: Some(_), .. })
        {
            self.search(object, true);
        }
    }

    pub(super) fn removing_job(&self, object: ObjectId) -> Result<Job, Status> {
        let life = self.state.lives.get(&object).ok_or(Status::PsaErrorGenericError)?;
        match life.provider {
            Some(provider) if self.is_on_device(provider, &life.device) => Ok(Job::Remove { object }),
            _ => Err(Status::PsaErrorHardwareFailure),
        }
    }

    /// How a removal ended.
    pub(super) fn removed(&mut self, object: ObjectId, outcome: Outcome) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        let KeyLife::Removing { searched, .. } = life.state else { return };
        let uncertain = life.uncertain;
        match outcome {
            Outcome::Done(Effect::Removed) if uncertain => self.search_again_later(object),
            Outcome::Done(Effect::Removed) => self.erase(object),
            Outcome::Absent { device, login_confirmed } => {
                if !login_confirmed || device != life.device {
                    self.leave_to_sweeper(object, Err(Status::PsaErrorCommunicationFailure));
                } else if uncertain && !searched {
                    self.search_again_later(object);
                } else {
                    self.erase(object);
                }
            }
            Outcome::NoEffect
            | Outcome::Busy
            | Outcome::RebuildNeeded
            | Outcome::Unknown
            | Outcome::LaneLost => {
                life.attempts = life.attempts.saturating_add(1);
                if life.attempts < ATTEMPTS_MAX {
                    self.search(object, searched);
                } else {
                    self.leave_to_sweeper(object, Err(Status::PsaErrorCommunicationFailure));
                }
            }
            Outcome::Refused(_) | Outcome::PinRefused | Outcome::Done(_) => {
                self.leave_to_sweeper(object, Err(Status::PsaErrorCommunicationFailure));
            }
        }
    }

    fn search_again_later(&mut self, object: ObjectId) {
        let at = self.now.instant.after(self.state.config.deadlines.settling);
        self.life_becomes(object, KeyLife::Removing { at: At::Queue, searched: true, again_at: Some(at) });
        self.state.deadlines.set(at, Due::Settling(object));
    }

    /// Deletes the row of an object of which nothing is left.
    pub(super) fn erase(&mut self, object: ObjectId) {
        if self.state.store != StoreHealth::Up {
            return self.leave_to_sweeper(object, Ok(()));
        }
        let commit = self.commit(object, Mutation::Erase { object });
        self.life_becomes(object, KeyLife::Erasing { commit });
    }

    /// Ends a life that cannot go on: its row is enough.
    pub(crate) fn leave_to_sweeper(&mut self, object: ObjectId, result: Result<(), Status>) {
        // A provider that was not configured when the life began may be by now, and have been swept.
        let provider = self
            .state
            .lives
            .get(&object)
            .and_then(|life| life.provider.or_else(|| self.provider_named(&life.identity.provider)));
        if let Some(provider) = provider {
            self.sweep_later(provider);
        }
        self.give_name_back(object);
        self.tell_waiter(object, result);
        self.end_life(object);
    }

    /// Whether the provider serves with this very device.
    pub(crate) fn is_on_device(&self, provider: ProviderKey, device: &Device) -> bool {
        !self.is_down(provider)
            && self.state.providers.get(&provider).and_then(|provider| provider.device()) == Some(device)
    }
}
