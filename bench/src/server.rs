//! Servers that are measured, each in a directory of its own that goes with it.

use crate::exchange::ask;
use crate::frame::Caller;
use crate::process::Process;
use parsecd_wire::Operation;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take until it answers, and to end when told.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs; it is ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    socket: PathBuf,
    directory: TempDir,
}

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The echo of this package.
    Echo,
    /// parsecd, with its defaults.
    Parsecd,
    /// The reference with this `idle_listener_sleep_duration`, in milliseconds.
    Reference {
        /// How long it sleeps when nobody connects.
        sleep: u32,
    },
}

impl Server {
    /// Starts `program` and waits until it answers.
    ///
    /// # Errors
    /// If it cannot be started or does not answer; what it wrote is in the text.
    pub fn start(program: Program) -> io::Result<Server> {
        let directory = tempfile::Builder::new().prefix("parsecd-bench").tempdir()?;
        // Clients of other users have to reach the socket.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let socket = directory.path().join("parsec.sock");
        let configuration = directory.path().join("configuration.toml");
        fs::write(&configuration, configure(program, directory.path(), &socket))?;
        let mut command = match program {
            Program::Echo => {
                let mut command = Command::new(sibling("echo")?);
                command.arg(&socket);
                command
            }
            Program::Parsecd => {
                let mut command = Command::new(sibling("parsecd")?);
                command.arg("--config").arg(&configuration);
                command
            }
            Program::Reference { .. } => {
                let path = reference().ok_or_else(|| io::Error::other("the reference is not installed"))?;
                let mut command = Command::new(path);
                command.arg("--config").arg(&configuration);
                command
            }
        };
        let log = fs::File::create(directory.path().join("log"))?;
        let child = command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let server = Server { child, socket, directory };
        server.wait_for_answer(program)?;
        Ok(server)
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// What it wrote to its standard output and error.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn wait_for_answer(&self, program: Program) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = ask(&self.socket, &Caller::Anonymous, &Operation::Ping);
            match answer {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end => {
                    let log = self.log();
                    return Err(io::Error::other(format!("{program:?} does not answer: {error}\n{log}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let end = Instant::now() + PATIENCE;
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The program `name` that was built with this one.
///
/// # Errors
/// If it is not there.
pub fn sibling(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err(io::Error::other(format!("{} is missing: build it first", path.display())))
}

/// The reference service, where the tools of the build lie.
pub fn reference() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    let path = cache.join("parsecd-tools/bin/parsec");
    path.exists().then_some(path)
}

fn configure(program: Program, directory: &Path, socket: &Path) -> String {
    let directory = directory.display();
    let mut text = String::from("[core_settings]\nallow_root = true\nlog_level = \"warn\"\n");
    let store = match program {
        Program::Reference { sleep } => {
            let _ = writeln!(text, "idle_listener_sleep_duration = {sleep}");
            format!("manager_type = \"OnDisk\"\nstore_path = \"{directory}/mappings\"")
        }
        Program::Echo | Program::Parsecd => {
            format!("manager_type = \"SQLite\"\nsqlite_db_path = \"{directory}/store/keys.sqlite\"")
        }
    };
    let authenticators = match program {
        Program::Reference { .. } => "[authenticator]\nauth_type = \"Direct\"",
        Program::Echo | Program::Parsecd => {
            "[[authenticator]]\nauth_type = \"UnixPeerCredentials\"\n[[authenticator]]\nauth_type = \"Direct\""
        }
    };
    let _ = write!(
        text,
        "[listener]\nlistener_type = \"DomainSocket\"\ntimeout = 200\nsocket_path = \"{}\"\n\
         {authenticators}\n\
         [[key_manager]]\nname = \"keys\"\n{store}\n\
         [[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"keys\"\n",
        socket.display()
    );
    text
}
