//! A store, an engine that runs on it, and questions about what came of it.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use cstar_delivery::{Engine, Handle, Options, Resolver};
use cstar_store::model::Model;
use cstar_store::{
    Append, Deliveries, DeliveryQuery, Directory, FanOut, Log, NewEvent, SecretText, StoreError, TypeFilter,
};
use cstar_testkit::until;
use cstar_types::{
    Attempt, Delivery, DeliveryId, Event, EventId, Patterns, Team, TeamId, Timestamp, Webhook, WebhookId,
    WebhookStatus,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// `whsec_` and 32 bytes, as every test's webhook has it.
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A running engine.
pub(crate) struct World {
    pub(crate) store: Arc<Model>,
    pub(crate) handle: Handle,
    pub(crate) team: TeamId,
    shutdown: Option<oneshot::Sender<()>>,
    engine: JoinHandle<Result<(), StoreError>>,
}

/// Leads names where a test wants them; each asking takes the next answer, and the last one stays.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Names {
    pub(crate) fn lead(&self, name: &str, answers: &[&[&str]]) {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        self.0.lock().unwrap().insert(name.to_owned(), answers.iter().map(parse).collect());
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().unwrap();
        let answers = names.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

pub(crate) fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis().try_into().unwrap())
}

/// Loopback is allowed, retries come within milliseconds, nothing about names is remembered.
pub(crate) fn options() -> Options {
    let mut options = Options::new(Arc::new(system_now));
    options.target.allow_http = true;
    options.target.allowed = vec!["127.0.0.0/8".parse().unwrap()];
    options.retry_schedule = "20ms,30ms,40ms".parse().unwrap();
    options.names_kept = Duration::ZERO;
    options
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let store = Model::new();
        let team = TeamId::from_uuid(Uuid::from_u128(7));
        let named = Team { id: team, name: "A team".into(), version: 1, created_at: system_now() };
        store.create_team(named).await.unwrap();
        Self::on(store, team, options)
    }

    /// An engine on a store that is there already, as after a restart.
    pub(crate) fn on(store: Arc<Model>, team: TeamId, options: Options) -> Self {
        let (engine, handle) = Engine::new(Arc::clone(&store) as _, options).unwrap();
        let (shutdown, told) = oneshot::channel();
        let engine = tokio::spawn(engine.run(async {
            let _ = told.await;
        }));
        Self { store, handle, team, shutdown: Some(shutdown), engine }
    }

    /// Stops as on SIGTERM, and waits for the end.
    pub(crate) async fn stop(mut self) -> Arc<Model> {
        drop(self.shutdown.take());
        self.engine.await.unwrap().unwrap();
        self.store
    }

    /// Stops as on SIGKILL.
    pub(crate) async fn kill(self) -> Arc<Model> {
        self.engine.abort();
        assert!(self.engine.await.unwrap_err().is_cancelled());
        self.store
    }

    pub(crate) async fn webhook(&self, url: &str) -> Webhook {
        self.webhook_with(url, |_| {}).await
    }

    pub(crate) async fn webhook_with(&self, url: &str, change: impl FnOnce(&mut Webhook)) -> Webhook {
        let now = system_now();
        let mut webhook = Webhook {
            id: WebhookId::from_uuid(Uuid::now_v7()),
            team: self.team,
            url: url.into(),
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
            created_at: now,
            updated_at: now,
        };
        change(&mut webhook);
        self.store.create_webhook(webhook, SecretText::new(SECRET.into()), 1000).await.unwrap()
    }

    pub(crate) async fn publish(&self) -> Event {
        self.publish_as(false).await
    }

    pub(crate) async fn publish_as(&self, test: bool) -> Event {
        publish_on(&self.store, self.team, test).await
    }

    pub(crate) async fn deliveries(&self) -> Vec<(Delivery, Vec<Attempt>)> {
        let query = DeliveryQuery {
            filter: TypeFilter::all(),
            webhook: None,
            event: None,
            status: None,
            since: None,
            until: None,
            from: None,
            limit: 10_000,
        };
        let page = self.store.deliveries(self.team, query).await.unwrap();
        let mut all = Vec::new();
        for delivery in page.rows {
            all.push(self.store.delivery(self.team, delivery.id).await.unwrap());
        }
        all
    }

    pub(crate) async fn delivery(&self, id: DeliveryId) -> (Delivery, Vec<Attempt>) {
        self.store.delivery(self.team, id).await.unwrap()
    }

    /// Waits until every delivery has ended, and there are so many.
    pub(crate) async fn ended(&self, count: usize) -> Vec<(Delivery, Vec<Attempt>)> {
        until(&format!("{count} deliveries to end"), async || {
            let all = self.deliveries().await;
            let ended = all.len() >= count && all.iter().all(|(delivery, _)| delivery.status.has_ended());
            ended.then_some(all)
        })
        .await
    }

    /// Publishes one event for one webhook, and waits for its end.
    pub(crate) async fn deliver_to(&self, url: &str) -> (Delivery, Vec<Attempt>) {
        self.webhook(url).await;
        self.publish().await;
        self.ended(1).await.remove(0)
    }
}

/// Publishes, whether or not an engine runs.
pub(crate) async fn publish_on(store: &Model, team: TeamId, test: bool) -> Event {
    let id = EventId::from_uuid(Uuid::now_v7(), test);
    let now = system_now();
    let event = Event::new(id, "ticket.created".parse().unwrap(), team, now, br#"{"id":"1","title":"A"}"#);
    let events = vec![NewEvent { event: event.clone(), idempotency_key: None }];
    store.append(Append { team, events, fan_out: FanOut::Matching, now }).await.unwrap();
    event
}
