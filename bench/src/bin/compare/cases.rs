//! What is measured, and the medians of what came out.

use parsecd_bench::bare;
use parsecd_bench::frame::{Caller, Keep};
use parsecd_bench::load::{Length, Mode, Plan, run};
use parsecd_bench::process::Process;
use parsecd_bench::server::{Program, Server};
use parsecd_bench::workload::{Frames, Kind, prepare};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

/// What is put under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A server.
    Server(Program),
    /// The back end in this process.
    Bare,
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// What clients ask for.
    pub kind: Kind,
    /// How connections are used.
    pub mode: Mode,
    /// Clients at a time.
    pub clients: u32,
    /// Who is asked.
    pub target: Target,
}

/// parsecd.
pub const OURS: Target = Target::Server(Program::Parsecd);
/// The echo.
pub const ECHO: Target = Target::Server(Program::Echo);
/// Kept connections, one request at a time.
pub const KEPT: Mode = Mode::Kept(1);
/// Kept connections, 32 requests at a time.
pub const PIPELINED: Mode = Mode::Kept(32);

/// A case; the bare back end ignores mode and clients.
pub const fn case(kind: Kind, mode: Mode, clients: u32, target: Target) -> Case {
    Case { kind, mode, clients, target }
}

impl Case {
    /// Every case but those of the reference, with what is compared next to each other.
    pub fn all() -> Vec<Case> {
        vec![
            case(Kind::Ping, Mode::PerRequest, 16, OURS),
            case(Kind::Ping, Mode::PerRequest, 16, ECHO),
            case(Kind::Ping, KEPT, 16, OURS),
            case(Kind::Ping, KEPT, 16, ECHO),
            case(Kind::Ping, Mode::PerRequest, 1, OURS),
            case(Kind::Ping, Mode::PerRequest, 1, ECHO),
            case(Kind::Ping, KEPT, 1, OURS),
            case(Kind::Ping, KEPT, 1, ECHO),
            case(Kind::Ping, PIPELINED, 16, OURS),
            case(Kind::Ping, PIPELINED, 1, OURS),
            case(Kind::Sign, KEPT, 16, OURS),
            case(Kind::Sign, KEPT, 1, OURS),
            case(Kind::Sign, KEPT, 1, Target::Bare),
            case(Kind::Verify, KEPT, 16, OURS),
            case(Kind::Verify, KEPT, 1, Target::Bare),
            case(Kind::ExportPublic, Mode::PerRequest, 16, OURS),
            case(Kind::ExportPublic, Mode::PerRequest, 16, ECHO),
            case(Kind::ExportPublic, KEPT, 16, OURS),
            case(Kind::ExportPublic, KEPT, 16, ECHO),
            case(Kind::GenerateDestroy, KEPT, 16, OURS),
        ]
    }

    /// The same for the reference, which knows no kept connections.
    pub fn of_reference(program: Program) -> Vec<Case> {
        let of = |kind, clients| case(kind, Mode::PerRequest, clients, Target::Server(program));
        vec![
            of(Kind::Ping, 16),
            of(Kind::Ping, 1),
            of(Kind::Sign, 16),
            of(Kind::Sign, 1),
            of(Kind::Verify, 16),
            of(Kind::ExportPublic, 16),
            of(Kind::GenerateDestroy, 16),
        ]
    }

    /// Measures for `time`.
    pub fn measure(self, server: Option<&Server>, time: Duration) -> Result<Sample, Box<dyn Error>> {
        let warm_up = time / 6;
        let Some(server) = server else {
            let mut measured = bare::run(self.kind, warm_up, time)?;
            let quantiles = [0.5, 0.99].map(|share| measured.latencies.quantile(share));
            return Ok(Sample { rate: measured.rate(), quantiles, processor: Duration::ZERO });
        };
        let (plan, frames) = self.prepare(server, warm_up, time)?;
        let before = processor_time(server)?;
        let mut measured = run(&plan, &frames)?;
        let spent = processor_time(server)?.saturating_sub(before);
        let quantiles = [0.5, 0.99].map(|share| measured.latencies.quantile(share));
        let requests = measured.rate() * (warm_up + time).as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "nanoseconds of seconds")]
        let processor = Duration::from_secs_f64(spent as f64 / 1e9 / requests.max(1.0));
        Ok(Sample { rate: measured.rate() / f64::from(self.kind.requests()), quantiles, processor })
    }

    /// The load of this case.
    pub fn prepare(
        self,
        server: &Server,
        warm_up: Duration,
        time: Duration,
    ) -> Result<(Plan, Frames), Box<dyn Error>> {
        let keep = if self.mode == Mode::PerRequest { Keep::Close } else { Keep::Open };
        let caller = Caller::Direct(String::from("bench"));
        let socket = server.socket();
        let plan =
            Plan { socket: socket.into(), mode: self.mode, threads: 1, warm_up, length: Length::Time(time) };
        Ok((plan, prepare(self.kind, socket, &caller, self.clients, keep)?))
    }

    /// What it is, for people.
    pub fn name(self) -> String {
        let kind = match self.kind {
            Kind::Ping => "ping",
            Kind::Sign => "P-256 sign",
            Kind::Verify => "P-256 verify",
            Kind::ExportPublic => "export public",
            Kind::GenerateDestroy => "generate + destroy",
            Kind::Random => "random",
        };
        let target = match self.target {
            Target::Bare => return format!("{kind}, bare loop"),
            Target::Server(Program::Echo) => "echo",
            Target::Server(Program::Parsecd) => "parsecd",
            Target::Server(Program::Reference { sleep: 0 }) => "reference, sleep 0",
            Target::Server(Program::Reference { .. }) => "reference",
        };
        let mode = match self.mode {
            Mode::PerRequest => String::from("per request"),
            Mode::Kept(1) => String::from("kept"),
            Mode::Kept(depth) => format!("{depth} deep"),
        };
        let clients = if self.clients == 1 { "client" } else { "clients" };
        format!("{kind}, {} {clients}, {mode}, {target}", self.clients)
    }
}

/// Processor time of the server and of its hosts.
fn processor_time(server: &Server) -> std::io::Result<u64> {
    server.process().with_children()?.into_iter().map(Process::processor_time).sum()
}

/// What one round of a case gave.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Of what is counted, per second.
    pub rate: f64,
    /// Latency that half and 99 % of the requests did not exceed.
    pub quantiles: [Duration; 2],
    /// Processor time of the server per request, hosts included; about, as it counts the warm-up too.
    pub processor: Duration,
}

/// Samples of all rounds.
#[derive(Debug, Default)]
pub struct Results(BTreeMap<Case, Vec<Sample>>);

impl Results {
    /// Takes the sample of a round.
    pub fn add(&mut self, case: Case, sample: Sample) {
        self.0.entry(case).or_default().push(sample);
    }

    /// Median of a figure over the rounds; `None` if the case was not measured.
    pub fn median(&self, case: Case, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        let mut figures: Vec<f64> = self.0.get(&case)?.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    }

    /// Median rate.
    pub fn rate(&self, case: Case) -> Option<f64> {
        self.median(case, |sample| sample.rate)
    }

    /// Median of the rounds' p50, in microseconds.
    pub fn p50(&self, case: Case) -> Option<f64> {
        self.median(case, |sample| sample.quantiles[0].as_secs_f64() * 1e6)
    }

    /// Prints every case.
    pub fn print(&self) {
        println!("\n{:<58} {:>10} {:>10} {:>10} {:>10}", "medians", "per s", "p50 µs", "p99 µs", "CPU µs");
        for &case in self.0.keys() {
            let of = |figure: &dyn Fn(&Sample) -> f64| self.median(case, figure).unwrap_or(0.0);
            println!(
                "{:<58} {:>10.0} {:>10.1} {:>10.1} {:>10.1}",
                case.name(),
                of(&|sample| sample.rate),
                of(&|sample| sample.quantiles[0].as_secs_f64() * 1e6),
                of(&|sample| sample.quantiles[1].as_secs_f64() * 1e6),
                of(&|sample| sample.processor.as_secs_f64() * 1e6),
            );
        }
        println!("CPU: processor time of the server per request, its hosts included\n");
    }
}
