//! What a server costs while nobody asks it.

use parsecd_bench::frame::{Caller, Keep, request};
use parsecd_bench::process::Process;
use parsecd_bench::server::{Program, Server};
use parsecd_wire::Operation;
use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long wake-ups are counted.
const WATCHED: Duration = Duration::from_secs(5);
/// Idle connections whose memory is measured.
const CONNECTIONS: u32 = 1000;
/// Ping and its answer.
const ANSWER: usize = 38;

/// What a server costs while nobody asks it.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// Wake-ups per second of all its threads and hosts.
    pub wakes: f64,
    /// Resident memory of the server in bytes.
    pub server: f64,
    /// Resident memory of its hosts in bytes; pages that they share are counted for each.
    pub hosts: f64,
    /// Resident memory per kept connection that has been used once, in bytes; `None` if it keeps none.
    pub per_connection: Option<f64>,
}

impl Idle {
    /// Measures a server that was just started.
    pub fn measure(server: &Server) -> Result<Idle, Box<dyn Error>> {
        std::thread::sleep(Duration::from_millis(500));
        let (begin, before) = (Instant::now(), waits(server)?);
        std::thread::sleep(WATCHED);
        let woken = waits(server)?.saturating_sub(before);
        let wakes = float(woken) / begin.elapsed().as_secs_f64();
        let own = server.process().resident()?;
        let all = resident(server)?;
        let kept = keep(server)?;
        Ok(Idle { wakes, server: float(own), hosts: float(all.saturating_sub(own)), per_connection: kept })
    }

    /// Server and hosts.
    pub fn resident(&self) -> f64 {
        self.server + self.hosts
    }
}

fn keep(server: &Server) -> Result<Option<f64>, Box<dyn Error>> {
    let ping = request(&Operation::Ping, &Caller::Anonymous, Keep::Open);
    let open = || -> std::io::Result<UnixStream> {
        let mut stream = UnixStream::connect(server.socket())?;
        stream.write_all(&ping)?;
        stream.read_exact(&mut [0; ANSWER])?;
        Ok(stream)
    };
    let mut first = open()?;
    first.set_read_timeout(Some(Duration::from_millis(100)))?;
    if matches!(first.read(&mut [0]), Ok(0)) {
        return Ok(None);
    }
    let before = resident(server)?;
    let kept = (0..CONNECTIONS).map(|_| open()).collect::<std::io::Result<Vec<_>>>()?;
    let grown = resident(server)?.saturating_sub(before);
    drop(kept);
    Ok(Some(float(grown) / f64::from(CONNECTIONS)))
}

fn waits(server: &Server) -> std::io::Result<u64> {
    server.process().with_children()?.into_iter().map(Process::waits).sum()
}

fn resident(server: &Server) -> std::io::Result<u64> {
    server.process().with_children()?.into_iter().map(Process::resident).sum()
}

#[allow(clippy::cast_precision_loss, reason = "bytes of processes, far below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}

/// What was measured of each server.
pub type OfServers = std::collections::BTreeMap<Program, Idle>;
