//! The world around one daemon: a discrete-event loop that drives the real core through its inputs and
//! outputs, and lets it die.

use crate::auditor::{Auditor, Scene};
use crate::call::Call;
use crate::client::Client;
use crate::clock::real;
use crate::faults::Family;
use crate::fork::{Forks, outlives};
use crate::lasting::Lasting;
use crate::link::{Finish, Link};
use crate::oracle::{Mark, Oracle};
use crate::plan::Plan;
use crate::provider::fleet::Fleet;
use crate::random::{Domain, Random};
use crate::stage::{Event, MICRO, MILLI, Stage};
use crate::store::Store;
use crate::tell;
use crate::trace::Trace;
use crate::watch::Watch;
use crate::workload::{PAUSES, Workload};
use parsecd_core::ids::{ConnectionKey, HostKey, ListenerKey, ProviderKey, Ticket};
use parsecd_core::input::Input;
use parsecd_core::output::{Output, WakeReason};
use parsecd_core::service::{MemoryReport, Service, Start};
use parsecd_core::store::Mutation;
use parsecd_core::time::{Instant, Now, WallTime};
use parsecd_wire::Status;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Clients that are there at one time.
const CLIENTS: usize = 16;
/// Events after which a world that has not come to rest never will.
pub(crate) const PATIENCE: u64 = 400_000;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that came in whole.
    pub requests: u64,
    /// Deaths of the daemon.
    pub crashes: u64,
    /// Commits ordered.
    pub commits: u64,
    /// Inputs and outputs.
    pub events: u64,
}

impl Counts {
    /// Adds what was done elsewhere.
    pub fn add(&mut self, other: Counts) {
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.commits += other.commits;
        self.events += other.events;
    }
}

/// The world.
pub struct World {
    /// Clock, queue, chance.
    pub stage: Stage,
    /// The store.
    pub store: Store,
    /// Hosts and devices.
    pub fleet: Fleet,
    /// Who compares.
    pub auditor: Auditor,
    /// Every client there ever was.
    pub clients: Vec<Client>,
    /// Every request there ever was.
    pub calls: Vec<Call>,
    /// Clients that are there.
    pub(crate) present: BTreeSet<usize>,
    /// Orders of this life that have no answer.
    pub(crate) owed: u64,
    /// What clients ask.
    pub workload: Workload,
    /// What was done.
    pub counts: Counts,
    pub(crate) plan: Plan,
    pub(crate) service: Option<Box<Service>>,
    pub(crate) links: BTreeMap<ConnectionKey, Link>,
    /// Connections that the core wants to read on in this step.
    pub(crate) reading: Vec<(ConnectionKey, Option<u64>)>,
    /// Connections whose first request had room at once, or was given it.
    pub(crate) entered: BTreeSet<ConnectionKey>,
    /// Connections that wait for room, and since when.
    pub(crate) room: BTreeMap<ConnectionKey, u64>,
    /// Largest `request_memory` that this life was given.
    pub(crate) most_memory: u64,
    /// Clients that have connected and were not accepted, by listener.
    pub(crate) backlog: BTreeMap<ListenerKey, VecDeque<usize>>,
    /// Listeners at which nobody is accepted for now.
    pub(crate) accept_blocked: BTreeSet<ListenerKey>,
    pub(crate) generations: Vec<u32>,
    pub(crate) moment: u64,
    pub(crate) wake: Option<u64>,
    pub(crate) wake_reason: Option<WakeReason>,
    /// Times the core was woken.
    pub(crate) wakes: u64,
    /// Those since the last other input, and the deadlines there were then.
    pub(crate) wakes_in_a_row: (u64, u64),
    /// The store does not answer.
    pub(crate) store_down: bool,
    /// Configurations that this life was given, and how many each host was started after.
    pub(crate) reloads: u32,
    pub(crate) host_secrets: BTreeMap<HostKey, u32>,
    /// Log-ins that were refused in this life: provider, slot, and the configurations before it was started.
    pub(crate) refused: BTreeSet<(ProviderKey, u16, u32)>,
    /// What stays broken.
    pub(crate) lasting: Lasting,
    /// The client that stays difficult, while it is there.
    pub(crate) difficult: Option<usize>,
    /// Whatever happens has to be explained by what stays broken.
    pub(crate) proving: bool,
    pub(crate) last_instant: u64,
    pub(crate) flushing: bool,
    pub(crate) opens: BTreeMap<Ticket, HostKey>,
    pub(crate) commits: BTreeMap<Ticket, Mutation>,
    /// Records that the store was asked for.
    pub(crate) reads: BTreeSet<Ticket>,
    /// Of the providers in the configuration that the daemon has.
    pub(crate) revisions: BTreeMap<ProviderKey, u32>,
    pub(crate) life: u64,
    pub(crate) crash_at: Option<u64>,
    pub(crate) recovering: bool,
    pub(crate) requests_left: u64,
    /// Requests whose answer was lost, which are to be asked again.
    pub(crate) asked_again: VecDeque<Vec<Call>>,
    /// When a request last came in whole.
    pub(crate) asked_at: u64,
    /// What each death of the daemon would leave, where stories ask for that.
    pub(crate) forks: Option<Forks>,
    /// Of one step; kept so that it need not grow again.
    pub(crate) outputs: Vec<Output>,
    /// The next client waits for another one to go.
    pub(crate) request_waits: bool,
    /// Connections that the core has begun to end in this step.
    pub(crate) finished: Vec<(ConnectionKey, Finish)>,
}

impl World {
    /// A world in which the daemon starts at once.
    pub fn new(plan: Plan, random: Random, trace: Trace) -> Self {
        let mut stage = Stage::new(&plan, random, trace);
        stage.after(0, Event::Restart);
        let mut auditor = Auditor::new(&plan.config);
        auditor.fairness.even = plan.saturates && !plan.leaves;
        World {
            store: Store::default(),
            fleet: Fleet::new(&plan),
            auditor,
            clients: Vec::new(),
            calls: Vec::new(),
            present: BTreeSet::new(),
            owed: 0,
            finished: Vec::new(),
            request_waits: false,
            workload: Workload::new(&plan),
            counts: Counts::default(),
            service: None,
            links: BTreeMap::new(),
            reading: Vec::new(),
            entered: BTreeSet::new(),
            room: BTreeMap::new(),
            most_memory: 0,
            backlog: BTreeMap::new(),
            accept_blocked: BTreeSet::new(),
            generations: Vec::new(),
            moment: 0,
            wake: None,
            wake_reason: None,
            wakes: 0,
            wakes_in_a_row: (0, 0),
            store_down: false,
            reloads: 0,
            host_secrets: BTreeMap::new(),
            refused: BTreeSet::new(),
            lasting: Lasting::default(),
            difficult: None,
            proving: false,
            last_instant: 0,
            flushing: false,
            opens: BTreeMap::new(),
            commits: BTreeMap::new(),
            reads: BTreeSet::new(),
            revisions: BTreeMap::new(),
            life: 0,
            crash_at: None,
            recovering: false,
            requests_left: plan.requests,
            asked_again: VecDeque::new(),
            asked_at: 0,
            forks: None,
            outputs: Vec::new(),
            stage,
            plan,
        }
    }

    /// Has clients come until the budget or the plan ends it.
    pub fn storm(&mut self) {
        self.disturb_later();
        self.stage.after(0, Event::Request);
        while !self.stage.random.spent() && self.requests_left > 0 && self.advance() {
            if !self.auditor.findings.violations.is_empty() {
                return;
            }
        }
        self.stage.end_storm();
        self.auditor.fairness.even = false;
        self.request_waits = false;
    }

    /// Runs until the daemon has started.
    pub fn start(&mut self) {
        while self.service.is_none() && self.advance() {}
    }

    /// Runs until nothing happens any more.
    pub fn rest(&mut self) {
        let mut events = 0;
        while events < PATIENCE && self.auditor.findings.violations.is_empty() && self.advance() {
            events += 1;
        }
        let rests = events < PATIENCE;
        self.auditor.findings.check(Oracle::I15Liveness, rests, || "the core never comes to rest".to_owned());
        self.auditor.rested(&self.store, &self.calls);
        self.recovering = false;
        self.check_rest();
    }

    pub(crate) fn check_rest(&mut self) {
        let Some(service) = &self.service else { return };
        let memory = service.memory();
        let MemoryReport { entries, cache, measured, .. } = memory;
        let empty = MemoryReport { entries, cache, measured, ..MemoryReport::default() };
        let links = self.links.len();
        let stopped = !self.auditor.excuses.stopping;
        let findings = &mut self.auditor.findings;
        findings.check(Oracle::I7Memory, memory == empty, || format!("at rest the core holds {memory:?}"));
        findings.check(Oracle::I15Liveness, stopped, || "the core never stops".to_owned());
        findings.check(Oracle::I15Liveness, links == 0, || format!("{links} connections are open at rest"));
        let present = self.present.len();
        findings.check(Oracle::I15Liveness, present == 0, || format!("{present} clients wait at rest"));
    }

    /// The daemon dies and starts again, in a world at rest: that must change nothing.
    pub fn restart_changes_nothing(&mut self) {
        let before = (self.counts.commits, self.store.visible().clone());
        self.crash();
        self.rest();
        let after = self.store.visible();
        let same = before.0 == self.counts.commits
            && before.1.keys.keys().eq(after.keys.keys())
            && before.1.unfinished.is_empty() == after.unfinished.is_empty();
        self.auditor
            .findings
            .check(Oracle::I17Recovery, same, || "recovery of a world at rest changes it".to_owned());
    }

    /// A client comes, to one of the listeners that are configured.
    pub fn connect(&mut self, client: Client) -> usize {
        let listeners: Vec<_> = self.plan.config.listeners.keys().copied().collect();
        let listener = match listeners[..] {
            [only] => only,
            _ => *self.stage.random.pick(Domain::Socket, &listeners),
        };
        self.connect_to(listener, client)
    }

    /// A client comes to this listener.
    pub(crate) fn connect_to(&mut self, listener: ListenerKey, mut client: Client) -> usize {
        client.calls.iter_mut().for_each(|call| call.listener = listener);
        let id = self.clients.len();
        client.first = self.calls.len();
        self.calls.append(&mut client.calls);
        self.clients.push(client);
        if self.service.is_none() {
            self.clients[id].leave();
            self.difficult_client_gone(id);
            return id;
        }
        self.present.insert(id);
        self.backlog.entry(listener).or_default().push_back(id);
        if !self.accept_blocked.contains(&listener) {
            self.stage.after(0, Event::Accept(listener));
        }
        id
    }

    /// What a client was told first.
    pub fn status(&self, id: usize) -> Option<Status> {
        self.clients.get(id)?.answers.first().copied()
    }

    /// Hash of the core's whole state.
    pub fn fingerprint(&self) -> u64 {
        self.service.as_ref().map(|service| service.fingerprint()).unwrap_or_default()
    }

    /// What happens next. False if nothing does.
    pub(crate) fn advance(&mut self) -> bool {
        match (self.stage.next_at(), self.wake_at()) {
            (next, Some(wake)) if next.is_none_or(|next| next > wake) => {
                self.stage.now = self.stage.now.max(wake);
                if self.proving {
                    self.explain_wake();
                }
                self.woken();
                self.feed(Input::TimePassed);
                let now = self.last_instant;
                let later = self.wake.is_none_or(|wake| wake > now);
                self.auditor.findings.check(Oracle::I15Liveness, later, || {
                    "the core wants to be woken again for what is past".to_owned()
                });
                true
            }
            _ => match self.stage.pop() {
                Some(event) => {
                    if self.proving {
                        self.explain(&event);
                    }
                    self.handle(event);
                    true
                }
                None => false,
            },
        }
    }

    /// When the core is to be woken: what is ready is delivered before time passes, also after the daemon stood
    /// still.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        self.wake.map(|wake| wake.max(self.stage.stopped_until).max(self.stage.now))
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tell(boot, told) if boot == self.stage.boot && self.service.is_some() => self.tell(told),
            Event::Tell(..) => {}
            Event::HostStarts(id) => self.fleet.starts(id, &mut self.stage),
            Event::JobEnds(id, lane, ticket) => self.fleet.ends(id, lane, ticket, &mut self.stage),
            Event::HostDies(id) => self.fleet.dies(id, &mut self.stage),
            Event::Lands(token, job) => {
                self.auditor.lands(&job);
                self.fleet.lands(token, &job);
            }
            Event::Flush => self.flush(),
            Event::Client(id) => self.client_steps(id),
            Event::ClientReads(id) => self.client_reads(id),
            Event::Accept(listener) => self.accept(listener),
            Event::Readable(connection) => self.readable(connection),
            Event::Writable(connection) => self.writable(connection),
            Event::Lost(connection) => self.lose(connection),
            Event::MoreWork(boot) if boot == self.stage.boot => self.feed(Input::TimePassed),
            Event::MoreWork(_) => {}
            Event::Clock => self.disturb_clocks(),
            Event::Identity => self.disturb_identities(),
            Event::Reload => self.reload(),
            Event::ReloadOfLimits => self.reload_limits(),
            Event::Store => self.disturb_store(),
            Event::Request => self.request(),
            Event::DifficultClient => self.difficult_client_comes(),
            Event::Stop(boot) if boot == self.stage.boot => self.stop(),
            Event::Exit(boot) if boot == self.stage.boot => self.crash(),
            Event::Stop(_) | Event::Exit(_) => {}
            Event::Restart => self.restart(),
        }
    }

    fn request(&mut self) {
        if self.present.len() >= CLIENTS {
            self.request_waits = true;
            return;
        }
        self.requests_left -= 1;
        let comes = self.stage.random.arrives();
        let calls = self.next_calls();
        let mut client = Client::new(calls, &self.plan, &mut self.stage);
        client.hasty |= self.plan.saturates;
        if self.plan.leaves && self.stage.random.chance(Domain::Socket, 250) {
            client.leaves_early(&mut self.stage);
        }
        if comes {
            self.connect(client);
        }
        let pause = self.stage.random.between(Domain::Workload, 0, self.plan.pause * MICRO);
        self.stage.after(pause, Event::Request);
    }

    fn next_calls(&mut self) -> Vec<Call> {
        if let Some(calls) = self.asked_again.pop_front() {
            self.stage.faults.strikes(Family::ClientSense);
            if calls.iter().any(|call| call.meaning.changes().is_some()) {
                self.auditor.findings.mark(Mark::ChangeAskedForAgain);
            }
            return calls;
        }
        self.workload.identities.time = real(self.stage.now);
        let random = &mut self.stage.random;
        if !self.plan.saturates {
            return self.workload.next(random);
        }
        let mut present = [0; 4];
        for client in &self.present {
            let uid = self.calls[self.clients[*client].first].peer.group.0;
            present[uid.saturating_sub(2000) as usize % 4] += 1;
        }
        if self.plan.pauses && present[PAUSES as usize] > 0 {
            present[PAUSES as usize] = usize::MAX;
        }
        let fewest = (0..4).min_by_key(|principal| present[*principal as usize]).unwrap_or_default();
        self.workload.saturating(fewest, random)
    }

    /// Gives the core an input and does what it asks, until it dies or is done.
    pub(crate) fn feed(&mut self, input: Input<'_>) {
        let Some(service) = &mut self.service else { return };
        self.moment += 1;
        let instant = self.stage.now.max(self.last_instant + 1);
        self.last_instant = instant;
        if !matches!(input, Input::TimePassed) {
            self.wakes_in_a_row = (0, service.memory().deadlines);
        }
        let digest = tell::input_digest(&input);
        self.stage.trace.event(&(instant, digest), || tell::input(instant, &input));
        let mut watch = Watch::new(self.moment);
        watch.reader.sample(&input);
        let now = Now { instant: Instant(instant), wall: WallTime(self.stage.wall.read(instant)) };
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.extend(service.step(now, input, &mut watch));
        let ordered = outputs.len() as u64;
        for seen in &watch.seen {
            self.stage.trace.note(|| format!("    {seen:?}"));
        }
        let (answered, given_up, taken) = (watch.answered(), watch.given_up(), watch.taken());
        let scene =
            Scene { store: &self.store, fleet: &self.fleet, moment: self.moment, now: self.stage.now };
        for output in &outputs {
            match output {
                Output::Audit { .. } => watch.reader.read(output),
                _ => watch.reader.sample(output),
            }
        }
        watch.reader.tell(&mut self.auditor.findings);
        self.auditor.seen(watch.seen, &self.calls, scene);
        given_up.into_iter().for_each(|connection| self.give_up(connection));
        self.finished.clear();
        self.reading.clear();
        self.fork();
        if self.dies_here() {
            return;
        }
        for output in outputs.drain(..) {
            self.stage.trace.event(&output, || tell::output(&output));
            let outlives = outlives(&output);
            self.perform(output);
            if outlives {
                self.fork();
            }
            if self.dies_here() {
                return;
            }
        }
        self.outputs = outputs;
        self.check_reading();
        self.auditor.check_executor();
        answered.into_iter().for_each(|connection| self.answers_appear(connection));
        taken.into_iter().for_each(|connection| self.check_pipeline(connection));
        for (connection, finish) in std::mem::take(&mut self.finished) {
            self.check_finish(connection, finish);
        }
        if !self.room.is_empty() {
            self.check_room();
        }
        self.check_step(ordered);
    }

    fn dies_here(&mut self) -> bool {
        self.life += 1;
        self.counts.events += 1;
        if self.crash_at.is_none_or(|at| self.life < at) {
            return false;
        }
        if self.auditor.excuses.stopping {
            self.auditor.findings.mark(Mark::DiedWhileStopping);
        }
        self.crash();
        true
    }

    /// The daemon dies.
    pub fn crash(&mut self) {
        if self.service.take().is_some() {
            self.dies();
        }
    }

    /// What the death of the daemon means for everything else.
    pub(crate) fn dies(&mut self) {
        self.stage.trace.note(|| "--- the daemon dies".to_owned());
        self.counts.crashes += 1;
        self.stage.faults.strikes(Family::Process);
        if self.store.has_pending() {
            self.auditor.findings.mark(Mark::CrashWithCommitPending);
        }
        if self.recovering && self.auditor.marks.recovers(self.store.visible().unfinished.keys()) {
            self.auditor.findings.mark(Mark::CrashDuringRecovery);
        }
        let scripted = self.plan.requests == 0;
        let kept = match scripted {
            true => self.stage.script.crash_keeps,
            false if self.stage.random.chance(Domain::Crash, 500) => usize::MAX,
            false => 0,
        };
        let choice = if self.store.in_doubt() { self.doubt_choice() } else { 0 };
        self.store.crash(kept, choice);
        self.restore_perhaps();
        self.fleet.orphan_all(&mut self.stage);
        self.cut_all();
        let World { auditor, store, fleet, moment, stage, .. } = self;
        auditor.crashed(Scene { store, fleet, moment: *moment, now: stage.now });
        self.owed = 0;
        self.stage.stopped_until = 0;
        self.wake = None;
        self.flushing = false;
        self.accept_blocked.clear();
        self.opens.clear();
        self.store_down = false;
        self.host_secrets.clear();
        self.refused.clear();
        self.commits.clear();
        self.reads.clear();
        self.recovering = true;
        let delay = self.stage.latency(Domain::Crash, 10 * MILLI);
        self.stage.after(delay, Event::Restart);
    }

    fn restart(&mut self) {
        if self.service.is_some() {
            return;
        }
        self.stage.boot += 1;
        self.life = 0;
        let within = self.stage.weights.crash_within;
        self.crash_at = (within > 0).then(|| self.stage.random.between(Domain::Crash, 1, within));
        let within = self.stage.weights.stop_within;
        if within > 0 {
            let requests = self.stage.random.between(Domain::Crash, 1, within);
            let delay = requests * self.plan.pause.max(100) * MICRO;
            self.stage.after(delay, Event::Stop(self.stage.boot));
        }
        self.other_limits();
        self.change_version();
        self.most_memory = self.plan.config.limits.request_memory;
        let mut boot = [0; 16];
        boot[..8].copy_from_slice(&crate::trace::digest(&("boot", self.stage.boot)).to_be_bytes());
        boot[8..].copy_from_slice(&crate::trace::digest(&self.stage.boot).to_be_bytes());
        let providers = self.plan.config.providers.iter();
        self.revisions = providers.map(|(key, provider)| (*key, provider.revision)).collect();
        self.auditor.begins(&self.plan.config, &self.store, self.moment + 1);
        self.service = Some(Box::new(Service::new(self.plan.config.clone(), Start { boot })));
        self.feed(Input::TimePassed);
    }

    /// The daemon is told to stop.
    fn stop(&mut self) {
        if self.service.is_some() && !self.auditor.excuses.stopping {
            self.auditor.excuses.stopping = true;
            let grace = *self.stage.random.pick(Domain::Crash, &[1, 10, 60_000]);
            self.feed(Input::ShutdownRequested { grace: Duration::from_millis(grace) });
        }
    }
}
