//! What a configuration says, complete and checked.

use parsecd_core::config::Config;
use parsecd_core::ids::{ListenerKey, ProviderKey};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Everything that is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the core needs to know: limits, deadlines, providers, listeners, policy.
    pub core: Config,
    /// Where each of `core.listeners` listens.
    pub listeners: BTreeMap<ListenerKey, ListenerSettings>,
    /// How the hosts of each of `core.providers` are started.
    pub providers: BTreeMap<ProviderKey, ProviderSettings>,
    /// Database file of the store; its directory also holds the store's keys and its lock.
    pub store: PathBuf,
    /// How to log.
    pub log: LogSettings,
    /// `audit_log`: file for audit events, one JSON object a line. `core.audit` is set exactly if this is.
    pub audit_log: Option<PathBuf>,
    /// `allow_root`: run although the real uid is 0.
    pub allow_root: bool,
    /// `forbid_inline_secrets`: PINs and auth values may not stand in the file itself.
    pub forbid_inline_secrets: bool,
    /// `allowed_modules`: PKCS#11 libraries that may be loaded; `None`: any.
    pub allowed_modules: Option<Vec<PathBuf>>,
    /// What is accepted but should be looked at, in the order of the file.
    pub warnings: Vec<Warning>,
}

/// A socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Name in the configuration, or `listener`.
    pub name: String,
    /// Path of the Unix socket.
    pub socket_path: PathBuf,
    /// Permission bits of the socket, whatever the umask.
    pub socket_mode: u32,
}

/// How a provider's hosts are started. Their number is `ProviderConfig::hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderSettings {
    /// PSA Crypto in software.
    Psa,
}

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `log_format`.
    pub format: LogFormat,
    /// `log_level`; `None`: as the environment says (`RUST_LOG`).
    pub level: Option<LogLevel>,
    /// `log_timestamp`: start each line with the time.
    pub timestamp: bool,
    /// `log_error_details`: name the key in errors about a key.
    pub error_details: bool,
}

/// Shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged: this level and the more severe ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    Info,
    /// What happens inside.
    Debug,
    /// Everything.
    Trace,
}

/// Something that is accepted but should be looked at. Shows no value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Line in the file, from 1; `None` if it is about no line of it.
    pub line: Option<u32>,
    /// Full key, such as `core_settings.thread_pool_size`; may be empty.
    pub key: String,
    /// What is so, and what to do about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}
