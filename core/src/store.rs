//! What the core asks of the store and what the store answers. The store is the truth about keys.

use crate::identity::{ApplicationIdentity, KeyIdentity, Text};
use crate::ids::ObjectId;
use crate::record::{Device, EncodedRecord};
use alloc::vec::Vec;
use parsecd_wire::AuthenticationType;

/// A row of `unfinished`: an object that recovery must look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unfinished {
    /// The object.
    pub object: ObjectId,
    /// What was being done with it.
    pub state: UnfinishedState,
    /// Device it is being made on or removed from.
    pub device: Device,
    /// Whose key it is or was to be.
    pub identity: KeyIdentity,
}

/// What was being done with an unfinished object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnfinishedState {
    /// It may or may not exist; it belongs to nobody yet.
    Making,
    /// It may or may not exist any more; it belongs to nobody any more.
    Removing,
}

/// A change, all of it in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// Insert into `unfinished`.
    Reserve(Unfinished),
    /// Insert into `keys`, remove the object from `unfinished` if it is there. Refused if the name exists.
    Publish {
        /// Name of the key.
        identity: KeyIdentity,
        /// Its object.
        object: ObjectId,
        /// Its record.
        record: EncodedRecord,
        /// Whose quota it counts for, [`crate::identity::Principal::to_text`].
        principal: Text,
    },
    /// Remove from `keys`, insert into `unfinished`. Refused if the row is not there.
    Retire(Unfinished),
    /// Remove from `keys`. Refused if the name does not belong to this object.
    Delete {
        /// Name of the key.
        identity: KeyIdentity,
        /// Its object.
        object: ObjectId,
    },
    /// Remove from `unfinished`; durable also if it is not there.
    Erase {
        /// The object.
        object: ObjectId,
    },
    /// Change nothing, but be durable: decides what a commit of unknown outcome has become.
    Barrier,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitResult {
    /// It happened and survives a power cut.
    Durable,
    /// It did not happen.
    Refused,
    /// It did not happen: no room.
    Full,
    /// It may have happened; reading tells only after a durable barrier.
    Unknown,
}

/// Whether the store answers at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreState {
    /// It does.
    Up,
    /// It does not.
    Down,
}

/// Answer to a fetch of one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fetched {
    /// The row, its tag is right.
    Found(EncodedRecord),
    /// No such row.
    Absent,
    /// There is a row, its tag is wrong.
    Unreadable,
    /// The store could not answer.
    Failed,
}

/// How much a tenant and its principal hold, at the time of a fetch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Keys of the tenant.
    pub tenant_keys: u64,
    /// Bytes of the tenant's records.
    pub tenant_bytes: u64,
    /// Keys of the principal.
    pub principal_keys: u64,
    /// Bytes of the principal's records.
    pub principal_bytes: u64,
}

/// A question with many answers, asked page by page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// Records of an application, ordered by (provider, name) as bytes.
    Keys {
        /// The application.
        application: ApplicationIdentity,
        /// Only this provider's; `None`: all.
        provider: Option<Text>,
        /// Only those after this (provider, name).
        after: Option<(Text, Text)>,
        /// At most this many rows.
        limit: u32,
    },
    /// Applications of an authenticator that have at least one key, ordered as bytes.
    Clients {
        /// The authenticator.
        authenticator: AuthenticationType,
        /// Only those after this name.
        after: Option<Text>,
        /// At most this many rows.
        limit: u32,
    },
    /// Unfinished objects of a provider, ordered by id.
    Unfinished {
        /// Name of the provider.
        provider: Text,
        /// Only those after this one.
        after: Option<ObjectId>,
        /// At most this many rows.
        limit: u32,
    },
    /// Unfinished objects of an application, ordered by id: what is left of it after its keys are gone.
    UnfinishedOf {
        /// The application.
        application: ApplicationIdentity,
        /// Only those after this one.
        after: Option<ObjectId>,
        /// At most this many rows.
        limit: u32,
    },
}

/// Answer to a [`Query`]. Fewer rows than its limit: there are no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// To [`Query::Keys`].
    Keys(Vec<ListedKey>),
    /// To [`Query::Clients`].
    Clients(Vec<Text>),
    /// To [`Query::Unfinished`] and [`Query::UnfinishedOf`].
    Unfinished(Vec<Unfinished>),
    /// The store could not answer.
    Failed,
}

/// A row of [`Page::Keys`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListedKey {
    /// Provider column of the row.
    pub provider: Text,
    /// Name column of the row.
    pub name: Text,
    /// The record; `None` if its tag is wrong.
    pub record: Option<EncodedRecord>,
}
