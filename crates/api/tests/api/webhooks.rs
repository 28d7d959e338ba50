//! Webhooks.

use std::time::Duration;

use cstar_store::Directory;
use cstar_types::WebhookId;
use cstar_wire::Code;
use serde_json::json;

use crate::world::{World, pointers};

/// W2, W4, W5: a URL is registered with the events that are wanted, and everything else as it is unless said.
#[tokio::test]
async fn a_webhook_is_registered() {
    let world = World::new();
    let team = world.team().await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let body =
        json!({"url": "HTTPS://Example.com:443/a b", "events": ["ticket.*", "*.created", "boss.spawned"]});
    let made = world.post(&*hooks, body).await.expect(201);
    assert_eq!(made.header("etag"), Some("\"1\""));
    let mut made = made.value();
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    let expected = json!({
        "id": made["id"],
        "url": "https://example.com/a%20b",
        "events": ["ticket.*", "*.created", "boss.spawned"],
        "filter": null,
        "description": "",
        "status": "enabled",
        "disabled_reason": null,
        "failing_since": null,
        "ordered": false,
        "rate_limit": null,
        "retry_schedule": null,
        "header_names": [],
        "disable_on_gone": false,
        "secret_overlap_until": null,
        "created_at": "2025-12-10T14:30:00.000Z",
        "updated_at": "2025-12-10T14:30:00.000Z",
    });
    assert_eq!(made, expected);
    let id: WebhookId = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.get(format!("{hooks}/{id}")).await.expect(200).value(), expected);
    let (_, secrets) = world.store.webhook_to_send(id).await.unwrap();
    assert_eq!(secrets.current.reveal(), secret.as_str().unwrap(), "what is shown is what signs");
}

#[tokio::test]
async fn every_option_is_kept_and_can_be_changed() {
    let world = World::new();
    let team = world.team().await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let body = json!({
        "url": "https://example.com/", "events": ["*"], "description": "CRM", "enabled": false,
        "retry_schedule": "10s, 1m", "headers": {"X-Api-Key": "k1"}, "disable_on_gone": true,
        "filter": {"equals": 1.0, "pointer": "/amount"}, "ordered": true, "rate_limit": 10,
    });
    let made = world.post(&*hooks, body).await.expect(201).value();
    assert_eq!((&made["status"], &made["disabled_reason"]), (&json!("disabled"), &json!("by_request")));
    assert_eq!((&made["retry_schedule"], &made["header_names"]), (&json!("10s,1m"), &json!(["x-api-key"])));
    assert_eq!((&made["description"], &made["disable_on_gone"]), (&json!("CRM"), &json!(true)));
    assert_eq!(made["filter"], json!({"pointer": "/amount", "equals": 1}));
    assert_eq!((&made["ordered"], &made["rate_limit"]), (&json!(true), &json!(10)));

    world.wait_s(5);
    let path = format!("{hooks}/{}", made["id"].as_str().unwrap());
    let body = json!({
        "url": "https://two.example.com/", "events": ["ticket.*"], "description": "", "enabled": true,
        "retry_schedule": null, "headers": {}, "disable_on_gone": false, "filter": null,
        "ordered": false, "rate_limit": null,
    });
    let changed = world.patch(&*path, body).await.expect(200);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.value();
    assert_eq!((&changed["status"], &changed["disabled_reason"]), (&json!("enabled"), &json!(null)));
    assert_eq!(
        (&changed["url"], &changed["events"]),
        (&json!("https://two.example.com/"), &json!(["ticket.*"]))
    );
    assert_eq!((&changed["retry_schedule"], &changed["header_names"]), (&json!(null), &json!([])));
    assert_eq!(
        (&changed["filter"], &changed["ordered"], &changed["rate_limit"], &changed["updated_at"]),
        (&json!(null), &json!(false), &json!(null), &json!("2025-12-10T14:30:05.000Z"))
    );

    let one_field = world.patch(&*path, json!({"description": "d"})).await.expect(200).value();
    assert_eq!((&one_field["url"], &one_field["events"]), (&changed["url"], &changed["events"]));
}

#[tokio::test]
async fn a_change_is_made_to_the_version_that_was_seen() {
    let world = World::new();
    let team = world.team().await;
    let path = format!("/v1/teams/{team}/webhooks/{}", world.webhook(team, &["*"]).await);
    let describe = |text: &str| world.patch(&*path, json!({"description": text}));
    describe("a").header("if-match", "\"1\"").await.expect(200);
    describe("b").header("if-match", "\"1\"").await.refused(Code::Changed);
    world.delete(&*path).header("if-match", "\"1\"").await.refused(Code::Changed);
    world.delete(&*path).header("if-match", "\"2\"").await.expect(204);
    world.get(&*path).await.refused(Code::NotFound);
    describe("c").await.refused(Code::NotFound);
}

#[tokio::test]
async fn bad_webhooks_are_refused_by_field() {
    let world = World::new();
    let team = world.team().await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let body = json!({
        "url": 7, "events": ["a..b"], "description": "x".repeat(501), "enabled": "yes", "secret": "s",
        "retry_schedule": "soon", "headers": {"host": "x"}, "disable_on_gone": 1,
        "filter": {"all": [{"pointer": "/a"}, {"pointer": "b", "equals": []}]}, "colour": "red",
        "ordered": "yes", "rate_limit": 0,
    });
    let problem = world.post(&*hooks, body.clone()).await.refused(Code::InvalidField);
    assert_eq!(
        pointers(&problem),
        [
            "/url",
            "/events/0",
            "/filter/all/0",
            "/filter/all/1/pointer",
            "/filter/all/1/equals",
            "/description",
            "/enabled",
            "/secret",
            "/ordered",
            "/rate_limit",
            "/retry_schedule",
            "/headers/host",
            "/disable_on_gone",
            "/colour",
        ]
    );
    let path = format!("{hooks}/{}", world.webhook(team, &["*"]).await);
    let problem = world.patch(&*path, body).await.refused(Code::InvalidField);
    assert!(pointers(&problem).contains(&"/secret"), "a secret is rotated by its own path");
    for null in ["url", "events", "description", "enabled", "headers", "disable_on_gone"] {
        let problem = world.patch(&*path, json!({null: null})).await;
        assert_eq!(problem.status, 422, "{null} cannot be nothing");
    }
    assert_eq!(world.get(&*path).await.header("etag"), Some("\"1\""), "nothing was changed");
}

/// Retention removes nothing that is still to be sent: a schedule that outlasts it would let one dead receiver keep a
/// team's whole log.
#[tokio::test]
async fn retries_end_while_the_event_is_kept() {
    let world = World::with(|options| options.retention = Duration::from_secs(2 * 24 * 3600));
    let team = world.team().await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let body = |waits: &str| json!({"url": "https://example.com/", "events": ["*"], "retry_schedule": waits});
    let made = world.post(&*hooks, body("1d,1d")).await.expect(201).value();
    let path = format!("{hooks}/{}", made["id"].as_str().unwrap());
    for refused in [
        world.post(&*hooks, body("1d,1d,1ms")).await,
        world.patch(&*path, json!({"retry_schedule": "7d"})).await,
    ] {
        let problem = refused.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), ["/retry_schedule"]);
        assert!(problem.detail.contains("2d"), "{problem}");
    }
    assert_eq!(world.get(&*path).await.expect(200).value()["retry_schedule"], "1d,1d");
}
