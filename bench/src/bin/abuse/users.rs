//! Users: processes with a uid of their own.

use parsecd_bench::frame::{Caller, Keep};
use parsecd_bench::load::{Length, Mode, Plan, run};
use parsecd_bench::workload::{Kind, prepare};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// uid of the one who misbehaves.
pub const BAD: u32 = 61_001;
/// uid of the one who must not notice.
pub const GOOD: u32 = 61_002;

/// Starts this program as other users.
pub struct Users {
    program: PathBuf,
    _directory: TempDir,
}

impl Users {
    /// Puts a copy of this program where every user can run it.
    pub fn new() -> Result<Users, Box<dyn Error>> {
        if !rustix::process::geteuid().is_root() {
            return Err("run it as root: it takes the place of two users".into());
        }
        let directory = tempfile::Builder::new().prefix("parsecd-abuse").tempdir()?;
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
        let program = directory.path().join("abuse");
        std::fs::copy(std::env::current_exe()?, &program)?;
        Ok(Users { program, _directory: directory })
    }

    /// Starts `role` as this user; its first line says that it has begun.
    pub fn start(&self, uid: u32, role: &str, socket: &Path, rest: &[&str]) -> Result<User, Box<dyn Error>> {
        let uid = uid.to_string();
        let mut child = Command::new("setpriv")
            .args(["--reuid", &uid, "--regid", &uid, "--clear-groups"])
            .arg(&self.program)
            .arg(role)
            .arg(socket)
            .args(rest)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut user = User { child, lines: BufReader::new(stdout) };
        user.line()?;
        Ok(user)
    }

    /// Lets the good user ask alone or beside others: p50, p99, longest, in milliseconds.
    pub fn ask(&self, socket: &Path, kind: &str, seconds: u64) -> Result<[f64; 3], Box<dyn Error>> {
        let mut user = self.start(GOOD, "ask", socket, &[kind, "--seconds", &seconds.to_string()])?;
        let line = user.line()?;
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || -> Result<f64, Box<dyn Error>> { Ok(numbers.next().ok_or("too few figures")??) };
        Ok([next()?, next()?, next()?])
    }
}

/// A user's process; it is killed when this is dropped.
pub struct User {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl User {
    /// Next line that it prints.
    pub fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("a user's process has ended".into());
        }
        Ok(line)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks as the uid of this process, on a connection per request, one request at a time.
pub fn ask(socket: &Path, kind: Kind, seconds: u64) -> Result<(), Box<dyn Error>> {
    println!("ready");
    let caller = Caller::Unix(rustix::process::geteuid().as_raw());
    let frames = prepare(kind, socket, &caller, 1, Keep::Close)?;
    let plan = Plan {
        socket: socket.into(),
        mode: Mode::PerRequest,
        threads: 1,
        warm_up: Duration::ZERO,
        length: Length::Time(Duration::from_secs(seconds)),
    };
    let mut measured = run(&plan, &frames)?;
    let [p50, p99, longest] =
        [0.5, 0.99, 1.0].map(|share| measured.latencies.quantile(share).as_secs_f64() * 1e3);
    println!("{p50} {p99} {longest}");
    Ok(())
}
