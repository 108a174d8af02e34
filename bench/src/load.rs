//! The load generator: many clients in few threads, one epoll set per thread.

use crate::client::Client;
use crate::frame::RequestError;
use crate::latencies::Latencies;
use crate::workload::Frames;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Without any answer for so long, a server is taken for dead.
const STALLED: Duration = Duration::from_secs(60);

/// How connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// One connection per request, closed after the answer.
    PerRequest,
    /// One connection per client, this many requests under way at a time; at least 1.
    Kept(u32),
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After this time.
    Time(Duration),
    /// After this many answers, over all clients.
    Count(u64),
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the server listens.
    pub socket: PathBuf,
    /// How connections are used.
    pub mode: Mode,
    /// Threads of the generator, at least 1; clients are dealt out to them.
    pub threads: usize,
    /// Requests before this time has passed are made but not counted.
    pub warm_up: Duration,
    /// When to stop after the warm-up.
    pub length: Length,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Answers that were counted.
    pub answers: u64,
    /// Time in which they came.
    pub elapsed: Duration,
    /// Their latencies: from before the connection was made, or the request was written, to the answer.
    pub latencies: Latencies,
}

impl Measured {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let answers = self.answers as f64;
        answers / self.elapsed.as_secs_f64()
    }
}

/// Runs a load to its end. Each client stops where its frames begin again, with no answer owed.
///
/// # Errors
/// The first request that was not answered with Success.
pub fn run(plan: &Plan, frames: &Frames) -> Result<Measured, RequestError> {
    let threads = plan.threads.clamp(1, frames.len().max(1));
    let begin = Barrier::new(threads);
    let results: Vec<Result<Measured, RequestError>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|thread| {
                let own: Vec<&[Vec<u8>]> =
                    frames.iter().skip(thread).step_by(threads).map(Vec::as_slice).collect();
                let begin = &begin;
                scope.spawn(move || {
                    begin.wait();
                    Group::new(plan, threads, &own)?.run()
                })
            })
            .collect();
        started.into_iter().map(|thread| thread.join().expect("a thread of the generator panicked")).collect()
    });
    let mut all = Measured { answers: 0, elapsed: Duration::ZERO, latencies: Latencies::default() };
    for result in results {
        let measured = result?;
        all.answers += measured.answers;
        all.elapsed = all.elapsed.max(measured.elapsed);
        all.latencies.merge(&measured.latencies);
    }
    Ok(all)
}

/// The clients of one thread.
struct Group<'a> {
    socket: &'a Path,
    clients: Vec<Client<'a>>,
    epoll: OwnedFd,
    phase: Phase,
    warm_up: Duration,
    length: Length,
    measured: Measured,
}

#[derive(Clone, Copy)]
enum Phase {
    WarmingUp { until: Instant },
    Counting { since: Instant },
    Ending,
}

impl<'a> Group<'a> {
    fn new(plan: &'a Plan, threads: usize, frames: &[&'a [Vec<u8>]]) -> Result<Group<'a>, RequestError> {
        let length = match plan.length {
            Length::Count(count) => Length::Count(count.div_ceil(u64::try_from(threads).unwrap_or(1))),
            time @ Length::Time(_) => time,
        };
        Ok(Group {
            socket: &plan.socket,
            clients: frames.iter().map(|frames| Client::new(frames, plan.mode)).collect(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            phase: Phase::Ending,
            warm_up: plan.warm_up,
            length,
            measured: Measured { answers: 0, elapsed: Duration::ZERO, latencies: Latencies::default() },
        })
    }

    fn run(mut self) -> Result<Measured, RequestError> {
        self.phase = Phase::WarmingUp { until: Instant::now() + self.warm_up };
        for place in 0..self.clients.len() {
            self.go_on(place)?;
        }
        let mut events = Vec::with_capacity(self.clients.len().max(1));
        let patience = Timespec { tv_sec: STALLED.as_secs().cast_signed(), tv_nsec: 0 };
        while self.clients.iter().any(|client| !client.has_ended()) {
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&patience))?;
            if events.is_empty() {
                return Err(RequestError::Stalled(STALLED));
            }
            for event in events.drain(..) {
                let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
                let answered = self.clients[place].receive()?;
                let now = Instant::now();
                for sent in answered {
                    self.count(now, now.duration_since(sent));
                }
                self.go_on(place)?;
            }
        }
        Ok(self.measured)
    }

    /// Lets a client send what it may send now.
    fn go_on(&mut self, place: usize) -> Result<(), RequestError> {
        let ending = matches!(self.phase, Phase::Ending);
        self.clients[place].send(self.socket, &self.epoll, u64::try_from(place).unwrap_or(u64::MAX), ending)
    }

    fn count(&mut self, now: Instant, latency: Duration) {
        match self.phase {
            Phase::WarmingUp { until } if now >= until => self.phase = Phase::Counting { since: now },
            Phase::WarmingUp { .. } | Phase::Ending => {}
            Phase::Counting { since } => {
                self.measured.answers += 1;
                self.measured.latencies.add(latency);
                self.measured.elapsed = now.duration_since(since);
                let over = match self.length {
                    Length::Time(time) => self.measured.elapsed >= time,
                    Length::Count(count) => self.measured.answers >= count,
                };
                if over {
                    self.phase = Phase::Ending;
                }
            }
        }
    }
}
