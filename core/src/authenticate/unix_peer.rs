//! Unix peer credentials: the application is the effective user id of the peer.

use crate::identity::{PeerCredentials, Text};
use alloc::string::ToString;
use parsecd_wire::Status;

/// The user id in decimal. The field must say in four bytes, little-endian, what the kernel says of this
/// very connection.
///
/// # Errors
///
/// [`Status::AuthenticationError`] if the field has another length or value, or the transport has no peer
/// credentials.
pub(super) fn name(bytes: &[u8], credentials: Option<PeerCredentials>) -> Result<Text, Status> {
    let claimed = <[u8; 4]>::try_from(bytes).map(u32::from_le_bytes);
    match (claimed, credentials) {
        (Ok(claimed), Some(credentials)) if claimed == credentials.uid => {
            Ok(credentials.uid.to_string().into())
        }
        (Ok(_) | Err(_), Some(_) | None) => Err(Status::AuthenticationError),
    }
}
