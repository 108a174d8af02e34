//! What will happen, in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bits of a place that count what was put in before.
const SEQUENCE_BITS: u32 = 40;
/// Bits of a place that chance decides, where it does.
const CHANCE_BITS: u32 = 16;

/// Events that wait for their time. Of those with the same time the ones of a lower class come first, and of
/// those the ones that were put in first.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    /// Time, class and sequence, place among the events. Events are large and do not move.
    order: BinaryHeap<Reverse<(u64, u64, u32)>>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    sequence: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Queue { order: BinaryHeap::new(), events: Vec::new(), free: Vec::new(), sequence: 0 }
    }
}

impl<E> Queue<E> {
    /// Puts an event in.
    pub fn insert(&mut self, at: u64, class: u8, event: E) {
        self.insert_by_chance(at, class, 0, event);
    }

    /// Puts an event in; of those with the same time and class the ones with a lower `chance` come first.
    pub fn insert_by_chance(&mut self, at: u64, class: u8, chance: u16, event: E) {
        self.sequence += 1;
        let chance = (u64::from(class) << CHANCE_BITS) | u64::from(chance);
        let rank = (chance << SEQUENCE_BITS) | self.sequence;
        let place = match self.free.pop() {
            Some(place) => {
                self.events[place as usize] = Some(event);
                place
            }
            None => {
                self.events.push(Some(event));
                self.events.len() as u32 - 1
            }
        };
        self.order.push(Reverse((at, rank, place)));
    }

    /// When the next event is.
    pub fn next_at(&self) -> Option<u64> {
        self.order.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next event out.
    pub fn pop(&mut self) -> Option<(u64, E)> {
        let Reverse((at, _, place)) = self.order.pop()?;
        let event = self.events[place as usize].take()?;
        self.free.push(place);
        Some((at, event))
    }

    /// Whether there is such an event.
    pub fn any(&self, wanted: impl Fn(&E) -> bool) -> bool {
        self.events.iter().flatten().any(wanted)
    }

    /// Forgets the events that are not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&E) -> bool) {
        let Queue { order, events, free, .. } = self;
        order.retain(|Reverse((_, _, place))| {
            let event = &mut events[*place as usize];
            let kept = event.as_ref().is_some_and(&wanted);
            if !kept {
                *event = None;
                free.push(*place);
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_class_then_as_they_were_put_in() {
        let mut queue = Queue::default();
        let events =
            [(5, 0, "e"), (1, 2, "c"), (1, 1, "a"), (1, 1, "b"), (4, 9, "gone"), (5, 0, "f"), (2, 9, "d")];
        events.into_iter().for_each(|(at, class, event)| queue.insert(at, class, event));
        queue.retain(|event| *event != "gone");
        assert_eq!(queue.next_at(), Some(1));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event).collect();
        assert_eq!(order.concat(), "abcdef");
        queue.insert(3, 0, "again");
        assert_eq!((queue.pop(), queue.pop(), queue.events.len()), (Some((3, "again")), None, 7));
    }
}
