//! `parsecd-sim`: drives the core through seeded worlds and says what broke.

use parsecd_sim::oracle::{Mark, Oracle};
use parsecd_sim::run::{SHORT, Summary, budget_of, run, shrink};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: parsecd-sim [--runs N] [--seed S] [--budget B] [--trace]
  --runs N    worlds to run, one seed after another (default 1000)
  --seed S    first seed (default 1)
  --budget B  random draws per world (default: drawn from the seed, 300 to 20000)
  --trace     run one world and print its last events";

struct Options {
    runs: u64,
    seed: u64,
    budget: Option<u64>,
    trace: bool,
}

fn options() -> Option<Options> {
    let mut options = Options { runs: 1000, seed: 1, budget: None, trace: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
        match argument.as_str() {
            "--runs" => options.runs = number()?,
            "--seed" => options.seed = number()?,
            "--budget" => options.budget = Some(number()?),
            "--trace" => options.trace = true,
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if !options.trace {
        std::panic::set_hook(Box::new(|_| {}));
    }
    if options.trace {
        return trace(options.seed, options.budget.unwrap_or_else(|| budget_of(options.seed, SHORT)));
    }
    let started = Instant::now();
    let mut summary = Summary::default();
    for seed in options.seed..options.seed.saturating_add(options.runs) {
        let budget = options.budget.unwrap_or_else(|| budget_of(seed, SHORT));
        summary.add(seed, budget, run(seed, budget, false));
        if summary.failure.is_some() {
            break;
        }
    }
    tell(&summary, started.elapsed().as_secs_f64());
    match &summary.failure {
        None => ExitCode::SUCCESS,
        Some((seed, budget, violation)) => {
            let smallest = shrink(*seed, *budget, violation.oracle, 200);
            println!("{:?}: {}", violation.oracle, violation.text);
            println!("reproduce: parsecd-sim --trace --seed {seed} --budget {smallest}");
            ExitCode::FAILURE
        }
    }
}

fn trace(seed: u64, budget: u64) -> ExitCode {
    let report = run(seed, budget, true);
    report.last.iter().for_each(|line| println!("{line}"));
    println!("hash {:016x}, state {:016x}, {:?}", report.hash, report.fingerprint, report.counts);
    for violation in &report.findings.violations {
        println!("{:?}: {}", violation.oracle, violation.text);
    }
    if report.findings.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(summary: &Summary, seconds: f64) {
    println!("oracles");
    for oracle in Oracle::ALL {
        let count = summary.findings.evaluated.get(&oracle).copied().unwrap_or_default();
        println!("  {count:>12}  {oracle:?}");
    }
    println!("marks");
    for mark in Mark::ALL {
        let count = summary.findings.marks.get(&mark).copied().unwrap_or_default();
        println!("  {count:>12}  {mark:?}");
    }
    let counts = summary.counts;
    println!(
        "{} runs, {} requests, {} events, {} crashes, {:.1} simulated hours in {seconds:.1} s: {:.0} requests/s",
        summary.runs,
        counts.requests,
        counts.events,
        counts.crashes,
        summary.simulated as f64 / 3.6e12,
        counts.requests as f64 / seconds
    );
}
