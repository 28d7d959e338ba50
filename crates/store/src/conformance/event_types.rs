//! Event types that the platform adds.

use std::sync::Arc;

use cstar_types::Entry;
use cstar_types::catalog::{AddedType, CatalogEntry};

use super::given::{self, at, event_type};
use super::{AnyStore, Subject, read};
use crate::StoreError;

/// Room for every type that a rule adds.
const TYPES_MAX: usize = 100;

fn entry(name: &str, description: &str) -> CatalogEntry {
    CatalogEntry {
        event_type: event_type(name),
        description: description.to_owned(),
        fires_on: "When it “fires”; '--".to_owned(),
        schema: r#"{"type":"object","required":["id"]}"#.to_owned(),
        example: r#"{"id":"1"}"#.to_owned(),
    }
}

async fn put(store: &AnyStore, entry: CatalogEntry, second: i64) -> Arc<AddedType> {
    store.put_event_type(entry, TYPES_MAX, None, at(second)).await.expect("a type is taken").added
}

fn known(store: &AnyStore) -> Vec<AddedType> {
    store.event_types().values().map(|added| AddedType::clone(added)).collect()
}

/// A type is read as it was put, at once and after a restart, in the order of names.
pub async fn a_type_is_read_as_it_was_put(subject: impl Subject) {
    let store = subject.store();
    assert_eq!(known(&store), []);
    let late = store.put_event_type(entry("order.paid", "a"), TYPES_MAX, None, at(1)).await.unwrap();
    assert!(late.is_new && late.added.created_at == at(1) && late.added.updated_at == at(1));
    let early = put(&store, entry("order.made", "žluťoučký"), 2).await;
    let expected = [AddedType::clone(&early), AddedType::clone(&late.added)];
    assert_eq!(known(&store), expected);
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(known(&store), expected);
    assert_eq!(store.check().await, Ok(()));
}

/// A put of a known name changes it; the same entry again changes nothing, neither the version nor the answer's allocation.
pub async fn a_type_is_changed_by_putting_it_again(subject: impl Subject) {
    let store = subject.store();
    let first = put(&store, entry("order.paid", "a"), 1).await;
    let before = store.event_types();
    let same = store.put_event_type(entry("order.paid", "a"), TYPES_MAX, None, at(2)).await.unwrap();
    assert_eq!((same.added, same.is_new), (Arc::clone(&first), false));
    assert!(Arc::ptr_eq(&before, &store.event_types()), "nothing changed");
    let second = store.put_event_type(entry("order.paid", "b"), TYPES_MAX, None, at(3)).await.unwrap();
    assert!(!second.is_new && second.added.version > first.version);
    assert_eq!((second.added.created_at, second.added.updated_at), (at(1), at(3)));
    assert!(!Arc::ptr_eq(&before, &store.event_types()));
    assert_eq!(known(&store), [AddedType::clone(&second.added)]);
}

/// Who saw another version, or one that is gone, changes nothing; a version does not come back with the name.
pub async fn a_type_that_changed_meanwhile_is_left_alone(subject: impl Subject) {
    let store = subject.store();
    let name = event_type("order.paid");
    let seen = put(&store, entry("order.paid", "a"), 1).await;
    let present = put(&store, entry("order.paid", "b"), 2).await;
    let stale = Some(seen.version);
    let changed = store.put_event_type(entry("order.paid", "c"), TYPES_MAX, stale, at(3)).await;
    assert_eq!(changed, Err(StoreError::Changed));
    assert_eq!(store.delete_event_type(name.clone(), stale).await, Err(StoreError::Changed));
    assert_eq!(known(&store), [AddedType::clone(&present)]);
    assert_eq!(store.delete_event_type(name.clone(), Some(present.version)).await, Ok(()));
    let gone = store.put_event_type(entry("order.paid", "c"), TYPES_MAX, stale, at(4)).await;
    assert_eq!(gone, Err(StoreError::Changed));
    let again = put(&store, entry("order.paid", "a"), 5).await;
    assert!(again.version > present.version, "{again:?}");
}

/// There are so many added types; one of them can be changed still.
pub async fn there_are_so_many_added_types(subject: impl Subject) {
    let store = subject.store();
    let with_limit = async |name: &str, text: &str| {
        store.put_event_type(entry(name, text), 2, None, at(1)).await.map(|put| put.is_new)
    };
    assert_eq!(with_limit("a.a", "1").await, Ok(true));
    assert_eq!(with_limit("a.b", "1").await, Ok(true));
    assert!(matches!(with_limit("a.c", "1").await, Err(StoreError::Conflict(_))));
    assert_eq!(with_limit("a.b", "2").await, Ok(false));
    assert_eq!(store.delete_event_type(event_type("a.a"), None).await, Ok(()));
    assert_eq!(with_limit("a.c", "1").await, Ok(true));
}

/// A deleted type is gone, and its events are read as before, after a restart too.
pub async fn events_of_a_deleted_type_stay(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    put(&store, entry("order.paid", "a"), 1).await;
    let published = given::one_event(&store, team, "order.paid").await;
    assert_eq!(store.delete_event_type(event_type("order.paid"), None).await, Ok(()));
    let again = store.delete_event_type(event_type("order.paid"), None).await;
    assert_eq!(again, Err(StoreError::NotFound));
    assert_eq!(known(&store), []);
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(known(&store), []);
    assert_eq!(read::log(&store, team).await, [Entry::clone(&published)]);
}
