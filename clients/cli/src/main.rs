//! parsecctl: what a Parsec service offers, and keys and signatures from it, on the command line.
#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod digest;
mod failure;
mod formats;
mod text;

use arguments::Arguments;
use clap::Parser;
use failure::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(&Arguments::parse()).and_then(|output| print(&output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}

/// Writes the result of a command. A reader that has seen enough is no failure.
fn print(output: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(output).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(|source| Failure::File { path: "standard output".into(), source }),
    }
}
