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
use parsecd::config::{LogFormat, Settings};
use parsecd::log::{self, Format, Log};
use parsecd::reload::Origin;
use parsecd::runtime::End;
use parsecd::service_manager::{Inherited, take_sockets};
use parsecd::start;
use std::path::PathBuf;
use std::process::ExitCode;
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
    // First, while there is one thread: it changes the environment.
    let inherited = take_sockets();
    let arguments = Arguments::parse();
    // Without a file nothing else can allow root, and root has no places of its own to be told about.
    if arguments.config.is_none() && !arguments.check && !allow_user(arguments.allow_root) {
        return ExitCode::FAILURE;
    }
    let origin = Origin { file: arguments.config, root_allowed: arguments.allow_root };
    let settings = match origin.read() {
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
    match inherited {
        Ok(inherited) => serve(settings, origin, inherited),
        Err(error) => {
            eprintln!("parsecd: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether parsecd may run as this user; says why not.
fn allow_user(root_allowed: bool) -> bool {
    let refused = start::refuse_root(root_allowed);
    if let Err(error) = &refused {
        eprintln!("parsecd: {error}");
    }
    refused.is_ok()
}

fn serve(settings: Settings, origin: Origin, inherited: Vec<Inherited>) -> ExitCode {
    let format = match settings.log.format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    let (log, level) = log::start(format, settings.log.level, settings.log.timestamp);
    log_panics(log.clone());
    info!(version = env!("CARGO_PKG_VERSION"), "parsecd starts");
    for warning in &settings.warnings {
        warn!("configuration: {warning}");
    }
    let code = match start::run(settings, origin, inherited, level) {
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
