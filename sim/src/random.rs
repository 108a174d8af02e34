//! Randomness of a run: one seed, a stream of its own for each domain, and a budget.
//!
//! A draw that is added in one domain leaves the others as they were. When the budget is spent the world
//! heals; draws after that are free, so that healing needs no second source. What was drawn can be recorded
//! and played again, whole or in part (`tape.rs`).

use crate::tape::{DOMAINS, Tape};

/// What a draw decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Knobs and weights of the whole run.
    Swarm,
    /// What clients ask.
    Workload,
    /// How bytes travel and when clients lose patience.
    Socket,
    /// Latencies and faults of the store.
    Store,
    /// Latencies and faults of lane hosts and devices.
    Provider,
    /// When the daemon dies.
    Crash,
    /// Pauses and jumps of the clocks.
    Clock,
    /// Latencies and faults of the identity provider.
    Identity,
    /// The order of what happens at one instant.
    Schedule,
    /// What stays broken when the world heals.
    Healing,
}

impl Domain {
    /// All of them, in the order of their numbers.
    pub const ALL: [Domain; DOMAINS] = [
        Domain::Swarm,
        Domain::Workload,
        Domain::Socket,
        Domain::Store,
        Domain::Provider,
        Domain::Crash,
        Domain::Clock,
        Domain::Identity,
        Domain::Schedule,
        Domain::Healing,
    ];

    /// Its name in a tape.
    pub fn name(self) -> &'static str {
        match self {
            Domain::Swarm => "swarm",
            Domain::Workload => "workload",
            Domain::Socket => "socket",
            Domain::Store => "store",
            Domain::Provider => "provider",
            Domain::Crash => "crash",
            Domain::Clock => "clock",
            Domain::Identity => "identity",
            Domain::Schedule => "schedule",
            Domain::Healing => "healing",
        }
    }
}

/// Step of splitmix64: the golden ratio, scaled to 64 bits.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where draws come from.
#[derive(Clone, Debug)]
enum Source {
    /// From the seed.
    Seeded,
    /// From the seed, and they are kept.
    Recorded(Box<Tape>),
    /// From a tape; where it has ended each draw is 0.
    Played(Box<Tape>, [usize; DOMAINS]),
}

/// All streams of a run.
#[derive(Clone, Debug)]
pub struct Random {
    streams: [u64; DOMAINS],
    left: u64,
    source: Source,
    /// Clients that have come.
    arrived: usize,
}

impl Random {
    /// The streams of `seed`; draws outside [`Domain::Swarm`] cost 1 of `budget` each.
    pub fn new(seed: u64, budget: u64) -> Self {
        let mut root = seed;
        let streams = std::array::from_fn(|_| splitmix(&mut root));
        Random { streams, left: budget, source: Source::Seeded, arrived: 0 }
    }

    /// The same, and everything that is drawn is recorded.
    pub fn recorded(seed: u64, budget: u64) -> Self {
        let tape = Tape { budget, ..Tape::default() };
        Random { source: Source::Recorded(Box::new(tape)), ..Random::new(seed, budget) }
    }

    /// What was recorded before. It is spent also when a request was drawn that it does not hold.
    pub fn played(tape: Tape) -> Self {
        let left = tape.budget;
        let source = Source::Played(Box::new(tape), [0; DOMAINS]);
        Random { streams: [0; DOMAINS], left, source, arrived: 0 }
    }

    /// Whether the budget is spent.
    pub fn spent(&self) -> bool {
        let ended = match &self.source {
            Source::Played(tape, next) => {
                let requests = Domain::Workload as usize;
                tape.draws[requests].len() < next[requests]
            }
            _ => false,
        };
        self.left == 0 || ended
    }

    /// A client is about to be drawn. Whether it comes.
    pub fn arrives(&mut self) -> bool {
        self.arrived += 1;
        match &mut self.source {
            Source::Seeded => true,
            Source::Recorded(tape) => {
                tape.arrivals.push(tape.draws[Domain::Workload as usize].len());
                true
            }
            Source::Played(tape, _) => !tape.away.contains(&(self.arrived - 1)),
        }
    }

    /// What was recorded.
    pub fn into_tape(self) -> Option<Tape> {
        match self.source {
            Source::Recorded(tape) => Some(*tape),
            _ => None,
        }
    }

    /// A number below `span`; 0 stands for 2^64. Every other draw is made of this one, such that 0 is the
    /// quietest: no fault, the shortest time, the first of a list.
    fn draw(&mut self, domain: Domain, span: u64) -> u64 {
        if domain != Domain::Swarm {
            self.left = self.left.saturating_sub(1);
        }
        let index = domain as usize;
        if let Source::Played(tape, next) = &mut self.source {
            let value = tape.draws[index].get(next[index]).copied().unwrap_or_default();
            next[index] += 1;
            return if span == 0 { value } else { value.min(span - 1) };
        }
        let bits = splitmix(&mut self.streams[index]);
        let value = if span == 0 { bits } else { ((u128::from(bits) * u128::from(span)) >> 64) as u64 };
        if let Source::Recorded(tape) = &mut self.source {
            tape.draws[index].push(value);
        }
        value
    }

    /// 64 random bits.
    pub fn bits(&mut self, domain: Domain) -> u64 {
        self.draw(domain, 0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, domain: Domain, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range has no numbers");
        low + self.draw(domain, (high - low).wrapping_add(1))
    }

    /// True `per_mille` times in a thousand. Costs nothing where the answer is certain.
    pub fn chance(&mut self, domain: Domain, per_mille: u32) -> bool {
        match per_mille {
            0 => false,
            1000.. => true,
            _ => self.draw(domain, 1000) >= 1000 - u64::from(per_mille),
        }
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, domain: Domain, items: &'a [T]) -> &'a T {
        let index = self.between(domain, 0, items.len() as u64 - 1);
        &items[index as usize]
    }

    /// An index into `weights`, each as often as its weight says. `None` if all are 0.
    pub fn weighted(&mut self, domain: Domain, weights: &[u32]) -> Option<usize> {
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        if total == 0 {
            return None;
        }
        let mut point = self.between(domain, 1, total);
        weights.iter().position(|&weight| {
            let hit = point <= u64::from(weight);
            point = point.saturating_sub(u64::from(weight));
            hit
        })
    }

    /// A number from `low` to `high`, small ones as likely as large ones. `low` is at least 1.
    pub fn log_uniform(&mut self, domain: Domain, low: u64, high: u64) -> u64 {
        let octave = self.between(domain, u64::from(low.ilog2()), u64::from(high.ilog2()));
        let floor = 1_u64 << octave;
        self.between(domain, floor.max(low), (floor | (floor - 1)).min(high))
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GAMMA);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_in_one_domain_leaves_the_others_alone() {
        for added in Domain::ALL {
            let (mut one, mut two) = (Random::new(7, 100), Random::new(7, 100));
            one.bits(added);
            for domain in Domain::ALL {
                let same = one.bits(domain) == two.bits(domain);
                assert_eq!(same, domain != added, "{domain:?} after a draw more in {added:?}");
            }
        }
    }

    #[test]
    fn what_was_recorded_is_played_and_then_everything_is_quiet() {
        let mut recorded = Random::recorded(7, 10);
        let drawn: Vec<u64> = (0..3).map(|_| recorded.between(Domain::Socket, 5, 500)).collect();
        let bits = recorded.bits(Domain::Crash);
        let mut played = Random::played(recorded.into_tape().expect("it was recorded"));
        assert_eq!(played.bits(Domain::Crash), bits);
        assert!((0..3).map(|_| played.between(Domain::Socket, 5, 500)).eq(drawn));
        assert_eq!(played.between(Domain::Socket, 5, 500), 5);
        assert!(!played.chance(Domain::Socket, 999));
    }

    #[test]
    fn closed_ranges_reach_both_ends_and_nothing_beyond() {
        let mut random = Random::new(1, u64::MAX);
        let drawn: Vec<u64> = (0..200).map(|_| random.between(Domain::Workload, 3, 6)).collect();
        assert!((3..=6).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (3..=6).contains(number)));
        assert_eq!(random.between(Domain::Workload, u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn the_budget_is_spent_by_every_domain_but_the_swarm() {
        let mut random = Random::new(1, 2);
        random.bits(Domain::Swarm);
        random.bits(Domain::Crash);
        assert!(!random.spent());
        random.bits(Domain::Clock);
        assert!(random.spent());
    }

    #[test]
    fn weights_of_zero_are_never_drawn() {
        let mut random = Random::new(3, u64::MAX);
        assert!((0..100).all(|_| random.weighted(Domain::Store, &[0, 5, 0]) == Some(1)));
        assert_eq!(random.weighted(Domain::Store, &[0, 0]), None);
    }
}
