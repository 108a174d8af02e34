//! The table of crashes, all of it.

use crate::crash_table::{rows, tell};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

/// Tells every story and says how many there were, or how the first one ended that must not end so.
pub fn tell_all(threads: Option<usize>) -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, |count| count.get());
    let mut code = ExitCode::SUCCESS;
    for row in rows() {
        let started = Instant::now();
        let shown = std::io::stderr().is_terminal();
        let told = tell(&row, threads.unwrap_or(cores), |done| {
            if shown {
                eprint!("\r{done:>6} of {} ", row.stories.len());
                drop(std::io::stderr().flush());
            }
        });
        if shown {
            eprint!("\r{:30}\r", "");
        }
        let seconds = started.elapsed().as_secs_f64();
        let (lives, deaths, remains) = (told.lives, told.deaths, told.remains);
        println!(
            "{seconds:>6.1} s: {}: {deaths} deaths leave {remains} different things; {lives} lives",
            row.name
        );
        if let Some(broken) = told.broken {
            println!("FAILED: {broken}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
