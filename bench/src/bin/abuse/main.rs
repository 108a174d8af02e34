//! The gate against abuse: what a user can do to the service, and what it costs another. Prints every figure
//! with its limit; fails when one is missed. Run as root: it takes the place of two users.

mod attackers;
mod checks;
mod users;

use clap::{Parser, Subcommand};
use parsecd_bench::workload::Kind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Tells whether clients that misbehave cost others anything.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

/// What a user does, in a process of its own.
#[derive(Subcommand)]
enum Role {
    /// Asks as its uid and prints quantiles of its latencies.
    Ask {
        socket: PathBuf,
        #[arg(value_enum)]
        kind: Kind,
        #[arg(long)]
        seconds: u64,
    },
    /// Holds connections that say nothing, and others that say one byte at a time.
    Hold {
        socket: PathBuf,
        #[arg(long)]
        idle: u32,
        #[arg(long)]
        dripping: u32,
    },
    /// Has RSA-4096 keys made, in the name of one application after the other.
    Generate {
        socket: PathBuf,
        #[arg(long)]
        clients: u32,
        #[arg(long)]
        names: u32,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().role {
        None => checks::run(),
        Some(Role::Ask { socket, kind, seconds }) => users::ask(&socket, kind, seconds).map(|()| true),
        Some(Role::Hold { socket, idle, dripping }) => attackers::hold(&socket, idle, dripping),
        Some(Role::Generate { socket, clients, names }) => attackers::generate(&socket, clients, names),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
