//! Somebody holds a transaction open, so that PostgreSQL keeps the earlier versions of all that is written meanwhile.

use std::sync::Arc;

use cstar_store::conformance::AnyStore;
use cstar_store::conformance::given;
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_testkit::{PostgresServer, until};
use cstar_types::TeamId;
use tokio_postgres::{Client, NoTls};

/// Commits while the transaction is open: as many versions of an end of a log.
const COMMITS: usize = 1_500;
/// Publishes whose pages are counted.
const COUNTED: usize = 20;
/// Of two indexes and their tables, one level more than there was.
const A_FEW: i64 = 4;

async fn node(server: &PostgresServer) -> AnyStore {
    let options = Options::new(&server.url("postgres"), MasterKey::new([7; 32])).expect("a URL");
    Arc::new(Postgres::open(options).await.expect("the database can be used"))
}

async fn publish(store: &AnyStore, team: TeamId, times: usize) {
    for _ in 0..times {
        given::one_event(store, team, "ticket.created").await;
    }
}

/// Pages that one publish reads to find the end of its team's log. A connection tells what it read when it ends.
async fn pages(server: &PostgresServer, client: &Client, team: TeamId) -> i64 {
    let before = read_so_far(client).await;
    let store = node(server).await;
    publish(&store, team, COUNTED).await;
    store.close().await;
    drop(store);
    (read_so_far(client).await - before) / COUNTED as i64
}

async fn read_so_far(client: &Client) -> i64 {
    until("the end of all connections", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cstar'";
        let there: i64 = client.query_one(sql, &[]).await.expect("it can be asked").get(0);
        (there == 0).then_some(())
    })
    .await;
    let sql = "SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint
         FROM pg_statio_user_tables WHERE relname IN ('teams', 'heads')";
    client.query_one(sql, &[]).await.expect("it can be asked").get(0)
}

/// LOG-2: what a publish costs does not grow with what was committed since somebody's transaction began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_does_not_slow_the_counter_of_a_log() {
    let Some(server) = PostgresServer::start().await else { return };
    let (client, connection) =
        tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    let store = node(&server).await;
    let team = given::team(&store).await;
    publish(&store, team, COUNTED).await;
    store.close().await;
    drop(store);
    let free = pages(&server, &client, team).await;

    let held = server.hold("SELECT pg_current_xact_id()");
    let store = node(&server).await;
    publish(&store, team, COMMITS).await;
    store.close().await;
    drop(store);
    let then = pages(&server, &client, team).await;
    drop(held);
    assert!(then <= free + A_FEW, "{then} pages for a publish, and {free} before");
}
