//! Where the service listens (wire-protocol.md 8).

use crate::UsageError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Environment variable that names the endpoint of the service.
pub const ENDPOINT_VARIABLE: &str = "PARSEC_SERVICE_ENDPOINT";
/// Socket of a service that runs for the whole system.
pub const DEFAULT_SOCKET_PATH: &str = "/run/parsec/parsec.sock";

/// Address of a Parsec service: a Unix domain socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(PathBuf);

impl Endpoint {
    /// The socket at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Endpoint {
        Endpoint(path.into())
    }

    /// Reads `unix:/path` or `unix:///path`; the scheme in either case, the path as it is, without
    /// percent-decoding.
    ///
    /// # Errors
    /// [`UsageError::Endpoint`] for an empty text, another scheme, a host, a relative or an empty path.
    pub fn parse(text: &str) -> Result<Endpoint, UsageError> {
        let refuse = |reason| UsageError::Endpoint { text: text.to_owned(), reason };
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        let (scheme, rest) = text.split_once(':').ok_or_else(|| refuse("it has no scheme"))?;
        if !scheme.eq_ignore_ascii_case("unix") {
            return Err(refuse("its scheme is not unix"));
        }
        let path = match rest.strip_prefix("//") {
            Some(with_authority) if with_authority.starts_with('/') => with_authority,
            Some(_) => return Err(refuse("a Unix socket has no host")),
            None => rest,
        };
        if !path.starts_with('/') {
            return Err(refuse("its path is not absolute"));
        }
        if path.ends_with('/') {
            return Err(refuse("its path names no file"));
        }
        Ok(Endpoint::at(path))
    }

    /// The endpoint that [`ENDPOINT_VARIABLE`] names, [`DEFAULT_SOCKET_PATH`] if it is not set.
    ///
    /// # Errors
    /// [`UsageError::Endpoint`] if it is set to something that is no endpoint, or empty.
    pub fn from_environment() -> Result<Endpoint, UsageError> {
        match std::env::var_os(ENDPOINT_VARIABLE) {
            None => Ok(Endpoint::default()),
            Some(value) => match value.to_str() {
                Some(text) => Endpoint::parse(text),
                None => Err(UsageError::Endpoint {
                    text: value.to_string_lossy().into_owned(),
                    reason: "it is not UTF-8",
                }),
            },
        }
    }

    /// Path of the socket.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Endpoint::at(DEFAULT_SOCKET_PATH)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_unix_endpoint_name_the_same_socket() {
        for text in ["unix:/run/a b%20/s", "unix:///run/a b%20/s", "UNIX:/run/a b%20/s"] {
            assert_eq!(Endpoint::parse(text).unwrap().path(), Path::new("/run/a b%20/s"), "{text}");
        }
    }

    #[test]
    fn what_is_no_unix_endpoint_is_refused() {
        for text in [
            "",
            "unix",
            "unix:",
            "unix:relative",
            "unix://host/s",
            "unix://",
            "unix:/run/",
            "tcp:/run/s",
            "/run/s",
        ] {
            assert!(matches!(Endpoint::parse(text), Err(UsageError::Endpoint { .. })), "{text}");
        }
    }
}
