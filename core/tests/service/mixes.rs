//! Any mix of stories, played by dice: in the end nothing is left but what is kept on purpose.

use crate::world::{
    PROVIDER, World, config, destroy, device, frame_with, generate, sign, signature, signing_key,
};
use parsecd_core::config::{Config, Limits, MaterialPlace};
use parsecd_core::identity::KeyIdentity;
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::{EncodedRecord, SealedMaterial};
use parsecd_core::service::MemoryReport;
use parsecd_core::store::{CommitResult, Counters, Fetched, ListedKey, Mutation, Page, Query, Unfinished};
use parsecd_wire::algorithm::Hash;
use parsecd_wire::header::KEEP_CONNECTION;
use parsecd_wire::{Operation, Status};
use std::collections::BTreeMap;

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A world, what its store holds, and the dice.
struct Mix {
    world: World,
    dice: Dice,
    config: Config,
    keys: BTreeMap<KeyIdentity, EncodedRecord>,
    unfinished: Vec<Unfinished>,
    open: Vec<ConnectionKey>,
}

impl Mix {
    fn new(seed: u64, material: MaterialPlace) -> Mix {
        let limits = Limits { pipeline: 3, request_memory: 50_000, ..Limits::default() };
        let config = Config { limits, ..config(material, 2) };
        let world = World::new(config.clone());
        let (keys, unfinished, open) = (BTreeMap::new(), Vec::new(), Vec::new());
        Mix { world, dice: Dice(seed), config, keys, unfinished, open }
    }

    fn ask(&mut self) {
        let key = ["a", "b"][self.dice.below(2)];
        let operation = match self.dice.below(9) {
            0 | 1 => generate(key),
            2 => destroy(key),
            3 => Operation::PsaGenerateRandom { size: 1500 },
            4 => Operation::ListKeys,
            5 => Operation::DeleteClient { client: String::from("app") },
            6 => Operation::PsaHashCompute { algorithm: Hash::Sha256, input: vec![0; 20_000].into() },
            _ => sign(key),
        };
        let name = if matches!(operation, Operation::DeleteClient { .. }) { "admin" } else { "app" };
        let flags = if self.dice.below(4) == 0 { 0 } else { KEEP_CONNECTION };
        let connection = match self.open.len() {
            0 => self.world.connect(),
            open if self.dice.below(3) > 0 => self.open.swap_remove(self.dice.below(open)),
            _ => self.world.connect(),
        };
        let frame = frame_with(name, &operation, flags);
        let part = if self.dice.below(8) == 0 { frame.len() / 2 } else { frame.len() };
        self.world.send_all(connection, &frame[..part]);
        self.open.push(connection);
    }

    fn end_job(&mut self, kindly: bool) {
        if self.world.jobs.is_empty() {
            return;
        }
        let host = self.world.jobs[self.dice.below(self.world.jobs.len())].1;
        let at = self.world.jobs.iter().position(|(_, on, _)| *on == host).unwrap();
        let (ticket, _, job) = self.world.jobs.remove(at);
        let outcome = match self.dice.below(8) {
            0 if !kindly => Outcome::Unknown,
            1 if !kindly => Outcome::Busy,
            2 if !kindly => Outcome::Refused(parsecd_wire::Status::PsaErrorGenericError),
            _ => done(&job),
        };
        self.world.step(Input::JobFinished { ticket, outcome });
    }

    fn commit(&mut self, kindly: bool) {
        if self.world.commits.is_empty() {
            return;
        }
        let result = match self.dice.below(8) {
            0 if !kindly => CommitResult::Unknown,
            1 if !kindly => CommitResult::Full,
            _ => CommitResult::Durable,
        };
        let happens =
            result == CommitResult::Durable || (result == CommitResult::Unknown && self.dice.below(2) == 0);
        if happens {
            let mutation = self.world.commits[0].1.clone();
            self.change(mutation);
        }
        self.world.commit(result);
    }

    fn change(&mut self, mutation: Mutation) {
        match mutation {
            Mutation::Reserve(row) => self.unfinished.push(row),
            Mutation::Publish { identity, object, record, .. } => {
                self.unfinished.retain(|row| row.object != object);
                self.keys.insert(identity, record);
            }
            Mutation::Retire(row) => {
                self.keys.remove(&row.identity);
                self.unfinished.push(row);
            }
            Mutation::Delete { identity, .. } => {
                self.keys.remove(&identity);
            }
            Mutation::Erase { object } => self.unfinished.retain(|row| row.object != object),
            Mutation::Barrier => {}
        }
    }

    fn fetch(&mut self, kindly: bool) {
        let Some((_, identity)) = self.world.fetches.first() else { return };
        let fetched = match self.keys.get(identity) {
            _ if !kindly && self.dice.below(10) == 0 => Fetched::Failed,
            Some(record) => Fetched::Found(record.clone()),
            None => Fetched::Absent,
        };
        self.world.fetched_with(fetched, Counters::default());
    }

    fn list(&mut self, kindly: bool) {
        let Some((_, query)) = self.world.lists.first() else { return };
        let page = match query {
            _ if !kindly && self.dice.below(10) == 0 => Page::Failed,
            Query::Keys { after, limit, .. } => {
                let later = |identity: &KeyIdentity| match after {
                    Some((provider, name)) => (&identity.provider, &identity.name) > (provider, name),
                    None => true,
                };
                let row = |(identity, record): (&KeyIdentity, &EncodedRecord)| ListedKey {
                    provider: identity.provider.clone(),
                    name: identity.name.clone(),
                    record: Some(record.clone()),
                };
                let rows = self.keys.iter().filter(|(identity, _)| later(identity)).map(row);
                Page::Keys(rows.take(*limit as usize).collect())
            }
            Query::Clients { .. } => Page::Clients(Vec::new()),
            Query::Unfinished { after, limit, .. } | Query::UnfinishedOf { after, limit, .. } => {
                let mut rows = self.unfinished.clone();
                rows.sort_by_key(|row| row.object);
                rows.retain(|row| after.is_none_or(|after| row.object > after));
                rows.truncate(*limit as usize);
                Page::Unfinished(rows)
            }
        };
        self.world.listed(page);
    }

    /// A host gives back a job that was asked back, unless it has begun.
    fn give_back(&mut self) {
        let Some(ticket) = self.world.cancelled.pop() else { return };
        let place = |world: &World| world.jobs.iter().position(|(waits, _, _)| *waits == ticket);
        let Some(at) = place(&self.world) else { return };
        let host = self.world.jobs[at].1;
        if self.world.jobs[..at].iter().any(|(_, on, _)| *on == host) {
            self.world.jobs.remove(at);
            self.world.step(Input::JobFinished { ticket, outcome: Outcome::NoEffect });
        }
    }

    fn hosts(&mut self) {
        if let Some(host) = self.world.opened.pop() {
            self.world.open(host);
        }
        if let Some(host) = self.world.closed_hosts.pop() {
            assert!(self.world.jobs.iter().all(|(_, on, _)| *on != host), "it has finished what it ran");
            let state = HostState::Down { why: String::from("let go") };
            self.world.step(Input::HostChanged { host, state });
        }
        while let Some(host) = self.world.killed.pop() {
            self.world.closed_hosts.retain(|closed| *closed != host);
            while let Some(at) = self.world.jobs.iter().position(|(_, on, _)| *on == host) {
                let (ticket, _, _) = self.world.jobs.remove(at);
                self.world.step(Input::JobFinished { ticket, outcome: Outcome::LaneLost });
            }
            let state = HostState::Down { why: String::from("killed") };
            self.world.step(Input::HostChanged { host, state });
        }
    }

    fn reload(&mut self) {
        let mut next = self.config.clone();
        let provider = next.providers.get_mut(&PROVIDER).unwrap();
        match self.dice.below(4) {
            0 => provider.revision += 1,
            1 => provider.hosts = u16::try_from(1 + self.dice.below(3)).unwrap(),
            2 => next.limits.page = u32::try_from(1 + self.dice.below(3)).unwrap(),
            _ => {}
        }
        self.config = next.clone();
        if self.dice.below(6) == 0 {
            next.providers.clear();
            next.listeners.clear();
        }
        self.world.step(Input::Reconfigured { config: Box::new(next) });
    }

    fn lose(&mut self) {
        if !self.open.is_empty() {
            let at = self.dice.below(self.open.len());
            let connection = self.open.swap_remove(at);
            self.world.lose(connection);
        }
    }

    fn pass(&mut self) {
        if let Some(wake) = self.world.wake {
            self.world.now = self.world.now.max(wake.0);
            self.world.step(Input::TimePassed);
        }
    }

    fn turn(&mut self) {
        match self.dice.below(18) {
            0..=3 => self.ask(),
            4..=6 => self.end_job(false),
            7..=8 => self.commit(false),
            9..=10 => self.fetch(false),
            11 => self.list(false),
            12 => self.hosts(),
            13 if !self.world.jobs.is_empty() && self.dice.below(8) == 0 => self.world.host_dies(),
            14 if self.dice.below(8) == 0 => self.pass(),
            15 => self.lose(),
            16 if self.dice.below(4) == 0 => self.reload(),
            17 => self.give_back(),
            _ => {}
        }
    }

    /// Everything ends, kindly.
    fn rest(&mut self) -> MemoryReport {
        while !self.open.is_empty() {
            self.lose();
        }
        self.world.step(Input::Reconfigured { config: Box::new(self.config.clone()) });
        for _ in 0..2_000 {
            self.hosts();
            self.end_job(true);
            self.commit(true);
            self.fetch(true);
            self.list(true);
            let busy = self.world.jobs.len() + self.world.commits.len() + self.world.fetches.len();
            if busy + self.world.lists.len() + self.world.opened.len() + self.world.closed_hosts.len() == 0 {
                if self.world.wake.is_none() {
                    break;
                }
                self.pass();
            }
        }
        MemoryReport { entries: 0, cache: 0, measured: 0, ..self.world.service.memory() }
    }
}

fn done(job: &Job) -> Outcome {
    let material = SealedMaterial(b"sealed".to_vec());
    match job {
        Job::Generate { .. } => {
            Outcome::Done(Effect::Made { attributes: signing_key(), public: vec![4; 65], material })
        }
        Job::Random { length } => Outcome::Done(Effect::Secret(vec![0; *length as usize].into())),
        Job::Remove { .. } => Outcome::Absent { device: device(), login_confirmed: true },
        _ => signature(),
    }
}

#[test]
fn after_any_mix_of_stories_memory_is_what_it_was() {
    for material in [MaterialPlace::Record, MaterialPlace::Provider] {
        for seed in 0..500 {
            let mut mix = Mix::new(seed, material);
            for _ in 0..300 {
                mix.turn();
            }
            assert_eq!(mix.rest(), MemoryReport::default(), "seed {seed}, {material:?}");
            assert!(mix.unfinished.is_empty(), "seed {seed}");
        }
    }
}

#[test]
fn no_mix_of_reloads_fails_a_request_of_a_provider_that_stays() {
    for seed in 0..500 {
        let mut mix = Mix::new(seed, MaterialPlace::Record);
        mix.config.limits = Limits::default();
        mix.world.step(Input::Reconfigured { config: Box::new(mix.config.clone()) });
        let mut connections = Vec::new();
        for turn in 0..400 {
            match mix.dice.below(12) {
                0..=2 => {
                    let key = format!("key {}", mix.dice.below(4));
                    let operation = match mix.dice.below(4) {
                        0 => generate(&key),
                        1 => destroy(&key),
                        2 => sign(&key),
                        _ => Operation::PsaGenerateRandom { size: 1500 },
                    };
                    connections.push(mix.world.ask(&format!("app {}", mix.dice.below(3)), &operation));
                }
                3..=5 => mix.end_job(true),
                6 => mix.commit(true),
                7 => mix.fetch(true),
                8 => mix.hosts(),
                9 => mix.give_back(),
                10 if mix.dice.below(3) == 0 => {
                    let mut next = mix.config.clone();
                    let provider = next.providers.get_mut(&PROVIDER).unwrap();
                    provider.revision += u32::from(mix.dice.below(2) == 0);
                    provider.hosts = u16::try_from(1 + mix.dice.below(3)).unwrap();
                    mix.config = next.clone();
                    mix.world.step(Input::Reconfigured { config: Box::new(next) });
                }
                _ => {}
            }
            assert!(mix.world.killed.is_empty(), "seed {seed}, turn {turn}");
        }
        for _ in 0..2_000 {
            mix.hosts();
            mix.end_job(true);
            mix.commit(true);
            mix.fetch(true);
        }
        for connection in connections {
            let status = mix.world.status(connection);
            let fine = [Status::Success, Status::PsaErrorDoesNotExist, Status::PsaErrorAlreadyExists];
            assert!(status.is_some_and(|status| fine.contains(&status)), "seed {seed}: {status:?}");
        }
    }
}
