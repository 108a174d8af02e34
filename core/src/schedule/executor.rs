//! The executor: public-key operations and hashes need no secret and no lane. They run on a few threads of
//! the daemon, for every provider, from the public part in the record, shared between principals like lanes.

use super::costs::{Costs, JobKind};
use super::principals::{Entrance, Payer, Queue};
use crate::capability::Capabilities;
use crate::identity::Principal;
use crate::ids::{RequestId, Ticket};
use crate::job::{Job, KeyInUse, KeyOperation};
use crate::observer::Event;
use crate::outcome::{Effect, Outcome};
use crate::output::{Output, Place};
use crate::policy::usage::KeyUse;
use crate::providers::Queued;
use crate::record::{Record, SealedMaterial};
use crate::request::{Request, Retries, Then};
use crate::state::{Purpose, Step};
use crate::time::Instant;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::Status;
use parsecd_wire::algorithm::AsymmetricSignature;

/// What waits for the executor and what it runs.
#[derive(Debug, Default, Hash)]
pub(crate) struct Executor {
    pub(crate) queue: Queue,
    costs: Costs,
    running: BTreeMap<Ticket, Running>,
}

#[derive(Debug, Hash)]
struct Running {
    kind: JobKind,
    principal: Principal,
    expected: Duration,
    began: Instant,
}

impl Executor {
    pub(crate) fn len(&self) -> usize {
        self.queue.len().saturating_add(self.queue.principals()).saturating_add(self.running.len())
    }

    /// Kinds of jobs whose cost is known.
    pub(crate) fn measured(&self) -> usize {
        self.costs.len()
    }
}

/// Whether an executor that can do `capabilities` runs this job: it needs no secret.
pub(crate) fn runs_on_executor(capabilities: Option<&Capabilities>, job: &Job) -> bool {
    capabilities.is_some_and(|capabilities| is_within(capabilities, job))
}

/// Whether this is a job without a secret that is among `capabilities`.
fn is_within(capabilities: &Capabilities, job: &Job) -> bool {
    match job {
        Job::HashCompute { algorithm, .. } => capabilities.hashes.contains(algorithm),
        Job::Use { key, operation: KeyOperation::VerifyHash { algorithm, hash, .. } } => {
            let key_use = KeyUse::VerifyHash { algorithm: *algorithm, hash: hash.len() };
            has_public(key) && capabilities.check_use(&key.attributes, key_use).is_ok()
        }
        Job::Use { key, operation: KeyOperation::AsymmetricEncrypt { algorithm, plaintext, salt } } => {
            let key_use = KeyUse::AsymmetricEncrypt {
                algorithm: *algorithm,
                plaintext: plaintext.len(),
                has_salt: !salt.is_empty(),
            };
            has_public(key) && capabilities.check_use(&key.attributes, key_use).is_ok()
        }
        _ => false,
    }
}

fn has_public(key: &KeyInUse) -> bool {
    key.attributes.key_type.is_asymmetric() && !key.public.is_empty()
}

/// The check of a signature that was made by this job; `None` if the job makes none.
pub(super) fn check_of(job: &Job, signature: Vec<u8>) -> Option<Job> {
    let Job::Use { key, operation: KeyOperation::SignHash { algorithm, hash } } = job else { return None };
    let key = KeyInUse { material: SealedMaterial::default(), ..key.clone() };
    let algorithm: AsymmetricSignature = *algorithm;
    let operation = KeyOperation::VerifyHash { algorithm, hash: hash.clone(), signature };
    Some(Job::Use { key, operation })
}

impl Step<'_> {
    pub(crate) fn enter_executor_queue(&mut self, id: RequestId, payer: &Payer) {
        self.state.executor.queue.push(payer, Queued::Request(id), Entrance::default());
        self.dispatch_executor();
    }

    /// Whether the executor's queue, or the tenant's share of it, takes one more.
    pub(crate) fn check_executor_queue(&self, payer: &Payer) -> Result<(), Status> {
        let limits = &self.state.config.limits;
        let queue = &self.state.executor.queue;
        let full = queue.len() >= crate::length(limits.queue)
            || queue.waiting_of(payer) >= crate::length(limits.tenant_queue);
        if full { Err(Status::PsaErrorInsufficientMemory) } else { Ok(()) }
    }

    pub(crate) fn dispatch_executor(&mut self) {
        loop {
            let threads = match &self.state.config.executor {
                Some(executor) => usize::from(executor.threads),
                None => usize::MAX,
            };
            if self.state.executor.running.len() >= threads {
                return;
            }
            let Some((Queued::Request(id), payer)) = self.state.executor.queue.pop(false) else { return };
            self.forget_queue_deadline(id);
            let Some(Request::Queued { job, uses, expected, retries }) =
                self.request_becomes(id, Request::Admitted)
            else {
                continue;
            };
            let ticket = self.run_on_executor(id, job.clone(), payer.principal);
            let then = Then::Answer;
            self.request_becomes(id, Request::Running { ticket, job, uses, expected, retries, then });
        }
    }

    fn run_on_executor(&mut self, id: RequestId, job: Arc<Job>, principal: Principal) -> Ticket {
        let kind = JobKind::of(&job);
        let executor = &mut self.state.executor;
        let expected = executor.costs.expected(kind);
        executor.queue.started(&principal, expected);
        let ticket = self.ticket(Purpose::ExecutorJob(id));
        let began = self.now.instant;
        self.state.executor.running.insert(ticket, Running { kind, principal, expected, began });
        self.output(Output::StartJob { ticket, on: Place::Executor, job });
        ticket
    }

    pub(crate) fn executor_finished(&mut self, id: Option<RequestId>, ticket: Ticket, outcome: Outcome) {
        let now = self.now.instant;
        let executor = &mut self.state.executor;
        if let Some(job) = executor.running.remove(&ticket) {
            let took = now.since(job.began);
            executor.queue.ended(&job.principal, job.expected, took);
            // A refusal may come before the work.
            if matches!(outcome, Outcome::Done(_)) {
                executor.costs.measured(job.kind, took);
            }
        }
        if let Some(id) = id {
            self.executor_answered(id, outcome);
        }
        self.dispatch_executor();
    }

    fn executor_answered(&mut self, id: RequestId, outcome: Outcome) {
        let then = match self.state.requests.get_mut(&id).map(|request| &mut request.state) {
            Some(Request::Running { then, .. }) => core::mem::take(then),
            _ => return,
        };
        match then {
            Then::Answer if outcome == Outcome::NoEffect => self.leave_to_lanes(id),
            Then::Answer => self.request_job_finished(id, outcome),
            Then::Check { signature, host } => {
                let verified = matches!(outcome, Outcome::Done(Effect::Verified));
                let refuted = matches!(outcome, Outcome::Refused(Status::PsaErrorInvalidSignature));
                let checked = if verified {
                    Outcome::Done(Effect::Output(signature))
                } else {
                    Outcome::Refused(Status::PsaErrorCommunicationFailure)
                };
                self.request_job_finished(id, checked);
                if refuted {
                    self.observer.event(Event::WrongSignature { request: id, host });
                    self.host_stuck(host);
                }
            }
        }
    }

    /// The executor cannot do it after all: it goes to the lanes, as it would have without an executor.
    fn leave_to_lanes(&mut self, id: RequestId) {
        self.request_ran(id);
        let Some(Request::Running { job, uses, expected, retries, .. }) =
            self.request_becomes(id, Request::Admitted)
        else {
            return;
        };
        let allowed = self.check_left(id, &job, uses.as_deref());
        let provider = self.state.requests.get(&id).and_then(|request| request.provider);
        self.request_becomes(id, Request::Queued { job, uses, expected, retries });
        match (allowed, provider) {
            (Ok(()), Some(provider)) => {
                self.expect_lane(id);
                self.enter_queue_first(provider, id);
            }
            (Ok(()), None) => self.refuse_queued(id, Status::PsaErrorNotSupported),
            (Err(status), _) => self.refuse_queued(id, status),
        }
    }

    /// What is asked of a request before it waits for a lane.
    fn check_left(&mut self, id: RequestId, job: &Job, uses: Option<&Record>) -> Result<(), Status> {
        if self.state.shutdown.is_some() {
            return Err(Status::PsaErrorCommunicationFailure);
        }
        let request = self.state.requests.get(&id).ok_or(Status::ConnectionError)?;
        let provider = request.provider.ok_or(Status::PsaErrorNotSupported)?;
        let payer = request.payer();
        if let Some(record) = uses {
            self.check_device(provider, record)?;
        }
        let capabilities = self.serving_capabilities(provider)?;
        if !is_within(capabilities, job) {
            return Err(Status::PsaErrorNotSupported);
        }
        self.check_queue(provider, &payer)
    }

    /// Verifies a signature before it leaves, where the provider is configured so. Whether it does.
    pub(super) fn checks_first(
        &mut self,
        id: RequestId,
        lane: crate::ids::LaneKey,
        outcome: &Outcome,
    ) -> bool {
        let Outcome::Done(Effect::Output(signature)) = outcome else { return false };
        let Some(request) = self.state.requests.get(&id) else { return false };
        let provider = request.provider.and_then(|key| request.config.providers.get(&key));
        let Request::Running { job, .. } = &request.state else { return false };
        if !provider.is_some_and(|provider| provider.verify_signatures) {
            return false;
        }
        let Some(check) = check_of(job, signature.clone()) else { return false };
        let capabilities = request.config.executor.as_ref().map(|executor| &executor.capabilities);
        if !runs_on_executor(capabilities, &check) {
            return false;
        }
        let principal = request.payer().principal;
        let signature = signature.clone();
        self.request_ran(id);
        let ticket = self.run_on_executor(id, Arc::new(check), principal);
        if let Some(Request::Running { ticket: running, then, .. }) =
            self.state.requests.get_mut(&id).map(|request| &mut request.state)
        {
            *running = ticket;
            *then = Then::Check { signature, host: lane.host };
        }
        true
    }

    /// Puts a request into the executor's queue for the first time.
    pub(crate) fn queue_for_executor(
        &mut self,
        id: RequestId,
        job: Job,
        uses: Option<Arc<Record>>,
        expected: crate::operations::replies::Expected,
        payer: &Payer,
    ) {
        let retries = Retries::default();
        self.request_becomes(id, Request::Queued { job: Arc::new(job), uses, expected, retries });
        self.expect_lane(id);
        self.enter_executor_queue(id, payer);
    }
}
