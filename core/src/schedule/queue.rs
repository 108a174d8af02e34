//! A provider's queue: first come, first served, but slow jobs never take the last lane.

use crate::ids::{LaneKey, ObjectId, ProviderKey, RequestId};
use crate::key_life::{At, KeyLife};
use crate::observer::Event;
use crate::output::{Output, Place};
use crate::providers::Queued;
use crate::request::Request;
use crate::state::{Purpose, Step};
use parsecd_wire::Status;

impl Step<'_> {
    pub(crate) fn enter_queue(&mut self, provider: ProviderKey, id: RequestId) {
        self.enqueue(provider, Queued::Request(id), false);
    }

    /// Back to the head of the queue, after a job that had no effect.
    pub(crate) fn enter_queue_first(&mut self, provider: ProviderKey, id: RequestId) {
        self.enqueue(provider, Queued::Request(id), true);
    }

    pub(crate) fn life_enters_queue(&mut self, provider: ProviderKey, object: ObjectId) {
        self.enqueue(provider, Queued::Life(object), false);
    }

    fn enqueue(&mut self, provider: ProviderKey, work: Queued, first: bool) {
        let down = self.is_down(provider);
        if let Some(entry) = self.state.providers.get_mut(&provider) {
            if first {
                entry.queue.push_front(work);
            } else {
                entry.queue.push_back(work);
            }
        }
        if down {
            self.empty_queue(provider, Status::PsaErrorCommunicationFailure);
        } else {
            self.dispatch(provider);
        }
    }

    pub(crate) fn leave_queue(&mut self, provider: ProviderKey, id: RequestId) {
        if let Some(entry) = self.state.providers.get_mut(&provider) {
            entry.queue.retain(|work| *work != Queued::Request(id));
        }
    }

    pub(crate) fn life_leaves_queue(&mut self, provider: ProviderKey, object: ObjectId) {
        if let Some(entry) = self.state.providers.get_mut(&provider) {
            entry.queue.retain(|work| *work != Queued::Life(object));
        }
    }

    /// Nobody in the queue will get a lane: tell them.
    pub(crate) fn empty_queue(&mut self, provider: ProviderKey, status: Status) {
        while let Some(work) =
            self.state.providers.get_mut(&provider).and_then(|provider| provider.queue.pop_front())
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

    /// Gives work to lanes as long as there is both.
    pub(crate) fn dispatch(&mut self, provider: ProviderKey) {
        loop {
            let room = self.room(provider);
            let Some(place) = room.idle.or(room.behind) else { return };
            let slow_fits = room.slow && room.idle.is_some();
            let Some(entry) = self.state.providers.get(&provider) else { return };
            let next = entry.queue.iter().position(|work| slow_fits || !self.is_slow(*work));
            let Some(work) = next.and_then(|index| {
                self.state.providers.get_mut(&provider).and_then(|provider| provider.queue.remove(index))
            }) else {
                return;
            };
            let slow = self.is_slow(work);
            match work {
                Queued::Request(id) => self.start_request(id, place, slow),
                Queued::Life(object) => self.start_life(object, place, slow),
            }
        }
    }

    fn is_slow(&self, work: Queued) -> bool {
        match work {
            Queued::Request(_) => false,
            Queued::Life(object) => self.state.lives.get(&object).is_some_and(|life| {
                matches!(life.state, KeyLife::Making { .. })
                    && life.creation.as_ref().is_some_and(crate::key_life::Creation::is_slow)
            }),
        }
    }

    fn start_request(&mut self, id: RequestId, lane: LaneKey, slow: bool) {
        if let Some(Request::Queued { uses: Some(record), .. }) =
            self.state.requests.get(&id).map(|request| &request.state)
            && let Err(status) = self.check_device(lane.host.provider, record)
        {
            return self.refuse_queued(id, status);
        }
        let Some(Request::Queued { job, uses, expected, retries }) =
            self.request_becomes(id, Request::Admitted)
        else {
            return;
        };
        let ticket = self.ticket(Purpose::RequestJob(id, lane));
        self.lane_takes(lane, ticket, slow, self.job_deadline());
        self.observer.event(Event::Started { request: Some(id), lane, ticket });
        self.output(Output::StartJob { ticket, on: Place::Lane(lane), job: job.clone() });
        self.request_becomes(id, Request::Running { ticket, job, uses, expected, retries });
    }

    fn start_life(&mut self, object: ObjectId, lane: LaneKey, slow: bool) {
        let job = match self.life_job(object) {
            Ok(job) => job,
            Err(status) => return self.life_not_started(object, status),
        };
        let ticket = self.ticket(Purpose::LifeJob(object, lane));
        self.lane_takes(lane, ticket, slow, self.job_deadline());
        let request = self.life_request(object);
        self.observer.event(Event::Started { request, lane, ticket });
        self.output(Output::StartJob { ticket, on: Place::Lane(lane), job: alloc::sync::Arc::new(job) });
        self.life_started(object, At::Lane(ticket));
    }
}
