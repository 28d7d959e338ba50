//! Publishing: the bytes, the positions, repeats, test events.

use cstar_store::{Log, SliceLimit};
use cstar_types::limits::{BATCH_MAX_EVENTS, ENVELOPE_MAX_BYTES};
use cstar_wire::{Code, PublishedBatch};
use serde_json::json;

use crate::world::{TICKET, World, ids, pointers};

/// T1, T9, LOG-3, W30, W31, W32, W33, W34: the answer, the log, the list and the answer for one event hold the same bytes, `data` flat and
/// canonical.
#[tokio::test]
async fn an_event_is_the_same_bytes_everywhere() {
    let world = World::new();
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let body = r#" {"data":{ "title":"\u00e9\/","10":1.0,"id":"550E8400-e29b-41d4-a716-446655440000","2":-0,"status":"new","priority":1E2,"priority2":1e21 },"type":"ticket.created"} "#
        .replace("1E2,", "\"p\",");
    let made = world.post(&*events, body).await.expect(201);
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.header("x-cstar-position"), Some("1.1"));
    let data = r#"{"2":0,"10":1,"title":"é/","id":"550E8400-e29b-41d4-a716-446655440000","status":"new","priority":"p","priority2":1e+21}"#;
    let id = made.value()["id"].as_str().unwrap().to_owned();
    let envelope = format!(
        r#"{{"id":"{id}","type":"ticket.created","team_id":"{team}","created_at":"2025-12-10T14:30:00Z","data":{data}}}"#
    );
    assert_eq!(made.text(), envelope);

    let one = world.get(format!("{events}/{id}")).await.expect(200);
    assert_eq!((one.text(), one.header("x-cstar-position")), (envelope.clone(), Some("1.1")));
    let list = world.get(&*events).await.expect(200);
    assert_eq!(list.text(), format!(r#"{{"data":[{envelope}],"has_more":false,"next":null}}"#));
    let slice = world.store.read(team, 0, SliceLimit { entries: 9, bytes: 1 << 20 }).await.unwrap();
    assert_eq!(slice.entries[0].event.body, envelope);
}

/// LOG-2, T9: a batch stands in its order, each envelope as it was stored.
#[tokio::test]
async fn a_batch_is_stored_in_order() {
    let world = World::new();
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let batch: Vec<String> = (0..BATCH_MAX_EVENTS)
        .map(|n| format!(r#"{{"type":"ticket.updated","data":{{"id":"{n}"}}}}"#))
        .collect();
    let made = world.post(&*events, format!(r#"{{"events":[{}]}}"#, batch.join(","))).await.expect(201);
    let published: PublishedBatch = serde_json::from_slice(&made.body).unwrap();
    assert_eq!(published.positions.len(), BATCH_MAX_EVENTS);
    let slice = world.store.read(team, 0, SliceLimit { entries: 2000, bytes: 1 << 30 }).await.unwrap();
    for (n, (envelope, entry)) in published.data.iter().zip(&slice.entries).enumerate() {
        assert_eq!(envelope.as_str().as_bytes(), entry.event.body);
        assert_eq!(envelope.fields().unwrap().data.get(), format!(r#"{{"id":"{n}"}}"#));
        assert_eq!(published.positions[n].to_string(), format!("1.{}", n + 1));
    }
}

/// All or nothing: one bad event of a batch leaves no trace of the good ones.
#[tokio::test]
async fn a_batch_with_one_bad_event_stores_nothing() {
    let world = World::new();
    let team = world.team().await;
    let body = json!({"events": [{"type": "ticket.updated", "data": {"id": "1"}}, {"type": "ticket.updated", "data": {}}]});
    let problem = world.post(format!("/v1/teams/{team}/events"), body).await.refused(Code::SchemaViolation);
    assert_eq!(pointers(&problem), ["/events/1/data/id"]);
    assert_eq!(world.head(team).await, 0);
}

/// A repeat with the same key finds the first event; anything else under that key is refused (C1).
#[tokio::test]
async fn a_repeat_makes_no_second_event() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let publish = |team, body: &str| {
        world.post(format!("/v1/teams/{team}/events"), body).header("idempotency-key", "order-1")
    };
    let body = format!(r#"{{"type":"ticket.created","data":{TICKET}}}"#);
    let first = publish(team, &body).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    world.wait_s(60);
    let reordered = format!(r#"{{ "data": {TICKET}, "type": "ticket.created" }}"#);
    let repeat = publish(team, &reordered).await.expect(200);
    assert_eq!(repeat.header("idempotency-replayed"), Some("true"));
    assert_eq!((&repeat.body, repeat.header("x-cstar-position")), (&first.body, Some("1.1")));
    publish(team, &body.replace("high", "low")).await.refused(Code::IdempotencyKeyReused);
    publish(team, &body).header("x-cstar-test", "true").await.refused(Code::IdempotencyKeyReused);
    assert_eq!(world.head(team).await, 1);
    publish(other, &body).await.expect(201);
}

/// The same key raced by a hundred publishes makes one event (C1).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_raced_idempotency_key_makes_one_event() {
    let world = World::new();
    let team = world.team().await;
    let body = format!(r#"{{"type":"ticket.created","data":{TICKET}}}"#);
    let asks = (0..100).map(|_| {
        world.post(format!("/v1/teams/{team}/events"), &body).header("idempotency-key", "raced").into_future()
    });
    let answers = futures_util::future::join_all(asks).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(world.head(team).await, 1);
}

/// In a batch each event has its own key, and the one that was reused is named.
#[tokio::test]
async fn a_batch_names_the_reused_key() {
    let world = World::new();
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let event =
        |id: &str, key: &str| json!({"type": "ticket.updated", "data": {"id": id}, "idempotency_key": key});
    let first = world.post(&*events, json!({"events": [event("1", "a"), event("2", "b")]})).await.expect(201);
    let again = world.post(&*events, json!({"events": [event("1", "a"), event("2", "b")]})).await.expect(201);
    assert_eq!(first.body, again.body, "the first envelopes and positions");
    let problem = world.post(&*events, json!({"events": [event("1", "a"), event("3", "b")]})).await;
    let problem = problem.refused(Code::IdempotencyKeyReused);
    assert_eq!(pointers(&problem), ["/events/1/idempotency_key"]);
    assert_eq!(world.head(team).await, 2);
}

/// T20: a test event says so in its id.
#[tokio::test]
async fn a_test_event_is_marked() {
    let world = World::new();
    let team = world.team().await;
    let body = format!(r#"{{"type":"ticket.created","data":{TICKET}}}"#);
    for (value, mark) in [("true", true), ("false", false)] {
        let ask = world.post(format!("/v1/teams/{team}/events"), &body).header("x-cstar-test", value);
        let id = ask.await.expect(201).value()["id"].as_str().unwrap().to_owned();
        assert_eq!(id.starts_with("evt_test_"), mark, "{id}");
        assert!(id.starts_with("evt_"), "W31");
    }
}

/// DLV-1: one delivery for each webhook that matches, none with `webhooks: false`.
#[tokio::test]
async fn webhooks_false_makes_no_deliveries() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["ticket.*"]).await;
    world.webhook(team, &["boss.*"]).await;
    let publish = |body: String| world.post(format!("/v1/teams/{team}/events"), body);
    let events = format!(r#""events":[{{"type":"ticket.created","data":{TICKET}}}]"#);
    publish(format!(r#"{{"type":"ticket.created","data":{TICKET},"webhooks":false}}"#)).await.expect(201);
    publish(format!(r#"{{{events},"webhooks":false}}"#)).await.expect(201);
    let deliveries = format!("/v1/teams/{team}/deliveries");
    assert!(ids(&world.get(&*deliveries).await.expect(200)).is_empty());
    publish(format!(r#"{{{events}}}"#)).await.expect(201);
    let list = world.get(&*deliveries).await.expect(200).value();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["webhook_id"], *hook);
}

/// The envelope's limit is exact, and holds for the envelope, not for what was sent.
#[tokio::test]
async fn the_envelope_limit_is_exact() {
    let world = World::new();
    let team = world.team().await;
    let publish = |fill: usize| {
        let body = format!(r#"{{"type":"ticket.updated","data":{{"id":"{}"}}}}"#, "x".repeat(fill));
        world.post(format!("/v1/teams/{team}/events"), body)
    };
    let overhead = publish(1).await.expect(201).body.len() - 1;
    let largest = publish(ENVELOPE_MAX_BYTES - overhead).await.expect(201);
    assert_eq!(largest.body.len(), ENVELOPE_MAX_BYTES);
    let problem = publish(ENVELOPE_MAX_BYTES - overhead + 1).await.refused(Code::TooLarge);
    assert_eq!(pointers(&problem), ["/data"]);
    let padded =
        format!(r#"{{"type":"ticket.updated",{}"data":{{"id":"1"}}}}"#, " ".repeat(ENVELOPE_MAX_BYTES));
    world.post(format!("/v1/teams/{team}/events"), padded).await.expect(201);
}

/// W8–W29: each of the fourteen types can be published with the catalog's example.
#[tokio::test]
async fn every_type_of_the_catalog_can_be_published() {
    let world = World::new();
    let team = world.team().await;
    let catalog = world.get("/v1/event-types").await.expect(200).value();
    let entries = catalog["data"].as_array().unwrap();
    assert_eq!(entries.len(), 14);
    for entry in entries {
        let body = json!({"type": entry["type"], "data": entry["example"]});
        let made = world.post(format!("/v1/teams/{team}/events"), body).await.expect(201).value();
        assert_eq!(made["type"], entry["type"], "W32");
        let path = format!("/v1/event-types/{}", entry["type"].as_str().unwrap());
        assert_eq!(world.get(path).await.expect(200).value(), *entry);
        assert!(!entry["fires_on"].as_str().unwrap().is_empty());
    }
}

/// A large batch, read away from the threads that serve others, is answered like any other.
#[tokio::test]
async fn a_large_batch_is_taken() {
    let world = World::new();
    let team = world.team().await;
    let event = format!(r#"{{"type":"ticket.updated","data":{{"id":"{}"}}}}"#, "x".repeat(4000));
    let body = format!(r#"{{"events":[{}]}}"#, vec![event; 500].join(","));
    world.post(format!("/v1/teams/{team}/events"), body).await.expect(201);
    assert_eq!(world.head(team).await, 500);
}

/// All bodies that are held at a time share one budget: what goes beyond it is refused before anything is stored, and
/// says when to come again.
#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_refused() {
    let world = World::with(|options| options.body_memory_bytes = 512);
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let body = |len: usize| {
        let text = "x".repeat(len);
        json!({"type": "ticket.updated", "data": {"id": text}})
    };
    let answer = world.post(&*events, body(512)).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.refused(Code::QueueFull);
    assert_eq!(world.head(team).await, 0);
    for _ in 0..4 {
        world.post(&*events, body(200)).await.expect(201);
    }
}
