//! Lanes: one job runs, one more may wait in the host so that writes are batched and the lane never idles.

use super::costs::JobKind;
use crate::deadlines::Due;
use crate::identity::Principal;
use crate::ids::{LaneKey, ProviderKey, Ticket};
use crate::output::Output;
use crate::providers::HostLife;
use crate::state::{Purpose, Step};
use crate::time::Instant;
use core::time::Duration;

#[derive(Debug, Default, Hash)]
pub(crate) struct Lane {
    running: Option<LaneJob>,
    waiting: Option<LaneJob>,
}

/// A job that a lane has.
#[derive(Debug, Hash)]
pub(crate) struct LaneJob {
    pub(crate) ticket: Ticket,
    pub(crate) kind: JobKind,
    /// Whether it may take seconds.
    pub(crate) slow: bool,
    /// Who pays for the lane's time.
    pub(crate) principal: Principal,
    /// What was charged when it was given to the lane.
    pub(crate) expected: Duration,
    /// When it began; meaningful once it runs.
    pub(crate) began: Instant,
    /// When it is given up; meaningful once it runs.
    pub(crate) deadline: Instant,
    /// Whether it was asked back.
    pub(crate) cancelled: bool,
}

impl Lane {
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_none()
    }

    /// The job that waits behind the running one.
    pub(crate) fn waiting_job(&self) -> Option<Ticket> {
        self.waiting.as_ref().map(|job| job.ticket)
    }

    /// Whether one more job may wait behind the running one without waiting for seconds.
    fn takes_another(&self) -> bool {
        self.waiting.is_none() && self.running.as_ref().is_some_and(|job| !job.slow)
    }
}

/// What a provider's lanes can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// A lane that is idle.
    pub(super) idle: Option<LaneKey>,
    /// A lane that runs something short and has nothing waiting.
    pub(super) behind: Option<LaneKey>,
    /// Whether one more slow job leaves a lane for the others.
    pub(super) slow: bool,
}

impl Step<'_> {
    pub(super) fn room(&self, provider: ProviderKey) -> Room {
        let mut room = Room { idle: None, behind: None, slow: false };
        let Some(provider) = self.state.providers.get(&provider) else { return room };
        let (mut lanes, mut slow) = (0_usize, 0_usize);
        for host in provider.hosts.iter().filter(|host| host.state == HostLife::Up) {
            for (index, lane) in (0_u16..).zip(&host.lanes) {
                let key = LaneKey { host: host.key, lane: index };
                lanes = lanes.saturating_add(1);
                if lane.running.as_ref().is_some_and(|job| job.slow) {
                    slow = slow.saturating_add(1);
                }
                if lane.is_idle() {
                    room.idle.get_or_insert(key);
                } else if lane.takes_another() {
                    room.behind.get_or_insert(key);
                }
            }
        }
        room.slow = lanes == 1 || slow.saturating_add(1) < lanes;
        room
    }

    fn lane(&mut self, key: LaneKey) -> Option<&mut Lane> {
        let provider = self.state.providers.get_mut(&key.host.provider)?;
        let host = provider.hosts.iter_mut().find(|host| host.key == key.host)?;
        host.lanes.get_mut(usize::from(key.lane))
    }

    /// Gives a job to a lane that has room for it, and charges its principal.
    pub(crate) fn lane_takes(&mut self, key: LaneKey, ticket: Ticket, kind: JobKind, principal: Principal) {
        let began = self.now.instant;
        let deadline = self.job_deadline();
        let Some(provider) = self.state.providers.get_mut(&key.host.provider) else { return };
        let (slow, expected) = (provider.costs.is_slow(kind), provider.costs.expected(kind));
        provider.queue.started(&principal, expected);
        let Some(lane) = self.lane(key) else { return };
        let job = LaneJob { ticket, kind, slow, principal, expected, began, deadline, cancelled: false };
        let runs = lane.running.is_none();
        let place = if runs { &mut lane.running } else { &mut lane.waiting };
        assert!(place.is_none(), "a lane runs one job and holds one more");
        *place = Some(job);
        if runs {
            self.state.deadlines.set(deadline, Due::Job(ticket));
        }
    }

    /// A job has left its lane; the one that waited behind it runs now. `done`: what it took is what such a
    /// job takes. Whether the job was asked back.
    pub(crate) fn lane_gives_back(&mut self, key: LaneKey, ticket: Ticket, done: bool) -> bool {
        let now = self.now.instant;
        let deadline = self.job_deadline();
        let Some(lane) = self.lane(key) else { return false };
        if let Some(job) = lane.waiting.take_if(|job| job.ticket == ticket) {
            self.settle(key.host.provider, &job, Duration::ZERO, false);
            return job.cancelled;
        }
        let Some(ended) = lane.running.take_if(|job| job.ticket == ticket) else { return false };
        if let Some(next) = lane.waiting.take() {
            let due = Due::Job(next.ticket);
            lane.running = Some(LaneJob { began: now, deadline, ..next });
            self.state.deadlines.set(deadline, due);
        }
        self.state.deadlines.clear(ended.deadline, Due::Job(ticket));
        self.settle(key.host.provider, &ended, now.since(ended.began), done);
        ended.cancelled
    }

    /// Charges what a job has really taken.
    fn settle(&mut self, provider: ProviderKey, job: &LaneJob, took: Duration, done: bool) {
        let Some(provider) = self.state.providers.get_mut(&provider) else { return };
        provider.queue.ended(&job.principal, job.expected, took);
        if done {
            provider.costs.measured(job.kind, took);
        }
    }

    /// Asks the host to give up a job that has not begun.
    pub(crate) fn cancel_if_waiting(&mut self, ticket: Ticket) {
        let lane = match self.state.tickets.get(&ticket) {
            Some(
                Purpose::LifeJob(_, lane) | Purpose::RequestJob(_, lane) | Purpose::AbandonedJob { lane, .. },
            ) => *lane,
            _ => return,
        };
        let waiting = self.lane(lane).and_then(|lane| lane.waiting.as_mut());
        if let Some(job) = waiting.filter(|job| job.ticket == ticket) {
            job.cancelled = true;
            self.output(Output::CancelJob { ticket });
        }
    }
}
