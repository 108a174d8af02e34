//! Lane hosts: processes that run jobs on lanes, die, are killed, and outlive the daemon for one call.

use super::owning::Owning;
use super::sealing::Sealing;
use super::{Backend, JobFault, Left, Made, Part, crypto, run_keyless};
use crate::faults::Family;
use crate::lasting::Broken;
use crate::plan::{OWNING, Plan, SEALING};
use crate::random::Domain;
use crate::stage::{Event, HostId, MICRO, MILLI, Stage, Told};
use crate::trace::digest;
use parsecd_core::ids::{HostKey, LaneKey, ObjectId, ProviderKey, Ticket};
use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// PINs that may be refused before the device locks. Assumed: a locked device answers a log-in as it does a
/// wrong PIN.
const TRIES: u32 = 3;
/// Longest way of an answer from a host to the daemon.
const TRANSIT: u64 = 100 * MICRO;

/// All hosts of all lives, and the devices behind them.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(crate) hosts: BTreeMap<HostId, Host>,
    pub(crate) sealing: Sealing,
    pub(crate) owning: Owning,
    /// Every key that was made.
    pub made: Made,
    lanes: u16,
    /// What a job takes differs by a hundredth only.
    steady: bool,
    /// How long a new host waits for the old one to go.
    patience: u64,
    /// A dead host's call reaches the device within this time.
    settling: u64,
    /// The right device is there for good.
    healed: bool,
    /// Objects that a token has lost by itself.
    pub lost: BTreeSet<ObjectId>,
    /// A PIN was refused; only a reload brings another one.
    pub pin_refused: bool,
    /// PINs that were refused since an operator last brought a new one; the device locks.
    refusals: u32,
    /// A provider that stays broken.
    broken: Option<(ProviderKey, Broken)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) lanes: Vec<Lane>,
    /// When it loses patience with the host before it; `None` once it has started.
    starting: Option<u64>,
    closing: bool,
    orphan: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    pub(crate) running: Option<Running>,
    waiting: Option<Given>,
}

/// A job as a lane is given it.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its ticket.
    pub ticket: Ticket,
    /// What to do.
    pub job: Arc<Job>,
    /// Whether a signature is verified before it leaves: only then it may be wrong.
    pub verified: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Running {
    ticket: Ticket,
    pub(crate) job: Arc<Job>,
    pub(crate) fault: JobFault,
    /// What comes of it if its host dies, where that is told.
    pub(crate) killed: Option<Left>,
}

/// Whether a device holds other objects after it.
fn changes(job: &Job) -> bool {
    matches!(job, Job::Generate { .. } | Job::Import { .. } | Job::Remove { .. })
}

impl Fleet {
    /// No host yet.
    pub fn new(plan: &Plan) -> Self {
        Fleet {
            hosts: BTreeMap::new(),
            sealing: Sealing::default(),
            owning: Owning::default(),
            made: Made::default(),
            lanes: plan.lanes,
            steady: plan.steady,
            patience: plan.config.deadlines.operation.as_nanos() as u64,
            settling: plan.config.deadlines.settling.as_nanos() as u64,
            healed: false,
            lost: BTreeSet::new(),
            pin_refused: false,
            refusals: 0,
            broken: None,
        }
    }

    /// The provider that keeps its objects.
    pub fn owning(&self) -> &Owning {
        &self.owning
    }

    /// Loses an object behind the daemon's back.
    pub fn lose(&mut self, object: ObjectId) {
        if self.owning.lose(object) {
            self.lost.insert(object);
        }
    }

    /// Lanes and hosts there are.
    pub fn lanes(&self) -> u64 {
        self.hosts.values().map(|host| host.lanes.len() as u64 + 1).sum()
    }

    /// Whether a host is there.
    pub fn is_busy(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Objects that exist.
    pub fn objects(&self) -> Vec<ObjectId> {
        self.owning.objects()
    }

    /// Whether `object` exists, in whole or in part.
    pub fn holds(&self, object: ObjectId) -> bool {
        self.owning.objects().contains(&object)
    }

    fn backend(&mut self, provider: ProviderKey) -> (&mut dyn Backend, &mut Made) {
        let Fleet { sealing, owning, made, .. } = self;
        let backend: &mut dyn Backend = if provider == OWNING { owning } else { sealing };
        (backend, made)
    }

    /// The daemon starts a host.
    pub fn open(&mut self, key: HostKey, stage: &mut Stage) {
        let lanes = if key.provider == SEALING { 1 } else { self.lanes };
        let id = HostId { boot: stage.boot, key };
        let host = Host {
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            starting: Some(stage.now + self.patience),
            closing: false,
            orphan: false,
        };
        self.hosts.insert(id, host);
        let delay = stage.latency(Domain::Provider, MILLI);
        stage.after(delay, Event::HostStarts(id));
    }

    /// A host has started, or waits for the one before it: two never share a library.
    pub fn starts(&mut self, id: HostId, stage: &mut Stage) {
        let Some(patience_ends) = self.hosts.get(&id).and_then(|host| host.starting) else { return };
        if id.key.provider == OWNING {
            let others: Vec<_> = self
                .hosts
                .keys()
                .copied()
                .filter(|other| *other != id && other.key.provider == OWNING)
                .collect();
            if !others.is_empty() && stage.now < patience_ends {
                let pause = (patience_ends - stage.now).min(50 * MILLI);
                return stage.after(pause, Event::HostStarts(id));
            }
            for other in others {
                self.dies(other, stage);
            }
        }
        let dies = self.broken == Some((id.key.provider, Broken::HostsDie));
        if stage.random.chance(Domain::Provider, stage.weights.stillborn) || dies {
            return self.dies(id, stage);
        }
        if let Some(host) = self.hosts.get_mut(&id) {
            host.starting = None;
            let lanes = host.lanes.len() as u16;
            stage.after(0, Event::Tell(id.boot, Told::HostUp(id.key, lanes)));
        }
    }

    /// The daemon gives a job to a lane. False if the lane had no room for it.
    pub fn start(&mut self, on: LaneKey, given: Given, stage: &mut Stage) -> bool {
        let id = HostId { boot: stage.boot, key: on.host };
        let Some(lane) = self.hosts.get_mut(&id).and_then(|host| host.lanes.get_mut(usize::from(on.lane)))
        else {
            stage.tell(0, Told::Finished(given.ticket, Outcome::NoEffect));
            return true;
        };
        if lane.waiting.is_some() {
            return false;
        }
        lane.waiting = Some(given);
        self.proceed(id, on.lane, stage);
        true
    }

    /// The daemon gives a job to the executor of public-key operations.
    /// Whether it runs.
    pub fn execute(&mut self, ticket: Ticket, job: &Job, stage: &mut Stage) -> bool {
        let fails = stage.random.chance(Domain::Provider, stage.weights.executor);
        let outcome = match job {
            _ if fails => Outcome::NoEffect,
            Job::Use { key, operation } => crypto::operate(&key.attributes, &key.public, &[], operation),
            other => run_keyless(other, &mut self.made),
        };
        let delay = stage.latency(Domain::Provider, 50 * MICRO);
        stage.tell(delay, Told::Finished(ticket, outcome));
        !fails
    }

    /// The daemon takes back a job that has not begun, as far as it knows.
    pub fn cancel(&mut self, ticket: Ticket, stage: &mut Stage) {
        if stage.random.chance(Domain::Provider, stage.weights.cancel_late) {
            return stage.faults.strikes(Family::LaneHost);
        }
        for lane in self.hosts.values_mut().flat_map(|host| &mut host.lanes) {
            if lane.waiting.as_ref().is_some_and(|waiting| waiting.ticket == ticket) {
                lane.waiting = None;
                stage.tell(TRANSIT / 2, Told::Finished(ticket, Outcome::NoEffect));
            }
        }
    }

    fn proceed(&mut self, id: HostId, index: u16, stage: &mut Stage) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        if host.orphan || host.closing {
            return self.leave_if_idle(id, stage);
        }
        let Some(lane) = host.lanes.get_mut(usize::from(index)) else { return };
        if lane.running.is_some() {
            return;
        }
        let Some(Given { ticket, job, verified }) = lane.waiting.take() else { return };
        let opens = matches!(*job, Job::Open);
        let fault = match lasting(self.broken, id.key.provider, opens) {
            Some(fault) => fault,
            None if opens => stage.open_fault(id.key.provider == OWNING),
            None => match stage.job_fault() {
                JobFault::None if verified && signs(&job) => stage.signature_fault(),
                fault => fault,
            },
        };
        let unseen = matches!(fault, JobFault::WrongSignature | JobFault::OtherKey) && !verified;
        let fault = if unseen { JobFault::None } else { fault };
        let usual = match *job {
            Job::Generate { .. } => 5 * MILLI,
            Job::Random { length } => MILLI / 2 + 2 * MICRO * u64::from(length),
            _ => MILLI,
        };
        let delay = match self.steady {
            true => stage.random.between(Domain::Provider, 495 * MICRO, 500 * MICRO),
            false => stage.latency(Domain::Provider, usual),
        };
        lane.running = Some(Running { ticket, job, fault, killed: stage.script.killed });
        if fault != JobFault::Hangs {
            stage.after(delay, Event::JobEnds(id, index, ticket));
        }
    }

    /// A running job comes to its end.
    pub fn ends(&mut self, id: HostId, index: u16, ticket: Ticket, stage: &mut Stage) {
        let lane = self.hosts.get_mut(&id).and_then(|host| host.lanes.get_mut(usize::from(index)));
        let Some(lane) = lane.filter(|lane| lane.running.as_ref().is_some_and(|job| job.ticket == ticket))
        else {
            return;
        };
        let Some(Running { job, fault, .. }) = lane.running.take() else { return };
        let dies = matches!(
            fault,
            JobFault::HostDiesBefore
                | JobFault::HostDiesAfter
                | JobFault::HostDiesHalfway
                | JobFault::LandsLate
        );
        if fault == JobFault::LandsLate {
            self.land_later(id.key.provider, job.clone(), stage);
        }
        let outcome = self.effect(id.key.provider, &job, fault);
        let delay = if self.steady { 0 } else { stage.latency(Domain::Provider, TRANSIT).min(TRANSIT) };
        if dies {
            stage.after(0, Event::Tell(id.boot, Told::Finished(ticket, Outcome::LaneLost)));
            return self.dies(id, stage);
        }
        stage.after(delay, Event::Tell(id.boot, Told::Finished(ticket, outcome)));
        self.proceed(id, index, stage);
    }

    fn effect(&mut self, provider: ProviderKey, job: &Job, fault: JobFault) -> Outcome {
        let opens = matches!(job, Job::Open);
        let fault = match lasting(self.broken, provider, opens) {
            Some(fault) => fault,
            None if opens && self.healed => JobFault::None,
            None => fault,
        };
        let shared = provider == SEALING;
        if fault == JobFault::PinRefused {
            self.pin_refused = true;
        }
        let refused_pin = self.pin_refused && provider == OWNING;
        self.refusals += u32::from(opens && (refused_pin || fault == JobFault::PinRefused));
        let (backend, made) = self.backend(provider);
        match fault {
            JobFault::Away => Outcome::Refused(Status::PsaErrorCommunicationFailure),
            JobFault::PinRefused => Outcome::PinRefused,
            _ if opens && refused_pin => Outcome::PinRefused,
            JobFault::OtherDevice if shared => backend.open(JobFault::None),
            JobFault::None | JobFault::OtherDevice if opens => backend.open(fault),
            JobFault::Busy => Outcome::Busy,
            JobFault::Rebuild => Outcome::RebuildNeeded,
            JobFault::Refused(status) => Outcome::Refused(status),
            JobFault::LoginLost => backend.run_logged_out(job, made),
            JobFault::UnknownAfter | JobFault::HostDiesAfter => {
                backend.run(job, Part::Whole, made);
                Outcome::Unknown
            }
            JobFault::UnknownHalfway | JobFault::HostDiesHalfway => {
                let halves = matches!(job, Job::Generate { .. } | Job::Remove { .. });
                if halves {
                    backend.run(job, Part::Half, made);
                }
                Outcome::Unknown
            }
            JobFault::WrongSignature => {
                let mut outcome = backend.run(job, Part::Whole, made);
                if let Outcome::Done(Effect::Output(signature)) = &mut outcome
                    && signs(job)
                    && !signature.is_empty()
                {
                    let at = digest(signature) as usize;
                    let length = signature.len();
                    signature[at % length] ^= 1 << (at / length % 8);
                }
                outcome
            }
            JobFault::OtherKey => {
                let outcome = backend.run(job, Part::Whole, made);
                match job {
                    Job::Use { key, operation: KeyOperation::SignHash { algorithm, hash } } => {
                        let other = made.other_than(key.object, &key.attributes);
                        let forged = other
                            .map(|other| crypto::sign(&other.attributes, &other.public, *algorithm, hash));
                        match (&outcome, forged) {
                            (Outcome::Done(_), Some(forged)) => Outcome::Done(Effect::Output(forged)),
                            _ => outcome,
                        }
                    }
                    _ => outcome,
                }
            }
            JobFault::WrongKind => match backend.run(job, Part::Whole, made) {
                Outcome::Done(_) if matches!(job, Job::Remove { .. }) => Outcome::Done(Effect::Verified),
                Outcome::Done(_) => Outcome::Done(Effect::Removed),
                outcome => outcome,
            },
            JobFault::WrongAttributes => match backend.run(job, Part::Whole, made) {
                Outcome::Done(Effect::Made { mut attributes, public, material }) => {
                    attributes.usage.copy ^= true;
                    Outcome::Done(Effect::Made { attributes, public, material })
                }
                outcome => outcome,
            },
            JobFault::WrongLength => {
                let exports = matches!(job, Job::Use { operation: KeyOperation::Export, .. });
                match backend.run(job, Part::Whole, made) {
                    Outcome::Done(Effect::Output(mut output)) => {
                        output.pop();
                        Outcome::Done(Effect::Output(output))
                    }
                    Outcome::Done(Effect::Secret(secret)) if !exports => {
                        let shorter = secret.expose().split_last().map_or(&[][..], |(_, rest)| rest);
                        Outcome::Done(Effect::Secret(shorter.to_vec().into()))
                    }
                    outcome => outcome,
                }
            }
            JobFault::None | JobFault::OtherDevice => backend.run(job, Part::Whole, made),
            JobFault::UnknownBefore | JobFault::HostDiesBefore | JobFault::LandsLate | JobFault::Hangs => {
                Outcome::Unknown
            }
        }
    }

    /// Whether the device is locked: it refuses the right PIN, too, until somebody unlocks it.
    pub fn is_locked(&self) -> bool {
        self.refusals >= TRIES
    }

    /// An operator brings another PIN, which helps if it is right and the device is not locked.
    pub fn pin_changes(&mut self, right: bool) {
        if right && !self.is_locked() {
            self.pin_refused = false;
            self.refusals = 0;
        }
    }

    fn land_later(&mut self, provider: ProviderKey, job: Arc<Job>, stage: &mut Stage) {
        if changes(&job) && provider == OWNING {
            let by_chance = |stage: &mut Stage| stage.random.between(Domain::Provider, 0, self.settling / 2);
            let delay = stage.script.lands_after.unwrap_or_else(|| by_chance(stage));
            stage.after(delay, Event::Lands(self.owning.slot(), job));
        }
    }

    /// A device finishes what a dead host began.
    pub fn lands(&mut self, token: usize, job: &Job) {
        self.owning.land(token, job, &mut self.made);
    }

    /// A host dies: what it ran is lost, what waited had no effect.
    pub fn dies(&mut self, id: HostId, stage: &mut Stage) {
        let Some(host) = self.hosts.remove(&id) else { return };
        for lane in host.lanes {
            if let Some(Running { ticket, job, killed, .. }) = lane.running {
                let left = killed.unwrap_or_else(|| stage.left());
                self.leaves(id.key.provider, job, left, stage);
                stage.after(TRANSIT, Event::Tell(id.boot, Told::Finished(ticket, Outcome::LaneLost)));
            }
            if let Some(Given { ticket, .. }) = lane.waiting {
                stage.after(TRANSIT, Event::Tell(id.boot, Told::Finished(ticket, Outcome::NoEffect)));
            }
        }
        stage.after(2 * TRANSIT, Event::Tell(id.boot, Told::HostDown(id.key)));
    }

    fn leaves(&mut self, provider: ProviderKey, job: Arc<Job>, left: Left, stage: &mut Stage) {
        match left {
            Left::Later => self.land_later(provider, job, stage),
            Left::Whole => drop(self.effect(provider, &job, JobFault::UnknownAfter)),
            Left::Half => drop(self.effect(provider, &job, JobFault::UnknownHalfway)),
            Left::Nothing => {}
        }
    }

    /// The machine dies with the daemon: what hosts run is cut.
    pub fn cut(&mut self, left: Left, stage: &mut Stage) {
        for (id, host) in std::mem::take(&mut self.hosts) {
            let running = host.lanes.into_iter().filter_map(|lane| lane.running);
            running.for_each(|running| self.leaves(id.key.provider, running.job, left, stage));
        }
    }

    /// Whether a job runs that makes or removes an object.
    pub fn is_changing(&self) -> bool {
        let owning = self.hosts.iter().filter(|(id, _)| id.key.provider == OWNING);
        let mut running = owning.flat_map(|(_, host)| &host.lanes).filter_map(|lane| lane.running.as_ref());
        running.any(|running| changes(&running.job))
    }

    /// The daemon kills a host.
    pub fn kill(&mut self, key: HostKey, stage: &mut Stage) {
        self.dies(HostId { boot: stage.boot, key }, stage);
    }

    /// The daemon lets a host finish and go.
    pub fn close(&mut self, key: HostKey, stage: &mut Stage) {
        let id = HostId { boot: stage.boot, key };
        if let Some(host) = self.hosts.get_mut(&id) {
            host.closing = true;
        }
        self.leave_if_idle(id, stage);
    }

    fn leave_if_idle(&mut self, id: HostId, stage: &mut Stage) {
        if self.hosts.get(&id).is_some_and(|host| host.lanes.iter().all(|lane| lane.running.is_none())) {
            self.dies(id, stage);
        }
    }

    /// The daemon dies: its hosts finish the calls they are in, then go.
    pub fn orphan_all(&mut self, stage: &mut Stage) {
        let ids: Vec<_> = self.hosts.keys().copied().collect();
        for id in ids {
            if let Some(host) = self.hosts.get_mut(&id) {
                host.orphan = true;
                for lane in &mut host.lanes {
                    lane.waiting = None;
                }
            }
            self.leave_if_idle(id, stage);
        }
    }

    /// The right device is back and the right PIN is there, but for `broken`.
    pub fn heal(&mut self, broken: Option<(ProviderKey, Broken)>, stage: &mut Stage) {
        self.pin_refused = false;
        self.refusals = 0;
        self.healed = true;
        self.broken = broken;
        // What is behind a host is noticed when it is opened; one that hangs is noticed by what it runs.
        let leaves = |provider: ProviderKey| {
            let away = provider == OWNING && !self.owning.is_home();
            let breaks = broken.is_some_and(|(broken, how)| {
                broken == provider && !matches!(how, Broken::Hangs | Broken::HangsAtWork)
            });
            away || breaks
        };
        let ids: Vec<_> = self.hosts.keys().copied().filter(|id| leaves(id.key.provider)).collect();
        for id in ids {
            self.dies(id, stage);
        }
    }
}

fn signs(job: &Job) -> bool {
    matches!(job, Job::Use { operation: KeyOperation::SignHash { .. }, .. })
}

/// How a job goes on a provider that stays broken.
fn lasting(broken: Option<(ProviderKey, Broken)>, provider: ProviderKey, opens: bool) -> Option<JobFault> {
    let (_, how) = broken.filter(|(broken, _)| *broken == provider)?;
    match how {
        Broken::Hangs => Some(JobFault::Hangs),
        Broken::HangsAtWork => (!opens).then_some(JobFault::Hangs),
        Broken::Away => opens.then_some(JobFault::Away),
        Broken::OtherDevice => opens.then_some(JobFault::OtherDevice),
        Broken::PinWrong => opens.then_some(JobFault::PinRefused),
        Broken::HostsDie => None,
    }
}
