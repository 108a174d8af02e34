//! What the host makes of its process.

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// Why the process cannot be what a host has to be.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The process can be dumped.
    #[error("cannot switch core dumps off: {0}")]
    Dumps(Errno),
    /// Signals of the terminal cannot be ignored.
    #[error("cannot ignore signals: {0}")]
    Signals(io::Error),
    /// Standard input is no socket.
    #[error("standard input is not a Unix socket: parsecd-host is started by parsecd, not by hand")]
    NoSocket,
}

/// Keeps secrets out of core dumps and debuggers, and signals out of the calls: Ctrl-C reaches every process
/// of a terminal, but the daemon has to drain first, and a library that dies in a call can lose keys.
pub fn protect() -> Result<(), ProcessError> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(ProcessError::Dumps)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(ProcessError::Dumps)?;
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: no handler is installed, only the disposition of the signal changes.
        if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
            return Err(ProcessError::Signals(io::Error::last_os_error()));
        }
    }
    Ok(())
}

/// The host's end of the socket pair.
pub fn socket_on_standard_input() -> Result<UnixStream, ProcessError> {
    let input = io::stdin();
    match rustix::net::sockopt::socket_domain(input.as_fd()) {
        Ok(rustix::net::AddressFamily::UNIX) => {}
        _ => return Err(ProcessError::NoSocket),
    }
    let socket = input.as_fd().try_clone_to_owned().map_err(|_| ProcessError::NoSocket)?;
    Ok(UnixStream::from(socket))
}
