//! Stories of up to three requests, the daemon dying after every input and every output, with each state that
//! may be persisted and each thing that may come of what runs; again while it recovers, and again after that.
//! What may be the case in the end follows from what was asked and told.
//!
//! A story is told from where the daemon died, not from its beginning, and only once for all stories that leave
//! the same and have the same before them (`remains.rs` says what the same is, and why that is enough).

pub mod explore;
pub mod may;
pub mod remains;

use crate::scenario::{Request, Story};
use explore::{Explored, Explorer, Limits};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Stories with the same requests in every order, and what may go wrong in each.
#[derive(Clone, Debug)]
pub struct Row {
    /// What they have in common.
    pub name: &'static str,
    /// How they begin.
    pub stories: Vec<Story>,
    /// How much goes wrong.
    pub limits: Limits,
}

/// How many requests are asked at one time.
pub const SHAPES: [&[&[usize]]; 3] = [&[&[1]], &[&[1, 1], &[2]], &[&[1, 1, 1], &[2, 1], &[1, 2], &[3]]];

/// Every story of `count` requests: one after another and at one time, with and without the key before.
pub fn requests(count: usize) -> Vec<Story> {
    let kinds = Request::ALL.len();
    let mut all = Vec::new();
    for shape in SHAPES[count - 1] {
        for number in 0..kinds.pow(count as u32) {
            let digits = (0..count).map(|place| number / kinds.pow(place as u32) % kinds);
            let mut requests = digits.map(|digit| Request::ALL[digit]);
            let asked: Vec<Vec<_>> =
                shape.iter().map(|size| requests.by_ref().take(*size).collect()).collect();
            for variant in 0..4 {
                let (owning, begins_with_key) = (variant & 1 != 0, variant & 2 != 0);
                let asked = asked.clone();
                all.push(Story { owning, begins_with_key, asked, lives: Vec::new() });
            }
        }
    }
    all
}

/// The whole table.
pub fn rows() -> Vec<Row> {
    let row = |name, count, deaths, faults| {
        let limits = Limits { deaths, faults, merged: true };
        Row { name, stories: requests(count), limits }
    };
    vec![
        row("one request, two deaths", 1, 2, 0),
        row("two requests, one death", 2, 1, 0),
        row("three requests, one death", 3, 1, 0),
        row("one request, one death, two faults", 1, 1, 2),
        row("one request, three deaths, one fault", 1, 3, 1),
        row("two requests, two deaths, one fault", 2, 2, 1),
        row("three requests, two deaths", 3, 2, 0),
        row("three requests, one death, one fault", 3, 1, 1),
    ]
}

/// Tells the stories of a row on so many threads. `progress` is told how many are done.
pub fn tell(row: &Row, threads: usize, progress: impl Fn(usize) + Sync) -> Explored {
    let explorer = Explorer::new(row.limits);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut explored = Explored::default();
        while let Some(story) = row.stories.get(next.fetch_add(1, Ordering::Relaxed)) {
            explorer.explore(story, &mut explored);
            progress(next.load(Ordering::Relaxed).min(row.stories.len()));
        }
        explored
    };
    let mut all = Explored::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let explored = workers.into_iter().map(|worker| worker.join());
        explored.for_each(|explored| all.add(explored.expect("a story does not stop its thread")));
    });
    all
}
