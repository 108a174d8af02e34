//! What `parsecd-sim` does with its command line.

mod compare;
mod failure;
mod hashes;
mod many;
mod minimise;
mod options;
mod stories;
mod summary;

pub use many::{Again, Failure, Job, Summary, Worlds, run_all, worlds_of_this_commit};
pub use minimise::{Minimised, minimise};
pub use options::{Options, USAGE};

use crate::oracle::Oracle;
use crate::random::Random;
use crate::run::{budget_of, quiet_panics, run, run_with};
use crate::tape::Tape;
use crate::trace::Telling;
use std::process::ExitCode;

/// Does what is asked. Fails if an invariant is broken, if two processes differ, if a check never ran, or if a
/// mark was not reached.
pub fn execute(options: &Options) -> Result<ExitCode, String> {
    quiet_panics();
    let budget = options.budget.unwrap_or_else(|| budget_of(options.seed, options.budgets));
    if options.crash_table {
        return Ok(stories::tell_all(options.threads));
    }
    if let Some(path) = &options.tape {
        return play(path);
    }
    if let Some((first, last)) = options.log {
        let report = run(options.seed, budget, Telling::Between(first, last));
        report.told.iter().for_each(|line| println!("{line}"));
        return Ok(ExitCode::SUCCESS);
    }
    if options.checkpoints {
        for checkpoint in run(options.seed, budget, Telling::Nothing).checkpoints {
            println!("{} {:016x}", checkpoint.event, checkpoint.hash);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if options.trace || options.minimise {
        return Ok(one(options.seed, budget, options.minimise));
    }
    many(options)
}

fn one(seed: u64, budget: u64, minimised: bool) -> ExitCode {
    let report = run(seed, budget, Telling::Last);
    let Some(violation) = report.findings.violations.first() else {
        report.told.iter().for_each(|line| println!("{line}"));
        println!("seed {seed}, budget {budget}: nothing is broken; hash {:016x}", report.hash);
        return ExitCode::SUCCESS;
    };
    if minimised {
        failure::tell(&Failure { seed, budget, violation: violation.clone() });
    } else {
        report.told.iter().for_each(|line| println!("{line}"));
        println!("{:?}: {}", violation.oracle, violation.text);
    }
    ExitCode::FAILURE
}

fn play(path: &str) -> Result<ExitCode, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let tape: Tape = text.parse().map_err(|error| format!("{path}: {error}"))?;
    let (report, _) = run_with(Random::played(tape), Telling::Last);
    let Some(violation) = report.findings.violations.first() else {
        println!("nothing is broken; hash {:016x}", report.hash);
        return Ok(ExitCode::SUCCESS);
    };
    report.told.iter().for_each(|line| println!("{line}"));
    println!("{:?}: {}", violation.oracle, violation.text);
    Ok(ExitCode::FAILURE)
}

/// This program once more, for one world in twenty.
fn another_process() -> Option<Again> {
    std::env::current_exe().ok().map(|program| Again { program, every: 20 })
}

fn many(options: &Options) -> Result<ExitCode, String> {
    let known = options.compare.as_deref().map(hashes::read).transpose()?;
    let other = options.against.as_deref().map(|program| hashes::of(program, options)).transpose()?;
    let expected = known.or(other);
    let job = Job {
        worlds: match &expected {
            Some(lines) => Worlds::These(lines.iter().map(|line| (line.seed, line.budget)).collect()),
            None => options.worlds(),
        },
        seconds: options.seconds.filter(|_| expected.is_none()),
        threads: options.threads,
        keep_hashes: options.hashes.is_some() || expected.is_some(),
        progress: !options.quiet,
        again: if expected.is_none() { another_process() } else { None },
    };
    let mut summary = run_all(job);
    expected.iter().for_each(|lines| summary.compare_with(lines));
    if let Some(path) = &options.hashes {
        hashes::write(path, &summary.hashes)?;
    }
    let faults = summary.shortcomings();
    if options.json {
        println!("{}", summary::json(&summary, &faults));
    } else if !options.quiet {
        print!("{}", summary::text(&summary));
        faults.iter().for_each(|fault| println!("FAILED: {fault}"));
    }
    // Who reads JSON is told seed and budget in it.
    match summary.failure.as_ref().filter(|_| !options.json) {
        Some(failure) if failure.violation.oracle == Oracle::I16Determinism => {
            println!("FAILED: I16Determinism: {}", failure.violation.text);
            let again = another_process().map(|again| again.program.to_string_lossy().into_owned());
            compare::tell_first_difference(failure.seed, failure.budget, again.as_deref())?;
        }
        Some(failure) => failure::tell(failure),
        None => {}
    }
    let same = match &expected {
        Some(lines) => compare::differences(&summary.hashes, lines, options.against.as_deref())? == 0,
        None => true,
    };
    let well = same && faults.is_empty() && summary.failure.is_none();
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
