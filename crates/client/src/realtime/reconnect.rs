//! When a stream is opened again. Pure: time, outcome and random number are handed in.

use std::time::Duration;

use tokio::time::Instant;

use cstar_wire::Code;

use crate::transport::is_unauthenticated;
use crate::{Error, StreamEnd, backoff};

/// A stream that stood for so long has recovered from whatever was before.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// A stream that stood for so long did not fail because the server is overloaded: its end is an event of its own.
const STEADY_AFTER: Duration = Duration::from_secs(5);

/// As long as a server is believed that asks to stay away.
const ASKED_MAX: Duration = Duration::from_secs(3600);

/// Two refusals of a key within this time are two in a row. After a longer one, such as an outage, the key that was given
/// last may have expired in its turn.
const IN_A_ROW: Duration = Duration::from_secs(60);

const _: () = assert!(STEADY_AFTER.as_millis() < HEALTHY_AFTER.as_millis());

/// What is known of a stream's failures (R4, R5, T13).
#[derive(Debug, Default)]
pub(crate) struct Reconnect {
    /// Failures that count for the backoff.
    raised: u32,
    /// Failures since the stream last stood.
    attempt: u32,
    /// Since when it stands.
    ready_at: Option<Instant>,
    /// How long the server asked to stay away before it closes.
    asked: Option<Duration>,
    /// When another key was asked for, unless the stream has stood for long since.
    new_key_asked: Option<Instant>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Connect again after this time.
    Again(Duration),
    /// Ask for another key, and connect with that at once.
    AgainWithNewKey,
    /// Give up.
    End,
}

impl Reconnect {
    /// The stream stands.
    pub(crate) fn ready(&mut self, now: Instant) {
        self.attempt = 0;
        self.ready_at = Some(now);
    }

    /// The server is about to close.
    pub(crate) fn asked(&mut self, after: Duration) {
        self.asked = Some(after.min(ASKED_MAX));
    }

    /// Whether the server said that it is about to close.
    pub(crate) const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The stream ended or could not be opened. `can_ask_key` is whether another key may be had.
    pub(crate) fn failed(&mut self, error: &Error, can_ask_key: bool, now: Instant, random: f64) -> Verdict {
        self.attempt += 1;
        let stood = self.ready_at.take().map(|at| now.saturating_duration_since(at));
        let asked = self.asked.take();
        let steady = stood >= Some(STEADY_AFTER);
        if steady {
            self.new_key_asked = None;
        }
        if stood >= Some(HEALTHY_AFTER) {
            self.raised = 0;
        }
        if key_is_refused(error) {
            return self.with_new_key(can_ask_key, now);
        }
        if !may_pass(error) {
            return Verdict::End;
        }
        let floor = asked.or_else(|| error.refusal()?.retry_after).unwrap_or_default();
        let wait = floor + backoff::wait(self.raised, random);
        if asked.is_none() && !steady {
            self.raised = self.raised.saturating_add(1);
        }
        Verdict::Again(wait)
    }

    /// Failures since the stream last stood.
    pub(crate) const fn attempt(&self) -> u32 {
        self.attempt
    }

    fn with_new_key(&mut self, can_ask_key: bool, now: Instant) -> Verdict {
        let in_a_row =
            self.new_key_asked.is_some_and(|asked| now.saturating_duration_since(asked) < IN_A_ROW);
        if !can_ask_key || in_a_row {
            return Verdict::End;
        }
        self.new_key_asked = Some(now);
        Verdict::AgainWithNewKey
    }
}

fn key_is_refused(error: &Error) -> bool {
    is_unauthenticated(error) || (has_ended_for_good(error) && error.code() != Some(Code::NotFound.as_str()))
}

/// Whether the next try may well succeed (T13). A wrong content type is what a proxy shows while the server starts.
fn may_pass(error: &Error) -> bool {
    match error.status() {
        Some(status) => matches!(status, 408 | 409 | 425 | 429 | 500..=599),
        None => !has_ended_for_good(error),
    }
}

/// Whether the server has said that with this key nothing more will come.
fn has_ended_for_good(error: &Error) -> bool {
    matches!(error, Error::Stream(StreamEnd::Unauthorized { .. }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Refusal;

    const CLOSED: Error = Error::Stream(StreamEnd::Closed);

    fn status(status: u16, retry_after: Option<u64>) -> Error {
        let retry_after = retry_after.map(Duration::from_secs);
        Box::new(Refusal { status, problem: None, retry_after, request_id: None, location: None }).into()
    }

    /// Fails as often as there are `stood`, having stood for so many seconds each time (`None`: not opened), and tells the
    /// upper ends of the waits in milliseconds.
    fn waits(reconnect: &mut Reconnect, stood: &[Option<u64>]) -> Vec<u128> {
        let start = Instant::now();
        stood
            .iter()
            .map(|stood| {
                if stood.is_some() {
                    reconnect.ready(start);
                }
                let now = start + Duration::from_secs(stood.unwrap_or_default());
                match reconnect.failed(&CLOSED, false, now, 1.0) {
                    Verdict::Again(wait) => wait.as_millis(),
                    other => panic!("{other:?}"),
                }
            })
            .collect()
    }

    /// R4, R5
    #[test]
    fn waits_double_while_it_cannot_be_opened() {
        let waits = waits(&mut Reconnect::default(), &[None; 8]);
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    }

    /// R5: a server that accepts and drops is not hammered.
    #[test]
    fn a_drop_right_after_ready_raises_the_wait() {
        assert_eq!(waits(&mut Reconnect::default(), &[Some(0), Some(4), Some(1)]), [500, 1000, 2000]);
    }

    #[test]
    fn a_drop_after_five_seconds_does_not() {
        let mut reconnect = Reconnect::default();
        assert_eq!(
            waits(&mut reconnect, &[None, None, Some(5), Some(59), None]),
            [500, 1000, 2000, 2000, 2000]
        );
    }

    #[test]
    fn a_minute_of_health_forgets_what_was() {
        let mut reconnect = Reconnect::default();
        assert_eq!(waits(&mut reconnect, &[None, None, Some(60), None, None]), [500, 1000, 500, 500, 1000]);
    }

    #[test]
    fn a_server_that_asks_to_reconnect_is_given_its_time_and_raises_nothing() {
        let mut reconnect = Reconnect::default();
        let now = Instant::now();
        for _ in 0..3 {
            reconnect.ready(now);
            reconnect.asked(Duration::from_millis(1500));
            let verdict = reconnect.failed(&Error::Stream(StreamEnd::Reconnect), false, now, 1.0);
            assert_eq!(verdict, Verdict::Again(Duration::from_millis(2000)));
        }
        assert_eq!(waits(&mut reconnect, &[None]), [500], "the time that was asked for is used up");
    }

    /// T13
    #[test]
    fn statuses_are_retried_or_end_the_stream() {
        let now = Instant::now();
        for code in [408, 409, 425, 429, 500, 502, 503, 504, 507, 599] {
            let verdict = Reconnect::default().failed(&status(code, None), true, now, 0.0);
            assert_eq!(verdict, Verdict::Again(Duration::ZERO), "{code}");
        }
        for code in [201, 204, 206, 301, 304, 307, 400, 403, 404, 406, 410, 422, 431, 451] {
            assert_eq!(
                Reconnect::default().failed(&status(code, None), true, now, 0.0),
                Verdict::End,
                "{code}"
            );
        }
    }

    /// T13
    #[test]
    fn retry_after_is_waited_for_and_spread() {
        let wait = |random| Reconnect::default().failed(&status(429, Some(7)), false, Instant::now(), random);
        assert_eq!(wait(0.0), Verdict::Again(Duration::from_secs(7)));
        assert_eq!(wait(1.0), Verdict::Again(Duration::from_millis(7500)));
    }

    /// T13: a 401 asks for the key once more, where it can be asked for; the second one in a row ends the stream.
    #[test]
    fn a_refused_key_is_asked_for_once() {
        let now = Instant::now();
        let expired = Error::Stream(StreamEnd::Unauthorized { code: Some(Code::TokenExpired) });
        let mut reconnect = Reconnect::default();
        assert_eq!(reconnect.failed(&status(401, None), true, now, 0.5), Verdict::AgainWithNewKey);
        assert!(matches!(reconnect.failed(&CLOSED, true, now, 0.5), Verdict::Again(_)));
        assert_eq!(reconnect.failed(&status(401, None), true, now, 0.5), Verdict::End);

        reconnect.ready(now);
        let later = now + STEADY_AFTER;
        assert_eq!(reconnect.failed(&expired, true, later, 0.5), Verdict::AgainWithNewKey);
        reconnect.ready(later);
        assert_eq!(
            reconnect.failed(&expired, true, later, 0.5),
            Verdict::End,
            "no key holds for a moment only"
        );
        for error in [expired, status(401, None)] {
            assert_eq!(
                Reconnect::default().failed(&error, false, now, 0.5),
                Verdict::End,
                "the key is fixed"
            );
        }
    }

    /// T13: a token that was replaced may expire as well, while the server cannot be reached.
    #[test]
    fn a_refused_key_is_asked_for_again_after_an_outage() {
        for (seconds, verdict) in [(59, Verdict::End), (60, Verdict::AgainWithNewKey)] {
            let (mut reconnect, start) = (Reconnect::default(), Instant::now());
            assert_eq!(reconnect.failed(&status(401, None), true, start, 0.5), Verdict::AgainWithNewKey);
            let later = start + Duration::from_secs(seconds);
            assert!(matches!(reconnect.failed(&CLOSED, true, later, 0.5), Verdict::Again(_)));
            assert_eq!(reconnect.failed(&status(401, None), true, later, 0.5), verdict, "after {seconds} s");
        }
    }

    /// A team that is no more is found with no other key.
    #[test]
    fn a_deleted_team_ends_the_stream() {
        let deleted = Error::Stream(StreamEnd::Unauthorized { code: Some(Code::NotFound) });
        assert_eq!(Reconnect::default().failed(&deleted, true, Instant::now(), 0.5), Verdict::End);
        let unsaid = Error::Stream(StreamEnd::Unauthorized { code: None });
        let verdict = Reconnect::default().failed(&unsaid, true, Instant::now(), 0.5);
        assert_eq!(verdict, Verdict::AgainWithNewKey);
    }

    #[test]
    fn health_that_ends_with_a_refused_key_is_health() {
        let mut reconnect = Reconnect::default();
        waits(&mut reconnect, &[None, None, None]);
        let start = Instant::now();
        reconnect.ready(start);
        let verdict = reconnect.failed(&status(401, None), true, start + HEALTHY_AFTER, 1.0);
        assert_eq!(verdict, Verdict::AgainWithNewKey);
        assert_eq!(waits(&mut reconnect, &[None, None]), [500, 1000]);
    }

    #[test]
    fn attempts_are_counted_until_the_stream_stands() {
        let mut reconnect = Reconnect::default();
        waits(&mut reconnect, &[None, None, None]);
        assert_eq!(reconnect.attempt(), 3);
        waits(&mut reconnect, &[Some(0)]);
        assert_eq!(reconnect.attempt(), 1);
    }

    proptest! {
        /// R5, T13: whatever happens, a wait lies between what the server asked for and that plus half a minute, and the
        /// stream is given up only for a status that says so.
        #[test]
        fn waits_are_bounded(history in prop::collection::vec((0u64..100, 0u8..4, 0.0..1.0), 1..40)) {
            let mut reconnect = Reconnect::default();
            let mut now = Instant::now();
            for (seconds, kind, random) in history {
                let (error, floor) = match kind {
                    0 => (status(503, Some(seconds)), seconds),
                    1 => (Error::Timeout(Duration::ZERO), 0),
                    _ => (CLOSED, 0),
                };
                if kind > 1 {
                    reconnect.ready(now);
                    now += Duration::from_secs(seconds);
                }
                let Verdict::Again(wait) = reconnect.failed(&error, false, now, random) else {
                    panic!("gave up on {error}");
                };
                let floor = Duration::from_secs(floor);
                prop_assert!(wait >= floor && wait <= floor + Duration::from_secs(30));
            }
        }
    }
}
