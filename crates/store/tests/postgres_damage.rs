//! LOG-3: what was changed behind the store's back in PostgreSQL is found when it is read, never served and never dropped in silence.

use std::sync::Arc;

use cstar_store::conformance::given::{self, at};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{Order, StoreError};
use cstar_testkit::PostgresServer;
use tokio_postgres::NoTls;

/// One column of one event, changed as little as can be.
const DAMAGE: [(&str, &str); 7] = [
    ("body", "set_byte(body, 40, get_byte(body, 40) # 1)"),
    ("body", "body || ' '"),
    ("id", "md5(id::text)::uuid"),
    ("type", "'ticket.updated'"),
    ("created_ms", "created_ms + 1"),
    ("committed_ms", "committed_ms + 1"),
    ("checksum", "checksum # 1"),
];

/// LOG-3: each column of a row of the log is covered by the row's checksum, on every way that it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_3_a_changed_row_of_the_log_is_never_served() {
    let Some(server) = PostgresServer::start().await else { return };
    let url = server.url("postgres");
    let options = Options::new(&url, MasterKey::new([7; 32])).expect("a URL");
    let store: AnyStore = Arc::new(Postgres::open(options).await.expect("the database can be used"));
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    let team = given::team(&store).await;
    let published = given::published(&store, team, &["ticket.created"; 5], at(0)).await;
    let ids: Vec<_> = published.iter().map(|entry| entry.event.id).collect();
    let all = || read::events(&store, team, read::every_event(Order::Asc, 50));
    let sound = all().await.expect("a list");
    assert_eq!(sound.len(), 5);

    for (column, damage) in DAMAGE {
        client
            .batch_execute("CREATE TABLE kept AS SELECT * FROM events WHERE seq = 3")
            .await
            .expect("a copy");
        let change = format!("UPDATE events SET {column} = {damage} WHERE seq = 3");
        assert_eq!(client.execute(&change, &[]).await.expect(column), 1);
        assert!(matches!(all().await, Err(StoreError::Damaged(_))), "a list over a changed {column}");
        let one = store.event(team, ids[2]).await;
        let told = matches!(one, Err(StoreError::Damaged(_)));
        assert!(told || (column == "id" && one == Err(StoreError::NotFound)), "{column}: {one:?}");
        assert!(store.event(team, ids[1]).await.is_ok(), "its neighbour is sound");
        let undo = "DELETE FROM events WHERE seq = 3; INSERT INTO events SELECT * FROM kept; DROP TABLE kept";
        client.batch_execute(undo).await.expect("as it was");
        assert_eq!(all().await.as_ref(), Ok(&sound), "{column} is as it was");
    }
}
