//! Peer groups: each has a cap of connections, and yields its own when it is full.

use super::state::Connection;
use crate::identity::PeerGroup;
use crate::ids::ConnectionKey;
use crate::state::Step;
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};

/// Connections of a group that were refused and whose clients stay, as a share of its cap. Beyond that they
/// are not waited for, or a group could hold every connection there may be.
const LINGERING_SHARE: u32 = 4;

/// Connections of all peer groups.
#[derive(Debug, Default, Hash)]
pub(crate) struct PeerGroups {
    open: BTreeMap<PeerGroup, u32>,
    /// Connections that owe and are owed nothing, longest silent first.
    quiet: BTreeSet<(PeerGroup, Instant, ConnectionKey)>,
}

impl PeerGroups {
    pub(super) fn opened(&mut self, group: PeerGroup) {
        let open = self.open.entry(group).or_default();
        *open = open.saturating_add(1);
    }

    pub(super) fn lost(&mut self, group: PeerGroup, key: ConnectionKey, connection: &Connection) {
        if connection.listed {
            self.quiet.remove(&(group, connection.quiet_since, key));
        }
        if let Some(open) = self.open.get_mut(&group) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                self.open.remove(&group);
            }
        }
    }

    fn longest_quiet(&self, group: PeerGroup) -> Option<ConnectionKey> {
        let from = (group, Instant(0), ConnectionKey { slot: 0, generation: 0 });
        self.quiet.range(from..).next().filter(|(of, _, _)| *of == group).map(|(_, _, key)| *key)
    }

    /// A connection that is about to be quiet since another instant.
    pub(super) fn busy(&mut self, key: ConnectionKey, connection: &mut Connection) {
        if core::mem::take(&mut connection.listed) {
            self.quiet.remove(&(connection.peer.group, connection.quiet_since, key));
        }
    }

    /// Notes whether a connection is quiet. A connection is listed under `quiet_since` only.
    pub(super) fn note(&mut self, key: ConnectionKey, connection: &mut Connection) {
        if !connection.is_quiet() {
            self.busy(key, connection);
        } else if !core::mem::replace(&mut connection.listed, true) {
            self.quiet.insert((connection.peer.group, connection.quiet_since, key));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len().saturating_add(self.quiet.len())
    }
}

impl Step<'_> {
    /// Makes place for a new connection of a group: the one that has been silent longest goes, or the new
    /// one is told that there are too many. A kept one that is idle goes silently (decisions.md 6).
    pub(super) fn admit_to_group(&mut self, key: ConnectionKey, group: PeerGroup) {
        let cap = self.state.config.limits.connections_per_group;
        let open = self.state.groups.open.get(&group).copied().unwrap_or(0);
        if open > cap {
            let yields = self.state.groups.longest_quiet(group).filter(|quiet| *quiet != key).unwrap_or(key);
            let lingering = open.saturating_sub(cap);
            if let Some(connection) = self.state.connections.get_mut(&yields)
                && lingering > cap.div_ceil(LINGERING_SHARE)
            {
                connection.discard_left = 0;
            }
            self.refuse_unfinished(yields);
        }
    }
}
