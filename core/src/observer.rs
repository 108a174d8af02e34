//! Typed events for logs, metrics and the simulator's auditor. Nothing else looks inside the core.

use crate::identity::{ApplicationIdentity, KeyIdentity, PeerCredentials, Text};
use crate::ids::{ConnectionKey, HostKey, LaneKey, ObjectId, ProviderKey, RequestId, Ticket};
use core::time::Duration;
use parsecd_wire::{AuthenticationType, Opcode, ProviderId, Status};

/// Told of what happens while a step runs.
pub trait Observer {
    /// Called once per event, in order.
    fn event(&mut self, event: Event<'_>);
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn event(&mut self, _event: Event<'_>) {}
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A request came in whole and its header was converted. It runs under the configuration of now.
    Received {
        /// The request.
        request: RequestId,
        /// Where it came in.
        connection: ConnectionKey,
        /// Which configuration that is: the first one is 1, each that is taken one more.
        generation: u64,
    },
    /// A request was authenticated and passed every check that needs no key.
    Admitted {
        /// The request.
        request: RequestId,
        /// Where it came in.
        connection: ConnectionKey,
        /// Who asks; `None` without identity.
        application: Option<&'a ApplicationIdentity>,
        /// What for.
        opcode: Opcode,
        /// Configuration it runs under.
        generation: u64,
    },
    /// A job was given to a lane.
    Started {
        /// The request it serves; `None` for recovery.
        request: Option<RequestId>,
        /// The lane.
        lane: LaneKey,
        /// Its ticket.
        ticket: Ticket,
    },
    /// A request went from one state to another.
    RequestTransition {
        /// The request.
        request: RequestId,
        /// State it left.
        from: &'static str,
        /// State it is in.
        to: &'static str,
    },
    /// A key's creation or destruction went from one state to another.
    KeyLifeTransition {
        /// The object.
        object: ObjectId,
        /// State it left.
        from: &'static str,
        /// State it is in.
        to: &'static str,
    },
    /// A request was answered.
    Answered(Answered<'a>),
    /// A host changed.
    Host {
        /// The host.
        host: HostKey,
        /// What it is now, and why.
        state: HostEvent<'a>,
    },
    /// A provider went up or down; not told of one that is not configured any more.
    Provider {
        /// The provider.
        provider: ProviderKey,
        /// Whether it serves.
        up: bool,
    },
    /// A connection was closed by us before its request was complete.
    Refused {
        /// The connection.
        connection: ConnectionKey,
        /// Kernel credentials of the peer.
        peer: Option<PeerCredentials>,
        /// What it was told.
        status: Status,
    },
    /// An answer came for something that is gone.
    Stale {
        /// Its ticket.
        ticket: Ticket,
    },
    /// A record cannot be read; its key is disabled until it can.
    UnreadableRecord {
        /// The application that owns it.
        application: &'a ApplicationIdentity,
        /// Provider of the key.
        provider: &'a Text,
        /// Name of the key.
        name: &'a Text,
    },
    /// A key cannot be used: another device made it than the one that its provider has now.
    OtherDevice {
        /// The key.
        identity: &'a KeyIdentity,
    },
    /// A signature does not verify; it was not delivered and its host is replaced.
    WrongSignature {
        /// The request it was made for.
        request: RequestId,
        /// The host that made it.
        host: HostKey,
    },
    /// The store does not know how a commit ended, or whether it does again.
    StoreDoubt {
        /// Whether the doubt began (or ended).
        began: bool,
    },
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Answered<'a> {
    /// The request.
    pub request: RequestId,
    /// Where it came in; `None` if whoever asked is gone.
    pub connection: Option<ConnectionKey>,
    /// Kernel credentials of the peer.
    pub peer: Option<PeerCredentials>,
    /// How it was authenticated, or tried to.
    pub authentication: AuthenticationType,
    /// Who asked; `None` without identity.
    pub application: Option<&'a ApplicationIdentity>,
    /// Provider it named.
    pub provider: ProviderId,
    /// Operation it asked for.
    pub opcode: Opcode,
    /// Configuration it ran under.
    pub generation: u64,
    /// What it was told.
    pub status: Status,
    /// Time it waited before a lane took it; zero if none did.
    pub queued: Duration,
    /// Time on the lane; zero if there was none.
    pub ran: Duration,
}

/// What a host is.
#[derive(Clone, Copy, Debug)]
pub enum HostEvent<'a> {
    /// It is being started.
    Opening,
    /// It serves.
    Up,
    /// It is gone, unasked.
    Down(&'a str),
    /// It was let go, and is gone.
    Ended,
    /// It did not open, end a job or go in time; it is killed.
    Stuck,
    /// The device refuses the log-in; the host is not opened again under this configuration.
    LoginRefused,
}
