//! Many worlds on all cores.

use super::hashes::{self, Line};
use crate::faults::Family;
use crate::limit::Limit;
use crate::oracle::{Findings, Mark, Oracle, Violation};
use crate::run::{Report, budget_of, run};
use crate::trace::{Telling, digest};
use crate::world::Counts;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Worlds from which on every check must have run.
const ENOUGH_FOR_CHECKS: u64 = 100;
/// Worlds from which on every mark must be reached.
const ENOUGH_FOR_MARKS: u64 = 1000;

/// Which worlds.
#[derive(Clone, Debug)]
pub enum Worlds {
    /// One seed after another.
    Seeds {
        /// The first seed.
        first: u64,
        /// How many.
        count: u64,
        /// Their budget; `None`: it follows from the seed.
        budget: Option<u64>,
        /// Where budgets that follow from seeds lie.
        budgets: (u64, u64),
    },
    /// These seeds and budgets.
    These(Vec<(u64, u64)>),
}

impl Worlds {
    /// Seed and budget of one of them.
    pub fn at(&self, index: u64) -> Option<(u64, u64)> {
        match self {
            Worlds::Seeds { first, count, budget, budgets } => (index < *count).then(|| {
                let seed = first.wrapping_add(index);
                (seed, budget.unwrap_or_else(|| budget_of(seed, *budgets)))
            }),
            Worlds::These(worlds) => worlds.get(index as usize).copied(),
        }
    }
}

/// `count` worlds whose seeds follow from the commit that is checked out; none where there is no git.
pub fn worlds_of_this_commit(count: u64, budgets: (u64, u64)) -> Worlds {
    let commit = commit();
    let count = if commit.is_some() { count } else { 0 };
    let first = digest(&commit) | 1 << 63;
    Worlds::Seeds { first, count, budget: None, budgets }
}

/// The commit that is checked out.
pub fn commit() -> Option<String> {
    let answer = Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok().filter(|_| answer.status.success())?;
    Some(text.trim().to_owned())
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which worlds.
    pub worlds: Worlds,
    /// No world is begun after so many seconds.
    pub seconds: Option<u64>,
    /// Worlds at one time; `None`: one per core.
    pub threads: Option<usize>,
    /// Whether the hash of each world is kept.
    pub keep_hashes: bool,
    /// Whether a terminal is told how far it is.
    pub progress: bool,
    /// Whether worlds are run again in another process; `None`: in none.
    pub again: Option<Again>,
}

/// Another process that runs some of the worlds once more.
#[derive(Clone, Debug)]
pub struct Again {
    /// Its program.
    pub program: PathBuf,
    /// One world of how many.
    pub every: u64,
}

impl Again {
    /// Whether it runs the world of this seed.
    fn takes(&self, seed: u64) -> bool {
        seed.is_multiple_of(self.every)
    }
}

/// The first world that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// Its budget.
    pub budget: u64,
    /// What broke first.
    pub violation: Violation,
}

/// What came of many worlds.
#[derive(Debug, Default)]
pub struct Summary {
    /// What all of them checked and reached.
    pub findings: Findings,
    /// How many there were.
    pub runs: u64,
    /// In how many of them each mark was reached, in the order of [`Mark::ALL`].
    pub runs_with: Vec<u64>,
    /// What all of them did.
    pub counts: Counts,
    /// Simulated time of all, in nanoseconds.
    pub simulated: u64,
    /// The failure of the lowest number.
    pub failure: Option<Failure>,
    /// Hashes, by seed, if they are kept.
    pub hashes: Vec<Line>,
    /// Worlds that another process runs again.
    pub again: Vec<Line>,
    /// Seconds it took.
    pub seconds: f64,
    /// Seconds the threads had a core; where the system does not tell, those since they began.
    pub cpu_seconds: f64,
    /// Threads that worked.
    pub threads: usize,
}

impl Summary {
    fn add(&mut self, seed: u64, budget: u64, report: Report, job: &Job) {
        self.runs += 1;
        self.simulated += report.simulated;
        self.counts.add(report.counts);
        self.runs_with.resize(Mark::ALL.len(), 0);
        let reached = Mark::ALL.into_iter().map(|mark| u64::from(report.findings.reached(mark) > 0));
        self.runs_with.iter_mut().zip(reached).for_each(|(sum, one)| *sum += one);
        if self.failure.is_none() {
            let first = report.findings.violations.first().cloned();
            self.failure = first.map(|violation| Failure { seed, budget, violation });
        }
        let line = Line { seed, budget, hash: report.hash, fingerprint: report.fingerprint };
        if job.keep_hashes {
            self.hashes.push(line);
        }
        if job.again.as_ref().is_some_and(|again| again.takes(seed)) {
            self.again.push(line);
        }
        self.findings.add(report.findings);
    }

    fn join(&mut self, other: Summary) {
        self.runs += other.runs;
        self.simulated += other.simulated;
        self.counts.add(other.counts);
        self.runs_with.resize(Mark::ALL.len(), 0);
        self.runs_with.iter_mut().zip(other.runs_with).for_each(|(sum, count)| *sum += count);
        let failures = self.failure.take().into_iter().chain(other.failure);
        self.failure = failures.min_by_key(|failure| failure.seed);
        self.hashes.extend(other.hashes);
        self.again.extend(other.again);
        self.findings.add(other.findings);
        self.cpu_seconds += other.cpu_seconds;
    }

    /// I16: has another process run worlds again, and compares.
    fn compare_again(&mut self, program: &Path, threads: usize) {
        if self.again.is_empty() || self.failure.is_some() {
            return;
        }
        self.again.sort_unstable_by_key(|line| (line.seed, line.budget));
        let theirs = hashes::again(program, &self.again, threads);
        for (index, ours) in self.again.iter().enumerate() {
            let same = theirs.as_ref().is_ok_and(|theirs| theirs[index] == *ours);
            let theirs = theirs.as_ref().map(|theirs| theirs[index]);
            self.findings.check(Oracle::I16Determinism, same, || {
                let Line { seed, budget, .. } = ours;
                format!("seed {seed}, budget {budget}: {ours:x?} here, {theirs:x?} in another process")
            });
            if self.failure.is_none() {
                let first = self.findings.violations.first().cloned();
                self.failure =
                    first.map(|violation| Failure { seed: ours.seed, budget: ours.budget, violation });
            }
        }
    }

    /// I16: compares with what another process got from these worlds.
    pub fn compare_with(&mut self, expected: &[Line]) {
        let expected: BTreeSet<_> = expected.iter().collect();
        for line in &self.hashes {
            let same = expected.contains(line);
            self.findings
                .check(Oracle::I16Determinism, same, || format!("{line:x?} is not what is expected"));
        }
    }

    /// Checks that never ran and marks that were never reached, where there were enough worlds for them.
    pub fn shortcomings(&self) -> Vec<String> {
        let oracles = Oracle::ALL.into_iter().filter(|oracle| self.findings.evaluated(*oracle) == 0);
        let marks = Mark::ALL.into_iter().filter(|mark| self.findings.reached(*mark) == 0);
        let families = Family::ALL.into_iter().filter(|family| self.findings.faults.struck(*family) == 0);
        let near = |limit: Limit| self.findings.distances.nearest(limit);
        let limits = Limit::ALL.into_iter().filter(|limit| near(*limit) < 1000);
        let mut all = Vec::new();
        if self.runs >= ENOUGH_FOR_CHECKS {
            all.extend(oracles.map(|oracle| format!("{oracle:?} was never checked")));
        }
        if self.runs >= ENOUGH_FOR_MARKS {
            all.extend(marks.map(|mark| format!("{mark:?} was never reached")));
            all.extend(limits.map(|limit| {
                let share = near(limit);
                format!("no more than {}.{} % of {limit:?} was ever let in", share / 10, share % 10)
            }));
            all.extend(families.map(|family| format!("no fault of {family:?} ever struck")));
        }
        all
    }

    /// Requests per second of a core.
    pub fn speed(&self) -> f64 {
        self.counts.requests as f64 / self.cpu_seconds.max(1e-9)
    }
}

/// Seconds this thread had a core.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

/// Runs worlds until all are done, the time is over, or one fails.
pub fn run_all(job: Job) -> Summary {
    let cores = thread::available_parallelism().map_or(1, |count| count.get());
    let threads = job.threads.unwrap_or(cores);
    let (next, done, requests) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let work = || {
        let mut summary = Summary::default();
        while !over.load(Ordering::Relaxed) {
            let Some((seed, budget)) = job.worlds.at(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let report = run(seed, budget, Telling::Nothing);
            done.fetch_add(1, Ordering::Relaxed);
            requests.fetch_add(report.counts.requests, Ordering::Relaxed);
            summary.add(seed, budget, report, &job);
            let late = job.seconds.is_some_and(|seconds| started.elapsed().as_secs() >= seconds);
            if late || summary.failure.is_some() {
                over.store(true, Ordering::Relaxed);
            }
        }
        summary.cpu_seconds = cpu_seconds().unwrap_or(started.elapsed().as_secs_f64());
        summary
    };
    let mut summary = Summary::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let shown = job.progress && std::io::stderr().is_terminal();
        while shown && !workers.iter().all(|worker| worker.is_finished()) {
            thread::sleep(Duration::from_millis(200));
            let (done, requests) = (done.load(Ordering::Relaxed), requests.load(Ordering::Relaxed));
            let seconds = started.elapsed().as_secs_f64();
            eprint!("\r{seconds:8.1} s  {done:>9} worlds  {:>9.0} requests/s ", requests as f64 / seconds);
            drop(std::io::stderr().flush());
        }
        if shown {
            eprint!("\r{:60}\r", "");
        }
        for worker in workers {
            summary.join(worker.join().expect("a world does not stop its thread"));
        }
    });
    summary.hashes.sort_unstable_by_key(|line| (line.seed, line.budget));
    if let Some(again) = &job.again {
        summary.compare_again(&again.program, threads);
    }
    summary.seconds = started.elapsed().as_secs_f64();
    summary.threads = threads;
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_never_ran_is_told_by_name_once_there_were_enough_worlds() {
        let mut summary = Summary { runs: ENOUGH_FOR_CHECKS - 1, ..Summary::default() };
        assert!(summary.shortcomings().is_empty());
        summary.runs = ENOUGH_FOR_CHECKS;
        summary.findings.check(Oracle::I4OneAnswer, true, String::new);
        let told = summary.shortcomings();
        assert_eq!(told.len(), Oracle::ALL.len() - 1);
        assert!(told.contains(&"I5Echo was never checked".to_owned()));
        summary.runs = ENOUGH_FOR_MARKS;
        assert!(summary.shortcomings().contains(&"SameNameRace was never reached".to_owned()));
        assert!(summary.shortcomings().contains(&"no more than 0.0 % of Unsent was ever let in".to_owned()));
    }
}
