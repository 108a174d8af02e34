//! What is checked, one after the other.

use crate::users::{BAD, Users};
use parsecd_bench::exchange::ask;
use parsecd_bench::frame::{Caller, Keep, RequestError, request};
use parsecd_bench::process::Process;
use parsecd_bench::server::{Program, Server};
use parsecd_core::config::Limits;
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{Operation, Status};
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// No request of the good user may take longer, in 99 of 100 cases.
const P99: f64 = 20.0;
/// How long each operation of the good user is watched, in seconds.
const WATCHED: u64 = 5;
const MIB: f64 = 1_048_576.0;

/// Figures and whether they are within their limits.
struct Figures {
    missed: u32,
}

impl Figures {
    /// Prints a figure; notes whether it is above its limit.
    fn at_most(&mut self, what: &str, figure: f64, limit: f64, unit: &str) {
        let verdict = if figure <= limit { "ok" } else { "MISS" };
        self.missed += u32::from(figure > limit);
        println!("{verdict:<4}  {what}: {figure:.3} {unit} (at most {limit:.3})");
    }
}

/// Runs every check. `false`: a figure was missed.
pub fn run() -> Result<bool, Box<dyn Error>> {
    let users = Users::new()?;
    let mut figures = Figures { missed: 0 };
    held(&users, &mut figures)?;
    hostage(&users, &mut figures)?;
    unread(&mut figures)?;
    huge(&mut figures)?;
    churn(&mut figures)?;
    match figures.missed {
        0 => println!("every figure is within its limit"),
        missed => println!("{missed} figures missed"),
    }
    Ok(figures.missed == 0)
}

/// Latencies of the good user's requests of some kinds.
fn others(
    users: &Users,
    socket: &Path,
    while_what: &str,
    kinds: &[&str],
    figures: &mut Figures,
) -> Result<(), Box<dyn Error>> {
    for kind in kinds {
        let [p50, p99, longest] = users.ask(socket, kind, WATCHED)?;
        println!("      another's {kind} {while_what}: p50 {p50:.3} ms, longest {longest:.3} ms");
        figures.at_most(&format!("another's {kind} {while_what}, p99"), p99, P99, "ms");
    }
    Ok(())
}

/// 1,000 connections that say nothing and 100 that drip.
fn held(users: &Users, figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Program::Parsecd)?;
    let socket = server.socket();
    others(users, socket, "undisturbed", &["ping"], figures)?;
    let _bad = users.start(BAD, "hold", socket, &["--idle", "1000", "--dripping", "100"])?;
    println!("      the service holds {} descriptors", server.process().descriptors()?);
    others(users, socket, "beside 1,000 idle and 100 dripping connections", &["ping"], figures)
}

/// The hardware kept busy under many names.
fn hostage(users: &Users, figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Program::Parsecd)?;
    let socket = server.socket();
    let _bad = users.start(BAD, "generate", socket, &["--clients", "8", "--names", "100"])?;
    // From here on both hosts have been asked for keys of this kind, and the service knows what they take.
    std::thread::sleep(Duration::from_secs(3));
    let kinds = ["sign", "ping", "verify"];
    others(users, socket, "beside 8 clients that generate RSA-4096 under 100 names", &kinds, figures)?;
    let spent = all_processor_time(server.process())?;
    println!("      the service and its hosts have used {:.1} s of processor time", float(spent) / 1e9);
    Ok(())
}

/// 1,000 requests on one connection whose answers are never read.
fn unread(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    const REQUESTS: u32 = 1000;
    const ANSWER: u32 = 32 << 10;
    let server = Server::start(Program::Parsecd)?;
    let random = |keep| {
        let operation = Operation::PsaGenerateRandom { size: u64::from(ANSWER) };
        request(&operation, &Caller::Anonymous, keep)
    };
    // What it takes to serve one is not what is measured.
    ask(server.socket(), &Caller::Anonymous, &Operation::PsaGenerateRandom { size: u64::from(ANSWER) })?;
    let before = server.process().resident()?;
    server.process().forget_peak()?;
    let mut stream = UnixStream::connect(server.socket())?;
    stream.set_nonblocking(true)?;
    let requests = random(Keep::Open).repeat(usize::try_from(REQUESTS)?);
    let mut sent = 0;
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end && sent < requests.len() {
        match stream.write(&requests[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(_) => break,
        }
    }
    std::thread::sleep(Duration::from_secs(2));
    let grown = server.process().peak()?.saturating_sub(before);
    let limits = Limits::default();
    let answer = f64::from(ANSWER) + 2048.0;
    let formula = f64::from(limits.pipeline) * 2.0 * answer + float(limits.unsent) + answer + MIB;
    println!(
        "      formula: {} requests of a pipeline × 2 × {answer} bytes (job's and client's answer) \
         + {} unsent + 1 answer + 1 MiB for the allocator",
        limits.pipeline, limits.unsent
    );
    let what = format!("memory while {REQUESTS} answers of {ANSWER} bytes are not read, at its peak");
    figures.at_most(&what, float(grown) / MIB, formula / MIB, "MiB");
    Ok(())
}

/// More random bytes than anybody may have.
fn huge(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Program::Parsecd)?;
    ask(server.socket(), &Caller::Anonymous, &Operation::PsaGenerateRandom { size: 32 })?;
    let before = server.process().resident()?;
    server.process().forget_peak()?;
    let answer = ask(server.socket(), &Caller::Anonymous, &Operation::PsaGenerateRandom { size: 512 << 20 });
    let refused = matches!(answer, Err(RequestError::Status { status: Status::ResponseTooLarge, .. }));
    figures.at_most("512 MiB of random that are not refused", f64::from(u8::from(!refused)), 0.0, "times");
    let grown = server.process().peak()?.saturating_sub(before);
    figures.at_most("memory for 512 MiB of random, at its peak", float(grown) / MIB, 1.0, "MiB");
    Ok(())
}

/// 100,000 connections come and go, most of them badly.
fn churn(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    const CONNECTIONS: u32 = 100_000;
    let server = Server::start(Program::Parsecd)?;
    let settle = || std::thread::sleep(Duration::from_secs(3));
    come_and_go(server.socket(), CONNECTIONS / 10)?;
    settle();
    let process = server.process();
    let (descriptors, memory) = (process.descriptors()?, all_resident(process)?);
    let begin = Instant::now();
    come_and_go(server.socket(), CONNECTIONS)?;
    println!("      {CONNECTIONS} connections in {:?}", begin.elapsed());
    settle();
    let left = process.descriptors()?.abs_diff(descriptors);
    figures.at_most(
        "descriptors more or less after 100,000 connections",
        float(u64::try_from(left)?),
        0.0,
        "",
    );
    let grown = all_resident(process)?.abs_diff(memory);
    figures.at_most("memory more or less after 100,000 connections", float(grown) / MIB, 4.0, "MiB");
    Ok(())
}

/// In turn: a ping; a connection without a request; half a request; a request whose answer nobody awaits.
fn come_and_go(socket: &Path, connections: u32) -> Result<(), Box<dyn Error>> {
    let ping = request(&Operation::Ping, &Caller::Anonymous, Keep::Close);
    for number in 0..connections {
        let mut stream = UnixStream::connect(socket)?;
        match number % 4 {
            0 => {
                stream.write_all(&ping)?;
                stream.read_exact(&mut [0; HEADER_LENGTH + 2])?;
            }
            1 => {}
            2 => stream.write_all(&ping[..HEADER_LENGTH / 2])?,
            _ => stream.write_all(&ping)?,
        }
    }
    Ok(())
}

fn all_resident(process: Process) -> std::io::Result<u64> {
    process.with_children()?.into_iter().map(Process::resident).sum()
}

fn all_processor_time(process: Process) -> std::io::Result<u64> {
    process.with_children()?.into_iter().map(Process::processor_time).sum()
}

#[allow(clippy::cast_precision_loss, reason = "bytes of processes, far below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}
