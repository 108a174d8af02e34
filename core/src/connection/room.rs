//! Connections whose announced request is larger than their allowance wait for room: in order within each
//! peer group, and in order among those groups that have not used up their share.

use super::state::InputSide;
use crate::accounts::Room;
use crate::identity::PeerGroup;
use crate::ids::ConnectionKey;
use crate::output::Output;
use crate::state::Step;
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Who waits for room, and since when.
#[derive(Debug, Default, Hash)]
pub(crate) struct RoomQueue {
    groups: BTreeMap<PeerGroup, BTreeSet<(Instant, ConnectionKey)>>,
}

impl RoomQueue {
    pub(crate) fn len(&self) -> usize {
        self.groups.values().map(BTreeSet::len).sum()
    }

    pub(super) fn is_empty_for(&self, group: PeerGroup) -> bool {
        !self.groups.contains_key(&group)
    }

    pub(super) fn push(&mut self, group: PeerGroup, since: Instant, key: ConnectionKey) {
        self.groups.entry(group).or_default().insert((since, key));
    }

    fn remove(&mut self, group: PeerGroup, since: Instant, key: ConnectionKey) {
        if let Some(waiting) = self.groups.get_mut(&group) {
            waiting.remove(&(since, key));
            if waiting.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// The first of each group, longest waiting first.
    fn fronts(&self) -> Vec<(Instant, ConnectionKey)> {
        let mut fronts: Vec<_> =
            self.groups.values().filter_map(|waiting| waiting.first().copied()).collect();
        fronts.sort_unstable();
        fronts
    }
}

impl Step<'_> {
    /// Lets connections read on that wait for room, as far as there is room.
    pub(crate) fn room_was_freed(&mut self) {
        while let Some((key, announced)) = self.next_with_room() {
            self.leave_room_queue(key);
            let Some(connection) = self.state.connections.get_mut(&key) else { return };
            self.state.accounts.hold(connection.peer.group, announced);
            connection.reserved = announced;
            connection.reads_on(self.now.instant);
            self.output(Output::ReadAgain { connection: key });
            self.rearm(key);
        }
    }

    fn next_with_room(&self) -> Option<(ConnectionKey, u64)> {
        if self.state.waiting_for_room.groups.is_empty() {
            return None;
        }
        let limit = self.state.config.limits.request_memory;
        for (_, key) in self.state.waiting_for_room.fronts() {
            let connection = self.state.connections.get(&key)?;
            let announced = connection.reader.announced().unwrap_or(0);
            match self.state.accounts.room(connection.peer.group, 0, announced, limit) {
                Room::Free => return Some((key, announced)),
                Room::GroupFull => {}
                Room::Full => return None,
            }
        }
        None
    }

    /// Whether somebody waits for memory, and not for a share of it: whoever comes now comes later.
    pub(super) fn memory_is_waited_for(&self) -> bool {
        let limit = self.state.config.limits.request_memory;
        let mut fronts = self.state.waiting_for_room.groups.values().filter_map(BTreeSet::first);
        fronts.any(|(_, key)| {
            self.state.connections.get(key).is_some_and(|connection| {
                let announced = connection.reader.announced().unwrap_or(0);
                self.state.accounts.room(connection.peer.group, 0, announced, limit) == Room::Full
            })
        })
    }

    /// Takes a connection out of the queue if it is in there.
    pub(super) fn leave_room_queue(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.state.connections.get(&key)
            && let InputSide::WaitingForRoom { since } = connection.input
        {
            self.state.waiting_for_room.remove(connection.peer.group, since, key);
        }
    }
}
