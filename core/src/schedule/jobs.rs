//! Jobs that have ended, and jobs that do not end.

use crate::ids::{HostKey, LaneKey, ObjectId, RequestId, Ticket};
use crate::observer::Event;
use crate::outcome::Outcome;
use crate::request::{Request, Retries};
use crate::state::{Purpose, Step};
use parsecd_wire::Status;

/// Times a request's job is tried again because the device was busy.
const BUSY_MAX: u8 = 3;

/// Lanes that a request may lose before it is refused.
const LANES_LOST_MAX: u8 = 1;

impl Step<'_> {
    pub(crate) fn job_finished(&mut self, ticket: Ticket, purpose: Purpose, outcome: Outcome) {
        if let Purpose::ExecutorJob(id) = purpose {
            return self.executor_finished(Some(id), ticket, outcome);
        }
        let lane = match &purpose {
            Purpose::RequestJob(_, lane) | Purpose::LifeJob(_, lane) | Purpose::AbandonedJob { lane, .. } => {
                *lane
            }
            Purpose::OpenJob(host) => LaneKey { host: *host, lane: 0 },
            _ => return self.observer.event(Event::Stale { ticket }),
        };
        let cancelled = self.lane_gives_back(lane, ticket, matches!(outcome, Outcome::Done(_)));
        match outcome {
            Outcome::LaneLost => self.host_is_dying(lane.host),
            Outcome::NoEffect if !cancelled => self.host_is_dying(lane.host),
            Outcome::NoEffect | Outcome::PinRefused => {}
            _ => self.host_served(lane.host, &purpose),
        }
        match purpose {
            Purpose::RequestJob(id, lane) if self.checks_first(id, lane, &outcome) => {}
            Purpose::RequestJob(id, _) => self.request_job_finished(id, outcome),
            Purpose::LifeJob(object, _) => self.life_job_finished(object, outcome),
            Purpose::OpenJob(host) => self.host_logged_in(host, outcome),
            Purpose::AbandonedJob { uses: Some(record), .. } => self.use_ended(&record.identity),
            _ => {}
        }
        self.let_go_if_finished(lane.host);
        self.dispatch(lane.host.provider);
    }

    fn host_served(&mut self, key: HostKey, purpose: &Purpose) {
        if matches!(purpose, Purpose::OpenJob(_)) {
            return;
        }
        let host = self
            .state
            .providers
            .get_mut(&key.provider)
            .and_then(|provider| provider.hosts.iter_mut().find(|host| host.key == key));
        if let Some(host) = host {
            host.has_served();
        }
    }

    pub(super) fn request_job_finished(&mut self, id: RequestId, outcome: Outcome) {
        self.request_ran(id);
        let Some(Request::Running { job, uses, expected, mut retries, .. }) =
            self.request_becomes(id, Request::Admitted)
        else {
            return;
        };
        let again = retries.allows(&outcome);
        let provider = self.state.requests.get(&id).and_then(|request| request.provider);
        if again
            && self.state.shutdown.is_none()
            && let Some(provider) = provider
        {
            self.request_becomes(id, Request::Queued { job, uses, expected, retries });
            self.expect_lane(id);
            return self.enter_queue_first(provider, id);
        }
        if let Some(record) = uses {
            self.use_ended(&record.identity);
        }
        let result = match outcome {
            Outcome::Done(effect) => expected.reply(effect),
            Outcome::Refused(status) => Err(status),
            Outcome::Absent { device, login_confirmed: true } if Some(&device) == self.device_of(id) => {
                Err(Status::PsaErrorInvalidHandle)
            }
            _ => Err(Status::PsaErrorCommunicationFailure),
        };
        self.answer(id, result);
    }

    fn device_of(&self, id: RequestId) -> Option<&crate::record::Device> {
        let provider = self.state.requests.get(&id)?.provider?;
        self.state.providers.get(&provider)?.device()
    }

    /// A job did not end in time. Its request is answered now; a key life waits for its host to be gone.
    pub(crate) fn job_expired(&mut self, ticket: Ticket) {
        let Some(purpose) = self.state.tickets.get(&ticket).cloned() else { return };
        let host = match &purpose {
            Purpose::RequestJob(_, lane) | Purpose::LifeJob(_, lane) | Purpose::AbandonedJob { lane, .. } => {
                lane.host
            }
            Purpose::OpenJob(host) => *host,
            _ => return,
        };
        if let Purpose::RequestJob(id, _) = purpose {
            self.request_ran(id);
            if let Some(Request::Running { ticket, uses, .. }) = self.request_becomes(id, Request::Admitted) {
                self.abandon_job(ticket, uses);
            }
            self.answer(id, Err(Status::PsaErrorCommunicationFailure));
        }
        self.host_stuck(host);
    }

    /// The request that waits for a key life, for the observer.
    pub(super) fn life_request(&self, object: ObjectId) -> Option<RequestId> {
        self.state.lives.get(&object).and_then(|life| life.waiting_request())
    }
}

impl Retries {
    /// Whether the job may be tried again; counts the attempt.
    fn allows(&mut self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::NoEffect => true,
            Outcome::LaneLost => {
                self.lanes_lost = self.lanes_lost.saturating_add(1);
                self.lanes_lost <= LANES_LOST_MAX
            }
            Outcome::Busy | Outcome::RebuildNeeded => {
                self.busy = self.busy.saturating_add(1);
                self.busy <= BUSY_MAX
            }
            _ => false,
        }
    }
}
