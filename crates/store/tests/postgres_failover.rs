//! Servers that change places under a node.

use std::sync::Arc;

use cstar_store::StoreError;
use cstar_store::conformance::AnyStore;
use cstar_store::conformance::given::{self, at, new_event, publishing, soon};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_testkit::{Pair, PostgresServer, Wire, until};
use cstar_types::TeamId;
use futures_util::future::join_all;
use tokio_postgres::NoTls;

/// More than are under way when the node moves: some are left over to be closed.
const CONNECTIONS: usize = 8;

async fn node(url: &str) -> AnyStore {
    let options = Options::new(url, MasterKey::new([7; 32])).expect("a URL");
    Arc::new(Postgres::open(options).await.expect("the database can be used"))
}

async fn publish(node: &AnyStore, team: TeamId) -> Result<u64, StoreError> {
    let event = new_event(team, "ticket.created", "{}", at(0));
    let appended = soon(node.append(publishing(team, vec![event], at(0)))).await?;
    Ok(appended[0].entry.position.seq)
}

/// How many events a server has.
async fn events(server: &PostgresServer) -> i64 {
    let (client, connection) = tokio_postgres::connect(&server.url("store"), NoTls).await.expect("let in");
    tokio::spawn(connection);
    client.query_one("SELECT count(*) FROM events", &[]).await.expect("a count").get(0)
}

/// LOG-1, LOG-2: a standby is promoted, and nobody stops the old primary, which stands first in the URL and takes writes. Who has seen the
/// promoted one acknowledges nothing that is on its way to the other, and never writes to it again, over no connection that is still there
/// and over no new one; nor does who begins then.
/// The database is an ordinary role's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_primary_that_lives_on_is_left_alone() {
    let Some(mut pair) = Pair::start().await else { return };
    let _ = pair.primary().ask("CREATE ROLE ordinary LOGIN PASSWORD 'ordinary'");
    let _ = pair.primary().ask("CREATE DATABASE store OWNER ordinary");
    let wire = Wire::to(pair.primary().address()).await;
    let to = |servers: String| format!("postgres://ordinary:ordinary@{servers}/store?connect_timeout=1");
    let url = to(format!("{},{}", wire.address(), pair.standby().address()));
    let one = node(&url).await;
    let team = given::team(&one).await;
    assert_eq!(publish(&one, team).await, Ok(1));
    join_all((0..CONNECTIONS).map(|_| given::team(&one))).await;

    wire.cut();
    let store = one.clone();
    let on_its_way = tokio::spawn(async move { publish(&store, team).await });
    pair.promote();
    let moved = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ordinary'";
    until("a connection to the promoted server", async || (pair.primary().ask(moved) != "0").then_some(()))
        .await;
    wire.mend(); // what was connected over it still is
    assert_eq!(
        on_its_way.await.expect("it ends"),
        Err(StoreError::OutcomeUnknown),
        "the old primary took it"
    );
    let lost = events(pair.standby()).await;
    assert_eq!(publish(&one, team).await, Ok(2));
    assert_eq!((events(pair.standby()).await, events(pair.primary()).await), (lost, 2));

    pair.primary_mut().stop();
    until("a refusal that names both", async || match publish(&one, team).await {
        Ok(seq) => panic!("{seq} was taken by the old primary"),
        Err(StoreError::Unreachable(why)) => ["earlier primary", "timeline 1 of", "timeline 2 of"]
            .iter()
            .all(|words| why.contains(words))
            .then_some(()),
        Err(_) => None,
    })
    .await;
    pair.primary_mut().start_again().await;
    let back = until("the promoted server", async || publish(&one, team).await.ok()).await;
    let two = node(&url).await;
    assert_eq!(publish(&two, team).await, Ok(back + 1));
    assert_eq!(events(pair.standby()).await, lost);

    // As where a service has no such log: it is taken as it is.
    let (client, connection) =
        tokio_postgres::connect(&pair.primary().url("store"), NoTls).await.expect("let in");
    tokio::spawn(connection);
    let silence = "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC";
    client.batch_execute(silence).await.expect("it is the superuser who asks");
    let three = node(&to(pair.primary().address().to_string())).await;
    assert_eq!(publish(&three, team).await, Ok(back + 2));
}
