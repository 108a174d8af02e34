//! Measures parsecd beside an echo, the bare back end and, where it is installed, the reference: rounds in turn,
//! medians, one table with the limits that hold.

mod cases;
mod idle;
mod profile;
mod rows;

use cases::{Case, Results, Target};
use clap::Parser;
use idle::Idle;
use parsecd_bench::server::{Program, Server, reference};
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// Measures parsecd beside an echo, the bare back end and, where it is installed, the reference.
#[derive(Parser)]
struct Arguments {
    /// Take less than two minutes.
    #[arg(long)]
    short: bool,
    /// Do not measure the reference, although it is installed.
    #[arg(long)]
    without_reference: bool,
    /// Rounds, of which the medians are taken.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// `idle_listener_sleep_duration` of the reference: its default and its best.
const REFERENCES: [Program; 2] = [Program::Reference { sleep: 10 }, Program::Reference { sleep: 0 }];

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let time = Duration::from_millis(if arguments.short { 400 } else { 3000 });
    let references: &[Program] =
        if arguments.without_reference || reference().is_none() { &[] } else { &REFERENCES };
    let mut idle = BTreeMap::new();
    for program in [Program::Parsecd].iter().chain(references) {
        idle.insert(*program, Idle::measure(&Server::start(*program)?)?);
    }
    let echo = Server::start(Program::Echo)?;
    let ours = Server::start(Program::Parsecd)?;
    let mut results = Results::default();
    for round in 0..arguments.rounds.max(1) {
        eprintln!("round {} of {}", round + 1, arguments.rounds.max(1));
        let mut cases = Case::all();
        if round % 2 == 1 {
            cases.reverse();
        }
        for case in cases {
            let server = match case.target {
                Target::Server(Program::Echo) => Some(&echo),
                Target::Server(_) => Some(&ours),
                Target::Bare => None,
            };
            results.add(case, case.measure(server, time)?);
        }
        // The reference does not sleep in between where it is told not to, so it runs only while it is measured.
        for program in references {
            let server = Server::start(*program)?;
            for case in Case::of_reference(*program) {
                results.add(case, case.measure(Some(&server), time / 2)?);
            }
        }
    }
    let rows = rows::rows(&results, &idle, references);
    rows::print(&rows, references);
    results.print();
    for case in rows::missed(&rows) {
        profile::print(&ours, case)?;
    }
    if references.is_empty() && !arguments.without_reference {
        println!("The reference is not installed: cargo install parsec-service --version 1.5.0 --locked");
        println!("  --root ~/.cache/parsecd-tools --no-default-features");
        println!("  --features mbed-crypto-provider,direct-authenticator");
    }
    let misses = rows.iter().filter(|row| !row.holds()).count();
    println!("{} of {} limits hold", rows.len() - misses, rows.len());
    Ok(())
}
