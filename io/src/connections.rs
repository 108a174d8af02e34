//! The sockets of connections: reading, writing and the ways to end. Decides nothing; which connection does
//! what is the core's business.
//!
//! Every operation is attempted at once and the kernel is asked for readiness only when it had to be put off,
//! so a connection that sends, is answered and closed within a turn never enters the epoll set.

use crate::poller::{Poller, Readiness, SLOT_LIMIT, Source};
use crate::turns::Turns;
use parsecd_core::identity::PeerGroup;
use parsecd_core::ids::ConnectionKey;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, send, sendmsg, shutdown};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use zeroize::Zeroizing;

/// Most bytes handed to the kernel per connection and turn, so that a client with a large answer does not
/// hold up the others.
const WRITE_MAX: usize = 256 << 10;

/// Most pieces of answers handed to the kernel at once: as many as a pipeline has by default.
const PIECES_MAX: usize = 64;

/// What to do once everything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Shut the write side down and go on reading.
    ShutdownWrite,
    /// Close.
    Close,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes, at least one.
    Bytes(usize),
    /// The peer sends no more.
    Closed,
    /// Nothing now.
    Nothing,
    /// The connection is broken.
    Broken,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// So many bytes were taken, at least one.
    Taken(usize),
    /// Nothing now.
    Nothing,
    /// The connection is broken.
    Broken,
}

struct Connection {
    socket: OwnedFd,
    group: PeerGroup,
    /// A read may give something: nothing is known to the contrary.
    readable: bool,
    /// The end of its stream was announced: it lies behind whatever is still to be read.
    end_announced: bool,
    read_closed: bool,
    /// A write may take something.
    writable: bool,
    write_shut: bool,
    ending: Option<Ending>,
    /// Whether it is in the queue of the same name.
    to_read: bool,
    to_write: bool,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// All connections, and which of them have something to do.
#[derive(Default)]
pub struct Connections {
    slots: Vec<Slot>,
    free: Vec<u32>,
    open: usize,
    to_read: Turns,
    to_write: VecDeque<ConnectionKey>,
    to_watch: Vec<ConnectionKey>,
}

impl Connections {
    /// Takes over an accepted, non-blocking socket of a peer of this group. A first read will be attempted. `None`: there are
    /// 2^24 connections already.
    pub fn insert(&mut self, socket: OwnedFd, group: PeerGroup) -> Option<ConnectionKey> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len()).ok().filter(|slot| *slot < SLOT_LIMIT)?;
                self.slots.push(Slot::default());
                slot
            }
        };
        let place = self.slots.get_mut(usize::try_from(slot).ok()?)?;
        assert!(place.connection.is_none(), "a free slot holds no connection");
        place.connection = Some(Connection {
            socket,
            group,
            readable: true,
            end_announced: false,
            read_closed: false,
            writable: true,
            write_shut: false,
            ending: None,
            to_read: false,
            to_write: false,
        });
        let key = ConnectionKey { slot, generation: place.generation };
        self.open += 1;
        self.to_watch.push(key);
        self.queue_read(key);
        Some(key)
    }

    /// Number of connections.
    pub fn len(&self) -> usize {
        self.open
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&mut self, key: ConnectionKey) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(usize::try_from(key.slot).ok()?)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.connection.as_mut()
    }

    /// Notes what the kernel reports. `true`: the peer is gone, nobody is left to read an answer.
    pub fn ready(&mut self, key: ConnectionKey, readiness: Readiness) -> bool {
        let Some(connection) = self.get(key) else { return false };
        connection.readable |= readiness.readable;
        connection.end_announced |= readiness.ended;
        // The kernel reports room each time the client has read; only after a lack of it is that news.
        let has_room_again = readiness.writable && !connection.writable;
        connection.writable |= readiness.writable;
        // Once we have shut our side down a hang-up only says that the peer has shut its side too, and may
        // still be reading the answer.
        if readiness.hung_up && !connection.write_shut {
            return true;
        }
        if readiness.readable {
            self.queue_read(key);
        }
        if has_room_again {
            self.queue_write(key);
        }
        false
    }

    /// Wants `key` read when there is something.
    pub fn queue_read(&mut self, key: ConnectionKey) {
        let Some(connection) = self.get(key) else { return };
        if connection.readable && !connection.read_closed && !connection.to_read {
            connection.to_read = true;
            let group = connection.group;
            self.to_read.push(group, key);
        }
    }

    /// Wants `key` written to when there is room.
    pub fn queue_write(&mut self, key: ConnectionKey) {
        let Some(connection) = self.get(key) else { return };
        if connection.writable && !connection.to_write {
            connection.to_write = true;
            self.to_write.push_back(key);
        }
    }

    /// Connections to read: so many are in the queue.
    pub fn reads_waiting(&self) -> usize {
        self.to_read.len()
    }

    /// Connections to write to: so many are in the queue.
    pub fn writes_waiting(&self) -> usize {
        self.to_write.len()
    }

    /// The next one to read: peer groups take turns.
    pub fn next_read(&mut self) -> Option<ConnectionKey> {
        loop {
            let key = self.to_read.pop()?;
            if let Some(connection) = self.get(key) {
                connection.to_read = false;
                return Some(key);
            }
        }
    }

    /// The next one to write to.
    pub fn next_write(&mut self) -> Option<ConnectionKey> {
        loop {
            let key = self.to_write.pop_front()?;
            if let Some(connection) = self.get(key) {
                connection.to_write = false;
                return Some(key);
            }
        }
    }

    /// Reads into `buffer`, which is not empty.
    pub fn read(&mut self, key: ConnectionKey, buffer: &mut [u8]) -> Read {
        let Some(connection) = self.get(key) else { return Read::Nothing };
        if connection.read_closed {
            return Read::Nothing;
        }
        let room = buffer.len();
        match recv(&connection.socket, buffer, RecvFlags::empty()) {
            Ok((0, _)) => {
                connection.read_closed = true;
                Read::Closed
            }
            Ok((count, _)) => {
                // A stream that gave less than was asked for is empty; the next byte is a new edge. Its end is
                // none where it was announced together with these bytes.
                connection.readable = count == room || connection.end_announced;
                Read::Bytes(count)
            }
            Err(Errno::AGAIN) => {
                connection.readable = false;
                Read::Nothing
            }
            Err(Errno::INTR) => Read::Nothing,
            Err(_) => Read::Broken,
        }
    }

    /// Writes as much of `pieces`, of which none is empty, as the kernel takes now.
    pub fn write<'a>(&mut self, key: ConnectionKey, pieces: impl Iterator<Item = &'a [u8]>) -> Write {
        let Some(connection) = self.get(key) else { return Write::Nothing };
        let mut pieces = pieces.peekable();
        let Some(first) = pieces.next() else { return Write::Nothing };
        let (sent, wanted) = if pieces.peek().is_none() {
            let part = first.get(..WRITE_MAX).unwrap_or(first);
            (send(&connection.socket, part, SendFlags::NOSIGNAL), part.len())
        } else {
            send_several(&connection.socket, std::iter::once(first).chain(pieces))
        };
        match sent {
            Ok(count) if count > 0 => {
                connection.writable = count == wanted;
                Write::Taken(count)
            }
            Ok(_) | Err(Errno::AGAIN) => {
                connection.writable = false;
                Write::Nothing
            }
            Err(Errno::INTR) => Write::Nothing,
            Err(_) => Write::Broken,
        }
    }

    /// Sets what happens once everything is written.
    pub fn end_with(&mut self, key: ConnectionKey, ending: Ending) {
        if let Some(connection) = self.get(key) {
            connection.ending = Some(ending);
        }
        self.queue_write(key);
    }

    /// Everything is written: does what was to be done then. `true`: the connection is closed.
    pub fn written(&mut self, key: ConnectionKey) -> bool {
        let Some(connection) = self.get(key) else { return false };
        match connection.ending.take() {
            None => false,
            Some(Ending::ShutdownWrite) => {
                connection.write_shut = true;
                // The only failure is a peer that is gone, which the next read finds.
                shutdown(&connection.socket, Shutdown::Write).ok();
                false
            }
            Some(Ending::Close) => {
                self.remove(key);
                true
            }
        }
    }

    /// Shuts both directions down, reads what is queued without waiting, closes: a client that still reads its
    /// answer finds it, then the end of the stream (decisions.md 6). `false`: it was closed before.
    pub fn abort(&mut self, key: ConnectionKey) -> bool {
        let Some(connection) = self.get(key) else { return false };
        shutdown(&connection.socket, Shutdown::Both).ok();
        // Nothing more can be queued now, so this ends.
        let mut scratch = Zeroizing::new([0; 4096]);
        while let Ok((1.., _)) = recv(&connection.socket, &mut scratch[..], RecvFlags::empty()) {}
        self.remove(key);
        true
    }

    /// [`Connections::abort`] for every connection that is left.
    pub fn abort_all(&mut self) {
        let left: Vec<ConnectionKey> = (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.connection.is_some())
            .map(|(number, slot)| ConnectionKey { slot: number, generation: slot.generation })
            .collect();
        for key in left {
            self.abort(key);
        }
    }

    fn remove(&mut self, key: ConnectionKey) {
        let Some(slot) = usize::try_from(key.slot).ok().and_then(|slot| self.slots.get_mut(slot)) else {
            return;
        };
        if slot.connection.take().is_some() {
            self.open = self.open.saturating_sub(1);
        }
        // A slot whose generations are used up stays empty: keys are never used twice.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(key.slot);
        }
    }

    /// Puts the connections that came since the last call and still are there into the epoll set. Gives those
    /// that could not be.
    pub fn watch_new(&mut self, poller: &Poller) -> Vec<ConnectionKey> {
        let mut failed = Vec::new();
        for key in std::mem::take(&mut self.to_watch) {
            if let Some(connection) = self.get(key)
                && poller.watch(&connection.socket, Source::Connection(key)).is_err()
            {
                failed.push(key);
            }
        }
        failed
    }
}

/// One write of several pieces; gives also how many bytes were offered.
fn send_several<'a>(
    socket: &OwnedFd,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (rustix::io::Result<usize>, usize) {
    let mut parts = [IoSlice::new(&[]); PIECES_MAX];
    let mut used = 0_usize;
    let mut wanted = 0_usize;
    for (part, piece) in parts.iter_mut().zip(pieces) {
        let fits = piece.get(..WRITE_MAX.saturating_sub(wanted)).unwrap_or(piece);
        if fits.is_empty() {
            break;
        }
        *part = IoSlice::new(fits);
        wanted = wanted.saturating_add(fits.len());
        used = used.saturating_add(1);
    }
    let parts = parts.get(..used).unwrap_or_default();
    (sendmsg(socket, parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL), wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    /// A connection of ours and the client's end of it.
    fn connection(connections: &mut Connections) -> (ConnectionKey, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (connections.insert(ours.into(), PeerGroup(0)).unwrap(), theirs)
    }

    fn readiness(key: ConnectionKey, readable: bool, hung_up: bool) -> Readiness {
        Readiness { source: Source::Connection(key), readable, writable: false, ended: hung_up, hung_up }
    }

    #[test]
    fn after_an_abort_the_client_reads_its_answer_and_the_end_although_it_sent_more_than_was_read() {
        let mut connections = Connections::default();
        let (key, mut client) = connection(&mut connections);
        client.write_all(&[7; 100_000]).unwrap();
        assert_eq!(connections.read(key, &mut [0; 36]), Read::Bytes(36));
        assert_eq!(connections.write(key, [&b"answer"[..]].into_iter()), Write::Taken(6));
        assert!(connections.abort(key));
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"answer");
        assert!(!connections.abort(key), "it is closed only once");
    }

    #[test]
    fn an_answer_larger_than_the_kernel_takes_goes_out_in_parts_and_the_close_waits_for_the_last() {
        let mut connections = Connections::default();
        let (key, mut client) = connection(&mut connections);
        let answer: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
        connections.end_with(key, Ending::Close);
        let reader = std::thread::spawn(move || {
            let mut received = Vec::new();
            client.read_to_end(&mut received).unwrap();
            received
        });
        let mut sent = 0;
        while sent < answer.len() {
            match connections.write(key, answer[sent..].chunks(100_000)) {
                Write::Taken(count) => sent += count,
                Write::Nothing => std::thread::yield_now(),
                Write::Broken => panic!("the client is there"),
            }
        }
        assert!(connections.written(key));
        assert!(connections.is_empty());
        assert!(reader.join().unwrap() == answer);
    }

    #[test]
    fn after_shutting_the_write_side_it_still_reads() {
        let mut connections = Connections::default();
        let (key, mut client) = connection(&mut connections);
        connections.end_with(key, Ending::ShutdownWrite);
        assert!(!connections.written(key));
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        client.write_all(b"late").unwrap();
        assert_eq!(connections.read(key, &mut [0; 8]), Read::Bytes(4));
        drop(client);
        assert_eq!(connections.read(key, &mut [0; 8]), Read::Closed);
        assert_eq!(connections.read(key, &mut [0; 8]), Read::Nothing, "nothing comes after the end");
    }

    #[test]
    fn the_end_of_a_stream_that_was_announced_with_its_last_bytes_is_read_after_them() {
        let mut connections = Connections::default();
        let (key, mut client) = connection(&mut connections);
        assert_eq!(connections.next_read(), Some(key));
        assert_eq!(connections.read(key, &mut [0; 64]), Read::Nothing);
        client.write_all(b"last").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        connections.ready(key, Readiness { ended: true, ..readiness(key, true, false) });
        assert_eq!(connections.next_read(), Some(key));
        assert_eq!(connections.read(key, &mut [0; 64]), Read::Bytes(4));
        connections.queue_read(key);
        assert_eq!(connections.next_read(), Some(key), "no other edge will tell of the end");
        assert_eq!(connections.read(key, &mut [0; 64]), Read::Closed);
    }

    #[test]
    fn a_hang_up_means_a_lost_client_only_until_our_own_side_is_shut() {
        let mut connections = Connections::default();
        let (key, _client) = connection(&mut connections);
        assert!(connections.ready(key, readiness(key, true, true)));
        connections.end_with(key, Ending::ShutdownWrite);
        connections.written(key);
        assert!(!connections.ready(key, readiness(key, true, true)));
    }

    #[test]
    fn a_client_that_is_gone_breaks_the_write() {
        let mut connections = Connections::default();
        let (key, client) = connection(&mut connections);
        drop(client);
        assert_eq!(connections.write(key, [&b"answer"[..]].into_iter()), Write::Broken);
    }

    #[test]
    fn a_key_is_never_used_twice_and_old_ones_mean_nothing() {
        let mut connections = Connections::default();
        let (first, _a) = connection(&mut connections);
        assert!(connections.abort(first));
        let (second, _b) = connection(&mut connections);
        assert_eq!(first.slot, second.slot);
        assert_ne!(first, second);
        assert_eq!(connections.read(first, &mut [0; 8]), Read::Nothing);
        assert!(!connections.ready(first, readiness(first, true, true)));
        assert_eq!(connections.len(), 1);
    }

    #[test]
    fn a_connection_is_in_each_queue_once_and_leaves_it_when_there_is_nothing_to_read() {
        let mut connections = Connections::default();
        let (key, mut client) = connection(&mut connections);
        connections.queue_read(key);
        assert_eq!(connections.reads_waiting(), 1);
        assert_eq!(connections.next_read(), Some(key));
        assert_eq!(connections.read(key, &mut [0; 8]), Read::Nothing);
        connections.queue_read(key);
        assert_eq!(connections.next_read(), None);

        client.write_all(b"0123456789").unwrap();
        connections.ready(key, readiness(key, true, false));
        assert_eq!(connections.next_read(), Some(key));
        assert_eq!(connections.read(key, &mut [0; 8]), Read::Bytes(8));
        connections.queue_read(key);
        assert_eq!(connections.next_read(), Some(key), "a read that filled its room is tried again");
        assert_eq!(connections.read(key, &mut [0; 8]), Read::Bytes(2));
        connections.queue_read(key);
        assert_eq!(connections.next_read(), None, "a short one is not");
    }
}
