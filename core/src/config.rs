//! The configuration as the core sees it: validated, complete, never half of one.

use crate::capability::Capabilities;
use crate::identity::Text;
use crate::ids::{ListenerKey, ProviderKey};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::{AuthenticationType, ProviderId, ProviderInfo};

/// Everything that is configured. Built by the driver, handed over at start and at each reload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Bounds.
    pub limits: Limits,
    /// How long each phase may take.
    pub deadlines: Deadlines,
    /// `allow_deprecated`: GenerateKey with deprecated primitives is served.
    pub allow_deprecated: bool,
    /// `refuse_pkcs1v15_encryption`: RSAES-PKCS1-v1_5 is not served.
    pub refuse_pkcs1v15_encryption: bool,
    /// Executor of public-key operations and hashes; `None`: they run on the providers' lanes.
    pub executor: Option<ExecutorConfig>,
    /// Whether security-relevant requests are reported as audit events.
    pub audit: bool,
    /// Providers. A name keeps its key for the life of the daemon, also over reloads without it.
    pub providers: BTreeMap<ProviderKey, ProviderConfig>,
    /// Listeners; keys as with providers.
    pub listeners: BTreeMap<ListenerKey, ListenerConfig>,
}

/// The executor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExecutorConfig {
    /// Jobs it runs at a time, at least 1.
    pub threads: u16,
    /// What it can do; everything else runs on lanes.
    pub capabilities: Capabilities,
}

/// Where a provider keeps key material (design: two kinds of key life).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaterialPlace {
    /// Sealed in the key record; the provider forgets it after each job.
    Record,
    /// As an object in the provider; the record only names it.
    Provider,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderConfig {
    /// Name in the configuration; part of every key's identity.
    pub name: Text,
    /// What ListProviders says; `info.id` is the kind that requests name.
    pub info: ProviderInfo,
    /// Where its key material lies.
    pub material: MaterialPlace,
    /// Whether a signature is verified, on the executor, before it leaves.
    pub verify_signatures: bool,
    /// Number of lane hosts, at least 1.
    pub hosts: u16,
    /// Counts the changes of what its hosts are started with. Where it differs from that of the configuration
    /// before, they finish what they run and are opened again.
    pub revision: u32,
    /// Most random bytes one request may ask for; `None`: `limits.buffer_size`.
    pub random_limit: Option<u64>,
}

/// A listener: a socket, whom it accepts and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenerConfig {
    /// Authenticators it accepts, in the order ListAuthenticators shows them.
    pub authenticators: Vec<AuthenticatorConfig>,
    /// Providers it shows, in the order of ListProviders (Core is added last). At most one of each kind.
    pub providers: Vec<ProviderKey>,
}

impl ListenerConfig {
    /// The authenticator of this type, if it is accepted here.
    pub fn authenticator(&self, kind: AuthenticationType) -> Option<&AuthenticatorConfig> {
        self.authenticators.iter().find(|authenticator| authenticator.kind == kind)
    }
}

impl Config {
    /// The provider of this kind that `listener` shows.
    pub fn provider_shown(&self, listener: &ListenerConfig, id: ProviderId) -> Option<ProviderKey> {
        listener
            .providers
            .iter()
            .copied()
            .find(|key| self.providers.get(key).is_some_and(|provider| provider.info.id == id))
    }
}

/// An authenticator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticatorConfig {
    /// Authentication type.
    pub kind: AuthenticationType,
    /// Names that are admins under this authenticator.
    pub admins: BTreeSet<Text>,
}

/// Bounds. Sizes in bytes unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// `body_len_limit`: largest request body, inclusive.
    pub body_length: u32,
    /// `buffer_size_limit`: most random bytes.
    pub buffer_size: u64,
    /// `response_limit`: largest response body.
    pub response: u64,
    /// `key_name_max`: longest key name.
    pub key_name: u32,
    /// Longest application name of the Direct authenticator.
    pub application_name: u32,
    /// Longest life of a token that is accepted.
    pub token_lifetime: Duration,
    /// Tokens that the identity provider is asked about at a time.
    pub tokens: u32,
    /// Connections at a time.
    pub connections: u32,
    /// Connections at a time of one peer group, less than `connections`.
    pub connections_per_group: u32,
    /// Requests of one connection that may be unanswered; further ones are not read.
    pub pipeline: u32,
    /// Bytes of answers that one connection may have waiting before no further request is read from it.
    pub unsent: u64,
    /// All memory that requests may reserve: input, queued jobs, answers. A request that would exceed it
    /// waits (before its body is read) or is told so (after).
    pub request_memory: u64,
    /// Memory for key records that nobody is using.
    pub cache: u64,
    /// Keys and bytes of records that one tenant may hold.
    pub tenant_quota: Quota,
    /// Keys and bytes of records that one principal may hold.
    pub principal_quota: Quota,
    /// Requests that may wait for lanes of one provider.
    pub queue: u32,
    /// Requests of one tenant that may wait for lanes of one provider.
    pub tenant_queue: u32,
    /// Rows the store is asked for at a time.
    pub page: u32,
    /// Records that the store is asked for at a time.
    pub reads: u32,
    /// Changes that the store is asked for at a time.
    pub writes: u32,
}

/// How much may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Keys.
    pub keys: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_length: 1 << 20,
            buffer_size: 1 << 20,
            response: (1 << 20) + (64 << 10),
            key_name: 4096,
            application_name: 4096,
            token_lifetime: Duration::from_secs(24 * 3600),
            tokens: 64,
            connections: 4096,
            connections_per_group: 1024,
            pipeline: 64,
            unsent: 256 << 10,
            request_memory: 256 << 20,
            cache: 8 << 20,
            tenant_quota: Quota { keys: 100_000, bytes: 1 << 30 },
            principal_quota: Quota { keys: 1_000_000, bytes: 4 << 30 },
            queue: 4096,
            tenant_queue: 256,
            page: 256,
            reads: 64,
            writes: 128,
        }
    }
}

/// Deadlines (decisions.md 6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deadlines {
    /// From accept to the first byte of a request.
    pub first_byte: Duration,
    /// `listener.timeout`: between two bytes of a request.
    pub silence: Duration,
    /// `request_timeout`: from the first byte of a request to its last.
    pub request: Duration,
    /// For the client to take a part of its answer.
    pub answer_taken: Duration,
    /// Between two requests of a kept connection.
    pub idle: Duration,
    /// For the client to close after the answer when unread input may exist.
    pub drain: Duration,
    /// For a request to wait for a lane.
    pub queue: Duration,
    /// For one job on a lane; then its host is replaced.
    pub operation: Duration,
    /// First pause before a host that failed is opened again; doubles with each failure in a row.
    pub reopen_first: Duration,
    /// Longest such pause.
    pub reopen_longest: Duration,
    /// Between two searches for an object whose creation had an unknown end.
    pub settling: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            first_byte: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            request: Duration::from_secs(10),
            answer_taken: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            drain: Duration::from_secs(2),
            queue: Duration::from_secs(30),
            operation: Duration::from_secs(30),
            reopen_first: Duration::from_millis(50),
            reopen_longest: Duration::from_secs(5),
            settling: Duration::from_secs(2),
        }
    }
}
