//! Direct: the application names itself. Nobody verifies the name.

use crate::identity::Text;
use parsecd_wire::Status;

/// The name in the field: UTF-8, 1 to `longest` bytes, taken as it is.
///
/// # Errors
///
/// [`Status::AuthenticationError`] if it is anything else.
pub(super) fn name(bytes: &[u8], longest: u32) -> Result<Text, Status> {
    let fits = u32::try_from(bytes.len()).is_ok_and(|length| length <= longest);
    match core::str::from_utf8(bytes) {
        Ok(name) if fits && !name.is_empty() => Ok(name.into()),
        Ok(_) | Err(_) => Err(Status::AuthenticationError),
    }
}
