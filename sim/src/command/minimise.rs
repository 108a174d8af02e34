//! The least of a world that still fails: first the smallest budget, then the smallest part of what was drawn.

use crate::oracle::Oracle;
use crate::random::{Domain, Random};
use crate::run::{run, run_with};
use crate::tape::Tape;
use crate::trace::Telling;
use std::time::{Duration, Instant};

/// Longest time of a search.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is left of a failure.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// The smallest budget found with which the seed fails.
    pub budget: u64,
    /// The shortest tape found that fails.
    pub tape: Tape,
}

/// Searches for at most ten seconds for the least of `seed` and `budget` that breaks `oracle`.
pub fn minimise(seed: u64, budget: u64, oracle: Oracle) -> Minimised {
    let deadline = Instant::now() + PATIENCE;
    let budget = smallest_budget(seed, budget, oracle, Instant::now() + PATIENCE / 3);
    let (_, random) = run_with(Random::recorded(seed, budget), Telling::Nothing);
    let tape = random.into_tape().unwrap_or_default();
    let mut search = Search { tape, oracle, deadline };
    search.tape.trim();
    search.cut_ends();
    search.keep_away();
    while search.leave_away() && !search.is_over() {}
    Minimised { budget, tape: search.tape }
}

fn smallest_budget(seed: u64, budget: u64, oracle: Oracle, deadline: Instant) -> u64 {
    let fails = |budget: u64| breaks(&run(seed, budget, Telling::Nothing).findings.violations, oracle);
    let (mut smallest, mut step) = (budget, budget / 2);
    while step > 0 && Instant::now() < deadline {
        if smallest > step && fails(smallest - step) {
            smallest -= step;
        } else {
            step /= 2;
        }
    }
    smallest
}

fn breaks(violations: &[crate::oracle::Violation], oracle: Oracle) -> bool {
    violations.first().is_some_and(|first| first.oracle == oracle)
}

struct Search {
    tape: Tape,
    oracle: Oracle,
    deadline: Instant,
}

impl Search {
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Takes `tape` if it fails in the same way.
    fn try_tape(&mut self, mut tape: Tape) -> bool {
        tape.trim();
        let (report, _) = run_with(Random::played(tape.clone()), Telling::Nothing);
        let fails = breaks(&report.findings.violations, self.oracle);
        if fails {
            self.tape = tape;
        }
        fails
    }

    /// Of each domain, leaves away as much of the end as possible.
    fn cut_ends(&mut self) {
        for domain in Domain::ALL {
            let mut step = self.tape.draws[domain as usize].len();
            while step > 0 && !self.is_over() {
                let mut shorter = self.tape.clone();
                let draws = &mut shorter.draws[domain as usize];
                let kept = draws.len().saturating_sub(step);
                draws.truncate(kept);
                if !self.try_tape(shorter) || kept == 0 {
                    step /= 2;
                }
            }
        }
    }

    /// Has as many clients as possible stay away, many at one time, then fewer.
    fn keep_away(&mut self) {
        let mut size = self.tape.arrivals.len().next_power_of_two() / 2;
        while size > 0 {
            let mut at = self.tape.arrivals.len();
            while at > 0 && !self.is_over() {
                let from = at.saturating_sub(size);
                let mut fewer = self.tape.clone();
                fewer.away.extend(from..at);
                if fewer.away.len() > self.tape.away.len() {
                    self.try_tape(fewer);
                }
                at = from;
            }
            size /= 2;
        }
        let mut without = self.tape.clone();
        without.cut_away();
        self.try_tape(without);
    }

    /// Leaves away, or makes quiet, parts of what is drawn: large ones, then smaller ones. Whether any could be.
    fn leave_away(&mut self) -> bool {
        let before = (self.tape.len(), self.noise());
        let longest = self.tape.draws.iter().map(Vec::len).max().unwrap_or_default();
        let mut size = (longest / 2).next_power_of_two();
        while size > 0 {
            for domain in Domain::ALL {
                let mut at = self.tape.draws[domain as usize].len();
                while at > 0 && !self.is_over() {
                    let from = at.saturating_sub(size);
                    self.shorten(domain as usize, from, at);
                    at = from.min(self.tape.draws[domain as usize].len());
                }
            }
            size /= 2;
        }
        (self.tape.len(), self.noise()) < before
    }

    fn noise(&self) -> usize {
        self.tape.draws.iter().flatten().filter(|draw| **draw != 0).count()
    }

    fn shorten(&mut self, domain: usize, from: usize, to: usize) {
        let mut shorter = self.tape.clone();
        shorter.draws[domain].drain(from..to);
        if self.try_tape(shorter) || self.tape.draws[domain][from..to].iter().all(|draw| *draw == 0) {
            return;
        }
        let mut quieter = self.tape.clone();
        quieter.draws[domain][from..to].fill(0);
        self.try_tape(quieter);
    }
}
