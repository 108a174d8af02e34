//! Work in time: nobody waits for a lane, or for what the identity provider says, longer than a request may, and a
//! host is killed for what has not ended in time, not before.
//!
//! A time that was told once holds until what it is for has ended: deadlines of a later configuration are for what
//! begins under it.

use super::Auditor;
use crate::oracle::Oracle;
use crate::stage::MILLI;
use parsecd_core::config::Deadlines;
use parsecd_core::ids::{HostKey, LaneKey, ObjectId, Ticket};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::Device;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Operation deadlines that a host has to open.
const OPENING: u64 = 2;

/// What waits and what runs, and until when it may.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkInTime {
    /// Requests that wait: since when, and until when.
    waiting: BTreeMap<usize, (u64, u64)>,
    /// Requests that wait for the life of an object.
    followed: BTreeMap<ObjectId, usize>,
    lanes: BTreeMap<LaneKey, VecDeque<Given>>,
    /// When a host must have opened, or be gone.
    hosts: BTreeMap<HostKey, u64>,
    /// Hosts that are killed for what they have said.
    guilty: BTreeSet<HostKey>,
    /// Requests that wait for the executor, and jobs that it runs.
    for_executor: BTreeSet<usize>,
    on_executor: BTreeSet<Ticket>,
    /// What hosts have logged in to.
    devices: BTreeMap<HostKey, Device>,
    /// Until when the daemon last stood still.
    stood_still: u64,
}

/// A job of a lane; the first one runs.
#[derive(Clone, Copy, Debug)]
struct Given {
    ticket: Ticket,
    opens: bool,
    began: u64,
    due: u64,
}

impl WorkInTime {
    /// The daemon stands still until then.
    pub(crate) fn stands_still(&mut self, until: u64) {
        self.stood_still = self.stood_still.max(until);
    }

    /// The daemon died.
    pub(crate) fn crashed(&mut self) {
        *self = WorkInTime { stood_still: self.stood_still, ..WorkInTime::default() };
    }

    /// A host is to open.
    pub(crate) fn opens(&mut self, host: HostKey, deadlines: &Deadlines, now: u64) {
        self.hosts.insert(host, now + OPENING * operation(deadlines));
    }

    /// A host has opened.
    pub(crate) fn opened(&mut self, host: HostKey) {
        self.hosts.remove(&host);
    }

    /// A host is to go.
    pub(crate) fn closes(&mut self, host: HostKey, deadlines: &Deadlines, now: u64) {
        self.hosts.insert(host, now + operation(deadlines));
    }

    /// A host is gone.
    pub(crate) fn gone(&mut self, host: HostKey) {
        self.devices.remove(&host);
        self.hosts.remove(&host);
        self.guilty.remove(&host);
        self.lanes.retain(|lane, _| lane.host != host);
    }

    /// A host has logged in.
    pub(crate) fn logs_in(&mut self, host: HostKey, device: Device) {
        self.devices.insert(host, device);
    }

    /// What a host has logged in to.
    pub(crate) fn device(&self, host: HostKey) -> Option<&Device> {
        self.devices.get(&host)
    }

    /// The executor has a job.
    pub(crate) fn executes(&mut self, ticket: Ticket) {
        self.on_executor.insert(ticket);
    }

    /// The executor has ended a job.
    pub(crate) fn executed(&mut self, ticket: Ticket) {
        self.on_executor.remove(&ticket);
    }

    /// A request waits for the executor.
    pub(crate) fn waits_for_executor(&mut self, id: usize) {
        self.for_executor.insert(id);
    }

    /// Who waits for an executor that does nothing.
    pub(crate) fn is_idle_for(&self) -> Option<usize> {
        if self.on_executor.is_empty() { self.for_executor.first().copied() } else { None }
    }

    /// A host has made a signature that is wrong.
    pub(crate) fn blame(&mut self, host: HostKey) {
        self.guilty.insert(host);
    }

    /// A lane is given a job; `opens`: it is the first one of its host.
    pub(crate) fn given(
        &mut self,
        lane: LaneKey,
        ticket: Ticket,
        opens: bool,
        deadlines: &Deadlines,
        now: u64,
    ) {
        let due = now + operation(deadlines);
        self.lanes.entry(lane).or_default().push_back(Given { ticket, opens, began: now, due });
    }

    /// A request waits for the life of an object.
    pub(crate) fn follows(&mut self, object: ObjectId, id: usize) {
        self.followed.insert(object, id);
    }

    /// The request that waits for the life of an object.
    pub(crate) fn follower(&self, object: ObjectId) -> Option<usize> {
        self.followed.get(&object).copied()
    }

    /// The life of an object is over.
    pub(crate) fn forgets(&mut self, object: ObjectId) {
        self.followed.remove(&object);
    }

    /// A request begins to wait.
    pub(crate) fn waits(&mut self, id: usize, deadlines: &Deadlines, now: u64) {
        self.waiting.insert(id, (now, now + deadlines.queue.as_nanos() as u64));
    }

    /// A request does not wait any more. By how much that is too late.
    pub(crate) fn waits_no_more(&mut self, id: usize, now: u64) -> u64 {
        self.for_executor.remove(&id);
        let Some((since, until)) = self.waiting.remove(&id) else { return 0 };
        self.too_late(since, until, now)
    }

    fn too_late(&self, since: u64, until: u64, now: u64) -> u64 {
        if self.stood_still > since { 0 } else { now.saturating_sub(until + MILLI) }
    }

    /// A job has ended. By how much that is too late, if its host was not killed for it.
    fn ends(&mut self, ticket: Ticket, outcome: &Outcome, deadlines: &Deadlines, now: u64) -> u64 {
        let Some((lane, jobs)) =
            self.lanes.iter_mut().find(|(_, jobs)| jobs.iter().any(|job| job.ticket == ticket))
        else {
            return 0;
        };
        let lane = *lane;
        let Some(index) = jobs.iter().position(|job| job.ticket == ticket) else { return 0 };
        let Some(job) = jobs.remove(index) else { return 0 };
        if index > 0 {
            return 0;
        }
        if let Some(next) = jobs.front_mut() {
            (next.began, next.due) = (now, now + operation(deadlines));
        }
        if job.opens && !matches!(outcome, Outcome::Done(Effect::Opened { .. })) {
            self.guilty.insert(lane.host);
        }
        self.too_late(job.began, job.due, now)
    }

    /// Whether there is a reason to kill a host.
    fn deserves_it(&self, host: HostKey, now: u64) -> bool {
        let late = |job: &Given| now >= job.due;
        self.guilty.contains(&host)
            || self.hosts.get(&host).is_some_and(|due| now >= *due)
            || self.lanes.iter().any(|(lane, jobs)| lane.host == host && jobs.front().is_some_and(late))
    }
}

fn operation(deadlines: &Deadlines) -> u64 {
    deadlines.operation.as_nanos() as u64
}

impl Auditor {
    /// The core kills a host.
    pub fn kills(&mut self, host: HostKey, now: u64) {
        let deserved = self.work.deserves_it(host, now);
        self.findings.check(Oracle::WorkInTime, deserved, || format!("{host:?} is killed before it is late"));
        self.work.blame(host);
    }

    /// The core is told that a job has ended.
    pub(crate) fn ends_in_time(
        &mut self,
        ticket: Ticket,
        outcome: &Outcome,
        host: Option<HostKey>,
        now: u64,
    ) {
        let deadlines = &self.configurations.current().deadlines;
        let late = self.work.ends(ticket, outcome, deadlines, now);
        let killed = host.is_some_and(|host| self.work.guilty.contains(&host));
        self.findings.check(Oracle::WorkInTime, late == 0 || killed, || {
            format!("{ticket:?} ends {} ms too late, and nobody has killed its host", late / MILLI)
        });
    }

    /// Whoever waits for the executor waits while it works.
    pub(crate) fn check_executor(&mut self) {
        let waits = self.work.is_idle_for();
        self.findings.check(Oracle::WorkInTime, waits.is_none(), || {
            format!("request {waits:?} waits for an executor that does nothing")
        });
    }

    /// A request begins to wait for a lane, or for what the identity provider says.
    pub(crate) fn begins_to_wait(&mut self, id: usize, now: u64) {
        self.work.waits(id, &self.configurations.current().deadlines, now);
    }

    /// A request has waited.
    pub(crate) fn ends_to_wait(&mut self, id: usize, now: u64) {
        let late = self.work.waits_no_more(id, now);
        self.findings.check(Oracle::WorkInTime, late == 0, || {
            format!("request {id} is told {} ms too late that it has waited too long", late / MILLI)
        });
    }
}
