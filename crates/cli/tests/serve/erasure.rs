//! Erasing what an event said, in the running server and on its disk.

use std::path::Path;

use cstar_testkit::{CstarProcess, Receiver, Reply, StreamReader, Team, until};
use cstar_types::{CancelReason, DeliveryStatus, EventId};
use hyper::Method;
use serde_json::json;

use crate::{cstar, ticket, with_team};

/// In `data` alone, and nowhere else by chance.
const CANARY: &str = "the-canary-of-what-is-erased";

async fn erase(team: &Team, event: EventId) {
    let path = team.path(&format!("events/{event}/data"));
    let _ = team.http.call(Method::DELETE, &path, "").await.expect(204);
}

/// How often the canary stands in the files of a directory.
fn canaries(directory: &Path) -> usize {
    let found = std::fs::read_dir(directory).expect("a data directory").map(|entry| {
        let bytes = std::fs::read(entry.expect("an entry").path()).unwrap_or_default();
        bytes.windows(CANARY.len()).filter(|window| *window == CANARY.as_bytes()).count()
    });
    found.sum()
}

/// R6, LOG-2, DLV-2: an erased event is an empty envelope at its place, for whoever reads it from then on: the ring of a stream
/// that was open all the while, replay, lists, and an attempt that was waiting, which is cancelled. What an endpoint answered to
/// it is gone from the logs.
#[tokio::test]
async fn an_erased_event_is_not_shown_again() {
    let (_cstar, team) = with_team(cstar().flag("--retry-schedule", "1h")).await;
    let receiver = Receiver::new(|_| Reply::status(503).body(CANARY)).await;
    team.webhook(&receiver.url("/"), &["*"]).await;
    let open = StreamReader::open(&team.http, &team.path("realtime"), None).await;
    let event = team.publish("ticket.created", &ticket(CANARY)).await;
    team.publish("ticket.created", &ticket("its neighbour")).await;
    open.until_events(2).await;
    let first = until("the first attempt", async || {
        let rows = team.deliveries(&format!("event={}", event.id)).await;
        rows.into_iter().find(|row| row.attempts == 1)
    })
    .await;
    assert_eq!(team.delivery(first.id).await.attempts[0].response_body, CANARY);
    let key = team.key(&["events:write", "events:read"], &["*"]).await;
    let path = team.path(&format!("events/{}/data", event.id));
    let refused = team.with_key(&key).http.call(Method::DELETE, &path, "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "missing_scope"), "{refused}");

    erase(&team, event.id).await;
    erase(&team, event.id).await;
    let left = event.envelope.split_once(r#""data":"#).expect("an envelope").0.to_owned() + r#""data":{}}"#;
    assert_eq!(team.event(event.id).await.body, left.as_bytes());
    until("the ring to forget it", async || (team.log().await[0].1 == left).then_some(())).await;
    assert_eq!(team.log().await.len(), 2);
    let cancelled = team.delivery(first.id).await;
    assert_eq!(
        (cancelled.status, cancelled.cancel_reason),
        (DeliveryStatus::Cancelled, Some(CancelReason::EventErased))
    );
    assert_eq!(cancelled.attempts[0].response_body, "");
    let resend = team.http.post(&team.path(&format!("deliveries/{}/resend", first.id)), "").await;
    assert_eq!((resend.status, resend.code().as_str()), (409, "conflict"), "{resend}");
}

/// What was erased is in no file of the data directory: not in the database, whose pages were filled by several teams in turn and
/// split many times, and not in its write-ahead log; not while the server runs, and not after it.
#[tokio::test]
async fn what_is_erased_is_in_no_file() {
    let (mut cstar, first) = with_team(cstar()).await;
    let others = [Team::create(&first.http).await, Team::create(&first.http).await];
    let mut events = Vec::new();
    for turn in 0..120 {
        let long = CANARY.repeat(1 + turn % 7 * 40);
        let data = json!({"id": turn.to_string(), "title": long});
        events.push(first.publish("boss.spawned", &data).await.id);
        for other in &others {
            other
                .publish("boss.spawned", &json!({"id": turn.to_string(), "title": "x".repeat(turn * 5)}))
                .await;
        }
    }
    assert!(canaries(cstar.data()) > events.len());
    for event in events {
        erase(&first, event).await;
    }
    until("the files to be without it", async || (canaries(cstar.data()) == 0).then_some(())).await;
    let log = first.log().await;
    assert!(log.len() == 120 && log.iter().all(|(_, envelope)| envelope.ends_with(r#""data":{}}"#)));
    end(&mut cstar).await;
    assert_eq!(canaries(cstar.data()), 0);
}

async fn end(cstar: &mut CstarProcess) {
    cstar.terminate();
    assert!(cstar.ended().await.success(), "{}", cstar.log());
}
