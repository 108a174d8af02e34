//! The daemon's wall clock, which may be wrong: it jumps, stands still, drifts.
//!
//! The monotonic clock is [`crate::stage::Stage::now`]; it jumps ahead when the machine was suspended.

use crate::random::{Domain, Random};
use crate::stage::MILLI;

/// Real time when a world begins: milliseconds since 1970.
const BEGINNING: i64 = 1_700_000_000_000;

/// A wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock {
    offset: i64,
    frozen: Option<i64>,
    /// Milliseconds that it gains in each real second, and since when.
    drift: i64,
    since: i64,
}

/// Real time at `instant`, in milliseconds.
pub fn real(instant: u64) -> i64 {
    BEGINNING + (instant / MILLI) as i64
}

impl WallClock {
    /// What it shows at `instant`, in milliseconds.
    pub fn read(&self, instant: u64) -> i64 {
        let now = real(instant);
        self.frozen.unwrap_or(now + self.offset + (now - self.since) / 1000 * self.drift)
    }

    /// Something happens to it at `instant`.
    pub fn disturb(&mut self, instant: u64, random: &mut Random) {
        let draw = Domain::Clock;
        let (second, hour) = (1_000, 3_600_000);
        match random.between(draw, 0, 3) {
            0 => {
                let jump = *random.pick(draw, &[second, hour, 10 * 365 * 24 * hour]);
                self.offset += if random.chance(draw, 500) { jump } else { -jump };
            }
            1 => self.frozen = Some(self.read(instant)),
            2 => self.frozen = None,
            _ => {
                self.since = real(instant);
                self.drift = *random.pick(draw, &[-500, -1, 1, 500]);
            }
        }
    }
}
