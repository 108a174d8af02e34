//! The two clocks the core is told about. It never reads one itself.

use core::time::Duration;

/// A reading of the monotonic clock: nanoseconds since an origin that the driver chose. For deadlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// This instant and `duration` later; saturates at the end of time.
    pub fn after(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A reading of the wall clock: milliseconds since 1970-01-01 UTC. May jump either way; decides token
/// expiry and stamps audit events, nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(pub i64);

/// Both clocks, read once per step. `instant` is strictly greater in each step than in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Now {
    /// Monotonic clock.
    pub instant: Instant,
    /// Wall clock.
    pub wall: WallTime,
}
