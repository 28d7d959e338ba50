//! What follows an attempt, as a pure function of what is known at its end.

use std::time::Duration;

use cstar_store::Verdict;
use cstar_types::{Outcome, RetrySchedule, Timestamp};
use http::StatusCode;

/// Jitter spreads what failed together: each wait grows by up to this share of it, and never shrinks (T6).
const JITTER_SHARE: f64 = 0.1;

/// How far an endpoint may put off a retry beyond its schedule: so that none parks deliveries here for days.
const PUT_OFF_MAX: Duration = Duration::from_secs(3600);

/// An attempt that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    /// Its webhook's schedule.
    pub(crate) schedule: &'a RetrySchedule,
    /// Failed attempts of this schedule before it.
    pub(crate) failed_before: u32,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// How long the endpoint asked to be left alone, from `now`.
    pub(crate) retry_after: Option<Duration>,
    /// When it ended.
    pub(crate) now: Timestamp,
    /// From 0 up to 1.
    pub(crate) random: f64,
}

/// W48–W53, T6: a failure is tried again after its wait, counted from the end of the attempt, plus jitter; after the last
/// retry it has failed. `Retry-After` makes a retry later, never earlier.
pub(crate) fn judge(ended: &Ended<'_>) -> Verdict {
    if ended.outcome == Outcome::Success {
        return Verdict::Delivered;
    }
    let Some(wait) = ended.schedule.wait_after(ended.failed_before.saturating_add(1)) else {
        return Verdict::Failed;
    };
    let jittered = wait.mul_f64(1.0 + JITTER_SHARE * ended.random.clamp(0.0, 1.0));
    let asked = ended.retry_after.unwrap_or_default().min(wait + PUT_OFF_MAX);
    Verdict::RetryAt(ended.now.plus(jittered.max(asked)))
}

/// Reads `Retry-After`, which counts on 429 and 503 alone: seconds, or an HTTP date.
pub(crate) fn retry_after(status: StatusCode, value: Option<&str>, now: Timestamp) -> Option<Duration> {
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let value = value?.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Timestamp::from_millis(date.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_765_377_000_000);

    fn after(failed_before: u32, retry_after_s: Option<u64>, random: f64) -> Option<u64> {
        let schedule = RetrySchedule::default();
        let verdict = judge(&Ended {
            schedule: &schedule,
            failed_before,
            outcome: Outcome::HttpStatus,
            retry_after: retry_after_s.map(Duration::from_secs),
            now: NOW,
            random,
        });
        match verdict {
            Verdict::RetryAt(at) => Some(at.since(NOW).as_secs()),
            Verdict::Failed => None,
            Verdict::Delivered => panic!("a failure is not delivered"),
        }
    }

    /// W50, W51, W52, W53, T6: three retries after 1, 5 and 30 minutes, then the end.
    #[test]
    fn the_schedule_is_walked_to_its_end() {
        let waits: Vec<_> = (0..5).map(|failed| after(failed, None, 0.0)).collect();
        assert_eq!(waits, [Some(60), Some(300), Some(1800), None, None]);
    }

    /// T6: what failed together is spread over a tenth of its wait.
    #[test]
    fn a_wait_grows_by_up_to_a_tenth() {
        assert_eq!([0.0, 0.5, 1.0].map(|random| after(0, None, random)), [Some(60), Some(63), Some(66)]);
        assert_eq!(after(2, None, 1.0), Some(1980));
    }

    #[test]
    fn retry_after_makes_later_never_earlier_by_an_hour_at_most() {
        assert_eq!(after(0, Some(1), 0.0), Some(60));
        assert_eq!(after(0, Some(90), 0.0), Some(90));
        assert_eq!(after(0, Some(1_000_000), 0.0), Some(60 + 3600));
        assert_eq!(after(3, Some(90), 0.0), None, "it adds no retry");
    }

    #[test]
    fn retry_after_is_read_in_both_forms_on_two_statuses() {
        let read = |status: u16, value| {
            retry_after(StatusCode::from_u16(status).unwrap(), value, NOW).map(|wait| wait.as_secs())
        };
        assert_eq!(read(503, Some(" 120 ")), Some(120));
        assert_eq!(read(429, Some("0")), Some(0));
        assert_eq!(read(503, Some("Wed, 10 Dec 2025 14:31:00 GMT")), Some(60));
        assert_eq!(read(503, Some("Wed, 10 Dec 2025 14:29:00 GMT")), Some(0), "in the past");
        for nonsense in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
            assert!(read(503, Some(nonsense)).unwrap_or_default() == 0, "{nonsense}");
        }
        assert_eq!(read(500, Some("120")), None);
        assert_eq!(read(503, None), None);
    }

    proptest! {
        /// T6: 0–10% later than the schedule says, never earlier, whatever the endpoint asks.
        #[test]
        fn never_earlier_and_never_much_later(
            failed_before in 0u32..3,
            asked in proptest::option::of(any::<u64>()),
            random in 0.0..1.0f64,
        ) {
            let base = RetrySchedule::default().waits()[failed_before as usize].as_secs();
            let wait = after(failed_before, asked, random).unwrap();
            prop_assert!(wait >= base);
            match asked {
                None => prop_assert!(wait <= base + base / 10),
                Some(_) => prop_assert!(wait <= base + base / 10 + 3600),
            }
        }

        /// W47
        #[test]
        fn success_ends_it_whatever_came_before(failed_before: u32) {
            let schedule = RetrySchedule::default();
            let outcome = Outcome::Success;
            let ended = Ended { schedule: &schedule, failed_before, outcome, retry_after: None, now: NOW, random: 0.5 };
            prop_assert_eq!(judge(&ended), Verdict::Delivered);
        }
    }
}
