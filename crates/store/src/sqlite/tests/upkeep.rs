//! The write-ahead log and retention, from inside.

use std::fs;
use std::sync::Arc;

use cstar_types::DeliveryStatus;

use super::OnDisk;
use crate::conformance::given::{self, at, new_event, publishing};
use crate::conformance::read;
use crate::sqlite::disk::Space;
use crate::sqlite::due::SLICE_BYTES;
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::retention;
use crate::sqlite::tx::Tx;
use crate::{Cutoffs, DeliveryQuery, Verdict};

const MIB: u64 = 1 << 20;

/// The WAL begins anew after each checkpoint: its length is bounded, however much is written.
#[tokio::test]
async fn the_wal_does_not_grow_without_end() {
    // On a disk of 16 MiB a checkpoint is made after each MiB.
    let space = Space { free: 1000 * MIB, total: 16 * MIB, reusable: 0 };
    let disk = OnDisk::with(|options| options.probe = Arc::new(move |_| Ok(space)));
    let store = disk.any();
    let team = given::team(&store).await;
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(60_000));
    let mut longest = 0;
    for _ in 0..200 {
        store
            .append(publishing(team, vec![new_event(team, "ticket.created", &large, at(0))], at(0)))
            .await
            .unwrap();
        longest = longest.max(fs::metadata(disk.dir.path().join("cstar.db-wal")).unwrap().len());
    }
    assert!((MIB / 2..3 * MIB).contains(&longest), "{longest} bytes for 12 MB of events");
}

/// DLV-2: what is resent after retention chose it, and before it was removed, stays.
#[tokio::test]
async fn what_was_resent_meanwhile_is_not_removed() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let (team, _, due) = given::one_delivery(&store).await;
    given::recorded(&store, &due, Verdict::Failed, at(1)).await;
    let cutoffs = Cutoffs { events: at(9), deliveries: at(9), idempotency_keys: at(9) };
    let plan = disk.store.shared.read(move |look| retention::plan(look, cutoffs, 100, 0)).await.unwrap();
    assert_eq!(plan.rows(), 2, "the delivery and its event");

    store.resend(team, due.id, at(2)).await.unwrap();
    let remove = move |tx: &mut Tx<'_>| retention::remove(tx, &plan, cutoffs);
    assert_eq!(disk.store.shared.write(Class::Vital, Size::default(), remove).await, Ok(0));
    assert_eq!(store.delivery(team, due.id).await.unwrap().0.status, DeliveryStatus::Pending);
    assert_eq!(read::log(&store, team).await.len(), 1);
}

/// A slice of large bodies is cut short, and says that there is more.
#[tokio::test]
async fn what_is_due_is_read_by_the_megabyte() {
    const EVENTS: usize = 300;
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(64_000));
    for _ in 0..EVENTS / 50 {
        let events = (0..50).map(|_| new_event(team, "ticket.created", &large, at(0))).collect();
        store.append(publishing(team, events, at(0))).await.unwrap();
    }
    let slice = store.due(webhook, at(0), EVENTS).await.unwrap();
    let bytes: usize = slice.due.iter().map(|due| due.entry.event.body.len()).sum();
    assert!((SLICE_BYTES..SLICE_BYTES + 2 * large.len()).contains(&bytes), "{bytes} bytes");
    assert_eq!(slice.next, Some(at(0)));
}

/// What is remembered of a team's log outlives a refusal: who publishes badly makes nobody read it again.
#[tokio::test]
async fn a_refused_publish_forgets_nothing() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    for (data, refused) in [("{}", false), (r#"{"other":1}"#, true)] {
        let event = given::keyed(new_event(team, "ticket.created", data, at(0)), "key");
        let answer = store.append(publishing(team, vec![event], at(0))).await;
        assert_eq!(answer.is_err(), refused);
        let remembers = move |tx: &mut Tx<'_>| Ok(tx.memory.remembers(team));
        assert_eq!(disk.store.shared.write(Class::Vital, Size::default(), remembers).await, Ok(true));
    }
}

/// A page looks at a bounded number of rows, and the list still comes to its end.
#[tokio::test]
async fn a_list_that_shows_little_looks_at_little_at_a_time() {
    const EVENTS: usize = 10_500;
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    given::webhook(&store, team, "*").await;
    given::one_event(&store, team, "boss.spawned").await;
    for chunk in vec!["ticket.created"; EVENTS].chunks(1000) {
        given::published(&store, team, chunk, at(1)).await;
    }
    let filter = crate::TypeFilter { wanted: Some(given::list("boss.*")), ..crate::TypeFilter::all() };
    let events = crate::EventQuery { filter: filter.clone(), ..read::every_event(crate::Order::Desc, 50) };
    let first = store.events(team, events.clone()).await.unwrap();
    assert!(first.rows.is_empty() && first.next.is_some());
    assert_eq!(read::events(&store, team, events).await.unwrap().len(), 1);

    let logs = DeliveryQuery { filter, ..read::every_delivery(50) };
    let first = store.deliveries(team, logs.clone()).await.unwrap();
    assert!(first.rows.is_empty() && first.next.is_some());
    assert_eq!(read::deliveries(&store, team, logs).await.unwrap().len(), 1);
}
