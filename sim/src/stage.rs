//! What every actor of the world shares: the clock, the queue of events, chance, and the plan.

use crate::clock::WallClock;
use crate::faults::{Family, Faults};
use crate::plan::{GROUP_FAULTS, JOB_FAULTS, OPEN_FAULTS, Plan, Script, Weights};
use crate::provider::{JobFault, Left};
use crate::queue::Queue;
use crate::random::{Domain, Random};
use crate::store::GroupFate;
use crate::trace::Trace;
use parsecd_core::ids::{ConnectionKey, HostKey, ListenerKey, Ticket};
use parsecd_core::input::TokenVerdict;
use parsecd_core::job::Job;
use parsecd_core::outcome::Outcome;
use parsecd_core::store::{CommitResult, Counters, Fetched, Page};
use std::sync::Arc;

/// Nanoseconds of a microsecond.
pub const MICRO: u64 = 1_000;
/// Nanoseconds of a millisecond.
pub const MILLI: u64 = 1_000_000;
/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

/// The class of events that are none of the daemon's inputs.
const OUTSIDE: u8 = 5;

/// A host of one life of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId {
    /// Which life.
    pub boot: u32,
    /// Its name in that life.
    pub key: HostKey,
}

/// What is told to the core, if its life is still the one that asked.
#[derive(Clone, Debug)]
pub enum Told {
    /// A job ended.
    Finished(Ticket, Outcome),
    /// Commits ended.
    Committed(Vec<(Ticket, CommitResult)>),
    /// A record was read.
    Fetched(Ticket, Fetched, Counters),
    /// A page was read.
    Listed(Ticket, Page),
    /// An audit event was written.
    Audited(Ticket),
    /// The same job ended again.
    FinishedTwice(Ticket, Outcome),
    /// A token was verified.
    TokenVerified(Ticket, TokenVerdict),
    /// A host waits for its `Open` job.
    HostUp(HostKey, u16),
    /// A host is gone.
    HostDown(HostKey),
}

/// What will happen.
#[derive(Clone, Debug)]
pub enum Event {
    /// Tell the core of this life.
    Tell(u32, Told),
    /// A host has started.
    HostStarts(HostId),
    /// A running job comes to its end.
    JobEnds(HostId, u16, Ticket),
    /// A host dies.
    HostDies(HostId),
    /// A token finishes what a dead host began.
    Lands(usize, Arc<Job>),
    /// The store writes the group that waits.
    Flush,
    /// A client takes its next step.
    Client(usize),
    /// A client reads what has come.
    ClientReads(usize),
    /// The daemon accepts what waits.
    Accept(ListenerKey),
    /// The daemon reads from a connection.
    Readable(ConnectionKey),
    /// The daemon writes to a connection.
    Writable(ConnectionKey),
    /// The daemon learns that a connection is gone.
    Lost(ConnectionKey),
    /// The core said it has more to do.
    MoreWork(u32),
    /// The next request of the storm.
    Request,
    /// The client that stays difficult comes again.
    DifficultClient,
    /// Something happens to the clocks.
    Clock,
    /// Something happens to the identity provider.
    Identity,
    /// The daemon is given another configuration.
    Reload,
    /// The daemon is given other limits, while the store is asked for a page.
    ReloadOfLimits,
    /// The store goes, or comes back.
    Store,
    /// The daemon of this life is told to stop.
    Stop(u32),
    /// The daemon of this life has stopped, and its process ends.
    Exit(u32),
    /// The daemon starts again.
    Restart,
}

impl Event {
    /// Whether it happens within the daemon's process.
    fn needs_daemon(&self) -> bool {
        matches!(
            self,
            Event::Tell(..)
                | Event::Writable(_)
                | Event::Lost(_)
                | Event::Readable(_)
                | Event::Accept(_)
                | Event::MoreWork(_)
                | Event::Stop(_)
                | Event::Reload
                | Event::ReloadOfLimits
                | Event::Store
                | Event::Flush
        )
    }

    /// The order of events at one instant: completions, then writes, then reads, then accepts. Within a class
    /// any order is legal, but a host is gone after its jobs, and a job ends before it ends again.
    fn class(&self) -> u8 {
        match self {
            Event::Tell(_, Told::HostDown(_) | Told::FinishedTwice(..)) => 1,
            Event::Tell(..) => 0,
            Event::Writable(_) | Event::Lost(_) => 2,
            Event::Readable(_) => 3,
            Event::Accept(_) => 4,
            _ => OUTSIDE,
        }
    }
}

/// What every actor shares.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Nanoseconds since the world began.
    pub now: u64,
    /// Life of the daemon, counted from 1.
    pub boot: u32,
    /// Chance.
    pub random: Random,
    /// Likelihoods in force.
    pub weights: Weights,
    /// Faults at told places.
    pub script: Script,
    /// What happened.
    pub trace: Trace,
    /// The daemon's wall clock.
    pub wall: WallClock,
    /// The daemon's process stands still until then.
    pub stopped_until: u64,
    /// What goes wrong with so many jobs more: a device is busy with somebody else, a log-in is lost.
    repeated: (JobFault, u32),
    /// Faults that struck.
    pub faults: Faults,
    /// Jobs that lanes have begun, openings excepted, and groups that the store has written.
    pub begun: (usize, usize),
    /// How each group commit goes, whatever is drawn.
    lasting: Option<GroupFate>,
    queue: Queue<Event>,
}

impl Stage {
    /// The beginning of a run.
    pub fn new(plan: &Plan, random: Random, trace: Trace) -> Self {
        Stage {
            now: SECOND,
            boot: 0,
            random,
            weights: plan.weights.clone(),
            script: plan.script.clone(),
            trace,
            wall: WallClock::default(),
            stopped_until: 0,
            repeated: (JobFault::None, 0),
            faults: Faults::default(),
            begun: (0, 0),
            lasting: None,
            queue: Queue::default(),
        }
    }

    /// Has `event` happen `delay` nanoseconds from now.
    pub fn after(&mut self, delay: u64, event: Event) {
        self.queue.insert(self.now + delay, event.class(), event);
    }

    /// Tells the core of this life `delay` nanoseconds from now.
    pub fn tell(&mut self, delay: u64, told: Told) {
        self.after(delay, Event::Tell(self.boot, told));
    }

    /// When the next event is.
    pub fn next_at(&self) -> Option<u64> {
        self.queue.next_at()
    }

    /// Takes the next event and goes to its time. What concerns the daemon's process waits while it stands
    /// still.
    pub fn pop(&mut self) -> Option<Event> {
        loop {
            let (at, event) = self.queue.pop()?;
            if at < self.now {
                // Overdue after a suspension: in the order of classes, like all that is ready now.
                self.becomes_ready(self.now, event);
                continue;
            }
            self.now = at;
            if self.now >= self.stopped_until || !event.needs_daemon() {
                return Some(event);
            }
            self.becomes_ready(self.stopped_until, event);
        }
    }

    /// Puts back what the daemon finds ready when it goes on: in any order that is legal.
    fn becomes_ready(&mut self, at: u64, event: Event) {
        let class = event.class();
        let shuffled = class < OUTSIDE && self.random.chance(Domain::Schedule, self.weights.shuffles);
        if shuffled {
            self.faults.strikes(Family::Driver);
        }
        let chance =
            if shuffled { self.random.between(Domain::Schedule, 0, u16::MAX.into()) as u16 } else { 0 };
        self.queue.insert_by_chance(at, class, chance, event);
    }

    /// Whether such an event will happen.
    pub fn is_awaited(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.queue.any(wanted)
    }

    /// Takes out, in order, what will happen outside of the daemon's process and its connections, with how far off
    /// it is; the rest is forgotten.
    pub fn take_events(&mut self) -> Vec<(u64, Event)> {
        let kept = |event: &Event| {
            !event.needs_daemon() && !matches!(event, Event::Client(_) | Event::ClientReads(_))
        };
        let mut events = Vec::new();
        while let Some((at, event)) = self.queue.pop() {
            if kept(&event) {
                events.push((at.saturating_sub(self.now), event));
            }
        }
        events
    }

    /// Forgets the requests of the storm that have not begun.
    pub fn end_storm(&mut self) {
        self.queue.retain(|event| !matches!(event, Event::Request));
    }

    /// A latency of up to `usual`, sometimes a thousand times as long.
    pub fn latency(&mut self, domain: Domain, usual: u64) -> u64 {
        let slow = if self.random.chance(domain, self.weights.slow) { 1000 } else { 1 };
        self.random.between(domain, usual / 10 + 1, usual + 1) * slow
    }

    /// How a job that a lane begins will go.
    pub fn job_fault(&mut self) -> JobFault {
        self.begun.0 += 1;
        if let Some(fault) = self.script.jobs.pop_front() {
            return fault;
        }
        let (rate, weights) = (self.weights.job, self.weights.jobs);
        let mut fault = self.draw(Domain::Provider, rate, &weights, &JOB_FAULTS).unwrap_or_default();
        if self.repeated.1 > 0 && rate > 0 {
            self.repeated.1 -= 1;
            fault = self.repeated.0;
        } else if matches!(fault, JobFault::Busy | JobFault::LoginLost) {
            self.repeated = (fault, *self.random.pick(Domain::Provider, &[0, 1, 3, 8]));
        }
        self.note_fault(fault);
        fault
    }

    /// How opening a host will go; told places are those of the provider that owns its objects.
    pub fn open_fault(&mut self, owning: bool) -> JobFault {
        if owning && let Some(fault) = self.script.opens.pop_front() {
            return fault;
        }
        let (rate, weights) = (self.weights.open, self.weights.opens);
        let fault = self.draw(Domain::Provider, rate, &weights, &OPEN_FAULTS).unwrap_or_default();
        self.note_fault(fault);
        fault
    }

    /// What comes of a job whose host dies.
    pub fn left(&mut self) -> Left {
        let all = [Left::Later, Left::Whole, Left::Half, Left::Nothing];
        *self.random.pick(Domain::Provider, &all)
    }

    /// How a signature goes that is verified before it leaves.
    pub fn signature_fault(&mut self) -> JobFault {
        let wrong = self.random.chance(Domain::Provider, self.weights.wrong_signature);
        let fault = if wrong { JobFault::WrongSignature } else { JobFault::None };
        self.note_fault(fault);
        fault
    }

    fn note_fault(&mut self, fault: JobFault) {
        match fault {
            JobFault::None => {}
            JobFault::Hangs
            | JobFault::HostDiesBefore
            | JobFault::HostDiesAfter
            | JobFault::HostDiesHalfway
            | JobFault::LandsLate => self.faults.strikes(Family::LaneHost),
            _ => self.faults.strikes(Family::Provider),
        }
    }

    /// How a group commit will go.
    pub fn group_fate(&mut self) -> GroupFate {
        self.begun.1 += 1;
        if let Some(fate) = self.script.groups.pop_front() {
            return fate;
        }
        if let Some(fate) = self.lasting {
            return fate;
        }
        let (rate, weights) = (self.weights.group, self.weights.groups);
        let fate = self.draw(Domain::Store, rate, &weights, &GROUP_FAULTS).unwrap_or(GroupFate::Normal);
        if fate != GroupFate::Normal {
            self.faults.strikes(Family::Store);
        }
        fate
    }

    fn draw<T: Copy>(&mut self, domain: Domain, rate: u32, weights: &[u32], faults: &[T]) -> Option<T> {
        if !self.random.chance(domain, rate) {
            return None;
        }
        self.random.weighted(domain, weights).map(|index| faults[index])
    }

    /// Ends all faults; each group commit goes as `lasting` says.
    pub fn heal(&mut self, lasting: Option<GroupFate>) {
        self.lasting = lasting;
        self.queue.retain(|event| {
            !matches!(
                event,
                Event::Clock
                    | Event::Identity
                    | Event::Reload
                    | Event::ReloadOfLimits
                    | Event::Store
                    | Event::Stop(_)
            )
        });
        let Weights { operations, read_time, .. } = self.weights;
        self.weights = Weights { operations, read_time, ..Weights::default() };
        self.wall = WallClock::default();
    }
}
