//! How other threads tell the loop that they have something for it.

use crate::poller::{Poller, Source};
use parsecd_handoff::WakeFlag;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Rung by any thread, heard by the loop. Rung many times before it is heard, it is heard once.
#[derive(Clone)]
pub struct Bell(Arc<Inner>);

struct Inner {
    counter: OwnedFd,
    rung: WakeFlag,
}

impl Bell {
    /// A bell that `poller` hears.
    pub fn new(poller: &Poller) -> io::Result<Bell> {
        let counter = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        poller.watch(&counter, Source::Bell)?;
        Ok(Bell(Arc::new(Inner { counter, rung: WakeFlag::new() })))
    }

    /// Rings, after what is to be found was put where the loop looks for it.
    pub fn ring(&self) {
        if self.0.rung.raise() {
            // Fails only if the counter is full, and then the bell is ringing already.
            rustix::io::write(&self.0.counter, &1u64.to_ne_bytes()).ok();
        }
    }

    /// Hears it, before looking for what was left. The counter is never read back: every ring is an edge of its
    /// own, and 2^64 of them do not happen.
    pub fn hear(&self) {
        self.0.rung.lower();
    }
}
