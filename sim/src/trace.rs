//! The running hash over everything that goes into the core and comes out of it, and its last events.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// A hasher without a random seed: equal values hash equally in every process.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.write_u64(word.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)));
        }
        for byte in words.remainder() {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
        self.0 ^= self.0 >> 31;
    }
}

/// Hash of `value`, the same in every process.
pub fn digest(value: &impl Hash) -> u64 {
    let mut hasher = Digest::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Events kept for a report.
const KEPT: usize = 4000;

/// What happened so far.
#[derive(Debug, Default)]
pub struct Trace {
    hash: Digest,
    events: u64,
    told: bool,
    last: VecDeque<String>,
}

impl Trace {
    /// A trace that keeps the last events as text if `told`.
    pub fn new(told: bool) -> Self {
        Trace { told, ..Trace::default() }
    }

    /// Takes one event into the hash. `tell` is called only where events are kept as text.
    pub fn event(&mut self, value: &impl Hash, tell: impl FnOnce() -> String) {
        self.events += 1;
        value.hash(&mut self.hash);
        if self.told {
            self.note(tell);
        }
    }

    /// Keeps a line of text that is no part of the hash.
    pub fn note(&mut self, tell: impl FnOnce() -> String) {
        if self.told {
            if self.last.len() == KEPT {
                self.last.pop_front();
            }
            self.last.push_back(tell());
        }
    }

    /// Hash of all events.
    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }

    /// Number of events.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The last events, oldest first.
    pub fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }
}
