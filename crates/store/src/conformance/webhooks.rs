//! Webhooks: making, changing, listing.

use std::time::Duration;

use cstar_types::{DisabledReason, RetrySchedule, Webhook, WebhookStatus};

use super::given::{self, at};
use super::{Subject, read};
use crate::{ListQuery, SecretText, StoreError, WebhookPatch};

/// A webhook is read as it was stored, after a restart too; SEC-3: its secret goes to the sender alone.
pub async fn a_webhook_is_read_as_it_was_stored(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let plain = given::new_webhook(team, "*");
    let odd = Webhook {
        url: "https://xn--hkyrky-ptac70bc.cz/päth?q=%27%3b--".to_owned(),
        description: "žluťoučký '; DROP TABLE \u{0}".to_owned(),
        status: WebhookStatus::Disabled,
        disabled_reason: Some(DisabledReason::ByRequest),
        retry_schedule: Some("250ms,7d".parse().unwrap()),
        headers: vec![("x-b".to_owned(), "2".to_owned()), ("x-a".to_owned(), "1, \"ä\"".to_owned())],
        disable_on_gone: true,
        ordered: true,
        rate_limit: Some(1000),
        filter: Some(r#"{"any":[{"pointer":"/ä~1b","one_of":[1.5,"ž",null]},{"pointer":"/n","less_than":9223372036854775808}]}"#.parse().unwrap()),
        ..given::new_webhook(team, "ticket.*,*.created,boss.spawned")
    };
    let never = Webhook {
        retry_schedule: Some(RetrySchedule::new(Vec::new()).unwrap()),
        ..given::new_webhook(team, "*")
    };
    for webhook in [&plain, &odd, &never] {
        let stored = store.create_webhook(webhook.clone(), secret_of(webhook), 9).await;
        assert_eq!(stored, Ok(webhook.clone()));
    }
    drop(store);
    let store = subject.reopened().await.store();
    for webhook in [plain, odd, never] {
        assert_eq!(store.webhook(team, webhook.id).await, Ok(webhook.clone()));
        let (read, secrets) = store.webhook_to_send(webhook.id).await.unwrap();
        assert_eq!((secrets.current, secrets.previous), (secret_of(&webhook), None));
        assert_eq!(read, webhook);
    }
}

fn secret_of(webhook: &Webhook) -> SecretText {
    SecretText::new(format!("whsec_{}", webhook.id))
}

/// A patch changes what it names and nothing else, counts a version and notes the time.
pub async fn a_patch_changes_what_it_names(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let mut expected = given::new_webhook(team, "*");
    let id = expected.id;
    store.create_webhook(expected.clone(), secret_of(&expected), 9).await.unwrap();
    let schedule = RetrySchedule::new(vec![Duration::from_secs(5)]).unwrap();
    let none = WebhookPatch::default;
    type Change = fn(&mut Webhook);
    let filter = || r#"{"pointer":"/a","exists":true}"#.parse().unwrap();
    let patches: [(WebhookPatch, Change); 14] = [
        (WebhookPatch { url: Some("https://b.example".to_owned()), ..none() }, |webhook| {
            webhook.url = "https://b.example".to_owned();
        }),
        (given::wanting("boss.*,*.created"), |webhook| webhook.events = given::list("boss.*,*.created")),
        (WebhookPatch { filter: Some(Some(filter())), ..none() }, |webhook| {
            webhook.filter = Some(r#"{"pointer":"/a","exists":true}"#.parse().unwrap());
        }),
        (WebhookPatch { filter: Some(None), ..none() }, |webhook| webhook.filter = None),
        (WebhookPatch { description: Some(String::new()), ..none() }, |webhook| webhook.description.clear()),
        (WebhookPatch { retry_schedule: Some(Some(schedule)), ..none() }, |webhook| {
            webhook.retry_schedule = Some("5s".parse().unwrap());
        }),
        (WebhookPatch { retry_schedule: Some(None), ..none() }, |webhook| webhook.retry_schedule = None),
        (WebhookPatch { headers: Some(vec![("x-a".to_owned(), "1".to_owned())]), ..none() }, |webhook| {
            webhook.headers = vec![("x-a".to_owned(), "1".to_owned())];
        }),
        (WebhookPatch { ordered: Some(true), ..none() }, |webhook| webhook.ordered = true),
        (WebhookPatch { rate_limit: Some(Some(7)), ..none() }, |webhook| webhook.rate_limit = Some(7)),
        (WebhookPatch { rate_limit: Some(None), ..none() }, |webhook| webhook.rate_limit = None),
        (WebhookPatch { disable_on_gone: Some(true), ..none() }, |webhook| webhook.disable_on_gone = true),
        (WebhookPatch { enabled: Some(Err(DisabledReason::ByRequest)), ..none() }, |webhook| {
            webhook.status = WebhookStatus::Disabled;
            webhook.disabled_reason = Some(DisabledReason::ByRequest);
        }),
        (WebhookPatch { enabled: Some(Ok(())), ..none() }, |webhook| {
            webhook.status = WebhookStatus::Enabled;
            webhook.disabled_reason = None;
        }),
    ];
    for (second, (patch, change)) in (1..).zip(patches) {
        change(&mut expected);
        expected.version += 1;
        expected.updated_at = at(second);
        let changed = store.update_webhook(team, id, patch, Some(expected.version - 1), at(second)).await;
        assert_eq!(changed, Ok(expected.clone()));
        assert_eq!(store.webhook(team, id).await, Ok(expected.clone()));
        assert_eq!(store.webhook_to_send(id).await.unwrap().1.current, secret_of(&expected));
    }
}

/// Another version than the expected one is `Changed`, and changes nothing.
pub async fn a_webhook_that_changed_meanwhile_is_left_alone(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let id = given::webhook(&store, team, "*").await;
    let seen = store.update_webhook(team, id, given::wanting("boss.*"), Some(1), at(1)).await.unwrap();
    for stale in [0, 1, 3, u64::MAX] {
        let patched = store.update_webhook(team, id, given::wanting("*"), Some(stale), at(2)).await;
        assert_eq!(patched, Err(StoreError::Changed));
        assert_eq!(store.delete_webhook(team, id, Some(stale), at(2)).await, Err(StoreError::Changed));
    }
    assert_eq!(store.webhook(team, id).await, Ok(seen));
    assert_eq!(store.delete_webhook(team, id, Some(2), at(2)).await, Ok(()));
}

/// `TooMany` at the limit; disabled ones count, deleted ones and other teams' do not.
pub async fn a_team_has_so_many_webhooks(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    given::webhook(&store, other, "*").await;
    let first = given::webhook(&store, team, "*").await;
    let second = given::webhook(&store, team, "*").await;
    store.disable_webhook(first, None, DisabledReason::Gone, at(0)).await.unwrap();
    let one_more = async || store.create_webhook(given::new_webhook(team, "*"), given::secret(), 2).await;
    assert_eq!(one_more().await, Err(StoreError::TooMany { limit: 2 }));
    store.delete_webhook(team, second, None, at(0)).await.unwrap();
    assert!(one_more().await.is_ok());
    assert_eq!(one_more().await, Err(StoreError::TooMany { limit: 2 }));
    let stray = given::new_webhook(given::new_team("never stored").id, "*");
    let stored = store.create_webhook(stray, given::secret(), 2).await;
    assert_eq!(stored, Err(StoreError::NotFound));
}

/// `Conflict` for an id that is taken, by another team's or a deleted one too while its deliveries are in the logs: they
/// say where they went.
pub async fn a_webhooks_id_is_given_once(subject: impl Subject) {
    let store = subject.store();
    let (team, id, _) = given::one_delivery(&store).await;
    let other = given::team(&store).await;
    for deleted in [false, true] {
        if deleted {
            store.delete_webhook(team, id, None, at(1)).await.unwrap();
        }
        for of in [team, other] {
            let webhook = cstar_types::Webhook { id, ..given::new_webhook(of, "*") };
            let refused = store.create_webhook(webhook, given::secret(), given::WEBHOOKS_MAX).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
    }
}

/// The webhooks of a team, newest first, page by page.
pub async fn webhooks_are_listed_newest_first(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let mut made = Vec::new();
    for _ in 0..7 {
        made.insert(0, given::webhook(&store, team, "*").await);
        given::webhook(&store, other, "*").await;
    }
    for limit in [1, 3, 7, 200] {
        let ask = async |from| store.webhooks(team, ListQuery { from, limit }).await;
        let rows = read::to_the_end(limit, None, ask).await.unwrap();
        assert_eq!(rows.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), made);
    }
    assert_eq!(
        store.webhooks(given::new_team("never stored").id, read::first(9)).await,
        Err(StoreError::NotFound)
    );
}
