//! Teams whose rows somebody holds, in a database that nodes share.

use std::time::Duration;

use cstar_testkit::{Gate, PostgresServer, Receiver, Reply, Team, ticket, until_within};
use cstar_types::DeliveryStatus;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::nodes::node;

/// A part of the time for which the node waits for a row.
const MEANWHILE: Duration = Duration::from_secs(10);
/// More than there are groups at the same time.
const LOCKED: usize = 5;
const ROUNDS: usize = 3;

/// DLV-4, LOG-2: while rows of teams are held, the endpoint of one of which fails, other teams' events are taken, sent, and their results
/// recorded, failures among them. What waited for the rows is there once they are free.
#[tokio::test]
async fn locked_teams_hold_up_no_other() {
    let Some(postgres) = PostgresServer::start().await else { return };
    let store = postgres.url("postgres");
    let mut node = node(&store, &store);
    node.start().await;
    let http = node.http();
    let locked = join_all((0..LOCKED).map(|_| Team::create(&http))).await;
    let [free, unlucky] = [Team::create(&http).await, Team::create(&http).await];
    let held = Gate::closed();
    let behind = held.clone();
    let fails = Receiver::new(move |_| Reply::status(500).behind(&behind)).await;
    let (fails_at_once, well) = (Receiver::new(|_| Reply::status(500)).await, Receiver::ok().await);
    let _ = locked[0].webhook(&fails.url("/"), &["*"]).await;
    let _ = unlucky.webhook(&fails_at_once.url("/"), &["*"]).await;
    let _ = free.webhook(&well.url("/"), &["*"]).await;
    locked[0].publish("ticket.created", &ticket("its attempt fails")).await;
    fails.until_received(1).await;

    let ids: Vec<String> = locked.iter().map(|team| format!("'{}'", team.id.as_uuid())).collect();
    let row = postgres.hold(&format!("SELECT 1 FROM teams WHERE id IN ({}) FOR UPDATE", ids.join(", ")));
    held.open();
    let waiting =
        join_all(locked.iter().map(|team| async { team.publish("ticket.created", &ticket("1")).await }));
    let meanwhile = async {
        for count in 1..=ROUNDS {
            let ticket = ticket("2");
            let published = join_all([&free, &unlucky].map(|team| team.publish("ticket.created", &ticket)));
            let _ = timeout(MEANWHILE, published).await.expect("others are published");
            until_within(MEANWHILE, "others' results", async || {
                let delivered = free.deliveries("status=delivered").await.len() == count;
                let rows = unlucky.deliveries("").await;
                let failed = rows.iter().filter(|row| row.status != DeliveryStatus::Pending).count();
                (delivered && failed == count).then_some(())
            })
            .await;
        }
        drop(row);
    };
    tokio::join!(waiting, meanwhile);
    until_within(MEANWHILE, "the result that waited", async || {
        let mut tried = locked[0].deliveries("").await.into_iter();
        tried.all(|row| row.status == DeliveryStatus::Retrying).then_some(())
    })
    .await;
    for team in &locked[1..] {
        assert_eq!(team.head().await, 1);
    }
}
