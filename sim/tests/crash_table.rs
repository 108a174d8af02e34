//! The table of crashes: in whole for one request, as a sample for two and three. `parsecd-sim --crash-table`
//! tells all of it.

use parsecd_sim::crash_table::explore::{Explored, Explorer, Limits};
use parsecd_sim::crash_table::requests;
use parsecd_sim::fork::Death;
use parsecd_sim::provider::{JobFault, Left};
use parsecd_sim::scenario::{Life, Request, Story};
use parsecd_wire::Status;

type Known = Vec<(String, Option<String>)>;

fn explore(stories: &[Story], deaths: usize, faults: usize, merged: bool) -> (Explored, Known) {
    let explorer = Explorer::new(Limits { deaths, faults, merged });
    let mut explored = Explored::default();
    stories.iter().for_each(|story| explorer.explore(story, &mut explored));
    assert_eq!(explored.broken, None);
    (explored, explorer.known())
}

fn difference(some: &[String], others: &[String]) -> Option<String> {
    let missing = some.iter().find(|one| !others.contains(one));
    missing.or(others.iter().find(|one| !some.contains(one))).cloned()
}

fn names(known: Known) -> Vec<String> {
    known.into_iter().map(|(remains, _)| remains).collect()
}

#[test]
fn without_a_death_every_request_succeeds() {
    for owning in [false, true] {
        for request in Request::ALL {
            let lived = Story::of(owning, request).tell().expect("its only life does not end early");
            assert_eq!(lived.ending.told, [Some(Status::Success)], "{request:?}");
            assert_eq!(lived.broken, None, "{request:?}");
        }
    }
}

#[test]
fn a_request_is_done_or_not_done_after_two_deaths() {
    let (explored, _) = explore(&requests(1), 2, 0, true);
    assert!(explored.deaths > 5000 && explored.remains > 1000, "{explored:?}");
}

#[test]
fn a_request_is_done_or_not_done_after_a_death_and_a_fault() {
    let (explored, _) = explore(&requests(1), 1, 1, true);
    assert!(explored.deaths > 4000 && explored.lives > 3000, "{explored:?}");
}

#[test]
fn several_requests_are_done_or_not_done() {
    let two: Vec<_> = requests(2).into_iter().step_by(3).collect();
    let three: Vec<_> = requests(3).into_iter().step_by(23).collect();
    assert!(explore(&two, 1, 0, true).0.deaths > 2000);
    assert!(explore(&three, 1, 0, true).0.deaths > 2000);
}

#[test]
fn the_same_comes_of_what_is_the_same_although_something_else_was_before_it() {
    let stories = [requests(1), requests(2).into_iter().step_by(5).collect()].concat();
    // Everything is told and compared where nothing is merged.
    let (all, everything) = explore(&stories, 1, 0, false);
    let (merged, once) = explore(&stories, 1, 0, true);
    assert!(all.lives > 3 * merged.lives, "{all:?} and {merged:?}");
    let everything = names(everything);
    assert_eq!(difference(&everything, &names(once)), None);
    let backwards: Vec<_> = stories.into_iter().rev().collect();
    assert_eq!(difference(&everything, &names(explore(&backwards, 1, 0, true).1)), None);
}

/// The story of a key of the provider that owns its objects, with such lives.
fn generating(lives: Vec<Life>) -> Story {
    Story { lives, ..Story::of(true, Request::Generate) }
}

#[test]
fn a_story_is_told_again_as_it_was_found() {
    let hangs = Life { jobs: vec![JobFault::Hangs], killed: Left::Later, ..Life::default() };
    let dies = |after| Death { after, keeps: 0, doubt: 0, cut: None, lands: false };
    let mut died = 0;
    for after in 1..40 {
        let first = Life { death: Some(dies(after)), ..hangs.clone() };
        let second = Life { other_device: true, death: Some(dies(9)), ..Life::default() };
        if let Some(lived) = generating(vec![first, second, Life::default()]).tell() {
            assert_eq!(lived.broken, None, "{after}");
            died += 1;
        }
    }
    assert!(died > 3, "{died} deaths");
}
