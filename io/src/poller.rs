//! Readiness of every descriptor the loop owns: one epoll set, edge-triggered.
//!
//! The set is awaited as *one* descriptor of the tokio runtime, so a connection costs no task, no waker and no
//! allocation, and one that is served at once is never registered anywhere. Events carry the generation of
//! their connection: what the kernel still reports about a closed one is recognised and dropped.

use parsecd_core::ids::ConnectionKey;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Most events taken from the kernel at a time.
const EVENTS: usize = 256;

/// First number that is no slot of a connection.
pub const SLOT_LIMIT: u32 = 1 << 24;

/// Whose descriptor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A connection.
    Connection(ConnectionKey),
    /// A listener, by the serial number of its gate.
    Listener(u32),
    /// The socket of a lane host, by the serial number of its process.
    HostLink(u32),
    /// Standard error of a lane host.
    HostErrors(u32),
    /// The end of a lane host's process.
    HostExit(u32),
    /// Another thread has something for the loop.
    Bell,
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whose it is.
    pub source: Source,
    /// A read gives bytes, the end of the stream or an error.
    pub readable: bool,
    /// A write takes bytes or gives an error.
    pub writable: bool,
    /// The peer sends no more: the end of the stream lies behind what is still to be read, and this is the
    /// only edge that tells of it.
    pub ended: bool,
    /// Both directions are shut.
    pub hung_up: bool,
}

/// The epoll set.
pub struct Poller {
    epoll: AsyncFd<OwnedFd>,
    events: Vec<Event>,
}

impl Poller {
    /// An empty set; inside a tokio runtime.
    pub fn new() -> io::Result<Poller> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "its replacement is unsafe because a descriptor could be closed behind its back; an \
                      OwnedFd that is never given out cannot"
        )]
        let epoll = AsyncFd::with_interest(epoll, Interest::READABLE)?;
        Ok(Poller { epoll, events: Vec::with_capacity(EVENTS) })
    }

    /// Reports changes of `descriptor` from now on, beginning with what it is ready for now. Ends when it is
    /// closed.
    pub fn watch(&self, descriptor: impl AsFd, source: Source) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(self.epoll.get_ref(), descriptor, EventData::new_u64(pack(source)), flags)?;
        Ok(())
    }

    /// Appends what became ready, at most 256 at a time. Never waits. `true`: there may be more.
    pub fn collect(&mut self, into: &mut Vec<Readiness>) -> io::Result<bool> {
        self.events.clear();
        let none = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(self.epoll.get_ref(), room, Some(&none)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let (data, flags) = (event.data.u64(), event.flags);
            let Some(source) = unpack(data) else { continue };
            into.push(Readiness {
                source,
                readable: flags
                    .intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR),
                writable: flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR),
                ended: flags.intersects(EventFlags::RDHUP | EventFlags::HUP),
                hung_up: flags.contains(EventFlags::HUP),
            });
        }
        Ok(self.events.len() == EVENTS)
    }

    /// Ready when something may have happened since the last [`Poller::collect`].
    ///
    /// Forgets what the runtime knows *before* the caller collects: what happens after that is a new edge.
    pub fn poll_changed(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut guard = ready!(self.epoll.poll_read_ready(context))?;
        guard.clear_ready();
        Poll::Ready(Ok(()))
    }
}

/// Kind in the top byte, then 24 bits of slot, then the generation.
fn pack(source: Source) -> u64 {
    let (kind, slot, generation) = match source {
        Source::Connection(key) => (0, key.slot, key.generation),
        Source::Listener(index) => (1, 0, index),
        Source::HostLink(serial) => (2, 0, serial),
        Source::HostErrors(serial) => (3, 0, serial),
        Source::HostExit(serial) => (4, 0, serial),
        Source::Bell => (5, 0, 0),
    };
    assert!(slot < SLOT_LIMIT, "connection slots fit into 24 bits");
    (kind << 56) | (u64::from(slot) << 32) | u64::from(generation)
}

fn unpack(data: u64) -> Option<Source> {
    let [kind, s2, s1, s0, n3, n2, n1, n0] = data.to_be_bytes();
    let number = u32::from_be_bytes([n3, n2, n1, n0]);
    Some(match kind {
        0 => Source::Connection(ConnectionKey {
            slot: u32::from_be_bytes([0, s2, s1, s0]),
            generation: number,
        }),
        1 => Source::Listener(number),
        2 => Source::HostLink(number),
        3 => Source::HostErrors(number),
        4 => Source::HostExit(number),
        5 => Source::Bell,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_comes_back_from_its_number() {
        let far = ConnectionKey { slot: SLOT_LIMIT - 1, generation: u32::MAX };
        for source in [
            Source::Connection(ConnectionKey { slot: 0, generation: 0 }),
            Source::Connection(far),
            Source::Listener(7),
            Source::HostLink(u32::MAX),
            Source::HostErrors(1),
            Source::HostExit(0),
            Source::Bell,
        ] {
            assert_eq!(unpack(pack(source)), Some(source));
        }
        assert_eq!(unpack(u64::MAX), None);
    }
}
