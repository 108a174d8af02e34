//! Whose connection is read next: peer groups take turns, and the connections of a group stand in line, so that
//! nobody waits longer because another has more connections.

use parsecd_core::identity::PeerGroup;
use parsecd_core::ids::ConnectionKey;
use std::collections::{BTreeMap, VecDeque};

/// Groups whose empty line is kept for the next time.
const LINES: usize = 64;

/// Connections that wait for their turn.
#[derive(Default)]
pub struct Turns {
    lines: BTreeMap<PeerGroup, VecDeque<ConnectionKey>>,
    /// Groups whose line is not empty, next turn first.
    order: VecDeque<PeerGroup>,
    waiting: usize,
}

impl Turns {
    /// Puts a connection at the end of its group's line.
    pub fn push(&mut self, group: PeerGroup, connection: ConnectionKey) {
        let line = self.lines.entry(group).or_default();
        if line.is_empty() {
            self.order.push_back(group);
        }
        line.push_back(connection);
        self.waiting += 1;
    }

    /// Takes the first of the group whose turn it is.
    pub fn pop(&mut self) -> Option<ConnectionKey> {
        let group = self.order.pop_front()?;
        let line = self.lines.get_mut(&group)?;
        let connection = line.pop_front()?;
        self.waiting = self.waiting.saturating_sub(1);
        if !line.is_empty() {
            self.order.push_back(group);
        } else if self.lines.len() > LINES {
            self.lines.remove(&group);
        }
        Some(connection)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(slot: u32) -> ConnectionKey {
        ConnectionKey { slot, generation: 0 }
    }

    fn drain(turns: &mut Turns) -> Vec<u32> {
        std::iter::from_fn(|| turns.pop()).map(|key| key.slot).collect()
    }

    #[test]
    fn groups_take_turns_whatever_the_number_of_their_connections() {
        let mut turns = Turns::default();
        (0..5).for_each(|slot| turns.push(PeerGroup(1), key(slot)));
        turns.push(PeerGroup(2), key(10));
        turns.push(PeerGroup(3), key(20));
        turns.push(PeerGroup(2), key(11));
        assert_eq!(turns.len(), 8);
        assert_eq!(drain(&mut turns), [0, 10, 20, 1, 11, 2, 3, 4]);
        assert_eq!(turns.len(), 0);
        turns.push(PeerGroup(2), key(12));
        assert_eq!(drain(&mut turns), [12]);
    }

    #[test]
    fn groups_that_are_gone_are_forgotten() {
        let mut turns = Turns::default();
        for group in 0..1000 {
            turns.push(PeerGroup(group), key(7));
        }
        assert_eq!(drain(&mut turns).len(), 1000);
        assert_eq!((turns.lines.len(), turns.order.len()), (LINES, 0));
    }
}
