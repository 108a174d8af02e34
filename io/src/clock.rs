//! The two clocks of a step.

use parsecd_core::time::{Instant, Now, WallTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads both clocks, once per step.
pub struct Clock {
    origin: std::time::Instant,
    last: Instant,
}

impl Clock {
    /// A clock that starts at zero now.
    pub fn new() -> Clock {
        Clock { origin: std::time::Instant::now(), last: Instant(0) }
    }

    /// Both clocks. The monotonic one is strictly later than in the call before.
    pub fn now(&mut self) -> Now {
        let elapsed = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last = Instant(elapsed.max(self.last.0.saturating_add(1)));
        Now { instant: self.last, wall: wall() }
    }

    /// When `instant` is, for a timer.
    pub fn system_instant(&self, instant: Instant) -> std::time::Instant {
        let far = Duration::from_secs(365 * 24 * 60 * 60);
        let since_origin = Duration::from_nanos(instant.0);
        self.origin.checked_add(since_origin).or_else(|| self.origin.checked_add(far)).unwrap_or(self.origin)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}

/// Milliseconds since 1970; negative before.
fn wall() -> WallTime {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    WallTime(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => millis(since),
        Err(before) => millis(before.duration()).saturating_neg(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_is_later_than_the_one_before() {
        let mut clock = Clock::new();
        let mut last = clock.now().instant;
        for _ in 0..100_000 {
            let next = clock.now().instant;
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn a_reading_lies_between_the_system_clocks_around_it() {
        let before = std::time::Instant::now();
        let mut clock = Clock::new();
        let now = clock.now().instant;
        let at = clock.system_instant(now);
        assert!(before <= at && at <= std::time::Instant::now());
    }
}
