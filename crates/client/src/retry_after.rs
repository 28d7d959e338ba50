//! The `Retry-After` header: seconds, or a date.

use std::time::Duration;

use cstar_types::Timestamp;
use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::fmt::rfc2822::DateTimeParser;

/// As long as an answer is believed. What asks for more is a mistake, or an outage that is worth a look an hour later.
const MAX: Duration = Duration::from_secs(3600);

/// How long the answer asks to wait.
pub(crate) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds(text).or_else(|| until(text, now)).map(|wait| wait.min(MAX))
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &'static str, expected_ms: Option<u64>) {
        let now = Timestamp::parse("2025-12-10T14:30:00.5Z").unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(read(&headers, now), expected_ms.map(Duration::from_millis), "{value}");
    }

    #[test]
    fn seconds_and_dates_are_read() {
        check("0", Some(0));
        check(" 7 ", Some(7000));
        check("Wed, 10 Dec 2025 14:30:02 GMT", Some(1500));
        check("Wed, 10 Dec 2025 14:29:02 GMT", Some(0));
        assert_eq!(read(&HeaderMap::new(), Timestamp::default()), None);
    }

    #[test]
    fn nonsense_is_no_wait_and_a_year_is_an_hour() {
        for value in ["", "-1", "1.5", "+1", "soon", "1 s"] {
            check(value, None);
        }
        check("31536000", Some(3_600_000));
        check("99999999999999999999999", Some(3_600_000));
        check("Thu, 10 Dec 2026 14:30:00 GMT", Some(3_600_000));
    }
}
