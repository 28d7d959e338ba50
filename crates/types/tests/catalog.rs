//! W6, W8–W29, W35, T9, T19: the built-in catalog.

use cstar_types::catalog::{Catalog, CatalogEntry, CatalogError};
use cstar_types::json::{Limits, canonicalize};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The types and what the documents say of each, in their order.
const PUBLISHED: [(&str, &str); 14] = [
    ("ticket.created", "Fired when a new ticket is created via app, widget, API, or email"),
    ("ticket.updated", "Fired when a ticket status, priority, or assignment changes"),
    ("ticket.closed", "Fired when a ticket is resolved or closed"),
    ("ticket.message_added", "Fired when a new message is added to a ticket"),
    ("customer.created", "Fired when a new customer is created"),
    ("customer.updated", "Fired when customer details are modified"),
    ("article.created", "Fired when a new Library article is created"),
    ("article.published", "Fired when an article is published to the Public Library"),
    ("article.updated", "Fired when an article content or metadata is modified"),
    ("boss.spawned", "Fired when a boss appears for the team"),
    ("boss.defeated", "Fired when a boss is defeated by the team"),
    ("player.level_up", "Fired when a player reaches a new level"),
    ("achievement.unlocked", "Fired when a player unlocks an achievement"),
    ("survey.submitted", "Fired when a customer submits a CSAT survey response"),
];

fn entry(event_type: &str) -> &'static CatalogEntry {
    Catalog::find(&event_type.parse().expect("an event type")).expect("a built-in type")
}

fn validator(entry: &CatalogEntry) -> Validator {
    let schema: Value = serde_json::from_str(&entry.schema).expect("a schema is JSON");
    jsonschema::draft202012::meta::validate(&schema)
        .unwrap_or_else(|error| panic!("{}: {error}", entry.event_type));
    jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{}: {error}", entry.event_type))
}

fn accepts(event_type: &str, data: &Value) -> bool {
    validator(entry(event_type)).is_valid(data)
}

/// W8–W29: the fourteen types of the documents, with the documents' words, and no other. W6 is in the type
/// `EventType`.
#[test]
fn it_holds_exactly_the_published_types() {
    let held: Vec<_> =
        Catalog::builtin().iter().map(|entry| (entry.event_type.as_str(), &*entry.description)).collect();
    assert_eq!(held, PUBLISHED);
}

/// W8–W28: `fires_on` says when the application publishes the type, in the documents' words.
#[test]
fn each_type_says_when_it_is_published() {
    for (event_type, words) in PUBLISHED {
        let when = words.strip_prefix("Fired when ").expect("the documents' form");
        let fires_on = &entry(event_type).fires_on;
        assert!(fires_on.starts_with(&format!("When {when}")), "{event_type}: {fires_on}");
    }
}

/// T19: the order of types that one change publishes is told with each of them.
#[test]
fn types_that_come_together_name_each_other() {
    for (event_type, other) in [
        ("ticket.updated", "`ticket.closed`"),
        ("ticket.closed", "`ticket.updated`"),
        ("article.created", "`article.published`"),
        ("article.published", "`article.created`"),
    ] {
        assert!(entry(event_type).fires_on.contains(other), "{event_type}");
    }
    assert!(entry("ticket.closed").fires_on.contains("once for each passage from open"));
}

/// W8–W28: each example can be published: its schema takes it, and it is canonical (T1).
#[test]
fn each_schema_is_sound_and_takes_its_example() {
    for entry in Catalog::builtin() {
        let example: Value = serde_json::from_str(&entry.example).expect("an example is JSON");
        if let Err(error) = validator(entry).validate(&example) {
            panic!("{}: {error}", entry.event_type);
        }
        for text in [&entry.example, &entry.schema] {
            let mut again = Vec::new();
            canonicalize(text.as_bytes(), &mut again, Limits::default()).expect("canonical");
            assert_eq!(again, text.as_bytes(), "{}", entry.event_type);
        }
    }
}

/// The schemas ask for what is promised and for nothing more: an id, and any key besides.
#[test]
fn each_schema_takes_any_other_key_and_needs_the_id() {
    let flat = PUBLISHED.iter().map(|(name, _)| *name);
    for name in flat.filter(|name| !["ticket.created", "ticket.message_added"].contains(name)) {
        assert!(accepts(name, &json!({"id": "1", "anything": {"else": [null]}})), "{name}");
        for data in [json!({}), json!({"id": null}), json!({"id": ""}), json!([]), json!({"name": "x"})] {
            assert!(!accepts(name, &data), "{name} took {data}");
        }
    }
}

/// W35: `data` of `ticket.created` is the flat ticket, as in the documents.
#[test]
fn a_created_ticket_is_flat_with_four_fields() {
    let ticket = json!({
        "id": "550e8400-e29b-41d4-a716-446655440000",
        "title": "Cannot log in to my account",
        "status": "new",
        "priority": "high"
    });
    let published = concat!(
        r#"{"id":"550e8400-e29b-41d4-a716-446655440000","title":"Cannot log in to my account","#,
        r#""status":"new","priority":"high"}"#
    );
    assert_eq!(entry("ticket.created").example, published);
    let with = |key: &str, value: Value| {
        let mut ticket = ticket.clone();
        ticket[key] = value;
        accepts("ticket.created", &ticket)
    };
    assert!(with("tags", json!(["login"])));
    assert!(!with("id", json!("42")), "the id is a UUID");
    assert!(!with("id", json!("x550e8400-e29b-41d4-a716-446655440000")));
    for key in ["id", "title", "status", "priority"] {
        assert!(!with(key, Value::Null), "{key} is a string");
        let mut without = ticket.clone();
        without.as_object_mut().expect("an object").remove(key);
        assert!(!accepts("ticket.created", &without), "{key} is needed");
    }
}

/// T9: `data` of `ticket.message_added` is `{ticket, message}`.
#[test]
fn an_added_message_comes_with_its_ticket() {
    assert!(accepts("ticket.message_added", &json!({"ticket": {}, "message": {}, "more": 1})));
    for data in
        [json!({"ticket": {}}), json!({"message": {}}), json!({"ticket": "x", "message": {}}), json!({})]
    {
        assert!(!accepts("ticket.message_added", &data), "{data}");
    }
}

#[test]
fn a_text_that_is_no_entry_is_refused_with_the_reason() {
    let says = |text: &str| CatalogEntry::parse(text.as_bytes()).expect_err("a refusal").to_string();
    assert_eq!(says(r#"{"type":"a.b","description":"","fires_on":"","schema":{}}"#), "`example` is missing");
    assert_eq!(says(r#"{"schema":[]}"#), "expected an object, found an array, at byte 10 in /schema");
    assert_eq!(says(r#"{"tipe":1}"#), "/tipe is no member of a catalog entry; leave it out");
    assert!(says(r#"{"type":"a"}"#).starts_with("`type`: it needs exactly one dot"));
    assert!(matches!(CatalogEntry::parse(b"{"), Err(CatalogError::Json(_))));
}
