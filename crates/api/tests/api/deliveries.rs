//! The webhook logs.

use cstar_store::{AttemptReport, Deliveries, Verdict};
use cstar_types::{Attempt, AttemptRequest, DeliveryId, FailureRule, Outcome, TeamId};
use cstar_wire::Code;
use http::Method;
use serde_json::json;

use crate::world::{TICKET, World, ids};

/// A failed attempt at a delivery, after which nothing follows.
pub(crate) async fn fail(world: &World, team: TeamId, delivery: &str) {
    let id: DeliveryId = delivery.parse().unwrap();
    let (row, attempts) = world.store.delivery(team, id).await.unwrap();
    let attempt = Attempt {
        number: attempts.len() as u32 + 1,
        started_at: world.now(),
        duration_ms: 12,
        outcome: Outcome::HttpStatus,
        status_code: Some(503),
        detail: "your endpoint answered 503".into(),
        response_headers: vec![("retry-after".into(), "5".into())],
        response_body: "busy".into(),
        request: AttemptRequest {
            url: "https://example.com/hook".into(),
            address: Some("93.184.215.14:443".into()),
            signature: Some("0".repeat(64)),
        },
    };
    let report = AttemptReport {
        delivery: id,
        webhook: row.webhook,
        failed_before: 0,
        attempt,
        verdict: Verdict::Failed,
    };
    world.store.record([report].into(), FailureRule::NEVER).await.unwrap();
}

/// W53, W54: a delivery that failed is visible, with every attempt.
#[tokio::test]
async fn a_failed_delivery_is_visible() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["*"]).await;
    let event = world.publish(team, "ticket.created", TICKET).await;
    let list = format!("/v1/teams/{team}/deliveries");
    let id = ids(&world.get(&*list).await.expect(200)).remove(0);
    fail(&world, team, &id).await;
    let summary = json!({
        "number": 1, "started_at": "2025-12-10T14:30:00.000Z", "duration_ms": 12, "outcome": "http_status",
        "status_code": 503, "detail": "your endpoint answered 503",
    });
    let mut row = json!({
        "id": id, "webhook_id": hook, "event_id": event, "event_type": "ticket.created", "status": "failed",
        "cancel_reason": null, "attempts": 1, "created_at": "2025-12-10T14:30:00.000Z", "next_attempt_at": null, "last_attempt": summary,
    });
    assert_eq!(world.get(&*list).await.value()["data"], json!([row]));
    let mut attempt = summary;
    attempt["response_headers"] = json!([{"name": "retry-after", "value": "5"}]);
    attempt["response_body"] = json!("busy");
    attempt["request"] = json!({"url": "https://example.com/hook", "address": "93.184.215.14:443", "signature": "0".repeat(64)});
    row["attempts"] = json!([attempt]);
    assert_eq!(world.get(format!("{list}/{id}")).await.expect(200).value(), row);
}

/// DLV-2, W54: a cancelled delivery says in the logs what became of its webhook.
#[tokio::test]
async fn a_cancelled_delivery_says_why() {
    let world = World::new();
    let team = world.team().await;
    let (disabled, deleted) = (world.webhook(team, &["*"]).await, world.webhook(team, &["*"]).await);
    world.publish(team, "ticket.created", TICKET).await;
    let webhooks = format!("/v1/teams/{team}/webhooks");
    world.patch(format!("{webhooks}/{disabled}"), json!({"enabled": false})).await.expect(200);
    world.delete(format!("{webhooks}/{deleted}")).await.expect(204);
    for (webhook, reason) in [(disabled, "webhook_disabled"), (deleted, "webhook_deleted")] {
        let found =
            world.get(format!("/v1/teams/{team}/deliveries?webhook={webhook}")).await.expect(200).value();
        let row = &found["data"][0];
        assert_eq!((&row["status"], &row["cancel_reason"]), (&json!("cancelled"), &json!(reason)));
    }
}

/// SEC-2: where a webhook points, which can hold a secret, is told to those who may read the webhook.
#[tokio::test]
async fn the_logs_do_not_tell_where_a_hidden_webhook_points() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["*"]).await;
    world.publish(team, "ticket.created", TICKET).await;
    let list = format!("/v1/teams/{team}/deliveries");
    let id = ids(&world.get(&*list).await.expect(200)).remove(0);
    fail(&world, team, &id).await;
    let full = world.key(team, &["deliveries:read", "webhooks:read"], &["*"]).await;
    let no_scope = world.key(team, &["deliveries:read"], &["*"]).await;
    let few_types = world.key(team, &["deliveries:read", "webhooks:read"], &["ticket.*"]).await;
    let shown = async |key: &str| {
        let attempt = world.get(format!("{list}/{id}")).key(key).await.expect(200).value()["attempts"].take();
        assert_eq!(attempt[0]["detail"], "your endpoint answered 503");
        !attempt[0]["request"].is_null()
    };
    assert!(shown(&full).await && !shown(&no_scope).await && !shown(&few_types).await);
    world.delete(format!("/v1/teams/{team}/webhooks/{hook}")).await.expect(204);
    assert!(shown(&full).await && !shown(&no_scope).await && !shown(&few_types).await);
}

#[tokio::test]
async fn the_logs_are_filtered() {
    let world = World::new();
    let team = world.team().await;
    let (first, second) = (world.webhook(team, &["ticket.*"]).await, world.webhook(team, &["*"]).await);
    let ticket = world.publish(team, "ticket.created", TICKET).await;
    world.wait_s(60);
    let boss = world.publish(team, "boss.spawned", r#"{"id":"1"}"#).await;
    let list = |query: &str| world.get(format!("/v1/teams/{team}/deliveries?{query}"));
    let all = ids(&list("").await.expect(200));
    assert_eq!(all.len(), 3);
    fail(&world, team, &all[0]).await;
    let count = async |query: &str| ids(&list(query).await.expect(200)).len();
    assert_eq!(count(&format!("webhook={first}")).await, 1);
    assert_eq!(count(&format!("webhook={second}")).await, 2);
    assert_eq!(count(&format!("event={ticket}")).await, 2);
    assert_eq!(count(&format!("event={boss}&webhook={first}")).await, 0);
    assert_eq!(count("status=failed").await, 1);
    assert_eq!(count("status=pending").await, 2);
    assert_eq!(count("types=boss.*").await, 1);
    assert_eq!(count("since=2025-12-10T14:31:00Z").await, 1);
    assert_eq!(count("until=2025-12-10T14:31:00Z").await, 2);
    for query in ["status=lost", "webhook=x", "event=x", "since=x", "color=red"] {
        list(query).await.refused(Code::BadQuery);
    }
}

/// T8: a resend reopens the same delivery; while it waits there is nothing to resend.
#[tokio::test]
async fn an_ended_delivery_is_reopened() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["*"]).await;
    world.publish(team, "ticket.created", TICKET).await;
    let list = format!("/v1/teams/{team}/deliveries");
    let id = ids(&world.get(&*list).await.expect(200)).remove(0);
    let resend = || world.ask(Method::POST, format!("{list}/{id}/resend"));
    resend().await.refused(Code::Conflict);
    fail(&world, team, &id).await;
    world.wait_s(10);
    let reopened = resend().await.expect(200).value();
    assert_eq!((&reopened["id"], &reopened["status"]), (&json!(id), &json!("pending")));
    assert_eq!(
        (&reopened["attempts"], &reopened["next_attempt_at"]),
        (&json!(1), &json!("2025-12-10T14:30:10.000Z"))
    );
    fail(&world, team, &id).await;
    world.patch(format!("/v1/teams/{team}/webhooks/{hook}"), json!({"enabled": false})).await.expect(200);
    resend().await.refused(Code::Conflict);
    world.delete(format!("/v1/teams/{team}/webhooks/{hook}")).await.expect(204);
    resend().await.refused(Code::NotFound);
    world.get(format!("{list}/{id}")).await.expect(200);
}

/// DLV-1, T8: an event goes to a webhook that did not want it; to one that got it, under the same delivery as before.
#[tokio::test]
async fn an_event_is_resent_to_one_webhook() {
    let world = World::new();
    let team = world.team().await;
    let (wanting, other) = (world.webhook(team, &["*"]).await, world.webhook(team, &["boss.*"]).await);
    let event = world.publish(team, "ticket.created", TICKET).await;
    let list = format!("/v1/teams/{team}/deliveries");
    let first = ids(&world.get(&*list).await.expect(200)).remove(0);
    let resend =
        |body: serde_json::Value| world.post(format!("/v1/teams/{team}/events/{event}/resend"), body);
    world.wait_s(10);
    let made = resend(json!({"webhook": other})).await.expect(200).value();
    assert_eq!((&made["webhook_id"], &made["event_id"]), (&json!(other), &json!(event)));
    assert_eq!(
        (&made["status"], &made["attempts"], &made["next_attempt_at"]),
        (&json!("pending"), &json!(0), &json!("2025-12-10T14:30:10.000Z"))
    );
    resend(json!({"webhook": wanting})).await.refused(Code::Conflict);
    fail(&world, team, &first).await;
    assert_eq!(resend(json!({"webhook": wanting})).await.expect(200).value()["id"], json!(first));
    assert_eq!(ids(&world.get(&*list).await).len(), 2);

    for wrong in [json!({}), json!({"webhook": 7}), json!({"webhook": other, "force": true})] {
        resend(wrong).await.refused(Code::InvalidField);
    }
    resend(json!({"webhook": "wh_00000000000000000000000001"})).await.refused(Code::NotFound);
    world.patch(format!("/v1/teams/{team}/webhooks/{other}"), json!({"enabled": false})).await.expect(200);
    resend(json!({"webhook": other})).await.refused(Code::Conflict);
}

/// SEC-2: a key resends events that it sees to webhooks that get no more than that; others are as unknown as none.
#[tokio::test]
async fn an_event_is_resent_within_the_keys_patterns() {
    let world = World::new();
    let team = world.team().await;
    let (own, wide) = (world.webhook(team, &["ticket.*"]).await, world.webhook(team, &["*"]).await);
    let ticket = world.publish(team, "ticket.created", TICKET).await;
    let boss = world.publish(team, "boss.spawned", r#"{"id":"1"}"#).await;
    let key = world.key(team, &["deliveries:write"], &["ticket.*"]).await;
    let resend = async |event: &str, webhook: &str| {
        let path = format!("/v1/teams/{team}/events/{event}/resend");
        world.post(path, json!({"webhook": webhook})).key(&key).await
    };
    resend(&boss, &own).await.refused(Code::NotFound);
    resend(&ticket, &wide).await.refused(Code::NotFound);
    resend(&ticket, &own).await.refused(Code::Conflict);
    assert_eq!(ids(&world.get(format!("/v1/teams/{team}/deliveries")).await).len(), 3, "nothing was made");
}

/// A webhook's deliveries are counted by the hour in which they were made, as they stand now.
#[tokio::test]
async fn a_webhook_is_told_how_it_has_been_doing() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["ticket.*"]).await;
    let stats = format!("/v1/teams/{team}/webhooks/{hook}/stats");
    world.publish(team, "ticket.created", TICKET).await;
    let id = ids(&world.get(format!("/v1/teams/{team}/deliveries")).await.expect(200)).remove(0);
    fail(&world, team, &id).await;
    world.wait_s(3600);
    world.publish(team, "ticket.created", TICKET).await;

    let told = world.get(&*stats).await.expect(200).value();
    assert_eq!((&told["complete"], &told["since"]), (&json!(true), &json!("2025-12-09T16:00:00.000Z")));
    let failed = json!({"at": "2025-12-10T14:00:00.000Z", "pending": 0, "retrying": 0, "delivered": 0, "failed": 1, "cancelled": 0, "p50_ms": 12, "p95_ms": 12});
    let waiting = json!({"at": "2025-12-10T15:00:00.000Z", "pending": 1, "retrying": 0, "delivered": 0, "failed": 0, "cancelled": 0, "p50_ms": null, "p95_ms": null});
    assert_eq!(told["hours"].as_array().unwrap()[22..], [failed, waiting]);
    assert_eq!((&told["total"]["failed"], &told["total"]["pending"]), (&json!(1), &json!(1)));

    let narrow = world.key(team, &["deliveries:read"], &["boss.*"]).await;
    world.get(&*stats).key(&narrow).await.refused(Code::NotFound);
    world.wait_s(24 * 3600);
    let told = world.get(&*stats).await.expect(200).value();
    assert_eq!(told["total"]["failed"], 0, "a day later nothing of it is counted");
}

/// A webhook is counted anew after ten seconds, and at once for a key that sees less.
#[tokio::test]
async fn what_was_counted_serves_for_a_moment_and_for_the_same_eyes() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["ticket.*"]).await;
    let narrow = world.key(team, &["deliveries:read"], &["ticket.*"]).await;
    let stats = format!("/v1/teams/{team}/webhooks/{hook}/stats");
    let pending = async || world.get(&*stats).await.expect(200).value()["total"]["pending"].clone();
    assert_eq!(pending().await, 0);
    world.publish(team, "ticket.created", TICKET).await;
    assert_eq!(pending().await, 0, "as it was a moment ago");
    assert_eq!(world.get(&*stats).key(&narrow).await.expect(200).value()["total"]["pending"], 1);
    assert_eq!(pending().await, 1, "what others were told is not kept for this key");
    world.publish(team, "ticket.created", TICKET).await;
    world.wait_s(10);
    assert_eq!(pending().await, 2);
}
