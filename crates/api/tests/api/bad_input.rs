//! The table of bad input: each has one stated status and code, and changes nothing.

use axum::body::Body;
use cstar_types::json::MAX_DEPTH;
use cstar_types::limits::ENVELOPE_MAX_BYTES;
use cstar_wire::Code;

use crate::world::{TICKET, World, pointers};

/// A ticket with one more member, as bytes.
fn ticket_with(member: &[u8]) -> Vec<u8> {
    let rest = &TICKET.as_bytes()[1..];
    [br#"{"type":"ticket.created","data":{"#, member, b",", rest, b"}"].concat()
}

fn nested(levels: usize) -> Vec<u8> {
    let text = format!(r#""x":{}{}"#, "[".repeat(levels), "]".repeat(levels));
    ticket_with(text.as_bytes())
}

/// A publish body, what it is refused with, and where the fault lies.
fn table() -> Vec<(&'static str, Vec<u8>, Code, &'static str)> {
    let million = "[".repeat(1_000_000);
    let bad_one_of_a_thousand = {
        let good = format!(r#"{{"type":"ticket.created","data":{TICKET}}}"#);
        let mut events = vec![good; 1000];
        events[617] = r#"{"type":"ticket.updated","data":{"id":7}}"#.into();
        format!(r#"{{"events":[{}]}}"#, events.join(","))
    };
    vec![
        ("a million [", million.clone().into_bytes(), Code::InvalidField, "/0/*"),
        (
            "a million [ in data",
            ticket_with(format!(r#""x":{million}"#).as_bytes()),
            Code::InvalidField,
            DEEP,
        ),
        ("nesting past 64", nested(MAX_DEPTH), Code::InvalidField, DEEP),
        ("duplicate keys", ticket_with(br#""a":1,"a":1"#), Code::DuplicateKey, "/data/a"),
        ("duplicate after unescaping", ticket_with(br#""a":1,"\u0061":1"#), Code::DuplicateKey, "/data/a"),
        ("a field twice", br#"{"type":"a.b","type":"a.b","data":{}}"#.into(), Code::DuplicateKey, "/type"),
        (
            "400 digits",
            ticket_with(format!(r#""n":{}"#, "1".repeat(400)).as_bytes()),
            Code::UnrepresentableNumber,
            "/data/n",
        ),
        ("1e999", ticket_with(br#""n":1e999"#), Code::UnrepresentableNumber, "/data/n"),
        ("a lone surrogate", ticket_with(br#""s":"\ud83d""#), Code::InvalidField, "/data/s"),
        ("invalid UTF-8", ticket_with(b"\"s\":\"\xff\""), Code::MalformedJson, "/data/s"),
        ("an overlong NUL", ticket_with(b"\"s\":\"\xc0\x80\""), Code::MalformedJson, "/data/s"),
        ("a raw NUL", ticket_with(b"\"s\":\"\0\""), Code::MalformedJson, "/data/s"),
        ("a byte order mark", b"\xef\xbb\xbf{}".into(), Code::MalformedJson, ""),
        ("two values", b"{}{}".into(), Code::MalformedJson, ""),
        ("NaN", ticket_with(br#""n":NaN"#), Code::MalformedJson, "/data/n"),
        ("single quotes", b"{'type':1}".into(), Code::MalformedJson, ""),
        ("nothing", Vec::new(), Code::MalformedJson, ""),
        (
            "an oversize envelope",
            ticket_with(format!(r#""s":"{}""#, "x".repeat(ENVELOPE_MAX_BYTES)).as_bytes()),
            Code::TooLarge,
            "/data",
        ),
        (
            "one bad of a thousand",
            bad_one_of_a_thousand.into_bytes(),
            Code::SchemaViolation,
            "/events/617/data/id",
        ),
        (
            "a type with NUL",
            br#"{"type":"ticket.created\u0000","data":{}}"#.into(),
            Code::UnknownEventType,
            "/type",
        ),
        (
            "a type without end",
            format!(r#"{{"type":"{}","data":{{}}}}"#, "a".repeat(1_000_000)).into_bytes(),
            Code::UnknownEventType,
            "/type",
        ),
        ("data is a list", br#"{"type":"ticket.created","data":[]}"#.into(), Code::InvalidField, "/data"),
        ("__proto__", ticket_with(br#""__proto__":{}"#), Code::UnsafeKey, "/data/__proto__"),
    ]
}

/// Refused somewhere inside: how deep is the reader's to say.
const DEEP: &str = "/data/x/*";

/// T1, C4: every bad body is refused in the stated way, and nothing is committed.
#[tokio::test]
async fn bad_bodies_are_refused_and_change_nothing() {
    let world = World::new();
    let team = world.team().await;
    let commits = world.commits();
    for (what, body, code, pointer) in table() {
        let ask = world.post(format!("/v1/teams/{team}/events"), "").body(body);
        let problem = ask.await.refused(code);
        let found = pointers(&problem);
        match pointer.strip_suffix('*') {
            Some(prefix) => assert!(found[0].starts_with(prefix), "{what}: {found:?}"),
            None => assert_eq!(found[0], pointer, "{what}: {found:?}"),
        }
    }
    assert_eq!(world.head(team).await, 0);
    assert_eq!(world.commits(), commits, "a refusal writes nothing");
}

/// What looks odd but is JSON is taken, and comes back as `JSON.stringify` would write it.
#[tokio::test]
async fn odd_but_valid_bodies_are_taken() {
    let world = World::new();
    let team = world.team().await;
    for (what, member, canonical) in [
        ("U+2028 raw", "\"s\":\"\u{2028}\"".as_bytes(), "\"s\":\"\u{2028}\""),
        ("U+2028 escaped", br#""s":"\u2028""#, "\"s\":\"\u{2028}\""),
        ("NUL escaped", br#""s":"\u0000""#, r#""s":"\u0000""#),
        ("a surrogate pair", br#""s":"\ud83d\ude00""#, "\"s\":\"😀\""),
        ("a slash escaped", br#""s":"\/""#, r#""s":"/""#),
        ("a small number", br#""n":1e-7"#, r#""n":1e-7"#),
        ("a number as a double has it", br#""n":0.1000000000000000055"#, r#""n":0.1"#),
        ("minus zero", br#""n":-0"#, r#""n":0"#),
    ] {
        let answer =
            world.post(format!("/v1/teams/{team}/events"), "").body(ticket_with(member)).await.expect(201);
        assert!(answer.text().contains(canonical), "{what}: {}", answer.text());
    }
    let deepest = world.post(format!("/v1/teams/{team}/events"), "").body(nested(MAX_DEPTH - 1)).await;
    deepest.expect(201);
}

/// A body that never ends, and one whose length lies.
#[tokio::test]
async fn bodies_that_lie_about_their_length_are_refused() {
    let world = World::new();
    let team = world.team().await;
    let chunk = || Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 65_536]));
    let endless = || Body::from_stream(futures_util::stream::repeat_with(chunk));
    let events = format!("/v1/teams/{team}/events");
    world.post(&*events, "").body(endless()).await.refused(Code::TooLarge);
    world.post(&*events, "").header("content-length", "2").body(endless()).await.refused(Code::TooLarge);
    world.post(&*events, "").header("content-length", "99999999999").await.refused(Code::TooLarge);
    let broken =
        futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
    world.post(&*events, "").body(Body::from_stream(broken)).await.refused(Code::MalformedJson);
}

/// T10, T18: nothing but the four forms is a pattern, wherever patterns are taken; each refusal hints at what would be one.
#[tokio::test]
async fn bad_patterns_are_refused_everywhere() {
    let world = World::new();
    let team = world.team().await;
    let path = |rest: &str| format!("/v1/teams/{team}/{rest}");
    let long = format!("{}.created", "a".repeat(65));
    for pattern in ["**", "a..b", "", "a.*.c", "a", "*.*", "A.b", "a.b ", "a.b*", "é.b", "1a.b", &long] {
        let webhook = serde_json::json!({"url": "https://example.com/", "events": ["a.b", pattern]});
        let problem = world.post(path("webhooks"), webhook).await.refused(Code::InvalidPattern);
        assert_eq!(pointers(&problem), ["/events/1"], "{pattern}");
        let key = serde_json::json!({"name": "k", "scopes": ["events:read"], "types": [pattern]});
        let problem = world.post(path("keys"), key).await.refused(Code::InvalidPattern);
        assert_eq!(pointers(&problem), ["/types/0"], "{pattern}");
        // Blanks around a pattern in a query are dropped.
        let encoded: String = url::form_urlencoded::byte_serialize(pattern.as_bytes()).collect();
        if pattern.trim() == pattern {
            world.get(path(&format!("events?types={encoded}"))).await.refused(Code::InvalidPattern);
            world.get(path(&format!("deliveries?types={encoded}"))).await.refused(Code::InvalidPattern);
        }
    }
}

/// CR and LF cannot be smuggled into a webhook's headers, and no header of ours can be overridden.
#[tokio::test]
async fn static_headers_are_typed() {
    let world = World::new();
    let team = world.team().await;
    for (name, value) in [
        ("x-a", "1\r\nx-cstar-signature: 0"),
        ("x-a", "1\nx: y"),
        ("x-a\r\nx-b", "1"),
        ("host", "inner"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
        ("x-cstar-signature", "0"),
        ("webhook-signature", "v1,x"),
    ] {
        let body =
            serde_json::json!({"url": "https://example.com/", "events": ["*"], "headers": {name: value}});
        let problem =
            world.post(format!("/v1/teams/{team}/webhooks"), body).await.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), [format!("/headers/{name}")]);
        assert!(!problem.to_string().contains("x-cstar-signature: 0"), "values are not repeated");
    }
}
