//! The life of a request, on one page.
//!
//! ```text
//! frame ─┬─ Verifying its token
//!        │
//!     pipeline ─┬─ answered at once (Ping, lists of the configuration, refusals)
//!               ├─ Resolving ──┬─ answered (no such key, policy, export public)
//!               │   its name   ├─ Queued ─ Running ─┬─ answered
//!               │              │     ▲              │
//!               │              │     └─ lane lost ──┘ (once)
//!               │              └─ Following ─ answered when the key's life says so
//!               ├─ Queued (random, hash)
//!               ├─ Collecting ─ answered after the last page
//!               └─ Deleting ─ answered when every key of the client is gone
//! ```
//!
//! A request dies with its connection; only a deletion goes on without anybody who waits. What is answered
//! leaves this table at once; its response waits in the connection for its turn.

use crate::authenticate::Caller;
use crate::config::Config;
use crate::connection::Chunks;
use crate::identity::{KeyIdentity, Peer, Text};
use crate::ids::{ConnectionKey, HostKey, ObjectId, ProviderKey, RequestId, Ticket};
use crate::job::{Job, KeyOperation};
use crate::observer::Event;
use crate::operations::delete_client::Deletion;
use crate::operations::list::Collection;
use crate::operations::replies::Expected;
use crate::policy::usage::KeyUse;
use crate::record::Record;
use crate::schedule::principals::Payer;
use crate::state::{Purpose, Step};
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::header::RequestHeader;
use parsecd_wire::{KeyAttributes, SecretBytes, Status};

/// A request that was admitted and is not answered.
#[derive(Debug, Hash)]
pub(crate) struct ActiveRequest {
    pub(crate) id: RequestId,
    /// `None`: whoever asked is gone.
    pub(crate) connection: Option<ConnectionKey>,
    pub(crate) header: RequestHeader,
    pub(crate) caller: Caller,
    pub(crate) peer: Peer,
    /// Configuration it was admitted with.
    pub(crate) config: Arc<Config>,
    /// Which that is; see [`crate::observer::Event::Received`].
    pub(crate) generation: u64,
    /// `None`: Core.
    pub(crate) provider: Option<ProviderKey>,
    pub(crate) reserved: u64,
    /// Key or client it names, for the audit.
    pub(crate) subject: Option<Text>,
    pub(crate) object: Option<ObjectId>,
    pub(crate) timing: Timing,
    pub(crate) state: Request,
}

/// When a request waited and ran.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Timing {
    pub(crate) queued_at: Option<Instant>,
    /// When it has waited for a lane too long.
    pub(crate) queue_deadline: Option<Instant>,
    pub(crate) started_at: Option<Instant>,
    pub(crate) queued: Duration,
    pub(crate) ran: Duration,
}

impl Timing {
    fn started(&mut self, now: Instant) {
        let waited = self.queued_at.take().map_or(Duration::ZERO, |at| now.since(at));
        self.queued = self.queued.saturating_add(waited);
        self.started_at = Some(now);
    }
}

/// Where a request stands.
#[derive(Debug, Hash)]
pub(crate) enum Request {
    /// It was admitted in this step.
    Admitted,
    /// The identity provider is asked about its token; `token` until it is.
    Verifying { body: Chunks, token: SecretBytes },
    /// Its key's record is being fetched, or it waits for its turn at this name or client.
    Resolving { identity: KeyIdentity, call: KeyCall },
    /// It waits for a lane.
    Queued { job: Arc<Job>, uses: Option<Arc<Record>>, expected: Expected, retries: Retries },
    /// A lane has it.
    Running {
        ticket: Ticket,
        job: Arc<Job>,
        uses: Option<Arc<Record>>,
        expected: Expected,
        retries: Retries,
        then: Then,
    },
    /// A creation or destruction goes on by itself and tells how it ended.
    Following { object: ObjectId },
    /// Pages of a list are being collected.
    Collecting(Collection),
    /// A client's keys are being destroyed.
    Deleting(Deletion),
}

impl ActiveRequest {
    /// Who pays for its work.
    pub(crate) fn payer(&self) -> Payer {
        Payer { principal: self.caller.principal(&self.peer), tenant: self.caller.identity().cloned() }
    }
}

/// What follows a job.
#[derive(Debug, Default, Hash)]
pub(crate) enum Then {
    /// The answer.
    #[default]
    Answer,
    /// The job is the check of this signature, which a host has made.
    Check { signature: Vec<u8>, host: HostKey },
}

/// How often a request's job was tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Retries {
    /// Because its host died.
    pub(crate) lanes_lost: u8,
    /// Because the device was busy.
    pub(crate) busy: u8,
}

/// What is to be done with a key once its name is resolved.
#[derive(Debug, Hash)]
pub(crate) enum KeyCall {
    /// Use it on a lane.
    Use { operation: KeyOperation, key_use: KeyUse },
    /// Export its public part, from the record.
    ExportPublic,
    /// Make it.
    Create { attributes: KeyAttributes, data: Option<SecretBytes> },
    /// Destroy it.
    Destroy,
}

impl KeyCall {
    /// Whether it needs the name for itself.
    pub(crate) fn is_exclusive(&self) -> bool {
        matches!(self, KeyCall::Create { .. } | KeyCall::Destroy)
    }
}

impl Request {
    fn name(&self) -> &'static str {
        match self {
            Request::Admitted => "Admitted",
            Request::Verifying { .. } => "Verifying",
            Request::Resolving { .. } => "Resolving",
            Request::Queued { .. } => "Queued",
            Request::Running { .. } => "Running",
            Request::Following { .. } => "Following",
            Request::Collecting(_) => "Collecting",
            Request::Deleting(_) => "Deleting",
        }
    }
}

impl Step<'_> {
    /// Moves a request to its next state and returns the one it was in.
    pub(crate) fn request_becomes(&mut self, id: RequestId, next: Request) -> Option<Request> {
        let request = self.state.requests.get_mut(&id)?;
        let from = request.state.name();
        let to = next.name();
        let now = self.now.instant;
        match &next {
            Request::Queued { .. } | Request::Following { .. } => request.timing.queued_at = Some(now),
            Request::Running { .. } => request.timing.started(now),
            _ => {}
        }
        let before = core::mem::replace(&mut request.state, next);
        self.observer.event(Event::RequestTransition { request: id, from, to });
        Some(before)
    }

    /// Notes that the job of the key life a request follows has begun.
    pub(crate) fn followed_job_started(&mut self, id: RequestId) {
        let now = self.now.instant;
        if let Some(request) = self.state.requests.get_mut(&id) {
            request.timing.started(now);
        }
    }

    /// Notes that a request's job has ended.
    pub(crate) fn request_ran(&mut self, id: RequestId) {
        if let Some(request) = self.state.requests.get_mut(&id) {
            let now = self.now.instant;
            let ran = request.timing.started_at.take().map_or(Duration::ZERO, |at| now.since(at));
            request.timing.ran = request.timing.ran.saturating_add(ran);
        }
    }

    /// Whoever asked is gone: stop what has not begun, let the rest end by itself.
    pub(crate) fn request_abandoned(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        request.connection = None;
        if !matches!(request.state, Request::Deleting(_)) {
            self.detach(id);
            self.forget_request(id);
        }
    }

    /// Nobody waits any longer: the request is told so, what it has begun ends by itself or not at all.
    pub(crate) fn give_up(&mut self, id: RequestId) {
        self.detach(id);
        self.answer(id, Err(Status::PsaErrorCommunicationFailure));
    }

    /// Takes a request out of wherever it waits and from whatever has begun for it.
    fn detach(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let (payer, provider) = (request.payer(), request.provider);
        if let Request::Resolving { identity, .. } = &request.state {
            let identity = identity.clone();
            self.leave_name(&identity, id);
        }
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        match core::mem::replace(&mut request.state, Request::Admitted) {
            Request::Collecting(Collection::Keys { application, .. }) => self.leave_gate(&application, id),
            Request::Running { ticket, uses, .. } => self.abandon_job(ticket, uses),
            Request::Queued { uses, .. } => {
                self.forget_queued(id, &payer, provider);
                if let Some(record) = uses {
                    self.use_ended(&record.identity);
                }
            }
            Request::Following { object } => self.life_abandoned(object),
            Request::Verifying { .. } => {
                self.state.tokens.forget(&payer, id);
            }
            Request::Admitted | Request::Resolving { .. } | Request::Collecting(_) | Request::Deleting(_) => {
            }
        }
    }

    /// Lets a job end without its request. The key counts as used until then.
    pub(crate) fn abandon_job(&mut self, ticket: Ticket, uses: Option<Arc<Record>>) {
        if let Some(purpose) = self.state.tickets.get_mut(&ticket)
            && let Purpose::RequestJob(_, lane) = *purpose
        {
            *purpose = Purpose::AbandonedJob { lane, uses };
        } else if let Some(record) = uses {
            self.use_ended(&record.identity);
        }
    }

    /// Takes a request out of the table and gives back what it reserved.
    pub(crate) fn forget_request(&mut self, id: RequestId) -> Option<Box<ActiveRequest>> {
        self.forget_queue_deadline(id);
        self.state.makings.forget(id);
        let request = self.state.requests.remove(&id)?;
        self.state.accounts.release(request.peer.group, request.reserved);
        Some(request)
    }
}
