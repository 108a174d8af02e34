//! From settings to a running service.

use crate::audit::AuditLog;
use crate::bell::Bell;
use crate::config::{ConfigErrors, Keys, ProviderSettings, Settings};
use crate::executor::Executor;
use crate::hosts::{Hosts, Program};
use crate::listener::ListenError;
use crate::listeners;
use crate::log::Level;
use crate::observe::LogObserver;
use crate::poller::Poller;
use crate::reload::{InForce, Origin};
use crate::runtime::{End, Parts, Runtime};
use crate::service_manager::{ActivationError, Inherited};
use crate::signals::Signals;
use crate::store::{OpenError, Store};
use parsecd_core::ids::ProviderKey;
use parsecd_core::service::{Service, Start};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tracing::warn;

/// Environment variable with the path of the lane host's executable.
pub const HOST_VARIABLE: &str = "PARSECD_HOST";

/// Descriptors that are not connections: store, logs, epoll sets and the like.
const DESCRIPTORS: u64 = 64;

/// Descriptors of one lane host: its socket, its standard error, its process, and those of its replacement
/// while it ends.
const HOST_DESCRIPTORS: u64 = 8;

/// Connections that must fit under the descriptor limit: the least that `connections_max` may say.
const CONNECTIONS_LEAST: u64 = 8;

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Real user id 0.
    #[error(
        "will not run as root: a service that holds keys needs no other rights; run it as a user of its own, \
         or say `--allow-root` or `allow_root = true` in [core_settings]"
    )]
    Root,
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A socket of the service manager.
    #[error(transparent)]
    Activation(#[from] ActivationError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The audit log.
    #[error(
        "{}: cannot open the audit log: {cause}; let audit_log name a file that the user of parsecd can write, or \
         make, in a directory that exists",
        path.display()
    )]
    Audit {
        /// Its path.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// Not enough descriptors to serve anybody.
    #[error(
        "the limit of open files is {limit}, and at least {needed} are needed with so many lane hosts; raise it \
         (`ulimit -n`, LimitNOFILE= of a systemd unit), or configure fewer hosts"
    )]
    Descriptors {
        /// The limit that cannot be exceeded.
        limit: u64,
        /// What the hosts of all providers and [`CONNECTIONS_LEAST`] connections take.
        needed: u64,
    },
    /// The operating system refused something that always works.
    #[error("cannot {action}: {cause}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Why not.
        cause: io::Error,
    },
}

fn system<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> StartError {
    move |cause| StartError::System { action, cause: cause.into() }
}

/// Refuses root, unless it is allowed.
///
/// # Errors
/// [`StartError::Root`].
pub fn refuse_root(allowed: bool) -> Result<(), StartError> {
    match rustix::process::getuid().is_root() && !allowed {
        true => Err(StartError::Root),
        false => Ok(()),
    }
}

/// Starts the service and runs it until it has stopped. Every file it makes is for its user alone, except
/// sockets, which have the mode that is configured.
///
/// # Errors
/// [`StartError`]; each says what to do.
pub fn run(
    settings: Settings,
    origin: Origin,
    inherited: Vec<Inherited>,
    level: Level,
) -> Result<End, StartError> {
    protect_process()?;
    let mut keys = Keys::default();
    let settings = keys.assign(fit_descriptors(settings)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(system("start the runtime"))?;
    let end = runtime.block_on(async {
        let in_force = |settings, store_key| InForce::new(origin, settings, keys, level, store_key);
        assemble(settings, inherited, in_force)?.run().await.map_err(system("wait for events"))
    });
    runtime.shutdown_background();
    end
}

fn assemble(
    settings: Settings,
    inherited: Vec<Inherited>,
    in_force: impl FnOnce(Settings, PathBuf) -> InForce,
) -> Result<Runtime, StartError> {
    let poller = Poller::new().map_err(system("make an epoll set"))?;
    let bell = Bell::new(&poller).map_err(system("make an event descriptor"))?;
    let signals = Signals::new().map_err(system("receive signals"))?;
    // The store first: its lock keeps two daemons of one configuration from racing for the socket.
    let ringing = bell.clone();
    let store = Store::open(&settings.store, move || ringing.ring())?;
    let threads = settings.core.executor.as_ref().map_or(0, |executor| executor.threads);
    let ringing = bell.clone();
    let executor = Executor::start(threads, move || ringing.ring()).map_err(system("start a thread"))?;
    let audit = AuditLog::open(settings.audit_log.as_deref())
        .map_err(|cause| StartError::Audit { path: settings.audit_log.clone().unwrap_or_default(), cause })?;
    let programs = programs(&settings, &store.store_key())?;
    let listeners = listeners::open(&settings, inherited)?;
    let mut boot = [0; 16];
    fill_random(&mut boot).map_err(system("get random bytes"))?;
    let parts = Parts {
        observer: LogObserver::new(&settings.core, settings.log.error_details),
        service: Service::new(settings.core.clone(), Start { boot }),
        poller,
        bell,
        signals,
        listeners,
        hosts: Hosts::new(programs),
        executor,
        in_force: in_force(settings, store.store_key()),
        store,
        audit,
    };
    Runtime::new(parts).map_err(system("watch the listeners"))
}

/// Own files are for the own user, and memory never goes to a core file.
fn protect_process() -> Result<(), StartError> {
    rustix::process::umask(Mode::from_raw_mode(0o077));
    // One byte, not none: where core dumps go to a program the kernel ignores every limit but this one, and
    // a file of one byte is not written. Lane hosts inherit it.
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    match setrlimit(Resource::Core, none) {
        Ok(()) => Ok(()),
        // The hard limit is 0 already.
        Err(rustix::io::Errno::PERM) => {
            let zero = Rlimit { current: Some(0), maximum: Some(0) };
            setrlimit(Resource::Core, zero).map_err(system("switch core dumps off"))
        }
        Err(error) => Err(system("switch core dumps off")(error)),
    }
}

/// Raises the descriptor limit as far as it goes; the cap of connections is what is left of it.
///
/// # Errors
/// The limit cannot be raised, or is too low even for [`CONNECTIONS_LEAST`].
pub fn fit_descriptors(mut settings: Settings) -> Result<Settings, StartError> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(system("raise the limit of open files"))?;
    let hosts: u64 = settings.core.providers.values().map(|provider| u64::from(provider.hosts)).sum();
    let others = DESCRIPTORS.saturating_add(hosts.saturating_mul(HOST_DESCRIPTORS));
    let room = limit.maximum.map_or(u64::MAX, |maximum| maximum.saturating_sub(others));
    if room < CONNECTIONS_LEAST {
        return Err(StartError::Descriptors {
            limit: limit.maximum.unwrap_or(u64::MAX),
            needed: others.saturating_add(CONNECTIONS_LEAST),
        });
    }
    let connections = settings.core.limits.connections;
    if u64::from(connections) > room {
        let fitting = u32::try_from(room).unwrap_or(connections);
        warn!(
            configured = connections,
            connections = fitting,
            "the limit of open files (ulimit -n) allows fewer connections than configured; raise it \
             (LimitNOFILE= of a systemd unit), or lower connections_max"
        );
        settings.core.limits.connections = fitting;
        let group = &mut settings.core.limits.connections_per_group;
        *group = (*group).min(fitting.saturating_sub(1));
    }
    Ok(settings)
}

/// How to start the hosts of each provider.
///
/// # Errors
/// The own executable, which they lie beside, is not known.
pub fn programs(settings: &Settings, store_key: &Path) -> Result<BTreeMap<ProviderKey, Program>, StartError> {
    let path = match std::env::var_os(HOST_VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => {
            std::env::current_exe().map_err(system("find the own executable"))?.with_file_name("parsecd-host")
        }
    };
    let program = |(key, provider): (&ProviderKey, &ProviderSettings)| {
        let arguments: Vec<OsString> = match provider {
            ProviderSettings::Psa => vec!["psa".into(), "--store-key".into(), store_key.into()],
        };
        let name = settings.core.providers.get(key).map_or_else(String::new, |found| found.name.to_string());
        (*key, Program { path: path.clone(), arguments, name })
    };
    Ok(settings.providers.iter().map(program).collect())
}

fn fill_random(mut rest: &mut [u8]) -> rustix::io::Result<()> {
    while !rest.is_empty() {
        match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
