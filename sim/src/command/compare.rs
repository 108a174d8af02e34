//! Two processes that should have done the same: which worlds differ, and where the first of them begins to.

use super::hashes::Line;
use crate::run::run;
use crate::trace::{Checkpoint, Telling};
use std::process::Command;

/// Tells which of our worlds differ from the `expected` ones; of the first, also where it begins to, if the
/// other build is there to ask. Returns how many differ.
pub fn differences(ours: &[Line], expected: &[Line], program: Option<&str>) -> Result<usize, String> {
    let mut expected = expected.to_vec();
    expected.sort_unstable_by_key(|line| (line.seed, line.budget));
    let mut first = None;
    let mut count = 0;
    for line in ours {
        let key = (line.seed, line.budget);
        let index = expected.binary_search_by_key(&key, |line| (line.seed, line.budget));
        let other = index.map(|index| expected[index]).map_err(|_| format!("{key:?} was not asked for"))?;
        if other != *line {
            count += 1;
            first.get_or_insert((*line, other));
        }
    }
    match first {
        None => eprintln!("{} worlds: all hashes are equal", ours.len()),
        Some((ours, theirs)) => {
            println!("FAILED: {count} worlds differ; the first: {ours:x?}, the other {theirs:x?}");
            tell_first_difference(ours.seed, ours.budget, program)?;
        }
    }
    Ok(count)
}

/// Tells where a world begins to differ, or how to find out if the other build is not there to ask.
pub fn tell_first_difference(seed: u64, budget: u64, program: Option<&str>) -> Result<(), String> {
    match program {
        Some(program) => println!("{}", first_difference(seed, budget, program)?),
        None => println!(
            "compare on both: parsecd-sim --seed {seed} --budget {budget} --checkpoints, then --log FIRST LAST"
        ),
    }
    Ok(())
}

/// The first event of a world that differs between us and another build.
fn first_difference(seed: u64, budget: u64, program: &str) -> Result<String, String> {
    let world = ["--seed".to_owned(), seed.to_string(), "--budget".to_owned(), budget.to_string()];
    let ask = |more: &[String]| -> Result<String, String> {
        let answer = Command::new(program).args(&world).args(more).output();
        let answer = answer.map_err(|error| format!("{program}: {error}"))?;
        Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
    };
    let ours = run(seed, budget, Telling::Nothing).checkpoints;
    let theirs = ask(&["--checkpoints".to_owned()])?;
    let (from, to) = interval(&ours, &theirs);
    let other = ask(&["--log".to_owned(), from.to_string(), to.to_string()])?;
    let own = run(seed, budget, Telling::Between(from, to)).told;
    Ok(first_line(&own, &other))
}

/// The events between the last checkpoint that is equal and the first that is not.
fn interval(ours: &[Checkpoint], theirs: &str) -> (u64, u64) {
    let ours: Vec<_> =
        ours.iter().map(|point| (point.event, format!("{} {:016x}", point.event, point.hash))).collect();
    let equal = ours.iter().zip(theirs.lines()).take_while(|((_, own), other)| own == other).count();
    let from = equal.checked_sub(1).map_or(0, |last| ours[last].0);
    (from, ours.get(equal).map_or(u64::MAX, |(event, _)| *event))
}

fn first_line(own: &[String], other: &str) -> String {
    let mut theirs = other.lines();
    for line in own {
        match theirs.next() {
            Some(other) if other == line => {}
            other => return format!("here:  {line}\nthere: {}", other.unwrap_or("nothing more happens")),
        }
    }
    match theirs.next() {
        Some(more) => format!("here:  nothing more happens\nthere: {more}"),
        None => "every event is the same: only the state differs".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_are_cut_down_to_the_first_line_that_differs() {
        let ours = [Checkpoint { event: 10, hash: 1 }, Checkpoint { event: 20, hash: 2 }];
        let line = |event: u64, hash: u64| format!("{event} {hash:016x}\n");
        assert_eq!(interval(&ours, &(line(10, 1) + &line(20, 3))), (10, 20));
        assert_eq!(interval(&ours, &line(10, 9)), (0, 10));
        assert_eq!(interval(&ours, &(line(10, 1) + &line(20, 2))), (20, u64::MAX));
        let own = ["one".to_owned(), "two".to_owned()];
        assert_eq!(first_line(&own, "one\nzwei\n"), "here:  two\nthere: zwei");
        assert_eq!(first_line(&own, "one\n"), "here:  two\nthere: nothing more happens");
        assert!(first_line(&own, "one\ntwo\n").contains("only the state"));
    }
}
