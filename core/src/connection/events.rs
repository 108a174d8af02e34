//! What happens to a connection: opened, read from, written to, closed, lost, out of time.

use super::frame::{Frame, Progress};
use super::state::{ALLOWANCE, Connection, InputSide, OutputSide, ReplySlot, Response};
use crate::deadlines::Due;
use crate::identity::Peer;
use crate::ids::{ConnectionKey, ListenerKey};
use crate::observer::Event;
use crate::output::{Output, WakeReason};
use crate::state::Step;
use parsecd_wire::{ResponseHeader, SecretBytes, Status};

impl Step<'_> {
    pub(crate) fn connection_opened(&mut self, key: ConnectionKey, listener: ListenerKey, peer: Peer) {
        let body_length = self.state.config.limits.body_length;
        let connection = Connection::new(listener, peer, body_length, self.now.instant);
        let before = self.state.connections.insert(key, connection);
        assert!(before.is_none(), "a connection key was used twice");
        if self.state.shutdown.is_some() {
            self.refuse(key, Status::ConnectionError);
        }
        self.rearm(key);
    }

    pub(crate) fn bytes_received(&mut self, key: ConnectionKey, bytes: &[u8]) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let budget = crate::length(connection.read_budget());
        assert!(bytes.len() <= budget, "more was read than the budget allows");
        match connection.input {
            InputSide::Reading => self.read_request(key, bytes),
            InputSide::Discarding => {
                connection.stray_input = true;
                connection.discard_left = connection.discard_left.saturating_sub(crate::size(bytes.len()));
                self.abort_if_spent(key);
            }
            InputSide::WaitingForRoom | InputSide::Closed => {}
        }
        self.rearm(key);
    }

    fn read_request(&mut self, key: ConnectionKey, bytes: &[u8]) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.last_byte = self.now.instant;
        connection.first_byte.get_or_insert(self.now.instant);
        let push = connection.reader.push(bytes);
        let stray = crate::size(bytes.len().saturating_sub(push.consumed));
        match push.progress {
            Progress::Incomplete => self.make_room(key),
            Progress::Complete(frame) => {
                connection.input = InputSide::Discarding;
                connection.stray_input = stray > 0;
                connection.discard_left = connection.discard_left.saturating_sub(stray);
                self.request_complete(key, frame);
            }
            Progress::Failed(status) => {
                connection.discard_left = connection.discard_left.saturating_sub(stray);
                self.refuse(key, status);
            }
        }
    }

    /// Reserves room for an announced request that is larger than the connection's allowance.
    fn make_room(&mut self, key: ConnectionKey) {
        let limit = self.state.config.limits.request_memory;
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let announced = connection.reader.announced().unwrap_or(0);
        if announced <= ALLOWANCE || connection.reserved > 0 {
            return;
        }
        let was_waiting = connection.input == InputSide::WaitingForRoom;
        if self.state.accounts.reserve(announced, limit) {
            connection.reserved = announced;
            connection.input = InputSide::Reading;
            connection.last_byte = self.now.instant;
            if was_waiting {
                self.output(Output::ReadAgain { connection: key });
            }
        } else if !was_waiting {
            connection.input = InputSide::WaitingForRoom;
            self.state.waiting_for_room.push_back(key);
        }
    }

    /// Lets connections read on that wait for room, in order, as far as there is room.
    pub(crate) fn room_was_freed(&mut self) {
        while let Some(key) = self.state.waiting_for_room.front().copied() {
            self.make_room(key);
            let still_waiting = self
                .state
                .connections
                .get(&key)
                .is_some_and(|connection| connection.input == InputSide::WaitingForRoom);
            if still_waiting {
                return;
            }
            self.state.waiting_for_room.pop_front();
            self.rearm(key);
        }
    }

    fn request_complete(&mut self, key: ConnectionKey, frame: Frame) {
        let reserved = match self.state.connections.get_mut(&key) {
            Some(connection) => core::mem::take(&mut connection.reserved),
            None => 0,
        };
        match frame.header.convert() {
            Ok(header) => self.request_received(key, header, frame, reserved),
            Err(status) => {
                self.state.accounts.release(reserved);
                self.reply_anonymously(key, status);
            }
        }
    }

    /// Ends the input of a connection whose frame is not one, and says why.
    fn refuse(&mut self, key: ConnectionKey, status: Status) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        if connection.input != InputSide::Closed {
            connection.input = InputSide::Discarding;
            connection.stray_input = true;
        }
        let reserved = core::mem::take(&mut connection.reserved);
        self.state.accounts.release(reserved);
        self.reply_anonymously(key, status);
        self.room_was_freed();
    }

    /// Ends the input of a connection that has not sent a whole request.
    pub(crate) fn refuse_unfinished(&mut self, key: ConnectionKey) {
        let unfinished = self.state.connections.get(&key).is_some_and(|connection| {
            matches!(connection.input, InputSide::Reading | InputSide::WaitingForRoom)
        });
        if unfinished {
            self.refuse(key, Status::ConnectionError);
            self.rearm(key);
        }
    }

    fn reply_anonymously(&mut self, key: ConnectionKey, status: Status) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let response = Response { header: ResponseHeader::anonymous(status), body: SecretBytes::default() };
        connection.replies.push_back(ReplySlot { request: None, response: Some(response) });
        let peer = connection.peer.credentials;
        self.observer.event(Event::Refused { connection: key, peer, status });
        self.flush(key);
    }

    pub(crate) fn bytes_sent(&mut self, key: ConnectionKey, count: u32) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.outgoing.sent(crate::length(count));
        connection.last_byte = self.now.instant;
        self.abort_if_spent(key);
        self.rearm(key);
    }

    pub(crate) fn read_closed(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let before = core::mem::replace(&mut connection.input, InputSide::Closed);
        match before {
            InputSide::Reading | InputSide::WaitingForRoom => self.refuse(key, Status::ConnectionError),
            InputSide::Discarding if connection.output == OutputSide::HalfClosed => self.close(key),
            InputSide::Discarding | InputSide::Closed => {}
        }
        self.rearm(key);
    }

    pub(crate) fn connection_lost(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.remove(&key) else { return };
        if let Some((at, reason)) = connection.deadline {
            self.state.deadlines.clear(at, Due::Connection(key, reason));
        }
        self.state.waiting_for_room.retain(|waiting| *waiting != key);
        self.state.accounts.release(connection.reserved);
        for request in connection.owed() {
            self.request_abandoned(request);
        }
        let connections = crate::size(self.state.connections.len());
        let limit = u64::from(self.state.config.limits.connections);
        if connections.saturating_add(1) == limit {
            self.accept_again();
        }
        self.room_was_freed();
    }

    /// A phase of a connection took too long.
    pub(crate) fn connection_expired(&mut self, key: ConnectionKey, reason: WakeReason) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.deadline = None;
        match reason {
            WakeReason::Drain => self.abort(key),
            _ => self.refuse(key, Status::ConnectionError),
        }
        self.rearm(key);
    }

    /// Makes the connection's one registered deadline that of its phase.
    pub(super) fn rearm(&mut self, key: ConnectionKey) {
        let deadlines = &self.state.config.deadlines;
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let wanted = match (connection.output, connection.input) {
            (OutputSide::Closed, _) if connection.outgoing.is_empty() => None,
            (OutputSide::Closed | OutputSide::HalfClosed, _) => {
                Some((connection.last_byte.after(deadlines.drain), WakeReason::Drain))
            }
            (OutputSide::Open, InputSide::Reading) => Some(match connection.first_byte {
                None => (connection.opened.after(deadlines.first_byte), WakeReason::FirstByte),
                Some(first) => {
                    let silence = (connection.last_byte.after(deadlines.silence), WakeReason::Silence);
                    let request = (first.after(deadlines.request), WakeReason::Request);
                    silence.min(request)
                }
            }),
            (OutputSide::Open, InputSide::WaitingForRoom | InputSide::Discarding | InputSide::Closed) => None,
        };
        if wanted == connection.deadline {
            return;
        }
        let before = core::mem::replace(&mut connection.deadline, wanted);
        if let Some((at, reason)) = before {
            self.state.deadlines.clear(at, Due::Connection(key, reason));
        }
        if let Some((at, reason)) = wanted {
            self.state.deadlines.set(at, Due::Connection(key, reason));
        }
    }
}
