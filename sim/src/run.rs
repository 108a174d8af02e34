//! One run: storm, heal, quiesce, check.

use crate::canary;
use crate::lasting::Lasting;
use crate::oracle::{Findings, Oracle};
use crate::plan::Plan;
use crate::probe::PROBED;
use crate::random::{Domain, Random};
use crate::trace::{Checkpoint, Telling, Trace};
use crate::world::{Counts, World};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Budgets, in random draws, unless said otherwise: log-uniform between these.
pub const BUDGETS: (u64, u64) = (300, 1_000_000);
/// Budgets of short runs.
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
    /// Hashes on the way.
    pub checkpoints: Vec<Checkpoint>,
    /// The events that were asked for, as text.
    pub told: Vec<String>,
}

/// Runs the world of `seed` until `budget` is spent, then heals it, and checks everything.
pub fn run(seed: u64, budget: u64, telling: Telling) -> Report {
    run_with(Random::new(seed, budget), telling).0
}

/// The same with draws from anywhere, which are returned.
pub fn run_with(mut random: Random, telling: Telling) -> (Report, Random) {
    let plan = Plan::swarm(&mut random);
    let mut world = World::new(plan, random, Trace::new(telling));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        world.storm();
        if !broken(&world)
            && let Some(lasting) = Lasting::draw(&mut world.stage.random)
        {
            conclude_in_part(&mut world, lasting);
        }
        if !broken(&world) {
            conclude(&mut world);
        }
    }));
    let panic = ended.err().map(|panic| panic_text(&*panic));
    let random = world.stage.random.clone();
    (report(world, panic), random)
}

/// Heals a world, lets it come to rest, and checks what must then hold.
pub fn conclude(world: &mut World) {
    world.heal();
    world.rest();
    if broken(world) {
        return;
    }
    world.probe(usize::MAX);
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

/// Heals a part of a world. The rest must be served, also after another start, and what is broken explains all
/// that goes on.
pub fn conclude_in_part(world: &mut World, lasting: Lasting) {
    world.heal_all_but(lasting);
    for _ in 0..2 {
        world.settle();
        if broken(world) {
            return;
        }
        world.probe(PROBED);
        let rests = world.settle();
        if !broken(world) && !rests {
            world.prove();
        }
        if broken(world) {
            return;
        }
        world.restart_keeps_rows();
    }
}

/// What came of a world.
pub fn report(mut world: World, panic: Option<String>) -> Report {
    let secret = panic.as_ref().is_some_and(|text| canary::is_shown(text));
    world.auditor.findings.check(Oracle::I11NoSecret, !secret, || "a panic shows a secret".to_owned());
    world.auditor.findings.check(Oracle::I14NoPanic, panic.is_none(), || panic.unwrap_or_default());
    world.auditor.findings.faults = std::mem::take(&mut world.stage.faults);
    Report {
        hash: world.stage.trace.hash(),
        fingerprint: catch_unwind(AssertUnwindSafe(|| world.fingerprint())).unwrap_or_default(),
        counts: world.counts,
        simulated: world.stage.now,
        checkpoints: world.stage.trace.checkpoints().to_vec(),
        told: world.stage.trace.last().map(str::to_owned).collect(),
        findings: world.auditor.findings,
    }
}

thread_local! {
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics say nothing, but remember where they were: a run reports its own.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
        PANICKED_AT.set(place.unwrap_or_default());
    }));
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without text");
    format!("{text}{}", PANICKED_AT.take())
}

/// The budget of a seed, log-uniform in `range`.
pub fn budget_of(seed: u64, range: (u64, u64)) -> u64 {
    let mut random = Random::new(seed ^ 0xB0D6_E700, u64::MAX);
    random.log_uniform(Domain::Swarm, range.0, range.1)
}
