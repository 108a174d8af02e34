//! Which injected faults excuse which statuses (decisions.md 1): a failure without one is a finding.

use crate::auditor::{Open, Scene};
use crate::call::{Call, KeyUse, Meaning};
use crate::deadlines::InForce;
use crate::plan::{OWNING, SEALING};
use crate::stage::MICRO;
use crate::truth::{Leads, leads_now};
use parsecd_core::config::Config;
use parsecd_core::ids::{HostKey, ProviderKey, Ticket};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::{ProviderId, Status};
use std::collections::{BTreeMap, BTreeSet};

/// A time of trouble, in steps. Begins again as often as it likes.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    open: bool,
    ended: Option<u64>,
}

impl Window {
    fn begin(&mut self) {
        self.open = true;
    }

    fn end(&mut self, moment: u64) {
        if std::mem::take(&mut self.open) {
            self.ended = Some(moment);
        }
    }

    fn touches(&self, since: u64) -> bool {
        self.open || self.ended.is_some_and(|ended| ended >= since)
    }
}

/// What a request's own jobs met.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Its jobs that have not ended.
    pub jobs: Vec<Ticket>,
    /// A device was busy with one of them.
    pub busy: bool,
    /// That was how its last one ended, after it was tried again.
    pub ended_busy: bool,
    /// Keys of the client it deletes were being made or removed, or were damaged, when it came.
    pub is_hindered: bool,
    /// How many random bytes it asks for.
    pub random: Option<u64>,
    statuses: BTreeSet<Status>,
}

impl Work {
    /// Its result was thrown away.
    pub fn ended_badly(&mut self) {
        self.statuses.insert(Status::PsaErrorCommunicationFailure);
    }

    /// One of its jobs ended.
    pub fn ended(&mut self, ticket: Ticket, outcome: &Outcome) {
        self.jobs.retain(|job| *job != ticket);
        self.ended_busy = self.busy && *outcome == Outcome::Busy;
        self.busy |= *outcome == Outcome::Busy;
        match outcome {
            Outcome::Done(effect) => {
                // It may be a byte short, and is then not delivered.
                let length = match effect {
                    Effect::Output(output) => output.len(),
                    Effect::Secret(secret) => secret.len(),
                    _ => 0,
                };
                let whole = match self.random {
                    Some(asked) => length as u64 == asked,
                    None => length > 0 && length % 2 == 0,
                };
                if !whole {
                    self.statuses.insert(Status::PsaErrorCommunicationFailure);
                }
            }
            Outcome::Refused(status) => drop(self.statuses.insert(*status)),
            Outcome::Busy => {
                self.statuses
                    .extend([Status::PsaErrorCommunicationFailure, Status::PsaErrorInsufficientMemory]);
            }
            Outcome::Absent { login_confirmed: true, .. } => {
                self.statuses.insert(Status::PsaErrorInvalidHandle);
            }
            _ => drop(self.statuses.insert(Status::PsaErrorCommunicationFailure)),
        }
    }
}

/// All troubles of a run.
#[derive(Clone, Debug)]
pub struct Excuses {
    store: Window,
    full: Window,
    /// The core says that it does not know what the store holds. How long it may is for liveness to say.
    doubted: bool,
    /// The daemon was told to stop: who waits for a lane is told so, who has not asked is told to go.
    pub stopping: bool,
    other_device: Window,
    /// Step in which a job of the executor last came back undone.
    executor_failed: Option<u64>,
    /// Step in which a removal last ended without having removed everything.
    removal_failed: Option<u64>,
    providers: BTreeMap<ProviderKey, Window>,
    /// Providers that were not configured.
    removed: BTreeMap<ProviderKey, Window>,
    /// There is no executor: public-key operations and hashes need a lane.
    no_executor: Window,
    hosts: BTreeSet<HostKey>,
    /// Step since which it is known what a provider can do.
    known: BTreeMap<ProviderKey, u64>,
    started: BTreeMap<Ticket, (u64, HostKey)>,
    operation: u64,
    little_memory: bool,
    /// Those of this life.
    pub deadlines: InForce,
}

impl Excuses {
    /// Nothing serves yet.
    pub fn new(config: &Config) -> Self {
        let down = Window { open: true, ended: None };
        Excuses {
            store: Window::default(),
            full: Window::default(),
            doubted: false,
            stopping: false,
            other_device: Window::default(),
            executor_failed: None,
            removal_failed: None,
            providers: [(SEALING, down), (OWNING, down)].into(),
            removed: BTreeMap::new(),
            no_executor: Window { open: config.executor.is_none(), ended: None },
            hosts: BTreeSet::new(),
            known: BTreeMap::new(),
            started: BTreeMap::new(),
            operation: config.deadlines.operation.as_nanos() as u64,
            little_memory: config.limits.request_memory < 16 << 20
                || config.limits.tenant_queue.min(config.limits.queue) < 16,
            deadlines: InForce::new(config),
        }
    }

    /// The store fails, or does not know.
    pub fn store_fails(&mut self) {
        self.store.begin();
    }

    /// The store has no room.
    pub fn store_full(&mut self) {
        self.full.begin();
    }

    /// The store's answers tell the truth again.
    pub fn store_well(&mut self, moment: u64) {
        if !self.doubted {
            self.store.end(moment);
        }
        self.full.end(moment);
    }

    /// The core begins or ends to doubt.
    pub fn core_doubts(&mut self, began: bool) {
        self.doubted = began;
    }

    /// Whether the core says that it does not know what the store holds.
    pub fn is_in_doubt(&self) -> bool {
        self.doubted
    }

    /// Whether the store has failed since step `since`.
    pub fn store_failed(&self, since: u64) -> bool {
        self.store.touches(since) || self.full.touches(since)
    }

    /// A job of the executor comes back undone: a lane does it, or nobody checks the signature.
    pub fn executor_fails(&mut self, moment: u64) {
        self.executor_failed = Some(moment);
    }

    /// A removal ended, and something may be left.
    pub fn removal_failed(&mut self, moment: u64) {
        self.removal_failed = Some(moment);
    }

    /// Whether another device is in the slot.
    pub fn other_device(&self) -> bool {
        self.other_device.open
    }

    /// A life of the daemon begins with this configuration.
    pub fn begins(&mut self, config: &Config, moment: u64) {
        self.deadlines = InForce::new(config);
        self.configured(config, moment);
    }

    /// How long a request waits that is told so, at least. The core's clock is ahead by a nanosecond for each of the
    /// inputs that came at one instant.
    fn queue(&self) -> u64 {
        (self.deadlines.shortest.queue.as_nanos() as u64).saturating_sub(MICRO)
    }

    /// The daemon is given this configuration.
    pub fn configured(&mut self, config: &Config, moment: u64) {
        self.deadlines.take(config);
        match config.executor {
            Some(_) => self.no_executor.end(moment),
            None => self.no_executor.begin(),
        }
        for provider in [SEALING, OWNING] {
            let window = self.removed.entry(provider).or_default();
            if config.providers.contains_key(&provider) {
                window.end(moment);
            } else {
                window.begin();
                self.known.remove(&provider);
            }
        }
    }

    /// Hosts that do not stay finish what they run, and take nothing more.
    pub fn let_go(&mut self, stays: impl Fn(&HostKey) -> bool) {
        let leaving: Vec<_> = self.hosts.iter().copied().filter(|host| !stays(host)).collect();
        leaving.into_iter().for_each(|host| self.host_gone(host));
    }

    /// Whether this provider was not configured at some time since step `since`.
    pub fn was_removed(&self, provider: ProviderId, since: u64) -> bool {
        key_of(provider).and_then(|key| self.removed.get(&key)).is_some_and(|window| window.touches(since))
    }

    /// A host is open for work, on its own device or another.
    pub fn host_serves(&mut self, host: HostKey, home: bool, moment: u64) {
        self.hosts.insert(host);
        self.known.entry(host.provider).or_insert(moment);
        if host.provider == OWNING {
            match home {
                true => self.other_device.end(moment),
                false => self.other_device.begin(),
            }
        }
        if let Some(window) = self.providers.get_mut(&host.provider) {
            window.end(moment);
        }
    }

    /// A host is gone, or about to be.
    pub fn host_gone(&mut self, host: HostKey) {
        self.hosts.remove(&host);
        if !self.hosts.iter().any(|other| other.provider == host.provider)
            && let Some(window) = self.providers.get_mut(&host.provider)
        {
            window.begin();
        }
    }

    /// A job was given to a lane.
    pub fn started(&mut self, ticket: Ticket, host: HostKey, now: u64) {
        self.started.insert(ticket, (now, host));
    }

    /// The host whose lane has a job.
    pub fn host_of(&self, ticket: Ticket) -> Option<HostKey> {
        self.started.get(&ticket).map(|(_, host)| *host)
    }

    /// The provider whose lane has a job.
    pub fn provider_of(&self, ticket: Ticket) -> Option<ProviderKey> {
        self.host_of(ticket).map(|host| host.provider)
    }

    /// Whether a job that a lane has should have ended.
    pub fn is_late(&self, ticket: Ticket, now: u64) -> bool {
        self.started.get(&ticket).is_some_and(|(since, _)| now >= since + self.operation)
    }

    /// A job ended; from how it did it may follow that its host is gone.
    pub fn finished(&mut self, ticket: Ticket, outcome: &Outcome) {
        if let Some((_, host)) = self.started.remove(&ticket)
            && matches!(outcome, Outcome::LaneLost | Outcome::NoEffect)
        {
            self.host_gone(host);
        }
    }

    /// The daemon died.
    pub fn crashed(&mut self, moment: u64) {
        self.doubted = false;
        self.stopping = false;
        self.store_well(moment);
        self.started.clear();
        self.known.clear();
        for host in std::mem::take(&mut self.hosts) {
            self.host_gone(host);
        }
    }

    /// Whether a request may be told so that has waited so long for its token to be verified.
    pub fn waited(&self, status: Status, waited: u64) -> bool {
        match status {
            Status::PsaErrorInsufficientMemory => self.little_memory || waited >= self.queue(),
            Status::PsaErrorCommunicationFailure => waited >= self.queue() || self.stopping,
            _ => false,
        }
    }

    /// Whether a fault excuses `status` for a request that may be told `planned`.
    pub(crate) fn excuse(
        &self,
        call: &Call,
        status: Status,
        planned: &BTreeSet<Status>,
        open: &Open,
        leads: &Leads,
        scene: Scene<'_>,
    ) -> bool {
        let Open { received, since, ref work, .. } = *open;
        let taken = open.runs_under.as_ref().map_or(received, |(taken, ..)| *taken);
        if call.meaning.is_unserved() && !self.unknown(call.provider, received) {
            return self.excuses_unserved(call, status, open, scene);
        }
        let own = work.statuses.contains(&status);
        let unchecked = self.executor_failed.is_some_and(|moment| moment >= received);
        let changes = matches!(
            call.meaning,
            Meaning::Create { .. } | Meaning::Destroy { .. } | Meaning::DeleteClient(_)
        );
        let stored = call.meaning.key().is_some()
            || matches!(
                call.meaning,
                Meaning::ListKeys(_) | Meaning::ListClients(_) | Meaning::DeleteClient(_)
            );
        // What the executor cannot do is left to the lanes, before anybody looks whether they can.
        let unserved = planned.contains(&Status::PsaErrorNotSupported);
        let away = call.meaning.key().is_some_and(|key| {
            let mut leads = leads.union(&leads_now(scene.store, key)).copied().collect::<Leads>().into_iter();
            leads.any(|object| object.is_some_and(|object| scene.fleet.owning().is_away(object)))
        });
        match status {
            Status::KeyInfoManagerError => stored && self.store.touches(received),
            Status::PsaErrorInsufficientStorage => own || (changes && self.full.touches(received)),
            Status::PsaErrorCommunicationFailure => {
                let removal_failed =
                    matches!(call.meaning, Meaning::Destroy { .. }) && !work.statuses.is_empty();
                own || self.stopping
                    || removal_failed
                    || (unchecked
                        && matches!(call.meaning, Meaning::Use { operation: KeyUse::Sign { .. }, .. }))
                    || ((self.needs_lane(call, received) || unchecked || unserved)
                        && told_after_provider(call, planned)
                        && !is_refused_at_once(call, planned)
                        && (self.provider_troubled(call, received) || self.overdue(work, scene.now)))
                    || (self.unknown(call.provider, received) && told_after_provider(call, planned))
                    || work.is_hindered
                    || self.deletion_hampered(call, received, scene)
                    || matches!(call.meaning, Meaning::ListOpcodes(id) if self.unknown(id, received))
            }
            Status::ProviderNotRegistered => {
                let asked = match call.meaning {
                    Meaning::ListOpcodes(provider) => provider,
                    _ => call.provider,
                };
                own || self.was_removed(asked, taken)
            }
            Status::PsaErrorHardwareFailure => {
                own || (call.provider == ProviderId::Pkcs11 && (self.other_device.touches(received) || away))
            }
            Status::PsaErrorDataCorrupt => {
                call.meaning.key().is_some_and(|key| scene.store.was_unreadable(key, received))
                    || self.deletion_hampered(call, received, scene)
            }
            Status::PsaErrorInsufficientMemory => {
                own || self.little_memory || scene.now - since >= self.queue()
            }
            Status::Success | Status::PsaErrorNotPermitted | Status::ResponseTooLarge => {
                (call.meaning.exports_unserved() || call.meaning.is_unserved())
                    && self.unknown(call.provider, received)
            }
            Status::PsaErrorDoesNotExist => {
                own || (call.meaning.is_unserved() && self.unknown(call.provider, received))
            }
            Status::PsaErrorInvalidArgument => {
                own || (call.meaning.is_unserved() && self.unknown(call.provider, received))
            }
            _ => own,
        }
    }

    /// Whether it is served while its provider is down: hashes and verifications only by a provider that has been
    /// up, for until then nobody knows what it can do.
    pub(crate) fn is_served_without_lanes(&self, call: &Call) -> bool {
        let known = || key_of(call.provider).is_none_or(|key| self.known.contains_key(&key));
        match &call.meaning {
            Meaning::Use { operation: KeyUse::ExportPublic, .. } => true,
            Meaning::Use { operation: KeyUse::Verify { .. }, .. } | Meaning::Hash { .. } => {
                !self.no_executor.open && known()
            }
            _ => false,
        }
    }

    /// What nobody serves is refused before anything is looked at.
    fn excuses_unserved(&self, call: &Call, status: Status, open: &Open, scene: Scene<'_>) -> bool {
        match status {
            Status::ProviderNotRegistered => self.was_removed(call.provider, open.received),
            Status::PsaErrorCommunicationFailure => self.stopping,
            Status::PsaErrorInsufficientMemory => {
                self.little_memory || scene.now - open.since >= self.queue()
            }
            _ => false,
        }
    }

    fn needs_lane(&self, call: &Call, received: u64) -> bool {
        match &call.meaning {
            Meaning::Use { operation: KeyUse::Verify { .. }, .. } | Meaning::Hash { .. } => {
                self.no_executor.touches(received)
            }
            Meaning::Use { operation, .. } => operation.needs_lane(),
            Meaning::Create { .. } | Meaning::Destroy { .. } | Meaning::Random(_) | Meaning::CanDo(_) => true,
            _ => false,
        }
    }

    fn provider_troubled(&self, call: &Call, received: u64) -> bool {
        key_of(call.provider)
            .and_then(|key| self.providers.get(&key))
            .is_some_and(|window| window.touches(received))
    }

    /// Whether it is known now what a provider can do. Of one that is not configured any more it is what it was, for
    /// requests that came before.
    pub(crate) fn is_known(&self, provider: ProviderId) -> bool {
        key_of(provider).is_none_or(|key| {
            self.known.contains_key(&key) || self.removed.get(&key).is_some_and(|window| window.open)
        })
    }

    /// Whether it was not known what a provider can do when a request came.
    fn unknown(&self, provider: ProviderId, received: u64) -> bool {
        key_of(provider).is_some_and(|key| self.known.get(&key).is_none_or(|since| *since >= received))
    }

    fn overdue(&self, work: &Work, now: u64) -> bool {
        work.jobs.iter().any(|job| self.is_late(*job, now))
    }

    fn deletion_hampered(&self, call: &Call, received: u64, scene: Scene<'_>) -> bool {
        let Meaning::DeleteClient(application) = &call.meaning else { return false };
        let out_of_reach = scene.store.visible().keys.iter().any(|(identity, row)| {
            identity.application == *application
                && (scene.store.was_unreadable(identity, received)
                    || scene.fleet.owning().is_away(row.object))
        });
        let removed = [ProviderId::MbedCrypto, ProviderId::Pkcs11];
        out_of_reach
            || removed.into_iter().any(|provider| self.was_removed(provider, received))
            || self.removal_failed.is_some_and(|moment| moment >= received)
            || self.other_device.touches(received)
            || self.store.touches(received)
            || self.full.touches(received)
            || self.providers.get(&OWNING).is_some_and(|window| window.touches(received))
            || !scene.store.visible().unfinished.is_empty()
            || self.started.keys().any(|job| self.is_late(*job, scene.now))
    }
}

/// The provider of this kind.
pub fn key_of(provider: ProviderId) -> Option<ProviderKey> {
    match provider {
        ProviderId::MbedCrypto => Some(SEALING),
        ProviderId::Pkcs11 => Some(OWNING),
        _ => None,
    }
}

/// Policy and name errors are told before *provider down*.
fn told_after_provider(call: &Call, planned: &BTreeSet<Status>) -> bool {
    match &call.meaning {
        Meaning::Use { operation: KeyUse::Export { served: false } | KeyUse::Unserved, .. } => true,
        Meaning::Use { .. } | Meaning::Destroy { .. } => {
            let after = [
                Status::Success,
                Status::ResponseTooLarge,
                Status::PsaErrorInvalidSignature,
                Status::PsaErrorNotSupported,
            ];
            after.iter().any(|status| planned.contains(status))
        }
        _ => true,
    }
}

/// Whether it is a creation that is refused before anybody looks for a lane, once it is known what its provider can do.
fn is_refused_at_once(call: &Call, planned: &BTreeSet<Status>) -> bool {
    let made = [Status::Success, Status::PsaErrorAlreadyExists];
    matches!(call.meaning, Meaning::Create { .. }) && !made.iter().any(|status| planned.contains(status))
}
