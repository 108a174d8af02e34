//! Memory that requests may need, reserved before it is used.

use crate::identity::PeerGroup;
use alloc::collections::BTreeMap;

/// The account of all reservations.
#[derive(Debug, Default, Hash)]
pub(crate) struct Accounts {
    reserved: u64,
    groups: BTreeMap<PeerGroup, u64>,
}

/// Whether there is room for a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Free,
    /// The peer group has its half.
    GroupFull,
    Full,
}

impl Accounts {
    /// Whether `bytes` more fit into `limit`, of which no peer group gets more than half, for a request that
    /// has `own` bytes already. While nobody else has any it always fits, so that a limit below one request's
    /// size slows the service down but does not stop it.
    pub(crate) fn room(&self, group: PeerGroup, own: u64, bytes: u64, limit: u64) -> Room {
        let of_group = self.groups.get(&group).copied().unwrap_or(0);
        if bytes == 0 || self.reserved <= own {
            Room::Free
        } else if of_group > own && of_group.saturating_add(bytes) > limit.div_ceil(2) {
            Room::GroupFull
        } else if self.reserved.saturating_add(bytes) > limit {
            Room::Full
        } else {
            Room::Free
        }
    }

    /// Reserves `bytes` more if there is room.
    pub(crate) fn reserve(&mut self, group: PeerGroup, own: u64, bytes: u64, limit: u64) -> bool {
        let fits = self.room(group, own, bytes, limit) == Room::Free;
        if fits {
            self.hold(group, bytes);
        }
        fits
    }

    /// Counts `bytes` that are there already.
    pub(crate) fn hold(&mut self, group: PeerGroup, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.reserved = self.reserved.saturating_add(bytes);
        let of_group = self.groups.entry(group).or_default();
        *of_group = of_group.saturating_add(bytes);
    }

    /// Gives `bytes` back.
    pub(crate) fn release(&mut self, group: PeerGroup, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let of_group = self.groups.entry(group).or_default();
        assert!(bytes <= *of_group && bytes <= self.reserved, "more is given back than was reserved");
        *of_group = of_group.saturating_sub(bytes);
        if *of_group == 0 {
            self.groups.remove(&group);
        }
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    /// Bytes reserved.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved
    }
}
