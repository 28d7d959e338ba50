//! Moving from a data directory to PostgreSQL: what the one had answered, the other answers, and goes on.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use cstar_store::conformance::given::{self, at};
use cstar_store::conformance::history::{Config, first_difference};
use cstar_store::conformance::{
    AnyStore, Subject, audit, event_types, keys, log, notices, operations, ordered, results, retention,
    teams, webhooks,
};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::{self, MasterKey, Offline, SqliteStore};
use cstar_store::{Moved, Moving, StoreError, Verdict, move_to_postgres};
use cstar_testkit::PostgresServer;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Histories that are moved in the middle.
const HISTORIES: u32 = 4;

static URL: OnceLock<String> = OnceLock::new();
static MADE: AtomicU32 = AtomicU32::new(0);

fn key() -> MasterKey {
    MasterKey::new([7; 32])
}

fn directory(dir: &Path) -> AnyStore {
    Arc::new(SqliteStore::open(sqlite::Options::new(dir, key())).expect("the directory can be used"))
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    client
}

/// An empty database.
async fn database() -> String {
    let server = URL.get().expect("the server runs");
    let name = format!("moved_{}", MADE.fetch_add(1, Ordering::Relaxed));
    let make = format!("CREATE DATABASE {name}");
    client(&format!("{server}postgres")).await.batch_execute(&make).await.expect("a database is made");
    format!("{server}{name}")
}

fn to(url: &str) -> Options {
    let mut options = Options::new(url, key()).expect("a URL");
    options.removal_grain = Duration::from_millis(1);
    options
}

async fn moved(dir: &Path, url: &str) -> Result<Moved, StoreError> {
    move_to_postgres(Offline::open(dir)?, key(), to(url), Arc::new(|_| ())).await
}

async fn in_postgres(url: &str) -> AnyStore {
    Arc::new(Postgres::open(to(url)).await.expect("the database can be used"))
}

/// Begins in a directory; its first restart is a move.
struct Movable {
    store: AnyStore,
    dir: Option<TempDir>,
    url: String,
}

#[async_trait::async_trait]
impl Subject for Movable {
    async fn fresh() -> Self {
        let dir = TempDir::new().expect("a directory can be made");
        Self { store: directory(dir.path()), dir: Some(dir), url: String::new() }
    }

    fn store(&self) -> AnyStore {
        self.store.clone()
    }

    async fn reopened(mut self) -> Self {
        self.store.close().await;
        if let Some(dir) = self.dir.take() {
            self.url = database().await;
            moved(dir.path(), &self.url).await.expect("what is whole can be moved");
        }
        self.store = in_postgres(&self.url).await;
        self
    }
}

/// LOG-1, LOG-2, LOG-3, DLV-1, DLV-3, SEC-3: every rule that a restart is part of holds where the restart is a move, and no history
/// tells a store that was moved from the model.
#[test]
fn a_moved_store_goes_on_as_if_it_had_only_been_restarted() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(server) = runtime.block_on(PostgresServer::start()) else { return };
    URL.set(server.url("")).expect("one test");
    runtime.block_on(async {
        macro_rules! hold {
            ($($rule:path),+ $(,)?) => {{ $($rule(Movable::fresh().await).await;)+ }};
        }
        hold!(
            teams::a_team_has_an_id_and_a_name,
            teams::a_deleted_team_is_erased_in_slices,
            notices::notices_outlive_a_restart,
            event_types::a_type_is_read_as_it_was_put,
            event_types::events_of_a_deleted_type_stay,
            operations::a_restart_goes_on_where_it_stood,
            operations::operations_are_listed_newest_first,
            webhooks::a_webhook_is_read_as_it_was_stored,
            ordered::what_is_not_due_holds_back_what_is_behind_it,
            audit::an_entry_is_read_as_it_was_made,
            keys::a_key_is_read_as_it_was_stored,
            keys::a_key_is_revoked_for_good,
            log::positions_go_on_after_a_restart,
            log::what_was_answered_is_read_byte_for_byte,
            results::after_a_restart_the_unrecorded_is_due_again,
            results::attempts_are_read_as_they_were_reported,
            retention::positions_go_on_behind_what_was_removed,
        );
        what_was_moved_is_counted_and_told().await;
        what_is_damaged_is_not_moved().await;
        a_database_that_holds_something_is_refused().await;
        another_master_key_is_refused().await;
    });
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    assert_eq!(first_difference::<Movable>(config), None);
    drop(server);
}

/// Two events of one team, one delivered and one due.
async fn filled() -> TempDir {
    let dir = TempDir::new().unwrap();
    let store = directory(dir.path());
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for data in ["{\"n\":1}", "{\"n\":2}"] {
        let event = given::new_event(team, "ticket.created", data, at(0));
        store.append(given::publishing(team, vec![event], at(0))).await.unwrap();
    }
    let due = cstar_store::conformance::read::due(&store, webhook, at(0)).await;
    given::recorded(&store, &due[0], Verdict::Delivered, at(1)).await;
    store.close().await;
    dir
}

async fn what_was_moved_is_counted_and_told() {
    let dir = filled().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let url = database().await;
    let told = Arc::new(move |moving| told.lock().unwrap().push(moving));
    let moved = move_to_postgres(Offline::open(dir.path()).unwrap(), key(), to(&url), told).await.unwrap();
    assert_eq!(moved, Moved { teams: 1, events: 2, deliveries: 2, attempts: 1 });
    let reopened = SqliteStore::open(sqlite::Options::new(dir.path(), key()));
    assert!(matches!(reopened, Err(StoreError::Unusable(why)) if why.contains("moved to PostgreSQL")));
    let heard = heard.lock().unwrap();
    assert!(matches!(heard.first(), Some(Moving::Checking(_))), "{heard:?}");
    assert!(heard.contains(&Moving::Sent("events", 2)) && heard.contains(&Moving::Compared("events")));
}

/// LOG-3: damage is not carried on, and the database stays empty.
async fn what_is_damaged_is_not_moved() {
    let dir = filled().await;
    let url = database().await;
    let damage = "UPDATE events SET created_ms = created_ms + 1";
    Connection::open(dir.path().join("cstar.db")).unwrap().execute_batch(damage).unwrap();
    let refused = moved(dir.path(), &url).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Damaged(what) if what.contains("events row")), "{refused}");
    in_postgres(&url).await.close().await;
}

async fn a_database_that_holds_something_is_refused() {
    let dir = filled().await;
    let (ours, others) = (database().await, database().await);
    in_postgres(&ours).await.close().await;
    client(&others).await.batch_execute("CREATE TABLE invoices (id integer)").await.unwrap();
    for (url, says) in [(ours, "give an empty one"), (others, "not cstar's")] {
        let refused = moved(dir.path(), &url).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Unusable(why) if why.contains(says)), "{refused}");
    }
}

/// SEC-3
async fn another_master_key_is_refused() {
    let dir = filled().await;
    let url = database().await;
    let (from, other) = (Offline::open(dir.path()).unwrap(), MasterKey::new([8; 32]));
    let refused = move_to_postgres(from, other, to(&url), Arc::new(|_| ())).await.unwrap_err();
    assert_eq!(refused, StoreError::OtherMasterKey);
}
