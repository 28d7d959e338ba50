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
use tokio_postgres::{Client, NoTls};

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

async fn client(server: &PostgresServer) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url("store"), NoTls).await.expect("let in");
    tokio::spawn(connection);
    client
}

/// How many events a server has.
async fn events(server: &PostgresServer) -> i64 {
    client(server).await.query_one("SELECT count(*) FROM events", &[]).await.expect("a count").get(0)
}

/// From now on a commit of what somebody publishes waits for as long as the client is there.
const COMMITS_WAIT: &str = "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END';
     CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON heads DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION waits();
     SELECT pg_advisory_lock(7)";
/// What the store has under way.
const UNDER_WAY: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ordinary' AND wait_event = 'advisory'";

/// LOG-1, LOG-2: a standby is promoted, and nobody stops the old primary, which stands first in the URL and takes writes. Who has seen the
/// promoted one acknowledges nothing that is on its way to the other, waits for no answer of it, and never writes to it again, over no
/// connection that is still there and over no new one; nor does who begins then.
/// The database is an ordinary role's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_primary_that_lives_on_is_left_alone() {
    let Some(mut pair) = Pair::start().await else { return };
    let _ = pair.primary().ask("CREATE ROLE ordinary LOGIN PASSWORD 'ordinary'");
    let _ = pair.primary().ask("CREATE DATABASE store OWNER ordinary");
    let wire = Wire::to(pair.primary().address());
    let to = |servers: String| format!("postgres://ordinary:ordinary@{servers}/store?connect_timeout=1");
    let url = to(format!("{},{}", wire.address(), pair.standby().address()));
    let one = node(&url).await;
    let (team, other) = (given::team(&one).await, given::team(&one).await);
    assert_eq!(publish(&one, team).await, Ok(1));
    join_all((0..CONNECTIONS).map(|_| given::team(&one))).await;

    let holder = client(pair.primary()).await;
    holder.batch_execute(COMMITS_WAIT).await.expect("it is the superuser who asks");
    let on_its_way = |team| {
        let store = one.clone();
        tokio::spawn(async move { publish(&store, team).await })
    };
    let committing = on_its_way(team);
    until("a commit that waits", async || (pair.primary().ask(UNDER_WAY) == "1").then_some(())).await;
    wire.cut(); // the other side acknowledges what comes, as the kernel of a server that hangs
    let asking = on_its_way(other);
    pair.promote();
    let moved = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ordinary'";
    until("a connection to the promoted server", async || (pair.primary().ask(moved) != "0").then_some(()))
        .await;
    assert_eq!(
        committing.await.expect("it ends"),
        Err(StoreError::OutcomeUnknown),
        "the old primary may take it"
    );
    let asked = asking.await.expect("it ends");
    assert!(matches!(asked, Err(StoreError::Unreachable(_))), "it was not to be committed yet: {asked:?}");
    wire.mend(); // what was connected over it still is
    drop(holder);
    until("the end of the commit", async || (pair.standby().ask(UNDER_WAY) == "0").then_some(())).await;
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
    let client = client(pair.primary()).await;
    let silence = "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC";
    client.batch_execute(silence).await.expect("it is the superuser who asks");
    let three = node(&to(pair.primary().address().to_string())).await;
    assert_eq!(publish(&three, team).await, Ok(back + 2));
}
