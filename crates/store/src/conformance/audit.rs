//! The audit log.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cstar_types::catalog::CatalogEntry;
use cstar_types::{
    Actor, AuditAction, AuditEntry, Author, EventId, KeyId, OperationId, OperationWork, ResendFilter, TeamId,
    WebhookId,
};
use uuid::Uuid;

use super::given::{self, at, event_type};
use super::{AnyStore, Subject, read};
use crate::{AuditQuery, ListQuery, NewOperation, Rotation, SecretText, StoreError, Verdict, WebhookPatch};

/// Every entry of a team, or of all.
fn every(team: Option<TeamId>) -> AuditQuery {
    AuditQuery { team, action: None, actor: None, since: None, until: None, from: None, limit: 200 }
}

async fn all(store: &AnyStore, team: Option<TeamId>) -> Vec<AuditEntry> {
    store.audit(every(team)).await.expect("the audit log is read").rows
}

fn key(second: i64) -> Author {
    Author {
        actor: Actor::Key(KeyId::from_bits(7)),
        at: at(second),
        address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))),
        request_id: format!("req_{second}"),
    }
}

fn entry(name: &str, description: &str) -> CatalogEntry {
    CatalogEntry {
        event_type: event_type(name),
        description: description.to_owned(),
        fires_on: String::new(),
        schema: "{}".to_owned(),
        example: "{}".to_owned(),
    }
}

fn resending(team: TeamId) -> NewOperation {
    let filter = ResendFilter { since: Some(at(0)), ..ResendFilter::default() };
    let id = OperationId::from_uuid(Uuid::now_v7());
    NewOperation { id, team, work: OperationWork::Resend(filter), visible: given::list("*") }
}

/// An entry is read as it was made, by whoever it was, after a restart too.
pub async fn an_entry_is_read_as_it_was_made(subject: impl Subject) {
    let store = subject.store();
    let v6 = Author { address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), ..Author::platform(at(2)) };
    let team = given::new_team("Acme").id;
    let made = cstar_types::Team { id: team, ..given::new_team("Acme") };
    store.by(Author::platform(at(1))).create_team(made).await.unwrap();
    store.by(v6.clone()).rename_team(team, "Ačme".to_owned(), None).await.unwrap();
    store.by(key(3)).put_on_record(AuditAction::StreamEnded, Some(team), "str_ž".to_owned()).await.unwrap();
    let entries = all(&store, None).await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action, &*entry.resource, &entry.by)).collect();
    let id = team.to_string();
    assert_eq!(
        told,
        [
            (AuditAction::StreamEnded, "str_ž", &key(3)),
            (AuditAction::TeamUpdated, &*id, &v6),
            (AuditAction::TeamCreated, &*id, &Author::platform(at(1))),
        ]
    );
    assert!(entries.iter().all(|entry| entry.team == Some(team)));
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(all(&store, None).await, entries);
    assert_eq!(store.check().await, Ok(()));
}

/// Each call that changes something for somebody leaves one entry that names what was changed.
pub async fn each_change_leaves_one_entry(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    given::recorded(&store, &due, Verdict::Failed, at(1)).await;
    let event = due.entry.event.id;
    assert_eq!(all(&store, None).await, [], "nobody's changes are on nobody's record");
    let by = store.by(key(5));
    let (new, digest) = given::new_key(team);
    let own = given::new_webhook(team, "boss.*");
    let operation = resending(team);
    let rotation = Rotation { secret: SecretText::new("whsec_new".to_owned()), overlap_until: Some(at(99)) };
    by.create_key(new.clone(), digest).await.unwrap();
    by.revoke_key(team, new.id, at(5)).await.unwrap();
    by.create_webhook(own.clone(), given::secret(), 9).await.unwrap();
    by.update_webhook(team, own.id, given::wanting("*"), None, at(5)).await.unwrap();
    by.rotate_secret(team, own.id, rotation, None, at(5)).await.unwrap();
    by.end_overlap(team, own.id, None, at(5)).await.unwrap();
    by.delete_webhook(team, own.id, None, at(5)).await.unwrap();
    by.resend(team, due.id, at(5)).await.unwrap();
    given::recorded(&store, &read::due(&store, webhook, at(5)).await.remove(0), Verdict::Failed, at(5)).await;
    by.deliver(team, event, webhook, at(5)).await.unwrap();
    by.begin(operation.clone(), at(5)).await.unwrap();
    by.cancel_operation(team, operation.id, at(5)).await.unwrap();
    by.put_event_type(entry("order.paid", "a"), 9, None, at(5)).await.unwrap();
    by.put_event_type(entry("order.paid", "b"), 9, None, at(5)).await.unwrap();
    by.delete_event_type(event_type("order.paid"), None).await.unwrap();
    by.delete_team(team, None).await.unwrap();
    let (id, own) = (team.to_string(), own.id.to_string());
    let expected = [
        (AuditAction::KeyCreated, Some(team), new.id.to_string()),
        (AuditAction::KeyRevoked, Some(team), new.id.to_string()),
        (AuditAction::WebhookCreated, Some(team), own.clone()),
        (AuditAction::WebhookUpdated, Some(team), own.clone()),
        (AuditAction::SecretRotated, Some(team), own.clone()),
        (AuditAction::OverlapEnded, Some(team), own.clone()),
        (AuditAction::WebhookDeleted, Some(team), own),
        (AuditAction::DeliveryResent, Some(team), due.id.to_string()),
        (AuditAction::EventResent, Some(team), event.to_string()),
        (AuditAction::OperationBegun, Some(team), operation.id.to_string()),
        (AuditAction::OperationCancelled, Some(team), operation.id.to_string()),
        (AuditAction::EventTypePut, None, "order.paid".to_owned()),
        (AuditAction::EventTypePut, None, "order.paid".to_owned()),
        (AuditAction::EventTypeDeleted, None, "order.paid".to_owned()),
        (AuditAction::TeamDeleted, Some(team), id),
    ];
    let mut entries = all(&store, None).await;
    entries.reverse();
    assert!(entries.iter().all(|entry| entry.by == key(5)), "{entries:?}");
    let told: Vec<_> = entries.into_iter().map(|entry| (entry.action, entry.team, entry.resource)).collect();
    assert_eq!(told, expected);
}

/// What is refused, and what finds everything as it should be, leaves no entry.
pub async fn what_changes_nothing_leaves_no_entry(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let revoked = given::key(&store, team).await;
    store.revoke_key(team, revoked, at(1)).await.unwrap();
    store.put_event_type(entry("order.paid", "a"), 9, None, at(1)).await.unwrap();
    let by = store.by(key(5));
    let gone = Err(StoreError::NotFound);
    assert_eq!(by.revoke_key(team, revoked, at(5)).await.map(|key| key.revoked_at), Ok(Some(at(1))));
    assert_eq!(by.end_overlap(team, webhook, None, at(5)).await, Ok(()));
    by.put_event_type(entry("order.paid", "a"), 9, None, at(5)).await.unwrap();
    assert_eq!(by.revoke_key(team, KeyId::from_bits(1), at(5)).await.map(|_| ()), gone);
    assert_eq!(by.delete_webhook(team, WebhookId::from_bits(1), None, at(5)).await, gone);
    assert_eq!(by.deliver(team, EventId::from_bits(1, false), webhook, at(5)).await.map(|_| ()), gone);
    assert_eq!(by.delete_event_type(event_type("order.made"), None).await, gone);
    assert_eq!(by.delete_team(team, Some(99)).await, Err(StoreError::Changed));
    let patch = WebhookPatch::default();
    let stale = by.update_webhook(team, webhook, patch, Some(99), at(5)).await;
    assert_eq!(stale.map(|_| ()), Err(StoreError::Changed));
    assert!(matches!(by.resend(team, due.id, at(5)).await, Err(StoreError::Conflict(_))));
    given::published(&by, team, &["ticket.created"], at(5)).await;
    given::recorded(&by, &due, Verdict::Delivered, at(6)).await;
    assert_eq!(all(&store, None).await, [], "publishing and results are nobody's changes");
}

/// Pages to the end are the whole, and filters cut the same list; ids rise in the order of commits, whatever the clock does.
pub async fn the_audit_log_is_read_in_pages(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    for turn in 0..9 {
        let (team, second) = (if turn % 3 == 0 { other } else { team }, 20 - turn);
        let author = if turn % 2 == 0 { key(second) } else { Author::platform(at(second)) };
        store.by(author).rename_team(team, format!("{turn}"), None).await.unwrap();
    }
    store.by(key(5)).put_event_type(entry("order.paid", "a"), 9, None, at(5)).await.unwrap();
    let whole = all(&store, None).await;
    assert_eq!(whole.len(), 10);
    assert!(whole.is_sorted_by(|newer, older| newer.id > older.id), "{whole:?}");
    let cuts = [
        every(None),
        every(Some(team)),
        AuditQuery { action: Some(AuditAction::EventTypePut), ..every(None) },
        AuditQuery { actor: Some(Actor::Platform), ..every(None) },
        AuditQuery { actor: Some(key(0).actor), ..every(Some(other)) },
        AuditQuery { since: Some(at(14)), until: Some(at(18)), ..every(None) },
    ];
    for cut in cuts {
        let expected: Vec<_> = whole.iter().filter(|entry| cut.asks_for(entry)).cloned().collect();
        assert!(!expected.is_empty(), "{cut:?}");
        for limit in [1, 3, 200] {
            let ask = async |from| store.audit(AuditQuery { from, limit, ..cut }).await;
            assert_eq!(read::to_the_end(limit, None, ask).await.unwrap(), expected, "{cut:?}");
        }
    }
}

/// SEC-2: a team sees what was changed of its own; of a deleted one, all that is left is in the whole.
pub async fn a_team_sees_its_own_changes(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    for team in [team, other] {
        store.by(key(1)).rename_team(team, "b".to_owned(), None).await.unwrap();
    }
    let own = all(&store, Some(team)).await;
    assert_eq!(own.iter().map(|entry| entry.team).collect::<Vec<_>>(), [Some(team)]);
    store.by(key(2)).delete_team(team, None).await.unwrap();
    assert_eq!(store.audit(every(Some(team))).await, Err(StoreError::NotFound));
    let unknown = given::new_team("never stored").id;
    assert_eq!(store.audit(every(Some(unknown))).await, Err(StoreError::NotFound));
    assert_eq!(all(&store, None).await.iter().filter(|entry| entry.team == Some(team)).count(), 2);
    assert_eq!(store.teams(ListQuery { from: None, limit: 9 }).await.unwrap().rows.len(), 1);
}

/// Old entries go from the front, so many at a time; the others stay, and ids go on behind them.
pub async fn old_entries_go(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    for second in 1..=5 {
        store.by(key(second)).rename_team(team, format!("{second}"), None).await.unwrap();
    }
    let whole = all(&store, None).await;
    assert_eq!(store.remove_old_audit(at(1), 9).await, Ok(0));
    assert_eq!(store.remove_old_audit(at(4), 2).await, Ok(2));
    assert_eq!(all(&store, None).await, whole[..3]);
    assert_eq!(store.remove_old_audit(at(4), 9).await, Ok(1));
    assert_eq!(store.remove_old_audit(at(4), 9).await, Ok(0));
    assert_eq!(all(&store, None).await, whole[..2]);
    assert_eq!(store.remove_old_audit(at(99), 9).await, Ok(2));
    store.by(key(6)).rename_team(team, "6".to_owned(), None).await.unwrap();
    assert!(all(&store, None).await[0].id > whole[0].id);

    // The clock was ahead once: that entry keeps those behind it from nothing.
    for second in [1000, 7, 8] {
        store.by(key(second)).rename_team(team, format!("{second}"), None).await.unwrap();
    }
    let ahead = all(&store, None).await[2].clone();
    assert_eq!(store.remove_old_audit(at(99), 2).await, Ok(2));
    assert_eq!(store.remove_old_audit(at(99), 2).await, Ok(1));
    assert_eq!(all(&store, None).await, [ahead]);
}
