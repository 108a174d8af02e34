//! One run: storm, heal, quiesce, check. And many of them.

use crate::call::Auth;
use crate::client::Client;
use crate::oracle::{Findings, Oracle, Violation};
use crate::plan::{Kind, Plan};
use crate::random::Random;
use crate::world::{Counts, World};
use parsecd_core::identity::KeyIdentity;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Draws of a short run and of a long one.
pub const SHORT: (u64, u64) = (300, 20_000);

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What was checked and found.
    pub findings: Findings,
    /// Hash of all inputs and outputs.
    pub hash: u64,
    /// Hash of the core's state at the end.
    pub fingerprint: u64,
    /// What was done.
    pub counts: Counts,
    /// Simulated time in nanoseconds.
    pub simulated: u64,
    /// The last events, if they were asked for.
    pub last: Vec<String>,
}

/// Runs the world of `seed` until `budget` is spent, then heals it, and checks everything.
pub fn run(seed: u64, budget: u64, told: bool) -> Report {
    let mut random = Random::new(seed, budget);
    let plan = Plan::swarm(&mut random);
    let mut world = World::new(plan, random, told);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        world.storm();
        conclude(&mut world);
    }));
    report(world, ended.err().map(|panic| panic_text(&*panic)))
}

/// Heals a world, lets it come to rest, and checks what must then hold.
pub fn conclude(world: &mut World) {
    world.heal();
    world.rest();
    if broken(world) {
        return;
    }
    probe(world);
    world.rest();
    if broken(world) {
        return;
    }
    world.check_objects();
    world.restart_changes_nothing();
}

fn broken(world: &World) -> bool {
    !world.auditor.findings.violations.is_empty()
}

/// Asks for every key that was ever there: in a healed world, each answer is certain.
fn probe(world: &mut World) {
    let known: Vec<KeyIdentity> = world.auditor.truth.identities().cloned().collect();
    let mut applications = Vec::new();
    for key in known {
        let auth = match key.application.authenticator {
            parsecd_wire::AuthenticationType::Direct => Auth::Direct(key.application.name.to_string()),
            _ => Auth::Unix(key.application.name.parse().unwrap_or_default()),
        };
        let owning = &*key.provider == "owning";
        for kind in [Kind::Sign, Kind::ExportPublic] {
            let call = world.workload.make(kind, auth.clone(), owning, &key.name, &mut world.stage.random);
            world.connect(Client::good(call));
        }
        if !applications.contains(&auth) {
            let call = world.workload.make(Kind::ListKeys, auth.clone(), owning, "", &mut world.stage.random);
            world.connect(Client::good(call));
            applications.push(auth);
        }
    }
}

/// What came of a world.
pub fn report(mut world: World, panic: Option<String>) -> Report {
    world.auditor.findings.check(Oracle::I14NoPanic, panic.is_none(), || panic.unwrap_or_default());
    Report {
        hash: world.stage.trace.hash(),
        fingerprint: catch_unwind(AssertUnwindSafe(|| world.fingerprint())).unwrap_or_default(),
        counts: world.counts,
        simulated: world.stage.now,
        last: world.stage.trace.last().map(str::to_owned).collect(),
        findings: world.auditor.findings,
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without text").to_owned()
}

/// Many runs.
#[derive(Debug, Default)]
pub struct Summary {
    /// What all of them checked and reached.
    pub findings: Findings,
    /// Runs that were done.
    pub runs: u64,
    /// What all of them did.
    pub counts: Counts,
    /// Simulated time of all, in nanoseconds.
    pub simulated: u64,
    /// Seed and budget of the first that failed, and what it found.
    pub failure: Option<(u64, u64, Violation)>,
}

impl Summary {
    /// Adds a run.
    pub fn add(&mut self, seed: u64, budget: u64, report: Report) {
        self.runs += 1;
        self.simulated += report.simulated;
        self.counts.add(report.counts);
        if self.failure.is_none() {
            let first = report.findings.violations.first();
            self.failure = first.map(|violation| (seed, budget, violation.clone()));
        }
        self.findings.add(report.findings);
    }

    /// Adds what another thread did.
    pub fn join(&mut self, other: Summary) {
        self.runs += other.runs;
        self.simulated += other.simulated;
        self.counts.add(other.counts);
        self.failure = self.failure.take().or(other.failure);
        self.findings.add(other.findings);
    }

    /// Does `runs` runs from `seed` on, budgets drawn from `range`, until one fails.
    pub fn of(seed: u64, runs: u64, range: (u64, u64)) -> Summary {
        let mut summary = Summary::default();
        for seed in seed..seed + runs {
            let budget = budget_of(seed, range);
            summary.add(seed, budget, run(seed, budget, false));
            if summary.failure.is_some() {
                break;
            }
        }
        summary
    }
}

/// The budget of a seed, log-uniform in `range`.
pub fn budget_of(seed: u64, range: (u64, u64)) -> u64 {
    let mut random = Random::new(seed ^ 0xB0D6_E700, u64::MAX);
    random.log_uniform(crate::random::Domain::Swarm, range.0, range.1)
}

/// The smallest budget found, in at most `tries` runs, with which `seed` fails the same oracle.
pub fn shrink(seed: u64, budget: u64, oracle: Oracle, tries: u32) -> u64 {
    let fails = |budget: u64| {
        run(seed, budget, false).findings.violations.first().is_some_and(|first| first.oracle == oracle)
    };
    let (mut smallest, mut step) = (budget, budget / 2);
    for _ in 0..tries {
        if step == 0 {
            break;
        }
        if smallest > step && fails(smallest - step) {
            smallest -= step;
        } else {
            step /= 2;
        }
    }
    smallest
}
