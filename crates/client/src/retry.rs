//! Whether a call that failed is made again, and when. Pure: what failed and the random number are handed in.

use std::time::Duration;

use cstar_wire::Code;

use crate::{Error, Refusal, backoff};

/// How often a call is repeated at most. With the waits between, an error is told after some seconds: the caller may know
/// better what to do than to wait on.
const RETRIES_MAX: u32 = 3;

/// The longest wait that is sat out within a call. An answer that asks for more is given to the caller.
const PATIENCE: Duration = Duration::from_secs(30);

/// What may be repeated without doing a thing twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It reads, carries an idempotency key, or leaves the same however often it is made.
    Freely,
    /// It changes something: only what was certainly not carried out.
    IfNotCarriedOut,
    /// The answer is what the caller wants to see, whatever it is.
    Never,
}

/// How long to wait before a call that has failed `failed` times (from 1), at last with `error`, is made again; `None`
/// gives the error to the caller. `random` is of 0 to 1.
pub(crate) fn wait(repeat: Repeat, failed: u32, error: &Error, random: f64) -> Option<Duration> {
    let harmless = match repeat {
        Repeat::Freely => may_pass(error),
        Repeat::IfNotCarriedOut => was_not_carried_out(error),
        Repeat::Never => false,
    };
    if !harmless || failed > RETRIES_MAX {
        return None;
    }
    let asked = error.refusal().and_then(|refusal| refusal.retry_after).unwrap_or_default();
    (asked <= PATIENCE).then(|| asked + backoff::wait(failed.saturating_sub(1), random))
}

/// Whether the next try may well succeed.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Network(_) | Error::Timeout(_) => true,
        Error::Api(refusal) => {
            // `in_progress` meets the repeat of a publish whose first try is still being written.
            matches!(refusal.status, 408 | 429 | 500..=599) || refusal.code() == Some(Code::InProgress)
        }
        Error::Protocol(_) | Error::Key(_) | Error::Stream(_) => false,
    }
}

fn was_not_carried_out(error: &Error) -> bool {
    match error {
        Error::Network(network) => !network.may_have_reached(),
        Error::Api(refusal) => refused_before_work(refusal),
        _ => false,
    }
}

fn refused_before_work(refusal: &Refusal) -> bool {
    refusal.status == 429 || (refusal.status == 503 && refusal.code() == Some(Code::QueueFull))
}

#[cfg(test)]
mod tests {
    use cstar_wire::Problem;

    use super::*;
    use crate::NetworkError;

    fn refused(status: u16, code: Option<Code>) -> Error {
        let problem = code.map(|code| Problem::new(code, "d", "r"));
        Box::new(Refusal { status, problem, retry_after: None, request_id: None, location: None }).into()
    }

    fn network(sent: bool) -> Error {
        NetworkError { url: "http://h".into(), sent, source: "refused".into() }.into()
    }

    #[track_caller]
    fn check(error: &Error, freely: bool, if_not_carried_out: bool) {
        assert_eq!(wait(Repeat::Freely, 1, error, 0.5).is_some(), freely, "{error}");
        assert_eq!(wait(Repeat::IfNotCarriedOut, 1, error, 0.5).is_some(), if_not_carried_out, "{error}");
        assert_eq!(wait(Repeat::Never, 1, error, 0.5), None, "{error}");
    }

    #[test]
    fn what_changes_something_is_repeated_only_if_it_was_not_carried_out() {
        check(&network(false), true, true);
        check(&network(true), true, false);
        check(&Error::Timeout(Duration::ZERO), true, false);
        check(&refused(408, None), true, false);
        check(&refused(429, Some(Code::RateLimited)), true, true);
        check(&refused(500, None), true, false);
        check(&refused(503, None), true, false);
        check(&refused(503, Some(Code::QueueFull)), true, true);
        check(&refused(503, Some(Code::OutcomeUnknown)), true, false);
        check(&refused(507, Some(Code::StorageFull)), true, false);
        check(&refused(409, Some(Code::InProgress)), true, false);
        for status in [301, 400, 401, 403, 404, 409, 412, 413, 422] {
            check(&refused(status, None), false, false);
        }
        check(&Error::protocol("x"), false, false);
        check(&Error::Key("x".into()), false, false);
    }

    #[test]
    fn it_gives_up_after_three_repeats() {
        let waits_ms: Vec<_> = (1..=4)
            .map(|failed| wait(Repeat::Freely, failed, &network(false), 1.0).map(|wait| wait.as_millis()))
            .collect();
        assert_eq!(waits_ms, [Some(500), Some(1000), Some(2000), None]);
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_callers_patience() {
        let asks = |seconds| {
            let mut refusal =
                Refusal { status: 429, problem: None, retry_after: None, request_id: None, location: None };
            refusal.retry_after = Some(Duration::from_secs(seconds));
            wait(Repeat::Freely, 1, &Box::new(refusal).into(), 0.0)
        };
        assert_eq!(asks(7), Some(Duration::from_secs(7)));
        assert_eq!(asks(30), Some(PATIENCE));
        assert_eq!(asks(31), None);
    }
}
