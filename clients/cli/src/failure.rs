//! What went wrong, and what to do about it.

use parsecd_client::{Error, TransportError, UsageError};
use parsecd_wire::Status;
use std::error::Error as _;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The service refused, cannot be reached, or makes no sense.
    #[error(transparent)]
    Client(#[from] Error),
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The key cannot be used for that.
    #[error("the key {name} is made for {made_for}, not for signatures that this tool can make")]
    NotForSigning { name: String, made_for: String },
    /// The key's policy names one hash, the command line another.
    #[error("the key permits {permitted} only")]
    HashNotPermitted { permitted: String },
    /// This tool cannot compute the hash.
    #[error("this tool cannot compute {0}")]
    HashNotKnown(String),
    /// There is no standard form of such a public key here.
    #[error("there is no PEM form for the public part of a key of type {0}")]
    NoPublicKeyFormat(String),
    /// Data is not what it should be.
    #[error("{what} is malformed")]
    Malformed { what: String },
}

impl Failure {
    /// Tells standard error: the failure, its causes, and what to do next.
    pub(crate) fn report(&self) {
        let mut line = format!("error: {self}");
        let mut cause = match self {
            // Transparent: its text is the line already.
            Failure::Client(error) => error.source(),
            other => other.source(),
        };
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            line.push_str("\nhint: ");
            line.push_str(hint);
        }
        // Nobody may be listening: the exit code still tells.
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Failure::Client(Error::Service(status)) => service_hint(*status),
            Failure::Client(Error::Transport(error)) => transport_hint(error),
            Failure::Client(Error::Usage(error)) => usage_hint(error),
            Failure::Client(Error::Protocol(_)) => {
                Some("another program may listen there, or a service of another version; see --endpoint")
            }
            Failure::NotForSigning { .. } => Some("parsecctl list-keys shows what each key is for"),
            Failure::HashNotPermitted { .. } => Some("leave --hash out"),
            _ => None,
        }
    }
}

fn service_hint(status: Status) -> Option<&'static str> {
    Some(match status {
        Status::PsaErrorAlreadyExists => {
            "a key of this name exists; choose another name, or destroy it with parsecctl delete-key"
        }
        Status::PsaErrorDoesNotExist => {
            "parsecctl list-keys shows your keys; they belong to one identity (--auth) and one provider (--provider)"
        }
        Status::PsaErrorNotPermitted => "parsecctl list-keys shows what each key may be used for",
        Status::PsaErrorNotSupported => {
            "the provider cannot do this; parsecctl list-opcodes shows what it serves, list-providers the others"
        }
        Status::PsaErrorInvalidSignature => "the signature does not belong to this key and this content",
        Status::PsaErrorInsufficientMemory => "the service is busy; try again later",
        Status::PsaErrorInsufficientStorage => {
            "there is no room for more keys; destroy some, or ask the administrator"
        }
        Status::PsaErrorCommunicationFailure => {
            "the provider is down, or broke while at it; the service's log says why. \
             Look whether the operation had an effect before trying again"
        }
        Status::PsaErrorHardwareFailure => {
            "the device failed, or is not the one the key was made on (for the software provider: the store.key is \
             another); ask the administrator"
        }
        Status::NotAuthenticated => "say who you are: --auth unix or --auth direct:NAME",
        Status::AuthenticationError => "the service does not accept this identity; see --auth",
        Status::AuthenticatorNotRegistered => "parsecctl list-authenticators shows what --auth may be here",
        Status::AdminOperation => {
            "this is for admins; the service's configuration names them, per authenticator"
        }
        Status::ProviderNotRegistered | Status::ProviderDoesNotExist => {
            "parsecctl list-providers shows what --provider may be here"
        }
        Status::KeyInfoManagerError | Status::PsaErrorDataCorrupt => {
            "the service's store has a fault; its log says more"
        }
        Status::BodySizeExceedsLimit | Status::ResponseTooLarge => {
            "that is more than the service takes or gives at once"
        }
        Status::DeprecatedPrimitive => {
            "the service refuses deprecated algorithms; choose another hash or type"
        }
        _ => return None,
    })
}

fn transport_hint(error: &TransportError) -> Option<&'static str> {
    match error {
        TransportError::Connect { path, source } => Some(match source.kind() {
            // Only what is no socket at all: one that nobody listens at is what a service left behind.
            io::ErrorKind::ConnectionRefused if !is_socket(path) => {
                "that is not a socket; name the service's with --endpoint unix:/PATH or PARSEC_SERVICE_ENDPOINT"
            }
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                "is the service running there? Name its socket with --endpoint unix:/PATH or PARSEC_SERVICE_ENDPOINT"
            }
            io::ErrorKind::PermissionDenied => {
                "this user may not use the socket; see the owners of its directory"
            }
            _ => "name the service's socket with --endpoint unix:/PATH or PARSEC_SERVICE_ENDPOINT",
        }),
        TransportError::Deadline(_) => Some("the service hangs or is very busy; --timeout waits longer"),
        _ => Some(
            "the service may have been stopped, or another program listens there (see --endpoint); look whether the \
             operation had an effect before trying again",
        ),
    }
}

fn is_socket(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.file_type().is_socket())
}

fn usage_hint(error: &UsageError) -> Option<&'static str> {
    match error {
        UsageError::Endpoint { .. } => Some("correct PARSEC_SERVICE_ENDPOINT, or use --endpoint"),
        UsageError::NoAuthenticator | UsageError::ApplicationNameMissing => {
            Some("parsecctl list-authenticators shows what the service accepts; see --auth")
        }
        UsageError::NoProvider | UsageError::CoreProvider => {
            Some("parsecctl list-providers shows what --provider may be here")
        }
        _ => None,
    }
}
