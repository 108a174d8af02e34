//! Lanes: one job runs, one more may wait in the host so that writes are batched and the lane never idles.

use crate::deadlines::Due;
use crate::ids::{LaneKey, ProviderKey, Ticket};
use crate::output::Output;
use crate::providers::HostLife;
use crate::state::Step;
use crate::time::Instant;

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Lane {
    running: Option<LaneJob>,
    waiting: Option<LaneJob>,
}

#[derive(Clone, Copy, Debug, Hash)]
struct LaneJob {
    ticket: Ticket,
    /// Whether it may take seconds.
    slow: bool,
    /// When it is given up; meaningful once it runs.
    deadline: Instant,
}

impl Lane {
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_none()
    }

    /// Whether one more job may wait behind the running one without waiting for seconds.
    fn takes_another(&self) -> bool {
        self.waiting.is_none() && self.running.is_some_and(|job| !job.slow)
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
                if lane.running.is_some_and(|job| job.slow) {
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

    /// Gives a job to a lane that has room for it.
    pub(crate) fn lane_takes(&mut self, key: LaneKey, ticket: Ticket, slow: bool, deadline: Instant) {
        let Some(lane) = self.lane(key) else { return };
        let job = LaneJob { ticket, slow, deadline };
        let runs = lane.running.is_none();
        let place = if runs { &mut lane.running } else { &mut lane.waiting };
        assert!(place.is_none(), "a lane runs one job and holds one more");
        *place = Some(job);
        if runs {
            self.state.deadlines.set(deadline, Due::Job(ticket));
        }
    }

    /// A job has left its lane; the one that waited behind it runs now.
    pub(crate) fn lane_gives_back(&mut self, key: LaneKey, ticket: Ticket) {
        let next_deadline = self.job_deadline();
        let Some(lane) = self.lane(key) else { return };
        if lane.waiting.is_some_and(|job| job.ticket == ticket) {
            lane.waiting = None;
            return;
        }
        let Some(ended) = lane.running.take_if(|job| job.ticket == ticket) else { return };
        let next = lane.waiting.take().map(|job| LaneJob { deadline: next_deadline, ..job });
        lane.running = next;
        self.forget_job_deadline(ended.deadline, ticket);
        if let Some(job) = next {
            self.state.deadlines.set(job.deadline, Due::Job(job.ticket));
        }
    }

    /// Asks the host to give up a job that has not begun.
    pub(crate) fn cancel_if_waiting(&mut self, ticket: Ticket) {
        use crate::state::Purpose;
        let lane = match self.state.tickets.get(&ticket) {
            Some(
                Purpose::LifeJob(_, lane) | Purpose::RequestJob(_, lane) | Purpose::AbandonedJob { lane, .. },
            ) => *lane,
            _ => return,
        };
        let waits = self.lane(lane).is_some_and(|lane| lane.waiting.is_some_and(|job| job.ticket == ticket));
        if waits {
            self.output(Output::CancelJob { ticket });
        }
    }
}
