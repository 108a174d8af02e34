//! One request, the daemon dying after every input and every output, with each state that may be persisted;
//! twice in a row, and while it recovers. What must be the case in the end is the table of the simulator.

use parsecd_sim::provider::JobFault;
use parsecd_sim::scenario::{Ending, Request, Story};
use parsecd_wire::Status;

/// How the job of a request may go where the provider owns its objects.
const JOBS: [JobFault; 6] = [
    JobFault::None,
    JobFault::UnknownBefore,
    JobFault::UnknownHalfway,
    JobFault::UnknownAfter,
    JobFault::HostDiesHalfway,
    JobFault::LandsLate,
];

fn check(story: &Story, ending: &Ending) {
    let told = |text: &str| format!("{text}: {story:?} ended as {ending:?}");
    assert!(ending.violations.is_empty(), "{}", told("an invariant is broken"));
    let done = ending.told == Some(Status::Success);
    match story.request {
        Request::Generate | Request::Import => {
            assert!(!done || ending.exists, "{}", told("an acknowledged key is lost"));
            let again = if ending.exists { Status::PsaErrorAlreadyExists } else { Status::Success };
            assert_eq!(ending.again, Some(again), "{}", told("the name is neither taken nor free"));
        }
        Request::Destroy => {
            assert!(!done || !ending.exists, "{}", told("a destroyed key is back"));
            let again = if ending.exists { Status::Success } else { Status::PsaErrorDoesNotExist };
            assert_eq!(ending.again, Some(again), "{}", told("the key is neither usable nor gone"));
        }
        Request::Sign => {
            assert!(ending.exists, "{}", told("a key that was only used is lost"));
            assert_eq!(ending.again, Some(Status::Success), "{}", told("the key does not sign"));
        }
    }
    if ending.crashes == 0 && matches!(ending.told, Some(status) if status != Status::Success) {
        let nothing = matches!(story.request, Request::Generate | Request::Import);
        assert!(!nothing || !ending.exists, "{}", told("a creation that failed left a key"));
    }
}

/// Tells a story with a crash at each point, and, from each, with a second crash at each point of recovery.
fn every_crash(base: &Story, twice: bool) -> u64 {
    let mut stories = 0;
    for first in 1.. {
        let once = Story { crashes: vec![first], ..base.clone() };
        let ending = once.tell();
        check(&once, &ending);
        stories += 1;
        if ending.crashes == 0 {
            assert!(first > 5, "the request was answered before anything happened");
            break;
        }
        for second in (1..).take_while(|_| twice) {
            let again = Story { crashes: vec![first, second], ..base.clone() };
            let ending = again.tell();
            check(&again, &ending);
            stories += 1;
            if ending.crashes < 2 {
                break;
            }
        }
    }
    stories
}

fn stories(owning: bool, request: Request) -> Vec<Story> {
    let jobs: &[JobFault] = match (owning, request) {
        (true, Request::Generate | Request::Import | Request::Destroy) => &JOBS,
        _ => &JOBS[..2],
    };
    let mut all = Vec::new();
    for job in jobs {
        for keeps_pending in [false, true] {
            let jobs = vec![*job];
            all.push(Story {
                owning,
                request,
                jobs,
                other_device: false,
                keeps_pending,
                crashes: Vec::new(),
            });
        }
    }
    all
}

#[test]
fn without_a_crash_every_request_succeeds() {
    for owning in [false, true] {
        for request in Request::ALL {
            let story = Story { jobs: Vec::new(), ..stories(owning, request).remove(0) };
            let ending = story.tell();
            check(&story, &ending);
            assert_eq!(ending.told, Some(Status::Success), "{story:?}");
        }
    }
}

#[test]
fn sealed_keys_are_there_or_not_there_after_any_two_crashes() {
    let all = Request::ALL.into_iter().flat_map(|request| stories(false, request));
    let told: u64 = all.map(|story| every_crash(&story, true)).sum();
    assert!(told > 500, "{told} stories");
}

#[test]
fn owned_keys_leave_no_orphan_and_nothing_dangling_after_any_two_crashes() {
    let all = Request::ALL.into_iter().flat_map(|request| stories(true, request));
    let told: u64 = all.map(|story| every_crash(&story, true)).sum();
    assert!(told > 500, "{told} stories");
}

#[test]
fn another_device_after_a_crash_finishes_nothing_until_the_right_one_is_back() {
    for request in Request::ALL {
        for story in stories(true, request) {
            every_crash(&Story { other_device: true, ..story }, false);
        }
    }
}

#[test]
fn a_lost_login_after_a_crash_forgets_nothing() {
    for request in [Request::Generate, Request::Destroy] {
        for story in stories(true, request) {
            let jobs = vec![story.jobs[0], JobFault::LoginLost, JobFault::LoginLost];
            every_crash(&Story { jobs, ..story }, false);
        }
    }
}
