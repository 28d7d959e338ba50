//! What only a store that several nodes share can do wrong. One server, a database for each part.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cstar_store::conformance::given::{self, at, keyed, new_event, publishing, soon};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::postgres::{Options, Postgres};
use cstar_store::sqlite::MasterKey;
use cstar_store::{AttemptReport, StoreError, Verdict};
use cstar_testkit::{PostgresServer, until};
use cstar_types::{DeliveryStatus, FailureRule, TeamId, Timestamp, WebhookId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

async fn node(url: &str) -> AnyStore {
    let options = Options::new(url, MasterKey::new([7; 32])).expect("a URL");
    Arc::new(Postgres::open(options).await.expect("the database can be used"))
}

async fn client(server: &PostgresServer, database: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(&server.url(database), NoTls).await.expect("the server lets us in");
    tokio::spawn(connection);
    client
}

/// Two nodes on a database of their own.
async fn nodes(server: &PostgresServer, database: &str) -> (AnyStore, AnyStore, Client) {
    let made = client(server, "postgres").await.batch_execute(&format!("CREATE DATABASE {database}")).await;
    made.expect("a database is made");
    let url = server.url(database);
    (node(&url).await, node(&url).await, client(server, database).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_a_store() {
    let Some(server) = PostgresServer::start_with(&["max_wal_senders=2"]).await else { return };
    rows_belong_to_their_team(&server).await;
    nodes_append_to_one_log(&server).await;
    a_change_on_one_node_counts_on_the_other(&server).await;
    what_a_node_has_goes_to_another_with_its_lease(&server).await;
    what_is_being_taken_is_waited_for(&server).await;
    what_is_locked_is_looked_for_again(&server).await;
    locked_teams_hold_up_no_other(&server).await;
    locked_deliveries_hold_up_no_other(&server).await;
    what_changes_while_it_is_waited_for_is_recorded(&server).await;
    a_locked_operator_holds_up_those_who_are_told_of(&server).await;
    each_new_connection_is_judged(&server).await;
    a_commit_whose_answer_is_lost_is_unknown(&server).await;
    a_commit_that_no_standby_has_is_unknown(&server).await;
}

/// A team's rows can be moved as they are: keys of what grows with teams begin with the team, and nothing refers to a row elsewhere.
async fn rows_belong_to_their_team(server: &PostgresServer) {
    let (_one, _two, sql) = nodes(server, "keys").await;
    let tables = "SELECT c.relname::text, coalesce(a.attname::text, '') FROM pg_class c
         LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.conkey[1]
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace
             AND a.attname IS DISTINCT FROM 'team' ORDER BY c.relname";
    let rows = sql.query(tables, &[]).await.expect("it can be asked");
    let others: Vec<(&str, &str)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    // Of the whole database, but for the team itself and what is told of it when it is gone.
    let expected = [
        ("audit", "id"),
        ("changes", "number"),
        ("cstar_format", ""),
        ("event_types", "name"),
        ("meta", "name"),
        ("nodes", "number"),
        ("teams", "number"),
    ];
    assert_eq!(others, expected);
    let referring = sql.query("SELECT conname FROM pg_constraint WHERE contype = 'f'", &[]).await;
    assert!(referring.expect("it can be asked").is_empty(), "no foreign key");
}

/// LOG-2, DLV-1: positions are given once, in the order of commits, whichever node gives them; each event has its delivery.
async fn nodes_append_to_one_log(server: &PostgresServer) {
    const APPENDS: usize = 60;
    let (one, two, _) = nodes(server, "append").await;
    let teams = [given::team(&one).await, given::team(&one).await];
    for team in teams {
        given::webhook(&two, team, "*").await;
    }
    let mut racing = JoinSet::new();
    for turn in 0..APPENDS {
        let (store, team) = (if turn % 3 == 0 { one.clone() } else { two.clone() }, teams[turn % 2]);
        racing.spawn(async move { given::published(&store, team, &["ticket.created"; 3], at(0)).await });
    }
    let answered = soon(racing.join_all()).await;
    for append in &answered {
        assert!(append.windows(2).all(|two| two[1].position.seq == two[0].position.seq + 1), "together");
    }
    for team in teams {
        let log = read::log(&one, team).await;
        assert_eq!(log.len(), APPENDS * 3 / 2);
        assert!(log.iter().zip(1..).all(|(entry, seq)| entry.position.seq == seq), "LOG-2");
        let deliveries = read::deliveries(&two, team, read::every_delivery(50)).await.expect("a list");
        assert_eq!(deliveries.len(), log.len(), "DLV-1");
    }
    for append in answered.iter().flatten() {
        assert_eq!(two.event(append.event.team, append.event.id).await.as_ref(), Ok(&**append));
    }
}

/// DLV-1: webhooks count as they stand at the commit, whichever node changed them.
async fn a_change_on_one_node_counts_on_the_other(server: &PostgresServer) {
    let (one, two, _) = nodes(server, "changes").await;
    let team = given::team(&one).await;
    let first = given::webhook(&one, team, "ticket.*").await;
    given::one_event(&one, team, "ticket.created").await;
    let second = given::webhook(&two, team, "*").await;
    given::one_event(&one, team, "ticket.created").await;
    two.update_webhook(team, first, given::wanting("boss.*"), None, at(1)).await.expect("it is changed");
    given::one_event(&one, team, "ticket.created").await;
    let count = async |webhook| read::due(&one, webhook, at(9)).await.len();
    assert_eq!((count(first).await, count(second).await), (2, 2));
}

/// DLV-3: a node's deliveries are no other's while its lease holds; then another takes them, and what the first one still
/// reports of them is not taken.
async fn what_a_node_has_goes_to_another_with_its_lease(server: &PostgresServer) {
    let (one, two, sql) = nodes(server, "leases").await;
    let team = given::team(&one).await;
    let webhook = given::webhook(&one, team, "*").await;
    given::one_event(&one, team, "ticket.created").await;
    let of_one = given::only_due(&one, webhook).await;
    assert!(read::due(&two, webhook, at(9)).await.is_empty(), "the first node has it");
    assert_eq!(two.lanes().await, Ok(Vec::new()));

    // Its looks renew nothing meanwhile.
    let sleeps = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER sleeps BEFORE UPDATE ON nodes FOR EACH ROW WHEN (new.number = 1 AND new.leased_until > now())
            EXECUTE FUNCTION nothing();
        UPDATE nodes SET leased_until = now() - interval '1 s' WHERE number = 1";
    sql.batch_execute(sleeps).await.expect("it is written");
    assert_eq!(two.lanes().await.expect("lanes").len(), 1);
    let of_two = given::only_due(&two, webhook).await;
    assert_eq!(of_two, of_one);
    let late = given::recorded(&one, &of_one, Verdict::Delivered, at(2)).await;
    assert_eq!(late, DeliveryStatus::Pending, "it is the second node's now");
    let delivery = || two.delivery(team, of_one.id);
    assert_eq!(delivery().await.expect("it is there").1, [], "nothing is on record");
    assert_eq!(given::recorded(&two, &of_two, Verdict::Delivered, at(3)).await, DeliveryStatus::Delivered);
    assert_eq!(delivery().await.expect("it is there").1.len(), 1);

    given::one_event(&one, team, "ticket.created").await;
    two.close().await;
    let third = node(&server.url("leases")).await;
    given::one_event(&third, team, "ticket.created").await;
    // Its clock is an hour ahead of the database's.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_millis() as i64;
    let [soon_after, ahead] = [1, 60].map(|minutes| Timestamp::from_millis(now + minutes * 60 * 1000));
    given::published(&third, team, &["ticket.created"], ahead).await;
    third.close().await;
    sql.batch_execute("DROP TRIGGER sleeps ON nodes").await.expect("it is awake");
    assert_eq!(read::due(&one, webhook, at(9)).await.len(), 2, "what a node leaves behind is there at once");
    assert_eq!(read::due(&one, webhook, soon_after).await.len(), 3, "also what it made in the future");
}

/// DLV-3, DLV-2: what a node reports of a delivery that another is just taking is not taken either.
async fn what_is_being_taken_is_waited_for(server: &PostgresServer) {
    let (one, two, sql) = nodes(server, "taken").await;
    let team = given::team(&one).await;
    let webhook = given::webhook(&one, team, "*").await;
    given::one_event(&one, team, "ticket.created").await;
    let of_one = given::only_due(&one, webhook).await;
    sql.batch_execute("BEGIN; UPDATE due SET node = 2").await.expect("the second node takes it");
    let (store, due) = (one.clone(), of_one.clone());
    let late =
        tokio::spawn(async move { given::recorded(&store, &due, Verdict::RetryAt(at(5)), at(2)).await });
    until("a result that waits", async || {
        let waits =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = sql.query(waits, &[]).await.expect("it can be asked");
        (!waiting.is_empty()).then_some(())
    })
    .await;
    sql.batch_execute("COMMIT").await.expect("it is taken");
    assert_eq!(soon(late).await.expect("it ends"), DeliveryStatus::Pending);
    assert_eq!(one.delivery(team, of_one.id).await.expect("it is there").1, [], "nothing is on record");
    let of_two = given::only_due(&two, webhook).await;
    assert_eq!(of_two, of_one, "nothing of it has changed");
    assert_eq!(given::recorded(&two, &of_two, Verdict::Delivered, at(3)).await, DeliveryStatus::Delivered);
}

/// DLV-3: a node that falls asleep in the middle of a record has its deliveries locked for longer than its lease. Another passes over
/// them, and looks again soon.
async fn what_is_locked_is_looked_for_again(server: &PostgresServer) {
    let (one, two, sql) = nodes(server, "passed").await;
    let team = given::team(&one).await;
    let webhook = given::webhook(&one, team, "*").await;
    given::published(&one, team, &["ticket.created"; 2], at(0)).await;
    sql.batch_execute("UPDATE due SET node = 99").await.expect("a node that is not there any more");
    sql.batch_execute("BEGIN; SELECT FROM due WHERE number = 1 FOR UPDATE").await.expect("its lock");
    let now = soonest(&two, webhook).await;
    let slice = two.due(webhook, now, 10).await.expect("a slice");
    assert_eq!(slice.due.len(), 1, "the other is free");
    assert_eq!(slice.next, Some(now.plus(Duration::from_secs(1))));
    sql.batch_execute("COMMIT").await.expect("it is free");
    assert_eq!(two.due(webhook, now, 10).await.expect("a slice").due.len(), 2);
}

/// When the first that waits for a webhook is due, and all that was published with it.
async fn soonest(store: &AnyStore, webhook: WebhookId) -> Timestamp {
    let lanes = store.lanes().await.expect("lanes");
    lanes.iter().find(|(of, _)| *of == webhook).expect("something waits").1
}

/// DLV-3, DLV-4: a delivery that somebody has locked, or what is due of it, keeps no other's result from going on record. Its own does
/// once it is free.
async fn locked_deliveries_hold_up_no_other(server: &PostgresServer) {
    let (one, _two, sql) = nodes(server, "rows").await;
    let team = given::team(&one).await;
    let webhook = given::webhook(&one, team, "*").await;
    for table in ["due", "deliveries"] {
        given::published(&one, team, &["ticket.created"; 2], at(0)).await;
        let due = read::due(&one, webhook, at(9)).await;
        let lock =
            format!("BEGIN; SELECT FROM {table} WHERE number = (SELECT min(number) FROM due) FOR UPDATE");
        sql.batch_execute(&lock).await.expect("it is locked");
        let reports: Arc<[AttemptReport]> =
            due.iter().map(|due| given::report(due, Verdict::Delivered, at(1))).collect();
        let free = soon(one.record_free(Arc::clone(&reports), FailureRule::NEVER)).await;
        assert_eq!(free, Ok(vec![None, Some(DeliveryStatus::Delivered)]), "{table}");
        let store = one.clone();
        let waiting = tokio::spawn(async move { store.record(reports, FailureRule::NEVER).await });
        sql.batch_execute("COMMIT").await.expect("it is free");
        assert_eq!(soon(waiting).await.expect("it ends"), Ok(vec![DeliveryStatus::Delivered; 2]), "{table}");
        assert!(read::due(&one, webhook, at(9)).await.is_empty(), "{table}");
    }
}

/// DLV-2, DLV-3: rows of two days are written by somebody else while a result waits for them, and one that had ended waits again since: the
/// results count for all, and nothing is left to be sent.
async fn what_changes_while_it_is_waited_for_is_recorded(server: &PostgresServer) {
    const NEXT_DAY: i64 = 86_400;
    let (one, _two, sql) = nodes(server, "waited").await;
    let looks_on = client(server, "waited").await;
    let team = given::team(&one).await;
    let webhook = given::webhook(&one, team, "*").await;
    for second in [0, NEXT_DAY, 0] {
        given::published(&one, team, &["ticket.created"], at(second)).await;
    }
    let due = read::due(&one, webhook, at(2 * NEXT_DAY)).await;
    assert_eq!(due.len(), 3);
    let report = |due| given::report(due, Verdict::Delivered, at(2 * NEXT_DAY));
    let reports: Arc<[AttemptReport]> = due.iter().map(report).collect();
    let failed = given::recorded(&one, &due[0], Verdict::Failed, at(NEXT_DAY)).await;
    assert_eq!(failed, DeliveryStatus::Failed);
    let change = "BEGIN; UPDATE deliveries SET tag = tag; UPDATE due SET node = node;
         INSERT INTO due SELECT team, number, day, webhook, generation, 0, event, 0 FROM deliveries WHERE due_ms IS NULL;
         UPDATE deliveries SET status = 0, due_ms = 0 WHERE due_ms IS NULL";
    sql.batch_execute(change).await.expect("it is changed");
    let store = one.clone();
    let waiting = tokio::spawn(async move { store.record(reports, FailureRule::NEVER).await });
    until("somebody who waits", async || {
        let row = looks_on
            .query_one("SELECT count(*) FROM pg_locks WHERE NOT granted", &[])
            .await
            .expect("a count");
        (row.get::<_, i64>(0) > 0).then_some(())
    })
    .await;
    sql.batch_execute("COMMIT").await.expect("it is free");
    assert_eq!(soon(waiting).await.expect("it ends"), Ok(vec![DeliveryStatus::Delivered; 3]));
    let left = sql.query_one("SELECT count(*) FROM due", &[]).await.expect("a count");
    assert_eq!(left.get::<_, i64>(0), 0);
}

/// DLV-4: somebody has the operator's row, who would be told of a delivery that failed for good. Whatever else is reported goes on record.
async fn a_locked_operator_holds_up_those_who_are_told_of(server: &PostgresServer) {
    let (one, _two, sql) = nodes(server, "operator").await;
    let (well, ill) = (given::team(&one).await, given::team(&one).await);
    let webhook = given::webhook(&one, well, "*").await;
    given::one_event(&one, well, "ticket.created").await;
    let of_well = given::report(&given::only_due(&one, webhook).await, Verdict::Delivered, at(1));
    let of_ill = failing(&one, ill).await;
    sql.batch_execute("BEGIN; SELECT FROM teams WHERE number = 0 FOR UPDATE").await.expect("it is locked");
    let both = one.record_free([of_ill.clone(), of_well].into(), FailureRule::NEVER);
    assert_eq!(soon(both).await, Ok(vec![None, Some(DeliveryStatus::Delivered)]));
    let alone = one.record_free([of_ill.clone()].into(), FailureRule::NEVER);
    assert_eq!(soon(alone).await, Ok(vec![None]));
    sql.batch_execute("COMMIT").await.expect("it is free");
    let then = one.record_free([of_ill].into(), FailureRule::NEVER);
    assert_eq!(soon(then).await, Ok(vec![Some(DeliveryStatus::Failed)]));
}

/// DLV-4, LOG-2: teams whose rows somebody holds wait for themselves alone, more of them than there are groups at the same time.
async fn locked_teams_hold_up_no_other(server: &PostgresServer) {
    const LOCKED: usize = 5;
    let (one, _two, sql) = nodes(server, "locked").await;
    let free = given::team(&one).await;
    let mut held = Vec::new();
    for _ in 0..LOCKED {
        held.push(given::team(&one).await);
    }
    let (of_held, of_free) = (failing(&one, held[0]).await, failing(&one, free).await);
    let ids: Vec<String> = held.iter().map(|team| format!("'{}'", team.as_uuid())).collect();
    let hold = format!("BEGIN; SELECT 1 FROM teams WHERE id IN ({}) FOR UPDATE", ids.join(", "));
    sql.batch_execute(&hold).await.expect("they are locked");

    let record_free = async |of_free: AttemptReport| {
        let both = one.record_free([of_held.clone(), of_free].into(), FailureRule::NEVER);
        soon(both).await.expect("what is free is recorded")
    };
    assert_eq!(record_free(of_free).await, [None, Some(DeliveryStatus::Failed)], "its row is locked");
    let mut waiting = JoinSet::new();
    for team in held.iter().flat_map(|team| [*team; 2]) {
        let store = one.clone();
        waiting.spawn(async move { drop(given::one_event(&store, team, "ticket.created").await) });
    }
    let (store, report) = (one.clone(), of_held.clone());
    waiting.spawn(async move {
        store.record([report].into(), FailureRule::NEVER).await.expect("it is recorded");
    });
    let watching = client(server, "postgres").await;
    until("some that wait", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        let waits: i64 = watching.query_one(sql, &[]).await.expect("it can be asked").get(0);
        (waits >= 3).then_some(())
    })
    .await;
    let mut published = JoinSet::new();
    for _ in 0..20 {
        let store = one.clone();
        published.spawn(async move { given::one_event(&store, free, "ticket.created").await });
    }
    soon(published.join_all()).await;
    let of_free = failing(&one, free).await;
    assert_eq!(record_free(of_free).await, [None, Some(DeliveryStatus::Failed)], "somebody has its turn");

    assert!(waiting.try_join_next().is_none(), "their rows are locked");
    sql.batch_execute("COMMIT").await.expect("they are free");
    soon(waiting.join_all()).await;
    for team in &held[1..] {
        assert_eq!(one.ends(*team).await.expect("ends").head, 2);
    }
}

/// A new webhook, and the report that its only delivery has failed for good: which the operator is told.
async fn failing(store: &AnyStore, team: TeamId) -> AttemptReport {
    let webhook = given::webhook(store, team, "boss.*").await;
    given::one_event(store, team, "boss.created").await;
    given::report(&given::only_due(store, webhook).await, Verdict::Failed, at(1))
}

/// LOG-1: a server that has begun to acknowledge what it has not synced takes nothing over new connections, of which there is always one
/// at some time.
async fn each_new_connection_is_judged(server: &PostgresServer) {
    let (one, _two, sql) = nodes(server, "judged").await;
    let team = given::team(&one).await;
    let publish = async || {
        let event = vec![new_event(team, "ticket.created", "{}", at(0))];
        soon(one.append(publishing(team, event, at(0)))).await
    };
    publish().await.expect("it is taken");
    let connect_anew = async |after: &str| {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sql.batch_execute(after).await.expect("a setting");
        sql.batch_execute(end).await.expect("they end");
    };
    connect_anew("ALTER DATABASE judged SET synchronous_commit = off").await;
    until("a refusal", async || match publish().await {
        Ok(_) => panic!("it was taken"),
        Err(StoreError::Unreachable(why)) => why.contains("synchronous_commit off").then_some(()),
        Err(_) => None,
    })
    .await;
    connect_anew("ALTER DATABASE judged RESET synchronous_commit").await;
    until("a server that can be used", async || publish().await.ok()).await;
}

/// Passes on what comes, until a client asks for a commit: that is still passed on, and then the connection ends.
async fn cut_at_commits(server: &PostgresServer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let to = server.address();
    tokio::spawn(async move {
        while let Ok((from, _)) = listener.accept().await {
            tokio::spawn(pass_on(from, to));
        }
    });
    port
}

async fn pass_on(mut from: TcpStream, to: std::net::SocketAddr) {
    let mut server = TcpStream::connect(to).await.expect("the server is there");
    let (mut up, mut down, mut renames) = (vec![0; 1 << 16], vec![0; 1 << 16], false);
    loop {
        tokio::select! {
            read = from.read(&mut up) => {
                let Ok(length @ 1..) = read else { return };
                if server.write_all(&up[..length]).await.is_err() { return }
                // What publishes is known by its rows, and what renames by its statement, whose answer comes before the commit is asked
                // for: to open a store takes commits, too.
                let asks = |text: &[u8]| up[..length].windows(text.len()).any(|part| part == text);
                renames |= asks(b"UPDATE teams SET name");
                if asks(b"COMMIT") && (renames || asks(b"INSERT INTO events")) {
                    let _ = server.read(&mut down).await; // the commit is under way
                    tokio::time::timeout(Duration::from_millis(200), server.read(&mut down)).await.ok();
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(length @ 1..) = read else { return };
                if from.write_all(&down[..length]).await.is_err() { return }
            }
        }
    }
}

/// LOG-1: where the connection breaks at the commit nobody knows what became of it; its idempotency key finds out.
async fn a_commit_whose_answer_is_lost_is_unknown(server: &PostgresServer) {
    let (one, _two, _) = nodes(server, "cut").await;
    let team = given::team(&one).await;
    given::one_event(&one, team, "ticket.created").await;
    let port = cut_at_commits(server).await;
    let far = node(&server.url("cut").replace(&server.address().port().to_string(), &port.to_string())).await;
    let append = publishing(team, vec![keyed(new_event(team, "ticket.created", "{}", at(0)), "key")], at(0));
    // The first one makes the day known to the node; then it goes through.
    let outcome = soon(far.append(append.clone())).await;
    assert_eq!(outcome, Err(StoreError::OutcomeUnknown));
    let settled = soon(one.append(append)).await.expect("it can be repeated");
    assert_eq!(settled[0].entry.position.seq, 2, "once, whether it was stored or not");
    assert_eq!(one.ends(team).await.expect("ends").head, 2);
    let renamed = soon(far.rename_team(team, "other".into(), None)).await;
    assert_eq!(renamed.err(), Some(StoreError::OutcomeUnknown), "nothing but the commit was on its way");
}

/// LOG-1: a commit that its standby may lack is not acknowledged, though the server says that it is committed.
async fn a_commit_that_no_standby_has_is_unknown(server: &PostgresServer) {
    let (one, _two, sql) = nodes(server, "standby").await;
    let team = given::team(&one).await;
    given::one_event(&one, team, "ticket.created").await;
    sql.batch_execute("SET synchronous_commit = local").await.expect("a setting");
    let wait_for = async |names: &str| {
        sql.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"))
            .await
            .expect("set");
        sql.batch_execute("SELECT pg_reload_conf()").await.expect("reloaded");
    };
    wait_for("somebody").await;
    // The setting has come to the whole server once somebody waits: the nodes say each second that they are there.
    until("a wait for the standby", async || {
        let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let waiting = sql.query(waiting, &[]).await.expect("it can be asked");
        (!waiting.is_empty()).then_some(())
    })
    .await;
    let store = one.clone();
    let publishing = tokio::spawn(async move {
        let event = vec![keyed(new_event(team, "ticket.created", "{}", at(0)), "key")];
        store.append(publishing(team, event, at(0))).await
    });
    until("the end of the wait", async || {
        let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        sql.query(cancel, &[]).await.expect("it can be asked");
        publishing.is_finished().then_some(())
    })
    .await;
    assert_eq!(soon(publishing).await.expect("it ends"), Err(StoreError::OutcomeUnknown));
    wait_for("").await;
    assert_eq!(one.ends(team).await.expect("ends").head, 2, "it is here all the same");
}
