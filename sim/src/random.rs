//! Randomness of a run: one seed, a stream of its own for each domain, and a budget.
//!
//! A draw that is added in one domain leaves the others as they were. When the budget is spent the world
//! heals; draws after that are free, so that healing needs no second source.

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
}

const DOMAINS: usize = 7;

/// Step of splitmix64: the golden ratio, scaled to 64 bits.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// All streams of a run.
#[derive(Clone, Debug)]
pub struct Random {
    streams: [u64; DOMAINS],
    left: u64,
}

impl Random {
    /// The streams of `seed`; draws outside [`Domain::Swarm`] cost 1 of `budget` each.
    pub fn new(seed: u64, budget: u64) -> Self {
        let mut root = seed;
        let streams = std::array::from_fn(|_| splitmix(&mut root));
        Random { streams, left: budget }
    }

    /// Whether the budget is spent.
    pub fn spent(&self) -> bool {
        self.left == 0
    }

    /// 64 random bits.
    pub fn bits(&mut self, domain: Domain) -> u64 {
        if domain != Domain::Swarm {
            self.left = self.left.saturating_sub(1);
        }
        splitmix(&mut self.streams[domain as usize])
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, domain: Domain, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range has no numbers");
        let span = u128::from(high - low) + 1;
        low + ((u128::from(self.bits(domain)) * span) >> 64) as u64
    }

    /// True `per_mille` times in a thousand. Costs nothing where the answer is certain.
    pub fn chance(&mut self, domain: Domain, per_mille: u32) -> bool {
        match per_mille {
            0 => false,
            1000.. => true,
            _ => self.between(domain, 1, 1000) <= u64::from(per_mille),
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
        let (mut one, mut two) = (Random::new(7, 10), Random::new(7, 10));
        one.bits(Domain::Store);
        assert_eq!(one.bits(Domain::Socket), two.bits(Domain::Socket));
        assert_ne!(one.bits(Domain::Store), two.bits(Domain::Store));
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
