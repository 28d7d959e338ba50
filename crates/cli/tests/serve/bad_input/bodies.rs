//! Bodies of a publish.

use cstar_testkit::Receiver;

use super::{Case, check};
use crate::{cstar, with_team};

/// A publish of this `data`.
fn data(name: &str, data: impl AsRef<[u8]>, status: u16, code: &'static str) -> Case {
    let body = [br#"{"type":"ticket.created","data":"#, data.as_ref(), b"}"].concat();
    Case::post("events", name, body, status, code)
}

/// A publish of a ticket with this member.
fn ticket_with(name: &str, member: impl AsRef<[u8]>, status: u16, code: &'static str) -> Case {
    data(name, [br#"{"id":"1","#, member.as_ref(), b"}"].concat(), status, code)
}

fn body(name: &str, body: impl Into<Vec<u8>>, status: u16, code: &'static str) -> Case {
    Case::post("events", name, body, status, code)
}

/// T1: what has no canonical form that every receiver agrees on is refused, and nothing else of the kind.
#[tokio::test]
async fn data_that_would_not_survive_a_receiver_is_refused() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    check(vec![
        ticket_with("an integer past a double", "\"n\":9007199254740993", 422, "unrepresentable_number"),
        ticket_with("1e999", "\"n\":1e999", 422, "unrepresentable_number"),
        ticket_with("-1e999", "\"n\":-1e999", 422, "unrepresentable_number"),
        ticket_with(
            "a number of 400 digits",
            format!("\"n\":{}", "7".repeat(400)),
            422,
            "unrepresentable_number",
        ),
        ticket_with("a high surrogate alone", r#""s":"\ud800""#, 422, "invalid_field"),
        ticket_with("a low surrogate alone", r#""s":"\udc00x""#, 422, "invalid_field"),
        ticket_with("a lone surrogate in a key", r#""\ud800":1"#, 422, "invalid_field"),
        ticket_with("nesting past 64", format!("\"n\":{}", nested(64)), 422, "invalid_field"),
        ticket_with("a key twice", r#""a":1,"a":2"#, 422, "duplicate_key"),
        ticket_with("a key twice, once escaped", r#""a":1,"\u0061":2"#, 422, "duplicate_key"),
        ticket_with("a key twice, deep down", r#""o":{"a":[{"b":1,"b":1}]}"#, 422, "duplicate_key"),
        ticket_with("__proto__", r#""__proto__":{}"#, 422, "unsafe_key"),
        ticket_with("__proto__, escaped", r#""o":{"\u005f_proto__":1}"#, 422, "unsafe_key"),
        ticket_with("constructor.prototype", r#""constructor":{"prototype":{}}"#, 422, "unsafe_key"),
    ])
    .await;
}

/// T1, T9: what only looks bad is taken, and comes as the same bytes to a webhook and a stream: raw where `JSON.stringify`
/// writes it raw, escaped where it escapes.
#[tokio::test]
async fn characters_that_only_look_bad_are_taken() {
    let (_cstar, team) = with_team(cstar()).await;
    let receiver = Receiver::ok().await;
    team.webhook(&receiver.url("/"), &["*"]).await;
    for (given, kept) in [
        ("\u{2028}\u{2029}", "\u{2028}\u{2029}"),
        (r"\u2028\u2029", "\u{2028}\u{2029}"),
        (r"\ufeff\u007f", "\u{feff}\u{7f}"),
        (r"\ud83d\ude00", "😀"),
        (r"\u0000\u001F\/", r"\u0000\u001f/"),
    ] {
        let event = team
            .publish_raw(format!(r#"{{"type":"customer.created","data":{{"id":"1","s":"{given}"}}}}"#))
            .await;
        assert!(event.envelope.ends_with(&format!(r#""data":{{"id":"1","s":"{kept}"}}}}"#)), "{event:?}");
    }
    let log = team.log().await;
    let received = receiver.until_received(log.len()).await;
    assert!(received.iter().all(|request| log.iter().any(|(_, envelope)| request.body == envelope)));
    assert_eq!(received.len(), log.len());
    let stored = team.events().await;
    assert!(stored.iter().map(|event| event.as_str()).eq(log.iter().map(|(_, envelope)| envelope)));
}

/// What is no JSON is refused as such, however large or deep.
#[tokio::test]
async fn what_is_no_json_is_refused() {
    let malformed = |name: &str, bytes: &[u8]| body(name, bytes, 400, "malformed_json");
    check(vec![
        malformed("nothing", b""),
        malformed("half a body", br#"{"type":"ticket.created","data":{"id":"#),
        malformed("two values", br#"{"type":"ticket.created","data":{"id":"1"}}{}"#),
        malformed("a comma too many", br#"{"type":"ticket.created","data":{"id":"1"},}"#),
        malformed("a byte order mark", b"\xef\xbb\xbf{\"type\":\"ticket.created\",\"data\":{\"id\":\"1\"}}"),
        malformed(
            "UTF-16",
            &"{\"type\":\"ticket.created\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        ),
        malformed("NaN", br#"{"type":"ticket.created","data":{"id":NaN}}"#),
        malformed("a number with a plus", br#"{"type":"ticket.created","data":{"id":+1}}"#),
        malformed("a number with a zero in front", br#"{"type":"ticket.created","data":{"id":01}}"#),
        malformed("single quotes", b"{'type':'ticket.created','data':{}}"),
        malformed("a NUL", b"{\"type\":\"ticket.created\",\"data\":{\"id\":\"\0\"}}"),
        malformed("a line break in a string", b"{\"type\":\"ticket.created\",\"data\":{\"id\":\"\n\"}}"),
        ticket_with("bytes that are not UTF-8", b"\"s\":\"\xff\xfe\"", 400, "malformed_json"),
        ticket_with("an overlong slash", b"\"s\":\"\xc0\xaf\"", 400, "malformed_json"),
        ticket_with("a surrogate in UTF-8", b"\"s\":\"\xed\xa0\x80\"", 400, "malformed_json"),
        ticket_with("an escape that is none", r#""s":"\x41""#, 400, "malformed_json"),
    ])
    .await;
}

/// A million brackets cost no stack, wherever they stand.
#[tokio::test]
async fn a_million_brackets_are_refused() {
    let brackets = "[".repeat(1_000_000);
    let braces = r#"{"a":"#.repeat(200_000);
    check(vec![
        body("as the body", brackets.clone(), 422, "invalid_field"),
        data("as the data", &brackets, 422, "invalid_field"),
        ticket_with("in the data", format!("\"n\":{brackets}"), 422, "invalid_field"),
        ticket_with("objects in the data", format!("\"n\":{braces}"), 422, "invalid_field"),
        body("under an unknown key", format!(r#"{{"more":{brackets}"#), 422, "invalid_field"),
    ])
    .await;
}

/// W35, W6: fields that are missing, unknown, of another kind, or not what the catalog says.
#[tokio::test]
async fn fields_that_are_not_as_they_should_be_are_refused() {
    let event = |text: &str| format!(r#"{{"type":"{text}","data":{{"id":"1"}}}}"#);
    check(vec![
        body("no type", r#"{"data":{"id":"1"}}"#, 422, "invalid_field"),
        body("no data", r#"{"type":"ticket.created"}"#, 422, "invalid_field"),
        body(
            "an unknown field",
            r#"{"type":"ticket.created","data":{"id":"1"},"dta":1}"#,
            422,
            "invalid_field",
        ),
        body(
            "its id given",
            r#"{"id":"evt_1","type":"ticket.created","data":{"id":"1"}}"#,
            422,
            "invalid_field",
        ),
        body("a type that is no string", r#"{"type":7,"data":{"id":"1"}}"#, 422, "invalid_field"),
        body(
            "webhooks that is no boolean",
            r#"{"type":"ticket.created","data":{"id":"1"},"webhooks":1}"#,
            422,
            "invalid_field",
        ),
        body("a body that is no object", "[1]", 422, "invalid_field"),
        body("a body that is null", "null", 422, "invalid_field"),
        data("data that is null", "null", 422, "invalid_field"),
        data("data that is a list", "[]", 422, "invalid_field"),
        data("data that is a text", r#""x""#, 422, "invalid_field"),
        data(
            "a ticket without its title",
            r#"{"id":"1","status":"open","priority":"high"}"#,
            422,
            "schema_violation",
        ),
        data(
            "a ticket whose title is a number",
            r#"{"id":"1","title":1,"status":"open","priority":"high"}"#,
            422,
            "schema_violation",
        ),
        body("a misspelt type", event("ticket.craeted"), 422, "unknown_event_type"),
        body("an empty type", event(""), 422, "unknown_event_type"),
        body("a pattern as type", event("ticket.*"), 422, "unknown_event_type"),
        body("a type in capitals", event("Ticket.Created"), 422, "unknown_event_type"),
        body("a type with a line break", event(r"ticket.created\r\nx: y"), 422, "unknown_event_type"),
        body(
            "type twice",
            r#"{"type":"ticket.created","type":"ticket.closed","data":{"id":"1"}}"#,
            422,
            "duplicate_key",
        ),
        body(
            "data twice",
            r#"{"type":"ticket.created","data":{"id":"1"},"data":{"id":"2"}}"#,
            422,
            "duplicate_key",
        ),
    ])
    .await;
}

/// All or nothing: one bad event refuses its batch. And bodies, batches and envelopes have their bounds.
#[tokio::test]
async fn batches_and_bodies_keep_to_their_bounds() {
    const GOOD: &str = r#"{"type":"customer.created","data":{"id":"1"}}"#;
    let batch = |events: &[&str]| format!(r#"{{"events":[{}]}}"#, events.join(","));
    let one_bad_in_a_thousand = |bad: &str| {
        let mut events = vec![GOOD; 1000];
        events[700] = bad;
        batch(&events)
    };
    let long = |bytes: usize| format!(r#"{{"id":"1","s":"{}"}}"#, "x".repeat(bytes));
    check(vec![
        data("an envelope of more than 64 KiB", long(65_536), 413, "too_large"),
        data("a body of more than 4 MiB", long(4 * 1024 * 1024), 413, "too_large"),
        body("1001 events", batch(&[GOOD; 1001]), 413, "too_large"),
        body("no events", batch(&[]), 422, "invalid_field"),
        body(
            "events and an event",
            format!(r#"{{"events":[{GOOD}],"type":"ticket.created","data":{{"id":"1"}}}}"#),
            422,
            "invalid_field",
        ),
        body(
            "one of a thousand of no type",
            one_bad_in_a_thousand(r#"{"type":"ticket.crated","data":{"id":"1"}}"#),
            422,
            "unknown_event_type",
        ),
        body(
            "one of a thousand without data",
            one_bad_in_a_thousand(r#"{"type":"ticket.created"}"#),
            422,
            "invalid_field",
        ),
        body(
            "one of a thousand with 1e999",
            one_bad_in_a_thousand(r#"{"type":"ticket.created","data":{"id":"1","n":1e999}}"#),
            422,
            "unrepresentable_number",
        ),
        body("one of a thousand that is no JSON", one_bad_in_a_thousand("{"), 400, "malformed_json"),
        body(
            "a key of 256 characters",
            batch(&[&format!(
                r#"{{"type":"ticket.created","data":{{"id":"1"}},"idempotency_key":"{}"}}"#,
                "k".repeat(256)
            )]),
            422,
            "invalid_field",
        ),
        body(
            "one key for two events",
            batch(&[
                r#"{"type":"customer.created","data":{"id":"1"},"idempotency_key":"k"}"#,
                r#"{"type":"customer.created","data":{"id":"2"},"idempotency_key":"k"}"#,
            ]),
            422,
            "idempotency_key_reused",
        ),
    ])
    .await;
}
