//! Bytes that come in become requests: one after the other where the connection is kept, as many as may be
//! unanswered, none beyond the last.

use super::frame::{Frame, FrameReader, Progress};
use super::state::{ALLOWANCE, InputSide};
use crate::ids::ConnectionKey;
use crate::output::Output;
use crate::state::Step;
use parsecd_wire::SecretBytes;

/// Connections that go on with requests they hold, in one step; the rest is `more_work`.
const RESUMED_MAX: usize = 64;

impl Step<'_> {
    pub(crate) fn bytes_received(&mut self, key: ConnectionKey, bytes: &[u8]) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let budget = crate::length(connection.read_budget());
        assert!(bytes.len() <= budget, "more was read than the budget allows");
        match connection.input {
            InputSide::Reading => {
                connection.moved = self.now.instant;
                let left = self.read_requests(key, bytes);
                self.keep_unread(key, SecretBytes::from(left), 0);
            }
            InputSide::Ended => {
                connection.stray_input = true;
                connection.discard_left = connection.discard_left.saturating_sub(crate::size(bytes.len()));
                self.abort_if_spent(key);
            }
            InputSide::WaitingForRoom { .. } | InputSide::Full { .. } => {}
        }
        self.rearm(key);
    }

    /// Takes requests out of `bytes`, and gives back those for which there is no room.
    fn read_requests<'b>(&mut self, key: ConnectionKey, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while !rest.is_empty() {
            let limits = &self.state.config.limits;
            let Some(connection) = self.state.connections.get_mut(&key) else { return &[] };
            if !connection.has_room(limits) {
                connection.input = InputSide::Full { since: self.now.instant };
                return rest;
            }
            connection.first_byte.get_or_insert(self.now.instant);
            let push = connection.reader.push(rest);
            rest = rest.get(push.consumed..).unwrap_or_default();
            match push.progress {
                Progress::Incomplete => self.make_room(key),
                Progress::Complete(frame) if frame.header.keeps_connection() => {
                    connection.reader = FrameReader::new(limits.body_length);
                    connection.kept = true;
                    connection.first_byte = None;
                    self.request_complete(key, frame);
                }
                Progress::Complete(frame) => {
                    connection.input = InputSide::Ended;
                    connection.stray_input = !rest.is_empty();
                    connection.discard_left = connection.discard_left.saturating_sub(crate::size(rest.len()));
                    self.request_complete(key, frame);
                    return &[];
                }
                Progress::Failed(status) => {
                    connection.discard_left = connection.discard_left.saturating_sub(crate::size(rest.len()));
                    self.refuse(key, status);
                    return &[];
                }
            }
        }
        rest
    }

    /// Keeps bytes of which those from `from` on were not taken, until there is room.
    fn keep_unread(&mut self, key: ConnectionKey, bytes: SecretBytes, from: usize) {
        if let Some(connection) = self.state.connections.get_mut(&key)
            && matches!(connection.input, InputSide::Full { .. })
        {
            connection.unread = bytes;
            connection.unread_from = from;
        }
    }

    /// Reserves room for an announced request that is larger than the connection's allowance.
    fn make_room(&mut self, key: ConnectionKey) {
        let limit = self.state.config.limits.request_memory;
        let Some(connection) = self.state.connections.get(&key) else { return };
        let announced = connection.reader.announced().unwrap_or(0);
        if announced <= u64::from(ALLOWANCE) || connection.reserved > 0 {
            return;
        }
        let group = connection.peer.group;
        let room = self.state.waiting_for_room.is_empty_for(group)
            && !self.memory_is_waited_for()
            && self.state.accounts.reserve(group, 0, announced, limit);
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        if room {
            connection.reserved = announced;
        } else {
            let since = self.now.instant;
            connection.input = InputSide::WaitingForRoom { since };
            self.state.waiting_for_room.push(group, since, key);
        }
    }

    fn request_complete(&mut self, key: ConnectionKey, frame: Frame) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let reserved = core::mem::take(&mut connection.reserved);
        let group = connection.peer.group;
        match frame.header.convert() {
            Ok(header) => self.request_received(key, header, frame, reserved),
            Err(status) => {
                self.state.accounts.release(group, reserved);
                self.reply_anonymously(key, status, frame.header.keeps_connection());
                self.room_was_freed();
            }
        }
    }

    /// A token of this connection is being verified.
    pub(crate) fn token_pending(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.state.connections.get_mut(&key) {
            connection.token_pending = true;
        }
    }

    /// A token of this connection was verified, or not.
    pub(crate) fn token_settled(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.state.connections.get_mut(&key) {
            connection.token_pending = false;
        }
        self.may_resume(key);
    }

    /// Remembers a connection that can go on with the requests it holds.
    pub(super) fn may_resume(&mut self, key: ConnectionKey) {
        let limits = &self.state.config.limits;
        let may = self.state.connections.get(&key).is_some_and(|connection| {
            matches!(connection.input, InputSide::Full { .. }) && connection.has_room(limits)
        });
        if may {
            self.state.resumable.insert(key);
        }
    }

    /// Goes on with held requests. Whether work is left for another step.
    pub(crate) fn resume_connections(&mut self) -> bool {
        for _ in 0..RESUMED_MAX {
            let Some(key) = self.state.resumable.pop_first() else { return false };
            let Some(connection) = self.state.connections.get_mut(&key) else { continue };
            if !matches!(connection.input, InputSide::Full { .. }) {
                continue;
            }
            connection.reads_on(self.now.instant);
            let held = core::mem::take(&mut connection.unread);
            let from = core::mem::take(&mut connection.unread_from);
            let left = self.read_requests(key, held.expose().get(from..).unwrap_or_default()).len();
            let from = held.len().saturating_sub(left);
            self.keep_unread(key, held, from);
            let Some(connection) = self.state.connections.get(&key) else { continue };
            match connection.input {
                InputSide::Reading | InputSide::WaitingForRoom { .. } if connection.end_of_stream => {
                    self.input_ended(key);
                }
                InputSide::Reading => self.output(Output::ReadAgain { connection: key }),
                InputSide::WaitingForRoom { .. } | InputSide::Full { .. } | InputSide::Ended => {}
            }
            self.rearm(key);
        }
        !self.state.resumable.is_empty()
    }
}
