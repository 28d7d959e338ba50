//! What befalls the database that nodes share.

use std::time::Instant;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::ledger::{Crash, Ledger, Verdict};
use crate::nodes::servers::Database;
use crate::nodes::{COUNT, Nodes, PACE};
use crate::scene::{SOME, until_acknowledged};
use crate::wait::until;

/// How often connections are ended.
const ENDS: usize = 4;
/// Less than a row of the log takes with what belongs to it.
const HARDLY_ANY_ROOM: u64 = 64 << 10;

/// What PostgreSQL remembers of its catalog, between two changes of that. Without it, and without room to write it, nobody is let in.
const INIT_FILE: &str = "could not write init file";

/// What a migration may do while nodes of the version before it run: it adds.
const LATER: &str = "SET lock_timeout = 2000; BEGIN;
    ALTER TABLE teams ADD COLUMN later text;
    ALTER TABLE heads ADD COLUMN later bigint NOT NULL DEFAULT 0;
    ALTER TABLE webhooks ADD COLUMN later boolean NOT NULL DEFAULT false;
    ALTER TABLE events ADD COLUMN later bytea;
    ALTER TABLE deliveries ADD COLUMN later integer NOT NULL DEFAULT 0;
    ALTER TABLE due ADD COLUMN later integer NOT NULL DEFAULT 0;
    ALTER TABLE attempts ADD COLUMN later text;
    CREATE TABLE later (team bigint PRIMARY KEY, value text);
    UPDATE cstar_format SET version = version + 1; COMMIT";

impl Nodes {
    /// The tables of a later version hold more than those of this one.
    pub(super) async fn are_of_an_earlier_version(&mut self, random: &mut StdRng) {
        let old = random.random_range(0..COUNT);
        self.under_load(async |stage, seen| {
            let server = stage.servers.database.server();
            until_acknowledged(seen.ledger, SOME).await;
            // Whoever is in the middle of something may be in its way.
            until("the tables of a later version", async || server.try_ask(LATER).is_ok().then_some(()))
                .await;
            until_acknowledged(seen.ledger, SOME).await;
            let node = &mut stage.nodes[old];
            node.terminate();
            assert!(node.ended().await.success());
            assert!(node.try_start().await.is_err(), "it starts on a format that it does not know");
            assert!(node.log().contains("written by a newer cstar"), "{}", node.log());
            let _ = server.ask("UPDATE cstar_format SET version = version - 1");
            node.start().await;
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
    }

    pub(super) async fn lose_connections(&mut self, random: &mut StdRng) {
        let after: Vec<usize> = (0..ENDS).map(|_| random.random_range(1..SOME)).collect();
        self.under_load(async |stage, seen| {
            for more in after {
                until_acknowledged(seen.ledger, more).await;
                let server = stage.servers.database.server();
                until("a connection to end", async || (server.end_connections() > 0).then_some(())).await;
            }
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
    }

    pub(super) async fn lose_the_database(&mut self) {
        let begun = Instant::now();
        self.under_load(async |stage, seen| {
            until_acknowledged(seen.ledger, SOME).await;
            let database = stage.servers.database.server_mut();
            database.stop();
            until_refused(seen.ledger, 503).await;
            database.start_again().await;
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
        self.leases_ran_out(begun);
    }

    pub(super) async fn lose_the_primary(&mut self) {
        let begun = Instant::now();
        self.under_load(async |stage, seen| {
            let Database::Pair(pair) = &mut stage.servers.database else { panic!("there is a standby") };
            until_acknowledged(seen.ledger, SOME).await;
            pair.lose_primary().await;
            until_acknowledged(seen.ledger, SOME).await;
            pair.replace_standby().await;
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
        self.leases_ran_out(begun);
    }

    pub(super) async fn are_left_hanging(&mut self) {
        let begun = Instant::now();
        self.under_load(async |stage, seen| {
            let Database::Pair(pair) = &mut stage.servers.database else { panic!("there is a standby") };
            until_acknowledged(seen.ledger, SOME).await;
            pair.leave_primary_hanging();
            until_acknowledged(seen.ledger, SOME).await;
            pair.replace_standby().await;
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
        self.leases_ran_out(begun);
    }

    /// PostgreSQL refuses the rows and goes on.
    pub(super) async fn find_no_room_for_rows(&mut self) {
        let team = self.team.clone();
        self.under_load(async |stage, seen| {
            let Database::Small(server, disk) = &stage.servers.database else { panic!("a small disk") };
            // Another file of the log, which has room for what is refused.
            let _ = server.ask("SELECT pg_switch_wal()");
            until_acknowledged(seen.ledger, SOME).await;
            disk.fill_up_to(HARDLY_ANY_ROOM);
            until_refused(seen.ledger, 507).await;
            assert!(!team.log().await.is_empty(), "what is there is read");
            disk.make_room();
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
        assert!(self.stage.nodes.iter_mut().all(|node| node.runs()), "without a restart");
    }

    /// PostgreSQL panics, and cannot start before there is room.
    pub(super) async fn find_no_room_for_the_log(&mut self) {
        let begun = Instant::now();
        self.under_load(async |stage, seen| {
            let Database::Small(server, disk) = &mut stage.servers.database else { panic!("a small disk") };
            disk.fill_up_to(0);
            until("the end of the log's room", async || {
                let why = server.try_ask("SELECT pg_switch_wal()").err()?;
                if why.contains(INIT_FILE) {
                    disk.make_room();
                    let _ = server.try_ask("SELECT 1"); // who connects writes it
                    disk.fill_up_to(0);
                    return None;
                }
                Some(())
            })
            .await;
            until_refused(seen.ledger, 503).await;
            disk.make_room();
            server.start_again().await;
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
        self.leases_ran_out(begun);
        assert!(self.stage.nodes.iter_mut().all(|node| node.runs()), "without a restart");
    }

    /// All the while other teams' events are taken, by every node.
    pub(super) async fn are_held_up(&mut self) {
        let (hold, other) = (self.hold, self.neighbour.0.clone());
        let row = format!(
            "SELECT pg_current_xact_id(); SELECT FROM teams WHERE id = '{}' FOR UPDATE",
            self.team.id
        );
        let held = self.stage.servers.database.server().hold(&row);
        let before = self.ledger.acknowledged();
        self.under_load(async |stage, seen| {
            let begun = Instant::now();
            while begun.elapsed() < hold {
                for node in 0..COUNT {
                    let verdict = seen.others.publish(&stage.at(node, &other)).await;
                    assert!(matches!(verdict, Verdict::Ok(_)), "{verdict:?}");
                    tokio::time::sleep(PACE).await;
                }
            }
            assert_eq!(seen.ledger.acknowledged(), before, "the row was not held");
            drop(held);
            until_acknowledged(seen.ledger, SOME).await;
        })
        .await;
    }

    /// While the database was away: who is back first takes what the others had on their way.
    fn leases_ran_out(&mut self, since: Instant) {
        self.life.crashes.push(Crash::since(since));
    }
}

async fn until_refused(ledger: &Ledger, status: u16) {
    let refused = |verdict: &Verdict| matches!(verdict, Verdict::Failed(with, _) if *with == status);
    let before = ledger.count(refused);
    until(&format!("publishes to be answered {status}"), async || {
        (ledger.count(refused) > before).then_some(())
    })
    .await;
}
