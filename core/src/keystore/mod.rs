//! One entry per name in use, and a bounded cache of those that are not.
//!
//! An entry orders everything that happens to one name: uses share it, changes have it for themselves,
//! whoever comes later waits its turn. This is what makes *same name, four creators* one winner, orders a
//! generate and a sign of one connection, and keeps a late fetch from overwriting a newer commit.

mod cache;
mod turns;

use crate::identity::KeyIdentity;
use crate::ids::{ObjectId, RequestId, Ticket};
use crate::key_life::Told;
use crate::record::Record;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
pub(crate) use cache::Cache;

/// All entries.
#[derive(Debug, Default, Hash)]
pub(crate) struct KeyStore {
    pub(super) entries: BTreeMap<KeyIdentity, Entry>,
    pub(super) cache: Cache,
}

/// A name.
#[derive(Debug, Hash)]
pub(super) struct Entry {
    pub(super) state: EntryState,
    /// Who waits for a turn, in the order in which the requests came.
    pub(super) waiters: BTreeMap<RequestId, Waiter>,
    /// Whether the line is being advanced: what that leads to must not advance it within, once per waiter.
    pub(super) advancing: bool,
    /// Jobs that use the key.
    pub(super) uses: u32,
    /// What the store has just said that whoever makes a key holds: it counts in the step in which it is told.
    pub(super) told: Option<Told>,
    /// Place in the cache, if nobody needs the entry.
    pub(super) cached: Option<u64>,
}

/// What is known of a name.
#[derive(Clone, Debug, Hash)]
pub(super) enum EntryState {
    /// The store is being asked.
    Fetching { ticket: Ticket },
    /// There is no such key.
    Absent,
    /// There is.
    Ready { record: Arc<Record> },
    /// There is a row that cannot be read.
    Unreadable,
    /// A key life has the name for itself.
    Changing { object: ObjectId },
}

/// Somebody who waits for a turn at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Waiter {
    /// A request; what it wants is in its state.
    Request(RequestId),
    /// A deletion of the whole client, which wants to destroy this object.
    Deletion { request: RequestId, object: ObjectId },
}

impl Waiter {
    /// The request that waits, or for which a deletion does.
    fn request(self) -> RequestId {
        match self {
            Waiter::Request(request) | Waiter::Deletion { request, .. } => request,
        }
    }
}

impl Entry {
    fn fetching(ticket: Ticket) -> Entry {
        Entry {
            state: EntryState::Fetching { ticket },
            waiters: BTreeMap::new(),
            advancing: false,
            uses: 0,
            told: None,
            cached: None,
        }
    }

    /// Whether it waits for this fetch.
    fn awaits(&self, awaited: Ticket) -> bool {
        matches!(self.state, EntryState::Fetching { ticket } if ticket == awaited)
    }

    /// Whether anything depends on the entry being in memory.
    fn is_pinned(&self) -> bool {
        !self.waiters.is_empty()
            || self.uses > 0
            || matches!(self.state, EntryState::Fetching { .. } | EntryState::Changing { .. })
    }
}

impl KeyStore {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn cache_memory(&self) -> u64 {
        self.cache.bytes()
    }
}
