//! The queue of a provider alone, against a naive one that remembers everything: who waits, who was served, and
//! what lane time went to whom.

use super::principals::{Entrance, Payer, Queue};
use crate::identity::{ApplicationIdentity, PeerGroup, Principal};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::AuthenticationType;

/// Numbers that follow from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % bound
    }
}

/// Work that waits, first come first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Work {
    id: u64,
    principal: usize,
    tenant: usize,
    slow: bool,
}

/// A job on a lane.
#[derive(Clone, Copy)]
struct Job {
    work: Work,
    began: Duration,
    ends: Duration,
    expected: Duration,
}

/// A principal's lane time when somebody began to wait.
type Snapshot = Vec<Duration>;

struct Model {
    random: Random,
    queue: Queue<u64>,
    now: Duration,
    /// By tenant, in the order in which they are to be served.
    waiting: BTreeMap<(usize, usize), Vec<Work>>,
    lanes: Vec<Option<Job>>,
    used: Snapshot,
    /// Since when each principal waits: what all had used then.
    since: BTreeMap<usize, Snapshot>,
    /// Starts of each of two tenants of one principal since both wait.
    turns: BTreeMap<(usize, usize, usize), (u64, u64)>,
    longest: Duration,
    /// What jobs of each principal take at most, in milliseconds.
    takes: Vec<u64>,
    tenants: Vec<usize>,
    served: u64,
    next: u64,
    /// Whether some work is slow, and must leave the last lane to what is short. Nothing is promised then but
    /// that all of it is served.
    mixed: bool,
}

fn payer(principal: usize, tenant: usize) -> Payer {
    let name = alloc::format!("{principal}.{tenant}");
    let tenant =
        ApplicationIdentity { authenticator: AuthenticationType::Direct, name: name.as_str().into() };
    Payer { principal: Principal::Peers(PeerGroup(principal as u64)), tenant: Some(tenant) }
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut random = Random(seed);
        let principals = 2 + random.below(4) as usize;
        let lanes = 1 + random.below(4) as usize;
        Model {
            queue: Queue::default(),
            now: Duration::ZERO,
            waiting: BTreeMap::new(),
            lanes: (0..lanes).map(|_| None).collect(),
            used: (0..principals).map(|_| Duration::ZERO).collect(),
            since: BTreeMap::new(),
            turns: BTreeMap::new(),
            longest: Duration::ZERO,
            takes: (0..principals).map(|_| 1 + random.below(9)).collect(),
            tenants: (0..principals).map(|_| 1 + random.below(3) as usize).collect(),
            served: 0,
            next: 0,
            mixed: random.below(4) == 0,
            random,
        }
    }

    fn waits(&self, principal: usize) -> bool {
        self.waiting.keys().any(|(of, _)| *of == principal)
    }

    fn comes(&mut self, principal: usize) {
        let tenant = self.random.below(self.tenants[principal] as u64) as usize;
        let slow = self.mixed && self.random.below(3) == 0;
        let first = self.random.below(20) == 0;
        self.next += 1;
        let work = Work { id: self.next, principal, tenant, slow };
        if !self.waits(principal) {
            self.since.insert(principal, self.used.clone());
        }
        let others = self.waiting.keys().filter(|(of, other)| *of == principal && *other != tenant);
        let others: Vec<usize> = others.map(|(_, other)| *other).collect();
        let list = self.waiting.entry((principal, tenant)).or_default();
        if list.is_empty() {
            others.iter().for_each(|other| {
                self.turns.insert((principal, tenant.min(*other), tenant.max(*other)), (0, 0));
            });
        }
        list.insert(if first { 0 } else { list.len() }, work);
        self.queue.push(&payer(principal, tenant), work.id, Entrance { slow, first });
    }

    fn leaves(&mut self, work: Work) {
        let place = (work.principal, work.tenant);
        let list = self.waiting.get_mut(&place).expect("it waits");
        list.retain(|other| *other != work);
        if list.is_empty() {
            self.waiting.remove(&place);
            self.turns.retain(|(of, low, high), _| {
                *of != work.principal || (*low != work.tenant && *high != work.tenant)
            });
        }
        if !self.waits(work.principal) {
            self.since.remove(&work.principal);
        }
    }

    fn gives_up(&mut self) {
        let all: Vec<Work> = self.waiting.values().flatten().copied().collect();
        if all.is_empty() {
            return;
        }
        let work = all[self.random.below(all.len() as u64) as usize];
        assert!(self.queue.remove(&payer(work.principal, work.tenant), work.id));
        assert!(!self.queue.remove(&payer(work.principal, work.tenant), work.id), "it is gone");
        self.leaves(work);
    }

    /// Fills idle lanes as the provider does: slow work leaves the last one free.
    fn starts(&mut self) {
        while let Some(lane) = self.lanes.iter().position(Option::is_none) {
            let idle = self.lanes.iter().filter(|lane| lane.is_none()).count();
            let short_only = self.mixed && self.lanes.len() > 1 && idle == 1;
            let fits = |work: &&Work| !(short_only && work.slow);
            let any = self.waiting.values().flatten().any(|work| fits(&work));
            let popped = self.queue.pop(short_only);
            assert_eq!(popped.is_some(), any, "who waits is served, if a lane takes it");
            let Some((id, found)) = popped else { return };
            let mut lists = self.waiting.values();
            let list = lists.find(|list| list.iter().any(|work| work.id == id)).expect("it waits");
            let work = *list.iter().find(fits).expect("it fits");
            assert_eq!(work.id, id, "what a tenant asked first is served first");
            assert_eq!(found, payer(work.principal, work.tenant));
            self.start(lane, work);
        }
    }

    fn start(&mut self, lane: usize, work: Work) {
        for ((of, low, high), (lows, highs)) in &mut self.turns {
            if *of == work.principal && (*low == work.tenant || *high == work.tenant) {
                *(if *low == work.tenant { &mut *lows } else { &mut *highs }) += 1;
                assert!(self.mixed || lows.abs_diff(*highs) <= 1, "tenants take turns");
            }
        }
        self.leaves(work);
        self.served += 1;
        let most = if work.slow { 40 } else { self.takes[work.principal] };
        let took = Duration::from_micros(most * 500 + self.random.below(most * 500 + 1));
        let expected = Duration::from_micros(most * 750);
        self.queue.started(&payer(work.principal, 0).principal, expected);
        self.lanes[lane] = Some(Job { work, began: self.now, ends: self.now + took, expected });
    }

    /// The job that ends first ends.
    fn ends(&mut self) {
        let lanes = self.lanes.iter().enumerate();
        let first = lanes.filter_map(|(lane, job)| job.map(|job| (job.ends, lane))).min();
        let Some(job) = first.and_then(|(_, lane)| self.lanes[lane].take()) else { return };
        self.now = job.ends;
        let took = job.ends - job.began;
        self.longest = self.longest.max(took);
        self.used[job.work.principal] += took;
        self.queue.ended(&payer(job.work.principal, 0).principal, job.expected, took);
        self.compare();
    }

    /// Nobody has had more since somebody waits, but for what was under way, and one job that was begun at once.
    fn compare(&self) {
        let lanes = u32::try_from(self.lanes.len()).expect("a few");
        let allowed = self.longest * (2 * lanes + 2);
        for (waits, then) in &self.since {
            let own = self.used[*waits] - then[*waits];
            for (other, used) in self.used.iter().enumerate() {
                let had = *used - then[other];
                let fair = self.mixed || had <= own + allowed;
                assert!(fair, "{other} had {had:?} while {waits} waited and had {own:?}, {allowed:?} more");
            }
        }
    }

    fn check(&self) {
        let count: usize = self.waiting.values().map(Vec::len).sum();
        assert_eq!(self.queue.len(), count);
        assert_eq!(self.queue.has_slow(), self.waiting.values().flatten().any(|work| work.slow));
        for principal in 0..self.tenants.len() {
            for tenant in 0..self.tenants[principal] {
                let count = self.waiting.get(&(principal, tenant)).map_or(0, Vec::len);
                assert_eq!(self.queue.waiting_of(&payer(principal, tenant)), count);
            }
        }
        if count == 0 && self.lanes.iter().all(Option::is_none) {
            assert_eq!(self.queue.principals(), 0, "nobody is remembered");
        }
    }
}

#[test]
fn everybody_who_waits_is_served_in_turn_and_nobody_has_more_lane_time() {
    let mut served = 0;
    for seed in 0..400 {
        let mut model = Model::new(seed);
        let principals = model.tenants.len();
        // Who asks all the time, who asks for one thing after another, and who comes and goes.
        let manners: Vec<u64> = (0..principals).map(|_| model.random.below(3)).collect();
        for _ in 0..400 {
            for (principal, manner) in manners.iter().enumerate() {
                let runs = model.lanes.iter().flatten().any(|job| job.work.principal == principal);
                let comes = match manner {
                    0 => true,
                    1 => !runs && !model.waits(principal),
                    _ => model.random.below(8) == 0,
                };
                if comes {
                    model.comes(principal);
                }
            }
            if model.random.below(10) == 0 {
                model.gives_up();
            }
            model.starts();
            model.ends();
            model.check();
        }
        while !model.waiting.is_empty() || model.lanes.iter().any(Option::is_some) {
            model.starts();
            model.ends();
            model.check();
        }
        served += model.served;
    }
    assert!(served > 100_000, "{served} jobs");
}
