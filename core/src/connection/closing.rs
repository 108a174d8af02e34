//! Sending answers in order, and closing so that they can be read (decisions.md 6).

use super::state::{InputSide, OutputSide, Response};
use crate::ids::{ConnectionKey, RequestId};
use crate::output::Output;
use crate::state::Step;

impl Step<'_> {
    /// Opens the place of a request in the order of answers.
    pub(crate) fn expect_reply(&mut self, key: ConnectionKey, request: RequestId, size: u64) {
        if let Some(connection) = self.state.connections.get_mut(&key) {
            let slot = super::state::ReplySlot { request: Some(request), size, response: None };
            connection.replies.push_back(slot);
        }
    }

    /// Puts a response into its request's place.
    pub(crate) fn reply(&mut self, key: ConnectionKey, request: RequestId, response: Response) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let slot = connection.replies.iter_mut().find(|slot| slot.request == Some(request));
        assert!(slot.as_ref().is_some_and(|slot| slot.response.is_none()), "a request is answered once");
        if let Some(slot) = slot {
            let bytes = crate::size(response.body.len());
            slot.response = Some(response);
            connection.held = connection.held.saturating_add(bytes);
            self.state.accounts.hold(connection.peer.group, bytes);
        }
        self.flush(key);
    }

    /// Hands over the answers whose turn it is, then ends the connection if nothing more can come.
    pub(super) fn flush(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let was_empty = connection.outgoing.is_empty();
        self.state.groups.busy(key, connection);
        while connection.replies.front().is_some_and(|slot| slot.response.is_some()) {
            if let Some(response) = connection.replies.pop_front().and_then(|slot| slot.response)
                && connection.output == OutputSide::Open
            {
                if connection.outgoing.is_empty() {
                    connection.taken = self.now.instant;
                }
                connection.outgoing.push(&response.header, response.body);
                connection.quiet_since = self.now.instant;
            }
        }
        let ended = connection.replies.is_empty()
            && connection.output == OutputSide::Open
            && connection.input == InputSide::Ended;
        let unread_input = connection.stray_input && !connection.end_of_stream;
        if was_empty && !connection.outgoing.is_empty() {
            self.output(Output::Write { connection: key });
        }
        if ended && unread_input {
            self.half_close(key);
        } else if ended {
            self.close(key);
        }
        self.answers_left(key);
        self.may_resume(key);
        self.rearm(key);
    }

    /// Gives back the memory of answers that have left.
    pub(super) fn answers_left(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        let left = connection.held.saturating_sub(connection.unsent());
        connection.held = connection.held.saturating_sub(left);
        self.state.accounts.release(connection.peer.group, left);
    }

    /// Tells the client that nothing more comes, and waits for it to go: closing now would reset it.
    fn half_close(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.output = OutputSide::HalfClosed;
        connection.taken = self.now.instant;
        self.output(Output::ShutdownWrite { connection: key });
        self.abort_if_spent(key);
    }

    /// Closes a half-closed connection whose answer is sent and whose allowance of stray input is used up.
    pub(super) fn abort_if_spent(&mut self, key: ConnectionKey) {
        let spent = self.state.connections.get(&key).is_some_and(|connection| {
            connection.output == OutputSide::HalfClosed
                && connection.discard_left == 0
                && connection.outgoing.is_empty()
        });
        if spent {
            self.abort(key);
        }
    }

    /// Closes once everything is sent.
    pub(super) fn close(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        connection.output = OutputSide::Closed;
        connection.taken = self.now.instant;
        self.output(Output::Close { connection: key });
    }

    /// Closes now, although unread input may exist. Nothing further is read or sent; what runs ends by itself.
    pub(crate) fn abort(&mut self, key: ConnectionKey) {
        let Some(connection) = self.state.connections.get_mut(&key) else { return };
        if connection.output == OutputSide::Closed && connection.outgoing.is_empty() {
            return;
        }
        connection.output = OutputSide::Closed;
        connection.outgoing.clear();
        connection.replies.retain(|slot| slot.response.is_none());
        self.output(Output::Abort { connection: key });
        self.input_is_over(key);
        self.answers_left(key);
    }
}
