//! Where the time goes in a case that misses its limit, as perf sees it.

use crate::cases::Case;
use parsecd_bench::load::run;
use parsecd_bench::server::Server;
use std::error::Error;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long to look.
const WATCHED: Duration = Duration::from_secs(1);
/// Most functions to name.
const LINES: usize = 15;

/// Repeats the load of `case` under perf and prints the functions that the daemon spent most time in.
pub fn print(server: &Server, case: Case) -> Result<(), Box<dyn Error>> {
    println!("{} misses; where the daemon's time goes:", case.name());
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("perf.data");
    let recording = Command::new("perf")
        .args(["record", "-q", "-F", "997", "-p", &server.process().0.to_string(), "-o"])
        .arg(&data)
        .args(["--", "sleep", &WATCHED.as_secs().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut recording) = recording else {
        println!("  perf is not installed (Debian: linux-perf)");
        return Ok(());
    };
    let (plan, frames) = case.prepare(server, Duration::ZERO, WATCHED)?;
    run(&plan, &frames)?;
    recording.wait()?;
    let report = Command::new("perf")
        .args(["report", "--stdio", "-q", "--percent-limit", "1", "--sort", "dso,symbol", "-i"])
        .arg(&data)
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&report.stdout);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(LINES).peekable();
    if lines.peek().is_none() {
        println!("  perf sees nothing here: it may need kernel.perf_event_paranoid = 1");
    }
    for line in lines {
        // Columns for branches stay empty: "-".
        println!("  {}", line.trim_end_matches([' ', '-']));
    }
    Ok(())
}
