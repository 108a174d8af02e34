//! The auditor: sees what clients ask and are told, what the core orders, what is really the case, and
//! compares. It is written from the specification and knows nothing of how the core works.

mod audit;
mod certain;
mod fairness;
mod lead;
mod marks;
mod quota;
mod rest;
mod seen;
mod tokens;
mod work;

use crate::bodies::{self, Span};
use crate::call::{Call, Meaning};
use crate::canary;
use crate::configurations::{self, Configurations};
use crate::excuses::{Excuses, Work};
use crate::limit::Limit;
use crate::names::{Names, Snapshot};
use crate::oracle::{Findings, Mark, Oracle};
use crate::probe::Probing;
use crate::provider::fleet::Fleet;
use crate::sizes;
use crate::specification;
use crate::store::Store;
use crate::trace::digest;
use crate::truth::{self, Leads, Truth};
use fairness::Fairness;
use marks::Marks;
use parsecd_core::config::{Config, Limits};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::{ConnectionKey, ObjectId, RequestId, Ticket};
use parsecd_wire::header::{HEADER_LENGTH, KEEP_CONNECTION, RawHeader};
use parsecd_wire::{AuthenticationType, ResponseHeader, Status};
use quota::Quotas;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use tokens::Tokens;
use work::WorkInTime;

/// What is really the case at one step.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The store.
    pub store: &'a Store,
    /// The devices.
    pub fleet: &'a Fleet,
    /// Number of the step.
    pub moment: u64,
    /// Nanoseconds.
    pub now: u64,
}

/// What the socket knows of a request when it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// All of it was delivered.
    pub complete: bool,
    /// The client will send no more.
    pub ended: bool,
    /// No deadline has passed.
    pub in_time: bool,
    /// The daemon stops, or the peer group has too many connections.
    pub excused: bool,
    /// The answer comes later than the first deadline that has passed, by more than a tick.
    pub overdue: bool,
}

/// A request that came in whole.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// Whose request it is.
    pub(crate) application: Option<ApplicationIdentity>,
    /// The key it makes.
    pub(crate) creates: Option<KeyIdentity>,
    /// The application whose keys it changes.
    pub(crate) changes: Option<ApplicationIdentity>,
    pub(crate) received: u64,
    pub(crate) since: u64,
    pub(crate) snapshot: Option<Snapshot>,
    /// In which step the core took it, the number of the configuration it runs under, and that.
    pub(crate) runs_under: Option<(u64, u64, Arc<Config>)>,
    pub(crate) work: Work,
    pub(crate) objects: BTreeSet<ObjectId>,
}

/// An answer whose body is still to come.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    status: Status,
    span: Span,
    config: Arc<Config>,
}

/// The auditor of a run.
#[derive(Clone, Debug)]
pub struct Auditor {
    /// What it found.
    pub findings: Findings,
    /// What is really the case.
    pub truth: Truth,
    /// What may go wrong, and when it did.
    pub excuses: Excuses,
    pub(crate) names: Names,
    pub(crate) fairness: Fairness,
    pub(crate) marks: Marks,
    pub(crate) tokens: Tokens,
    pub(crate) quotas: Quotas,
    pub(crate) work: WorkInTime,
    /// What audit events say of requests whose answer has not appeared.
    pub(crate) audits: BTreeMap<usize, Vec<Status>>,
    /// An older copy of the store was put back: what was acknowledged since is lost.
    pub restored: bool,
    /// When the world healed, in whole or in part, and how long a request may be open from then on.
    pub healed: Option<(u64, u64)>,
    /// Requests whose answers are certain.
    pub probing: Option<Probing>,
    /// The configuration that the daemon begins with and has again in the end.
    pub(crate) config: Config,
    pub(crate) configurations: Configurations,
    pub(crate) open: BTreeMap<usize, Open>,
    /// Whether each request was answered.
    pub(crate) answered: Vec<bool>,
    /// The answer whose body comes next.
    telling: Option<Told>,
    /// What was decided for requests whose answer has not appeared.
    pub(crate) decided: BTreeMap<usize, (u64, Status)>,
    /// Requests of each connection that the core has not taken yet.
    pub(crate) callers: BTreeMap<ConnectionKey, Range<usize>>,
    pub(crate) requests: BTreeMap<RequestId, usize>,
    pub(crate) jobs: BTreeMap<Ticket, Option<RequestId>>,
    /// Objects that running jobs make.
    pub(crate) making: BTreeMap<Ticket, ObjectId>,
    /// Jobs that remove an object, and whether half a pair is left of it.
    pub(crate) removals: BTreeMap<Ticket, (ObjectId, bool)>,
    /// Changes whose client has left: they may go on.
    pub(crate) abandoned: Vec<usize>,
    /// Deletions among them.
    pub(crate) deletions: u64,
    /// Applications whose keys are being changed for clients that have left.
    pub(crate) left_by: BTreeSet<ApplicationIdentity>,
    /// Objects whose publication may or may not have happened, and whether their creators were told no.
    pub(crate) doubtful: BTreeMap<ObjectId, (KeyIdentity, bool)>,
    /// Two hashes of all random bytes that were given out.
    pub(crate) randoms: BTreeSet<(u64, u64)>,
    pub(crate) states: BTreeMap<RequestId, &'static str>,
    pub(crate) lives: BTreeMap<ObjectId, &'static str>,
}

impl Auditor {
    /// Has seen nothing.
    pub fn new(config: &Config) -> Self {
        Auditor {
            findings: Findings::default(),
            truth: Truth::default(),
            excuses: Excuses::new(config),
            names: Names::default(),
            fairness: Fairness::default(),
            marks: Marks::default(),
            tokens: Tokens::default(),
            quotas: Quotas::new(config),
            work: WorkInTime::default(),
            audits: BTreeMap::new(),
            restored: false,
            healed: None,
            probing: None,
            config: config.clone(),
            configurations: Configurations::new(config),
            open: BTreeMap::new(),
            answered: Vec::new(),
            telling: None,
            decided: BTreeMap::new(),
            callers: BTreeMap::new(),
            requests: BTreeMap::new(),
            jobs: BTreeMap::new(),
            making: BTreeMap::new(),
            removals: BTreeMap::new(),
            abandoned: Vec::new(),
            deletions: 0,
            left_by: BTreeSet::new(),
            doubtful: BTreeMap::new(),
            randoms: BTreeSet::new(),
            states: BTreeMap::new(),
            lives: BTreeMap::new(),
        }
    }

    /// A client was accepted that makes `count` requests, `first` first.
    pub fn accepted(&mut self, connection: ConnectionKey, first: usize, count: usize) {
        self.callers.insert(connection, first..first + count);
    }

    /// A connection is gone.
    pub fn lost(&mut self, connection: ConnectionKey) {
        self.callers.remove(&connection);
    }

    /// The last byte of a request was delivered.
    pub fn received(&mut self, id: usize, call: &Call, scene: Scene<'_>) {
        let snapshot = self.names.received(call);
        self.tokens.shown(id, call);
        let changes = call.meaning.changes().cloned();
        let objects = match &call.meaning {
            Meaning::DeleteClient(application) => truth::objects_of(scene.store, application),
            _ => BTreeSet::new(),
        };
        if let Meaning::Destroy { key } = &call.meaning {
            let leads = truth::leads_now(scene.store, key);
            if leads.iter().flatten().any(|object| self.truth.signs(*object)) {
                self.findings.mark(Mark::DestroyOverlapsSign);
            }
        }
        let mut work = Work::default();
        if let Meaning::Random(size) = call.meaning {
            work.random = Some(size);
        }
        if let Meaning::DeleteClient(application) = &call.meaning {
            let tables = scene.store.visible();
            let unfinished = tables.unfinished.values().map(|row| &row.identity);
            let damaged = tables.keys.keys().filter(|identity| scene.store.is_unreadable(identity));
            let mut hindrances = unfinished.chain(damaged);
            work.is_hindered = hindrances.any(|identity| identity.application == *application)
                || self.left_by.contains(application)
                || self.open.values().any(|open| open.changes.as_ref() == Some(application));
        }
        let (received, since, runs_under) = (scene.moment, scene.now, None);
        let application = call.application.clone();
        let creates = match &call.meaning {
            Meaning::Create { key, .. } => Some(key.clone()),
            _ => None,
        };
        let open =
            Open { application, creates, received, since, snapshot, runs_under, work, objects, changes };
        self.open.insert(id, open);
    }

    /// A client is gone, answered or not.
    pub fn gone(&mut self, id: usize, call: &Call) {
        self.decided.remove(&id);
        self.fairness.left(id);
        self.work.waits_no_more(id, 0);
        self.tokens.forget(id, call);
        self.quotas.over(id);
        if self.open.remove(&id).is_some() && !matches!(call.meaning, Meaning::Use { .. }) {
            self.abandoned.push(id);
            self.deletions += u64::from(matches!(call.meaning, Meaning::DeleteClient(_)));
            self.left_by.extend(call.meaning.changes().cloned());
        }
    }

    /// Whether a request that came in whole has no answer.
    pub fn is_open(&self, id: usize) -> bool {
        self.open.contains_key(&id)
    }

    /// Whether a request was answered.
    pub fn is_told(&self, id: usize) -> bool {
        self.answered.get(id).copied().unwrap_or_default()
    }

    /// The header of an answer appears.
    pub fn told(
        &mut self,
        id: usize,
        call: &Call,
        bytes: &[u8; HEADER_LENGTH],
        arrival: Arrival,
        scene: Scene<'_>,
    ) {
        let once = !self.is_told(id);
        if self.answered.len() <= id {
            self.answered.resize(id + 1, false);
        }
        self.answered[id] = true;
        self.telling = None;
        self.findings.check(Oracle::I4OneAnswer, once, || format!("request {id} is answered twice"));
        let header = match ResponseHeader::from_bytes(bytes) {
            Ok(header) => header,
            Err(error) => {
                return self.findings.check(Oracle::I5Echo, false, || format!("request {id}: {error}"));
            }
        };
        let status = header.status;
        let agrees = specification::header_says(bytes, &header);
        self.findings.check(Oracle::SpecificationAgrees, agrees.is_ok(), || {
            format!("request {id}: {}", agrees.unwrap_err())
        });
        self.check_echo(id, call, &header, bytes);
        self.check_deadlines(id, call, status, arrival);
        let open = self.open.remove(&id);
        let complete = open.is_some();
        let early = matches!(&call.meaning, Meaning::Anonymous(told) if *told == status);
        let fits = complete || status == Status::ConnectionError || early;
        self.findings.check(Oracle::I4OneAnswer, fits, || {
            format!("request {id} is answered {status:?} before it came in whole")
        });
        let given_up = status == Status::ConnectionError;
        open.iter().for_each(|open| self.check_patience(id, call, open, scene.now));
        let Some(open) = open.filter(|_| !given_up) else { return };
        let config = open.runs_under.as_ref().map(|(_, _, config)| config);
        let config = config.unwrap_or(self.configurations.current()).clone();
        let leads = match call.meaning.key() {
            Some(key) => self.truth.between(key, open.received, scene.moment),
            None => Leads::from([None]),
        };
        self.check_status(id, call, status, (&open, &config), &leads, scene);
        let decided = self.decided.remove(&id).map(|(_, status)| status);
        self.findings.check(Oracle::I5Echo, decided.is_none_or(|decided| decided == status), || {
            format!("request {id} is told {status:?}, which was not decided for it: {decided:?}")
        });
        if let Some(decided) = decided {
            self.check_audit(id, call.opcode, decided, &config);
        }
        let agrees = self.names.told(call, status, open.snapshot);
        self.findings.check(Oracle::NamesFromAnswers, agrees.is_ok(), || {
            format!("request {id}: {}", agrees.unwrap_err())
        });
        let span = Span { from: open.received, to: scene.moment, leads };
        self.telling = Some(Told { status, span, config });
        self.forget_marks(id);
        self.quotas.over(id);
    }

    fn check_echo(&mut self, id: usize, call: &Call, header: &ResponseHeader, bytes: &[u8; HEADER_LENGTH]) {
        let raw = RawHeader::from_bytes(bytes);
        let anonymous = ResponseHeader::anonymous(header.status);
        let flags = if call.keeps { KEEP_CONNECTION } else { 0 };
        let echo = ResponseHeader {
            flags,
            provider: call.provider,
            session: call.session,
            opcode: call.opcode,
            ..*header
        };
        let expected = match call.meaning {
            _ if header.status == Status::ConnectionError => &anonymous,
            Meaning::Anonymous(_) if call.meaning.breaks_framing() => &anonymous,
            Meaning::Anonymous(_) => &ResponseHeader { flags, ..anonymous },
            _ => &echo,
        };
        let rest = raw.accept_type == 0 && raw.authentication_type == 0 && raw.authentication_length == 0;
        self.findings.check(Oracle::I5Echo, header == expected && rest, || {
            format!("request {id} ({:?}) is answered by {header:?}", call.opcode)
        });
        let empty = header.status == Status::Success || header.body_length == 0;
        self.findings.check(Oracle::PlannedBody, empty, || format!("request {id}: a failure with a body"));
    }

    fn check_deadlines(&mut self, id: usize, call: &Call, status: Status, arrival: Arrival) {
        if status != Status::ConnectionError {
            return;
        }
        let late = !arrival.complete && (arrival.ended || !arrival.in_time);
        let deserved = late || arrival.excused;
        self.findings.check(Oracle::I10Deadlines, deserved, || {
            format!("request {id} is given up although it is {arrival:?}")
        });
        self.findings.check(Oracle::I10Deadlines, !arrival.overdue, || {
            format!("request {id} is given up long after its deadline")
        });
        if !arrival.complete && !arrival.in_time {
            self.mark_silence(call);
        }
    }

    fn check_status(
        &mut self,
        id: usize,
        call: &Call,
        status: Status,
        (open, config): (&Open, &Config),
        leads: &Leads,
        scene: Scene<'_>,
    ) {
        let made = &scene.fleet.made;
        let (decision, crowded) = (self.tokens.decision(id), self.tokens.was_crowded(id));
        self.tokens.forget(id, call);
        if configurations::refuses_authenticator(call, config) {
            let fits = status == Status::AuthenticatorNotRegistered;
            return self.findings.check(Oracle::I18ReloadIsAtomic, fits, || {
                format!("request {id} is told {status:?}, {:?} was not accepted when it came", call.shows)
            });
        }
        let unverified = match decision {
            Some(Ok(())) => None,
            Some(Err(refusal)) => Some(status == refusal),
            None if call.token.is_none() || matches!(call.meaning, Meaning::Anonymous(_)) => None,
            None => {
                let refused = crowded && status == Status::PsaErrorInsufficientMemory;
                Some(refused || self.excuses.waited(status, scene.now - open.since))
            }
        };
        if let Some(fits) = unverified {
            return self.findings.check(Oracle::I6Identity, fits, || {
                format!("request {id} is told {status:?}, its token is {decision:?}")
            });
        }
        let refusal = configurations::refusal(call, config);
        let allowed = if config.allow_deprecated { configurations::with_deprecated(call) } else { None };
        let meaning = allowed.as_ref().unwrap_or(&call.meaning);
        let planned: BTreeSet<Status> = match refusal {
            Some(refusal) => [refusal].into(),
            None if configurations::refuses_name(meaning, config) => [Status::PsaErrorInvalidArgument].into(),
            None => {
                let told = |lead, status| sizes::told(call, lead, made, config, status);
                let all = leads.iter().map(|lead| (*lead, meaning.statuses(*lead, made)));
                all.flat_map(|(lead, all)| all.into_iter().map(move |status| told(lead, status))).collect()
            }
        };
        let no_room = planned.contains(&Status::Success) && self.quotas.excuses(id, status);
        let span = || Span { from: open.received, to: scene.moment, leads: leads.clone() };
        let too_long = status == Status::ResponseTooLarge
            && planned.contains(&Status::Success)
            && sizes::may_be_too_long(call, &span(), &self.truth, config, scene);
        let fits = planned.contains(&status)
            || no_room
            || too_long
            || (!self.is_certain(id, call, status)
                && self.excuses.excuse(call, status, &planned, open, leads, scene));
        let oracle = if refusal.is_some() { Oracle::I18ReloadIsAtomic } else { Oracle::PlannedStatus };
        self.findings.check(oracle, fits, || {
            format!(
                "request {id} {:?} on {:?} is answered {status:?}; it may be {planned:?}, its key leads to {leads:?}",
                call.opcode,
                call.meaning.key()
            )
        });
        if status == Status::Success {
            self.note_sizes(call, &config.limits);
        }
        self.mark_answer(id, call, status, (open, leads), scene.store);
    }

    /// A request is served: how near to the limits it comes.
    fn note_sizes(&mut self, call: &Call, limits: &Limits) {
        let distances = &mut self.findings.distances;
        distances.note(Limit::BodyLength, u64::from(call.announced.0), limits);
        match &call.meaning {
            Meaning::Random(size) => distances.note(Limit::BufferSize, *size, limits),
            Meaning::Create { key, .. } => distances.note(Limit::KeyName, key.name.len() as u64, limits),
            _ => {}
        }
        if let Some(application) = &call.application
            && application.authenticator != AuthenticationType::UnixPeerCredentials
        {
            distances.note(Limit::ApplicationName, application.name.len() as u64, limits);
        }
    }

    /// The step in which it was decided what a request is told.
    pub fn decided_in(&self, id: usize) -> Option<u64> {
        self.decided.get(&id).map(|(moment, _)| *moment)
    }

    /// The core has decided what a request is told; it is told in its turn. From now on it must be true.
    pub(crate) fn decided(&mut self, id: usize, call: &Call, status: Status, scene: Scene<'_>) {
        self.decided.insert(id, (scene.moment, status));
        self.creation_decided(id, call, status, scene.moment);
        if let Meaning::ListOpcodes(provider) = call.meaning {
            let known = status != Status::Success || self.excuses.is_known(provider);
            self.findings.check(Oracle::PlannedStatus, known, || {
                format!("request {id} is told what {provider:?} can do before anybody knows")
            });
        }
        let limits = &self.configurations.current().limits;
        self.tokens.answered(id, call, limits.queue.min(limits.tenant_queue) as usize);
        let Some(open) = self.open.get(&id) else { return };
        let leads = match call.meaning.key() {
            Some(key) => self.truth.between(key, open.received, scene.moment),
            None => Leads::from([None]),
        };
        if status != Status::Success {
            if let Meaning::Create { key, .. } = &call.meaning {
                let doubtful = self.doubtful.values_mut().filter(|(identity, _)| identity == key);
                doubtful.for_each(|(_, denied)| *denied = true);
            }
            return;
        }
        let open = &self.open[&id];
        let excused = self.excuses.store_failed(open.received);
        let gone = |object: ObjectId| {
            let erased = truth::surely_gone(scene.store, object);
            let retired = excused && truth::surely_unowned(scene.store, object);
            (erased || retired) && !scene.fleet.holds(object)
        };
        let holds = match &call.meaning {
            Meaning::Create { key, attributes, .. } => {
                let now = truth::leads_now(scene.store, key);
                self.marks.created(key, scene.moment);
                now.iter().flatten().for_each(|object| drop(self.doubtful.remove(object)));
                now.len() == 1
                    && now.iter().all(|lead| {
                        let key = lead.and_then(|object| scene.fleet.made.get(object));
                        key.is_some_and(|key| {
                            key.attributes.key_type == attributes.key_type
                                && key.attributes.usage == attributes.usage
                                && key.attributes.algorithm == attributes.algorithm
                        })
                    })
            }
            Meaning::Destroy { .. } => leads.iter().flatten().any(|object| gone(*object)),
            Meaning::DeleteClient(_) => open.objects.iter().all(|object| gone(*object)),
            _ => return,
        };
        self.findings.check(Oracle::I12AckIsDurable, holds, || {
            format!(
                "request {id} {:?} on {:?} has success before it is so; {leads:?}",
                call.opcode,
                call.meaning.key()
            )
        });
    }

    /// The body of an answer has come out in whole.
    pub fn body(&mut self, id: usize, call: &Call, body: &[u8], scene: Scene<'_>) {
        let secret = !call.meaning.asks_for_secrets() && canary::is_in(body);
        self.findings.check(Oracle::I11NoSecret, !secret, || format!("the answer to {id} holds a secret"));
        let Some(told) = self.telling.take().filter(|told| told.status == Status::Success) else { return };
        self.findings.distances.note(Limit::Response, body.len() as u64, &told.config.limits);
        let fits = body.len() as u64 <= told.config.limits.response;
        self.findings.check(Oracle::PlannedBody, fits, || {
            format!("the answer to {id} has {} bytes, more than it may", body.len())
        });
        let verdict = bodies::check(call, body, &told.span, &self.truth, &told.config, scene);
        let (oracle, holds) = match &verdict {
            Ok(()) => (Oracle::PlannedBody, true),
            Err((oracle, _)) => (*oracle, false),
        };
        self.findings.check(oracle, holds, || {
            let text = verdict.as_ref().err().map(|(_, text)| text.as_str()).unwrap_or_default();
            format!("request {id} {:?} on {:?}: {text}", call.opcode, call.meaning.key())
        });
        if call.meaning.key().is_some() {
            self.findings.check(Oracle::I1Isolation, holds, || format!("request {id} shows another key"));
        }
        if let Meaning::Random(16..) = call.meaning {
            let fresh = self.randoms.insert((digest(&(0, body)), digest(&(1, body))));
            self.findings.check(Oracle::I1Isolation, fresh, || format!("request {id}: random bytes repeat"));
        }
    }

    /// The daemon died.
    pub fn crashed(&mut self, scene: Scene<'_>) {
        self.truth.crashed(scene.moment, scene.store);
        self.names.crashed();
        self.fairness = Fairness::default();
        self.marks.crashed();
        self.quotas.crashed(scene.moment, scene.store);
        self.tokens = Tokens::default();
        self.work.crashed();
        self.audits.clear();
        if self.restored {
            self.names = Names::default();
            self.names.know_nothing();
        }
        self.excuses.crashed(scene.moment);
        self.open.clear();
        self.decided.clear();
        self.callers.clear();
        self.requests.clear();
        self.jobs.clear();
        self.making.clear();
        self.removals.clear();
        self.abandoned.clear();
        self.deletions = 0;
        self.left_by.clear();
        self.doubtful.clear();
        self.states.clear();
        self.lives.clear();
    }
}
