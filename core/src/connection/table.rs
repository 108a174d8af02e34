//! The table of connections, by slot: each byte that comes or goes looks its connection up several times.

use super::state::Connection;
use crate::ids::ConnectionKey;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// Connections by their key. As large as the highest slot in use was; slots are dense ([`ConnectionKey`]).
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Option<(u32, Box<Connection>)>>,
    len: usize,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// # Panics
    /// If the slot is taken, or not one of [`ConnectionKey::SLOTS`].
    pub(crate) fn insert(&mut self, key: ConnectionKey, connection: Connection) {
        assert!(key.slot < ConnectionKey::SLOTS, "there are only so many slots");
        let place = crate::length(key.slot);
        if self.slots.len() <= place {
            self.slots.resize_with(place.saturating_add(1), || None);
        }
        if let Some(slot) = self.slots.get_mut(place) {
            assert!(slot.is_none(), "a slot is used by one connection at a time");
            *slot = Some((key.generation, Box::new(connection)));
            self.len = self.len.saturating_add(1);
        }
    }

    pub(crate) fn get(&self, key: &ConnectionKey) -> Option<&Connection> {
        let (generation, connection) = self.slots.get(crate::length(key.slot))?.as_ref()?;
        (*generation == key.generation).then_some(connection)
    }

    pub(crate) fn get_mut(&mut self, key: &ConnectionKey) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(crate::length(key.slot))?.as_mut()?;
        (*generation == key.generation).then_some(connection)
    }

    pub(crate) fn remove(&mut self, key: &ConnectionKey) -> Option<Box<Connection>> {
        let slot = self.slots.get_mut(crate::length(key.slot))?;
        let (_, connection) = slot.take_if(|(generation, _)| *generation == key.generation)?;
        self.len = self.len.saturating_sub(1);
        Some(connection)
    }

    fn iter(&self) -> impl Iterator<Item = (ConnectionKey, &Connection)> {
        (0..).zip(&self.slots).filter_map(|(slot, taken)| {
            let (generation, connection) = taken.as_ref()?;
            Some((ConnectionKey { slot, generation: *generation }, &**connection))
        })
    }

    /// In the order of slots.
    pub(crate) fn keys(&self) -> impl Iterator<Item = ConnectionKey> {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Connection> {
        self.iter().map(|(_, connection)| connection)
    }
}

/// What is there, not which slots once were.
impl Hash for Connections {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
        self.iter().for_each(|entry| entry.hash(state));
    }
}
