//! How each fault is brought about. One that did not come about panics: it tested nothing.

mod database;

use std::time::{Duration, Instant};

use cstar_types::{DeliveryStatus, EventId};
use futures_util::future::join_all;
use hyper::Method;
use rand::RngExt;
use rand::rngs::StdRng;
use rustix::process::Signal;

use super::{COUNT, Nodes, Seen, Servers, SharedFault};
use crate::clock::Clock;
use crate::ledger::{Crash, Verdict};
use crate::machine::send;
use crate::scene::{Mood, SOME, until_acknowledged};
use crate::team::Team;
use crate::wait::until;

/// By which a clock is ahead.
const AHEAD_SECONDS: i64 = 60 * 60;
/// Changes of a webhook, for two seconds or more.
const CHANGES: u32 = 20;
const CHANGED_EVERY: Duration = Duration::from_millis(100);
/// Attempts that waited for less than half of what the schedule says: 0.1, 0.3, and then a second each.
const TOO_EARLY: &str = "SELECT count(*) FROM attempts a
     JOIN attempts b ON b.team = a.team AND b.delivery = a.delivery AND b.day = a.day AND b.count = a.count + 1
     WHERE b.started_ms - a.started_ms < (ARRAY[50, 150, 500])[least(a.count, 3)]
         AND a.started_ms > (extract(epoch FROM now()) + 1800) * 1000";
/// What is to be tried again by that clock.
const RETRIES_AHEAD: &str = "SELECT count(*) FROM deliveries WHERE attempts > 0 AND due_ms > (extract(epoch FROM now()) + 1800) * 1000";

/// More than passes between a node and NATS before the first bell.
const GREETING: usize = 20;

impl Nodes {
    /// Suffers a fault at a moment that `random` chooses, and stands again.
    ///
    /// # Panics
    /// When the fault did not come about, or the nodes did not do what they must.
    pub async fn suffer(&mut self, fault: SharedFault, random: &mut StdRng) {
        match fault {
            SharedFault::NodeKilled => self.lose_a_node(random).await,
            SharedFault::NodeSleeps => self.have_a_node_that_sleeps(random).await,
            SharedFault::ClockAhead => self.lose_a_node_that_is_ahead(random).await,
            SharedFault::NodeCutOff => self.have_a_node_that_is_cut_off().await,
            SharedFault::RollingRestart => self.are_restarted().await,
            SharedFault::LaterVersion => self.are_of_an_earlier_version(random).await,
            SharedFault::ConnectionsEnded => self.lose_connections(random).await,
            SharedFault::DatabaseCrashes => self.lose_the_database().await,
            SharedFault::PrimaryLost => self.lose_the_primary().await,
            SharedFault::PrimaryHangs => self.are_left_hanging().await,
            SharedFault::DatabaseFull => {
                self.find_no_room_for_rows().await;
                self.find_no_room_for_the_log().await;
            }
            SharedFault::TransactionHeld => self.are_held_up().await,
            SharedFault::BellsKilled => self.lose_nats().await,
            SharedFault::BellsCut => self.have_a_deaf_node().await,
        }
    }

    async fn lose_a_node(&mut self, random: &mut StdRng) {
        let begun = Instant::now();
        let (lost, more) = (random.random_range(0..COUNT), random.random_range(1..SOME));
        self.under_load(async |stage, seen| {
            until_acknowledged(seen.ledger, more).await;
            stage.nodes[lost].kill_9();
            until_acknowledged(seen.ledger, SOME).await;
            stage.nodes[lost].start().await;
        })
        .await;
        self.life.crashes.push(Crash::since(begun));
    }

    /// What it had on its way is sent by others while it sleeps; when it wakes its attempts are too late, and it says so of deliveries
    /// that have ended well.
    async fn have_a_node_that_sleeps(&mut self, random: &mut StdRng) {
        let begun = Instant::now();
        let sleeper = random.random_range(0..COUNT);
        let team = self.team.clone();
        self.under_load(async |stage, seen| {
            let (at_it, beside) = (stage.at(sleeper, &team), stage.at(sleeper + 1, &team));
            stage.moody.be(Mood::NeverAnswers);
            let published = join_all((0..SOME).map(|_| seen.ledger.publish(&at_it))).await;
            let events: Vec<EventId> = published.into_iter().map(event).collect();
            let ids: Vec<String> = events.iter().map(ToString::to_string).collect();
            until("an attempt on its way", async || {
                let mut received = stage.moody.receiver.received().into_iter();
                received.any(|request| ids.iter().any(|id| id == request.header("webhook-id"))).then_some(())
            })
            .await;
            send(stage.nodes[sleeper].pid(), Signal::STOP);
            stage.moody.be(Mood::Well);
            for event in events {
                until_delivered(&beside, event).await;
            }
            send(stage.nodes[sleeper].pid(), Signal::CONT);
            until("the sleeper's first publish", async || {
                matches!(seen.ledger.publish(&at_it).await, Verdict::Ok(_)).then_some(())
            })
            .await;
        })
        .await;
        // What was on its way, and what it sent before it found that it had slept.
        self.life.crashes.extend([Crash::since(begun); 2]);
    }

    /// Others make its retries when they are due by the clock of the database, not an hour later.
    async fn lose_a_node_that_is_ahead(&mut self, random: &mut StdRng) {
        let clock = Clock::found().expect("it is asked for before");
        clock.be_off_by(AHEAD_SECONDS);
        let begun = Instant::now();
        let (ahead, team, webhook) =
            (random.random_range(0..COUNT), self.team.clone(), self.of_moods.seen.id);
        self.under_load(async |stage, seen| {
            let node = &mut stage.nodes[ahead];
            node.terminate();
            assert!(node.ended().await.success());
            node.goes_by(Some(&clock));
            node.start().await;
            stage.moody.be(Mood::Fails);
            let (at_it, database) = (stage.at(ahead, &team), stage.servers.database.server());
            until("a retry that it is to make", async || (database.ask(RETRIES_AHEAD) != "0").then_some(()))
                .await;
            // By its own clock it waits as it should, although with each change it reads again what waits.
            let path = at_it.path(&format!("webhooks/{webhook}"));
            for change in 0..CHANGES {
                let description = format!(r#"{{"description":"{change}"}}"#);
                let _ = at_it.http.call(Method::PATCH, &path, description).await.expect(200);
                tokio::time::sleep(CHANGED_EVERY).await;
            }
            assert_eq!(database.ask(TOO_EARLY), "0", "attempts that did not wait");
            stage.nodes[ahead].kill_9();
            stage.moody.be(Mood::Well);
            until_acknowledged(seen.ledger, SOME).await;
            stage.nodes[ahead].goes_by(None);
            stage.nodes[ahead].start().await;
        })
        .await;
        self.life.crashes.push(Crash::since(begun));
    }

    /// What it had is sent by others once its lease is over, and it says of itself that it is not ready; its stream goes on after.
    async fn have_a_node_that_is_cut_off(&mut self) {
        const THERE: &str = "SELECT count(*) FROM nodes WHERE leased_until > now() AND number > 0";
        let begun = Instant::now();
        let team = self.team.clone();
        self.under_load(async |stage, seen| {
            let (asked, beside) = (stage.nodes[COUNT - 1].http(), stage.at(0, &team));
            let Servers { database, to_nats, to_database, .. } = &stage.servers;
            let (to_database, database) =
                (to_database.as_ref().expect("it is asked for before"), database.server());
            until("all nodes", async || (database.ask(THERE) == COUNT.to_string()).then_some(())).await;
            to_database.cut();
            to_nats.cut();
            until("the end of its lease", async || (database.ask(THERE) != COUNT.to_string()).then_some(()))
                .await;
            until("a node that is not ready", async || {
                (asked.get("/readyz").await.status == 503).then_some(())
            })
            .await;
            // It may have gone in the middle of a transaction, with the row of the team.
            let event = until("a publish at another", async || match seen.ledger.publish(&beside).await {
                Verdict::Ok(published) => Some(published.id),
                _ => None,
            });
            until_delivered(&beside, event.await).await;
            to_database.mend();
            to_nats.mend();
            until("a node that is ready again", async || {
                (asked.get("/readyz").await.status == 200).then_some(())
            })
            .await;
            until_streamed(seen).await;
        })
        .await;
        // What was on its way, and what it sent before it found that others have it.
        self.life.crashes.extend([Crash::since(begun); 2]);
    }

    async fn are_restarted(&mut self) {
        self.under_load(async |stage, seen| {
            for node in &mut stage.nodes {
                node.terminate();
                assert!(node.ended().await.success());
                until_acknowledged(seen.ledger, SOME).await;
                node.start().await;
            }
        })
        .await;
    }

    async fn lose_nats(&mut self) {
        self.under_load(async |stage, seen| {
            stage.servers.nats.kill();
            until_streamed(seen).await;
            stage.servers.nats.start_again().await;
            until_streamed(seen).await;
        })
        .await;
    }

    async fn have_a_deaf_node(&mut self) {
        self.under_load(async |stage, seen| {
            let wire = &stage.servers.to_nats;
            // The node may still be on its way back to the bells, if they were away before.
            let passed = wire.passed();
            until("bells that come through", async || (wire.passed() > passed + GREETING).then_some(()))
                .await;
            let held = wire.held();
            wire.cut();
            until_streamed(seen).await;
            until("a bell that does not come through", async || (wire.held() > held).then_some(())).await;
            wire.mend();
            until_streamed(seen).await;
        })
        .await;
    }
}

fn event(verdict: Verdict) -> EventId {
    match verdict {
        Verdict::Ok(published) => published.id,
        verdict => panic!("{verdict:?}"),
    }
}

async fn until_delivered(team: &Team, event: EventId) {
    until(&format!("{event} to be delivered by others"), async || {
        let rows = team.deliveries(&format!("event={event}")).await;
        let delivered = rows.iter().all(|row| row.status == DeliveryStatus::Delivered);
        (delivered && !rows.is_empty()).then_some(())
    })
    .await;
}

/// What is acknowledged from now on comes to the stream.
async fn until_streamed(Seen { ledger, reader, .. }: Seen<'_>) {
    until_acknowledged(ledger, SOME).await;
    reader.until_events(ledger.acknowledged()).await;
}
