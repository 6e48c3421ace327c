//! How long to wait before the next call.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use shared::ports::Ids;

/// 0.5 s, doubled with every failure, at most 8 s.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_factor(2.0)
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(Duration::from_secs(8))
    .without_max_times();

/// The share of a delay that jitter may take off it.
const JITTER: f64 = 0.25;

/// The number of failures after which the delay no longer grows.
const MAX_FAILURES: u32 = 16;

/// Returns how long to stay away from a provider after its `failures`-th failure in a row, counted
/// from 1.
///
/// The wait that the provider asked for is used as it is, never shortened.
/// Otherwise the delay grows exponentially. Up to a quarter is taken off at random, so that callers
/// that failed together do not come back together.
pub fn delay(failures: u32, retry_after: Option<Duration>, ids: &dyn Ids) -> Duration {
    retry_after.unwrap_or_else(|| backoff(failures).mul_f64(1.0 - JITTER * ids.fraction()))
}

fn backoff(failures: u32) -> Duration {
    let before = failures.clamp(1, MAX_FAILURES) - 1;
    BACKOFF.build().nth(before as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct FixedIds(u8);

    impl Ids for FixedIds {
        fn random(&self) -> [u8; 16] {
            [self.0; 16]
        }
    }

    #[track_caller]
    fn check(failures: u32, drawn: u8, expected: std::ops::RangeInclusive<u64>) {
        let delay = delay(failures, None, &FixedIds(drawn));
        let low = Duration::from_millis(*expected.start());
        let high = Duration::from_millis(*expected.end());
        assert!((low..=high).contains(&delay), "{delay:?} is not in {expected:?} ms");
    }

    #[test]
    fn delays_double_from_half_a_second_to_eight_seconds() {
        for (failures, millis) in
            [(0, 500), (1, 500), (2, 1_000), (3, 2_000), (4, 4_000), (5, 8_000), (6, 8_000)]
        {
            check(failures, 0, millis..=millis);
        }
        check(u32::MAX, 0, 8_000..=8_000);
    }

    #[test]
    fn jitter_takes_at_most_a_quarter_off() {
        check(1, 255, 375..=376);
        check(3, 128, 1_748..=1_750);
        check(9, 255, 6_000..=6_001);
    }

    #[test]
    fn the_wait_that_the_provider_asks_for_is_used_as_it_is() {
        let asked = Duration::from_millis(12_345);
        assert_eq!(delay(1, Some(asked), &FixedIds(255)), asked);
        assert_eq!(delay(5, Some(Duration::ZERO), &FixedIds(0)), Duration::ZERO);
    }
}
