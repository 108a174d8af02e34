//! What the configuration takes from the environment of the process: default places, and the number of cores.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the system says that things belong. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `RUNTIME_DIRECTORY`, the first if there are several: made by the service manager.
    pub runtime_directory: Option<PathBuf>,
    /// `STATE_DIRECTORY`, the first if there are several: made by the service manager.
    pub state_directory: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub user_runtime: Option<PathBuf>,
    /// `XDG_STATE_HOME`, else `$HOME/.local/state`.
    pub user_state: Option<PathBuf>,
    /// Cores that this process may use, at least 1.
    pub cores: u16,
}

/// Directory of ours in a user's runtime and state directories.
const OWN: &str = "parsec";

/// Name of the socket in a runtime directory.
const SOCKET: &str = "parsec.sock";

/// Name of the database in a state directory.
pub(super) const DATABASE: &str = "keys.sqlite3";

impl Environment {
    /// That of this process.
    pub fn of_process() -> Environment {
        let first = |name| {
            let value = env::var_os(name)?;
            env::split_paths(&value).next().filter(|path| path.is_absolute())
        };
        // The XDG specification has relative paths ignored.
        let absolute =
            |name| env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
        // Counted once: that the cores change is no change of the configuration.
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores =
            *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, |cores| cores.get()));
        Environment {
            runtime_directory: first("RUNTIME_DIRECTORY"),
            state_directory: first("STATE_DIRECTORY"),
            user_runtime: absolute("XDG_RUNTIME_DIR"),
            user_state: absolute("XDG_STATE_HOME")
                .or_else(|| absolute("HOME").map(|home| home.join(".local/state"))),
            cores: u16::try_from(cores).unwrap_or(u16::MAX),
        }
    }

    /// Socket of a daemon without a configuration file.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        let user = self.user_runtime.as_ref().map(|runtime| runtime.join(OWN).join(SOCKET));
        self.runtime_directory.as_ref().map(|runtime| runtime.join(SOCKET)).or(user)
    }

    /// Database of a daemon without a configuration file.
    pub(super) fn store(&self) -> Option<PathBuf> {
        let user = self.user_state.as_ref().map(|state| state.join(OWN).join(DATABASE));
        self.state_directory.as_ref().map(|state| state.join(DATABASE)).or(user)
    }

    /// Socket of a listener whose configuration names none: the service manager's place, else the reference's.
    pub(super) fn service_socket(&self) -> PathBuf {
        self.runtime_directory.as_deref().unwrap_or(Path::new("/run/parsec")).join(SOCKET)
    }

    /// Database for a configuration that names none: the service manager's place, else that of a service.
    pub(super) fn service_store(&self) -> PathBuf {
        self.state_directory.as_deref().unwrap_or(Path::new("/var/lib/parsec")).join(DATABASE)
    }

    /// Lane hosts of the software provider if none are configured: each runs one job at a time.
    pub(super) fn hosts(&self) -> u16 {
        self.cores.clamp(2, super::provider::HOSTS_MAX)
    }
}
