//! A daemon with the authenticators that a test wants.

use crate::support::{Daemon, Options, Place};
use parsecd_client::Endpoint;

/// Direct authentication alone.
pub const DIRECT: &str = "[[authenticator]]\nauth_type = \"Direct\"\n";
/// Unix peer credentials alone.
pub const UNIX_PEER: &str = "[[authenticator]]\nauth_type = \"UnixPeerCredentials\"\n";

/// A running daemon and its directory.
pub struct Service {
    place: Place,
    _daemon: Daemon,
}

impl Service {
    /// Starts one with these `[[authenticator]]` tables.
    pub fn with_authenticators(authenticators: &str) -> Service {
        let place = Place::new(&Options { authenticators: authenticators.into(), ..Options::default() });
        let daemon = place.start();
        Service { place, _daemon: daemon }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.place.socket())
    }
}

/// The line that makes `name` an admin of the authenticator above it.
pub fn admin(name: &str) -> String {
    format!("admins = [{{ name = \"{name}\" }}]\n")
}
