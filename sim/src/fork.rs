//! What would be left if the daemon died here: stories go on from all of it, without being told again from their
//! beginning.
//!
//! Nothing of the daemon's process outlives it, so that the world can be copied without looking into the core.

use crate::crash_table::remains::remains;
use crate::oracle::Findings;
use crate::provider::Left;
use crate::random::Random;
use crate::stage::Event;
use crate::trace::Trace;
use crate::world::{Counts, World};
use parsecd_core::identity::KeyIdentity;
use parsecd_core::output::Output;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How the daemon dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// After so many inputs and outputs of its life.
    pub after: u64,
    /// So many of the transactions that waited were written.
    pub keeps: usize,
    /// Which of the states that a failed sync left is the truth.
    pub doubt: usize,
    /// What comes of the jobs that ran, if the whole machine dies; else their hosts finish them.
    pub cut: Option<Left>,
    /// What a device does by itself it does before the daemon starts again; else after that.
    pub lands: bool,
}

/// Which deaths are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaths {
    /// All of them.
    All,
    /// One of all that leave the same.
    Different,
    /// This one.
    This(Death),
}

/// What deaths leave.
pub struct Forks {
    /// The key the story is about.
    pub key: KeyIdentity,
    /// Which deaths.
    pub deaths: Deaths,
    /// How many there were.
    pub tried: u64,
    /// Those that leave what none before left, or after which clients had been told something else.
    pub found: Vec<Fork>,
    /// What was left and told since what was asked last.
    pub known: BTreeSet<String>,
}

/// What one death leaves.
pub struct Fork {
    /// The death.
    pub death: Death,
    /// What it leaves, as text.
    pub remains: String,
    /// The world without the daemon.
    pub world: World,
}

/// Whether anything that outlives the daemon is different after this output. All others concern connections or
/// ask for something that is told to this daemon only.
pub(crate) fn outlives(output: &Output) -> bool {
    matches!(
        output,
        Output::Commit { .. }
            | Output::StartJob { .. }
            | Output::CancelJob { .. }
            | Output::OpenHost { .. }
            | Output::CloseHost { .. }
            | Output::KillHost { .. }
    )
}

impl Forks {
    /// Looks at deaths in a story about `key`.
    pub fn new(key: KeyIdentity, deaths: Deaths) -> Self {
        Forks { key, deaths, tried: 0, found: Vec::new(), known: BTreeSet::new() }
    }
}

impl World {
    /// A copy of everything but the daemon's process.
    pub(crate) fn without_daemon(&self) -> World {
        World {
            stage: self.stage.clone(),
            store: self.store.clone(),
            fleet: self.fleet.clone(),
            auditor: self.auditor.clone(),
            clients: self.clients.clone(),
            calls: self.calls.clone(),
            present: self.present.clone(),
            workload: self.workload.clone(),
            counts: Counts::default(),
            plan: self.plan.clone(),
            generations: self.generations.clone(),
            moment: self.moment,
            last_instant: self.last_instant,
            recovering: self.recovering,
            requests_left: self.requests_left,
            asked_again: VecDeque::new(),
            asked_at: self.asked_at,
            owed: 0,
            service: None,
            links: BTreeMap::new(),
            reading: Vec::new(),
            entered: BTreeSet::new(),
            room: BTreeMap::new(),
            most_memory: self.most_memory,
            backlog: BTreeMap::new(),
            accept_blocked: BTreeSet::new(),
            wake: None,
            wake_reason: None,
            store_down: false,
            reloads: 0,
            host_secrets: BTreeMap::new(),
            refused: BTreeSet::new(),
            wakes: 0,
            wakes_in_a_row: (0, 0),
            lasting: self.lasting,
            difficult: None,
            proving: false,
            flushing: false,
            opens: BTreeMap::new(),
            commits: BTreeMap::new(),
            reads: BTreeSet::new(),
            revisions: BTreeMap::new(),
            life: self.life,
            crash_at: None,
            forks: None,
            outputs: Vec::new(),
            request_waits: false,
            finished: Vec::new(),
        }
    }

    /// Keeps what each death would leave that the daemon could die here, once all that the script tells has
    /// struck.
    pub(crate) fn fork(&mut self) {
        let Some(forks) = &self.forks else { return };
        if !self.stage.script.jobs.is_empty() || !self.stage.script.groups.is_empty() {
            return;
        }
        let deaths = match forks.deaths {
            Deaths::This(death) if death.after == self.life + 1 => vec![death],
            Deaths::This(_) => return,
            Deaths::All | Deaths::Different => self.deaths(),
        };
        let Some(mut forks) = self.forks.take() else { return };
        for death in deaths {
            forks.tried += 1;
            let (world, remains) = self.after(death, &forks.key);
            if forks.deaths != Deaths::Different || forks.known.insert(world.told() + &remains) {
                forks.found.push(Fork { death, remains, world });
            }
        }
        self.forks = Some(forks);
    }

    fn told(&self) -> String {
        let told: Vec<_> = self.clients.iter().map(|client| &client.answers).collect();
        format!("{told:?}\n")
    }

    fn deaths(&self) -> Vec<Death> {
        let plain = Death { after: self.life + 1, keeps: 0, doubt: 0, cut: None, lands: false };
        let mut all = vec![plain];
        let vary = |all: &mut Vec<Death>, change: &dyn Fn(&mut Death, usize), count: usize| {
            let others = all.iter().flat_map(|death| {
                (1..count).map(|index| {
                    let mut other = *death;
                    change(&mut other, index);
                    other
                })
            });
            let others: Vec<_> = others.collect();
            all.extend(others);
        };
        vary(&mut all, &|death, index| death.keeps = index, self.store.pending() + 1);
        vary(&mut all, &|death, index| death.doubt = index, self.store.possible().len());
        if self.fleet.is_changing() {
            let ways = [Left::Nothing, Left::Half, Left::Whole, Left::Later];
            vary(&mut all, &|death, index| death.cut = Some(ways[index - 1]), ways.len() + 1);
        }
        if self.stage.is_awaited(|event| matches!(event, Event::Lands(..))) {
            vary(&mut all, &|death, _| death.lands = true, 2);
        }
        all
    }

    /// The world after this death, and what is left as text.
    fn after(&self, death: Death, key: &KeyIdentity) -> (World, String) {
        let mut world = self.without_daemon();
        // From here on chance is the same whatever was drawn before.
        world.stage.random = Random::new(0, u64::MAX);
        world.stage.script.crash_keeps = death.keeps;
        world.stage.script.doubt_choice = death.doubt as u64;
        world.present.clear();
        for client in &mut world.clients {
            // What was sent to it before is read, sooner or later.
            client.read();
            client.leave();
        }
        world.dies();
        if let Some(left) = death.cut {
            world.fleet.cut(left, &mut world.stage);
        }
        let late = world.stage.script.lands_after;
        let mut events = Vec::new();
        for (delay, event) in world.stage.take_events() {
            match event {
                Event::Lands(token, job) if death.lands => world.fleet.lands(token, &job),
                Event::Lands(..) => events.push((late.unwrap_or(delay), event)),
                event => events.push((delay, event)),
            }
        }
        let remains = remains(&world, key, &events);
        events.into_iter().for_each(|(delay, event)| world.stage.after(delay, event));
        let violations = std::mem::take(&mut world.auditor.findings.violations);
        world.auditor.findings = Findings::default();
        world.auditor.findings.violations = violations;
        world.stage.trace = Trace::default();
        (world, remains)
    }
}
