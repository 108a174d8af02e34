//! One client of the load generator.

use crate::frame::{RequestError, answer};
use crate::load::Mode;
use parsecd_wire::Status;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with,
};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

/// Bytes read at a time.
const READ: usize = 16 << 10;

/// A client: its connection, what it has asked for, what it will ask for next.
pub(crate) struct Client<'a> {
    frames: &'a [Vec<u8>],
    mode: Mode,
    connection: Option<OwnedFd>,
    /// Next of `frames`.
    next: usize,
    /// When each request that is under way was begun.
    under_way: VecDeque<Instant>,
    unsent: Vec<u8>,
    received: Vec<u8>,
    buffer: Box<[u8]>,
    waits_for_room: bool,
    ended: bool,
}

impl<'a> Client<'a> {
    /// A client that sends `frames` one after the other, over and over.
    pub(crate) fn new(frames: &'a [Vec<u8>], mode: Mode) -> Client<'a> {
        Client {
            frames,
            mode,
            connection: None,
            next: 0,
            under_way: VecDeque::new(),
            unsent: Vec::new(),
            received: Vec::new(),
            buffer: vec![0; READ].into(),
            waits_for_room: false,
            ended: false,
        }
    }

    /// It will send nothing more, and nothing is owed to it.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Sends as many requests as its mode has under way; when `ending`, only what is left until its frames
    /// begin again.
    pub(crate) fn send(
        &mut self,
        path: &Path,
        epoll: &OwnedFd,
        data: u64,
        ending: bool,
    ) -> Result<(), RequestError> {
        let depth = match self.mode {
            Mode::PerRequest => 1,
            Mode::Kept(depth) => usize::try_from(depth.max(1)).unwrap_or(usize::MAX),
        };
        while self.under_way.len() < depth && !(ending && self.next == 0) {
            self.under_way.push_back(Instant::now());
            self.unsent.extend_from_slice(&self.frames[self.next]);
            self.next = (self.next + 1) % self.frames.len();
        }
        if self.under_way.is_empty() {
            self.ended = true;
            return Ok(());
        }
        let fresh = self.connection.is_none();
        if fresh {
            let connection =
                socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            connect(&connection, &SocketAddrUnix::new(path)?)?;
            self.connection = Some(connection);
        }
        let Some(connection) = &self.connection else { return Err(RequestError::Closed) };
        while !self.unsent.is_empty() {
            match send(connection, &self.unsent, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(Errno::AGAIN) => break,
                // The answer may be there nevertheless.
                Err(Errno::PIPE | Errno::CONNRESET) => self.unsent.clear(),
                Err(errno) => return Err(errno.into()),
            }
        }
        let waits_for_room = !self.unsent.is_empty();
        let interest = if waits_for_room { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        if fresh {
            epoll::add(epoll, connection, EventData::new_u64(data), interest)?;
        } else if waits_for_room != self.waits_for_room {
            epoll::modify(epoll, connection, EventData::new_u64(data), interest)?;
        }
        self.waits_for_room = waits_for_room;
        Ok(())
    }

    /// Reads what has come: when the requests that it answers were begun.
    pub(crate) fn receive(&mut self) -> Result<Vec<Instant>, RequestError> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        match recv(connection, &mut self.buffer[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(RequestError::Closed),
            Ok((count, _)) => self.received.extend_from_slice(&self.buffer[..count]),
            Err(Errno::AGAIN) => return Ok(Vec::new()),
            Err(errno) => return Err(errno.into()),
        }
        let mut answered = Vec::new();
        let mut taken = 0;
        while let Some((header, length)) = answer(&self.received[taken..])? {
            taken += length;
            if header.status != Status::Success {
                return Err(RequestError::Status { opcode: header.opcode, status: header.status });
            }
            answered.extend(self.under_way.pop_front());
        }
        self.received.drain(..taken);
        if self.mode == Mode::PerRequest && !answered.is_empty() {
            self.connection = None;
            self.waits_for_room = false;
        }
        Ok(answered)
    }
}
