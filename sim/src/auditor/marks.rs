//! Marks that take more than one event to reach: each says what it needs in the words of the list of marks.

use super::{Auditor, Open};
use crate::call::{Call, Meaning};
use crate::oracle::Mark;
use crate::store::Store;
use crate::truth::Leads;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::{ConnectionKey, HostKey, ObjectId, ProviderKey};
use parsecd_core::job::Job;
use parsecd_core::store::{Unfinished, UnfinishedState};
use parsecd_wire::Status;
use std::collections::{BTreeMap, BTreeSet};

/// How far a store without room has come to be one with room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Room {
    #[default]
    Enough,
    Refused,
    ReadServed,
}

/// What has been seen of marks that are not reached yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// Rows that this life found unfinished when it began.
    found: BTreeMap<ObjectId, UnfinishedState>,
    /// Hosts of this life that were killed, by provider and slot.
    killed: BTreeSet<(ProviderKey, u16)>,
    /// Where each request came in.
    came_in: BTreeMap<usize, ConnectionKey>,
    /// When a creation of a name last succeeded.
    created: BTreeMap<KeyIdentity, u64>,
    /// Requests that were open while another one of their tenant was given up.
    beside_silence: BTreeSet<usize>,
    /// Requests whose token was verified with keys that were rotated since.
    rotated: BTreeSet<usize>,
    room: Room,
    /// Tenants that were told that one of their keys is unreadable.
    unreadable: BTreeSet<ApplicationIdentity>,
    /// Objects that are there although nobody was told that they were made.
    answer_lost: BTreeSet<ObjectId>,
    /// Objects that appeared when their host was dead.
    landed: BTreeSet<ObjectId>,
    /// Requests whose object is there and was said not to be.
    looked_absent: BTreeMap<usize, ObjectId>,
}

impl Marks {
    /// A life of the daemon begins, with these rows unfinished.
    pub(crate) fn begins<'a>(&mut self, unfinished: impl Iterator<Item = &'a Unfinished>) {
        self.found = unfinished.map(|row| (row.object, row.state)).collect();
    }

    /// What concerns one life of the daemon only is over.
    pub(crate) fn crashed(&mut self) {
        let Marks { unreadable, answer_lost, landed, .. } = std::mem::take(self);
        *self = Marks { unreadable, answer_lost, landed, ..Marks::default() };
    }

    /// Whether a row is still there that this life found unfinished.
    pub(crate) fn recovers<'a>(&self, unfinished: impl IntoIterator<Item = &'a ObjectId>) -> bool {
        !self.found.is_empty() && unfinished.into_iter().any(|object| self.found.contains_key(object))
    }

    /// A request came in on this connection.
    pub(crate) fn came_in(&mut self, id: usize, connection: ConnectionKey) {
        self.came_in.insert(id, connection);
    }

    /// An object is there, and nobody was told.
    pub(crate) fn answer_lost(&mut self, object: ObjectId) {
        self.answer_lost.insert(object);
    }

    /// The object of a request is there, and was said not to be.
    pub(crate) fn looked_absent(&mut self, id: usize, object: ObjectId) {
        self.looked_absent.insert(id, object);
    }

    /// The store had no room.
    pub(crate) fn store_full(&mut self) {
        self.room = Room::Refused;
    }

    /// A creation succeeded.
    pub(crate) fn created(&mut self, key: &KeyIdentity, moment: u64) {
        self.created.insert(key.clone(), moment);
    }

    /// A host did not answer and is killed.
    pub(crate) fn killed(&mut self, host: HostKey) {
        self.killed.insert((host.provider, host.slot));
    }

    /// Whether a host takes the place of one that was killed.
    pub(crate) fn replaces(&mut self, host: HostKey) -> bool {
        self.killed.remove(&(host.provider, host.slot))
    }
}

impl Auditor {
    /// A device finishes by itself what a dead host began.
    pub fn lands(&mut self, job: &Job) {
        if let Job::Generate { object, .. } | Job::Import { object, .. } = job {
            self.marks.landed.insert(*object);
        }
    }

    /// An object is to be removed; `held`: there is something of it.
    pub(crate) fn mark_removal(&mut self, object: ObjectId, held: bool) {
        if held && self.marks.found.get(&object) == Some(&UnfinishedState::Making) {
            self.findings.mark(Mark::RecoveryFindsUnfinishedMaking);
        }
    }

    /// An object was removed; `half`: it was half a pair.
    pub(crate) fn mark_removed(&mut self, object: ObjectId, half: bool) {
        if half {
            self.findings.mark(Mark::HalfPairRemoved);
        }
        if self.marks.landed.remove(&object) {
            self.findings.mark(Mark::LateObjectRemoved);
        }
        if self.marks.answer_lost.remove(&object) {
            self.findings.mark(Mark::EffectDoneAnswerLost);
        }
    }

    /// Nothing of an object is in the store any more.
    pub(crate) fn mark_erased(&mut self, object: ObjectId) {
        if self.marks.found.remove(&object) == Some(UnfinishedState::Removing) {
            self.findings.mark(Mark::RecoveryFinishesRemoval);
        }
    }

    /// A job ends whose client is gone.
    pub(crate) fn mark_late(&mut self, id: usize) {
        self.findings.mark(Mark::LateCompletionForDeadConnection);
        let Some(connection) = self.marks.came_in.remove(&id) else { return };
        let newer = ConnectionKey { generation: connection.generation + 1, ..connection };
        let newest = ConnectionKey { generation: u32::MAX, ..connection };
        if self.callers.range(newer..=newest).next().is_some() {
            self.findings.mark(Mark::LateCompletionForReusedSlot);
        }
    }

    /// A request is given up for its silence: what others of its tenant ask is to be served nevertheless.
    pub(crate) fn mark_silence(&mut self, silent: &Call) {
        let others = self
            .open
            .iter()
            .filter(|(_, open)| open.application.is_some() && open.application == silent.application);
        self.marks.beside_silence.extend(others.map(|(id, _)| *id));
    }

    /// The identity provider rotates its keys.
    pub fn rotates(&mut self) {
        let verified = self.tokens.verified().filter(|id| self.open.contains_key(id));
        self.marks.rotated.extend(verified);
    }

    /// A request is answered, or gone.
    pub(crate) fn forget_marks(&mut self, id: usize) {
        self.marks.came_in.remove(&id);
        self.marks.rotated.remove(&id);
        self.marks.looked_absent.remove(&id);
        self.marks.beside_silence.remove(&id);
    }

    pub(crate) fn mark_answer(
        &mut self,
        id: usize,
        call: &Call,
        status: Status,
        (open, leads): (&Open, &Leads),
        store: &Store,
    ) {
        let absent = self.marks.looked_absent.remove(&id);
        if absent.is_some_and(|object| store.visible().owner(object).is_some()) {
            self.findings.mark(Mark::LoginLostLooksAbsent);
        }
        let create = matches!(call.meaning, Meaning::Create { .. });
        if self.marks.rotated.contains(&id) {
            self.findings.mark(Mark::BundleRotatedMidRequest);
        }
        match status {
            Status::Success => self.mark_success(id, call, open),
            Status::PsaErrorDataCorrupt => self.marks.unreadable.extend(call.application.clone()),
            Status::PsaErrorAlreadyExists if create && leads.contains(&None) => {
                let created = call.meaning.key().and_then(|key| self.marks.created.get(key));
                if created.is_some_and(|moment| *moment >= open.received) {
                    self.findings.mark(Mark::SameNameRace);
                }
            }
            _ if open.work.ended_busy => self.findings.mark(Mark::RetriesExhausted),
            _ => {}
        }
    }

    fn mark_success(&mut self, id: usize, call: &Call, open: &Open) {
        let create = matches!(call.meaning, Meaning::Create { .. });
        let reads = matches!(call.meaning, Meaning::Use { .. } | Meaning::ListKeys(_));
        if open.work.busy {
            self.findings.mark(Mark::ProviderBusyThenOk);
        }
        if self.marks.beside_silence.contains(&id) {
            self.findings.mark(Mark::DeadlineClosesSilentClient);
        }
        match self.marks.room {
            Room::Refused if reads => self.marks.room = Room::ReadServed,
            Room::ReadServed if create => {
                self.marks.room = Room::Enough;
                self.findings.mark(Mark::StoreFullThenRoom);
            }
            _ => {}
        }
        if let (Meaning::Use { .. }, Some(application)) = (&call.meaning, &call.application)
            && self.marks.unreadable.remove(application)
        {
            self.findings.mark(Mark::UnreadableRecordDisablesOneKey);
        }
    }
}
