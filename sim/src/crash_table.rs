//! Stories of up to three requests, the daemon dying after every input and every output, with each state that
//! may be persisted; twice in a row, and while it recovers. What may be the case in the end follows from what
//! was asked and told.

use crate::provider::JobFault;
use crate::scenario::{Ending, Request, Story};
use crate::store::GroupFate;
use parsecd_wire::Status;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How jobs may go where the provider owns its objects.
const OWNED_JOBS: [JobFault; 6] = [
    JobFault::None,
    JobFault::UnknownBefore,
    JobFault::UnknownHalfway,
    JobFault::UnknownAfter,
    JobFault::HostDiesHalfway,
    JobFault::LandsLate,
];

/// Points at which the daemon dies.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Every so manieth input or output of the requests.
    pub first: u64,
    /// Every so manieth one after the restart; `None`: it dies once.
    pub second: Option<u64>,
}

/// What came of a row of the table.
#[derive(Debug, Default)]
pub struct Told {
    /// Stories that were told.
    pub stories: u64,
    /// The first that ended as it must not, and how.
    pub broken: Option<String>,
}

/// Stories of one request, with every fault of its job and of its first commit.
pub fn one_request() -> Vec<Story> {
    let mut all = Vec::new();
    for owning in [false, true] {
        for request in Request::ALL {
            let jobs = if owning && request != Request::Sign { &OWNED_JOBS[..] } else { &OWNED_JOBS[..2] };
            for job in jobs {
                all.push(Story { jobs: vec![*job], ..Story::of(owning, request) });
            }
            for doubt_choice in [0, 1] {
                let groups = vec![GroupFate::Unknown];
                all.push(Story { groups, doubt_choice, ..Story::of(owning, request) });
            }
        }
    }
    all.into_iter().flat_map(both_persisted).collect()
}

/// Stories of `count` requests, one after another and at one time, with and without the key before.
pub fn requests(count: u32) -> Vec<Story> {
    let kinds = Request::ALL.len();
    let mut all = Vec::new();
    for number in 0..kinds.pow(count) {
        let digits = (0..count).map(|place| number / kinds.pow(place) % kinds);
        let requests: Vec<Request> = digits.map(|digit| Request::ALL[digit]).collect();
        for variant in 0..8 {
            let [owning, together, begins_with_key] = [1, 2, 4].map(|bit| variant & bit != 0);
            let base = Story::of(owning, requests[0]);
            all.push(Story { together, begins_with_key, requests: requests.clone(), ..base });
        }
    }
    all.into_iter().flat_map(both_persisted).collect()
}

/// The same with every fault of the first job, where the provider owns its objects; the same fault strikes the
/// second job, too.
pub fn with_faults(stories: Vec<Story>) -> Vec<Story> {
    let owned = stories.into_iter().filter(|story| story.owning);
    let faulty = |story: Story| {
        let jobs = OWNED_JOBS.into_iter().skip(1);
        jobs.map(move |job| Story { jobs: vec![job, job], ..story.clone() })
    };
    owned.flat_map(faulty).collect()
}

fn both_persisted(story: Story) -> [Story; 2] {
    [false, true].map(|keeps_pending| Story { keeps_pending, ..story.clone() })
}

/// Tells stories on all cores with crashes at such points. `progress` is told how many are done.
pub fn tell(stories: &[Story], points: Points, progress: impl Fn(usize) + Sync) -> Told {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut told = Told::default();
        while let Some(story) = stories.get(next.fetch_add(1, Ordering::Relaxed)) {
            told.add(every_crash(story, points));
            progress(next.load(Ordering::Relaxed).min(stories.len()));
        }
        told
    };
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    let mut all = Told::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let told = workers.into_iter().map(|worker| worker.join());
        told.for_each(|told| all.add(told.expect("a story does not stop its thread")));
    });
    all
}

/// Tells a story with a crash at each point, and, from each that leaves something else than those before, with a
/// second crash at each point of recovery.
pub fn every_crash(base: &Story, points: Points) -> Told {
    let mut told = Told::default();
    let mut first = 1;
    let mut known = BTreeSet::new();
    while told.broken.is_none() {
        let once = Story { crashes: vec![first], ..base.clone() };
        let Some((died, remains)) = told.tell(&once) else { break };
        if died == 0 {
            break;
        }
        let new = remains.is_none_or(|remains| known.insert(remains));
        let mut second = 1 + first % points.second.unwrap_or(1);
        while let Some(step) = points.second.filter(|_| new && told.broken.is_none()) {
            let twice = Story { crashes: vec![first, second], ..base.clone() };
            if told.tell(&twice).is_none_or(|(died, _)| died < 2) {
                break;
            }
            second += step;
        }
        first += points.first;
    }
    told
}

impl Told {
    /// Tells one story; returns how often the daemon died in it, and what it left the first time.
    fn tell(&mut self, story: &Story) -> Option<(u64, Option<u64>)> {
        self.stories += 1;
        match catch_unwind(AssertUnwindSafe(|| story.tell())) {
            Ok(ending) => {
                self.broken = self.broken.take().or(judge(story, &ending).err());
                Some((ending.crashes, ending.remains))
            }
            Err(_) => {
                self.broken.get_or_insert(format!("a panic ends {story:?}"));
                None
            }
        }
    }

    /// Adds what was told elsewhere.
    pub fn add(&mut self, other: Told) {
        self.stories += other.stories;
        self.broken = self.broken.take().or(other.broken);
    }
}

/// Whether a story may end so.
pub fn judge(story: &Story, ending: &Ending) -> Result<(), String> {
    let wrong = |text: &str| Err(format!("{text}: {story:?} ended as {ending:?}"));
    if !ending.violations.is_empty() {
        return wrong("an invariant is broken");
    }
    let (signs, makes) = match ending.exists {
        true => (Status::Success, Status::PsaErrorAlreadyExists),
        false => (Status::PsaErrorDoesNotExist, Status::Success),
    };
    // A later request may have made the key on the other device.
    let elsewhere = story.other_device && !story.together && ending.exists && story.requests.len() > 1;
    let quarantined = elsewhere && ending.signs == Some(Status::PsaErrorHardwareFailure);
    if !(ending.signs == Some(signs) || quarantined) || ending.makes != Some(makes) {
        return wrong("the key is neither usable nor gone");
    }
    let answers: Vec<_> = story.requests.iter().copied().zip(ending.told.iter().copied()).collect();
    let orders = if story.together { permutations(&answers) } else { vec![answers] };
    let crashed = ending.crashes > 0;
    if orders.iter().any(|order| may_end(story.begins_with_key, order, crashed, ending.exists)) {
        Ok(())
    } else {
        wrong("what was told does not lead there")
    }
}

/// Whether the key is there, as far as that is known: it may be there, it may be absent.
#[derive(Clone, Copy, Debug)]
struct May {
    be_there: bool,
    be_absent: bool,
}

/// Whether requests that were answered so, in this order, may leave the key there or not.
fn may_end(there: bool, order: &[(Request, Option<Status>)], crashed: bool, exists: bool) -> bool {
    let mut may = May { be_there: there, be_absent: !there };
    for (request, told) in order {
        let makes = matches!(request, Request::Generate | Request::Import);
        match told {
            Some(Status::Success) if makes => {
                if !may.be_absent {
                    return false;
                }
                may = May { be_there: true, be_absent: false };
            }
            Some(Status::PsaErrorAlreadyExists) if makes => may.be_absent = false,
            Some(Status::PsaErrorDoesNotExist) => may.be_there = false,
            Some(Status::Success) => {
                if !may.be_there {
                    return false;
                }
                let destroys = *request == Request::Destroy;
                may = May { be_there: !destroys, be_absent: destroys };
            }
            Some(_) | None if *request == Request::Destroy => may.be_absent |= may.be_there,
            Some(_) if makes => may.be_there |= may.be_absent && crashed,
            None if makes => may.be_there |= may.be_absent,
            _ => {}
        }
    }
    if exists { may.be_there } else { may.be_absent }
}

fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for shorter in permutations(rest) {
        for place in 0..=shorter.len() {
            let mut longer = shorter.clone();
            longer.insert(place, first.clone());
            all.push(longer);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_bounds_what_may_be() {
        let made = (Request::Generate, Some(Status::Success));
        let destroyed = (Request::Destroy, Some(Status::Success));
        let lost = (Request::Destroy, None);
        assert!(may_end(false, &[made], false, true));
        assert!(!may_end(false, &[made], true, false));
        assert!(!may_end(true, &[made], false, true));
        assert!(!may_end(false, &[made, destroyed], true, true));
        assert!(may_end(false, &[made, lost], true, true) && may_end(false, &[made, lost], true, false));
        let failed = (Request::Generate, Some(Status::PsaErrorCommunicationFailure));
        assert!(!may_end(false, &[failed], false, true));
        assert!(may_end(false, &[failed], true, true));
    }

    #[test]
    fn three_things_have_six_orders() {
        let mut orders = permutations(&[1, 2, 3]);
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(orders.len(), 6);
    }
}
