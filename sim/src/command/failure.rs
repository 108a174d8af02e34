//! What is told of a world that fails.

use super::many::{Failure, commit};
use super::minimise::{Minimised, minimise};
use crate::random::Random;
use crate::run::{run, run_with};
use crate::trace::Telling;

/// Events shown of the end of a run.
const SHOWN: usize = 40;
/// Draws of the longest tape that is printed.
const PRINTED: usize = 1500;

/// Prints how to reproduce it, what broke, the least that still breaks it, and the events before.
pub fn tell(failure: &Failure) {
    let Failure { seed, budget, violation } = failure;
    let commit = commit().unwrap_or("unknown".to_owned());
    println!("FAILED: {:?}: {}", violation.oracle, violation.text);
    println!("reproduce: parsecd-sim --trace --seed {seed} --budget {budget}    at commit {commit}");
    let report = run(*seed, *budget, Telling::Last);
    println!("its last events:");
    last(&report.told);
    let Minimised { budget: smallest, tape } = minimise(*seed, *budget, violation.oracle);
    println!("minimised: parsecd-sim --trace --seed {seed} --budget {smallest}");
    let (report, _) = run_with(Random::played(tape.clone()), Telling::Last);
    println!("minimised further, to {} draws; all its events, or the last of them:", tape.len());
    last(&report.told);
    if tape.len() > PRINTED {
        return;
    }
    println!("to keep it as a test, put this into a file in sim/tests/kept:");
    println!("# {:?}: {}", violation.oracle, violation.text.lines().next().unwrap_or_default());
    println!("# seed {seed}, budget {budget}, commit {commit}");
    print!("{tape}");
}

fn last(told: &[String]) {
    told.iter().skip(told.len().saturating_sub(SHOWN)).for_each(|line| println!("{line}"));
}
