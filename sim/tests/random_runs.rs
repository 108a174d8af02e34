//! Thousands of seeded worlds: nothing breaks, and everything that is checked was checked.

use parsecd_sim::command::{Again, Job, Summary, Worlds, run_all, worlds_of_this_commit};
use parsecd_sim::random::Random;
use parsecd_sim::run::{SHORT, run, run_with};
use parsecd_sim::tape::Tape;
use parsecd_sim::trace::Telling;
use std::path::Path;

fn worlds(worlds: Worlds) -> Summary {
    let again = Again { program: env!("CARGO_BIN_EXE_parsecd-sim").into(), every: 100 };
    let summary = run_all(Job {
        worlds,
        seconds: None,
        threads: None,
        keep_hashes: false,
        progress: false,
        again: Some(again),
    });
    if let Some(failure) = &summary.failure {
        panic!(
            "{:?}\nreproduce: parsecd-sim --minimise --seed {} --budget {}",
            failure.violation, failure.seed, failure.budget
        );
    }
    summary
}

#[test]
fn two_thousand_worlds_break_nothing_and_reach_everything() {
    let all = worlds(Worlds::Seeds { first: 1, count: 2000, budget: None, budgets: SHORT });
    assert_eq!(all.runs, 2000);
    assert_eq!(all.shortcomings(), [""; 0]);
}

#[test]
fn worlds_that_no_other_commit_has_break_nothing() {
    worlds(worlds_of_this_commit(500, SHORT));
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let seeds = Worlds::Seeds { first: 1, count: 40, budget: None, budgets: SHORT };
    for (seed, budget) in (0..).map_while(|index| seeds.at(index)) {
        let (one, two) = (run(seed, budget, Telling::Nothing), run(seed, budget, Telling::Last));
        assert_eq!((one.hash, one.fingerprint), (two.hash, two.fingerprint), "seed {seed}");
        let other = run(seed + 1000, budget, Telling::Nothing);
        assert_ne!(one.hash, other.hash, "seed {seed}");
    }
}

#[test]
fn a_world_played_from_its_tape_is_the_same() {
    for seed in 1..=20 {
        let (drawn, random) = run_with(Random::recorded(seed, 2000), Telling::Nothing);
        let tape: Tape = random.into_tape().expect("it was recorded").to_string().parse().expect("a tape");
        let (played, _) = run_with(Random::played(tape), Telling::Nothing);
        assert_eq!((drawn.hash, drawn.fingerprint), (played.hash, played.fingerprint), "seed {seed}");
    }
}

#[test]
fn tapes_of_failures_that_were_mended_break_nothing() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept");
    let entries = std::fs::read_dir(kept).expect("tapes are kept");
    let mut played = 0;
    for entry in entries {
        let path = entry.expect("the directory can be read").path();
        let text = std::fs::read_to_string(&path).expect("a tape can be read");
        let tape: Tape = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (report, _) = run_with(Random::played(tape), Telling::Nothing);
        assert_eq!(report.findings.violations, [], "{}", path.display());
        played += 1;
    }
    assert!(played > 0, "a tape is kept");
}
