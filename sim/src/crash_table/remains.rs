//! What is left when the daemon has died, as text: equal texts have equal futures.
//!
//! What happens after a death follows from the world without the daemon and from what is drawn and asked later;
//! stories draw the same after each death, and what they ask is the same where the text is compared. Of the
//! world, the following is left out, because nothing that can be seen depends on it:
//!
//! * Moments, instants, counts of requests, generations of connections, the numbers in names of hosts and in
//!   tickets: they are compared with later ones only, and each later one is larger, whatever they are. What is
//!   still to happen is told by how far off it is.
//! * Counters of objects: the core compares ids by order and by equality, and so do the fakes. An object is
//!   named by the life that made it and by its place among those of that life that are left, which keeps both.
//! * Secrets and public parts: they are compared for equality only. Whether those of an object are those of its
//!   record is told.
//! * Windows of the auditor that have ended: later requests came after them. What it knows of requests, jobs,
//!   lives, and of fairness it forgets when the daemon dies.
//! * What stays broken and how often a PIN was refused: stories heal whole, and no configuration comes before.
//! * Clients and connections: all of them are gone, and what they were told is looked at by who compares.

use crate::provider::crypto;
use crate::stage::Event;
use crate::trace::digest;
use crate::world::World;
use parsecd_core::identity::KeyIdentity;
use parsecd_core::ids::ObjectId;
use parsecd_core::job::Job;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Writes down what is left.
struct Remains<'a> {
    world: &'a World,
    /// Every object that is left anywhere, in order.
    objects: Vec<ObjectId>,
    text: String,
}

/// What is left in a world whose daemon has died, and in which this is still to happen.
pub fn remains(world: &World, key: &KeyIdentity, events: &[(u64, Event)]) -> String {
    let objects = objects(world, events).into_iter().collect();
    let mut remains = Remains { world, objects, text: String::with_capacity(512) };
    remains.store();
    remains.devices();
    remains.hosts();
    remains.events(events);
    let World { auditor, stage, fleet, .. } = world;
    let known = auditor.names.known(key);
    let (other, pin) = (auditor.excuses.other_device(), fleet.pin_refused);
    remains.tell(format_args!("life {} known {known} other {other} pin {pin}", stage.boot));
    remains.text
}

fn objects(world: &World, events: &[(u64, Event)]) -> BTreeSet<ObjectId> {
    let tables = world.store.visible();
    let lanes = world.fleet.hosts.values().flat_map(|host| &host.lanes);
    let running = lanes.filter_map(|lane| lane.running.as_ref()).map(|running| &*running.job);
    let landing = events.iter().filter_map(|(_, event)| match event {
        Event::Lands(_, job) => Some(&**job),
        _ => None,
    });
    let in_jobs = running.chain(landing).filter_map(object_of);
    let in_store = tables.keys.values().map(|row| row.object).chain(tables.unfinished.keys().copied());
    in_store.chain(world.fleet.objects()).chain(in_jobs).collect()
}

fn object_of(job: &Job) -> Option<ObjectId> {
    match job {
        Job::Generate { object, .. } | Job::Import { object, .. } | Job::Remove { object } => Some(*object),
        Job::Use { key, .. } => Some(key.object),
        _ => None,
    }
}

fn kind(job: &Job) -> &'static str {
    match job {
        Job::Open => "open",
        Job::Generate { .. } => "generate",
        Job::Import { .. } => "import",
        Job::Remove { .. } => "remove",
        _ => "use",
    }
}

impl Remains<'_> {
    fn tell(&mut self, text: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{text}").expect("a string takes everything");
    }

    /// The life that made an object and its place among those of that life.
    fn name(&self, object: ObjectId) -> String {
        let lives = 1..=self.world.stage.boot;
        let life = lives.into_iter().find(|life| digest(&("boot", *life)) == object.boot).unwrap_or_default();
        let of_life = self.objects.iter().filter(|other| other.boot == object.boot);
        let place = of_life.take_while(|other| **other < object).count();
        format!("{life}.{place}")
    }

    fn store(&mut self) {
        let tables = self.world.store.visible();
        for (identity, row) in &tables.keys {
            let record = row.record.decode();
            let public = record.as_ref().ok().map(|record| &record.public);
            let made = self.world.fleet.made.get(row.object).map(|made| &made.public);
            let (own, device) = (public == made, record.as_ref().ok().map(|record| &record.device));
            let attributes = record.as_ref().ok().map(|record| digest(&record.attributes));
            let object = self.name(row.object);
            self.tell(format_args!("key {} {object} {own} {device:?} {attributes:?}", identity.name));
        }
        for (object, row) in &tables.unfinished {
            let object = self.name(*object);
            self.tell(format_args!(
                "unfinished {} {object} {:?} {:?}",
                row.identity.name, row.state, row.device
            ));
        }
    }

    fn devices(&mut self) {
        let (owning, swapped) = (self.world.fleet.owning(), self.world.fleet.sealing.swapped);
        for (token, objects) in owning.tokens.iter().enumerate() {
            for (object, held) in objects {
                let name = self.name(*object);
                let made = self.world.fleet.made.get(*object);
                let own = made.map(|made| made.public == crypto::public(&held.attributes, &held.secret));
                let (whole, attributes) = (held.whole, digest(&held.attributes));
                self.tell(format_args!("token {token} {name} {whole} {own:?} {attributes:?}"));
            }
        }
        for index in 0..self.objects.len() {
            let object = self.objects[index];
            let made_on = owning.made_on.get(&object);
            let made = self.world.fleet.made.get(object).map(|made| digest(&made.attributes));
            let name = self.name(object);
            self.tell(format_args!("object {name} made {made_on:?} {made:?}"));
        }
        self.tell(format_args!("slot {} swapped {swapped}", owning.slot()));
    }

    fn hosts(&mut self) {
        for (id, host) in &self.world.fleet.hosts {
            for (index, lane) in host.lanes.iter().enumerate() {
                if let Some(running) = &lane.running {
                    let job = self.job(&running.job);
                    let (provider, life) = (id.key.provider, id.boot);
                    let (fault, killed) = (running.fault, running.killed);
                    self.tell(format_args!("host {provider:?} {life} {index} {job} {fault:?} {killed:?}"));
                }
            }
        }
    }

    fn job(&self, job: &Job) -> String {
        let object = object_of(job).map(|object| self.name(object));
        format!("{} {object:?}", kind(job))
    }

    fn events(&mut self, events: &[(u64, Event)]) {
        for (delay, event) in events {
            match event {
                Event::Lands(token, job) => {
                    let job = self.job(job);
                    self.tell(format_args!("in {delay} lands {token} {job}"));
                }
                // A host that is gone does nothing.
                Event::JobEnds(id, ..) | Event::HostStarts(id) | Event::HostDies(id)
                    if !self.world.fleet.hosts.contains_key(id) => {}
                Event::JobEnds(id, lane, _) => {
                    self.tell(format_args!("in {delay} job ends {:?} {} {lane}", id.key.provider, id.boot));
                }
                other => self.tell(format_args!("in {delay} {other:?}")),
            }
        }
    }
}
