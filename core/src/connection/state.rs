//! A connection: its input, its answers, its end.

use super::frame::FrameReader;
use super::outgoing::Outgoing;
use crate::identity::Peer;
use crate::ids::{ListenerKey, RequestId};
use crate::output::WakeReason;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use parsecd_wire::{ResponseHeader, SecretBytes};

/// Most bytes the driver may read at once.
pub(super) const READ_MAX: u32 = 64 << 10;

/// Body and authentication up to this size need no reservation: the connection's own allowance.
pub(super) const ALLOWANCE: u64 = 16 << 10;

#[derive(Debug, Hash)]
pub(crate) struct Connection {
    pub(crate) listener: ListenerKey,
    pub(crate) peer: Peer,
    pub(super) reader: FrameReader,
    pub(super) input: InputSide,
    /// Whether bytes beyond the request were or may still be received.
    pub(super) stray_input: bool,
    /// Bytes that may still be read and thrown away.
    pub(super) discard_left: u64,
    /// Memory reserved for the announced request.
    pub(super) reserved: u64,
    /// Answers in the order of their requests.
    pub(super) replies: VecDeque<ReplySlot>,
    pub(crate) outgoing: Outgoing,
    pub(super) output: OutputSide,
    pub(super) opened: Instant,
    pub(super) last_byte: Instant,
    pub(super) first_byte: Option<Instant>,
    pub(super) deadline: Option<(Instant, WakeReason)>,
}

/// What becomes of bytes that come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum InputSide {
    /// A request is being read.
    Reading,
    /// The announced request waits for room.
    WaitingForRoom,
    /// No further request is read; what comes is thrown away.
    Discarding,
    /// The peer sends no more.
    Closed,
}

/// What becomes of bytes that go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OutputSide {
    /// Answers may be written.
    Open,
    /// The last answer was handed over and the write side is being shut down.
    HalfClosed,
    /// The driver was told to close.
    Closed,
}

/// The answer to one request, in order.
#[derive(Debug, Hash)]
pub(super) struct ReplySlot {
    /// `None`: the request was never admitted.
    pub(super) request: Option<RequestId>,
    pub(super) response: Option<Response>,
}

/// A response, ready to be sent.
#[derive(Debug, Hash)]
pub(crate) struct Response {
    pub(crate) header: ResponseHeader,
    pub(crate) body: SecretBytes,
}

impl Response {
    pub(super) fn memory(&self) -> u64 {
        crate::size(self.body.capacity())
    }
}

impl Connection {
    pub(super) fn new(listener: ListenerKey, peer: Peer, body_length: u32, now: Instant) -> Connection {
        Connection {
            listener,
            peer,
            reader: FrameReader::new(body_length),
            input: InputSide::Reading,
            stray_input: false,
            discard_left: u64::from(body_length).saturating_mul(2).saturating_add(64 << 10),
            reserved: 0,
            replies: VecDeque::new(),
            outgoing: Outgoing::new(),
            output: OutputSide::Open,
            opened: now,
            last_byte: now,
            first_byte: None,
            deadline: None,
        }
    }

    /// How many bytes the driver may read.
    pub(crate) fn read_budget(&self) -> u32 {
        if self.output == OutputSide::Closed {
            return 0;
        }
        match self.input {
            InputSide::Reading if self.reader.announced().is_some() => READ_MAX,
            InputSide::Reading => READ_MAX.min(u32::try_from(ALLOWANCE).unwrap_or(READ_MAX)),
            InputSide::Discarding => READ_MAX.min(u32::try_from(self.discard_left).unwrap_or(READ_MAX)),
            InputSide::WaitingForRoom | InputSide::Closed => 0,
        }
    }

    /// Requests that are not answered yet.
    pub(crate) fn owed(&self) -> Vec<RequestId> {
        self.replies.iter().filter(|slot| slot.response.is_none()).filter_map(|slot| slot.request).collect()
    }

    pub(crate) fn input_memory(&self) -> u64 {
        self.reader.memory()
    }

    pub(crate) fn outgoing_memory(&self) -> u64 {
        let held: u64 =
            self.replies.iter().filter_map(|slot| slot.response.as_ref()).map(Response::memory).sum();
        held.saturating_add(self.outgoing.memory())
    }
}
