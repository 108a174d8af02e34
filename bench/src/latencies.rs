//! How long requests took.

use std::time::Duration;

/// Latencies of requests.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    nanoseconds: Vec<u64>,
    sorted: bool,
}

impl Latencies {
    /// Notes one.
    pub fn add(&mut self, latency: Duration) {
        self.sorted = false;
        self.nanoseconds.push(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Takes over those of another.
    pub fn merge(&mut self, other: &Latencies) {
        self.sorted = false;
        self.nanoseconds.extend_from_slice(&other.nanoseconds);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.nanoseconds.len()
    }

    /// The smallest latency that `share` (0 to 1) of all requests did not exceed; zero without requests.
    pub fn quantile(&mut self, share: f64) -> Duration {
        if !self.sorted {
            self.nanoseconds.sort_unstable();
            self.sorted = true;
        }
        let count = self.nanoseconds.len();
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let place = (share.clamp(0.0, 1.0) * count as f64).ceil() as usize;
        let place = place.saturating_sub(1).min(count.saturating_sub(1));
        Duration::from_nanos(self.nanoseconds.get(place).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_latency_that_so_many_did_not_exceed() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.5), Duration::ZERO);
        for nanoseconds in [30, 10, 20, 40] {
            latencies.add(Duration::from_nanos(nanoseconds));
        }
        let quantiles = [0.0, 0.25, 0.5, 0.51, 0.99, 1.0].map(|share| latencies.quantile(share).as_nanos());
        assert_eq!(quantiles, [10, 10, 20, 30, 40, 40]);
    }
}
