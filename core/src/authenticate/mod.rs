//! Who sent a request: from its authentication field and what the kernel says of the peer
//! (wire-protocol.md 9, step 10 of section 4). Computed once per request and moved with it.

mod direct;
mod jwt_svid;
mod unix_peer;

use crate::config::{AuthenticatorConfig, Limits, ListenerConfig};
use crate::identity::{ApplicationIdentity, Peer, Principal, Text};
pub use jwt_svid::accept_token;
use parsecd_wire::{AuthenticationType, Status};

/// Who sent a request. Only [`authenticate`] makes one that has an identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// No identity: authentication type 0.
    Anonymous,
    /// An application.
    Application(Application),
}

/// An application that was authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Application {
    identity: ApplicationIdentity,
    admin: bool,
}

impl Application {
    /// `name` as the authenticator vouches for it; an admin if this authenticator's list names it.
    fn new(authenticator: &AuthenticatorConfig, name: Text) -> Self {
        let admin = authenticator.admins.contains(&name);
        Application { identity: ApplicationIdentity { authenticator: authenticator.kind, name }, admin }
    }

    /// Authenticator and name.
    pub fn identity(&self) -> &ApplicationIdentity {
        &self.identity
    }

    /// Whether it may list and delete clients of its authenticator.
    pub fn is_admin(&self) -> bool {
        self.admin
    }
}

impl Caller {
    /// The identity, if there is one.
    pub fn identity(&self) -> Option<&ApplicationIdentity> {
        match self {
            Caller::Anonymous => None,
            Caller::Application(application) => Some(application.identity()),
        }
    }

    /// The identity, for operations that need one.
    ///
    /// # Errors
    ///
    /// [`Status::NotAuthenticated`] without identity.
    pub fn require_identity(&self) -> Result<&ApplicationIdentity, Status> {
        self.identity().ok_or(Status::NotAuthenticated)
    }

    /// The identity, for operations that need an admin.
    ///
    /// # Errors
    ///
    /// [`Status::NotAuthenticated`] without identity, then [`Status::AdminOperation`] if it is no admin's.
    pub fn require_admin(&self) -> Result<&ApplicationIdentity, Status> {
        match self {
            Caller::Anonymous => Err(Status::NotAuthenticated),
            Caller::Application(application) if !application.admin => Err(Status::AdminOperation),
            Caller::Application(application) => Ok(&application.identity),
        }
    }

    /// Who pays for its work. Names that nobody verified count as their peer group, so that a hundred of
    /// them are one principal.
    pub fn principal(&self, peer: &Peer) -> Principal {
        match self.identity() {
            Some(identity) => match identity.authenticator {
                AuthenticationType::UnixPeerCredentials | AuthenticationType::JwtSvid => {
                    Principal::Verified(identity.clone())
                }
                AuthenticationType::None | AuthenticationType::Direct | AuthenticationType::Jwt => {
                    Principal::Peers(peer.group)
                }
            },
            None => Principal::Peers(peer.group),
        }
    }
}

/// How far the authentication field alone decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Authenticated {
    /// It names the caller.
    Caller(Caller),
    /// It is a JWT-SVID, which the identity provider has to verify.
    NeedsToken,
}

/// Authenticates a request that came in on `listener` from `peer`, with the authentication field `bytes`
/// of type `kind`.
///
/// # Errors
///
/// [`Status::AuthenticatorNotRegistered`] if `listener` does not accept `kind` (`Jwt` is accepted nowhere),
/// [`Status::AuthenticationError`] if the field names nobody or somebody else, [`Status::InvalidEncoding`] for
/// a JWT-SVID that is not UTF-8 (wire-protocol.md 9).
pub fn authenticate(
    listener: &ListenerConfig,
    limits: &Limits,
    kind: AuthenticationType,
    bytes: &[u8],
    peer: &Peer,
) -> Result<Authenticated, Status> {
    if kind == AuthenticationType::None {
        return Ok(Authenticated::Caller(Caller::Anonymous));
    }
    let authenticator = listener.authenticator(kind).ok_or(Status::AuthenticatorNotRegistered)?;
    let name = match kind {
        AuthenticationType::None | AuthenticationType::Jwt => return Err(Status::AuthenticatorNotRegistered),
        AuthenticationType::Direct => direct::name(bytes, limits.application_name)?,
        AuthenticationType::UnixPeerCredentials => unix_peer::name(bytes, peer.credentials)?,
        AuthenticationType::JwtSvid => {
            core::str::from_utf8(bytes).map_err(|_| Status::InvalidEncoding)?;
            return Ok(Authenticated::NeedsToken);
        }
    };
    Ok(Authenticated::Caller(Caller::Application(Application::new(authenticator, name))))
}

#[cfg(test)]
mod tests;
