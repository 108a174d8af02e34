//! The life of a key's creation or destruction, on one page. It does not die with its request.
//!
//! Where the material is sealed in the record (software, TPM):
//!
//! ```text
//! create   Making ── Publishing ── usable           one transaction: keys
//! destroy  Emptying ── Erasing ── gone              one transaction: out of keys
//! ```
//!
//! Where the provider owns the object (PKCS#11):
//!
//! ```text
//! create   Reserving ── Making ── Publishing ── usable
//!              │           │          │
//!              └───────────┴──────────┴── Removing ── Erasing ── nothing
//! destroy  Emptying ── Retiring ── Removing ── Erasing ── gone
//! recovery                         Removing ── Erasing
//! ```
//!
//! Any commit whose outcome is unknown leads to `Doubtful`: a durable barrier, then a look at what the row
//! has become. A life that nobody waits for and that cannot go on leaves memory: its `unfinished` row is
//! enough, the sweeper takes it up again.

mod commits;
mod create;
mod destroy;
mod doubt;
mod quota;
mod remove;

use crate::identity::{KeyIdentity, Principal};
use crate::ids::{ObjectId, ProviderKey, RequestId, Ticket};
use crate::observer::Event;
use crate::record::{Device, Record};
use crate::request::Request;
use crate::schedule::costs::JobKind;
use crate::schedule::principals::Payer;
use crate::state::Step;
use crate::store::{Mutation, Unfinished, UnfinishedState};
use crate::time::Instant;
use alloc::sync::Arc;
pub(crate) use create::Creation;
use parsecd_wire::{Reply, Status};
pub(crate) use quota::{Makings, Room, Told};

/// A creation, a destruction or the recovery of one object.
#[derive(Debug, Hash)]
pub(crate) struct Life {
    pub(super) object: ObjectId,
    pub(super) identity: KeyIdentity,
    /// `None`: its provider is not configured.
    pub(crate) provider: Option<ProviderKey>,
    /// Whether the material is sealed in the record.
    pub(super) sealed: bool,
    /// Device it is being made on or removed from.
    pub(super) device: Device,
    /// Who pays for its work.
    pub(crate) payer: Payer,
    pub(super) waiter: LifeWaiter,
    /// Whether its name is its own.
    pub(super) holds_name: bool,
    /// What is to be made.
    pub(crate) creation: Option<Creation>,
    /// What was made, or is to be destroyed.
    pub(super) record: Option<Arc<Record>>,
    /// Bytes of the record that the store is asked to publish.
    pub(super) publishes: Option<u64>,
    /// Whether nobody told how the making ended: one search that finds nothing is then not enough.
    pub(super) uncertain: bool,
    /// Jobs that had no effect so far.
    pub(super) attempts: u8,
    pub(crate) state: KeyLife,
}

/// Who is told how a life ended; at most one, and it may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LifeWaiter {
    Nobody,
    Request(RequestId),
    Deletion(RequestId),
}

/// Where a life stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyLife {
    /// `unfinished(making)` is being written.
    Reserving { commit: Ticket },
    /// The object is being made.
    Making { at: At },
    /// The record is being written.
    Publishing { commit: Ticket },
    /// Running uses of the key end.
    Emptying,
    /// The key moves from `keys` to `unfinished(removing)`.
    Retiring { commit: Ticket },
    /// The object is being removed; `searched`: once already, `again_at`: after a pause.
    Removing { at: At, searched: bool, again_at: Option<Instant> },
    /// The row is being deleted.
    Erasing { commit: Ticket },
    /// The outcome of a commit is unknown.
    /// `look`: the row is being looked at; what an earlier look has seen is stale.
    Doubtful { next: Doubt, look: Option<Ticket> },
}

/// Where a life's job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// In the provider's queue, or pausing.
    Queue,
    /// With a lane.
    Lane(Ticket),
}

/// Which commit a doubt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Doubt {
    Reserving,
    Publishing,
    Destroying,
    Erasing,
}

impl Life {
    /// What its job is expected to be like; `None` if it has none to wait with.
    pub(crate) fn job_kind(&self) -> Option<JobKind> {
        match self.state {
            KeyLife::Making { .. } => self.creation.as_ref().map(Creation::job_kind),
            KeyLife::Removing { .. } => Some(JobKind::Remove),
            _ => None,
        }
    }

    /// The request that waits for it.
    pub(crate) fn waiting_request(&self) -> Option<RequestId> {
        match self.waiter {
            LifeWaiter::Request(id) => Some(id),
            LifeWaiter::Nobody | LifeWaiter::Deletion(_) => None,
        }
    }
}

impl Life {
    /// Whether nobody knows what its last commit has become.
    pub(crate) fn is_doubtful(&self) -> bool {
        matches!(self.state, KeyLife::Doubtful { .. })
    }

    /// Whether its key is on its way to be usable, and not away again.
    pub(crate) fn is_being_made(&self) -> bool {
        matches!(self.state, KeyLife::Reserving { .. } | KeyLife::Making { .. } | KeyLife::Publishing { .. })
    }
}

impl KeyLife {
    fn name(&self) -> &'static str {
        match self {
            KeyLife::Reserving { .. } => "Reserving",
            KeyLife::Making { .. } => "Making",
            KeyLife::Publishing { .. } => "Publishing",
            KeyLife::Emptying => "Emptying",
            KeyLife::Retiring { .. } => "Retiring",
            KeyLife::Removing { .. } => "Removing",
            KeyLife::Erasing { .. } => "Erasing",
            KeyLife::Doubtful { .. } => "Doubtful",
        }
    }
}

impl Step<'_> {
    /// Begins a life.
    pub(super) fn begin_life(&mut self, life: Life) {
        let object = life.object;
        if life.holds_name {
            self.name_is_changing(&life.identity, object);
        }
        if let LifeWaiter::Request(id) = life.waiter {
            if let Some(request) = self.state.requests.get_mut(&id) {
                request.object = Some(object);
            }
            self.request_becomes(id, Request::Following { object });
        }
        self.observer.event(Event::KeyLifeTransition { object, from: "None", to: life.state.name() });
        if life.creation.is_some() {
            self.state.makings.begun(&life.payer);
        }
        let before = self.state.lives.insert(object, life);
        assert!(before.is_none(), "an object has one life at a time");
        self.unsettled_for_deletion(object);
    }

    pub(super) fn life_becomes(&mut self, object: ObjectId, next: KeyLife) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        let from = life.state.name();
        let to = next.name();
        life.state = next;
        if from != to {
            self.observer.event(Event::KeyLifeTransition { object, from, to });
        }
    }

    /// Asks the store for a change on behalf of a life.
    pub(super) fn commit(&mut self, object: ObjectId, mutation: Mutation) -> Ticket {
        let ticket = self.state.mint.ticket();
        self.write(object, ticket, mutation);
        ticket
    }

    /// The row of `unfinished` that stands for a life.
    pub(super) fn unfinished(life: &Life, state: UnfinishedState) -> Unfinished {
        Unfinished {
            object: life.object,
            state,
            device: life.device.clone(),
            identity: life.identity.clone(),
        }
    }

    /// Tells whoever waits how a life ended for them. They do not wait any longer.
    pub(super) fn tell_waiter(&mut self, object: ObjectId, result: Result<(), Status>) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        let imports = life.creation.as_ref().map(Creation::is_import);
        match core::mem::replace(&mut life.waiter, LifeWaiter::Nobody) {
            LifeWaiter::Nobody => {}
            LifeWaiter::Request(id) => {
                let reply = match imports {
                    None => Reply::PsaDestroyKey,
                    Some(false) => Reply::PsaGenerateKey,
                    Some(true) => Reply::PsaImportKey,
                };
                self.answer(id, result.map(|()| reply));
            }
            LifeWaiter::Deletion(id) => self.deletion_step_ended(id, object, result),
        }
    }

    /// Gives the name back if the life holds it: there is no such key.
    pub(super) fn give_name_back(&mut self, object: ObjectId) {
        if let Some((identity, payer)) = self.take_name(object) {
            self.name_is_free(&identity);
            self.ask_again(payer.as_ref());
        }
    }

    /// The name that a life holds, and whose quota there may be room in now. From now on the key counts as the
    /// store says.
    fn take_name(&mut self, object: ObjectId) -> Option<(KeyIdentity, Option<Principal>)> {
        let life = self.state.lives.get_mut(&object)?;
        if !core::mem::replace(&mut life.holds_name, false) {
            return None;
        }
        let makes = life.creation.is_some();
        if makes {
            self.state.makings.ended(&life.payer, life.publishes);
        }
        Some((life.identity.clone(), makes.then(|| life.payer.principal.clone())))
    }

    /// Ends a life that leaves nothing behind: the name is free before anybody is told.
    pub(super) fn end_as_nothing(&mut self, object: ObjectId, result: Result<(), Status>) {
        self.settled_for_deletion(object);
        self.give_name_back(object);
        self.tell_waiter(object, result);
        self.end_life(object);
    }

    /// Ends a life whose key is usable. Whoever waits for the name may begin the next life of the same object,
    /// so this one is over before.
    pub(super) fn end_as_usable(&mut self, object: ObjectId, result: Result<(), Status>) {
        let record = self.state.lives.get(&object).and_then(|life| life.record.clone());
        let name = self.take_name(object);
        self.settled_for_deletion(object);
        self.tell_waiter(object, result);
        self.end_life(object);
        if let Some((identity, payer)) = name {
            match record {
                Some(record) => self.name_is_ready(&identity, record),
                None => self.name_is_unknown(&identity),
            }
            self.ask_again(payer.as_ref());
        }
    }

    pub(super) fn end_life(&mut self, object: ObjectId) {
        let Some(life) = self.state.lives.remove(&object) else { return };
        assert!(!life.holds_name, "a life that ends has given its name back");
        if let KeyLife::Removing { again_at: Some(at), .. } = life.state {
            self.state.deadlines.clear(at, crate::deadlines::Due::Settling(object));
        }
        self.observer.event(Event::KeyLifeTransition { object, from: life.state.name(), to: "None" });
        if let Some(provider) = life.provider {
            self.swept(provider, object);
        }
    }

    /// The job that a life waits for a lane with, or the status if it is pointless by now.
    pub(crate) fn life_job(&self, object: ObjectId) -> Result<crate::job::Job, Status> {
        match self.state.lives.get(&object).map(|life| &life.state) {
            Some(KeyLife::Making { .. }) => self.making_job(object),
            Some(KeyLife::Removing { .. }) => self.removing_job(object),
            _ => Err(Status::PsaErrorGenericError),
        }
    }

    /// A lane has a life's job.
    pub(crate) fn life_started(&mut self, object: ObjectId, at: At) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        match &mut life.state {
            KeyLife::Making { at: place } | KeyLife::Removing { at: place, .. } => *place = at,
            _ => {}
        }
    }

    /// No lane will have a life's job.
    pub(crate) fn life_not_started(&mut self, object: ObjectId, status: Status) {
        match self.state.lives.get(&object).map(|life| &life.state) {
            Some(KeyLife::Making { .. }) => self.fail_and_erase(object, status),
            Some(KeyLife::Removing { .. }) => self.leave_to_sweeper(object, Err(status)),
            _ => {}
        }
    }

    /// A life's job has ended.
    pub(crate) fn life_job_finished(&mut self, object: ObjectId, outcome: crate::outcome::Outcome) {
        if let Some(id) = self.state.lives.get(&object).and_then(Life::waiting_request) {
            self.request_ran(id);
        }
        match self.state.lives.get(&object).map(|life| &life.state) {
            Some(KeyLife::Making { .. }) => self.made(object, outcome),
            Some(KeyLife::Removing { .. }) => self.removed(object, outcome),
            _ => {}
        }
    }

    /// Whoever waited is gone. What has not begun does not begin; the rest goes on.
    pub(crate) fn life_abandoned(&mut self, object: ObjectId) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        life.waiter = LifeWaiter::Nobody;
        let sealed = life.sealed;
        match life.state.clone() {
            KeyLife::Making { at: At::Queue } => {
                if let Some(provider) = life.provider {
                    self.life_leaves_queue(provider, object);
                }
                if sealed {
                    self.end_as_nothing(object, Ok(()));
                } else {
                    self.give_name_back(object);
                    self.erase(object);
                }
            }
            KeyLife::Making { at: At::Lane(ticket) } => self.cancel_if_waiting(ticket),
            KeyLife::Emptying => self.end_as_usable(object, Ok(())),
            _ => {}
        }
    }
}
