//! What the core orders: changes of the store, jobs, and what may be ordered when.

use crate::auditor::{Auditor, Scene};
use crate::call::{Call, Meaning};
use crate::canary;
use crate::oracle::{Mark, Oracle};
use crate::plan::OWNING;
use crate::provider::fleet::Fleet;
use crate::truth::{self, identity_of};
use parsecd_core::ids::{LaneKey, ObjectId, Ticket};
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::store::{CommitResult, Mutation, Unfinished};

impl Auditor {
    /// The core orders a change of the store.
    pub fn commits(&mut self, mutation: &Mutation, calls: &[Call], scene: Scene<'_>) {
        self.truth.submitted(mutation);
        self.key_is_handed_over(mutation);
        if let Some(identity) = identity_of(mutation) {
            let creates = matches!(mutation, Mutation::Reserve(_) | Mutation::Publish { .. });
            let asks = |id: &usize| {
                calls.get(*id).is_some_and(|call| {
                    call.meaning.may_change(identity)
                        && creates == matches!(call.meaning, Meaning::Create { .. })
                })
            };
            let waiting = self.open.keys().any(asks);
            let unmade = match mutation {
                Mutation::Retire(row) => self.doubtful.contains_key(&row.object),
                Mutation::Delete { object, .. } => self.doubtful.contains_key(object),
                _ => false,
            };
            let asked = waiting || unmade || self.abandoned.iter().any(asks);
            self.findings.check(Oracle::ChangeIsAskedFor, asked, || format!("nobody asks for {mutation:?}"));
        }
        if let Mutation::Publish { record, .. } = mutation {
            let sealed = !canary::is_in(&record.0);
            self.findings.check(Oracle::I11NoSecret, sealed, || format!("not sealed: {mutation:?}"));
        }
        match mutation {
            Mutation::Retire(row) => self.check_unused(row.object, "retired"),
            Mutation::Delete { object, .. } => self.check_unused(*object, "deleted"),
            Mutation::Erase { object } => {
                let owned = scene.store.possible().iter().any(|tables| tables.owner(*object).is_some());
                self.findings.check(Oracle::I2NothingLost, !owned, || {
                    format!("{object} is erased while a name leads to it")
                });
                let held = scene.fleet.holds(*object);
                self.findings.check(Oracle::I3ObjectsAreRecords, !held, || {
                    format!("{object} is forgotten while the device holds it")
                });
            }
            Mutation::Barrier | Mutation::Reserve(_) | Mutation::Publish { .. } => {}
        }
    }

    /// A commit ended.
    pub fn committed(&mut self, mutation: &Mutation, result: CommitResult) {
        if result == CommitResult::Full {
            self.marks.store_full();
        }
        match (mutation, result) {
            (Mutation::Publish { identity, .. }, CommitResult::Durable) => {
                // Its client is told now and not before, though the job has ended; or there is none.
                let waits = self.open.values().any(|open| open.creates.as_ref() == Some(identity));
                self.findings.mark(if waits { Mark::AckWaitsForSync } else { Mark::WaiterLeftKeyFinished });
            }
            (Mutation::Erase { object }, CommitResult::Durable) => self.mark_erased(*object),
            (Mutation::Barrier, CommitResult::Durable) => self.findings.mark(Mark::UnknownCommitBarrier),
            (Mutation::Publish { identity, object, .. }, CommitResult::Unknown) => {
                self.doubtful.insert(*object, (identity.clone(), false));
            }
            (
                Mutation::Delete { object, .. } | Mutation::Retire(Unfinished { object, .. }),
                CommitResult::Refused | CommitResult::Full,
            ) => drop(self.doubtful.remove(object)),
            _ => {}
        }
    }

    fn check_unused(&mut self, object: ObjectId, how: &str) {
        let used = self.truth.in_use(object);
        self.findings
            .check(Oracle::DestroyWaitsForUses, !used, || format!("{object} is {how} while it is used"));
    }

    /// The core starts a job on a lane.
    pub fn starts(&mut self, lane: LaneKey, ticket: Ticket, job: &Job, scene: Scene<'_>) {
        let owning = lane.host.provider == OWNING;
        match job {
            Job::Generate { object, .. } | Job::Import { object, .. } if owning => {
                let reserved = truth::surely_reserved(scene.store, *object);
                self.making.insert(ticket, *object);
                self.findings.check(Oracle::ReservedBeforeMade, reserved, || {
                    format!("{object} is made before its reservation is durable")
                });
            }
            Job::Remove { object } => {
                let retired = truth::surely_retired(scene.store, *object);
                self.findings.check(Oracle::RetiredBeforeRemoved, retired, || {
                    format!("{object} is removed while a name may lead to it, or recovery does not know it")
                });
                let half = scene.fleet.owning().is_half(*object);
                self.removals.insert(ticket, (*object, half));
                self.mark_removal(*object, scene.fleet.holds(*object));
                self.check_unused(*object, "removed");
            }
            Job::Use { key, .. } => {
                let there = scene.store.possible().iter().any(|tables| tables.owner(key.object).is_some());
                self.findings.check(Oracle::DestroyWaitsForUses, there, || {
                    format!("{} is used after its name is gone", key.object)
                });
                let mut rows = scene.store.possible().iter().flat_map(|tables| tables.keys.values());
                let row = rows.find(|row| row.object == key.object);
                let device = row.and_then(|row| row.record.decode().ok()).map(|record| record.device);
                let same = device.is_none() || device.as_ref() == self.work.device(lane.host);
                self.findings.check(Oracle::I13Corruption, same, || {
                    format!("{} of {device:?} is used by a host that has another device", key.object)
                });
                let made = scene.fleet.made.get(key.object);
                let same = made.is_some_and(|made| {
                    made.attributes == key.attributes
                        && made.public == key.public
                        && made.binding == key.binding.0
                });
                self.findings.check(Oracle::I13Corruption, same, || {
                    format!("{} is used otherwise than it was made", key.object)
                });
            }
            _ => {}
        }
        let deadlines = &self.configurations.current().deadlines;
        self.work.given(lane, ticket, matches!(job, Job::Open), deadlines, scene.now);
        self.truth.started(ticket, job);
        self.excuses.started(ticket, lane.host, scene.now);
    }

    /// The outcome of a job is delivered.
    pub fn finished(&mut self, ticket: Ticket, outcome: &Outcome, fleet: &Fleet, (moment, now): (u64, u64)) {
        let host = self.excuses.host_of(ticket);
        self.ends_in_time(ticket, outcome, host, now);
        let provider = host.map(|host| host.provider);
        if let Some(verdict) = provider.and_then(|provider| self.fairness.ended(provider, ticket, now)) {
            self.findings.peak("lane time", verdict.difference, verdict.allowed);
            self.findings.check(Oracle::I9Fairness, verdict.difference <= verdict.allowed, || {
                format!("of two principals that wait, one has used more of the lanes: {verdict:?}")
            });
            if let Some(swing) = verdict.swing {
                self.findings.peak("lead of a principal", swing.seen, swing.allowed);
                self.findings.check(Oracle::I9Fairness, swing.seen <= swing.allowed, || {
                    format!("a principal was served that was ahead of another one that waited: {swing:?}")
                });
            }
            if verdict.saturated {
                self.findings.mark(Mark::FourTenantsSaturated);
            }
        }
        let gone =
            matches!(outcome, Outcome::Done(Effect::Removed) | Outcome::Absent { login_confirmed: true, .. });
        if let Some((object, half)) = self.removals.remove(&ticket) {
            if !gone {
                self.excuses.removal_failed(moment);
            }
            if *outcome == Outcome::Done(Effect::Removed) {
                self.mark_removed(object, half);
            }
        }
        self.waits_again(ticket, outcome, now);
        let made = self.making.remove(&ticket).filter(|object| fleet.holds(*object));
        if matches!(outcome, Outcome::Unknown | Outcome::LaneLost) {
            made.into_iter().for_each(|object| self.marks.answer_lost(object));
        }
        let used = self.truth.used(ticket).filter(|object| fleet.holds(*object));
        self.truth.finished(ticket);
        // Its request was told so when it was late, though the answer may still wait for its turn.
        let late = self.excuses.is_late(ticket, now);
        self.excuses.finished(ticket, outcome);
        let request = self.jobs.remove(&ticket).flatten();
        let Some(&id) = request.and_then(|request| self.requests.get(&request)) else { return };
        if let (Outcome::Absent { login_confirmed: false, .. }, Some(object)) = (outcome, used) {
            self.marks.looked_absent(id, object);
        }
        let told = self.is_told(id);
        match self.open.get_mut(&id) {
            Some(open) => {
                open.work.ended(ticket, outcome);
                if late {
                    open.work.ended_badly();
                }
            }
            None if !told => self.mark_late(id),
            None => {}
        }
    }

    /// What makes a key and had no effect is tried again: whoever waits for the key waits for a lane again.
    fn waits_again(&mut self, ticket: Ticket, outcome: &Outcome, now: u64) {
        let idle = matches!(outcome, Outcome::NoEffect | Outcome::Busy | Outcome::RebuildNeeded);
        let request = self.jobs.get(&ticket).copied().flatten().filter(|_| idle);
        let id = request.and_then(|request| self.requests.get(&request)).copied();
        if let Some(id) = id.filter(|id| self.open.get(id).is_some_and(|open| open.creates.is_some())) {
            self.begins_to_wait(id, now);
        }
    }
}
