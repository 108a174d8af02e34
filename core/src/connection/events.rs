//! What happens to a connection: opened, written to, closed, lost, out of time.

use super::frame::FrameReader;
use super::state::{Connection, InputSide, OutputSide, ReplySlot, Response};
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
        self.state.connections.insert(key, connection);
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
        connection.stray_input = true;
        self.input_is_over(key);
        self.reply_anonymously(key, status, false);
        self.room_was_freed();
    }

    /// Ends the input of a connection that has not sent a whole request.
    pub(crate) fn refuse_unfinished(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        match connection.input {
            InputSide::Reading if connection.kept && connection.reader.is_empty() => self.end_input(key),
            InputSide::Reading | InputSide::WaitingForRoom { .. } | InputSide::Full { .. } => {
                self.refuse(key, Status::ConnectionError);
            }
            InputSide::Ended => {}
        }
        self.rearm(key);
    }

    /// Nothing more is read into requests, and what was is given up.
    pub(super) fn input_is_over(&mut self, key: ConnectionKey) {
        self.leave_room_queue(key);
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let held_back = connection.read_budget() == 0;
        connection.input = InputSide::Ended;
        connection.reader = FrameReader::new(0);
        connection.unread = SecretBytes::default();
        let reserved = core::mem::take(&mut connection.reserved);
        self.state.accounts.release(connection.peer.group, reserved);
        if held_back && connection.read_budget() > 0 {
            self.output(Output::ReadAgain { connection: key });
        }
    }

    /// No further request is taken; what was taken is answered.
    pub(super) fn end_input(&mut self, key: ConnectionKey) {
        self.input_is_over(key);
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
        connection.replies.push_back(ReplySlot { request: None, size: 0, response: Some(response) });
        let peer = connection.peer.credentials;
        self.observer.event(Event::Refused { connection: key, peer, status });
        self.flush(key);
    }

    pub(crate) fn bytes_sent(&mut self, key: ConnectionKey, count: u32) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        if connection.outgoing.is_empty() {
            return assert!(connection.output == OutputSide::Closed, "more was sent than there was");
        }
        connection.outgoing.sent(crate::length(count));
        connection.taken = self.now.instant;
        self.answers_left(key);
        self.room_was_freed();
        self.may_resume(key);
        self.abort_if_spent(key);
        self.rearm(key);
    }

    pub(crate) fn read_closed(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.end_of_stream = true;
        match connection.input {
            InputSide::Reading | InputSide::WaitingForRoom { .. } => self.input_ended(key),
            InputSide::Ended if connection.output == OutputSide::HalfClosed => self.close(key),
            InputSide::Ended | InputSide::Full { .. } => {}
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
        self.leave_room_queue(key);
        let Some(connection) = self.state.connections.remove(&key) else { return };
        if let Some((at, reason)) = connection.registered {
            self.state.deadlines.clear(at, Due::Connection(key, reason));
        }
        self.state.groups.lost(connection.peer.group, key, &connection);
        self.state.resumable.remove(&key);
        let reserved = connection.reserved.saturating_add(connection.held);
        self.state.accounts.release(connection.peer.group, reserved);
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
    pub(crate) fn connection_expired(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.registered = None;
        let now = self.now.instant;
        match connection.deadline.take_if(|(at, _)| *at <= now) {
            None => {}
            Some((_, WakeReason::Drain | WakeReason::AnswerTaken)) => self.abort(key),
            Some((_, WakeReason::Idle)) => self.end_input(key),
            Some(_) => self.refuse(key, Status::ConnectionError),
        }
        self.rearm(key);
    }

    /// Sets the deadline of the connection's phase. What is registered is never later; where it is earlier,
    /// from a phase that is over, it stays until it is due: phases change with every request, and waking once
    /// for nothing costs less.
    pub(super) fn rearm(&mut self, key: ConnectionKey) {
        let deadlines = &self.state.config.deadlines;
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        self.state.groups.note(key, connection);
        let (quiet, taken) = (connection.quiet_since, connection.taken);
        let unsent = !connection.outgoing.is_empty();
        let answer = unsent.then(|| (taken.after(deadlines.answer_taken), WakeReason::AnswerTaken));
        let request = match connection.first_byte {
            _ if connection.input != InputSide::Reading => None,
            Some(first) => {
                let silence = (connection.moved.after(deadlines.silence), WakeReason::Silence);
                Some(silence.min((first.after(deadlines.request), WakeReason::Request)))
            }
            None if unsent || !connection.replies.is_empty() => None,
            None if connection.kept => Some((quiet.after(deadlines.idle), WakeReason::Idle)),
            None => Some((quiet.after(deadlines.first_byte), WakeReason::FirstByte)),
        };
        let wanted = match connection.output {
            OutputSide::Closed => answer,
            OutputSide::HalfClosed => answer.or(Some((taken.after(deadlines.drain), WakeReason::Drain))),
            OutputSide::Open => answer.into_iter().chain(request).min(),
        };
        connection.deadline = wanted;
        let Some((at, reason)) = wanted else { return };
        if connection.registered.is_some_and(|(registered, _)| registered <= at) {
            return;
        }
        if let Some((before, reason)) = connection.registered.replace((at, reason)) {
            self.state.deadlines.clear(before, Due::Connection(key, reason));
        }
        self.state.deadlines.set(at, Due::Connection(key, reason));
    }
}
