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
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            last[7] = rest.len() as u8;
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
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
/// Events from one checkpoint to the next.
pub const CHECKPOINT: u64 = 8192;

/// Which events are kept as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// None.
    #[default]
    Nothing,
    /// The last ones.
    Last,
    /// Those with numbers from the first to the second, each with the hash of all until then.
    Between(u64, u64),
}

/// The hash of all events until one, and of the core's state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the event.
    pub event: u64,
    /// Hash of the events until it and of all states at checkpoints.
    pub hash: u64,
}

/// What happened so far.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: Digest,
    events: u64,
    telling: Telling,
    last: VecDeque<String>,
    checkpoints: Vec<Checkpoint>,
}

impl Trace {
    /// A trace that keeps such events as text.
    pub fn new(telling: Telling) -> Self {
        Trace { telling, ..Trace::default() }
    }

    /// Takes one event into the hash. `tell` is called only where events are kept as text.
    pub fn event(&mut self, value: &impl Hash, tell: impl FnOnce() -> String) {
        self.events += 1;
        value.hash(&mut self.hash);
        let (number, hash) = (self.events, self.hash);
        let telling = self.telling;
        self.note(|| match telling {
            Telling::Between(..) => format!("{:016x} {number:>8} {}", hash.finish(), tell()),
            _ => format!("{number:>8} {}", tell()),
        });
    }

    /// Keeps a line of text that is no part of the hash.
    pub fn note(&mut self, tell: impl FnOnce() -> String) {
        match self.telling {
            Telling::Nothing => {}
            Telling::Last => {
                if self.last.len() == KEPT {
                    self.last.pop_front();
                }
                self.last.push_back(tell());
            }
            Telling::Between(first, last) if (first..=last).contains(&self.events) => {
                self.last.push_back(tell());
            }
            Telling::Between(..) => {}
        }
    }

    /// Takes what `fingerprint` says of the core's state into the hash, if it is time for that.
    pub fn checkpoint(&mut self, fingerprint: impl FnOnce() -> u64) {
        let passed = self.checkpoints.len() as u64;
        if self.events / CHECKPOINT > passed {
            self.hash.write_u64(fingerprint());
            self.checkpoints.push(Checkpoint { event: self.events, hash: self.hash() });
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

    /// Every checkpoint, the first one first.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }

    /// The events kept as text, oldest first.
    pub fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }
}
