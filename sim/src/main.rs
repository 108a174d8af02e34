//! `parsecd-sim`: drives the core through seeded worlds and says what broke.

use parsecd_sim::command::{Options, USAGE, execute};
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let ended = Options::parse(std::env::args().skip(1)).and_then(|options| execute(&options));
    ended.unwrap_or_else(|error| {
        eprintln!("parsecd-sim: {error}");
        ExitCode::from(2)
    })
}
