//! What an event costs the database: how often a node waits for it, and the rows that it writes. These are exact, so that none is added
//! unnoticed. What goes over the wire and into the write-ahead log is said beside; `docs/scaling.md` has the table.

#![allow(clippy::print_stderr, reason = "it says what is in the table")]

use std::net::SocketAddr;
use std::ops::Sub;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::conformance::given::{self, at};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{AttemptReport, Verdict};
use cstar_testkit::PostgresServer;
use cstar_types::{FailureRule, TeamId, WebhookId};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::{Client, NoTls};

/// A client that has said nothing for so long waits for an answer. Many times what lies between statements that are sent together.
const QUIET: Duration = Duration::from_millis(15);
/// Who is held up between two of them waits once more than needed, never once less: the least of some tries is what is needed.
const TRIES: usize = 4;

/// What connections asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    /// How often a client had to wait for what it had asked.
    trips: u32,
    inserted: u64,
    updated: u64,
    deleted: u64,
}

/// What goes by, in bytes: nobody promises these.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    asked: usize,
    answered: usize,
    /// Written to the write-ahead log.
    logged: i64,
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            trips: self.trips - before.trips,
            inserted: self.inserted - before.inserted,
            updated: self.updated - before.updated,
            deleted: self.deleted - before.deleted,
        }
    }
}

impl Cost {
    /// Counts a statement by what the database says when it is done: `INSERT 0 5`, `UPDATE 1`.
    fn count(&mut self, tag: &str) {
        let mut words = tag.split_whitespace();
        let (Some(what), Some(Ok(rows))) = (words.next(), words.next_back().map(str::parse::<u64>)) else {
            return;
        };
        match what {
            "INSERT" => self.inserted += rows,
            "UPDATE" => self.updated += rows,
            "DELETE" => self.deleted += rows,
            _ => {}
        }
    }
}

/// Stands between a node and its database, and counts. An answer is held back until the client is quiet.
struct Counter {
    address: SocketAddr,
    count: Arc<Mutex<(Cost, Bytes)>>,
    /// Past the counter.
    direct: Client,
}

impl Counter {
    async fn before(server: &PostgresServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (count, server_address) = (Arc::<Mutex<(Cost, Bytes)>>::default(), server.address());
        let counting = Arc::clone(&count);
        tokio::spawn(async move {
            // The first connection is the one by which a node looks by itself, every second.
            let mut looks = Some(Arc::default());
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server_address).await.expect("the server runs");
                let count = looks.take().unwrap_or_else(|| Arc::clone(&counting));
                tokio::spawn(pass(client, server, count));
            }
        });
        let (direct, connection) =
            tokio_postgres::connect(&server.url("postgres"), NoTls).await.expect("the server lets us in");
        tokio::spawn(connection);
        Self { address, count, direct }
    }

    async fn counted(&self) -> (Cost, Bytes) {
        let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        let logged = self.direct.query_one(sql, &[]).await.expect("a place in the log").get(0);
        let (cost, bytes) = *self.count.lock();
        (cost, Bytes { logged, ..bytes })
    }

    /// The cost of this, not of what it begins with.
    async fn cost_of<T>(
        &self,
        what: &str,
        mut begin: impl AsyncFnMut() -> T,
        mut done: impl AsyncFnMut(T),
    ) -> Cost {
        let mut tries = Vec::new();
        for _ in 0..TRIES {
            let begun = begin().await;
            let (cost_before, before) = self.counted().await;
            done(begun).await;
            let (cost, after) = self.counted().await;
            let bytes = Bytes {
                asked: after.asked - before.asked,
                answered: after.answered - before.answered,
                logged: after.logged - before.logged,
            };
            tries.push((cost - cost_before, bytes));
        }
        let logged = tries.iter().map(|(_, bytes)| bytes.logged).min();
        let (cost, bytes) = tries.into_iter().min_by_key(|(cost, _)| cost.trips).expect("it was done");
        eprintln!("{what}: {cost:?}, {bytes:?}, at least {logged:?} logged");
        cost
    }
}

/// Until one of them closes.
async fn pass(mut client: TcpStream, mut server: TcpStream, count: Arc<Mutex<(Cost, Bytes)>>) {
    let (mut asked, mut answered) = ([0; 16 * 1024], [0; 16 * 1024]);
    let (mut held, mut unread) = (Vec::new(), Vec::new());
    let (mut waits, mut quiet_at) = (false, Instant::now());
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                (waits, quiet_at) = (true, Instant::now() + QUIET);
                count.lock().1.asked += read;
                if server.write_all(&asked[..read]).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                held.extend_from_slice(&answered[..read]);
                unread.extend_from_slice(&answered[..read]);
                let mut count = count.lock();
                count.1.answered += read;
                tags(&mut unread, |tag| count.0.count(tag));
            }
            () = sleep_until(quiet_at), if !held.is_empty() => {
                count.lock().0.trips += u32::from(std::mem::take(&mut waits));
                if client.write_all(&held).await.is_err() { return }
                held.clear();
            }
        }
    }
}

/// What is said of statements that are done (`CommandComplete`), as far as messages are there.
fn tags(unread: &mut Vec<u8>, mut tell: impl FnMut(&str)) {
    let mut at = 0;
    while let Some(&[kind, a, b, c, d]) = unread.get(at..at + 5) {
        let end = at + 1 + u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(body) = unread.get(at + 5..end) else { break };
        if kind == b'C' {
            tell(std::str::from_utf8(body).expect("a tag").trim_end_matches('\0'));
        }
        at = end;
    }
    unread.drain(..at);
}

/// A store, a team whose events nobody wants, and one whose events a webhook does.
struct Scene {
    store: AnyStore,
    unheard: TeamId,
    heard: TeamId,
    webhook: WebhookId,
}

impl Scene {
    async fn open(url: &str) -> Self {
        let options = Options::new(url, MasterKey::new([7; 32])).expect("a URL");
        let store: AnyStore = Arc::new(Postgres::open(options).await.expect("the database can be used"));
        let (unheard, heard) = (given::team(&store).await, given::team(&store).await);
        let webhook = given::webhook(&store, heard, "ticket.*").await;
        let scene = Self { store, unheard, heard, webhook };
        // The first of a day makes its partitions, the first of a team reads its webhooks.
        scene.publish(unheard, 1).await;
        scene.publish(heard, 1).await;
        scene
    }

    async fn publish(&self, team: TeamId, events: usize) {
        given::published(&self.store, team, &vec!["ticket.created"; events], at(0)).await;
    }

    /// Results of all that waits: it was delivered.
    async fn results(&self) -> Arc<[AttemptReport]> {
        let due = read::due(&self.store, self.webhook, at(9)).await;
        due.iter().map(|due| given::report(due, Verdict::Delivered, at(9))).collect()
    }

    async fn record(&self, results: Arc<[AttemptReport]>) {
        self.store.record(results, FailureRule::NEVER).await.expect("results are recorded");
    }

    /// Results of so many deliveries, when nothing else waits.
    async fn results_of(&self, deliveries: usize) -> Arc<[AttemptReport]> {
        self.record(self.results().await).await;
        self.publish(self.heard, deliveries).await;
        self.results().await
    }
}

/// LOG-1, LOG-2, DLV-1, DLV-2: an append is two trips, however many events it brings, and so is a group of results. Beside the rows
/// that are promised, an append writes the end of the team's log, and removes the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_costs_so_many_trips_and_rows() {
    let Some(server) = PostgresServer::start().await else { return };
    let counter = Counter::before(&server).await;
    let url = server.url("postgres").replace(&server.address().to_string(), &counter.address.to_string());
    let scene = Scene::open(&url).await;
    for events in [1, 100] {
        let rows = events as u64;
        let publish = async |what, team| {
            let what = format!("{events} {what}");
            counter.cost_of(&what, async || (), async |()| scene.publish(team, events).await).await
        };
        let alone = Cost { trips: 2, inserted: rows + 1, updated: 0, deleted: 1 };
        assert_eq!(publish("that nobody wants", scene.unheard).await, alone);
        let delivered = Cost { inserted: 3 * rows + 1, ..alone };
        assert_eq!(
            publish("for a webhook", scene.heard).await,
            delivered,
            "each has a delivery, which waits"
        );
        let results = async || scene.results_of(events).await;
        let what = format!("{events} results");
        let recorded = counter.cost_of(&what, results, async |results| scene.record(results).await).await;
        let ended = Cost { trips: 2, inserted: rows, updated: rows, deleted: rows };
        assert_eq!(recorded, ended, "each has an attempt, and its delivery waits no more");
    }
}
