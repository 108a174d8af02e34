//! Puts a load on a server and says how it took it.

use clap::Parser;
use parsecd_bench::frame::{Caller, Keep};
use parsecd_bench::load::{Length, Mode, Plan, run};
use parsecd_bench::workload::{Kind, prepare};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Puts a load on any server that speaks the protocol: requests per second and latencies.
#[derive(Parser)]
struct Arguments {
    /// Socket of the server.
    socket: PathBuf,
    /// What clients ask for.
    #[arg(value_enum)]
    kind: Kind,
    /// Clients at a time.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Keep connections, with this many requests of each under way; without: a connection per request.
    #[arg(long, num_args = 0..=1, default_missing_value = "1")]
    keep: Option<u32>,
    /// Application that asks (Direct authentication).
    #[arg(long, default_value = "bench")]
    application: String,
    /// Authenticate with the uid of this process instead.
    #[arg(long)]
    unix: bool,
    /// Threads of the generator.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Seconds before counting.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// Seconds of counting.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Stop after this many answers instead.
    #[arg(long)]
    count: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mode, keep) = match arguments.keep {
        Some(depth) => (Mode::Kept(depth), Keep::Open),
        None => (Mode::PerRequest, Keep::Close),
    };
    let caller = if arguments.unix {
        Caller::Unix(rustix::process::geteuid().as_raw())
    } else {
        Caller::Direct(arguments.application)
    };
    let plan = Plan {
        socket: arguments.socket,
        mode,
        threads: arguments.threads,
        warm_up: Duration::from_secs_f64(arguments.warm_up),
        length: match arguments.count {
            Some(count) => Length::Count(count),
            None => Length::Time(Duration::from_secs_f64(arguments.seconds)),
        },
    };
    let measured = prepare(arguments.kind, &plan.socket, &caller, arguments.clients, keep)
        .and_then(|frames| run(&plan, &frames));
    match measured {
        Ok(mut measured) => {
            let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|share| measured.latencies.quantile(share));
            println!(
                "{:.0} requests/s; p50 {p50:?}, p90 {p90:?}, p99 {p99:?}, max {max:?}; {} requests in {:?}",
                measured.rate(),
                measured.answers,
                measured.elapsed
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
