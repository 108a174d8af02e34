//! Everything that may come of a story: each death from where each death left it, and each fault at each place.

use crate::fork::Deaths;
use crate::provider::{JobFault, Left};
use crate::scenario::{Life, Lived, Stand, Story};
use crate::store::GroupFate;
use parsecd_wire::Status;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// How the jobs of a provider that keeps its objects may go wrong, and what comes of one whose host is killed.
const OWNED: &[(&[JobFault], Left)] = &[
    (&[JobFault::HostDiesBefore], Left::Nothing),
    (&[JobFault::HostDiesAfter], Left::Nothing),
    (&[JobFault::HostDiesHalfway], Left::Nothing),
    (&[JobFault::LandsLate], Left::Nothing),
    (&[JobFault::Busy], Left::Nothing),
    (&[JobFault::UnknownBefore], Left::Nothing),
    (&[JobFault::UnknownHalfway], Left::Nothing),
    (&[JobFault::UnknownAfter], Left::Nothing),
    (&[JobFault::Refused(Status::PsaErrorHardwareFailure)], Left::Nothing),
    (&[JobFault::Rebuild], Left::Nothing),
    (&[JobFault::LoginLost], Left::Nothing),
    (&[JobFault::LoginLost, JobFault::LoginLost, JobFault::LoginLost], Left::Nothing),
    (&[JobFault::Hangs], Left::Nothing),
    (&[JobFault::Hangs], Left::Half),
    (&[JobFault::Hangs], Left::Whole),
    (&[JobFault::Hangs], Left::Later),
];

/// The same where nothing is kept.
const SEALED: &[(&[JobFault], Left)] = &[
    (&[JobFault::HostDiesBefore], Left::Nothing),
    (&[JobFault::Busy], Left::Nothing),
    (&[JobFault::UnknownBefore], Left::Nothing),
    (&[JobFault::Refused(Status::PsaErrorHardwareFailure)], Left::Nothing),
    (&[JobFault::Rebuild], Left::Nothing),
    (&[JobFault::WrongLength], Left::Nothing),
    (&[JobFault::Hangs], Left::Nothing),
];

/// How a group commit may go wrong, and what a restart or a later commit finds.
const GROUPS: [(GroupFate, u64); 5] = [
    (GroupFate::Refused, 0),
    (GroupFate::Full, 0),
    (GroupFate::FullForAll, 0),
    (GroupFate::Unknown, 0),
    (GroupFate::Unknown, 1),
];

/// How much goes wrong in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deaths of the daemon, one after another.
    pub deaths: usize,
    /// Faults: of a job, of a group commit, another device in a life.
    pub faults: usize,
    /// Whether what leaves the same is told once. Otherwise everything is told, and compared.
    pub merged: bool,
}

/// What came of stories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Lives that were lived to the end of their story.
    pub lives: u64,
    /// Deaths that were looked at.
    pub deaths: u64,
    /// Different things that deaths left, and different things before them.
    pub remains: u64,
    /// The first story that ended as it must not, and how.
    pub broken: Option<String>,
}

impl Explored {
    /// Adds what was told elsewhere.
    pub fn add(&mut self, other: Explored) {
        self.lives += other.lives;
        self.deaths += other.deaths;
        self.remains += other.remains;
        self.broken = self.broken.take().or(other.broken);
    }
}

/// Goes through stories and knows what it has seen.
#[derive(Debug)]
pub struct Explorer {
    limits: Limits,
    /// What was left and what was before it, and, where nothing is merged, all that came of it.
    known: Mutex<HashMap<String, Option<String>>>,
}

/// From where a story goes on.
struct Task {
    stand: Stand,
    lives: Vec<Life>,
    remains: String,
    deaths: usize,
    faults: usize,
}

impl Explorer {
    /// Has seen nothing.
    pub fn new(limits: Limits) -> Self {
        Explorer { limits, known: Mutex::default() }
    }

    /// What was left and came of it, in order: the same whatever the order in which stories were told.
    pub fn known(self) -> Vec<(String, Option<String>)> {
        let known = self.known.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut known: Vec<_> = known.into_iter().collect();
        known.sort_unstable();
        known
    }

    /// Tells everything that may come of a story.
    pub fn explore(&self, story: &Story, explored: &mut Explored) {
        let Limits { deaths, faults, .. } = self.limits;
        let beginning =
            Task { stand: story.begin(), lives: Vec::new(), remains: String::new(), deaths, faults };
        let mut tasks = vec![beginning];
        while let Some(task) = tasks.pop().filter(|_| explored.broken.is_none()) {
            let mut outcome = String::new();
            for hurried in [false, true] {
                if hurried && task.stand.left.is_empty() {
                    continue;
                }
                for other_device in [false, true] {
                    let used = usize::from(other_device);
                    if used <= task.faults && (story.owning || !other_device) {
                        let life = Life { hurried, other_device, ..Life::default() };
                        let mut walk =
                            Walk { explorer: self, story, task: &task, tasks: &mut tasks, explored };
                        walk.live(life, task.faults - used, &mut outcome);
                    }
                }
            }
            if !self.limits.merged && !task.remains.is_empty() {
                self.compare(task, outcome, explored);
            }
        }
    }

    /// Whether this was never left before.
    fn is_new(&self, remains: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = !known.contains_key(remains);
        if new {
            known.insert(remains.to_owned(), None);
        }
        new || !self.limits.merged
    }

    fn compare(&self, task: Task, outcome: String, explored: &mut Explored) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.entry(task.remains).or_default();
        match before {
            Some(before) if *before != outcome => {
                let text = format!("the same is left after {:?}, and something else comes of it", task.lives);
                explored.broken.get_or_insert(format!("{text}: {outcome} and not {before}"));
            }
            Some(_) => {}
            None => *before = Some(outcome),
        }
    }
}

/// Tells the lives that may follow a death.
struct Walk<'a> {
    explorer: &'a Explorer,
    story: &'a Story,
    task: &'a Task,
    tasks: &'a mut Vec<Task>,
    explored: &'a mut Explored,
}

impl Walk<'_> {
    /// Lives this life, and those that have so many faults more, each after those it has.
    fn live(&mut self, life: Life, faults: usize, outcome: &mut String) {
        let Walk { story, task, .. } = *self;
        let merged = self.explorer.limits.merged;
        let deaths = (task.deaths > 0).then_some(if merged { Deaths::Different } else { Deaths::All });
        self.explored.lives += 1;
        let lived = catch_unwind(AssertUnwindSafe(|| story.live(&task.stand, &life, deaths)));
        let Ok(Lived { ending, deaths, tried, begun, broken }) = lived else {
            return self.breaks("a panic", &life);
        };
        self.explored.deaths += tried;
        if let Some(broken) = broken {
            return self.breaks(&broken, &life);
        }
        if !merged {
            let left: Vec<_> = deaths.iter().map(|(_, remains, _)| remains).collect();
            *outcome += &format!("{life:?} {ending:?} {begun:?} {left:?}\n");
        }
        for (death, remains, stand) in deaths {
            let (asked, may, deaths) = (&stand.left, &stand.may, task.deaths - 1);
            let owning = story.owning;
            let remains = format!("{owning} {asked:?} {may:?} {deaths} deaths {faults} faults\n{remains}");
            if self.explorer.is_new(&remains) {
                self.explored.remains += 1;
                let mut lives = task.lives.clone();
                lives.push(Life { death: Some(death), ..life.clone() });
                self.tasks.push(Task { stand, lives, remains, deaths, faults });
            }
        }
        if faults > 0 {
            self.fault(&life, begun, faults - 1, outcome);
        }
    }

    /// The same life with one fault more: of a job if no group has one, else of a later group.
    fn fault(&mut self, life: &Life, begun: (usize, usize), faults: usize, outcome: &mut String) {
        let kinds = if self.story.owning { OWNED } else { SEALED };
        let jobs = if life.groups.is_empty() { life.jobs.len()..begun.0 } else { 0..0 };
        for place in jobs {
            for (kind, killed) in kinds {
                let mut jobs = life.jobs.clone();
                jobs.resize(place, JobFault::None);
                jobs.extend_from_slice(kind);
                self.live(Life { jobs, killed: *killed, ..life.clone() }, faults, outcome);
            }
        }
        for place in life.groups.len()..begun.1 {
            for (fate, doubt) in GROUPS {
                let mut groups = life.groups.clone();
                groups.resize(place, GroupFate::Normal);
                groups.push(fate);
                // What the truth is was told by the first of two that nobody knows of.
                let doubt = if life.groups.contains(&GroupFate::Unknown) { life.doubt } else { doubt };
                self.live(Life { groups, doubt, ..life.clone() }, faults, outcome);
            }
        }
    }

    fn breaks(&mut self, how: &str, life: &Life) {
        let mut lives = self.task.lives.clone();
        lives.push(life.clone());
        let story = Story { lives, ..self.story.clone() };
        self.explored.broken.get_or_insert(format!("{how}\n{story:?}"));
    }
}
