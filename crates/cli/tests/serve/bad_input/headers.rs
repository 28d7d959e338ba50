//! Headers, methods, paths and queries.

use hyper::Method;

use super::{Case, check};

const GOOD: &str = r#"{"type":"customer.created","data":{"id":"1"}}"#;

fn publish(name: &str, status: u16, code: &'static str) -> Case {
    Case::post("events", name, GOOD, status, code)
}

#[tokio::test]
async fn headers_that_are_not_as_they_should_be_are_refused() {
    let batch = format!(r#"{{"events":[{GOOD}]}}"#);
    check(vec![
        publish("text", 415, "unsupported_media_type").with("content-type", "text/plain"),
        publish("a form", 415, "unsupported_media_type")
            .with("content-type", "application/x-www-form-urlencoded"),
        publish("JSON in latin1", 415, "unsupported_media_type")
            .with("content-type", "application/json; charset=latin1"),
        publish("an empty idempotency key", 400, "malformed_header").with("idempotency-key", ""),
        publish("a long idempotency key", 400, "malformed_header").with("idempotency-key", "k".repeat(256)),
        publish("a test that is maybe", 400, "malformed_header").with("x-cstar-test", "maybe"),
        Case::post("events", "an idempotency key with a batch", batch, 400, "malformed_header")
            .with("idempotency-key", "k"),
        Case::get("events", 406, "not_acceptable").with("accept", "text/html"),
        Case::get("realtime", 406, "not_acceptable").with("accept", "image/png"),
    ])
    .await;
}

#[tokio::test]
async fn methods_paths_and_queries_that_are_unknown_are_refused() {
    check(vec![
        Case::get("nothing", 404, "not_found"),
        Case::get("events/evt_00000000000000000000000001/more", 404, "not_found"),
        Case::get("events", 405, "method_not_allowed").method(Method::DELETE),
        Case::get("deliveries", 405, "method_not_allowed").method(Method::POST),
        Case::get("events?limit=0", 400, "bad_query"),
        Case::get("events?limit=201", 400, "bad_query"),
        Case::get("events?limit=ten", 400, "bad_query"),
        Case::get("events?limit=1&limit=2", 400, "bad_query"),
        Case::get("events?order=sideways", 400, "bad_query"),
        Case::get("events?after=nonsense", 400, "bad_query"),
        Case::get("events?since=yesterday", 400, "bad_query"),
        Case::get("events?tpyes=ticket.*", 400, "bad_query"),
        Case::get("deliveries?status=lost", 400, "bad_query"),
        Case::get("deliveries?webhook=evt_1", 400, "bad_query"),
        Case::get("realtime?until=tomorrow", 400, "bad_query"),
    ])
    .await;
}

/// T18, R7: what is no pattern is refused wherever patterns are taken.
#[tokio::test]
async fn what_is_no_pattern_is_refused_everywhere() {
    const WRONG: [&str; 9] =
        ["**", "a..b", "", "a.*.c", "ticket", "Ticket.*", "ticket.*x", ".created", "ticket.created "];
    let mut cases = Vec::new();
    for pattern in WRONG {
        let webhook = format!(r#"{{"url":"http://127.0.0.1:9999/","events":["{pattern}"]}}"#);
        cases.push(Case::post(
            "webhooks",
            &format!("a webhook for {pattern:?}"),
            webhook,
            422,
            "invalid_pattern",
        ));
        let key = format!(r#"{{"name":"k","scopes":["events:read"],"types":["{pattern}"]}}"#);
        cases.push(Case::post("keys", &format!("a key for {pattern:?}"), key, 422, "invalid_pattern"));
        // Around the commas of a query, spaces are nobody's harm.
        for list in ["events", "realtime"].into_iter().filter(|_| !pattern.contains(' ')) {
            cases.push(Case::get(&format!("{list}?types={pattern}"), 422, "invalid_pattern"));
        }
    }
    check(cases).await;
}
