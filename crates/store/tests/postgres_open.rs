//! Opening a store in PostgreSQL: what it refuses, it says what to do about.

use std::net::TcpListener;
use std::sync::Arc;

use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{Log as _, SliceLimit, StoreError};
use cstar_testkit::{PostgresServer, free_address};
use cstar_types::TeamId;
use futures_util::future::join_all;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const KEY: [u8; 32] = [7; 32];

async fn open(url: &str) -> Result<Postgres, StoreError> {
    Postgres::open(Options::new(url, MasterKey::new(KEY))?).await
}

async fn client(server: &PostgresServer, database: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(&server.url(database), NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    client
}

/// What it cannot be opened for; it must say this.
async fn refused(url: &str, says: &[&str]) {
    let Err(StoreError::Unusable(why) | StoreError::Unreachable(why)) = open(url).await else {
        panic!("{url} can be used")
    };
    assert!(says.iter().all(|word| why.contains(word)), "{why}");
    assert!(!why.contains("testkit-postgres"), "SEC-3: {why}");
}

/// LOG-1, SEC-3: one server after another, since each takes a second to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_used_is_refused_and_says_what_to_do() {
    let Some(server) = PostgresServer::start().await else { return };
    let admin = client(&server, "postgres").await;
    for database in ["cstar", "newer", "other", "read_only", "forgetful"] {
        admin.batch_execute(&format!("CREATE DATABASE {database}")).await.expect("a database is made");
    }

    drop(open(&server.url("cstar")).await.expect("an empty database is taken"));
    drop(open(&server.url("cstar")).await.expect("and found again"));
    let other_key = Options::new(&server.url("cstar"), MasterKey::new([8; 32])).expect("a URL");
    assert!(matches!(Postgres::open(other_key).await, Err(StoreError::OtherMasterKey)));

    refused("postgres://u@127.0.0.1:1/cstar?sslmode=maybe", &["URL"]).await;
    refused(&format!("postgres://u@{}/cstar", free_address()), &["cannot reach", "check that it runs"]).await;
    let wrong = server.url("cstar").replace("testkit-postgres", "guess");
    refused(&wrong, &["does not let", "check the user and the password"]).await;
    refused(&server.url("nowhere"), &["no such database", "create it"]).await;
    refused(&format!("{}?sslmode=require", server.url("cstar")), &["TLS"]).await;

    drop(open(&server.url("newer")).await.expect("an empty database is taken"));
    let newer = client(&server, "newer").await;
    newer.batch_execute("UPDATE cstar_format SET version = 1000").await.expect("it is there");
    refused(&server.url("newer"), &["newer cstar", "format 1000", "run that version"]).await;

    let other = client(&server, "other").await;
    other.batch_execute("CREATE TABLE invoices (id integer)").await.expect("a table");
    refused(&server.url("other"), &["not cstar's", "database of its own"]).await;

    let settings = "ALTER DATABASE read_only SET default_transaction_read_only = on;
                    ALTER DATABASE forgetful SET synchronous_commit = off";
    admin.batch_execute(settings).await.expect("settings");
    refused(&server.url("read_only"), &["takes no writes", "address of the primary"]).await;
    refused(&server.url("forgetful"), &["synchronous_commit off", "switch it on"]).await;
    of_several_servers_the_one_that_takes_writes_is_used(&server).await;
    drop(server);

    let Some(server) = PostgresServer::start_with(&["fsync=off"]).await else { return };
    refused(&server.url("postgres"), &["fsync off", "switch it on"]).await;
}

/// Whatever the others do: one is away, one takes the connection and says nothing.
async fn of_several_servers_the_one_that_takes_writes_is_used(server: &PostgresServer) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let there = server.address().to_string();
    let several = format!("{},{},{there}", free_address(), silent.local_addr().expect("bound"));
    let url = format!("{}?connect_timeout=1", server.url("cstar").replace(&there, &several));
    drop(open(&url).await.expect("the last one takes writes"));
    let none = server.url("read_only").replace(&there, &format!("{there},{there}"));
    refused(&none, &["cannot reach", "takes no writes"]).await;

    // What one says that answers says more than that another does not, whichever is asked last.
    let sql = client(server, "postgres").await;
    let crowded = "CREATE ROLE crowded LOGIN PASSWORD 'testkit-postgres' CONNECTION LIMIT 0";
    sql.batch_execute(crowded).await.expect("a role");
    let wrong = server.url("cstar").replace("testkit-postgres", "guess");
    let crowded = server.url("cstar").replace("//cstar", "//crowded");
    for (url, says) in [
        (wrong, "does not let \"cstar\" in"),
        (server.url("read_only"), "takes no writes"),
        (crowded, "too many connections"),
    ] {
        let nobody = free_address();
        for several in [format!("{there},{nobody}"), format!("{nobody},{there}")] {
            refused(&url.replace(&there, &several), &[says, &there]).await;
        }
    }
}

/// Nodes may start together on an empty database: one makes the tables, all find them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_make_the_tables_once() {
    let Some(server) = PostgresServer::start().await else { return };
    let url = server.url("postgres");
    let opened = futures_util::future::join_all((0..5).map(|_| open(&url))).await;
    for node in opened {
        drop(node.expect("each node begins"));
    }
}

/// How many connections are wanted at once.
const AT_ONCE: usize = 8;

/// As many reads at once, each over a connection of its own.
async fn read(store: Arc<Postgres>) {
    let nobody = TeamId::from_uuid(Uuid::nil());
    let limit = SliceLimit { entries: 1, bytes: 1 };
    join_all((0..AT_ONCE).map(|_| store.read(nobody, 0, limit))).await;
}

/// The backends of the store's connections.
async fn backends(admin: &Client) -> Vec<i32> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cstar' AND datname = 'postgres' ORDER BY pid";
    admin.query(sql, &[]).await.expect("it can be asked").iter().map(|row| row.get(0)).collect()
}

/// What was connected for a caller on another runtime lives on the store's: it outlives the caller's.
#[tokio::test]
async fn connections_live_where_the_store_was_opened() {
    let Some(server) = PostgresServer::start().await else { return };
    let admin = client(&server, "postgres").await;
    let store = Arc::new(open(&server.url("postgres")).await.expect("an empty database is taken"));
    let streams = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    streams.spawn(read(Arc::clone(&store))).await.expect("it is read");
    let connected = backends(&admin).await;
    assert!(connected.len() >= AT_ONCE, "{connected:?}");
    spawn_blocking(move || drop(streams)).await.expect("it ends");
    read(Arc::clone(&store)).await;
    assert_eq!(backends(&admin).await, connected);
}
