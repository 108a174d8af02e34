//! How requests prove who sends them (wire-protocol.md 9).

use crate::UsageError;
use parsecd_wire::AuthenticationType;
use std::fmt;

/// How requests that need an identity are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// Not at all: only operations that need no identity succeed.
    #[default]
    None,
    /// The application names itself; the service believes it.
    Direct(String),
    /// The effective user id of this process, which the service compares with what the kernel says.
    UnixPeerCredentials,
}

impl Authentication {
    /// Its number in the header.
    pub fn kind(&self) -> AuthenticationType {
        match self {
            Authentication::None => AuthenticationType::None,
            Authentication::Direct(_) => AuthenticationType::Direct,
            Authentication::UnixPeerCredentials => AuthenticationType::UnixPeerCredentials,
        }
    }

    /// The authentication bytes of a request, made afresh for each.
    ///
    /// # Errors
    /// [`UsageError::ApplicationName`] unless a Direct name has 1 to 65535 bytes.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, UsageError> {
        match self {
            Authentication::None => Ok(Vec::new()),
            Authentication::Direct(name) if name.is_empty() || name.len() > usize::from(u16::MAX) => {
                Err(UsageError::ApplicationName { length: name.len() })
            }
            Authentication::Direct(name) => Ok(name.as_bytes().to_vec()),
            Authentication::UnixPeerCredentials => {
                Ok(rustix::process::geteuid().as_raw().to_le_bytes().to_vec())
            }
        }
    }
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Authentication::None => f.write_str("no authentication"),
            Authentication::Direct(name) => write!(f, "Direct authentication as {name:?}"),
            Authentication::UnixPeerCredentials => f.write_str("Unix peer credentials"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_name_has_1_to_65535_bytes() {
        assert_eq!(Authentication::Direct("é".into()).payload().unwrap(), "é".as_bytes());
        assert_eq!(Authentication::Direct("a".repeat(65535)).payload().unwrap().len(), 65535);
        for name in [String::new(), "a".repeat(65536)] {
            let length = name.len();
            assert_eq!(Authentication::Direct(name).payload(), Err(UsageError::ApplicationName { length }));
        }
    }

    #[test]
    fn peer_credentials_are_the_effective_uid_in_4_bytes_little_endian() {
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(Authentication::UnixPeerCredentials.payload().unwrap(), uid.to_le_bytes());
    }
}
