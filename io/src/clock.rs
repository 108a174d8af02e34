//! The two clocks of a step.

use parsecd_core::time::{Instant, Now, WallTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads both clocks, once per step.
pub struct Clock {
    origin: std::time::Instant,
    last: Instant,
    /// The wall clock, and when it was read: again only after a millisecond, which is its unit.
    wall: WallTime,
    wall_read: u64,
}

/// Nanoseconds in the unit of the wall clock.
const MILLISECOND: u64 = 1_000_000;

impl Clock {
    /// A clock that starts at zero now.
    pub fn new() -> Clock {
        Clock { origin: std::time::Instant::now(), last: Instant(0), wall: wall(), wall_read: 0 }
    }

    /// Both clocks. The monotonic one is strictly later than in the call before.
    pub fn now(&mut self) -> Now {
        let elapsed = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last = Instant(elapsed.max(self.last.0.saturating_add(1)));
        if elapsed.saturating_sub(self.wall_read) >= MILLISECOND {
            self.wall = wall();
            self.wall_read = elapsed;
        }
        Now { instant: self.last, wall: self.wall }
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
    fn the_wall_clock_is_the_system_s_give_or_take_a_millisecond() {
        let mut clock = Clock::new();
        let mut furthest = 0;
        for _ in 0..1000 {
            let before = wall();
            let read = clock.now().wall;
            let after = wall();
            if before.0 <= after.0 {
                furthest = furthest.max(before.0 - read.0).max(read.0 - after.0);
            }
        }
        assert!(furthest <= 2, "{furthest} ms");
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
