//! The echo that ping is compared with.

use clap::Parser;
use std::path::PathBuf;

/// Answers every request like a ping, as fast as one thread of tokio can.
#[derive(Parser)]
struct Arguments {
    /// Socket to make and listen on.
    socket: PathBuf,
}

fn main() -> std::io::Result<()> {
    parsecd_bench::echo::serve(&Arguments::parse().socket)
}
