//! A bounded queue from the loop, which must never block, to a worker, which may.

use crate::sync::{Arc, Condvar, Mutex, lock, wait};
use std::collections::VecDeque;

struct State<T> {
    items: VecDeque<T>,
    senders: usize,
    receiving: bool,
}

struct Shared<T> {
    capacity: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

/// The end that puts items in. Never blocks.
pub struct Sender<T>(Arc<Shared<T>>);

/// The end that takes items out. Blocks while there are none. Several threads may share it; each item goes to one.
pub struct Receiver<T>(Arc<Shared<T>>);

/// Why an item was not taken into the queue. The item comes back.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused<T> {
    /// The queue holds as many items as it may.
    Full(T),
    /// The receiver is gone.
    Closed(T),
}

/// A queue that holds at most `capacity` items, at least 1.
pub fn queue<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a queue without room would refuse everything");
    let shared = Arc::new(Shared {
        capacity,
        state: Mutex::new(State { items: VecDeque::new(), senders: 1, receiving: true }),
        changed: Condvar::new(),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Puts `item` at the end of the queue.
    ///
    /// # Errors
    /// [`Refused`] with the item if the queue is full or its receiver gone.
    pub fn try_send(&self, item: T) -> Result<(), Refused<T>> {
        let mut state = lock(&self.0.state);
        if !state.receiving {
            return Err(Refused::Closed(item));
        }
        if state.items.len() >= self.0.capacity {
            return Err(Refused::Full(item));
        }
        state.items.push_back(item);
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        let mut state = lock(&self.0.state);
        state.senders = state.senders.saturating_add(1);
        drop(state);
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.senders = state.senders.saturating_sub(1);
        let last = state.senders == 0;
        drop(state);
        if last {
            self.0.changed.notify_all();
        }
    }
}

impl<T> Receiver<T> {
    /// Takes the oldest items, at most `limit` (at least 1) of them, in their order. Waits for the first.
    /// `None` once every sender is gone and the queue is empty.
    pub fn take(&self, limit: usize) -> Option<Vec<T>> {
        assert!(limit > 0, "taking nothing would never end");
        let mut state = lock(&self.0.state);
        while state.items.is_empty() {
            if state.senders == 0 {
                return None;
            }
            state = wait(&self.0.changed, state);
        }
        let count = state.items.len().min(limit);
        Some(state.items.drain(..count).collect())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.receiving = false;
        let abandoned = std::mem::take(&mut state.items);
        drop(state);
        // Dropped without the lock: an item may itself hold a sender of this queue.
        drop(abandoned);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn items_come_out_in_the_order_they_went_in_and_never_more_than_asked_for() {
        let (sender, receiver) = queue(8);
        for item in 0..5 {
            sender.try_send(item).unwrap();
        }
        assert_eq!(receiver.take(3), Some(vec![0, 1, 2]));
        assert_eq!(receiver.take(3), Some(vec![3, 4]));
    }

    #[test]
    fn a_full_queue_gives_the_item_back_and_has_room_again_after_a_take() {
        let (sender, receiver) = queue(2);
        sender.try_send("a").unwrap();
        sender.try_send("b").unwrap();
        assert_eq!(sender.try_send("c"), Err(Refused::Full("c")));
        assert_eq!(receiver.take(1), Some(vec!["a"]));
        assert_eq!(sender.try_send("c"), Ok(()));
    }

    #[test]
    fn what_was_queued_is_delivered_after_the_last_sender_is_gone_then_the_end() {
        let (sender, receiver) = queue(2);
        let second = sender.clone();
        sender.try_send(1).unwrap();
        drop(sender);
        second.try_send(2).unwrap();
        drop(second);
        assert_eq!(receiver.take(8), Some(vec![1, 2]));
        assert_eq!(receiver.take(8), None);
    }

    #[test]
    fn a_waiting_receiver_sees_the_end_when_the_last_sender_goes() {
        let (sender, receiver) = queue::<u8>(1);
        let waiting = thread::spawn(move || receiver.take(1));
        drop(sender);
        assert_eq!(waiting.join().unwrap(), None);
    }

    #[test]
    fn every_thread_that_shares_a_receiver_sees_the_end() {
        let (sender, receiver) = queue::<u8>(1);
        let receiver = Arc::new(receiver);
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                thread::spawn(move || receiver.take(1))
            })
            .collect();
        drop(sender);
        waiting.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), None));
    }

    #[test]
    fn threads_that_share_a_receiver_take_each_item_once() {
        let (sender, receiver) = queue(1000);
        let receiver = Arc::new(receiver);
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                thread::spawn(move || std::iter::from_fn(|| receiver.take(1)).flatten().collect::<Vec<_>>())
            })
            .collect();
        (0..1000).for_each(|item| sender.try_send(item).unwrap());
        drop(sender);
        let mut taken: Vec<i32> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn an_item_for_a_receiver_that_is_gone_comes_back() {
        let (sender, receiver) = queue(2);
        drop(receiver);
        assert_eq!(sender.try_send(7), Err(Refused::Closed(7)));
    }

    #[test]
    fn nothing_is_lost_or_doubled_between_threads() {
        let (sender, receiver) = queue(3);
        let producers: Vec<_> = (0..4u32)
            .map(|producer| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for number in 0..500u32 {
                        let mut item = (producer, number);
                        while let Err(Refused::Full(back) | Refused::Closed(back)) = sender.try_send(item) {
                            item = back;
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let mut seen = [0u32; 4];
        while let Some(items) = receiver.take(5) {
            for (producer, number) in items {
                assert_eq!(seen[producer as usize], number);
                seen[producer as usize] += 1;
            }
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert_eq!(seen, [500; 4]);
    }
}
