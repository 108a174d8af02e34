//! Runs the real daemon, with the real lane hosts, in a directory of its own.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for anything that must happen. Far above what it takes, so that a slow machine proves nothing.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A ping, and its answer.
pub const PING: &str = "10a7c05e1e00010000000000000000000000000000000000000000000100000000000000";
/// Success, version 1.0.
pub const PONG: &str = "10a7c05e1e000100000000000000000000000000000002000000000001000000000000000801";

/// The daemon's executable.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_parsecd"))
}

/// The lane host's executable, beside the daemon's; built if it is not there.
pub fn host_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = program().with_file_name("parsecd-host");
        if !path.exists() {
            let profile = program().parent().unwrap();
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "-p", "parsecd-host", "--target-dir"]).arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success(), "parsecd-host can be built");
        }
        path
    })
}

/// What a test configures; the rest is fixed.
pub struct Options {
    /// `listener.timeout`, in milliseconds.
    pub timeout_ms: u64,
    /// The `[authenticator]` table or tables.
    pub authenticators: String,
    /// `log_level`.
    pub log_level: &'static str,
    /// More lines of `[core_settings]`.
    pub core_settings: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            timeout_ms: 60_000,
            authenticators: "[authenticator]\nauth_type = \"Direct\"\nadmins = [{ name = \"admin\" }]\n"
                .into(),
            log_level: "info",
            core_settings: String::new(),
        }
    }
}

/// A directory with a configuration, a store and a socket. Daemons come and go in it.
pub struct Place {
    directory: TempDir,
}

impl Place {
    /// A new one.
    pub fn new(options: &Options) -> Place {
        let place = Place { directory: tempfile::Builder::new().prefix("parsecd").tempdir().unwrap() };
        let mut text = String::new();
        writeln!(text, "[core_settings]\nallow_root = true\nlog_level = {:?}", options.log_level).unwrap();
        writeln!(text, "{}\n", options.core_settings).unwrap();
        writeln!(
            text,
            "[listener]\nlistener_type = \"DomainSocket\"\ntimeout = {}\nsocket_path = {:?}\n",
            options.timeout_ms,
            place.socket()
        )
        .unwrap();
        text.push_str(&options.authenticators);
        writeln!(
            text,
            "\n[[key_manager]]\nname = \"store\"\nmanager_type = \"SQLite\"\nsqlite_db_path = {:?}\n",
            place.path().join("store/keys.sqlite")
        )
        .unwrap();
        text.push_str(
            "[[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"store\"\nhosts = 2\n",
        );
        fs::write(place.configuration(), text).unwrap();
        place
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The configuration file.
    pub fn configuration(&self) -> PathBuf {
        self.path().join("config.toml")
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.path().join("parsec.sock")
    }

    /// The command that starts a daemon here.
    pub fn command(&self) -> Command {
        host_program();
        let mut command = Command::new(program());
        command.arg("--config").arg(self.configuration()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts a daemon and waits until it answers a ping.
    pub fn start(&self) -> Daemon {
        self.start_as(self.command())
    }

    /// Starts a daemon by a command of one's own and waits until it answers a ping.
    pub fn start_as(&self, command: Command) -> Daemon {
        let (read, write) = std::io::pipe().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(read).lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        self.start_writing_to(command, write.into(), log, Some(reader))
    }

    /// Starts a daemon whose log nobody reads and waits until it answers a ping.
    pub fn start_unread(&self) -> (Daemon, PipeReader) {
        let (read, write) = std::io::pipe().unwrap();
        (self.start_writing_to(self.command(), write.into(), Arc::default(), None), read)
    }

    fn start_writing_to(
        &self,
        mut command: Command,
        stderr: Stdio,
        log: Arc<Mutex<String>>,
        mut reader: Option<JoinHandle<()>>,
    ) -> Daemon {
        let child = command.stderr(stderr).spawn().unwrap();
        // It holds the writing end of the log too.
        drop(command);
        let mut daemon = Daemon { child, log, socket: self.socket() };
        daemon.wait_until("it answers", |daemon| {
            if let Some(status) = daemon.child.try_wait().unwrap() {
                reader.take().map(JoinHandle::join);
                panic!("parsecd ended ({status}):\n{}", daemon.log());
            }
            UnixStream::connect(&daemon.socket).is_ok_and(|socket| exchange(socket, PING, false) == PONG)
        });
        daemon
    }

    /// Runs a daemon that is expected to end by itself.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }
}

/// A running daemon. Killed when dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    socket: PathBuf,
}

impl Daemon {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How much it has logged so far.
    pub fn log_length(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// What it has logged since there was so much.
    pub fn log_since(&self, length: usize) -> String {
        self.log.lock().unwrap()[length..].to_owned()
    }

    /// Has the configuration read again, and waits until it is in force or refused. What was logged meanwhile.
    pub fn reload(&mut self) -> String {
        let before = self.log_length();
        self.signal(Signal::HUP);
        self.wait_until("it has reloaded", |daemon| {
            let log = daemon.log_since(before);
            log.contains("is in force") || log.contains("the old configuration stays")
        });
        self.log_since(before)
    }

    /// Connects; reads give up after [`PATIENCE`].
    pub fn connect(&self) -> UnixStream {
        let socket = UnixStream::connect(&self.socket).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Sends a frame, in hexadecimal, and gives everything that comes back until the end of the stream.
    pub fn exchange(&self, frame: &str) -> String {
        exchange(self.connect(), frame, false)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        self.wait_until("it ends", |daemon| {
            status = daemon.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Process ids of its lane hosts.
    pub fn hosts(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.pid());
        match fs::read_to_string(children) {
            Ok(list) => list.split_whitespace().map(|pid| pid.parse().unwrap()).collect(),
            // Not every kernel has that file.
            Err(_) => fs::read_dir("/proc")
                .unwrap()
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
                .filter(|pid| parent_of_living(*pid) == Some(self.pid()))
                .collect(),
        }
    }

    /// Polls until `condition` holds.
    pub fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&mut Daemon) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < until, "waited too long until {what}; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

/// Sends a signal to a process.
pub fn send_signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// The parent of a process that runs; `None` if it has ended, also if nobody has waited for it yet.
pub fn parent_of_living(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    if field("State:")?.starts_with(['Z', 'X']) {
        return None;
    }
    field("PPid:")?.parse().ok()
}

/// Sends a frame, in hexadecimal, shuts the write side if told so, and gives everything that comes back until
/// the end of the stream. Anything else than an end, a reset for example, is a failure.
pub fn exchange(mut socket: UnixStream, frame: &str, then_shut: bool) -> String {
    send(&mut socket, &bytes(frame));
    if then_shut {
        socket.shutdown(std::net::Shutdown::Write).unwrap();
    }
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer, then the end of the stream");
    hex(&answer)
}

/// Sends; that the service stops reading before the end is no failure.
pub fn send(socket: &mut UnixStream, frame: &[u8]) {
    if let Err(error) = socket.write_all(frame) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
}

/// Bytes of hexadecimal text.
pub fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Hexadecimal text of bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
