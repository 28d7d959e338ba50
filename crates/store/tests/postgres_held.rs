//! Somebody holds a transaction open, so that PostgreSQL keeps the earlier versions of all that is written meanwhile.

use std::sync::Arc;

use cstar_store::conformance::AnyStore;
use cstar_store::conformance::given;
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{Due, SliceLimit, Verdict};
use cstar_testkit::{PostgresServer, until};
use cstar_types::{DeliveryStatus, FailureRule, TeamId, WebhookId};
use tokio_postgres::{Client, NoTls};

/// Commits while the transaction is open: as many versions of an end of a log.
const COMMITS: usize = 2_000;
/// Publishes whose pages are counted.
const COUNTED: usize = 20;
/// Each index that is looked into is a level higher than it was.
const A_FEW: i64 = 10;
/// As PostgreSQL does by itself once a minute; and what it then believes where the newest of two rows was on a page that was not there when
/// it began.
const COUNTS: [&str; 2] = [
    "VACUUM (ANALYZE) heads, due",
    "UPDATE pg_class SET reltuples = 1 WHERE oid IN ('heads'::regclass, 'heads_pkey'::regclass)",
];
/// The least that is read of a log.
const ONE: SliceLimit = SliceLimit { entries: 1, bytes: 1 };
/// In seconds: everything is due.
const FAR: i64 = u32::MAX as i64;

async fn node(server: &PostgresServer) -> AnyStore {
    let options = Options::new(&server.url("postgres"), MasterKey::new([7; 32])).expect("a URL");
    Arc::new(Postgres::open(options).await.expect("the database can be used"))
}

async fn publish(store: &AnyStore, team: TeamId, times: usize) {
    for _ in 0..times {
        given::one_event(store, team, "ticket.created").await;
    }
}

/// All that waits for the webhook.
async fn due(store: &AnyStore, webhook: WebhookId) -> Vec<Due> {
    store.due(webhook, given::at(FAR), COMMITS).await.expect("what is due can be read").due
}

async fn record(store: &AnyStore, due: &[Due]) {
    let reports: Vec<_> =
        due.iter().map(|due| given::report(due, Verdict::Delivered, given::at(0))).collect();
    let recorded = store.record(reports.into(), FailureRule::NEVER).await.expect("results are recorded");
    assert!(recorded.iter().all(|status| *status == DeliveryStatus::Delivered), "{recorded:?}");
}

/// Does something over connections of its own; answers how many pages of the tables on which every commit leaves a dead row it read for
/// each of [`COUNTED`].
async fn pages(server: &PostgresServer, client: &Client, act: impl AsyncFnOnce(&AnyStore)) -> i64 {
    let before = read_so_far(client).await;
    let store = node(server).await;
    act(&store).await;
    store.close().await;
    drop(store);
    (read_so_far(client).await - before) / COUNTED as i64
}

/// A connection tells what it read when it ends.
async fn read_so_far(client: &Client) -> i64 {
    until("the end of all connections", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cstar'";
        let there: i64 = client.query_one(sql, &[]).await.expect("it can be asked").get(0);
        (there == 0).then_some(())
    })
    .await;
    let sql = "SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint
         FROM pg_statio_user_tables WHERE relname IN ('teams', 'heads', 'due')";
    client.query_one(sql, &[]).await.expect("it can be asked").get(0)
}

/// Pages for a publish, for a look at the log, and for a result.
async fn cost(server: &PostgresServer, client: &Client, team: TeamId, webhook: WebhookId) -> [i64; 3] {
    let published = pages(server, client, async |store| publish(store, team, COUNTED).await).await;
    let looked = pages(server, client, async |store| {
        for _ in 0..COUNTED {
            store.read(team, 0, ONE).await.expect("the log can be read");
        }
    });
    let looked = looked.await;
    let store = node(server).await;
    let waiting = due(&store, webhook).await;
    assert_eq!(waiting.len(), COUNTED);
    store.close().await;
    drop(store);
    let recorded = pages(server, client, async |store| {
        for due in waiting.chunks(1) {
            record(store, due).await;
        }
    });
    [published, looked, recorded.await]
}

/// LOG-2, DLV-2: what a publish, a look at a log and the result of a success cost does not grow with what was committed since somebody's transaction began, also when
/// PostgreSQL has counted how few rows are alive meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_slows_neither_publishes_nor_results() {
    let Some(server) = PostgresServer::start().await else { return };
    let (client, connection) =
        tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    let store = node(&server).await;
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    store.close().await;
    drop(store);
    let free = cost(&server, &client, team, webhook).await;

    let held = server.hold("SELECT pg_current_xact_id()");
    let store = node(&server).await;
    publish(&store, team, COMMITS).await;
    record(&store, &due(&store, webhook).await).await;
    store.close().await;
    drop(store);
    for counts in COUNTS {
        client.batch_execute(counts).await.expect("they can be counted");
        let then = cost(&server, &client, team, webhook).await;
        for (then, free) in then.into_iter().zip(free) {
            assert!(then <= free + A_FEW, "{then} pages for one, and {free} before, after {counts}");
        }
    }
    drop(held);
}
