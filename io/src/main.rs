//! The parsecd daemon.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

use clap::Parser;
use parsecd::config::{LogFormat, LogLevel, Settings};
use parsecd::log::{self, Format, Log};
use parsecd::runtime::End;
use parsecd::start;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;
use tracing::{error, info, warn};

/// Gives the applications of this machine keys and cryptography through the Parsec protocol.
///
/// Without --config it serves the software provider to the own user, with its socket in the runtime directory
/// and its keys in the state directory.
#[derive(Parser)]
#[command(name = "parsecd", version)]
struct Arguments {
    /// Configuration, TOML.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Check the configuration, tell what is wrong with it, and exit.
    #[arg(long)]
    check: bool,

    /// Run although the user is root.
    #[arg(long)]
    allow_root: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Without a file nothing else can allow root, and root has no places of its own to be told about.
    if arguments.config.is_none() && !arguments.check && !allow_user(arguments.allow_root) {
        return ExitCode::FAILURE;
    }
    let loaded = match &arguments.config {
        Some(path) => Settings::load(path),
        None => Settings::defaults(),
    };
    let settings = match loaded {
        Ok(settings) => settings,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.check {
        for warning in &settings.warnings {
            eprintln!("warning: {warning}");
        }
        println!("the configuration is valid");
        return ExitCode::SUCCESS;
    }
    if !allow_user(arguments.allow_root || settings.allow_root) {
        return ExitCode::FAILURE;
    }
    serve(settings)
}

/// Whether parsecd may run as this user; says why not.
fn allow_user(root_allowed: bool) -> bool {
    let refused = start::refuse_root(root_allowed);
    if let Err(error) = &refused {
        eprintln!("parsecd: {error}");
    }
    refused.is_ok()
}

fn serve(settings: Settings) -> ExitCode {
    let format = match settings.log.format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    let log = log::start(format, level(settings.log.level), settings.log.timestamp);
    log_panics(log.clone());
    info!(version = env!("CARGO_PKG_VERSION"), "parsecd starts");
    for warning in &settings.warnings {
        warn!("configuration: {warning}");
    }
    let code = match start::run(settings) {
        Ok(End::Stopped) => {
            info!("stopped");
            ExitCode::SUCCESS
        }
        Ok(End::Forced) => {
            warn!("stopped at once, by a second signal");
            ExitCode::FAILURE
        }
        Err(error) => {
            error!("{error}");
            ExitCode::FAILURE
        }
    };
    log.flush();
    code
}

/// A panic is a mistake of ours: it becomes one line of the log, whole, before the process or thread ends.
fn log_panics(log: Log) {
    std::panic::set_hook(Box::new(move |panic| {
        error!(panic = panic.to_string().as_str(), "a defect of parsecd, please report it");
        log.flush();
    }));
}

/// The configured level, else `RUST_LOG` if it is a level, else info.
fn level(configured: Option<LogLevel>) -> LevelFilter {
    match configured {
        Some(LogLevel::Off) => LevelFilter::OFF,
        Some(LogLevel::Error) => LevelFilter::ERROR,
        Some(LogLevel::Warn) => LevelFilter::WARN,
        Some(LogLevel::Info) => LevelFilter::INFO,
        Some(LogLevel::Debug) => LevelFilter::DEBUG,
        Some(LogLevel::Trace) => LevelFilter::TRACE,
        None => {
            let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
            level.unwrap_or(LevelFilter::INFO)
        }
    }
}
