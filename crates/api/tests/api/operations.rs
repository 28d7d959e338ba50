//! Operations: resends of many and recoveries, and how far they are.

use cstar_store::Operations;
use cstar_types::TeamId;
use cstar_wire::Code;
use serde_json::{Value, json};

use crate::deliveries::fail;
use crate::world::{TICKET, World, ids, pointers};

const BOSS: &str = r#"{"id":"1"}"#;

async fn finish(world: &World) {
    while world.store.go_on(2, world.now()).await.unwrap() {}
}

async fn deliveries(world: &World, team: TeamId, query: &str) -> Vec<String> {
    ids(&world.get(format!("/v1/teams/{team}/deliveries{query}")).await.expect(200))
}

async fn operation(world: &World, team: TeamId, id: &Value) -> Value {
    let path = format!("/v1/teams/{team}/operations/{}", id.as_str().unwrap());
    world.get(path).await.expect(200).value()
}

/// T8: all that a filter matches is resent after the answer; a dry run counts it and touches nothing.
#[tokio::test]
async fn all_that_a_filter_matches_is_resent() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["*"]).await;
    for _ in 0..3 {
        world.publish(team, "ticket.created", TICKET).await;
    }
    let rows = deliveries(&world, team, "").await;
    for id in &rows[..2] {
        fail(&world, team, id).await;
    }
    world.wait_s(60);
    let resend = format!("/v1/teams/{team}/deliveries/resend");
    let filter = json!({"webhook": hook, "status": "failed", "types": ["ticket.*"], "dry_run": true});
    let counted = world.post(&*resend, filter).await.expect(200).value();
    assert_eq!(counted, json!({"deliveries": 2, "complete": true}));
    assert_eq!(deliveries(&world, team, "?status=failed").await.len(), 2);

    let begun = world.post(&*resend, json!({"webhook": hook, "status": "failed"})).await.expect(202).value();
    let mut expected = json!({
        "id": begun["id"], "kind": "resend", "status": "running", "failure": null, "done": 0, "skipped": 0,
        "filter": {"webhook": hook, "status": "failed", "types": null, "event": null, "since": null, "until": null},
        "created_at": "2025-12-10T14:31:00.000Z", "updated_at": "2025-12-10T14:31:00.000Z", "ended_at": null,
    });
    assert_eq!(begun, expected);
    assert!(begun["id"].as_str().unwrap().starts_with("op_"));
    world.wait_s(1);
    finish(&world).await;
    expected["status"] = json!("done");
    expected["done"] = json!(2);
    expected["updated_at"] = json!("2025-12-10T14:31:01.000Z");
    expected["ended_at"] = expected["updated_at"].clone();
    assert_eq!(operation(&world, team, &begun["id"]).await, expected);
    assert_eq!(deliveries(&world, team, "?status=pending").await, rows);
}

/// What a webhook missed while it was disabled is delivered after a recovery (DLV-1).
#[tokio::test]
async fn a_webhook_is_recovered() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["ticket.*"]).await;
    let path = format!("/v1/teams/{team}/webhooks/{hook}");
    let recover = format!("{path}/recover");
    let since = json!({"since": "2025-12-10T14:30:00Z"});
    world.publish(team, "ticket.created", TICKET).await;
    world.patch(&*path, json!({"enabled": false})).await.expect(200);
    world.publish(team, "ticket.created", TICKET).await;
    world.publish(team, "boss.spawned", BOSS).await;
    world.post(&*recover, &since).await.refused(Code::Conflict);
    world.patch(&*path, json!({"enabled": true})).await.expect(200);
    let begun = world.post(&*recover, &since).await.expect(202).value();
    assert_eq!((&begun["kind"], &begun["filter"]["webhook"]), (&json!("recover"), &json!(hook)));
    finish(&world).await;
    let ended = operation(&world, team, &begun["id"]).await;
    assert_eq!((&ended["status"], &ended["done"]), (&json!("done"), &json!(2)));
    assert_eq!(deliveries(&world, team, "?status=pending").await.len(), 2);
}

/// Operations are listed newest first, and cancelled where they stand; an ended one is not cancelled again.
#[tokio::test]
async fn operations_are_listed_and_cancelled() {
    let world = World::new();
    let team = world.team().await;
    let resend = format!("/v1/teams/{team}/deliveries/resend");
    let mut begun = Vec::new();
    for _ in 0..3 {
        let made = world.post(&*resend, json!({"status": "failed"})).await.expect(202).value();
        begun.insert(0, made["id"].as_str().unwrap().to_owned());
    }
    let list = format!("/v1/teams/{team}/operations");
    let first = world.get(format!("{list}?limit=2")).await.expect(200);
    assert_eq!(ids(&first), begun[..2]);
    let next = first.value()["next"].as_str().unwrap().to_owned();
    assert_eq!(ids(&world.get(format!("{list}?after={next}")).await.expect(200)), begun[2..]);
    let one = format!("{list}/{}", begun[0]);
    world.delete(&*one).await.expect(204);
    assert_eq!(world.get(&*one).await.expect(200).value()["status"], "cancelled");
    world.delete(&*one).await.refused(Code::Conflict);
}

/// A filter is needed, and what can never be resent is no filter.
#[tokio::test]
async fn a_resend_of_everything_is_refused() {
    let world = World::new();
    let team = world.team().await;
    let resend = format!("/v1/teams/{team}/deliveries/resend");
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"dry_run": true, "webhook": null}), ""),
        (json!({"status": "pending"}), "/status"),
        (json!({"status": "lost"}), "/status"),
        (json!({"event": "evt_1"}), "/event"),
        (json!({"since": "yesterday"}), "/since"),
        (json!({"webhook": 7}), "/webhook"),
        (json!({"status": "failed", "colour": "red"}), "/colour"),
    ] {
        let problem = world.post(&*resend, &body).await.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), [pointer], "{body}");
    }
    let problem = world.post(&*resend, json!({"types": ["ticket"]})).await.refused(Code::InvalidPattern);
    assert_eq!(pointers(&problem), ["/types/0"]);
    let hook = world.webhook(team, &["*"]).await;
    let recover = format!("/v1/teams/{team}/webhooks/{hook}/recover");
    assert_eq!(pointers(&world.post(recover, "{}").await.refused(Code::InvalidField)), ["/since"]);
    let foreign = world.webhook(world.team().await, &["*"]).await;
    for dry_run in [true, false] {
        let filter = json!({"webhook": foreign, "dry_run": dry_run});
        world.post(&*resend, filter).await.refused(Code::NotFound); // T24
    }
}

/// SEC-2: a key resends what it sees, recovers webhooks within its patterns, and sees operations made by keys that see no more
/// than itself.
#[tokio::test]
async fn operations_are_cut_by_patterns() {
    let world = World::new();
    let team = world.team().await;
    let (wide, narrow) = (world.webhook(team, &["*"]).await, world.webhook(team, &["ticket.*"]).await);
    let boss = world.publish(team, "boss.spawned", BOSS).await;
    world.publish(team, "ticket.created", TICKET).await;
    for id in deliveries(&world, team, "").await {
        fail(&world, team, &id).await;
    }
    world.wait_s(1);
    let key = world.key(team, &["deliveries:write"], &["ticket.*"]).await;
    let path = |rest: &str| format!("/v1/teams/{team}/{rest}");
    let resend = |body: Value| world.post(path("deliveries/resend"), body).key(&key);
    let counted = resend(json!({"status": "failed", "dry_run": true})).await.expect(200).value();
    assert_eq!(counted["deliveries"], 2);
    let own = resend(json!({"webhook": wide})).await.expect(202).value();
    finish(&world).await;
    let ended = operation(&world, team, &own["id"]).await;
    assert_eq!((&ended["done"], &ended["skipped"]), (&json!(1), &json!(0)));
    assert_eq!(deliveries(&world, team, &format!("?event={boss}&status=failed")).await.len(), 1);

    let since = json!({"since": "2025-12-10T00:00:00Z"});
    let recover = |hook: &str| world.post(path(&format!("webhooks/{hook}/recover")), &since).key(&key);
    recover(&wide).await.refused(Code::NotFound);
    let recovered = recover(&narrow).await.expect(202).value();
    let of_all = world.post(path("deliveries/resend"), json!({"status": "failed"})).await.expect(202).value();
    let seen = ids(&world.get(path("operations")).key(&key).await.expect(200));
    assert_eq!(seen, [recovered["id"].as_str().unwrap(), own["id"].as_str().unwrap()]);
    let foreign = path(&format!("operations/{}", of_all["id"].as_str().unwrap()));
    world.get(&*foreign).key(&key).await.refused(Code::NotFound);
    world.delete(&*foreign).key(&key).await.refused(Code::NotFound);
    assert_eq!(operation(&world, team, &of_all["id"]).await["status"], "running");
}
