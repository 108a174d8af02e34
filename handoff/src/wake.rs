//! Wakes a sleeper once, however many have something for it.

use crate::sync::{AtomicBool, Ordering};

/// Whether the loop was woken and has not looked since: who finds that it was need not make the system call
/// that wakes it.
///
/// A worker first puts down what it has, then raises the flag; the loop first lowers it, then looks everywhere.
#[derive(Default)]
pub struct WakeFlag(AtomicBool);

impl WakeFlag {
    /// A flag that is not raised.
    pub fn new() -> WakeFlag {
        WakeFlag(AtomicBool::new(false))
    }

    /// Raises it. `true`: the caller has to wake the loop now, nobody else will.
    #[must_use]
    pub fn raise(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Lowers it, before looking for what was put down.
    pub fn lower(&self) {
        // Not a store: it has to see what was put down before the flag was raised.
        self.0.swap(false, Ordering::AcqRel);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_after_a_look_has_to_wake() {
        let flag = WakeFlag::new();
        assert!(flag.raise());
        assert!(!flag.raise());
        flag.lower();
        assert!(flag.raise());
    }
}
