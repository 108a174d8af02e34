//! Who asks, and what a key is called.

use alloc::format;
use alloc::sync::Arc;
use parsecd_wire::AuthenticationType;

/// Text that is shared, not copied.
pub type Text = Arc<str>;

/// A verified application: authenticator and name. The same name under another authenticator is another
/// application (service-behaviour.md 4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationIdentity {
    /// Authenticator that vouches for the name.
    pub authenticator: AuthenticationType,
    /// Application name: a self-claimed name, a decimal uid, a SPIFFE id.
    pub name: Text,
}

/// Full name of a key. Names are unique per application and provider (decisions.md 3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIdentity {
    /// Application that owns the key.
    pub application: ApplicationIdentity,
    /// Name of the provider in the configuration.
    pub provider: Text,
    /// Name that the application gave the key; any UTF-8, empty included.
    pub name: Text,
}

impl KeyIdentity {
    /// The key that `application` calls `name` in `provider`. Every request's key is named here, and an
    /// anonymous caller has no application to name one with.
    pub fn new(application: &ApplicationIdentity, provider: &Text, name: &str) -> Self {
        KeyIdentity { application: application.clone(), provider: provider.clone(), name: name.into() }
    }
}

/// What the kernel says of a peer at the moment it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerCredentials {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Process id, 0 where the kernel does not tell.
    pub pid: u32,
}

/// Peers that are counted as one before they are authenticated: those of one uid or control group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerGroup(pub u64);

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Kernel credentials; `None` where the transport has none.
    pub credentials: Option<PeerCredentials>,
    /// Group it is counted with.
    pub group: PeerGroup,
}

/// Who pays for work: lane time, queues and quotas are shared between principals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// Self-claimed names and anonymous requests count as their peer group.
    Peers(PeerGroup),
    /// A verified identity.
    Verified(ApplicationIdentity),
    /// The core's own recovery work.
    Sweeper,
}

impl Principal {
    /// How the store knows it: `peers:GROUP`, `AUTHENTICATOR:NAME`, `sweeper`. No two are equal.
    pub fn to_text(&self) -> Text {
        match self {
            Principal::Peers(group) => Text::from(format!("peers:{}", group.0)),
            Principal::Verified(identity) => {
                Text::from(format!("{}:{}", identity.authenticator.number(), identity.name))
            }
            Principal::Sweeper => Text::from("sweeper"),
        }
    }
}
