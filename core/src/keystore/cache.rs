//! Entries that nobody needs, oldest first, negative ones included.

use super::{Entry, EntryState, KeyStore};
use crate::identity::KeyIdentity;
use alloc::collections::BTreeMap;

/// Memory of an entry beside its record and name.
const OVERHEAD: u64 = 256;

/// The order in which unpinned entries are given up.
#[derive(Debug, Default, Hash)]
pub(crate) struct Cache {
    next: u64,
    bytes: u64,
    order: BTreeMap<u64, (KeyIdentity, u64)>,
}

impl Cache {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The place that was given last.
    pub(super) fn newest(&self) -> u64 {
        self.next
    }

    pub(super) fn remove(&mut self, place: u64) {
        if let Some((_, bytes)) = self.order.remove(&place) {
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    fn insert(&mut self, identity: KeyIdentity, bytes: u64) -> u64 {
        self.next = self.next.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.order.insert(self.next, (identity, bytes));
        self.next
    }

    fn pop_oldest(&mut self) -> Option<KeyIdentity> {
        let (_, (identity, bytes)) = self.order.pop_first()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(identity)
    }
}

impl KeyStore {
    /// Puts an entry that nobody needs into the cache, and gives up the oldest ones beyond `limit` bytes.
    /// What cannot be read is not kept: it may be repaired.
    pub(crate) fn unpin(&mut self, identity: &KeyIdentity, limit: u64) {
        let Some(entry) = self.entries.get_mut(identity) else { return };
        if entry.is_pinned() || entry.cached.is_some() {
            return;
        }
        if matches!(entry.state, EntryState::Unreadable) {
            self.entries.remove(identity);
            return;
        }
        let bytes = memory(identity, entry);
        entry.cached = Some(self.cache.insert(identity.clone(), bytes));
        while self.cache.bytes > limit {
            let Some(oldest) = self.cache.pop_oldest() else { return };
            self.entries.remove(&oldest);
        }
    }
}

fn memory(identity: &KeyIdentity, entry: &Entry) -> u64 {
    let names = identity.application.name.len().saturating_add(identity.name.len());
    let record = match &entry.state {
        EntryState::Ready { record } => record.public.len().saturating_add(record.material.0.len()),
        _ => 0,
    };
    crate::size(names).saturating_mul(2).saturating_add(crate::size(record)).saturating_add(OVERHEAD)
}
