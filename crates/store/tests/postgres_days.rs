//! What is old goes by whole days, with their partitions.

use std::sync::Arc;

use cstar_store::conformance::{AnyStore, given, read};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{Cutoffs, Verdict};
use cstar_testkit::PostgresServer;
use cstar_types::Timestamp;
use tokio_postgres::{Client, NoTls};

const DAY: i64 = 24 * 60 * 60;

async fn open(server: &PostgresServer) -> (AnyStore, Client) {
    let url = server.url("postgres");
    let options = Options::new(&url, MasterKey::new([7; 32])).expect("a URL");
    let store = Postgres::open(options).await.expect("the database can be used");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    (Arc::new(store), client)
}

/// The partitions that there are, by their names, attached or not.
async fn parts(client: &Client) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '_[0-9]{8}$' ORDER BY 1";
    client.query(sql, &[]).await.expect("a list").iter().map(|row| row.get(0)).collect()
}

/// How many of them are attached.
async fn attached(client: &Client) -> usize {
    let sql = "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE c.relkind = 'r' AND NOT i.inhdetachpending";
    client.query_one(sql, &[]).await.expect("a count").get::<_, i64>(0) as usize
}

/// Of which of the large tables the database knows how its columns are filled, all partitions together.
async fn known(client: &Client) -> Vec<String> {
    let sql = "SELECT DISTINCT tablename::text FROM pg_stats WHERE inherited AND schemaname = current_schema() ORDER BY 1";
    client.query(sql, &[]).await.expect("a list").iter().map(|row| row.get(0)).collect()
}

fn of_day(day: &str) -> [String; 3] {
    ["attempts", "deliveries", "events"].map(|table| format!("{table}_{day}"))
}

fn before(at: Timestamp) -> Cutoffs {
    Cutoffs { events: at, deliveries: at, idempotency_keys: at }
}

/// LOG-2, DLV-3, RT-2: a day goes with its partitions once nothing of it waits, and only once it is old as a whole; what is cut
/// short is finished by the next removal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_goes_as_a_whole_once_nothing_of_it_waits() {
    let Some(server) = PostgresServer::start().await else { return };
    let (store, client) = open(&server).await;
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for day in 0..3 {
        given::published(&store, team, &["ticket.created"; 2], given::at(day * DAY + 5)).await;
    }
    let due = read::due(&store, webhook, given::at(3 * DAY)).await;
    for due in &due[1..] {
        given::recorded(&store, due, Verdict::Delivered, given::at(3 * DAY)).await;
    }
    let [first, second, third] = ["20251210", "20251211", "20251212"].map(of_day);
    assert_eq!(parts(&client).await.len(), 9);

    // The first waits, and holds those behind it in the log; deliveries of the second day have all ended.
    given::remove_all_old(&store, before(given::at(2 * DAY + 6)), 100).await;
    let left = parts(&client).await;
    assert!(first.iter().all(|part| left.contains(part)), "{left:?}");
    assert!(
        !left.contains(&second[0]) && !left.contains(&second[1]) && left.contains(&second[2]),
        "{left:?}"
    );
    assert_eq!(store.ends(team).await.unwrap().oldest, 1);
    assert_eq!(read::due(&store, webhook, given::at(3 * DAY)).await, [due[0].clone()]);

    // As if a removal had been cut short after it had let go of one, and while it let go of the other; then something was resent.
    let held = server.hold("SELECT 1 FROM attempts LIMIT 1");
    let let_go = format!("ALTER TABLE deliveries DETACH PARTITION {}; SET statement_timeout = 300", first[1]);
    client.batch_execute(&let_go).await.expect("it is detached");
    let leaving = format!("ALTER TABLE attempts DETACH PARTITION {} CONCURRENTLY", first[0]);
    assert!(client.batch_execute(&leaving).await.is_err(), "it waits for who reads");
    drop(held);
    client.batch_execute("RESET statement_timeout").await.expect("a setting");
    assert!(store.delivery(team, due[0].id).await.is_err(), "nobody sees it");
    given::remove_all_old(&store, before(given::at(2 * DAY + 6)), 100).await;
    assert_eq!(attached(&client).await, [&first[..], &third[..], &second[2..]].concat().len());
    assert!(store.delivery(team, due[0].id).await.is_ok(), "it can be read again");

    given::recorded(&store, &due[0], Verdict::Delivered, given::at(3 * DAY)).await;
    // As if a removal had been cut short here.
    let detach = format!("ALTER TABLE deliveries DETACH PARTITION {}", first[1]);
    client.batch_execute(&detach).await.expect("it is detached");
    given::remove_all_old(&store, before(given::at(2 * DAY + 6)), 100).await;
    let mut expected = third.to_vec();
    expected.sort();
    assert_eq!(parts(&client).await, expected, "the third day is not old as a whole");
    let ends = store.ends(team).await.unwrap();
    assert_eq!((ends.oldest, ends.head), (5, 6));
    assert_eq!(read::log(&store, team).await.len(), 2);
    // Nor is it any more, as where more is kept now: then what was let go of comes back.
    let detach = format!("ALTER TABLE deliveries DETACH PARTITION {}", third[1]);
    client.batch_execute(&detach).await.expect("it is detached");
    given::remove_all_old(&store, before(given::at(2 * DAY + 6)), 100).await;
    assert_eq!(attached(&client).await, third.len());
    let next = given::one_event(&store, team, "ticket.created").await;
    assert_eq!(next.position.seq, 7, "its time is that of the newest before it");

    // Once a day the tables themselves are looked at, as autovacuum never does.
    assert_eq!(known(&client).await, ["attempts", "deliveries", "events"]);
    client.batch_execute("DELETE FROM pg_statistic WHERE stainherit").await.expect("a superuser may");
    given::remove_all_old(&store, before(given::at(0)), 100).await;
    assert_eq!(known(&client).await, [""; 0], "today they were");
    client
        .batch_execute("UPDATE meta SET value = int4send(1) WHERE name = 'analyzed'")
        .await
        .expect("long ago");
    given::remove_all_old(&store, before(given::at(0)), 100).await;
    assert_eq!(known(&client).await, ["attempts", "deliveries", "events"]);
    store.close().await;
}
