//! A provider's queue meets its lanes: principals in fair turns, and slow jobs never take the last lane.

use super::costs::JobKind;
use super::principals::{Entrance, Payer};
use crate::deadlines::Due;
use crate::identity::Principal;
use crate::ids::{LaneKey, ObjectId, ProviderKey, RequestId};
use crate::key_life::{At, KeyLife};
use crate::observer::Event;
use crate::output::{Output, Place};
use crate::providers::Queued;
use crate::request::{Request, Then};
use crate::state::{Purpose, State, Step};
use alloc::sync::Arc;
use parsecd_wire::Status;

impl State {
    fn payer_of(&self, work: Queued) -> Payer {
        let known = match work {
            Queued::Request(id) => self.requests.get(&id).map(|request| request.payer()),
            Queued::Life(object) => self.lives.get(&object).map(|life| life.payer.clone()),
        };
        known.unwrap_or(Payer { principal: Principal::Sweeper, tenant: None })
    }

    fn kind_of(&self, work: Queued) -> JobKind {
        let kind = match work {
            Queued::Request(id) => match self.requests.get(&id).map(|request| &request.state) {
                Some(Request::Queued { job, .. }) => Some(JobKind::of(job)),
                _ => None,
            },
            Queued::Life(object) => self.lives.get(&object).and_then(|life| life.job_kind()),
        };
        kind.unwrap_or(JobKind::Remove)
    }
}

impl Step<'_> {
    pub(crate) fn enter_queue(&mut self, provider: ProviderKey, id: RequestId) {
        self.enqueue(provider, Queued::Request(id), false);
    }

    /// Back to the head of its tenant's queue, after a job that had no effect.
    pub(crate) fn enter_queue_first(&mut self, provider: ProviderKey, id: RequestId) {
        self.enqueue(provider, Queued::Request(id), true);
    }

    pub(crate) fn life_enters_queue(&mut self, provider: ProviderKey, object: ObjectId) {
        self.enqueue(provider, Queued::Life(object), false);
    }

    fn enqueue(&mut self, provider: ProviderKey, work: Queued, first: bool) {
        let down = self.is_down(provider);
        let payer = self.state.payer_of(work);
        let slow = self.is_slow(provider, work);
        if let Some(entry) = self.state.providers.get_mut(&provider) {
            entry.queue.push(&payer, work, Entrance { slow, first });
        }
        if down {
            self.empty_queue(provider, self.down_status(provider));
        } else {
            self.dispatch(provider);
        }
    }

    /// Whether the provider's queue, or the tenant's share of it, takes one more.
    pub(crate) fn check_queue(&self, provider: ProviderKey, payer: &Payer) -> Result<(), Status> {
        let limits = &self.state.config.limits;
        let Some(entry) = self.state.providers.get(&provider) else { return Ok(()) };
        let full = entry.queue.len() >= crate::length(limits.queue)
            || entry.queue.waiting_of(payer) >= crate::length(limits.tenant_queue);
        if full { Err(Status::PsaErrorInsufficientMemory) } else { Ok(()) }
    }

    /// Takes a request out of whichever queue it waits in.
    pub(crate) fn forget_queued(&mut self, id: RequestId, payer: &Payer, provider: Option<ProviderKey>) {
        let work = Queued::Request(id);
        self.state.executor.queue.remove(payer, work);
        if let Some(entry) = provider.and_then(|key| self.state.providers.get_mut(&key)) {
            entry.queue.remove(payer, work);
        }
    }

    pub(crate) fn life_leaves_queue(&mut self, provider: ProviderKey, object: ObjectId) {
        let work = Queued::Life(object);
        let payer = self.state.payer_of(work);
        if let Some(entry) = self.state.providers.get_mut(&provider) {
            entry.queue.remove(&payer, work);
        }
    }

    /// Nobody in the queue will get a lane: tell them.
    pub(crate) fn empty_queue(&mut self, provider: ProviderKey, status: Status) {
        while let Some(work) =
            self.state.providers.get_mut(&provider).and_then(|provider| provider.queue.take_any())
        {
            match work {
                Queued::Request(id) => self.refuse_queued(id, status),
                Queued::Life(object) => self.life_not_started(object, status),
            }
        }
    }

    pub(crate) fn refuse_queued(&mut self, id: RequestId, status: Status) {
        if let Some(Request::Queued { uses, .. }) = self.request_becomes(id, Request::Admitted)
            && let Some(record) = uses
        {
            self.use_ended(&record.identity);
        }
        self.answer(id, Err(status));
    }

    /// A request has waited for a lane too long.
    pub(crate) fn queue_expired(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        request.timing.queue_deadline = None;
        let provider = request.provider;
        let object = match request.state {
            Request::Queued { .. } => None,
            Request::Following { object } => Some(object),
            Request::Verifying { .. } => {
                let payer = request.payer();
                return self.token_expired(id, &payer);
            }
            _ => return,
        };
        let payer = request.payer();
        let status = Status::PsaErrorInsufficientMemory;
        match (object, provider) {
            (None, provider) => {
                self.forget_queued(id, &payer, provider);
                self.refuse_queued(id, status);
            }
            (Some(_), None) => {}
            (Some(object), Some(provider)) => {
                let waits = self
                    .state
                    .lives
                    .get(&object)
                    .is_some_and(|life| matches!(life.state, KeyLife::Making { at: At::Queue }));
                if waits {
                    self.life_leaves_queue(provider, object);
                    self.life_not_started(object, status);
                }
            }
        }
    }

    /// Starts the time that a request may wait for a lane.
    pub(crate) fn expect_lane(&mut self, id: RequestId) {
        let at = self.now.instant.after(self.state.config.deadlines.queue);
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let before = request.timing.queue_deadline.replace(at);
        if let Some(before) = before {
            self.state.deadlines.clear(before, Due::Queue(id));
        }
        self.state.deadlines.set(at, Due::Queue(id));
    }

    /// A request waits for a lane no longer.
    pub(crate) fn forget_queue_deadline(&mut self, id: RequestId) {
        let deadline =
            self.state.requests.get_mut(&id).and_then(|request| request.timing.queue_deadline.take());
        if let Some(at) = deadline {
            self.state.deadlines.clear(at, Due::Queue(id));
        }
    }

    /// Gives work to lanes as long as there is both.
    pub(crate) fn dispatch(&mut self, provider: ProviderKey) {
        loop {
            let room = self.room(provider);
            let Some(place) = room.idle.or(room.behind) else { return };
            let slow_fits = room.slow && room.idle.is_some();
            let Some(entry) = self.state.providers.get_mut(&provider) else { return };
            // Slow work takes an idle lane: as long as short work waits behind short work, there never is one.
            if room.idle.is_none() && room.slow && entry.queue.has_slow() {
                return;
            }
            match entry.queue.pop(!slow_fits) {
                Some((work, payer)) if !slow_fits && self.is_slow(provider, work) => {
                    if let Some(entry) = self.state.providers.get_mut(&provider) {
                        entry.queue.push(&payer, work, Entrance { slow: true, first: true });
                    }
                }
                Some((Queued::Request(id), payer)) => self.start_request(id, place, payer),
                Some((Queued::Life(object), payer)) => self.start_life(object, place, payer),
                None => return,
            }
        }
    }

    fn is_slow(&self, provider: ProviderKey, work: Queued) -> bool {
        let kind = self.state.kind_of(work);
        self.state.providers.get(&provider).is_some_and(|provider| provider.costs.is_slow(kind))
    }

    fn start_request(&mut self, id: RequestId, lane: LaneKey, payer: Payer) {
        let uses = match self.state.requests.get(&id).map(|request| &request.state) {
            Some(Request::Queued { uses, .. }) => uses.clone(),
            _ => None,
        };
        if let Some(record) = uses
            && let Err(status) = self.check_device(lane.host.provider, &record)
        {
            return self.refuse_queued(id, status);
        }
        self.forget_queue_deadline(id);
        let Some(Request::Queued { job, uses, expected, retries }) =
            self.request_becomes(id, Request::Admitted)
        else {
            return;
        };
        let ticket = self.ticket(Purpose::RequestJob(id, lane));
        self.lane_takes(lane, ticket, JobKind::of(&job), payer.principal);
        self.observer.event(Event::Started { request: Some(id), lane, ticket });
        self.output(Output::StartJob { ticket, on: Place::Lane(lane), job: job.clone() });
        let then = Then::Answer;
        self.request_becomes(id, Request::Running { ticket, job, uses, expected, retries, then });
    }

    fn start_life(&mut self, object: ObjectId, lane: LaneKey, payer: Payer) {
        let job = match self.life_job(object) {
            Ok(job) => job,
            Err(status) => return self.life_not_started(object, status),
        };
        let request = self.life_request(object);
        if let Some(id) = request {
            self.forget_queue_deadline(id);
            self.followed_job_started(id);
        }
        let ticket = self.ticket(Purpose::LifeJob(object, lane));
        self.lane_takes(lane, ticket, JobKind::of(&job), payer.principal);
        self.observer.event(Event::Started { request, lane, ticket });
        self.output(Output::StartJob { ticket, on: Place::Lane(lane), job: Arc::new(job) });
        self.life_started(object, At::Lane(ticket));
    }
}
