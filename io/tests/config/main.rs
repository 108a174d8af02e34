//! The configuration, through its public interface.

mod accepted;
mod files;
mod hostile;
mod refused;

use parsecd::config::{ConfigErrors, Environment, Settings};
use std::path::{Path, PathBuf};

/// An environment that names no place, on two cores.
fn bare() -> Environment {
    Environment { cores: 2, ..Environment::default() }
}

fn parse(text: &str) -> Result<Settings, ConfigErrors> {
    Settings::parse(Path::new("/etc/parsec/config.toml"), text, &bare())
}

fn accepted(text: &str) -> Settings {
    parse(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// A configuration as the reference's documentation has it: each section, no key of our own.
const REFERENCE: &str = r#"
[core_settings]
thread_pool_size = 8
idle_listener_sleep_duration = 10
log_level = "warn"
log_timestamp = false
body_len_limit = 1048576
log_error_details = false
buffer_size_limit = 1048576
allow_root = false
allow_deprecated = false

[listener]
listener_type = "DomainSocket"
timeout = 200
socket_path = "/run/parsec/parsec.sock"

[authenticator]
auth_type = "UnixPeerCredentials"
admins = [ { name = "1000" }, { name = "1001" } ]

[[key_manager]]
name = "sqlite-manager"
manager_type = "SQLite"
sqlite_db_path = "/var/lib/parsec/keys/store.sqlite3"

[[provider]]
provider_type = "MbedCrypto"
name = "mbed-crypto-provider"
key_info_manager = "sqlite-manager"
"#;

fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}
