//! Requests: what a client asks, and what it may be told, worked out from the specification alone.

use crate::capabilities::{ECDSA, RSA};
use crate::identity::Token;
use crate::provider::{Made, MadeKey, crypto};
use crate::specification::policy;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity, Peer};
use parsecd_core::ids::{ListenerKey, ObjectId};
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::header::{KEEP_CONNECTION, RawHeader};
use parsecd_wire::{AuthenticationType, KeyAttributes, Opcode, Operation, ProviderId, RequestHeader, Status};

/// How a client shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    Anonymous,
    /// It names itself.
    Direct(String),
    /// The kernel's word.
    Unix(u32),
    /// A token of the identity provider.
    Token(Token),
}

impl Auth {
    /// The application the daemon must take it for.
    pub fn application(&self) -> Option<ApplicationIdentity> {
        match self {
            Auth::Anonymous => None,
            Auth::Direct(name) => Some(ApplicationIdentity {
                authenticator: AuthenticationType::Direct,
                name: name.as_str().into(),
            }),
            Auth::Token(token) => Some(ApplicationIdentity {
                authenticator: AuthenticationType::JwtSvid,
                name: token.name.as_str().into(),
            }),
            Auth::Unix(uid) => Some(ApplicationIdentity {
                authenticator: AuthenticationType::UnixPeerCredentials,
                name: uid.to_string().into(),
            }),
        }
    }

    /// Number and bytes on the wire.
    pub fn encoded(&self) -> (AuthenticationType, Vec<u8>) {
        match self {
            Auth::Anonymous => (AuthenticationType::None, Vec::new()),
            Auth::Direct(name) => (AuthenticationType::Direct, name.as_bytes().to_vec()),
            Auth::Token(token) => (AuthenticationType::JwtSvid, token.bytes.clone()),
            Auth::Unix(uid) => (AuthenticationType::UnixPeerCredentials, uid.to_le_bytes().to_vec()),
        }
    }
}

/// What a request means, as far as its answer goes.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields are those of the operation")]
pub enum Meaning {
    /// Always this status.
    Fixed(Status),
    /// Always this status, from a header that names nothing.
    Anonymous(Status),
    /// It never becomes whole.
    Incomplete,
    /// ListProviders, ListAuthenticators, Ping: Success, checked against the configuration.
    Ask,
    /// ListOpcodes of a provider.
    ListOpcodes(ProviderId),
    /// CanDoCrypto: whether it can.
    CanDo(bool),
    /// A key is made. `refusals`: what it is told if it cannot be held; empty if it can.
    Create { key: KeyIdentity, attributes: KeyAttributes, refusals: Vec<Status> },
    /// A key is destroyed.
    Destroy { key: KeyIdentity },
    /// A key is used.
    Use { key: KeyIdentity, operation: KeyUse },
    /// Random bytes, this many.
    Random(u64),
    /// A hash; for HashCompare with what it is compared with.
    Hash { algorithm: Hash, input: Vec<u8>, expected: Option<Vec<u8>> },
    /// ListKeys of an application.
    ListKeys(ApplicationIdentity),
    /// ListClients of an authenticator.
    ListClients(AuthenticationType),
    /// DeleteClient.
    DeleteClient(ApplicationIdentity),
}

/// What a key is used for.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields are those of the operation")]
pub enum KeyUse {
    /// PsaSignHash.
    Sign { algorithm: AsymmetricSignature, hash: Vec<u8> },
    /// PsaVerifyHash.
    Verify { algorithm: AsymmetricSignature, hash: Vec<u8>, signature: Vec<u8> },
    /// PsaExportPublicKey.
    ExportPublic,
    /// PsaExportKey, and whether the provider serves it.
    Export { served: bool },
    /// What no provider serves that is here.
    Unserved,
}

impl KeyUse {
    /// What a key that is there must answer (operations.md 4.3 and 7, decisions.md 3).
    pub fn status(&self, key: &MadeKey) -> Status {
        let MadeKey { attributes, public, .. } = key;
        let KeyAttributes { key_type, usage, ref algorithm, .. } = *attributes;
        let permits =
            |asked: &AsymmetricSignature| policy::permits(algorithm, asked) && policy::fits(key_type, asked);
        let fits = |asked: &AsymmetricSignature, hash: &[u8]| match policy::hash_of(asked) {
            Some(SignHash::Specific(kind)) => policy::length(kind) == hash.len(),
            _ => true,
        };
        let served = |asked: &AsymmetricSignature| [ECDSA, RSA].contains(asked);
        match self {
            KeyUse::Unserved => Status::PsaErrorNotSupported,
            KeyUse::Sign { algorithm, .. } if !usage.sign_hash || !permits(algorithm) => {
                Status::PsaErrorNotPermitted
            }
            KeyUse::Sign { algorithm, hash } if key_type.is_public() || !fits(algorithm, hash) => {
                Status::PsaErrorInvalidArgument
            }
            KeyUse::Verify { algorithm, .. } if !usage.verify_hash || !permits(algorithm) => {
                Status::PsaErrorNotPermitted
            }
            KeyUse::Verify { algorithm, hash, .. } if !fits(algorithm, hash) => {
                Status::PsaErrorInvalidArgument
            }
            KeyUse::Sign { algorithm, .. } | KeyUse::Verify { algorithm, .. } if !served(algorithm) => {
                Status::PsaErrorNotSupported
            }
            KeyUse::Verify { algorithm, hash, signature }
                if crypto::sign(attributes, public, *algorithm, hash) != *signature =>
            {
                Status::PsaErrorInvalidSignature
            }
            KeyUse::ExportPublic if !key_type.is_asymmetric() => Status::PsaErrorInvalidArgument,
            KeyUse::Export { served: false } => Status::PsaErrorNotSupported,
            KeyUse::Export { .. } if !usage.export && !key_type.is_public() => Status::PsaErrorNotPermitted,
            _ => Status::Success,
        }
    }

    /// What the body of a successful answer must hold; `None`: nothing.
    pub fn output(&self, key: &MadeKey) -> Option<Vec<u8>> {
        match self {
            KeyUse::Sign { algorithm, hash } => {
                Some(crypto::sign(&key.attributes, &key.public, *algorithm, hash))
            }
            KeyUse::Verify { .. } | KeyUse::Unserved => None,
            KeyUse::ExportPublic => Some(key.public.clone()),
            KeyUse::Export { .. } => Some(key.secret.clone()),
        }
    }

    /// Whether a lane is needed: only the public part is in the record, and every operation runs on a lane.
    pub fn needs_lane(&self) -> bool {
        !matches!(self, KeyUse::ExportPublic)
    }
}

impl Meaning {
    /// What it is told where its key is this object, or absent, and nothing goes wrong.
    pub fn statuses(&self, state: Option<ObjectId>, made: &Made) -> Vec<Status> {
        match self {
            Meaning::Fixed(status) | Meaning::Anonymous(status) => vec![*status],
            Meaning::Incomplete => vec![Status::ConnectionError],
            Meaning::CanDo(false) => vec![Status::PsaErrorNotSupported],
            Meaning::Create { refusals, .. } => {
                let mut statuses = refusals.clone();
                match state {
                    Some(_) => statuses.push(Status::PsaErrorAlreadyExists),
                    None if refusals.is_empty() => statuses.push(Status::Success),
                    None => {}
                }
                statuses
            }
            Meaning::Destroy { .. } | Meaning::Use { .. } if state.is_none() => match self {
                Meaning::Use { operation: KeyUse::Export { served: false }, .. } => {
                    vec![Status::PsaErrorNotSupported, Status::PsaErrorDoesNotExist]
                }
                Meaning::Use { operation: KeyUse::Unserved, .. } => vec![Status::PsaErrorNotSupported],
                _ => vec![Status::PsaErrorDoesNotExist],
            },
            Meaning::Use { operation, .. } => {
                let key = state.and_then(|object| made.get(object));
                key.map(|key| operation.status(key)).into_iter().collect()
            }
            Meaning::Random(size) if *size > 2048 => vec![Status::ResponseTooLarge],
            Meaning::Hash { algorithm, .. } if !matches!(algorithm, Hash::Sha256 | Hash::Sha512) => {
                vec![Status::PsaErrorNotSupported]
            }
            Meaning::Hash { algorithm, input, expected: Some(expected) }
                if crypto::hash(*algorithm, input) != *expected =>
            {
                vec![Status::PsaErrorInvalidSignature]
            }
            _ => vec![Status::Success],
        }
    }

    /// Whether only a lane can do it, and not the executor, and it is no change.
    pub fn waits_for_lane(&self) -> bool {
        match self {
            Meaning::Use { operation, .. } => {
                matches!(operation, KeyUse::Sign { .. } | KeyUse::Export { .. })
            }
            Meaning::Random(_) => true,
            _ => false,
        }
    }

    /// Whether its answer holds what nobody else may see.
    pub fn asks_for_secrets(&self) -> bool {
        matches!(self, Meaning::Random(_) | Meaning::Use { operation: KeyUse::Export { .. }, .. })
    }

    /// Whether its frame ends in a place that nobody can tell (steps 1 to 8 of the pipeline).
    pub fn breaks_framing(&self) -> bool {
        matches!(
            self,
            Meaning::Anonymous(
                Status::InvalidHeader
                    | Status::WireProtocolVersionNotSupported
                    | Status::BodySizeExceedsLimit
            )
        )
    }

    /// Whether it is an export that its provider does not serve, which is known only once it came up.
    pub fn exports_unserved(&self) -> bool {
        matches!(self, Meaning::Use { operation: KeyUse::Export { served: false }, .. })
    }

    /// Whether it is about a key, and no provider serves it.
    pub fn is_unserved(&self) -> bool {
        matches!(self, Meaning::Use { operation: KeyUse::Unserved, .. })
    }

    /// The key it is about.
    pub fn key(&self) -> Option<&KeyIdentity> {
        match self {
            Meaning::Create { key, .. } | Meaning::Destroy { key } | Meaning::Use { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The application whose keys it may change.
    pub fn changes(&self) -> Option<&ApplicationIdentity> {
        match self {
            Meaning::Create { key, .. } | Meaning::Destroy { key } => Some(&key.application),
            Meaning::DeleteClient(application) => Some(application),
            _ => None,
        }
    }

    /// Whether it may change what is stored under `key`.
    pub fn may_change(&self, key: &KeyIdentity) -> bool {
        match self {
            Meaning::Create { key: own, .. } | Meaning::Destroy { key: own } => own == key,
            Meaning::DeleteClient(application) => *application == key.application,
            _ => false,
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it means.
    pub meaning: Meaning,
    /// Provider of its header.
    pub provider: ProviderId,
    /// Opcode of its header.
    pub opcode: Opcode,
    /// Session of its header.
    pub session: u64,
    /// The application the daemon must take the client for.
    pub application: Option<ApplicationIdentity>,
    /// Who the kernel says the client is.
    pub peer: Peer,
    /// Where the client connects.
    pub listener: ListenerKey,
    /// Serial number of the token it shows.
    pub token: Option<u64>,
    /// The way in which it really shows who it is.
    pub shows: AuthenticationType,
    /// How long its header says that its body and its authentication are.
    pub announced: (u32, u16),
    /// Whether it asks to keep the connection: bit 0 of the flags that are really sent.
    pub keeps: bool,
    /// All bytes the client will send; they are moved to the client that sends them.
    pub bytes: Vec<u8>,
    /// How many of them are the request.
    pub length: usize,
}

impl Call {
    /// Sets bit 0 of the flags.
    pub fn keep(&mut self) {
        if let Some(flags) = self.bytes.get_mut(FLAGS) {
            *flags |= KEEP_CONNECTION as u8;
        }
    }

    /// Whoever sends it is `peer`: another uid than it shows is refused (wire-protocol.md 9).
    pub fn come_from(&mut self, peer: Peer) {
        self.peer = peer;
        if matches!(self.meaning, Meaning::Anonymous(_) | Meaning::Incomplete) {
            return;
        }
        let unix = AuthenticationType::UnixPeerCredentials.number();
        let shown = self.bytes.get(AUTHENTICATION_TYPE..BODY_LENGTH).is_some_and(|kind| kind == [unix]);
        let uid = peer.credentials.map(|credentials| credentials.uid.to_le_bytes());
        if shown && uid.is_some_and(|uid| !self.bytes.ends_with(&uid)) {
            self.meaning = Meaning::Fixed(Status::AuthenticationError);
            self.application = None;
        }
    }

    /// Moves its bytes to whoever sends them.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        self.keeps = self.bytes.get(FLAGS).is_some_and(|flags| u16::from(*flags) & KEEP_CONNECTION != 0);
        let shows = self.bytes.get(AUTHENTICATION_TYPE) == Some(&AuthenticationType::JwtSvid.number());
        self.token = self.token.filter(|_| shows);
        let kind =
            self.bytes.get(AUTHENTICATION_TYPE).and_then(|kind| AuthenticationType::from_number(*kind));
        self.shows = kind.unwrap_or(AuthenticationType::None);
        if let Some(header) = self.bytes.first_chunk().map(RawHeader::from_bytes) {
            self.announced = (header.body_length, header.authentication_length);
        }
        std::mem::take(&mut self.bytes)
    }
}

/// Where fields of the header begin (wire-protocol.md 2).
const FLAGS: usize = 8;
const AUTHENTICATION_TYPE: usize = 21;
const BODY_LENGTH: usize = 22;

/// Puts a well-formed frame together.
pub fn frame(operation: &Operation, provider: ProviderId, session: u64, auth: &Auth) -> Vec<u8> {
    let body = operation.encode().into_exposed();
    let (authentication_type, authentication) = auth.encoded();
    let header = RequestHeader {
        flags: 0,
        provider,
        session,
        authentication_type,
        body_length: body.len() as u32,
        authentication_length: authentication.len() as u16,
        opcode: operation.opcode(),
    };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(&authentication);
    bytes
}

/// Kinds of keys that clients make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// P-256, signs and verifies.
    Signer,
    /// P-256, verifies only.
    VerifyOnly,
    /// RSA 1024, signs and verifies.
    Rsa,
    /// P-256 without any flag.
    Useless,
    /// P-256 public key.
    Public,
    /// AES that can be exported.
    Secret,
}

impl Template {
    /// All of them.
    pub const ALL: [Template; 6] = [
        Template::Signer,
        Template::VerifyOnly,
        Template::Rsa,
        Template::Useless,
        Template::Public,
        Template::Secret,
    ];

    /// Its attributes.
    pub fn attributes(self) -> KeyAttributes {
        let verify = UsageFlags { verify_hash: true, ..UsageFlags::default() };
        let both = UsageFlags { sign_hash: true, ..verify };
        let pair = KeyType::EccKeyPair(EccFamily::SecpR1);
        let signature = Algorithm::AsymmetricSignature(ECDSA);
        let (key_type, bits, usage, algorithm) = match self {
            Template::Signer => (pair, 256, both, signature),
            Template::VerifyOnly => (pair, 256, verify, signature),
            Template::Rsa => (KeyType::RsaKeyPair, 1024, both, Algorithm::AsymmetricSignature(RSA)),
            Template::Useless => (pair, 256, UsageFlags::default(), signature),
            Template::Public => (KeyType::EccPublicKey(EccFamily::SecpR1), 256, both, signature),
            Template::Secret => {
                (KeyType::Aes, 128, UsageFlags { export: true, ..UsageFlags::default() }, Algorithm::None)
            }
        };
        KeyAttributes { key_type, bits, usage: usage.with_implied(), algorithm }
    }

    /// Whether it can be generated, and not only imported.
    pub fn can_be_generated(self) -> bool {
        self != Template::Public
    }

    /// Whether it can be imported here: what the fakes make of RSA is no real key.
    pub fn can_be_imported(self) -> bool {
        self != Template::Rsa
    }
}
