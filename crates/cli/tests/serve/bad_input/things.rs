//! Keys that are wrong, things of others, webhooks that may not be.

use std::time::{SystemTime, UNIX_EPOCH};

use cstar_testkit::{Team, until};
use cstar_types::Timestamp;
use cstar_wire::CreatedKey;
use serde_json::json;

use super::{Case, check, refused, state};
use crate::{cstar, ticket, with_team};

fn publish(name: &str, status: u16, code: &'static str) -> Case {
    Case::post("events", name, r#"{"type":"customer.created","data":{"id":"1"}}"#, status, code)
}

/// A key that opens nothing any more: its time is over.
async fn expired_key(team: &Team) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let soon = Timestamp::from_millis(i64::try_from(now).expect("before the end of time") + 500);
    let wanted = json!({"name": "brief", "scopes": ["events:write", "events:read"], "expires_at": soon});
    let made: CreatedKey = team.http.post(&team.path("keys"), wanted.to_string()).await.expect(201).read();
    let http = team.http.with_key(made.key.reveal());
    until("the key to expire", async || (http.get(&team.path("events")).await.status == 401).then_some(()))
        .await;
    made.key.reveal().to_owned()
}

/// SEC-2: no key, a wrong one, a revoked one, an expired one, one without the scope, one for other types.
#[tokio::test]
async fn keys_that_may_not_are_refused() {
    let (_cstar, team) = with_team(cstar()).await;
    team.publish("ticket.created", &ticket("before")).await;
    let reader = team.key(&["events:read"], &["*"]).await;
    let narrow = team.key(&["events:write", "webhooks:write"], &["player.*"]).await;
    let revoked = team.key(&["events:write"], &["*"]).await;
    let expired = expired_key(&team).await;
    let path = team.path(&format!("keys/{}", revoked.seen.id));
    let _ = team.http.call(hyper::Method::DELETE, &path, "").await.expect(204);

    let mut misspelt = reader.key.reveal().to_owned();
    let last = misspelt.pop();
    misspelt.push(if last == Some('0') { '1' } else { '0' });
    for (key, name, code) in [
        ("", "no key", "unauthenticated"),
        ("nonsense", "a key that is none", "unauthenticated"),
        (misspelt.as_str(), "a key with one character changed", "unauthenticated"),
        (revoked.key.reveal(), "a revoked key", "key_revoked"),
        (expired.as_str(), "an expired key", "token_expired"),
    ] {
        refused(&team.http.with_key(key), &team, &[publish(name, 401, code)]).await;
    }
    let http = team.http.with_key(reader.key.reveal());
    refused(&http, &team, &[publish("a key that only reads", 403, "missing_scope")]).await;
    let wide = r#"{"url":"http://127.0.0.1:9999/","events":["*"]}"#;
    let cases = [
        publish("a type that the key does not see", 403, "outside_patterns"),
        Case::post("webhooks", "a webhook wider than the key", wide, 403, "outside_patterns"),
    ];
    refused(&team.http.with_key(narrow.key.reveal()), &team, &cases).await;
}

/// T24, SEC-2: another team's path is closed, whether that team exists or not; its things under one's own path do not
/// exist.
#[tokio::test]
async fn what_belongs_to_another_team_is_closed() {
    let (cstar, mine) = with_team(cstar()).await;
    let theirs = Team::create(&cstar.http()).await;
    let event = theirs.publish("ticket.created", &ticket("theirs")).await;
    let webhook = theirs.webhook("http://127.0.0.1:9999/", &["customer.*"]).await.seen.id;
    let key = mine
        .key(
            &[
                "events:read",
                "events:write",
                "webhooks:read",
                "webhooks:write",
                "deliveries:read",
                "keys:write",
            ],
            &["*"],
        )
        .await;
    let http = mine.http.with_key(key.key.reveal());

    refused(
        &http,
        &theirs,
        &[publish("their log", 403, "wrong_team"), Case::get("events", 403, "wrong_team")],
    )
    .await;
    let before = state(&theirs).await;
    let cases = [
        Case::get(&format!("events/{}", event.id), 404, "not_found"),
        Case::get(&format!("webhooks/{webhook}"), 404, "not_found"),
        Case::get(&format!("webhooks/{webhook}"), 404, "not_found").method(hyper::Method::DELETE),
        Case::get("webhooks/wh_00000000000000000000000000", 404, "not_found"),
        Case::get("events/evt_00000000000000000000000000", 404, "not_found"),
        Case::get("events/1", 404, "not_found"),
    ];
    refused(&http, &mine, &cases).await;
    assert_eq!(state(&theirs).await, before);
    let nobody = "/v1/teams/00000000-0000-4000-8000-00000000dead/events";
    let answer = http.get(nobody).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "wrong_team"), "as one that exists");
}

/// SEC-1: webhooks whose URL is refused whatever the operator allows, and fields that could forge a header.
#[tokio::test]
async fn webhooks_that_may_not_be_are_refused() {
    let webhook = |url: &str, code| {
        Case::post("webhooks", url, format!(r#"{{"url":"{url}","events":["*"]}}"#), 422, code)
    };
    let header = |name: &str, value: &str| {
        let body =
            format!(r#"{{"url":"http://127.0.0.1:9999/","events":["*"],"headers":{{"{name}":"{value}"}}}}"#);
        Case::post("webhooks", &format!("the header {name:?}: {value:?}"), body, 422, "invalid_field")
    };
    check(vec![
        webhook("http://10.0.0.1/", "blocked_target"),
        webhook("http://169.254.169.254/latest/meta-data", "blocked_target"),
        webhook("http://[::ffff:10.0.0.1]/", "blocked_target"),
        webhook("http://0x0a000001/", "blocked_target"),
        webhook("http://user:password@127.0.0.1:9999/", "blocked_target"),
        webhook("http://127.0.0.1:22/", "blocked_target"),
        webhook("ftp://127.0.0.1/", "blocked_target"),
        webhook("file:///etc/passwd", "blocked_target"),
        webhook("not a url", "blocked_target"),
        header("x-forged", r"a\r\nx-cstar-signature: 0"),
        header("x-nul", r"\u0000"),
        header("bad name", "v"),
        header("x-cstar-signature", "0"),
        header("host", "elsewhere"),
        header("content-length", "1"),
        header("transfer-encoding", "chunked"),
        Case::post(
            "webhooks",
            "no events",
            r#"{"url":"http://127.0.0.1:9999/","events":[]}"#,
            422,
            "invalid_field",
        ),
        Case::post("webhooks", "no URL", r#"{"events":["*"]}"#, 422, "invalid_field"),
        Case::post(
            "webhooks",
            "a secret that is none",
            r#"{"url":"http://127.0.0.1:9999/","events":["*"],"secret":"hunter2"}"#,
            422,
            "invalid_field",
        ),
        Case::post(
            "webhooks",
            "a schedule that is none",
            r#"{"url":"http://127.0.0.1:9999/","events":["*"],"retry_schedule":"soon"}"#,
            422,
            "invalid_field",
        ),
    ])
    .await;
}

/// A hundred publishes with one idempotency key at once make one event.
#[tokio::test]
async fn an_idempotency_key_raced_a_hundred_times_makes_one_event() {
    let (_cstar, team) = with_team(cstar()).await;
    let publish = || async {
        let body = r#"{"type":"customer.created","data":{"id":"1"}}"#;
        let headers = [("content-type", "application/json"), ("idempotency-key", "raced")];
        team.http.send(hyper::Method::POST, &team.path("events"), &headers, body).await.expect("an answer")
    };
    let answers = futures_util::future::join_all((0..100).map(|_| publish())).await;
    let first = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(first, 1, "one of them made it");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        match answer.status {
            200 => assert_eq!(answer.header("idempotency-replayed"), "true"),
            _ => assert_eq!((answer.status, answer.code().as_str()), (409, "in_progress"), "{answer}"),
        }
    }
    assert_eq!(team.head().await, 1);
}
