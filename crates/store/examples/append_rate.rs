//! How fast the store on disk takes events, and results if webhooks want them:
//!
//! ```text
//! cargo run --release -p cstar-store --example append_rate -- [seconds] [batch] [in flight] [webhooks] [directory]
//! ```
//!
//! The directory should be on the disk in question; a temporary one is often kept in memory. It is left behind.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cstar_store::sqlite::{MasterKey, Options, SqliteStore};
use cstar_store::{Append, AttemptReport, Change, FanOut, NewEvent, SecretText, Store, Told, Verdict};
use cstar_types::{
    Attempt, AttemptRequest, Event, EventId, EventType, FailureRule, Outcome, Patterns, Team, TeamId,
    Timestamp, Webhook, WebhookId, WebhookStatus,
};
use uuid::Uuid;

/// A body of about 350 bytes, as a small ticket has.
const DATA: &str = r#"{"id":"0a0f5b5e-5f0c-4b0e-9a57-6f4c0f1d2e3b","title":"The export of last month's invoices stops half way","status":"open","priority":"high","customer":{"id":"c1b7","name":"Northwind"},"tags":["billing","export"]}"#;
/// Results that go to the store together.
const RESULTS: usize = 500;
/// What the tail may hold for the one who records results.
const TAIL_BYTES: usize = 256 << 20;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn webhook(team: TeamId) -> Webhook {
    Webhook {
        id: WebhookId::from_uuid(Uuid::now_v7()),
        team,
        url: "https://example.com/hook".to_owned(),
        events: Patterns::all(),
        filter: None,
        description: String::new(),
        status: WebhookStatus::Enabled,
        disabled_reason: None,
        failing_since: None,
        ordered: false,
        rate_limit: None,
        retry_schedule: None,
        headers: Vec::new(),
        disable_on_gone: false,
        secret_overlap_until: None,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

async fn publish(store: Arc<dyn Store>, team: TeamId, batch: usize, until: Instant) -> usize {
    let event_type: EventType = "ticket.created".parse().expect("a type");
    let mut taken = 0;
    while Instant::now() < until {
        let now = now();
        let events = (0..batch).map(|_| {
            let id = EventId::from_uuid(Uuid::now_v7(), false);
            let event = Event::new(id, event_type.clone(), team, now, DATA.as_bytes());
            NewEvent { event, idempotency_key: None }
        });
        match store.append(Append { team, events: events.collect(), fan_out: FanOut::Matching, now }).await {
            Ok(_) => taken += batch,
            Err(error) => {
                println!("refused: {error}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    taken
}

/// Records every delivery that the tail tells of as delivered, until the store closes.
async fn record(store: Arc<dyn Store>, mut tail: cstar_store::TailReader) -> usize {
    let mut recorded = 0;
    while let Some(told) = tail.next().await {
        let Told::Change(change) = told else { continue };
        let Change::Appended { deliveries, .. } = &*change else { continue };
        for due in deliveries.chunks(RESULTS) {
            let reports = due.iter().map(|due| AttemptReport {
                delivery: due.id,
                webhook: due.webhook,
                failed_before: due.failed,
                verdict: Verdict::Delivered,
                attempt: Attempt {
                    number: due.attempts + 1,
                    started_at: now(),
                    duration_ms: 12,
                    outcome: Outcome::Success,
                    status_code: Some(200),
                    detail: "your endpoint answered 200".to_owned(),
                    response_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                    response_body: r#"{"received":true}"#.to_owned(),
                    request: AttemptRequest {
                        url: "https://example.com/hook".to_owned(),
                        address: Some("203.0.113.7:443".to_owned()),
                        signature: Some("ab".repeat(32)),
                    },
                },
            });
            match store.record(reports.collect(), FailureRule::NEVER).await {
                Ok(statuses) => recorded += statuses.len(),
                Err(error) => println!("results refused: {error}"),
            }
        }
    }
    recorded
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: u64| arguments.next().map_or(Ok(usual), |text| text.parse());
    let (seconds, batch, in_flight, webhooks) = (number(5)?, number(100)?, number(16)?, number(0)?);
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join("cstar-append-rate"), PathBuf::from);

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(Options::new(dir, MasterKey::new([7; 32])))?);
    let id = TeamId::from_uuid(Uuid::new_v4());
    let team =
        store.create_team(Team { id, name: "Acme".to_owned(), version: 1, created_at: now() }).await?.id;
    for _ in 0..webhooks {
        store.create_webhook(webhook(team), SecretText::new("whsec_x".to_owned()), 1000).await?;
    }
    let tail = store.tail(TAIL_BYTES);
    let recording = tokio::spawn(record(Arc::clone(&store), tail));

    let start = Instant::now();
    let until = start + Duration::from_secs(seconds);
    let publishing: Vec<_> = (0..in_flight)
        .map(|_| tokio::spawn(publish(Arc::clone(&store), team, usize::try_from(batch).unwrap_or(1), until)))
        .collect();
    let mut taken = 0;
    for one in publishing {
        taken += one.await?;
    }
    let rate = |count: f64| count / start.elapsed().as_secs_f64();
    let counts = store.counts();
    println!("{taken} events, {:.0}/s, {:.0} commits/s", rate(taken as f64), rate(counts.commits as f64));
    println!("{:.0} results/s while publishing", rate(counts.attempts as f64));
    store.close().await;
    println!("{} results in all, {:.0}/s", recording.await?, rate(counts.deliveries as f64));
    Ok(())
}
