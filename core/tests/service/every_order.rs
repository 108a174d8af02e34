//! The life of a key alone: whatever was asked of the store and of the device is answered in every order, with
//! each thing that may go wrong, and the daemon dies at every step. A naive store and a naive device remember what
//! is; what clients were told says what may be.

use super::world::*;
use parsecd_core::config::MaterialPlace;
use parsecd_core::ids::{ConnectionKey, ObjectId};
use parsecd_core::input::Input;
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::EncodedRecord;
use parsecd_core::store::{CommitResult, Fetched, Mutation, Page, Query, Unfinished};
use parsecd_wire::{Operation, Status};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask {
    Generate,
    Destroy,
    Sign,
}

impl Ask {
    fn operation(self) -> Operation {
        match self {
            Ask::Generate => generate("key"),
            Ask::Destroy => destroy("key"),
            Ask::Sign => sign("key"),
        }
    }
}

#[derive(Clone, Default)]
struct Disk {
    key: Option<(ObjectId, EncodedRecord)>,
    unfinished: BTreeMap<ObjectId, Unfinished>,
}

impl Disk {
    fn apply(&mut self, mutation: &Mutation) -> CommitResult {
        let owner = self.key.as_ref().map(|(object, _)| *object);
        let fits = match mutation {
            Mutation::Reserve(row) => self.unfinished.insert(row.object, row.clone()).is_none(),
            Mutation::Publish { .. } => owner.is_none(),
            Mutation::Retire(row) => owner == Some(row.object),
            Mutation::Delete { object, .. } => owner == Some(*object),
            Mutation::Erase { .. } | Mutation::Barrier => true,
        };
        match mutation {
            _ if !fits => return CommitResult::Refused,
            Mutation::Publish { object, record, .. } => {
                self.unfinished.remove(object);
                self.key = Some((*object, record.clone()));
            }
            Mutation::Retire(row) => {
                self.key = None;
                self.unfinished.insert(row.object, row.clone());
            }
            Mutation::Delete { .. } => self.key = None,
            Mutation::Erase { object } => drop(self.unfinished.remove(object)),
            Mutation::Reserve(_) | Mutation::Barrier => {}
        }
        CommitResult::Durable
    }
}

/// What comes of a job that nobody hears of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effects {
    Nothing,
    All,
    Later,
}

const EFFECTS: [Effects; 3] = [Effects::Nothing, Effects::All, Effects::Later];

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Opens,
    Asks,
    Fetches,
    Lists,
    Commits,
    Works,
    Lands,
    Waits,
    // What follows goes wrong.
    FetchFails,
    CommitFails(CommitResult),
    CommitIsUnknown { happens: bool },
    Busy,
    Refuses,
    LogInIsLost,
    Unknown(Effects),
    HostDies(Effects),
    Leaves,
    Dies { written: bool, effects: Effects },
}

struct Asked {
    ask: Ask,
    connection: ConnectionKey,
    life: u8,
    at: usize,
    told: Option<(usize, Status)>,
    left: bool,
}

/// A world, and how it came about.
struct Tale {
    world: World,
    owned: bool,
    disk: Disk,
    /// What the disk is in truth, after a commit of which nobody knows.
    truth: Option<Disk>,
    objects: BTreeSet<ObjectId>,
    /// The page that is being read, as it was when it was asked for.
    page: Option<Vec<Unfinished>>,
    /// What the device will do by itself: make these, or remove them.
    late: Vec<(ObjectId, bool)>,
    asked: Vec<Asked>,
    left: Vec<Ask>,
    faults: usize,
    deaths: usize,
    life: u8,
    step: usize,
    began_with_key: bool,
    /// The store refused to unmake a key whose creation had failed: it stays.
    unmaking_failed: bool,
}

impl Tale {
    fn begin(owned: bool, with_key: bool, asks: &[Ask], faults: usize, deaths: usize) -> Tale {
        let mut tale = Tale {
            world: Tale::daemon(owned, 1),
            owned,
            disk: Disk::default(),
            truth: None,
            objects: BTreeSet::new(),
            page: None,
            late: Vec::new(),
            asked: Vec::new(),
            left: Vec::new(),
            faults: 0,
            deaths: 0,
            life: 1,
            step: 0,
            began_with_key: with_key,
            unmaking_failed: false,
        };
        if with_key {
            tale.left.push(Ask::Generate);
        }
        while let Some(act) = tale.acts().first().copied() {
            tale.act(act);
        }
        assert_eq!(tale.disk.key.is_some(), with_key);
        tale.asked.clear();
        (tale.left, tale.faults, tale.deaths) = (asks.to_vec(), faults, deaths);
        tale
    }

    fn daemon(owned: bool, life: u8) -> World {
        let material = if owned { MaterialPlace::Provider } else { MaterialPlace::Record };
        World::starting_as(config(material, 1), life)
    }

    /// Everything that may happen next; nothing goes wrong in the first of them.
    fn acts(&self) -> Vec<Act> {
        let world = &self.world;
        let mut acts = Vec::new();
        let runs = world.jobs.first().map(|(_, _, job)| &**job);
        let ready = !world.opened.is_empty();
        let going = [
            (ready, Act::Opens),
            (!world.fetches.is_empty(), Act::Fetches),
            (!world.lists.is_empty(), Act::Lists),
            (!world.commits.is_empty(), Act::Commits),
            (runs.is_some(), Act::Works),
            (!self.left.is_empty() && !ready, Act::Asks),
        ];
        acts.extend(going.into_iter().filter(|(may, _)| *may).map(|(_, act)| act));
        if !self.late.is_empty() {
            acts.push(Act::Lands);
        }
        if acts.is_empty() && world.wake.is_some() {
            acts.push(Act::Waits);
        }
        let changes = matches!(runs, Some(Job::Generate { .. } | Job::Remove { .. }));
        let effects = if changes && self.owned { &EFFECTS[..] } else { &EFFECTS[..1] };
        if self.faults > 0 {
            if !world.fetches.is_empty() {
                acts.push(Act::FetchFails);
            }
            if !world.commits.is_empty() {
                acts.extend([CommitResult::Refused, CommitResult::Full].map(Act::CommitFails));
                acts.extend([false, true].map(|happens| Act::CommitIsUnknown { happens }));
            }
            if runs.is_some() {
                acts.extend([Act::Busy, Act::Refuses]);
                acts.extend(effects.iter().copied().map(Act::Unknown));
                acts.extend(effects.iter().copied().map(Act::HostDies));
            }
            if matches!(runs, Some(Job::Remove { .. } | Job::Use { .. })) {
                acts.push(Act::LogInIsLost);
            }
            if self.asked.iter().any(|asked| self.is_open(asked)) {
                acts.push(Act::Leaves);
            }
        }
        // Between an answer and the next question nothing is different from before.
        if self.deaths > 0 && !(acts.is_empty() && self.life == 1) {
            let written = if world.commits.is_empty() { &[false][..] } else { &[false, true] };
            for written in written {
                acts.extend(effects.iter().map(|effects| Act::Dies { written: *written, effects: *effects }));
            }
        }
        acts
    }

    fn is_open(&self, asked: &Asked) -> bool {
        asked.told.is_none() && !asked.left && asked.life == self.life
    }

    fn act(&mut self, act: Act) {
        self.step += 1;
        match act {
            Act::Opens => {
                let host = self.world.opened.remove(0);
                self.world.open(host);
            }
            Act::Asks => {
                let ask = self.left.remove(0);
                let connection = self.world.ask("app", &ask.operation());
                let (life, at) = (self.life, self.step);
                self.asked.push(Asked { ask, connection, life, at, told: None, left: false });
            }
            Act::Fetches => {
                let row = self.disk.key.as_ref().map(|(_, record)| record.clone());
                self.world.fetched(row.map_or(Fetched::Absent, Fetched::Found));
            }
            Act::Lists => {
                let rows = match self.world.lists[0].1 {
                    Query::Unfinished { .. } => self.page.take().unwrap_or_default(),
                    _ => unreachable!("nobody lists keys"),
                };
                self.world.listed(Page::Unfinished(rows));
            }
            Act::Commits => {
                self.disk = self.truth.take().unwrap_or_else(|| self.disk.clone());
                let result = self.disk.apply(&self.world.commits[0].1);
                self.world.commit(result);
            }
            Act::Works => {
                let outcome = self.works();
                self.world.finish(outcome);
            }
            Act::Lands => self.lands(),
            Act::Waits => {
                let wake = self.world.wake.expect("something is due").0;
                self.world.now = self.world.now.max(wake - 1);
                self.world.step(Input::TimePassed);
            }
            wrong => self.goes_wrong(wrong),
        }
        if self.page.is_none() && !self.world.lists.is_empty() {
            self.page = Some(self.disk.unfinished.values().cloned().collect());
        }
        for (_, mutation) in &self.world.commits {
            if let Mutation::Retire(Unfinished { object, .. }) | Mutation::Delete { object, .. } = mutation {
                let uses = |job: &Job| matches!(job, Job::Use { key, .. } if key.object == *object);
                assert!(
                    !self.world.jobs.iter().any(|(_, _, job)| uses(job)),
                    "{object} is used and destroyed"
                );
            }
        }
        let step = self.step;
        for asked in self.asked.iter_mut().filter(|asked| asked.life == self.life && !asked.left) {
            if asked.told.is_none()
                && let Some(status) = self.world.status(asked.connection)
            {
                asked.told = Some((step, status));
                self.world.lose(asked.connection);
            }
        }
    }

    fn goes_wrong(&mut self, wrong: Act) {
        match wrong {
            Act::Dies { written, effects } => return self.dies(written, effects),
            Act::FetchFails => self.world.fetched(Fetched::Failed),
            Act::CommitFails(result) => {
                let failed = |asked: &Asked| asked.told.is_some_and(|(_, status)| status != Status::Success);
                let created = self.asked.iter().any(|asked| asked.ask == Ask::Generate && failed(asked));
                let takes = matches!(self.world.commits[0].1, Mutation::Retire(_) | Mutation::Delete { .. });
                self.unmaking_failed |= takes && created;
                self.world.commit(result);
            }
            Act::CommitIsUnknown { happens } => {
                let mut truth = self.truth.take().unwrap_or_else(|| self.disk.clone());
                if happens {
                    truth.apply(&self.world.commits[0].1);
                }
                self.truth = Some(truth);
                self.world.commit(CommitResult::Unknown);
            }
            Act::Busy => self.world.finish(Outcome::Busy),
            Act::Refuses => self.world.finish(Outcome::Refused(Status::PsaErrorHardwareFailure)),
            Act::LogInIsLost => {
                self.world.finish(Outcome::Absent { device: device(), login_confirmed: false });
            }
            Act::Unknown(effects) => {
                self.has(effects);
                self.world.finish(Outcome::Unknown);
            }
            Act::HostDies(effects) => {
                self.has(effects);
                self.world.host_dies();
            }
            _ => {
                let life = self.life;
                let mut open = self.asked.iter_mut().filter(|asked| asked.life == life && !asked.left);
                let asked = open.find(|asked| asked.told.is_none()).expect("one is open");
                asked.left = true;
                self.world.lose(asked.connection);
            }
        }
        self.faults -= 1;
    }

    /// The job that runs has its effect. What a healthy device answers.
    fn works(&mut self) -> Outcome {
        match &*self.world.jobs[0].2 {
            Job::Generate { object, .. } => {
                assert!(self.objects.insert(*object), "it was made before");
                let material = parsecd_core::record::SealedMaterial(b"sealed".to_vec());
                Outcome::Done(Effect::Made { attributes: signing_key(), public: vec![4; 65], material })
            }
            Job::Remove { object } if self.objects.remove(object) => Outcome::Done(Effect::Removed),
            Job::Use { key, .. } if self.objects.contains(&key.object) => signature(),
            _ => Outcome::Absent { device: device(), login_confirmed: true },
        }
    }

    fn has(&mut self, effects: Effects) {
        match effects {
            Effects::Nothing => {}
            Effects::All => drop(self.works()),
            Effects::Later => match &*self.world.jobs[0].2 {
                Job::Generate { object, .. } => self.late.push((*object, true)),
                Job::Remove { object } => self.late.push((*object, false)),
                _ => {}
            },
        }
    }

    fn lands(&mut self) {
        for (object, made) in std::mem::take(&mut self.late) {
            if made {
                self.objects.insert(object);
            } else {
                self.objects.remove(&object);
            }
        }
    }

    fn dies(&mut self, written: bool, effects: Effects) {
        self.disk = self.truth.take().unwrap_or_else(|| self.disk.clone());
        if written {
            for (_, mutation) in &self.world.commits {
                self.disk.apply(mutation);
            }
        }
        if !self.world.jobs.is_empty() {
            self.has(effects);
        }
        self.life += 1;
        self.page = None;
        self.deaths -= 1;
        self.world = Tale::daemon(self.owned, self.life);
    }

    /// Nothing happens any more: everything is as clients were told, and nothing is left behind.
    fn ends(&mut self) -> Result<(), String> {
        let exists = self.disk.key.is_some();
        let open = self.asked.iter().any(|asked| self.is_open(asked));
        let told: Vec<_> = self.asked.iter().map(|asked| (asked.ask, asked.told, asked.left)).collect();
        let recorded: BTreeSet<_> = self.disk.key.iter().map(|(object, _)| *object).collect();
        let clean = self.disk.unfinished.is_empty() && (!self.owned || self.objects == recorded);
        (self.faults, self.deaths) = (0, 0);
        let connection = self.world.ask("app", &sign("key"));
        while let Some(act) = self.acts().first().copied() {
            self.act(act);
        }
        let signs = self.world.status(connection);
        let expected = if exists { Status::Success } else { Status::PsaErrorDoesNotExist };
        let wrong = match () {
            () if open => "somebody was not answered",
            () if !clean => "something is left behind",
            () if signs != Some(expected) => "the key is neither usable nor gone",
            () if !self.may_be(exists) => "what was told does not lead there",
            () => return Ok(()),
        };
        Err(format!("{wrong}: exists {exists}, objects {:?}, told {told:?}", self.objects))
    }

    /// Whether an order of what was asked, in which nothing comes before what was over when it was asked, leads there.
    fn may_be(&self, exists: bool) -> bool {
        let mut left: Vec<usize> = (0..self.asked.len()).collect();
        self.may_follow((self.began_with_key, !self.began_with_key), &mut left, exists)
    }

    fn may_follow(&self, (there, absent): (bool, bool), left: &mut Vec<usize>, exists: bool) -> bool {
        if left.is_empty() {
            return if exists { there } else { absent };
        }
        (0..left.len()).any(|place| {
            let asked = &self.asked[left[place]];
            let over = |other: &usize| {
                let other = &self.asked[*other];
                other.life < asked.life || other.told.is_some_and(|(told, _)| told < asked.at)
            };
            if left.iter().enumerate().any(|(other, index)| other != place && over(index)) {
                return false;
            }
            let died = asked.life < self.life;
            let after = match (asked.ask, asked.told.map(|(_, status)| status)) {
                (Ask::Generate, Some(Status::Success)) => absent.then_some((true, false)),
                (Ask::Generate, Some(Status::PsaErrorAlreadyExists)) => there.then_some((true, false)),
                (Ask::Destroy, Some(Status::Success)) => there.then_some((false, true)),
                (Ask::Sign, Some(Status::Success)) => there.then_some((true, false)),
                (_, Some(Status::PsaErrorDoesNotExist)) => absent.then_some((false, true)),
                (Ask::Generate, None) => Some((true, absent)),
                (Ask::Generate, Some(_)) => {
                    Some((there || (absent && (died || self.unmaking_failed)), absent))
                }
                (Ask::Destroy, _) => Some((there, true)),
                (Ask::Sign, _) => Some((there, absent)),
            };
            let taken = left.remove(place);
            let leads = after.is_some_and(|after| self.may_follow(after, left, exists));
            left.insert(place, taken);
            leads
        })
    }
}

/// Lives through everything that may happen, each time from the beginning. How many ends there were.
fn every_order(owned: bool, with_key: bool, asks: &[Ask], faults: usize, deaths: usize) -> usize {
    let mut ends = 0;
    // At each step, which of how many acts.
    let mut path: Vec<(usize, usize)> = Vec::new();
    loop {
        let mut tale = Tale::begin(owned, with_key, asks, faults, deaths);
        let mut acts = Vec::new();
        loop {
            let depth = acts.len();
            assert!(depth < 200, "it never ends: {acts:?}");
            let may = tale.acts();
            // A death may come when nothing else does any more; then the story may also end.
            let over = may.iter().all(|act| matches!(act, Act::Dies { .. }));
            let count = may.len() + usize::from(over);
            if path.len() == depth {
                path.push((0, count));
            }
            let (choice, _) = path[depth];
            if over && choice == 0 {
                acts.push(Act::Waits);
                break;
            }
            let act = may[choice - usize::from(over)];
            acts.push(act);
            tale.act(act);
        }
        let ended = tale.ends();
        assert_eq!(ended, Ok(()), "owned {owned}, with a key {with_key}, {asks:?}: {acts:?}");
        ends += 1;
        while path.last().is_some_and(|(choice, count)| choice + 1 >= *count) {
            path.pop();
        }
        match path.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return ends,
        }
    }
}

fn everywhere(asks: &[Ask], faults: usize, deaths: usize) -> usize {
    let places = [(false, false), (false, true), (true, false), (true, true)];
    places.into_iter().map(|(owned, with_key)| every_order(owned, with_key, asks, faults, deaths)).sum()
}

const ALL: [Ask; 3] = [Ask::Generate, Ask::Destroy, Ask::Sign];

fn each(faults: usize, deaths: usize) -> usize {
    ALL.iter().map(|ask| everywhere(&[*ask], faults, deaths)).sum()
}

fn pairs(faults: usize, deaths: usize) -> usize {
    let pairs = ALL.iter().flat_map(|one| ALL.map(|other| [*one, other]));
    pairs.map(|pair| everywhere(&pair, faults, deaths)).sum()
}

#[test]
fn one_request_is_done_or_not_done_with_three_deaths() {
    assert!(each(0, 3) > 5000);
}

#[test]
fn one_request_is_done_or_not_done_with_a_fault_and_two_deaths() {
    assert!(each(1, 2) > 20_000);
}

#[test]
fn one_request_is_done_or_not_done_with_two_faults() {
    assert!(each(2, 0) > 1000);
}

#[test]
fn two_requests_are_done_or_not_done_in_every_order_with_a_fault_or_a_death() {
    let (faults, deaths) = (pairs(1, 0), pairs(0, 1));
    assert!(faults > 1000 && deaths > 1000, "{faults} and {deaths}");
}
