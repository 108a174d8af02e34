//! The configuration: a TOML file, or nothing, turned into everything the daemon needs to know.
//!
//! A file written for the reference loads unchanged (decisions.md 7). All mistakes are reported, not only the
//! first, each with file, line, key and remedy, and never with a value: values may be PINs.

mod settings;

pub use settings::{ListenerSettings, LogFormat, LogLevel, LogSettings, ProviderSettings, Settings, Warning};
