//! Hashes of worlds, to be compared with those of another process, build or machine.

use super::options::Options;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// One world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Its seed.
    pub seed: u64,
    /// Its budget.
    pub budget: u64,
    /// Hash of all that went into the core and came out.
    pub hash: u64,
    /// Hash of the core's state at the end.
    pub fingerprint: u64,
}

/// Writes a file of hashes.
pub fn write(path: &str, lines: &[Line]) -> Result<(), String> {
    let mut text = String::new();
    for Line { seed, budget, hash, fingerprint } in lines {
        writeln!(text, "{seed} {budget} {hash:016x} {fingerprint:016x}").expect("a string takes everything");
    }
    std::fs::write(path, text).map_err(|error| format!("{path}: {error}"))
}

/// Reads a file of hashes.
pub fn read(path: &str) -> Result<Vec<Line>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    text.lines().map(|line| parse(line).ok_or(format!("{path}: {line:?} is no hash of a world"))).collect()
}

fn parse(line: &str) -> Option<Line> {
    let mut words = line.split(' ');
    let mut decimal = || words.next()?.parse().ok();
    let (seed, budget) = (decimal()?, decimal()?);
    let mut hexadecimal = || u64::from_str_radix(words.next()?, 16).ok();
    Some(Line { seed, budget, hash: hexadecimal()?, fingerprint: hexadecimal()? })
}

/// The hashes another process of `program` gives to the same worlds, in the order of `lines`. It runs them in
/// the opposite order, so that they find another heap, and whatever is seeded by process is seeded anew.
pub fn again(program: &Path, lines: &[Line], threads: usize) -> Result<Vec<Line>, String> {
    let (asked, answered) = (temporary("asked"), temporary("answered"));
    let backwards: Vec<Line> = lines.iter().rev().copied().collect();
    write(&asked, &backwards)?;
    let mut command = Command::new(program);
    command.args(["--quiet", "--compare", &asked, "--hashes", &answered]);
    command.args(["--threads", &threads.to_string()]).stdout(Stdio::null());
    let status = command.status().map_err(|error| format!("{}: {error}", program.display()));
    let ended = status.and_then(|status| match status.code() {
        Some(0 | 1) => read(&answered),
        _ => Err(format!("{} ended with {status}", program.display())),
    });
    drop((std::fs::remove_file(&asked), std::fs::remove_file(&answered)));
    ended.and_then(|theirs| match theirs.len() == lines.len() {
        true => Ok(theirs),
        false => Err(format!("{} of {} worlds were run again", theirs.len(), lines.len())),
    })
}

/// A file of this process alone.
fn temporary(purpose: &str) -> String {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("parsecd-sim-{}-{number}.{purpose}", std::process::id());
    std::env::temp_dir().join(name).to_string_lossy().into_owned()
}

/// The hashes another build gives to the worlds that are asked for.
pub fn of(program: &str, options: &Options) -> Result<Vec<Line>, String> {
    let path = temporary("hashes");
    let mut command = Command::new(program);
    let mut pass = |name: &str, value: Option<u64>| {
        if let Some(value) = value {
            command.args([name, &value.to_string()]);
        }
    };
    pass("--seed", Some(options.seed));
    pass("--runs", options.runs);
    pass("--seconds", options.seconds);
    pass("--budget", options.budget);
    pass("--budget-min", Some(options.budgets.0));
    pass("--budget-max", Some(options.budgets.1));
    pass("--threads", options.threads.map(|threads| threads as u64));
    command.args(["--quiet", "--hashes", &path]);
    let status = command.status().map_err(|error| format!("{program}: {error}"))?;
    if status.code().is_none_or(|code| code > 1) {
        return Err(format!("{program} ended with {status}"));
    }
    let lines = read(&path);
    drop(std::fs::remove_file(&path));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_as_it_was_written_and_nothing_else_does() {
        let line = Line { seed: 1 << 63, budget: 300, hash: 7, fingerprint: u64::MAX };
        let text = format!("{} {} {:016x} {:016x}", line.seed, line.budget, line.hash, line.fingerprint);
        assert_eq!(parse(&text), Some(line));
        assert_eq!(parse("1 2 3"), None);
        assert_eq!(parse("one 2 3 4"), None);
    }
}
