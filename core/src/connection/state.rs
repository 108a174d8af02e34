//! A connection: its input, its answers, its end.

use super::frame::FrameReader;
use super::outgoing::Outgoing;
use crate::config::Limits;
use crate::identity::Peer;
use crate::ids::{ListenerKey, RequestId};
use crate::output::WakeReason;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use parsecd_wire::{ResponseHeader, SecretBytes};

/// Most bytes the driver may read at once.
const READ_MAX: u32 = 64 << 10;

/// Body and authentication up to this size need no reservation: the connection's own allowance. Also the
/// most that is read before a header is known.
pub(super) const ALLOWANCE: u32 = 16 << 10;

#[derive(Debug, Hash)]
pub(crate) struct Connection {
    pub(crate) listener: ListenerKey,
    pub(crate) peer: Peer,
    pub(super) reader: FrameReader,
    pub(super) input: InputSide,
    /// Whether the peer sends no more.
    pub(super) end_of_stream: bool,
    /// Bytes that came while no further request was taken, and how many of them were taken since.
    pub(super) unread: SecretBytes,
    pub(super) unread_from: usize,
    /// Whether the token of its last request is being verified: the next request waits, or it could
    /// overtake.
    pub(super) token_pending: bool,
    /// Whether a request was taken, and the connection kept.
    pub(super) kept: bool,
    /// Whether bytes beyond the last request were or may still be received.
    pub(super) stray_input: bool,
    /// Bytes that may still be read and thrown away.
    pub(super) discard_left: u64,
    /// Memory reserved for the announced request.
    pub(super) reserved: u64,
    /// Memory that is counted for answers which are not sent yet.
    pub(super) held: u64,
    /// Answers in the order of their requests.
    pub(super) replies: VecDeque<ReplySlot>,
    pub(crate) outgoing: Outgoing,
    pub(super) output: OutputSide,
    /// When the connection was opened, or its last request was answered.
    pub(super) quiet_since: Instant,
    /// When a byte last came.
    pub(super) moved: Instant,
    /// When a byte last went, or the first of them was handed over, or the end of the connection was.
    pub(super) taken: Instant,
    /// When the first byte of the request came that is being read; later by the time in which our own
    /// budget held it back.
    pub(super) first_byte: Option<Instant>,
    /// When its phase has lasted too long.
    pub(super) deadline: Option<(Instant, WakeReason)>,
    /// When it is looked at whether that is so.
    pub(super) registered: Option<(Instant, WakeReason)>,
    /// Whether its group has it among the quiet ones.
    pub(super) listed: bool,
}

/// What becomes of bytes that come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum InputSide {
    /// A request is being read.
    Reading,
    /// The announced request waits for room.
    WaitingForRoom { since: Instant },
    /// As many requests as may be are unanswered, or as many answers unsent.
    Full { since: Instant },
    /// No further request is read; what comes is thrown away.
    Ended,
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
    /// Bytes of the request that are not reserved elsewhere.
    pub(super) size: u64,
    pub(super) response: Option<Response>,
}

/// A response, ready to be sent.
#[derive(Debug, Hash)]
pub(crate) struct Response {
    pub(crate) header: ResponseHeader,
    pub(crate) body: SecretBytes,
}

impl Connection {
    pub(super) fn new(listener: ListenerKey, peer: Peer, body_length: u32, now: Instant) -> Connection {
        Connection {
            listener,
            peer,
            reader: FrameReader::new(body_length),
            input: InputSide::Reading,
            end_of_stream: false,
            unread: SecretBytes::default(),
            unread_from: 0,
            token_pending: false,
            kept: false,
            stray_input: false,
            discard_left: u64::from(body_length).saturating_mul(2).saturating_add(64 << 10),
            reserved: 0,
            held: 0,
            replies: VecDeque::new(),
            outgoing: Outgoing::new(),
            output: OutputSide::Open,
            quiet_since: now,
            moved: now,
            taken: now,
            first_byte: None,
            deadline: None,
            registered: None,
            listed: false,
        }
    }

    /// How many bytes the driver may read.
    pub(crate) fn read_budget(&self) -> u32 {
        if self.output == OutputSide::Closed || self.end_of_stream {
            return 0;
        }
        match self.input {
            InputSide::Reading if self.reader.announced().is_some() => READ_MAX,
            InputSide::Reading => ALLOWANCE,
            InputSide::Ended => READ_MAX.min(u32::try_from(self.discard_left).unwrap_or(READ_MAX)),
            InputSide::WaitingForRoom { .. } | InputSide::Full { .. } => 0,
        }
    }

    /// Whether a further request may be taken.
    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        !self.token_pending
            && self.replies.len() < crate::length(limits.pipeline)
            && self.outgoing.len() < limits.unsent
            && self.replies.iter().map(|slot| slot.size).fold(0, u64::saturating_add) < limits.unsent
    }

    /// Goes on reading after our own budget held it back: its deadlines stood still meanwhile.
    pub(super) fn reads_on(&mut self, now: Instant) {
        if let InputSide::WaitingForRoom { since } | InputSide::Full { since } = self.input {
            self.first_byte = self.first_byte.map(|first| first.after(now.since(since)));
            self.input = InputSide::Reading;
            self.moved = now;
        }
    }

    /// Whether it owes and is owed nothing: no part of a request, no answer.
    pub(super) fn is_quiet(&self) -> bool {
        self.output == OutputSide::Open
            && self.input == InputSide::Reading
            && self.reader.is_empty()
            && self.replies.is_empty()
            && self.outgoing.is_empty()
    }

    /// Requests that are not answered yet.
    pub(crate) fn owed(&self) -> Vec<RequestId> {
        self.replies.iter().filter(|slot| slot.response.is_none()).filter_map(|slot| slot.request).collect()
    }

    /// Bytes of answers that are not sent yet.
    pub(super) fn unsent(&self) -> u64 {
        let waiting = self.replies.iter().filter_map(|slot| slot.response.as_ref());
        waiting
            .map(|response| crate::size(response.body.len()))
            .fold(self.outgoing.len(), u64::saturating_add)
    }

    pub(crate) fn input_memory(&self) -> u64 {
        self.reader.memory().saturating_add(crate::size(self.unread.capacity()))
    }

    pub(crate) fn outgoing_memory(&self) -> u64 {
        let held: u64 = self
            .replies
            .iter()
            .filter_map(|slot| slot.response.as_ref())
            .map(|response| crate::size(response.body.capacity()))
            .sum();
        held.saturating_add(self.outgoing.memory())
    }
}
