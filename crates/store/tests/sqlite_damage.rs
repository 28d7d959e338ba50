//! LOG-3: what was damaged on the disk is found and said, never served and never dropped in silence.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use cstar_store::conformance::given::{self, at, keyed, new_event, publishing};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::sqlite::{MasterKey, Options, SqliteStore};
use cstar_store::{AuditQuery, NewOperation, Order, StoreError, Verdict};
use cstar_types::catalog::CatalogEntry;
use cstar_types::{
    Author, DeliveryStatus, DisabledReason, FailureRule, OperationId, OperationStatus, OperationWork,
    Patterns, ResendFilter, TeamId, Timestamp, WebhookId,
};
use rusqlite::Connection;
use uuid::Uuid;

const DB: &str = "cstar.db";
const WAL: &str = "cstar.db-wal";

fn open(dir: &Path) -> Result<AnyStore, StoreError> {
    let options = Options::new(dir, MasterKey::new([7; 32]));
    SqliteStore::open(options).map(|store| Arc::new(store) as AnyStore)
}

/// A store with some of everything.
async fn filled(store: &AnyStore) -> (TeamId, WebhookId) {
    let team = given::team(store).await;
    given::key(store, team).await;
    let webhook = given::webhook(store, team, "ticket.*").await;
    for turn in 0..20 {
        let data = format!("{{\"id\":\"{turn}\",\"title\":\"{}\"}}", "x".repeat(turn * 40));
        let event = keyed(new_event(team, "ticket.created", &data, at(0)), &format!("key {turn}"));
        store.append(publishing(team, vec![event], at(0))).await.unwrap();
    }
    for (due, verdict) in read::due(store, webhook, at(0))
        .await
        .iter()
        .zip([Verdict::Delivered, Verdict::Failed, Verdict::RetryAt(at(60))].iter().cycle())
    {
        given::recorded(store, due, *verdict, at(1)).await;
    }
    store.begin(resending(team, Patterns::all()), at(2)).await.unwrap();
    let by = store.by(Author::platform(at(2)));
    by.put_event_type(order_paid(), 9, None, at(2)).await.unwrap();
    (team, webhook)
}

fn every_change() -> AuditQuery {
    AuditQuery { team: None, action: None, actor: None, since: None, until: None, from: None, limit: 200 }
}

fn order_paid() -> CatalogEntry {
    CatalogEntry {
        event_type: given::event_type("order.paid"),
        description: "An order is paid".to_owned(),
        fires_on: "When the payment of an order is confirmed".to_owned(),
        schema: r#"{"type":"object"}"#.to_owned(),
        example: r#"{"id":"1"}"#.to_owned(),
    }
}

/// A resend of all that failed, by a key that sees these types.
fn resending(team: TeamId, visible: Patterns) -> NewOperation {
    let filter = ResendFilter { status: Some(DeliveryStatus::Failed), ..ResendFilter::default() };
    let id = OperationId::from_uuid(Uuid::now_v7());
    NewOperation { id, team, work: OperationWork::Resend(filter), visible }
}

/// All that can be read of it.
async fn all(store: &AnyStore, team: TeamId, webhook: WebhookId) -> Result<String, StoreError> {
    let mut all = vec![format!("{:?}", store.team(team).await?)];
    let keys = store.keys(team, read::first(200)).await?;
    all.push(format!("{keys:?}"));
    for key in keys.rows {
        all.push(format!("{:?}", store.key(key.id).await?));
    }
    let (to_send, secrets) = store.webhook_to_send(webhook).await?;
    all.push(format!("{to_send:?} {}", secrets.current.reveal()));
    all.push(format!("{:?}", read::events(store, team, read::every_event(Order::Asc, 200)).await?));
    let deliveries = read::deliveries(store, team, read::every_delivery(200)).await?;
    all.push(format!("{deliveries:?}"));
    for delivery in deliveries {
        all.push(format!("{:?}", store.delivery(team, delivery.id).await?));
    }
    all.push(format!("{:?}", store.due(webhook, Timestamp::from_millis(i64::MAX), 200).await?));
    all.push(format!("{:?}", store.lanes().await?));
    all.push(format!("{:?}", store.operations(team, read::first(200)).await?));
    all.push(format!("{:?}", store.event_types()));
    all.push(format!("{:?}", store.audit(every_change()).await?));
    Ok(all.join("\n"))
}

/// LOG-3: one bit of the file changes, somewhere; then either everything is as it was, or somebody is told.
#[tokio::test]
async fn a_flipped_bit_is_found_or_harmless() {
    /// Prime, so that every offset within a page and every kind of page comes up.
    const STRIDE_BYTES: usize = 1009;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (team, webhook) = filled(&store).await;
    let before = all(&store, team, webhook).await.unwrap();
    assert_eq!(store.check().await, Ok(()));
    drop(store);

    let sound = fs::read(dir.path().join(DB)).unwrap();
    let (mut found, mut harmless) = (0, 0);
    for (turn, at) in (0..sound.len()).step_by(STRIDE_BYTES).enumerate() {
        match flipped(dir.path(), &sound, at, turn, (team, webhook), &before).await {
            Flip::Found => found += 1,
            Flip::Harmless => harmless += 1, // bytes that no row and no page uses
            Flip::Unsaid => panic!("byte {at} was changed, and nobody said so"),
        }
    }
    assert!(found > 20, "{found} found, {harmless} harmless: the flips missed what matters");
}

/// LOG-3: what all rows lean on, the epoch of every position and the name of every type, is small; so every byte of it
/// is changed once, and each change is found.
#[tokio::test]
async fn no_byte_of_the_epoch_or_of_a_type_changes_unnoticed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (team, webhook) = filled(&store).await;
    let before = all(&store, team, webhook).await.unwrap();
    drop(store);
    let file = dir.path().join(DB);
    let sound = fs::read(&file).unwrap();
    for table in ["meta", "types"] {
        let mut harmless = 0;
        for (turn, at) in cells(&file, &sound, table).enumerate() {
            let flip = flipped(dir.path(), &sound, at, turn, (team, webhook), &before).await;
            assert!(flip != Flip::Unsaid, "byte {at} of {table}");
            harmless += usize::from(flip == Flip::Harmless);
        }
        assert!(harmless <= 1, "what SQLite puts in the place of a row's number is never read");
    }
}

/// Where the rows of a small table stand in the file: behind the free space of its one page.
fn cells(file: &Path, bytes: &[u8], table: &str) -> std::ops::Range<usize> {
    fs::write(file, bytes).unwrap();
    let conn = Connection::open(file).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: usize = conn.query_row(root, [table], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let begin = (root - 1) * page;
    let cells = usize::from(u16::from_be_bytes([bytes[begin + 5], bytes[begin + 6]]));
    begin + cells..begin + page
}

#[derive(Debug, PartialEq, Eq)]
enum Flip {
    Found,
    Harmless,
    Unsaid,
}

/// What comes of one bit of the file that changed.
async fn flipped(
    dir: &Path,
    sound: &[u8],
    at: usize,
    turn: usize,
    (team, webhook): (TeamId, WebhookId),
    before: &str,
) -> Flip {
    let mut damaged = sound.to_vec();
    damaged[at] ^= 1 << (turn % 8);
    fs::write(dir.join(DB), damaged).unwrap();
    let Ok(store) = open(dir) else { return Flip::Found };
    let after = all(&store, team, webhook).await;
    let checked = store.check().await;
    given::soon(store.close()).await;
    match (after.as_deref(), checked) {
        (Ok(after), Ok(())) if after == before => Flip::Harmless,
        (Ok(_), Ok(())) => Flip::Unsaid,
        _ => Flip::Found,
    }
}

/// LOG-3: a body whose bytes changed is not served.
#[tokio::test]
async fn a_changed_body_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let event = new_event(team, "ticket.created", r#"{"title":"find me here"}"#, at(0));
    let id = event.event.id;
    store.append(publishing(team, vec![event], at(0))).await.unwrap();
    drop(store);

    let file = dir.path().join(DB);
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(12).position(|window| window == b"find me here").unwrap();
    bytes[at] = b'F';
    fs::write(&file, bytes).unwrap();

    let store = open(dir.path()).unwrap();
    assert!(matches!(store.event(team, id).await, Err(StoreError::Damaged(_))));
    assert!(matches!(
        read::log_behind(&store, team, 0, cstar_store::SliceLimit { entries: 9, bytes: 9 }).await,
        Err(StoreError::Damaged(_))
    ));
    assert!(matches!(store.check().await, Err(StoreError::Damaged(what)) if what.contains("events row")));
    assert!(store.ends(team).await.is_ok(), "what is not damaged is still served");
}

/// LOG-3, DLV-3: a delivery that is damaged holds up no other: the others are due, recorded and cancelled, and it is an
/// error where it is read.
#[tokio::test]
async fn a_damaged_delivery_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 3], at(0)).await;
    let due = read::due(&store, webhook, at(0)).await;
    drop(store);

    // The random half of an id stands in its row alone.
    let file = dir.path().join(DB);
    let mut bytes = fs::read(&file).unwrap();
    let tag = (due[0].id.bits() as u64).to_be_bytes();
    let at_byte = bytes.windows(8).position(|window| window == tag).unwrap();
    bytes[at_byte + 3] ^= 1;
    fs::write(&file, bytes).unwrap();

    let store = open(dir.path()).unwrap();
    assert_eq!(store.lanes().await.unwrap(), [(webhook, at(0))]);
    assert_eq!(read::due(&store, webhook, at(0)).await, due[1..]);
    let first = store.due(webhook, at(0), 1).await.unwrap();
    assert_eq!((first.due.as_slice(), first.next), (&due[1..2], Some(at(0))));
    let reports = due.iter().take(2).map(|due| given::report(due, Verdict::Delivered, at(1))).collect();
    let recorded = store.record(reports, FailureRule::NEVER).await;
    assert_eq!(recorded, Ok(vec![DeliveryStatus::Failed, DeliveryStatus::Delivered]));
    assert_eq!(store.delivery(team, due[1].id).await.unwrap().1.len(), 1);
    store.delete_webhook(team, webhook, None, at(2)).await.unwrap();
    let last = store.delivery(team, due[2].id).await.unwrap().0;
    assert_eq!(last.status, DeliveryStatus::Cancelled);
    assert!(matches!(store.delivery(team, due[0].id).await, Err(StoreError::Damaged(_))));
    assert!(matches!(store.check().await, Err(StoreError::Damaged(what)) if what.contains("deliveries row")));
}

/// What an event said goes whatever else of it is damaged: its own body, what was answered to sound and to damaged attempts,
/// and what still waits is cancelled. What was damaged stays an error where it is read.
#[tokio::test]
async fn what_is_damaged_keeps_no_event_from_being_erased() {
    const SAID: &str = "find me here";
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let mut deliveries = Vec::new();
    let mut webhooks = Vec::new();
    for _ in 0..4 {
        webhooks.push(given::webhook(&store, team, "*").await);
    }
    let event = new_event(team, "ticket.created", &format!(r#"{{"title":"{SAID}"}}"#), at(0));
    let id = event.event.id;
    store.append(publishing(team, vec![event], at(0))).await.unwrap();
    for webhook in &webhooks {
        for second in [1, 2] {
            let due = given::only_due(&store, *webhook).await;
            let mut report = given::report(&due, Verdict::RetryAt(at(second)), at(second));
            report.attempt.response_body = SAID.to_owned();
            store.record([report].into(), FailureRule::NEVER).await.unwrap();
            deliveries.push(due.id);
        }
    }
    deliveries.dedup();
    given::soon(store.close()).await;
    drop(store);

    // The first delivery, the newest attempt of the second, and the third webhook.
    let changes = [
        format!(
            "UPDATE deliveries SET failed = failed + 1 WHERE tag = {}",
            deliveries[0].bits() as u64 as i64
        ),
        format!(
            "UPDATE attempts SET duration_ms = duration_ms + 1 WHERE number =
                 (SELECT last_attempt FROM deliveries WHERE tag = {})",
            deliveries[1].bits() as u64 as i64
        ),
        format!("UPDATE webhooks SET url = url || 'x' WHERE id = x'{:032x}'", webhooks[2].bits()),
    ];
    let stranger = Connection::open(dir.path().join(DB)).unwrap();
    for change in changes {
        assert_eq!(stranger.execute(&change, ()), Ok(1), "{change}");
    }
    drop(stranger);

    let store = open(dir.path()).unwrap();
    assert_eq!(store.erase(team, id).await, Ok(()));
    assert_eq!(store.event(team, id).await.unwrap().event.data(), b"{}");
    let sound = store.delivery(team, deliveries[3]).await.unwrap().0;
    assert_eq!(sound.status, DeliveryStatus::Cancelled);
    for damaged in &deliveries[..2] {
        assert!(matches!(store.delivery(team, *damaged).await, Err(StoreError::Damaged(_))));
    }
    assert_eq!(store.erase(team, id).await, Ok(()), "a second time is as good as the first");
    given::soon(store.close()).await;
    drop(store);
    let bytes = fs::read(dir.path().join(DB)).unwrap();
    assert!(!bytes.windows(SAID.len()).any(|window| window == SAID.as_bytes()), "nothing of it is left");
}

/// Since when a webhook fails is counted beside it: where that is damaged, the webhook is shown without, can be changed, and
/// is counted anew from its next result.
#[tokio::test]
async fn damaged_failures_hold_up_no_webhook() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for (second, verdict) in [(1, Verdict::Failed), (3, Verdict::Delivered)] {
        given::published(&store, team, &["ticket.created"; 2], at(0)).await;
        let due = read::due(&store, webhook, at(0)).await;
        given::recorded(&store, &due[0], Verdict::Failed, at(second)).await;
        assert_eq!(store.webhook(team, webhook).await.unwrap().failing_since, Some(at(second)));
        given::soon(store.close()).await;
        drop(store);
        let stranger = Connection::open(dir.path().join(DB)).unwrap();
        assert_eq!(stranger.execute("UPDATE failures SET attempts = attempts + 1", ()), Ok(1));
        drop(stranger);

        store = open(dir.path()).unwrap();
        assert_eq!(store.webhook(team, webhook).await.unwrap().failing_since, None);
        assert_eq!(store.webhooks(team, read::first(9)).await.unwrap().rows.len(), 1);
        store.update_webhook(team, webhook, given::wanting("ticket.*"), None, at(9)).await.unwrap();
        assert!(
            matches!(store.check().await, Err(StoreError::Damaged(what)) if what.contains("failures row"))
        );
        given::recorded(&store, &due[1], verdict, at(second + 1)).await;
        let anew = (verdict == Verdict::Failed).then_some(at(second + 1));
        assert_eq!(store.webhook(team, webhook).await.unwrap().failing_since, anew);
        assert_eq!(store.check().await, Ok(()));
        // It is well again, so that the next failure is the first.
        given::published(&store, team, &["ticket.created"], at(0)).await;
        let due = given::only_due(&store, webhook).await;
        given::recorded(&store, &due, Verdict::Delivered, at(second + 1)).await;
    }
    store.delete_webhook(team, webhook, None, at(9)).await.unwrap();
}

/// LOG-3: what hears notices is damaged, and so none is made; results are recorded, and webhooks disabled, all the same.
#[tokio::test]
async fn damage_to_notices_holds_up_no_result() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    given::webhook(&store, TeamId::OPERATOR, "*").await;
    let (team, webhook, due) = given::one_delivery(&store).await;
    given::soon(store.close()).await;
    drop(store);
    let stranger = Connection::open(dir.path().join(DB)).unwrap();
    assert_eq!(stranger.execute("UPDATE webhooks SET url = 'https://else.where/' WHERE team = 0", ()), Ok(1));
    drop(stranger);

    let store = open(dir.path()).unwrap();
    assert!(matches!(store.check().await, Err(StoreError::Damaged(what)) if what.contains("webhooks row")));
    assert_eq!(given::recorded(&store, &due, Verdict::Failed, at(1)).await, DeliveryStatus::Failed);
    store.disable_webhook(webhook, None, DisabledReason::Gone, at(2)).await.unwrap();
    assert_eq!(store.webhook(team, webhook).await.unwrap().disabled_reason, Some(DisabledReason::Gone));
    assert!(read::log(&store, TeamId::OPERATOR).await.is_empty());
}

/// LOG-3: a damaged delivery is left out of a resend of many and counted, and a damaged operation holds up no other.
#[tokio::test]
async fn damage_holds_up_no_operation() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 3], at(0)).await;
    let due = read::due(&store, webhook, at(0)).await;
    store
        .record(
            due.iter().map(|due| given::report(due, Verdict::Failed, at(1))).collect(),
            FailureRule::NEVER,
        )
        .await
        .unwrap();
    let damaged = store.begin(resending(team, given::list("boss.spawned")), at(2)).await.unwrap();
    let sound = store.begin(resending(team, given::list("*")), at(3)).await.unwrap();
    drop(store);

    let file = dir.path().join(DB);
    let mut bytes = fs::read(&file).unwrap();
    let tag = (due[0].id.bits() as u64).to_be_bytes();
    for found in [&tag[..], b"boss.spawned"] {
        let at_byte = bytes.windows(found.len()).position(|window| window == found).unwrap();
        bytes[at_byte + 3] ^= 1;
    }
    fs::write(&file, bytes).unwrap();

    let store = open(dir.path()).unwrap();
    while store.go_on(2, at(4)).await.unwrap() {}
    let ended = store.operation(team, sound.id).await.unwrap();
    assert_eq!((ended.status, ended.done, ended.skipped), (OperationStatus::Done, 2, 1));
    assert!(matches!(store.operation(team, damaged.id).await, Err(StoreError::Damaged(_))));
    assert!(matches!(store.check().await, Err(StoreError::Damaged(what)) if what.contains("operations row")));
}

/// Keeps the WAL from being brought into the database for as long as it is held: a stranger reads the database as it was
/// before, so both files can be copied while the store is at work.
fn without_checkpoints(dir: &Path) -> Connection {
    let stranger = Connection::open(dir.join(DB)).unwrap();
    stranger.execute_batch("BEGIN; SELECT * FROM teams").unwrap();
    stranger
}

/// What a kill leaves: the files as they are, nothing closed.
fn left_by_a_kill(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in [DB, WAL] {
        fs::copy(dir.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// LOG-1: after a kill everything that was answered is there.
#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let _held = without_checkpoints(dir.path());
    let (team, webhook) = filled(&store).await;
    let before = all(&store, team, webhook).await.unwrap();
    let left = left_by_a_kill(dir.path());
    let restarted = open(left.path()).unwrap();
    assert_eq!(all(&restarted, team, webhook).await.unwrap(), before);
    assert_eq!(restarted.check().await, Ok(()));
}

/// LOG-3: damage in the middle of the write-ahead log would silently lose all commits behind it; the store refuses to
/// start instead, and says what to do.
#[tokio::test]
async fn damage_in_the_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let _held = without_checkpoints(dir.path());
    let (team, _) = filled(&store).await;
    let left = left_by_a_kill(dir.path());
    let file = left.path().join(WAL);
    let sound = fs::read(&file).unwrap();
    for part in [4, 3, 2] {
        let mut damaged = sound.clone();
        damaged[sound.len() / part] ^= 0x20;
        fs::write(&file, &damaged).unwrap();
        let Err(StoreError::Damaged(what)) = open(left.path()) else { panic!("it opened") };
        assert!(what.contains("wal_damaged") && what.contains("restore a backup"), "{what}");

        // Without a backup its advice brings back what is whole, without a hole.
        let cut = what.split("to ").find_map(|rest| rest.split_once(" bytes, and start")).unwrap().0;
        let bytes = &damaged[..cut.parse().unwrap()];
        fs::write(&file, bytes).unwrap();
        let advised = left_by_a_kill(left.path());
        let restarted = open(advised.path()).unwrap();
        let kept = read::log(&restarted, team).await.len();
        assert!((1..20).contains(&kept), "{kept} events");
        assert_eq!(restarted.check().await, Ok(()));
    }
    // Half a commit at the end is what a crash leaves: it was answered to nobody.
    fs::write(&file, &sound[..sound.len() - 1000]).unwrap();
    let restarted = open(left.path()).unwrap();
    assert_eq!(read::log(&restarted, team).await.len(), 20);
    assert_eq!(restarted.check().await, Ok(()));
}
