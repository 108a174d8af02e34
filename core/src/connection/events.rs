//! What happens to a connection: opened, written to, closed, lost, out of time.

use super::state::{Connection, InputSide, OutputSide, ReplySlot, Response};
use crate::deadlines::Due;
use crate::identity::Peer;
use crate::ids::{ConnectionKey, ListenerKey};
use crate::observer::Event;
use crate::output::WakeReason;
use crate::state::Step;
use parsecd_wire::{ResponseHeader, SecretBytes, Status};

impl Step<'_> {
    pub(crate) fn connection_opened(&mut self, key: ConnectionKey, listener: ListenerKey, peer: Peer) {
        let body_length = self.state.config.limits.body_length;
        let connection = Connection::new(listener, peer, body_length, self.now.instant);
        let before = self.state.connections.insert(key, connection);
        assert!(before.is_none(), "a connection key was used twice");
        self.state.groups.opened(peer.group);
        if self.state.shutdown.is_some() {
            self.refuse(key, Status::ConnectionError);
        } else {
            self.admit_to_group(key, peer.group);
        }
        self.rearm(key);
    }

    /// Ends the input of a connection whose frame is not one, and says why.
    pub(super) fn refuse(&mut self, key: ConnectionKey, status: Status) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.input = InputSide::Ended;
        connection.stray_input = true;
        connection.unread = SecretBytes::default();
        let reserved = core::mem::take(&mut connection.reserved);
        self.state.accounts.release(reserved);
        self.reply_anonymously(key, status, false);
        self.room_was_freed();
    }

    /// Ends the input of a connection that has not sent a whole request.
    pub(crate) fn refuse_unfinished(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        match connection.input {
            InputSide::Reading if connection.kept && connection.reader.is_empty() => self.end_input(key),
            InputSide::Reading | InputSide::WaitingForRoom => self.refuse(key, Status::ConnectionError),
            InputSide::Full => self.end_input(key),
            InputSide::Ended => {}
        }
        self.rearm(key);
    }

    /// No further request is taken; what was taken is answered.
    pub(super) fn end_input(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.state.connections.get_mut(&key) {
            connection.input = InputSide::Ended;
            connection.unread = SecretBytes::default();
        }
        self.flush(key);
    }

    /// Answers a request that was never admitted.
    pub(super) fn reply_anonymously(&mut self, key: ConnectionKey, status: Status, keeps: bool) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let mut header = ResponseHeader::anonymous(status);
        if keeps {
            header.flags = parsecd_wire::header::KEEP_CONNECTION;
        }
        let response = Response { header, body: SecretBytes::default() };
        connection.replies.push_back(ReplySlot { request: None, response: Some(response) });
        let peer = connection.peer.credentials;
        self.observer.event(Event::Refused { connection: key, peer, status });
        self.flush(key);
    }

    pub(crate) fn bytes_sent(&mut self, key: ConnectionKey, count: u32) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.outgoing.sent(crate::length(count));
        connection.moved = self.now.instant;
        self.may_resume(key);
        self.abort_if_spent(key);
        self.rearm(key);
    }

    pub(crate) fn read_closed(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.end_of_stream = true;
        match connection.input {
            InputSide::Reading | InputSide::WaitingForRoom => self.input_ended(key),
            InputSide::Ended if connection.output == OutputSide::HalfClosed => self.close(key),
            InputSide::Ended | InputSide::Full => {}
        }
        self.rearm(key);
    }

    /// Nothing more comes and nothing more is held: either between two requests, or within one.
    pub(super) fn input_ended(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get(&key) else { return };
        if connection.kept && connection.reader.is_empty() {
            self.end_input(key);
        } else {
            self.refuse(key, Status::ConnectionError);
        }
    }

    pub(crate) fn connection_lost(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.remove(&key) else { return };
        if let Some((at, reason)) = connection.deadline {
            self.state.deadlines.clear(at, Due::Connection(key, reason));
        }
        self.state.groups.lost(connection.peer.group, key, &connection);
        self.state.resumable.remove(&key);
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
            WakeReason::Drain | WakeReason::AnswerTaken => self.abort(key),
            WakeReason::Idle => self.end_input(key),
            _ => self.refuse(key, Status::ConnectionError),
        }
        self.rearm(key);
    }

    /// Makes the connection's one registered deadline that of its phase.
    pub(super) fn rearm(&mut self, key: ConnectionKey) {
        let deadlines = &self.state.config.deadlines;
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        self.state.groups.note(key, connection);
        let (quiet, moved) = (connection.quiet_since, connection.moved);
        let unsent = !connection.outgoing.is_empty();
        let wanted = match (connection.output, connection.input) {
            (OutputSide::Closed, _) if !unsent => None,
            (OutputSide::Closed | OutputSide::HalfClosed, _) => {
                Some((moved.after(deadlines.drain), WakeReason::Drain))
            }
            (OutputSide::Open, _) if unsent => {
                Some((moved.after(deadlines.answer_taken), WakeReason::AnswerTaken))
            }
            (OutputSide::Open, InputSide::Reading) => match connection.first_byte {
                Some(first) => {
                    let silence = (moved.after(deadlines.silence), WakeReason::Silence);
                    let request = (first.after(deadlines.request), WakeReason::Request);
                    Some(silence.min(request))
                }
                None if !connection.replies.is_empty() => None,
                None if connection.kept => Some((quiet.after(deadlines.idle), WakeReason::Idle)),
                None => Some((quiet.after(deadlines.first_byte), WakeReason::FirstByte)),
            },
            (OutputSide::Open, InputSide::WaitingForRoom | InputSide::Full | InputSide::Ended) => None,
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
