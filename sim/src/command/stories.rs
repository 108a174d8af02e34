//! The table of crashes, all of it.

use crate::crash_table::{Points, one_request, requests, tell, with_faults};
use crate::scenario::Story;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

const TWICE: Points = Points { first: 1, second: Some(1) };
const ONCE: Points = Points { first: 1, second: None };

/// Tells every story and says how many there were, or how the first one ended that must not end so.
pub fn tell_all() -> ExitCode {
    let elsewhere = |stories: Vec<Story>| {
        let owned = stories.into_iter().filter(|story| story.owning);
        owned.map(|story| Story { other_device: true, ..story }).collect::<Vec<_>>()
    };
    let rows = [
        ("one request, every fault of its job or commit, two crashes", one_request(), TWICE),
        ("two requests, two crashes", requests(2), TWICE),
        ("two requests, jobs that go wrong, two crashes", with_faults(requests(2)), TWICE),
        (
            "up to two requests, another device after a crash",
            elsewhere([one_request(), requests(2)].concat()),
            ONCE,
        ),
        ("three requests, jobs that go wrong, one crash", with_faults(requests(3)), ONCE),
        ("three requests, two crashes", requests(3), TWICE),
    ];
    let mut code = ExitCode::SUCCESS;
    for (name, stories, points) in rows {
        let started = Instant::now();
        let shown = std::io::stderr().is_terminal();
        let told = tell(&stories, points, |done| {
            if shown {
                eprint!("\r{done:>6} of {} ", stories.len());
                drop(std::io::stderr().flush());
            }
        });
        if shown {
            eprint!("\r{:30}\r", "");
        }
        println!("{:>9} stories in {:>6.1} s: {name}", told.stories, started.elapsed().as_secs_f64());
        if let Some(broken) = told.broken {
            println!("FAILED: {broken}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
