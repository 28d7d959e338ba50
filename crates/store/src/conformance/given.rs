//! What a rule begins with: teams, webhooks, events, and the time.

use std::sync::Arc;
use std::time::Duration;

use cstar_types::{
    Attempt, AttemptRequest, DeliveryStatus, Entry, Event, EventId, EventType, FailureRule, Key, KeyId,
    Outcome, Patterns, Scopes, Team, TeamId, Timestamp, Webhook, WebhookId, WebhookStatus,
};
use uuid::Uuid;

use super::AnyStore;
use crate::{
    Append, Appended, AttemptReport, Cutoffs, Due, FanOut, KeyDigest, NewEvent, SecretText, Verdict,
    WebhookPatch,
};

/// Room for every webhook that a rule makes.
pub const WEBHOOKS_MAX: usize = 1000;

/// A second of the day on which the rules play, counted from its beginning.
#[must_use]
pub const fn at(second: i64) -> Timestamp {
    const MORNING_MS: i64 = 1_765_350_000_000; // 2025-12-10T07:00:00Z
    Timestamp::from_millis(MORNING_MS + second * 1000)
}

/// A team that no store knows. Its id is random: nothing may lean on the order of team ids.
#[must_use]
pub fn new_team(name: &str) -> Team {
    Team { id: TeamId::from_uuid(Uuid::new_v4()), name: name.to_owned(), version: 1, created_at: at(0) }
}

/// A team in the store.
pub async fn team(store: &AnyStore) -> TeamId {
    store.create_team(new_team("Acme")).await.expect("a new team is taken").id
}

/// An enabled webhook that no store knows.
#[must_use]
pub fn new_webhook(team: TeamId, patterns: &str) -> Webhook {
    Webhook {
        id: WebhookId::from_uuid(Uuid::now_v7()),
        team,
        url: "https://example.com/hook".to_owned(),
        events: list(patterns),
        filter: None,
        description: "for the tests".to_owned(),
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
        created_at: at(0),
        updated_at: at(0),
    }
}

/// The secret that [`webhook`] gives.
#[must_use]
pub fn secret() -> SecretText {
    SecretText::new("whsec_c2VjcmV0IG9mIHRoaXJ0eS10d28gcmFuZG9tIGJ5dGVz".to_owned())
}

/// A webhook in the store.
pub async fn webhook(store: &AnyStore, team: TeamId, patterns: &str) -> WebhookId {
    let webhook = new_webhook(team, patterns);
    store.create_webhook(webhook, secret(), WEBHOOKS_MAX).await.expect("a new webhook is taken").id
}

/// A patch of the patterns alone.
#[must_use]
pub fn wanting(patterns: &str) -> WebhookPatch {
    WebhookPatch { events: Some(list(patterns)), ..WebhookPatch::default() }
}

/// A key that no store knows, and its digest.
#[must_use]
pub fn new_key(team: TeamId) -> (Key, KeyDigest) {
    let id = KeyId::from_uuid(Uuid::now_v7());
    let key = Key {
        id,
        team,
        name: "backend".to_owned(),
        scopes: Scopes::all(),
        types: Patterns::all(),
        maker: None,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    let mut digest = [0x5a; 32];
    digest[..16].copy_from_slice(&id.bits().to_be_bytes());
    (key, digest)
}

/// A key in the store.
pub async fn key(store: &AnyStore, team: TeamId) -> KeyId {
    let (key, digest) = new_key(team);
    let id = key.id;
    store.create_key(key, digest).await.expect("a new key is taken");
    id
}

/// Patterns out of a list with commas.
#[must_use]
pub fn list(patterns: &str) -> Patterns {
    Patterns::parse_list(patterns).expect("patterns of the rules are well formed")
}

/// An event type.
#[must_use]
pub fn event_type(text: &str) -> EventType {
    text.parse().expect("types of the rules are well formed")
}

/// An event that no store knows, published at `now`, with canonical `data`.
#[must_use]
pub fn new_event(team: TeamId, name: &str, data: &str, now: Timestamp) -> NewEvent {
    let id = EventId::from_uuid(Uuid::now_v7(), false);
    NewEvent { event: Event::new(id, event_type(name), team, now, data.as_bytes()), idempotency_key: None }
}

/// The same with an idempotency key.
#[must_use]
pub fn keyed(mut event: NewEvent, key: &str) -> NewEvent {
    event.idempotency_key = Some(key.to_owned());
    event
}

/// A publish of these events at `now`, to webhooks too.
#[must_use]
pub const fn publishing(team: TeamId, events: Vec<NewEvent>, now: Timestamp) -> Append {
    Append { team, events, fan_out: FanOut::Matching, now }
}

/// Publishes one event of each type, all at `now`, in one append.
pub async fn published(store: &AnyStore, team: TeamId, names: &[&str], now: Timestamp) -> Vec<Arc<Entry>> {
    let events = names.iter().map(|name| new_event(team, name, "{}", now)).collect();
    entries(store.append(publishing(team, events, now)).await.expect("a publish is taken"))
}

/// Publishes one event at the beginning of the day.
pub async fn one_event(store: &AnyStore, team: TeamId, name: &str) -> Arc<Entry> {
    published(store, team, &[name], at(0)).await.remove(0)
}

/// The entries of an answer, in order.
#[must_use]
pub fn entries(answers: Vec<Appended>) -> Vec<Arc<Entry>> {
    answers.into_iter().map(|answer| answer.entry).collect()
}

/// What is awaited within the time that even a slow disk needs; a store that never answers fails instead of hanging.
pub async fn soon<T>(wanted: impl Future<Output = T>) -> T {
    const DEADLINE: Duration = Duration::from_secs(30);
    tokio::time::timeout(DEADLINE, wanted).await.expect("it comes within 30 s")
}

/// An attempt with every field set to something that a careless store would lose.
#[must_use]
pub fn attempt(number: u32, outcome: Outcome, started_at: Timestamp) -> Attempt {
    let answered = matches!(outcome, Outcome::Success | Outcome::HttpStatus);
    let status = if outcome == Outcome::Success { 204 } else { 503 };
    Attempt {
        number,
        started_at,
        duration_ms: 120 + number,
        outcome,
        status_code: answered.then_some(status),
        detail: format!("attempt {number} “{}”", outcome.as_str()),
        response_headers: vec![
            ("set-cookie".to_owned(), "a=1".to_owned()),
            ("set-cookie".to_owned(), "b=\"2\"".to_owned()),
        ],
        response_body: if answered { "něco \u{0} se pokazilo".to_owned() } else { String::new() },
        request: AttemptRequest {
            url: "https://example.com/hook?n=1".to_owned(),
            address: answered.then(|| "203.0.113.7:443".to_owned()),
            signature: answered.then(|| "ab".repeat(32)),
        },
    }
}

/// What a sender reports after the next attempt of a delivery, made at `now`.
#[must_use]
pub fn report(due: &Due, verdict: Verdict, now: Timestamp) -> AttemptReport {
    let outcome = if verdict == Verdict::Delivered { Outcome::Success } else { Outcome::HttpStatus };
    let attempt = attempt(due.attempts + 1, outcome, now);
    AttemptReport { delivery: due.id, webhook: due.webhook, failed_before: due.failed, attempt, verdict }
}

/// The only delivery that waits for a webhook.
pub async fn only_due(store: &AnyStore, webhook: WebhookId) -> Due {
    let mut slice = store.due(webhook, at(i64::from(u32::MAX)), 9).await.expect("what is due can be read");
    assert_eq!(slice.due.len(), 1, "one delivery waits");
    slice.due.remove(0)
}

/// Records one attempt.
pub async fn recorded(store: &AnyStore, due: &Due, verdict: Verdict, now: Timestamp) -> DeliveryStatus {
    let report = report(due, verdict, now);
    store.record([report].into(), FailureRule::NEVER).await.expect("a result is recorded").remove(0)
}

/// A team, a webhook, an event and its delivery.
pub async fn one_delivery(store: &AnyStore) -> (TeamId, WebhookId, Due) {
    let team = team(store).await;
    let webhook = webhook(store, team, "*").await;
    one_event(store, team, "ticket.created").await;
    (team, webhook, only_due(store, webhook).await)
}

/// Removes what is old, in slices, until nothing is left to remove; answers how many rows went.
pub async fn remove_all_old(store: &AnyStore, cutoffs: Cutoffs, rows: usize) -> usize {
    /// More slices than all that a rule or a history makes: a store that never ends removing fails.
    const SLICES_MAX: usize = 10_000;
    let mut removed = 0;
    for _ in 0..SLICES_MAX {
        match store.remove_old(cutoffs, rows).await.expect("old rows can be removed") {
            0 => return removed,
            some => removed += some,
        }
    }
    panic!("removing has no end");
}
