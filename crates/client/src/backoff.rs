//! How long to wait after failures: one rule for streams and calls.

use std::time::Duration;

/// Up to where the first wait is drawn.
const FIRST: Duration = Duration::from_millis(500);

/// Up to where a wait is drawn at most: a server that comes back is noticed within half a minute.
const CEILING: Duration = Duration::from_secs(30);

/// Doublings behind which [`CEILING`] holds.
const DOUBLINGS_MAX: u32 = 6;

const _: () = assert!(FIRST.as_millis() << DOUBLINGS_MAX >= CEILING.as_millis());

/// `rand(0, min(30 s, 0.5 s · 2^n))`, `random` being of 0 to 1. Drawn from the whole range, so that clients that lost the
/// same server come back one by one (R5).
pub(crate) fn wait(n: u32, random: f64) -> Duration {
    let limit = FIRST.saturating_mul(1 << n.min(DOUBLINGS_MAX)).min(CEILING);
    limit.mul_f64(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R5: the range doubles, up to half a minute.
    #[test]
    fn the_range_doubles_up_to_its_ceiling() {
        let limits_ms: Vec<_> = (0..9).map(|n| wait(n, 1.0).as_millis()).collect();
        assert_eq!(limits_ms, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(wait(u32::MAX, 1.0), CEILING);
    }

    #[test]
    fn it_is_drawn_from_the_whole_range() {
        assert_eq!(wait(3, 0.0), Duration::ZERO);
        assert_eq!(wait(3, 0.5), Duration::from_secs(2));
    }
}
