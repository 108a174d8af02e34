//! Security-relevant events, written before the response they belong to leaves.

use crate::identity::{ApplicationIdentity, PeerCredentials, Text};
use crate::ids::{ObjectId, RequestId};
use crate::time::WallTime;
use parsecd_wire::{Opcode, ProviderId, Status};

/// A request that touched keys, or was refused its identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuditEvent {
    /// When it was answered.
    pub wall: WallTime,
    /// The request.
    pub request: RequestId,
    /// What the kernel says of the peer.
    pub peer: Option<PeerCredentials>,
    /// The application; `None` if it has no identity or its credentials were refused.
    pub application: Option<ApplicationIdentity>,
    /// Provider that was named.
    pub provider: ProviderId,
    /// Operation that was asked for.
    pub opcode: Opcode,
    /// Key or client that was named.
    pub subject: Option<Text>,
    /// Object of the key, where there is one.
    pub object: Option<ObjectId>,
    /// What the client is told.
    pub status: Status,
}
