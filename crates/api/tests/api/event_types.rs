//! Event types that the platform adds.

use cstar_wire::Code;
use http::Method;
use serde_json::{Value, json};

use crate::world::{Ask, World, pointers};

const PAID: &str = "/v1/event-types/order.paid";

fn paid() -> Value {
    json!({
        "description": "An order is paid",
        "fires_on": "When the payment of an order is confirmed.",
        "schema": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "total": {"minimum": 0}}},
        "example": {"id": "42", "total": 12.5},
    })
}

/// The body with another value in this place.
fn with(name: &str, value: Value) -> Value {
    let mut body = paid();
    body[name] = value;
    body
}

fn put<'w>(world: &'w World, path: &str, body: &Value) -> Ask<'w> {
    world.ask(Method::PUT, path).json(body)
}

/// It is shown as it was put, told to be new once, and listed behind the built-in ones in the order of names.
#[tokio::test]
async fn a_type_is_added_and_changed() {
    let world = World::new();
    let made = put(&world, PAID, &paid()).await.expect(201);
    let tag = made.header("etag").unwrap().to_owned();
    let expected = json!({
        "type": "order.paid",
        "description": "An order is paid",
        "fires_on": "When the payment of an order is confirmed.",
        "builtin": false,
        "schema": paid()["schema"],
        "example": {"id": "42", "total": 12.5},
    });
    assert_eq!(made.value(), expected);
    let read = world.get(PAID).await.expect(200);
    assert_eq!((read.header("etag"), read.value()), (Some(&*tag), expected));
    let same = put(&world, PAID, &paid()).await.expect(200);
    assert_eq!(same.header("etag"), Some(&*tag), "the same again changes nothing");
    let changed = put(&world, PAID, &with("description", json!("Paid"))).await.expect(200);
    assert_ne!(changed.header("etag"), Some(&*tag));
    assert_eq!(world.get(PAID).await.value()["description"], "Paid");
    put(&world, "/v1/event-types/order.made", &paid()).await.expect(201);
    let list = world.get("/v1/event-types").await.expect(200).value();
    let rows = list["data"].as_array().unwrap().iter();
    let names: Vec<&str> = rows.map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!((names.len(), &names[14..]), (16, &["order.made", "order.paid"][..]));
    assert_eq!((&list["data"][0]["builtin"], &list["data"][15]["builtin"]), (&json!(true), &json!(false)));
}

/// A schema is shown in the order in which it was written, as its reader knows it.
#[tokio::test]
async fn members_keep_their_order() {
    let world = World::new();
    let body = r#"{"description":"d","fires_on":"f","schema":{"type":"object","properties":{"z":{},"a":{}}},"example":{"z":1,"a":2}}"#;
    let made = world.ask(Method::PUT, PAID).json(body).await.expect(201);
    for part in [r#""schema":{"type":"object","properties":{"z":{},"a":{}}}"#, r#""example":{"z":1,"a":2}"#] {
        assert!(made.text().contains(part), "{}", made.text());
    }
}

/// What is published of an added type is held against its schema, sent as a test with its example, and its type is among the
/// nearest.
#[tokio::test]
async fn events_of_an_added_type_are_checked() {
    let world = World::new();
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let publish = |data: Value| world.post(&*events, json!({"type": "order.paid", "data": data}));
    publish(json!({"id": "1"})).await.refused(Code::UnknownEventType);
    put(&world, PAID, &paid()).await.expect(201);
    publish(json!({"id": "1", "anything": {}})).await.expect(201);
    let problem = publish(json!({"total": -1})).await.refused(Code::SchemaViolation);
    let mut places = pointers(&problem);
    places.sort_unstable();
    assert_eq!(places, ["/data/id", "/data/total"]);
    let misspelt = json!({"type": "order.payd", "data": {}});
    let problem = world.post(&*events, misspelt).await.refused(Code::UnknownEventType);
    assert!(problem.errors[0].detail.contains("order.paid"), "{problem}");
    let stricter = json!({"required": ["id", "total"]});
    put(&world, PAID, &with("schema", stricter)).await.expect(200);
    publish(json!({"id": "1"})).await.refused(Code::SchemaViolation);
    let listed = world.get(format!("{events}?types=order.*")).await.expect(200).value();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

/// C1: an event that stands is answered, whatever has become of its type; who may not see the type is told nothing of it.
#[tokio::test]
async fn a_repeat_is_answered_although_its_type_has_changed() {
    let world = World::new();
    let team = world.team().await;
    let keys = ["*", "order.*", "ticket.*"].map(|pattern| [pattern]);
    let mut known = Vec::new();
    for patterns in &keys {
        known.push(world.key(team, &["events:write"], patterns).await);
    }
    let events = format!("/v1/teams/{team}/events");
    let event = json!({"type": "order.paid", "data": {"id": "1"}});
    let single = |key| world.post(&*events, &event).key(key).header("idempotency-key", "order-1");
    let named = |name: &str| json!({"type": "order.paid", "data": {"id": "1"}, "idempotency_key": name});
    let batch = |second: &str| world.post(&*events, json!({"events": [named("a"), named(second)]}));
    put(&world, PAID, &paid()).await.expect(201);
    let (first, both) = (single(&known[0]).await.expect(201), batch("b").await.expect(201));

    let stricter = put(&world, PAID, &with("schema", json!({"required": ["id", "total"]})));
    stricter.await.expect(200);
    let gone = world.ask(Method::DELETE, PAID);
    for (change, code) in [(None, Code::SchemaViolation), (Some(gone), Code::UnknownEventType)] {
        if let Some(change) = change {
            change.await.expect(204);
        }
        for key in &known[..2] {
            let repeat = single(key).await.expect(200);
            assert_eq!((repeat.header("idempotency-replayed"), &repeat.body), (Some("true"), &first.body));
            assert_eq!(repeat.header("x-cstar-position"), Some("1.1"));
        }
        single(&known[2]).await.refused(Code::OutsidePatterns);
        single(&known[0]).header("x-cstar-test", "true").await.refused(code);
        world.post(&*events, &event).await.refused(code);
        world.post(&*events, &event).header("idempotency-key", "order-2").await.refused(code);
        assert_eq!(batch("b").await.expect(201).body, both.body);
        batch("c").await.refused(code);
    }
    assert_eq!(world.head(team).await, 3, "nothing was added");
}

/// SEC-2: a key publishes an added type if its patterns have it; it reads the catalog and changes nothing in it.
#[tokio::test]
async fn keys_read_the_catalog_alone() {
    let world = World::new();
    let team = world.team().await;
    put(&world, PAID, &paid()).await.expect(201);
    let all = ["events:write", "events:read", "webhooks:write", "keys:write", "audit:read"];
    let orders = world.key(team, &all, &["order.*"]).await;
    let tickets = world.key(team, &all, &["ticket.*"]).await;
    let publish = json!({"type": "order.paid", "data": {"id": "1"}});
    let events = format!("/v1/teams/{team}/events");
    world.post(&*events, &publish).key(&orders).await.expect(201);
    world.post(&*events, &publish).key(&tickets).await.refused(Code::OutsidePatterns);
    for key in [&orders, &tickets] {
        world.get(PAID).key(key).await.expect(200);
        put(&world, PAID, &paid()).key(key).await.refused(Code::MissingScope);
        world.delete(PAID).key(key).await.refused(Code::MissingScope);
    }
}

/// W29: the fourteen stay as they are.
#[tokio::test]
async fn built_in_types_are_not_changed() {
    let world = World::new();
    for name in ["ticket.created", "survey.submitted"] {
        let path = format!("/v1/event-types/{name}");
        let before = world.get(&*path).await.expect(200);
        put(&world, &path, &paid()).await.refused(Code::Conflict);
        world.delete(&*path).await.refused(Code::Conflict);
        assert_eq!(world.get(&*path).await.value(), before.value());
        assert_eq!(before.header("etag"), None, "there is nothing to match");
    }
}

/// A deleted type's events are read as before, and new ones are refused.
#[tokio::test]
async fn a_deleted_type_leaves_its_events() {
    let world = World::new();
    let team = world.team().await;
    put(&world, PAID, &paid()).await.expect(201);
    let event = world.publish(team, "order.paid", r#"{"id":"1"}"#).await;
    world.delete(PAID).await.expect(204);
    world.get(PAID).await.refused(Code::NotFound);
    world.delete(PAID).await.refused(Code::NotFound);
    let read = world.get(format!("/v1/teams/{team}/events/{event}")).await.expect(200).value();
    assert_eq!(read["type"], "order.paid");
    let again = json!({"type": "order.paid", "data": {"id": "2"}});
    world.post(format!("/v1/teams/{team}/events"), again).await.refused(Code::UnknownEventType);
}

/// Nobody overwrites what they have not seen, nor what is gone.
#[tokio::test]
async fn if_match_is_honoured() {
    let world = World::new();
    put(&world, PAID, &paid()).header("if-match", "\"1\"").await.refused(Code::Changed);
    let old = put(&world, PAID, &paid()).await.expect(201).header("etag").unwrap().to_owned();
    let body = with("description", json!("b"));
    let new = put(&world, PAID, &body).header("if-match", &*old).await.expect(200);
    let new = new.header("etag").unwrap().to_owned();
    put(&world, PAID, &paid()).header("if-match", &*old).await.refused(Code::Changed);
    world.delete(PAID).header("if-match", &*old).await.refused(Code::Changed);
    world.delete(PAID).header("if-match", &*new).await.expect(204);
}

/// Each bad field is named, and nothing is stored.
#[tokio::test]
async fn bad_types_are_refused() {
    let world = World::new();
    let string_id = json!({"properties": {"id": {"type": "string"}}});
    for (body, code, place) in [
        (json!({}), Code::InvalidField, "/description"),
        (with("description", json!("")), Code::InvalidField, "/description"),
        (with("schema", json!(true)), Code::InvalidField, "/schema"),
        (with("schema", json!({"$ref": "https://example.com/s"})), Code::InvalidField, "/schema/$ref"),
        (with("schema", json!({"pattern": "(?=a)"})), Code::InvalidField, "/schema/pattern"),
        (with("schema", json!({"type": "text"})), Code::InvalidField, "/schema/type"),
        (with("schema", json!({"const": "x".repeat(33_000)})), Code::TooLarge, "/schema"),
        (with("example", json!([])), Code::InvalidField, "/example"),
        (with("example", json!({})), Code::SchemaViolation, "/example/id"),
        (with("example", json!({"id": "x", "total": -1})), Code::SchemaViolation, "/example/total"),
        (with("type", json!("order.paid")), Code::InvalidField, "/type"),
        (with("schema", string_id), Code::TooLarge, "/example"),
    ] {
        let body = if place == "/example" && code == Code::TooLarge {
            // Larger than this server's envelopes, and not than its bodies.
            json!({"example": {"id": "x".repeat(2000)}, "description": "d", "fires_on": "f", "schema": body["schema"]})
        } else {
            body
        };
        let narrow = World::with(|options| options.envelope_max_bytes = 2000);
        let problem = put(&narrow, PAID, &body).await.refused(code);
        assert_eq!(pointers(&problem)[0], place, "{problem}");
        narrow.get(PAID).await.refused(Code::NotFound);
    }
    for name in ["order", "Order.paid", "order.paid.twice", "order.*", "*", "cstar.", "a%2Fb.c"] {
        put(&world, &format!("/v1/event-types/{name}"), &paid()).await.refused(Code::InvalidField);
    }
    put(&world, PAID, &paid()).without("content-type").await.refused(Code::UnsupportedMediaType);
    world.ask(Method::PUT, PAID).json(r#"{"schema":{"a":1,"a":2}}"#).await.refused(Code::DuplicateKey);
    world.ask(Method::PUT, PAID).json(r#"{"example":{"__proto__":1}}"#).await.refused(Code::UnsafeKey);
}

/// There are only so many, by a setting.
#[tokio::test]
async fn the_number_of_added_types_is_bounded() {
    let world = World::with(|options| options.added_types = 2);
    for name in ["a.a", "a.b"] {
        put(&world, &format!("/v1/event-types/{name}"), &paid()).await.expect(201);
    }
    put(&world, "/v1/event-types/a.c", &paid()).await.refused(Code::Conflict);
    put(&world, "/v1/event-types/a.b", &with("description", json!("b"))).await.expect(200);
}
