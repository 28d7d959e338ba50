//! How the value of a field is read.

use std::ops::RangeInclusive;
use std::time::Duration;

use cstar_delivery::{StaticHeaderError, check_static_headers};
use cstar_signature::Secret;
use cstar_types::limits::{PATTERNS_MAX, RATE_LIMIT_MAX, STATIC_HEADERS_MAX};
use cstar_types::{
    DeliveryStatus, EventId, Filter, FilterFault, Pattern, Patterns, RetrySchedule, Scope, Scopes, TeamId,
    Timestamp, WebhookId, format_duration,
};
use cstar_wire::Code;
use serde_json::Value;

use super::{Fault, Taken, escape};

fn invalid<T>(detail: impl Into<String>) -> Taken<T> {
    Err(vec![Fault::invalid(detail)])
}

fn string(value: &Value) -> Taken<&str> {
    value.as_str().map_or_else(|| invalid("write a string"), Ok)
}

/// A value that `read` understands.
fn parsed<T, E: std::fmt::Display>(value: &Value, read: impl FnOnce(&str) -> Result<T, E>) -> Taken<T> {
    read(string(value)?).or_else(|error| invalid(error.to_string()))
}

/// Text for people, of so many characters, none of them a control character.
pub(crate) fn text(chars: RangeInclusive<usize>) -> impl FnOnce(&Value) -> Taken<String> {
    move |value| {
        let text = string(value)?;
        if !chars.contains(&text.chars().count()) {
            return invalid(format!("write {} to {} characters", chars.start(), chars.end()));
        }
        if text.contains(char::is_control) {
            return invalid("leave out control characters");
        }
        Ok(text.to_owned())
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Value) -> Taken<bool> {
    value.as_bool().map_or_else(|| invalid("write true or false"), Ok)
}

/// A whole number within these bounds.
pub(crate) fn whole_number(range: RangeInclusive<u64>) -> impl FnOnce(&Value) -> Taken<u64> {
    move |value| match value.as_u64().filter(|number| range.contains(number)) {
        Some(number) => Ok(number),
        None => invalid(format!("write a whole number from {} to {}", range.start(), range.end())),
    }
}

/// Attempts a second; `null` is no limit.
pub(crate) fn rate_limit(value: &Value) -> Taken<Option<u32>> {
    if value.is_null() {
        return Ok(None);
    }
    let limit = whole_number(1..=RATE_LIMIT_MAX.into())(value)?;
    Ok(u32::try_from(limit).ok())
}

/// An RFC 3339 instant.
pub(crate) fn instant(value: &Value) -> Taken<Timestamp> {
    parsed(value, Timestamp::parse)
}

/// A team's UUID.
pub(crate) fn team_id(value: &Value) -> Taken<TeamId> {
    parsed(value, |text| text.parse().map_err(|_| "write a UUID with hyphens"))
}

/// A webhook's id.
pub(crate) fn webhook_id(value: &Value) -> Taken<WebhookId> {
    parsed(value, str::parse)
}

/// An event's id.
pub(crate) fn event_id(value: &Value) -> Taken<EventId> {
    parsed(value, str::parse)
}

/// A status that is an end.
pub(crate) fn ended_status(value: &Value) -> Taken<DeliveryStatus> {
    match parsed(value, str::parse::<DeliveryStatus>)? {
        status if status.has_ended() => Ok(status),
        _ => invalid("only what has ended is resent: write delivered, failed or cancelled"),
    }
}

/// A retry schedule; `null` is the server's.
///
/// Its waits add up to no more than `kept`, for which events are kept: retention removes nothing that is still to be
/// sent, so one dead receiver with a longer schedule would hold back the removal of its whole team's log.
pub(crate) fn schedule(kept: Duration) -> impl FnOnce(&Value) -> Taken<Option<RetrySchedule>> {
    move |value| {
        if value.is_null() {
            return Ok(None);
        }
        let schedule: RetrySchedule = parsed(value, str::parse)?;
        if schedule.waits().iter().sum::<Duration>() > kept {
            return invalid(format!(
                "these waits add up to more than the {} for which events are kept; shorten them, or give fewer",
                format_duration(kept)
            ));
        }
        Ok(Some(schedule))
    }
}

/// A secret that was made elsewhere. Faults never repeat it (SEC-3).
pub(crate) fn webhook_secret(value: &Value) -> Taken<Secret> {
    parsed(value, Secret::parse)
}

/// Patterns of event types, at least one (T18).
pub(crate) fn patterns(value: &Value) -> Taken<Patterns> {
    list(value, 1..=PATTERNS_MAX, Code::InvalidPattern, |text| text.parse::<Pattern>())
}

/// A webhook's filter; `null` is none.
pub(crate) fn filter(value: &Value) -> Taken<Option<Filter>> {
    if value.is_null() {
        return Ok(None);
    }
    Filter::from_canonical(value).map(Some).map_err(|error| {
        let fault = |fault: &FilterFault| Fault {
            within: fault.pointer.clone(),
            ..Fault::invalid(fault.problem.to_string())
        };
        error.faults().iter().map(fault).collect()
    })
}

/// Scopes, at least one.
pub(crate) fn scopes(value: &Value) -> Taken<Scopes> {
    list(value, 1..=Scope::ALL.len(), Code::InvalidField, |text| text.parse::<Scope>())
}

/// A list of texts, each of which `read` understands; `code` is for those that it does not.
fn list<T, L: FromIterator<T>, E: std::fmt::Display>(
    value: &Value,
    len: RangeInclusive<usize>,
    code: Code,
    read: impl Fn(&str) -> Result<T, E>,
) -> Taken<L> {
    let Some(list) = value.as_array() else { return invalid("write a list of strings") };
    if !len.contains(&list.len()) {
        return invalid(format!("write {} to {} of them", len.start(), len.end()));
    }
    let mut faults = Vec::new();
    let read_at = |(place, value): (usize, &Value)| {
        let read = string(value).and_then(|text| {
            read(text).map_err(|error| vec![Fault { code, ..Fault::invalid(error.to_string()) }])
        });
        read.map_err(|found| faults.extend(within(found, &place.to_string()))).ok()
    };
    let taken = list.iter().enumerate().filter_map(read_at).collect();
    if faults.is_empty() { Ok(taken) } else { Err(faults) }
}

/// The same faults, seen from the value around theirs.
fn within(faults: Vec<Fault>, step: &str) -> impl Iterator<Item = Fault> {
    faults.into_iter().map(move |fault| Fault { within: format!("/{step}{}", fault.within), ..fault })
}

/// Static headers of a webhook, by name. Faults never repeat a value: it may be a credential (SEC-3).
pub(crate) fn header_map(value: &Value) -> Taken<Vec<(String, String)>> {
    let Some(members) = value.as_object() else { return invalid("write an object, value by name") };
    if members.len() > STATIC_HEADERS_MAX {
        return invalid(format!("at most {STATIC_HEADERS_MAX} headers are allowed"));
    }
    let (mut headers, mut faults) = (Vec::with_capacity(members.len()), Vec::new());
    for (name, value) in members {
        match header(name, value) {
            Ok(header) if has(&headers, &header.0) => {
                faults.extend(within(vec![Fault::invalid("this header stands twice")], &escape(name)));
            }
            Ok(header) => headers.push(header),
            Err(found) => faults.extend(within(found, &escape(name))),
        }
    }
    match check_static_headers(&headers) {
        Err(error) if faults.is_empty() => invalid(error.to_string()),
        _ if faults.is_empty() => Ok(headers),
        _ => Err(faults),
    }
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known == name)
}

/// One header, held alone against the sender's rule, so that each that breaks it is named.
fn header(name: &str, value: &Value) -> Taken<(String, String)> {
    let header = (name.to_ascii_lowercase(), string(value)?.to_owned());
    match check_static_headers(std::slice::from_ref(&header)) {
        Ok(_) | Err(StaticHeaderError::TooMany | StaticHeaderError::TooLarge) => Ok(header),
        Err(StaticHeaderError::BadName { .. }) => invalid("this is no header name"),
        Err(StaticHeaderError::Reserved { .. }) => {
            invalid("this header is set by the server, or belongs to the connection")
        }
        Err(StaticHeaderError::BadValue { .. }) => {
            invalid("write visible characters, spaces and tabs, without line breaks")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers<T>(taken: Taken<T>) -> Vec<String> {
        taken.err().unwrap().into_iter().map(|fault| fault.within).collect()
    }

    /// T18: each pattern that is none is named.
    #[test]
    fn bad_patterns_are_named_by_their_place() {
        assert_eq!(patterns(&json!(["ticket.*", "*.created", "*", "a.b"])).ok().unwrap().as_slice().len(), 4);
        assert_eq!(
            pointers(patterns(&json!(["a.b", "**", "a..b", 7, "", "a.*.c"]))),
            ["/1", "/2", "/3", "/4", "/5"]
        );
        assert_eq!(pointers(patterns(&json!([]))), [""]);
        assert_eq!(pointers(patterns(&json!(vec!["a.b"; PATTERNS_MAX + 1]))), [""]);
    }

    #[test]
    fn bad_conditions_are_named_by_their_place() {
        assert!(matches!(filter(&json!(null)), Ok(None)));
        assert!(matches!(filter(&json!({"pointer": "/a", "equals": 1})), Ok(Some(_))));
        let bad = json!({"all": [{"pointer": "a", "equals": 1}, {"not": {"pointer": "/b"}}]});
        assert_eq!(pointers(filter(&bad)), ["/all/0/pointer", "/all/1/not"]);
    }

    #[test]
    fn headers_of_others_are_refused() {
        let good = header_map(&json!({"X-Api-Key": "k", "authorization": "Bearer a b"})).ok().unwrap();
        assert!(good.contains(&("x-api-key".into(), "k".into())), "{good:?}");
        for name in [
            "Host",
            "Content-Type",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "X-CStar-Signature",
            "x-cstar-anything",
            "webhook-id",
            "User-Agent",
            "te",
            "bad name",
            "",
            "bad:name",
            "é",
        ] {
            assert_eq!(pointers(header_map(&json!({name: "v"}))), [format!("/{name}")], "{name}");
        }
        for value in
            [json!("a\r\nx-evil: 1"), json!("a\nb"), json!("\u{0}"), json!("\u{7f}"), json!(7), json!(null)]
        {
            assert_eq!(pointers(header_map(&json!({"x-a": value}))), ["/x-a"], "{value}");
        }
        assert_eq!(pointers(header_map(&json!({"x-a": "1", "X-A": "2"}))).len(), 1);
        assert_eq!(pointers(header_map(&json!({"x-a": "v".repeat(10_000)}))), [""]);
        let many: serde_json::Map<_, _> =
            (0..=STATIC_HEADERS_MAX).map(|n| (format!("x-{n}"), json!("v"))).collect();
        assert_eq!(pointers(header_map(&many.into())), [""]);
    }

    #[test]
    fn text_is_counted_in_characters() {
        assert!(text(1..=2)(&json!("éé")).is_ok());
        for wrong in [json!(""), json!("ééé"), json!("a\u{7}"), json!(1)] {
            assert!(text(1..=2)(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_whole_and_within_their_bounds() {
        for (value, taken) in [
            (json!(0), true),
            (json!(7), true),
            (json!(8), false),
            (json!(-1), false),
            (json!(1.5), false),
            (json!("1"), false),
            (json!(true), false),
        ] {
            assert_eq!(whole_number(0..=7)(&value).is_ok(), taken, "{value}");
        }
    }

    #[test]
    fn schedules_and_instants_are_read() {
        let schedule = |value| schedule(Duration::from_secs(360))(&value);
        assert!(matches!(schedule(Value::Null), Ok(None)));
        assert!(matches!(schedule(json!("1m,5m")), Ok(Some(_))), "as long as events are kept, and no longer");
        assert!(schedule(json!("1m,5m,1ms")).is_err());
        assert!(schedule(json!("soon")).is_err() && schedule(json!(["1m"])).is_err());
        assert!(instant(&json!("2025-12-10T14:30:00Z")).is_ok() && instant(&json!("now")).is_err());
    }
}
