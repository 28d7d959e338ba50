//! Rotating a webhook's secret (T3).

use cstar_types::{TeamId, Timestamp, Webhook, WebhookId};

use super::given::{self, at};
use super::{AnyStore, Subject, read};
use crate::{Rotation, SecretText, StoreError, WebhookPatch, WebhookSecrets};

fn secret(name: &str) -> SecretText {
    SecretText::new(format!("whsec_{name}"))
}

fn to(name: &str, overlap_until: Option<Timestamp>) -> Rotation {
    Rotation { secret: secret(name), overlap_until }
}

fn secrets(current: &str, previous: Option<(&str, Timestamp)>) -> WebhookSecrets {
    let previous = previous.map(|(name, until)| (secret(name), until));
    WebhookSecrets { current: secret(current), previous }
}

async fn of(store: &AnyStore, webhook: WebhookId) -> WebhookSecrets {
    store.webhook_to_send(webhook).await.expect("it is there").1
}

/// A team and its webhook, whose secret is called `first`.
async fn begun(store: &AnyStore) -> (TeamId, Webhook) {
    let team = given::team(store).await;
    let webhook = given::new_webhook(team, "*");
    (team, store.create_webhook(webhook, secret("first"), 9).await.expect("a new webhook is taken"))
}

/// T3: the secret before stays beside the new one, with the end of its overlap, after a restart too; a rotation counts a
/// version and notes the time, and a patch leaves it alone.
pub async fn the_secret_before_is_kept_for_the_overlap(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook) = begun(&store).await;
    let id = webhook.id;
    let rotated = store.rotate_secret(team, id, to("second", Some(at(60))), Some(1), at(2)).await;
    let expected = Webhook { secret_overlap_until: Some(at(60)), version: 2, updated_at: at(2), ..webhook };
    assert_eq!(rotated, Ok(expected.clone()));
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(of(&store, id).await, secrets("second", Some(("first", at(60)))));
    let patch = WebhookPatch { description: Some("patched".to_owned()), ..WebhookPatch::default() };
    let patched = store.update_webhook(team, id, patch, None, at(3)).await;
    let description = "patched".to_owned();
    let expected = Webhook { description, version: 3, updated_at: at(3), ..expected };
    assert_eq!(patched, Ok(expected.clone()));
    assert_eq!(of(&store, id).await, secrets("second", Some(("first", at(60)))));
    assert_eq!(store.webhook(team, id).await, Ok(expected.clone()));
    assert_eq!(store.webhooks(team, read::first(9)).await.unwrap().rows, [expected]);
}

/// T3: without an overlap, and with one that lies in the past, the secret before is forgotten at once.
pub async fn without_an_overlap_the_secret_before_is_forgotten(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook) = begun(&store).await;
    for (name, overlap_until) in [("second", None), ("third", Some(at(5))), ("fourth", Some(at(4)))] {
        let rotated = store.rotate_secret(team, webhook.id, to(name, overlap_until), None, at(5)).await;
        assert_eq!(rotated.map(|webhook| webhook.secret_overlap_until), Ok(None));
        assert_eq!(of(&store, webhook.id).await, secrets(name, None));
    }
}

/// T3: while an overlap is open no third secret comes in, but one that takes the place of both; then there is room again.
pub async fn an_open_overlap_has_no_room_for_a_third_secret(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook) = begun(&store).await;
    let rotate = async |rotation, now| {
        let rotated = store.rotate_secret(team, webhook.id, rotation, None, now).await;
        rotated.map(|webhook| webhook.version).map_err(|error| matches!(error, StoreError::Conflict(_)))
    };
    assert_eq!(rotate(to("second", Some(at(60))), at(0)).await, Ok(2));
    assert_eq!(rotate(to("third", Some(at(120))), at(59)).await, Err(true));
    assert_eq!(rotate(to("first", Some(at(120))), at(59)).await, Err(true));
    assert_eq!(of(&store, webhook.id).await, secrets("second", Some(("first", at(60)))));
    assert_eq!(rotate(to("third", Some(at(120))), at(60)).await, Ok(3));
    assert_eq!(of(&store, webhook.id).await, secrets("third", Some(("second", at(120)))));
    assert_eq!(rotate(to("second", None), at(61)).await, Ok(4));
    assert_eq!(of(&store, webhook.id).await, secrets("second", None));
}

/// The secret that a webhook has is not a new one: with it a rotation is refused, in an overlap and outside.
pub async fn a_webhook_is_not_rotated_to_its_own_secret(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook) = begun(&store).await;
    for name in ["first", "second"] {
        for overlap_until in [None, Some(at(90))] {
            let same = store.rotate_secret(team, webhook.id, to(name, overlap_until), None, at(1)).await;
            assert!(matches!(same, Err(StoreError::Conflict(_))), "{same:?}");
        }
        if name == "first" {
            store.rotate_secret(team, webhook.id, to("second", Some(at(60))), None, at(1)).await.unwrap();
        }
    }
    assert_eq!(of(&store, webhook.id).await, secrets("second", Some(("first", at(60)))));
}

/// T3: an overlap ends by call, once; where none is kept the call changes nothing.
pub async fn an_overlap_is_ended_by_call(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook) = begun(&store).await;
    let id = webhook.id;
    assert_eq!(store.end_overlap(team, id, None, at(1)).await, Ok(()));
    assert_eq!(store.webhook(team, id).await, Ok(webhook.clone()));
    store.rotate_secret(team, id, to("second", Some(at(60))), None, at(2)).await.unwrap();
    for second in [3, 4] {
        assert_eq!(store.end_overlap(team, id, None, at(second)).await, Ok(()));
        let expected = Webhook { version: 3, updated_at: at(3), ..webhook.clone() };
        assert_eq!(store.webhook(team, id).await, Ok(expected));
        assert_eq!(of(&store, id).await, secrets("second", None));
    }
}

/// T24: another team's webhook, a deleted one, and another version than the expected one are left alone.
pub async fn secrets_of_others_are_left_alone(subject: impl Subject) {
    let store = subject.store();
    let ((team, webhook), other) = (begun(&store).await, given::team(&store).await);
    store.rotate_secret(team, webhook.id, to("second", Some(at(60))), None, at(1)).await.unwrap();
    let attempts = [
        (other, webhook.id, None, StoreError::NotFound),
        (team, given::new_webhook(team, "*").id, None, StoreError::NotFound),
        (team, webhook.id, Some(1), StoreError::Changed),
    ];
    for (team, id, expected, error) in attempts {
        let rotated = store.rotate_secret(team, id, to("third", None), expected, at(2)).await;
        assert_eq!(rotated, Err(error.clone()));
        assert_eq!(store.end_overlap(team, id, expected, at(2)).await, Err(error));
    }
    assert_eq!(of(&store, webhook.id).await, secrets("second", Some(("first", at(60)))));
    store.delete_webhook(team, webhook.id, None, at(3)).await.unwrap();
    let rotated = store.rotate_secret(team, webhook.id, to("third", None), None, at(4)).await;
    assert_eq!(rotated, Err(StoreError::NotFound));
    assert_eq!(store.end_overlap(team, webhook.id, None, at(4)).await, Err(StoreError::NotFound));
}
