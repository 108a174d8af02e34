//! What the core asks of the world.

use crate::audit::AuditEvent;
use crate::identity::{KeyIdentity, Text};
use crate::ids::{ConnectionKey, HostKey, LaneKey, ListenerKey, Ticket};
use crate::job::Job;
use crate::store::{Mutation, Query};
use crate::time::Instant;
use alloc::sync::Arc;
use parsecd_wire::SecretBytes;

/// One thing to do. Outputs come in the order in which they are to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// `outgoing` has bytes: write them, tell how many were taken.
    Write {
        /// The connection.
        connection: ConnectionKey,
    },
    /// After everything of `outgoing` is sent: shut the write side down.
    ShutdownWrite {
        /// The connection.
        connection: ConnectionKey,
    },
    /// After everything of `outgoing` is sent: close. No unread input is expected.
    Close {
        /// The connection.
        connection: ConnectionKey,
    },
    /// Unread input may exist: shut both directions down, read what is queued, close, so that a client that
    /// still reads its answer finds it (decisions.md 6). Unsent bytes are given up.
    Abort {
        /// The connection.
        connection: ConnectionKey,
    },
    /// `read_budget` went from 0 to positive.
    ReadAgain {
        /// The connection.
        connection: ConnectionKey,
    },
    /// `accept_budget` went from 0 to positive.
    AcceptAgain {
        /// The listener.
        listener: ListenerKey,
    },
    /// Have a token verified.
    VerifyToken {
        /// For the answer.
        ticket: Ticket,
        /// The token.
        token: SecretBytes,
    },
    /// Read one row of `keys`, and the counters of its tenant and of the principal that asks.
    Fetch {
        /// For the answer.
        ticket: Ticket,
        /// Name of the key.
        identity: KeyIdentity,
        /// Whose quota a creation would count for, [`crate::identity::Principal::to_text`].
        principal: Text,
    },
    /// Read a page.
    List {
        /// For the answer.
        ticket: Ticket,
        /// Of what.
        query: Query,
    },
    /// Change the store, durably.
    Commit {
        /// For the answer.
        ticket: Ticket,
        /// How.
        mutation: Mutation,
    },
    /// Run a job. A lane is given a second job while it runs one; the second waits in the host.
    StartJob {
        /// For the answer.
        ticket: Ticket,
        /// Where.
        on: Place,
        /// What.
        job: Arc<Job>,
    },
    /// Give up a job that still waits in its host; it then ends as `NoEffect`, otherwise as it ends.
    CancelJob {
        /// Its ticket.
        ticket: Ticket,
    },
    /// Start a host.
    OpenHost {
        /// The new host.
        host: HostKey,
    },
    /// Kill a host that no longer answers; its jobs end as `LaneLost` or `NoEffect`, then it is `Down`.
    KillHost {
        /// The host.
        host: HostKey,
    },
    /// Let a host exit that has no job, except while it is opened; then it is `Down`.
    CloseHost {
        /// The host.
        host: HostKey,
    },
    /// Write an audit event.
    Audit {
        /// For the answer.
        ticket: Ticket,
        /// What happened.
        event: AuditEvent,
    },
    /// Nothing is left to do after a shutdown, or its grace is over. What can be written now is written, then every
    /// connection that is left is closed as by [`Output::Abort`].
    Stopped,
    /// The end of the outputs of a step.
    Idle {
        /// When to deliver [`crate::input::Input::TimePassed`] at the latest, and what is due then.
        wake: Option<(Instant, WakeReason)>,
        /// A long answer was cut: step again soon even if nothing happens.
        more_work: bool,
    },
}

/// Where a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On a provider's lane.
    Lane(LaneKey),
    /// On the executor of public-key operations and hashes.
    Executor,
}

/// What is due at a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WakeReason {
    /// A client has not begun a request.
    FirstByte,
    /// A client paused inside a request.
    Silence,
    /// A request took too long to arrive.
    Request,
    /// A client does not take its answer.
    AnswerTaken,
    /// A kept connection has not been used.
    Idle,
    /// A client did not close after its answer.
    Drain,
    /// A request waits for a lane.
    Queue,
    /// A job did not end, a host did not open or go.
    Operation,
    /// A host is to be opened again.
    Reopen,
    /// An object is to be searched again.
    Settling,
    /// Accepting is to be tried again.
    Accept,
    /// The grace of a shutdown is over.
    Grace,
}
