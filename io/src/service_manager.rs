//! The service manager: sockets that it has opened for us (sd_listen_fds(3)), and telling it how we are
//! (sd_notify(3)). Without one nothing of this happens.

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use sd_notify::NotifyState;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use tracing::warn;

/// Environment variables that are for this process and not for its children.
pub const VARIABLES: [&str; 5] =
    ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_FDS_FIRST_FD", "NOTIFY_SOCKET"];

/// A socket that cannot be used as it was given.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// It is no listening Unix stream socket with a path.
    #[error(
        "socket {number} that the service manager gives is not a Unix stream socket that listens at a path; \
         write ListenStream=/run/parsec/parsec.sock into the socket unit, without Accept="
    )]
    Unfit {
        /// Its place, counted from 1.
        number: usize,
    },
    /// No listener is configured for it.
    #[error(
        "{}: the service manager gives this socket, but no listener has it; write it as socket_path of a \
         [listener], or correct ListenStream= in the socket unit", .0.display()
    )]
    Unknown(PathBuf),
}

/// A socket that the service manager has bound. It stays its socket: its file is neither changed nor removed.
#[derive(Debug)]
pub struct Inherited {
    /// Where it listens.
    pub path: PathBuf,
    /// Non-blocking, closed when another program is executed.
    pub socket: OwnedFd,
}

/// Takes the sockets of the service manager, and their variables out of the environment. Before any thread is
/// started, as the environment belongs to all of them.
///
/// # Errors
/// [`ActivationError::Unfit`].
pub fn take_sockets() -> Result<Vec<Inherited>, ActivationError> {
    let mut given = ListenFd::from_env();
    (0..given.len())
        .map(|place| {
            let unfit = || ActivationError::Unfit { number: place.saturating_add(1) };
            let listener = given.take_unix_listener(place).ok().flatten().ok_or_else(unfit)?;
            let path = listener.local_addr().ok().and_then(|at| at.as_pathname().map(PathBuf::from));
            let path = path.filter(|path| path.is_absolute()).ok_or_else(unfit)?;
            let socket = OwnedFd::from(listener);
            let listens = socket_acceptconn(&socket).unwrap_or(false);
            match listens && rustix::io::ioctl_fionbio(&socket, true).is_ok() {
                true => Ok(Inherited { path, socket }),
                false => Err(unfit()),
            }
        })
        .collect()
}

/// Clients are accepted, and the configuration is that of the file, or, as `trouble` says, that of before.
pub fn tell_ready(trouble: Option<&str>) {
    notify(&[NotifyState::Ready, NotifyState::Status(trouble.unwrap_or("serving"))]);
}

/// The configuration is being read again.
pub fn tell_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
}

/// Running requests are being finished.
pub fn tell_stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(state) {
        warn!(%cause, "cannot tell the service manager");
    }
}
