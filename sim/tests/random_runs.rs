//! Thousands of seeded worlds: nothing breaks, and everything that is checked was checked.

use parsecd_sim::oracle::{Mark, Oracle};
use parsecd_sim::run::{Summary, budget_of, run};
use std::thread;

/// Worlds of `make test`; `parsecd-sim` runs longer ones.
const RUNS: u64 = 10_000;
/// Their random draws.
const BUDGETS: (u64, u64) = (300, 8_000);

fn worlds() -> Summary {
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let share = RUNS.div_ceil(threads);
    let parts: Vec<Summary> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|part| {
                let first = 1 + part * share;
                scope.spawn(move || Summary::of(first, share, BUDGETS))
            })
            .collect();
        started.into_iter().map(|part| part.join().expect("a world does not stop the driver")).collect()
    });
    let mut all = Summary::default();
    parts.into_iter().for_each(|part| all.join(part));
    all
}

#[test]
fn ten_thousand_worlds_break_nothing_and_reach_everything() {
    let all = worlds();
    if let Some((seed, budget, violation)) = &all.failure {
        panic!("{violation:?}\nreproduce: parsecd-sim --trace --seed {seed} --budget {budget}");
    }
    assert!(all.runs >= RUNS);
    for oracle in Oracle::ALL {
        assert!(all.findings.evaluated.contains_key(&oracle), "{oracle:?} was never evaluated");
    }
    for mark in Mark::ALL {
        assert!(all.findings.marks.contains_key(&mark), "{mark:?} was never reached");
    }
}

#[test]
fn the_same_seed_gives_the_same_world() {
    for seed in 1..=40 {
        let budget = budget_of(seed, BUDGETS);
        let (one, two) = (run(seed, budget, false), run(seed, budget, true));
        assert_eq!((one.hash, one.fingerprint), (two.hash, two.fingerprint), "seed {seed}");
        let other = run(seed + 1000, budget, false);
        assert_ne!(one.hash, other.hash, "seed {seed}");
    }
}
