//! The store in PostgreSQL is held to the one contract.
//!
//! One test holds all rules, since each test may be a process of its own, and a server for each would take longer than the rules. A rule
//! has a database of its own, made from a template.

#![allow(clippy::print_stderr, reason = "one test holds all rules, and says which are broken")]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cstar_store::Upkeep as _;
use cstar_store::conformance::history::{Config, first_difference};
use cstar_store::conformance::{AnyStore, Rule, Subject};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_testkit::PostgresServer;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

/// Rules at the same time: most of what they do is waiting for commits.
const WORKERS: usize = 6;
/// Histories: each begins with a database.
const HISTORIES: u32 = 8;

/// Where databases are made.
struct Databases {
    /// The address of a database, without its name.
    url: String,
    made: AtomicU32,
    ended: Mutex<mpsc::Sender<Ended>>,
}

/// A database that nobody opens again, and the store on it, which a rule may hold for longer.
type Ended = (String, Weak<Postgres>);

static DATABASES: OnceLock<Databases> = OnceLock::new();

fn databases() -> &'static Databases {
    DATABASES.get().expect("the server runs")
}

/// The store, and the database that it leaves.
struct OnServer {
    store: Arc<Postgres>,
    database: String,
}

async fn client(database: &str) -> Client {
    let url = format!("{}{database}", databases().url);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    client
}

async fn open(database: &str) -> Arc<Postgres> {
    let url = format!("{}{database}", databases().url);
    let mut options = Options::new(&url, MasterKey::new([7; 32])).expect("a URL");
    options.connections = 6;
    options.removal_grain = Duration::from_millis(1); // rules are about rows, days have tests of their own
    Arc::new(Postgres::open(options).await.expect("the database can be used"))
}

#[async_trait::async_trait]
impl Subject for OnServer {
    async fn fresh() -> Self {
        let database = format!("rule_{}", databases().made.fetch_add(1, Ordering::Relaxed));
        let make = format!("CREATE DATABASE {database} TEMPLATE template_rule");
        client("postgres").await.batch_execute(&make).await.expect("a database is made");
        Self { store: open(&database).await, database }
    }

    fn store(&self) -> AnyStore {
        self.store.clone()
    }

    async fn reopened(mut self) -> Self {
        self.store.close().await;
        self.store = open(&self.database).await;
        self
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let ended = (std::mem::take(&mut self.database), Arc::downgrade(&self.store));
        let _ = databases().ended.lock().expect("nobody panics with it").send(ended);
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Removes databases once nobody has a store on them, for as long as the server is there.
fn remove(ended: mpsc::Receiver<Ended>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let admin = client("postgres").await;
        let mut waiting: Vec<Ended> = Vec::new();
        while let Ok(next) = ended.recv() {
            waiting.push(next);
            let (held, free) = waiting.drain(..).partition(|(_, store)| store.strong_count() > 0);
            waiting = held;
            let free: Vec<Ended> = free;
            for (database, _) in free {
                if admin.batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)")).await.is_err() {
                    return; // the server ends
                }
            }
        }
    });
}

/// Every rule of the contract, and that no history tells the store from the model (L0).
#[test]
fn every_rule_holds() {
    let starter = runtime();
    let Some(server) = starter.block_on(PostgresServer::start()) else { return };
    let (ended, to_remove) = mpsc::channel();
    let url = server.url("");
    let databases = Databases { url, made: AtomicU32::new(0), ended: Mutex::new(ended) };
    assert!(DATABASES.set(databases).is_ok(), "one test");
    starter.block_on(async {
        client("postgres").await.batch_execute("CREATE DATABASE template_rule").await.expect("a database");
        open("template_rule").await.close().await;
    });
    let remover = thread::spawn(|| remove(to_remove));

    let only = std::env::var("CSTAR_RULE").unwrap_or_default();
    let mut rules: VecDeque<Rule> = cstar_store::conformance_rules!(OnServer).into();
    rules.retain(|rule| rule.name.contains(&only));
    let rules = Mutex::new(rules);
    let broken = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(rule) = { rules.lock().expect("a queue").pop_front() } {
                    let begun = Instant::now();
                    let held = catch_unwind(AssertUnwindSafe(|| runtime().block_on((rule.hold)())));
                    eprintln!(
                        "{} {} in {:?}",
                        if held.is_ok() { "ok" } else { "BROKEN" },
                        rule.name,
                        begun.elapsed()
                    );
                    if held.is_err() {
                        broken.lock().expect("a list").push(rule.name);
                    }
                }
            });
        }
        if only.is_empty() || only == "history" {
            let broken = &broken;
            scope.spawn(move || {
                let mut config = Config { failure_persistence: None, ..Config::default() };
                if std::env::var_os("PROPTEST_CASES").is_none() {
                    config.cases = HISTORIES;
                }
                if let Some(difference) = first_difference::<OnServer>(config) {
                    eprintln!("{difference}");
                    broken.lock().expect("a list").push("history::plays_like_the_model");
                }
            });
        }
    });
    drop(server);
    drop(remover);
    let broken = broken.into_inner().expect("a list");
    assert!(broken.is_empty(), "{} rules are broken: {broken:#?}", broken.len());
}
