//! What a node hears of others that share its store, without any doorbell.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cstar_store::conformance::given::{self, at, soon};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::postgres::{Doorbell, Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{Change, Health, SliceLimit, TailReader, Told, Upkeep as _, Verdict};
use cstar_testkit::{PostgresServer, until};
use cstar_types::catalog::CatalogEntry;
use cstar_types::{DeliveryStatus, TeamId, Webhook};
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

const TAIL_BYTES: usize = 64 << 20;

async fn node(url: &str) -> AnyStore {
    let options = Options::new(url, MasterKey::new([7; 32])).expect("a URL");
    Arc::new(Postgres::open(options).await.expect("the database can be used"))
}

async fn client(server: &PostgresServer, database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(database), NoTls).await.expect("let in");
    tokio::spawn(connection);
    client
}

async fn nodes(server: &PostgresServer, database: &str) -> [AnyStore; 2] {
    let make = format!("CREATE DATABASE {database}");
    client(server, "postgres").await.batch_execute(&make).await.expect("a database is made");
    let url = server.url(database);
    [node(&url).await, node(&url).await]
}

/// The next change that passes; what was told before it is passed over.
async fn told<T>(tail: &mut TailReader, mut pick: impl FnMut(&Change) -> Option<T>) -> T {
    soon(async {
        loop {
            match tail.next().await {
                Some(Told::Change(change)) => {
                    if let Some(picked) = pick(&change) {
                        return picked;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_follows_the_others() {
    let Some(server) = PostgresServer::start().await else { return };
    let [first, second] = ["log", "changes"].map(|database| nodes(&server, database));
    let [log, changes] = [first.await, second.await];
    tokio::join!(a_log_that_several_append_to_is_told_in_order(&log), what_another_changes_is_told(&changes),);
    let [one, two] = log;
    who_slept_finds_out_by_the_databases_clock(&server, &changes[1]).await;
    a_transaction_that_stays_open_makes_no_look_longer(&server).await;
    what_is_ordered_goes_to_one_node(&one, &two, &client(&server, "log").await).await;
    what_is_made_where_nobody_sends_is_told(&server, &two).await;
    let three = node(&server.url("log")).await;
    what_waits_is_left_before_the_node_is_gone(&three, &two).await;
    what_a_node_leaves_is_told_as_due(&one, &two).await;
    let last = node(&server.url("log")).await;
    who_finds_another_epoch_stops(&last, &client(&server, "log").await).await;
    nodes_start_together(&server).await;
}

/// LOG-2: under another epoch the same positions are other events.
async fn who_finds_another_epoch_stops(node: &AnyStore, sql: &Client) {
    sql.batch_execute("UPDATE meta SET value = int4send(77) WHERE name = 'epoch'").await.expect("an epoch");
    soon(node.poisoned()).await;
    assert_eq!(node.health(), Health::ShuttingDown);
}

/// On a database that has nothing yet: one of them makes everything.
async fn nodes_start_together(server: &PostgresServer) {
    for database in ["one", "two", "three"] {
        let make = format!("CREATE DATABASE {database}");
        client(server, "postgres").await.batch_execute(&make).await.expect("a database is made");
        let url = server.url(database);
        join_all((0..4).map(|_| node(&url))).await;
    }
}

/// The seqs that a tail tells of a team, up to this one.
async fn seqs(tail: &mut TailReader, of: TeamId, last: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.last() != Some(&last) {
        let more = told(tail, |change| match change {
            Change::Appended { team, entries, .. } if *team == of => {
                Some(entries.iter().map(|entry| entry.position.seq).collect::<Vec<_>>())
            }
            _ => None,
        });
        seqs.extend(more.await);
    }
    seqs
}

/// RT-1, LOG-2: whoever attends a team is told of every event behind the end that it was shown, once and in order, whichever
/// node appends; whoever does not, only of this node's own.
async fn a_log_that_several_append_to_is_told_in_order(nodes: &[AnyStore; 2]) {
    const APPENDS: u64 = 60;
    let [team, other] = [given::team(&nodes[0]).await, given::team(&nodes[0]).await];
    given::one_event(&nodes[0], team, "ticket.created").await;
    let mut tails = [0, 1].map(|node| nodes[node].tail(TAIL_BYTES));
    let _attentions = [0, 1].map(|node: usize| nodes[node].attend(team));
    for node in nodes {
        assert_eq!(node.ends(team).await.expect("ends").head, 1);
    }
    let mut racing = JoinSet::new();
    for turn in 0..APPENDS {
        let store = nodes[(turn % 3 == 0) as usize].clone();
        racing.spawn(async move { given::published(&store, team, &["ticket.created"; 2], at(0)).await });
    }
    soon(racing.join_all()).await;
    given::one_event(&nodes[0], other, "ticket.created").await;
    let all: Vec<u64> = (2..=1 + 2 * APPENDS).collect();
    let [one, two] = &mut tails;
    assert_eq!(seqs(one, team, 1 + 2 * APPENDS).await, all);
    assert_eq!(seqs(two, team, 1 + 2 * APPENDS).await, all);
    given::one_event(&nodes[0], team, "ticket.created").await;
    let next = told(two, |change| match change {
        Change::Appended { team, .. } => Some(*team),
        _ => None,
    });
    assert_eq!(next.await, team, "nobody in the second node attends the other");
}

/// SEC-2: a key that was revoked elsewhere opens nothing, and its streams are told; webhooks, types and erasures likewise.
async fn what_another_changes_is_told(nodes: &[AnyStore; 2]) {
    let [one, two] = nodes;
    let team = given::team(one).await;
    let (webhook, key) = (given::webhook(one, team, "*").await, given::key(one, team).await);
    let event = given::one_event(one, team, "ticket.created").await;
    assert_eq!(two.key(key).await.expect("a key").0.revoked_at, None);
    let mut tail = two.tail(TAIL_BYTES);
    one.update_webhook(team, webhook, given::wanting("ticket.*"), None, at(1)).await.expect("it is changed");
    told(&mut tail, |change| matches!(change, Change::WebhookChanged(of) if *of == webhook).then_some(()))
        .await;
    one.revoke_key(team, key, at(1)).await.expect("it is revoked");
    told(&mut tail, |change| matches!(change, Change::KeyRevoked(of) if *of == key).then_some(())).await;
    assert_eq!(two.key(key).await.expect("a key").0.revoked_at, Some(at(1)));
    one.erase(team, event.event.id).await.expect("it is erased");
    let erased = |change: &Change| match change {
        Change::Erased { team: of, seq, webhooks } => Some((*of, *seq, webhooks.clone())),
        _ => None,
    };
    assert_eq!(told(&mut tail, erased).await, (team, 1, vec![webhook]));
    let entry = CatalogEntry {
        event_type: "order.paid".parse().expect("a type"),
        description: "An order was paid".to_owned(),
        fires_on: "An order is paid".to_owned(),
        schema: "{}".to_owned(),
        example: "{}".to_owned(),
    };
    one.put_event_type(entry, 10, None, at(2)).await.expect("it is taken");
    until("the type", async || (two.event_types().len() == 1).then_some(())).await;
    one.delete_team(team, None).await.expect("it is deleted");
    told(&mut tail, |change| matches!(change, Change::TeamDeleted(of) if *of == team).then_some(())).await;
    assert!(tail.try_next().is_none(), "each is told once");
}

/// DLV-3, SEC-2: a machine that stood still, and its clock with it, finds out by the database's clock that what it had may be
/// another's; and if it was for long, that something may have changed of which no word is left.
async fn who_slept_finds_out_by_the_databases_clock(server: &PostgresServer, two: &AnyStore) {
    let sql = client(server, "changes").await;
    let mut tail = two.tail(TAIL_BYTES);
    let mut sleeps = async |meanwhile: &str| {
        sql.batch_execute(&format!("BEGIN; {meanwhile}; COMMIT")).await.expect("it is written");
        soon(async { while !matches!(tail.next().await, Some(Told::Lagged)) {} }).await;
    };
    sleeps("UPDATE nodes SET leased_until = now() - interval '1 s' WHERE number = 2").await;
    // The look that renews the lease fails behind that: only this one could find the lapse.
    let hidden = "ALTER TABLE changes RENAME TO hidden; UPDATE nodes SET leased_until = now() - interval '1 s' WHERE number = 2";
    sql.batch_execute(&format!("BEGIN; {hidden}; COMMIT")).await.expect("it is written");
    until("the renewal", async || {
        let renewed = "SELECT 1 FROM nodes WHERE number = 2 AND leased_until > now()";
        sql.query_opt(renewed, &[]).await.expect("it can be asked").map(drop)
    })
    .await;
    sleeps("ALTER TABLE hidden RENAME TO changes").await;
    let forgotten = "DELETE FROM nodes WHERE number = 2";
    let for_long = "UPDATE nodes SET leased_until = now() - interval '1 h' WHERE number = 2";
    for (slept, described) in [(for_long, "Somebody paid"), (forgotten, "They paid")] {
        sleeps(&format!("{slept}; UPDATE event_types SET description = '{described}'")).await;
        let types = two.event_types();
        assert!(types.values().all(|added| added.entry.description == described), "{types:?}");
    }
}

/// A look reads what is new alone, while a transaction is open that began before it: a dump, or somebody's in another database.
async fn a_transaction_that_stays_open_makes_no_look_longer(server: &PostgresServer) {
    const WORDS: i64 = 2_000;
    const LOOKS: i64 = 50;
    let elsewhere = client(server, "postgres").await;
    elsewhere.batch_execute("CREATE DATABASE open").await.expect("a database is made");
    let options = Options::new(&server.url("open"), MasterKey::new([7; 32])).expect("a URL");
    let node = Postgres::open(options).await.expect("the database can be used");
    let mut tail = node.tail(TAIL_BYTES);
    elsewhere.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("it is open");
    let sql = client(server, "open").await;
    sql.batch_execute("SET synchronous_commit = off").await.expect("a setting");
    let mut look_at = async |words: i64| {
        // Each in a transaction of its own, as they are said.
        let say = format!(
            "DO $$ BEGIN FOR word IN 1..{words} LOOP
                 INSERT INTO changes (node, kind, what) VALUES (9, 0, gen_random_uuid()); COMMIT;
             END LOOP; END $$"
        );
        sql.batch_execute(&say).await.expect("they are said");
        node.hear_changed();
        for _ in 0..words {
            told(&mut tail, |change| matches!(change, Change::WebhookChanged(_)).then_some(())).await;
        }
    };
    let read = async || -> i64 {
        let read = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'changes'";
        sql.query_one(read, &[]).await.expect("statistics").get(0)
    };
    look_at(WORDS).await;
    sql.batch_execute("ANALYZE changes").await.expect("as the database does by itself within a minute");
    let before = until("what was read", async || Some(read().await).filter(|read| *read >= WORDS)).await;
    let mut looks = 0;
    let after = until("what looks have read since", async || {
        for _ in 0..LOOKS {
            look_at(1).await;
        }
        looks += LOOKS;
        Some(read().await).filter(|read| *read >= before + LOOKS)
    });
    let each = (after.await - before) / looks;
    assert!(each < 10, "{each} rows were read by each look, which had one to tell");
}

/// What is ordered is sent by the node that has what goes first: another hands its own over, and the first is told.
async fn what_is_ordered_goes_to_one_node(one: &AnyStore, two: &AnyStore, sql: &Client) {
    let team = given::team(one).await;
    let missed = given::one_event(one, team, "ticket.created").await.event.id;
    let ordered = Webhook { ordered: true, ..given::new_webhook(team, "*") };
    let created = one.create_webhook(ordered, given::secret(), given::WEBHOOKS_MAX).await;
    let webhook = created.expect("it is taken").id;
    for store in [one, two, one, two] {
        given::one_event(store, team, "ticket.created").await;
    }
    let mut tail = one.tail(TAIL_BYTES);
    let left = |change: &Change| matches!(change, Change::Due(Some(of)) if *of == webhook).then_some(());
    let seqs = async |store| -> Vec<u64> {
        read::due(store, webhook, at(9)).await.iter().map(|due| due.entry.position.seq).collect()
    };
    assert_eq!(seqs(one).await, [2]);
    assert!(seqs(two).await.is_empty());
    told(&mut tail, left).await;
    assert_eq!(seqs(one).await, [2, 3, 4, 5]);
    let first = read::due(one, webhook, at(9)).await.remove(0);
    assert_eq!(given::recorded(one, &first, Verdict::Delivered, at(2)).await, DeliveryStatus::Delivered);
    assert!(seqs(two).await.is_empty());
    assert_eq!(seqs(one).await, [3, 4, 5]);

    // The first node has one on its way. What another is asked to send again, or late, would be sent beside it.
    two.resend(team, first.id, at(3)).await.expect("it waits again");
    assert!(seqs(two).await.is_empty());
    told(&mut tail, left).await;
    two.deliver(team, missed, webhook, at(3)).await.expect("it is made");
    assert!(seqs(two).await.is_empty());
    told(&mut tail, left).await;
    assert_eq!(seqs(one).await, [1, 2, 3, 4, 5]);

    // Of what nobody has two take at the same time: the first has taken one, and the second overtakes nothing. Even of a node that
    // did not wait for its turn none is taken again.
    let id = uuid::Uuid::from_u128(webhook.bits());
    let turn = format!("SELECT pg_advisory_xact_lock({}, {});", 0x6353_746f, webhook.bits() as i32);
    for (turn, seconds) in [(&*turn, vec![]), ("", vec![2, 3, 4, 5])] {
        let leave = format!("UPDATE due SET node = 0 WHERE webhook = '{id}'");
        sql.batch_execute(&leave).await.expect("nobody has it");
        let take = format!("BEGIN; {turn} UPDATE due SET node = 1 WHERE webhook = '{id}' AND event = 1");
        sql.batch_execute(&take).await.expect("it takes one");
        // Results write the webhook behind what was due of it: who waits for that must not hold it.
        let meanwhile = format!("SELECT 1 FROM webhooks WHERE id = '{id}' FOR NO KEY UPDATE NOWAIT");
        let (taken, ()) = tokio::join!(seqs(two), commit_once_somebody_waits(sql, &meanwhile));
        assert_eq!(taken, seconds);
    }
}

/// Ends a transaction that somebody waits for, when this can be done.
async fn commit_once_somebody_waits(sql: &Client, meanwhile: &str) {
    until("somebody who waits", async || {
        let waits =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = sql.query(waits, &[]).await.expect("it can be asked");
        (!waiting.is_empty()).then_some(())
    })
    .await;
    sql.batch_execute(meanwhile).await.expect("nobody is in the way");
    sql.batch_execute("COMMIT").await.expect("it is over");
}

/// Hears that something is due that no node has.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Doorbell for Bell {
    fn reached(&self, _: TeamId, _: u64) {}
    fn changed(&self) {}
    fn attend(&self, _: TeamId, _: bool) {}
    fn due(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// DLV-3: what is made on a node that does not send is told to those that do, by a bell and without one.
async fn what_is_made_where_nobody_sends_is_told(server: &PostgresServer, two: &AnyStore) {
    let bell = Arc::<Bell>::default();
    let mut options = Options::new(&server.url("log"), MasterKey::new([7; 32])).expect("a URL");
    options.sends = false;
    options.doorbell = Some(bell.clone());
    let api: AnyStore = Arc::new(Postgres::open(options).await.expect("the database can be used"));
    let team = given::team(&api).await;
    let webhook = given::webhook(&api, team, "*").await;
    let mut tail = two.tail(TAIL_BYTES);
    let left = |change: &Change| matches!(change, Change::Due(Some(of)) if *of == webhook).then_some(());
    given::one_event(&api, team, "ticket.created").await;
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    told(&mut tail, left).await;
    let due = given::only_due(two, webhook).await;
    assert_eq!(given::recorded(two, &due, Verdict::Delivered, at(2)).await, DeliveryStatus::Delivered);
    api.resend(team, due.id, at(3)).await.expect("it waits again");
    assert_eq!(bell.0.load(Ordering::Relaxed), 2);
    told(&mut tail, left).await;
    assert_eq!(given::only_due(two, webhook).await.id, due.id);
}

/// DLV-3: a node that starts nothing more leaves at once what waits, and records what is on its way.
async fn what_waits_is_left_before_the_node_is_gone(one: &AnyStore, two: &AnyStore) {
    let team = given::team(one).await;
    let webhook = given::webhook(one, team, "*").await;
    for _ in 0..3 {
        given::one_event(one, team, "ticket.created").await;
    }
    let due = read::due(one, webhook, at(9)).await;
    let mut tail = two.tail(TAIL_BYTES);
    one.leave(&[due[1].id]).await.expect("it is written");
    told(&mut tail, |change| matches!(change, Change::Due(None)).then_some(())).await;
    let seqs = async || -> Vec<u64> {
        read::due(two, webhook, at(9)).await.iter().map(|due| due.entry.position.seq).collect()
    };
    assert_eq!(seqs().await, [1, 3]);
    given::one_event(one, team, "ticket.created").await;
    assert_eq!(seqs().await, [1, 3, 4]);
    assert_eq!(given::recorded(one, &due[1], Verdict::RetryAt(at(5)), at(2)).await, DeliveryStatus::Retrying);
    assert_eq!(seqs().await, [1, 3, 4], "it may still have something to say of it");
    assert_eq!(given::recorded(one, &due[0], Verdict::Delivered, at(2)).await, DeliveryStatus::Pending);
}

/// DLV-3: what a node had that is gone is told as due to those that are left.
async fn what_a_node_leaves_is_told_as_due(one: &AnyStore, two: &AnyStore) {
    let team = given::team(one).await;
    let webhook = given::webhook(one, team, "*").await;
    given::one_event(one, team, "ticket.created").await;
    let mut tail = two.tail(TAIL_BYTES);
    assert!(read::due(two, webhook, at(9)).await.is_empty());
    one.close().await;
    told(&mut tail, |change| matches!(change, Change::Due(None)).then_some(())).await;
    assert_eq!(read::due(two, webhook, at(9)).await.len(), 1);
    let all = two.read(team, 0, SliceLimit { entries: 9, bytes: 1 << 20 }).await.expect("a slice");
    assert_eq!(all.entries.len(), 1);
    tokio::time::timeout(Duration::from_secs(5), two.close()).await.expect("it closes");
}
