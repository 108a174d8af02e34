//! Signals, as inputs of the loop. Nothing wakes up while none comes.

use std::io;
use std::task::{Context, Poll};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals that are listened to.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over; inside a tokio runtime.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Wish> {
        let stop =
            self.terminate.poll_recv(context).is_ready() || self.interrupt.poll_recv(context).is_ready();
        if stop {
            return Poll::Ready(Wish::Stop);
        }
        self.hang_up.poll_recv(context).map(|_| Wish::Reload)
    }
}
