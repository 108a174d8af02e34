//! Answers from workers back to the loop, which is woken through a function of its own choosing.

use crate::sync::{Arc, Mutex, lock};

struct State<T> {
    ready: Vec<T>,
    ended: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// A worker's end. When it is dropped the loop is told that a worker ended.
pub struct Completer<T>(Arc<Shared<T>>);

/// The loop's end. Never blocks.
pub struct Completions<T>(Arc<Shared<T>>);

/// A pair for one loop and its workers. `wake` is called, on a worker's thread and without any lock held,
/// when something is ready after [`Completions::take`] left nothing, and when a worker ended; it must make the
/// loop call `take` soon. It may be called once too often, never once too rarely.
pub fn completions<T>(wake: impl Fn() + Send + Sync + 'static) -> (Completer<T>, Completions<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { ready: Vec::new(), ended: false }),
        wake: Box::new(wake),
    });
    (Completer(Arc::clone(&shared)), Completions(shared))
}

impl<T> Completer<T> {
    /// Hands over answers, in this order. One wake-up for all of them.
    pub fn complete(&self, answers: impl IntoIterator<Item = T>) {
        let answers: Vec<T> = answers.into_iter().collect();
        if answers.is_empty() {
            return;
        }
        let mut state = lock(&self.0.state);
        let first = state.ready.is_empty();
        state.ready.extend(answers);
        drop(state);
        // If answers were lying there already, the loop was woken for them and has not taken them yet.
        if first {
            (self.0.wake)();
        }
    }
}

impl<T> Clone for Completer<T> {
    fn clone(&self) -> Self {
        Completer(Arc::clone(&self.0))
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        lock(&self.0.state).ended = true;
        (self.0.wake)();
    }
}

impl<T> Completions<T> {
    /// Everything that is ready, oldest first.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut lock(&self.0.state).ready)
    }

    /// Whether a worker has ended: its completer, or a clone of it, was dropped.
    pub fn ended(&self) -> bool {
        lock(&self.0.state).ended
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    fn counted<T>() -> (Completer<T>, Completions<T>, Arc<AtomicUsize>) {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&wakes);
        let (completer, completions) = completions(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        (completer, completions, wakes)
    }

    #[test]
    fn one_wake_covers_everything_until_the_loop_takes_it() {
        let (completer, completions, wakes) = counted();
        completer.complete([1, 2]);
        completer.complete([3]);
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        assert_eq!(completions.take(), [1, 2, 3]);
        completer.complete([4]);
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
        assert_eq!(completions.take(), [4]);
        assert!(completions.take().is_empty());
    }

    #[test]
    fn completing_nothing_wakes_nobody() {
        let (completer, _completions, wakes) = counted::<u8>();
        completer.complete([]);
        assert_eq!(wakes.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn the_end_of_a_worker_wakes_the_loop_and_loses_no_answer() {
        let (completer, completions, wakes) = counted();
        assert!(!completions.ended());
        thread::spawn(move || completer.complete([5])).join().unwrap();
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
        assert!(completions.ended());
        assert_eq!(completions.take(), [5]);
    }

    #[test]
    fn a_worker_that_panics_is_seen_to_have_ended() {
        let (completer, completions, _) = counted::<u8>();
        let worker = thread::spawn(move || {
            let _held = completer;
            panic!("as a test");
        });
        assert!(worker.join().is_err());
        assert!(completions.ended());
    }
}
