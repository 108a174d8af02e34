//! What the world tells the core.

use crate::config::Config;
use crate::identity::{Peer, Text};
use crate::ids::{ConnectionKey, HostKey, ListenerKey, Ticket};
use crate::outcome::Outcome;
use crate::store::{CommitResult, Counters, Fetched, Page, StoreState};
use crate::time::WallTime;
use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

/// One thing that happened. The driver delivers completions and writes before reads, reads before accepts,
/// and [`Input::TimePassed`] last.
pub enum Input<'a> {
    /// A peer connected; never more than `accept_budget`. `connection` was never used before.
    ConnectionOpened {
        /// Minted by the driver.
        connection: ConnectionKey,
        /// Where it was accepted.
        listener: ListenerKey,
        /// Who the kernel says it is.
        peer: Peer,
    },
    /// Bytes came; never more than `read_budget`, never after [`Input::ReadClosed`].
    BytesReceived {
        /// The connection.
        connection: ConnectionKey,
        /// At least one byte.
        bytes: &'a [u8],
    },
    /// The first `count` bytes of `outgoing` were handed to the kernel.
    BytesSent {
        /// The connection.
        connection: ConnectionKey,
        /// At least 1.
        count: u32,
    },
    /// The peer will send no more.
    ReadClosed {
        /// The connection.
        connection: ConnectionKey,
    },
    /// The connection is gone. Exactly one ends each connection, also after `Close` and `Abort`.
    ConnectionLost {
        /// The connection.
        connection: ConnectionKey,
    },
    /// Accepting failed for want of descriptors or memory.
    AcceptFailed {
        /// The listener.
        listener: ListenerKey,
    },
    /// Answers `VerifyToken`.
    TokenVerified {
        /// Its ticket.
        ticket: Ticket,
        /// What the token says.
        verdict: TokenVerdict,
    },
    /// Answers `Fetch`.
    RecordFetched {
        /// Its ticket.
        ticket: Ticket,
        /// The row.
        fetched: Fetched,
        /// What the tenant and its principal hold.
        counters: Counters,
    },
    /// Answers `List`.
    Listed {
        /// Its ticket.
        ticket: Ticket,
        /// The rows.
        page: Page,
    },
    /// Answers `Commit`.
    Committed {
        /// Its ticket.
        ticket: Ticket,
        /// How it ended.
        result: CommitResult,
    },
    /// The store came or went by itself.
    StoreChanged {
        /// What it is now.
        state: StoreState,
    },
    /// Answers `StartJob`; exactly once for each, possibly late.
    JobFinished {
        /// Its ticket.
        ticket: Ticket,
        /// How it ended.
        outcome: Outcome,
    },
    /// A host opened, or is gone. Comes after the `JobFinished` of all jobs that were with the host.
    HostChanged {
        /// The host.
        host: HostKey,
        /// What it is now.
        state: HostState,
    },
    /// Answers `Audit`.
    Audited {
        /// Its ticket.
        ticket: Ticket,
        /// Whether the event was written.
        written: bool,
    },
    /// A new configuration, validated.
    Reconfigured {
        /// All of it.
        config: Box<Config>,
    },
    /// Stop: answer what is running, tell the rest, be done within `grace`.
    ShutdownRequested {
        /// Time left.
        grace: Duration,
    },
    /// Time passed; the only input that expires anything.
    TimePassed,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, about, what): (_, Option<&dyn fmt::Debug>, &dyn fmt::Debug) = match self {
            Input::ConnectionOpened { connection, listener, peer } => {
                ("ConnectionOpened", Some(connection), &(listener, peer))
            }
            // They may be keys, plaintexts and tokens.
            Input::BytesReceived { connection, bytes } => ("BytesReceived", Some(connection), &bytes.len()),
            Input::BytesSent { connection, count } => ("BytesSent", Some(connection), count),
            Input::ReadClosed { connection } => ("ReadClosed", None, connection),
            Input::ConnectionLost { connection } => ("ConnectionLost", None, connection),
            Input::AcceptFailed { listener } => ("AcceptFailed", None, listener),
            Input::TokenVerified { ticket, verdict } => ("TokenVerified", Some(ticket), verdict),
            Input::RecordFetched { ticket, fetched, counters } => {
                ("RecordFetched", Some(ticket), &(fetched, counters))
            }
            Input::Listed { ticket, page } => ("Listed", Some(ticket), page),
            Input::Committed { ticket, result } => ("Committed", Some(ticket), result),
            Input::StoreChanged { state } => ("StoreChanged", None, state),
            Input::JobFinished { ticket, outcome } => ("JobFinished", Some(ticket), outcome),
            Input::HostChanged { host, state } => ("HostChanged", Some(host), state),
            Input::Audited { ticket, written } => ("Audited", Some(ticket), written),
            Input::Reconfigured { config } => ("Reconfigured", None, config),
            Input::ShutdownRequested { grace } => ("ShutdownRequested", None, grace),
            Input::TimePassed => return f.write_str("TimePassed"),
        };
        let mut told = f.debug_tuple(name);
        if let Some(about) = about {
            told.field(about);
        }
        told.field(what).finish()
    }
}

/// What became of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TokenVerdict {
    /// It is genuine; whether it is accepted now is decided by the core's wall clock.
    Genuine {
        /// Whom it names: a SPIFFE id.
        name: Text,
        /// Not before.
        valid_from: WallTime,
        /// Not after.
        valid_until: WallTime,
    },
    /// It is not, or not for us.
    Refused,
    /// The identity provider could not be asked.
    Unavailable,
}

/// State of a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostState {
    /// It runs and waits for its `Open` job.
    Opened {
        /// Jobs it can run at a time, at least 1.
        lanes: u16,
    },
    /// It is gone, or never came up.
    Down {
        /// For the operator.
        why: alloc::string::String,
    },
}
