//! A server without a socket: the router, a store in memory, a clock that is set by hand.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use cstar_api::{Api, Options, Service};
use cstar_delivery::{Engine, Resolver};
use cstar_realtime::Hub;
use cstar_signature::TokenKey;
use cstar_store::model::Model;
use cstar_store::{Log, Store, Upkeep};
use cstar_types::{Clock, TeamId, Timestamp};
use cstar_wire::{Code, Problem};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tower::ServiceExt;

pub(crate) const PLATFORM: &str = "platform-key-of-at-least-32-characters";
/// Every scope that a key can have.
pub(crate) const ALL_SCOPES: [&str; 8] = [
    "events:write",
    "events:read",
    "webhooks:read",
    "webhooks:write",
    "deliveries:read",
    "deliveries:write",
    "keys:write",
    "audit:read",
];
pub(crate) const TICKET: &str =
    r#"{"id":"550e8400-e29b-41d4-a716-446655440000","title":"t","status":"new","priority":"high"}"#;
/// 2025-12-10T14:30:00Z
const START_MS: i64 = 1_765_377_000_000;

/// The server, and what a test changes behind its back.
pub(crate) struct World {
    pub(crate) store: Arc<Model>,
    pub(crate) gate: Arc<Gate>,
    now: Arc<AtomicI64>,
    service: Service,
}

/// `example.com` and names below it are public, everything else does not resolve. `gated.example.com` is answered when
/// the test says so.
struct Names(Arc<Gate>);

/// Where a request waits while a test does something behind its back.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) entered: Notify,
    pub(crate) open: Notify,
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let name = name.trim_end_matches('.'); // as it is asked for: absolute
        if name == "gated.example.com" {
            self.0.entered.notify_one();
            self.0.open.notified().await;
        }
        match name {
            "inner.example.com" => Ok(vec!["10.0.0.1".parse().unwrap()]),
            _ if name.ends_with("example.com") => Ok(vec!["93.184.215.14".parse().unwrap()]),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// An engine that does not run: the API asks it where webhooks may point.
fn delivery(store: Arc<dyn Store>, clock: Clock, gate: Arc<Gate>) -> cstar_delivery::Handle {
    let options =
        cstar_delivery::Options { resolver: Arc::new(Names(gate)), ..cstar_delivery::Options::new(clock) };
    Engine::new(store, options).unwrap().1
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut Options)) -> Self {
        let (store, gate) = (Model::new(), Arc::<Gate>::default());
        let now = Arc::new(AtomicI64::new(START_MS));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || Timestamp::from_millis(now.load(Ordering::Relaxed)))
        };
        let mut options = Options::new(Sha256::digest(PLATFORM).into(), TokenKey::new(&[7; 32]));
        set(&mut options);
        let api = Api {
            store: Arc::clone(&store) as Arc<dyn Store>,
            options,
            hub: Hub::new(
                Arc::clone(&store) as Arc<dyn Store>,
                cstar_realtime::Options::default(),
                Arc::clone(&clock),
            ),
            delivery: delivery(Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&clock), Arc::clone(&gate)),
            clock,
            publish_times: cstar_api::publish_times(),
            traces: None,
            metrics: Some(Arc::new(|| "# EOF\n".to_owned())),
        };
        let service = Service::new(api, axum::Router::new());
        Self { store, gate, now, service }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::Relaxed))
    }

    pub(crate) fn wait_s(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// A request as it is, and its answer, whose body may go on.
    pub(crate) async fn raw(&self, request: Request<Body>) -> axum::response::Response {
        self.service.answer(request).await.unwrap()
    }

    /// A request, by the platform key unless said otherwise.
    pub(crate) fn ask(&self, method: Method, path: impl Into<String>) -> Ask<'_> {
        let (path, headers) = (path.into(), Vec::new());
        Ask { world: self, method, path, headers, body: Body::empty(), by_router: false }.key(PLATFORM)
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl Into<String>, body: impl ToString) -> Ask<'_> {
        self.ask(Method::POST, path).json(body)
    }

    pub(crate) fn patch(&self, path: impl Into<String>, body: impl ToString) -> Ask<'_> {
        self.ask(Method::PATCH, path).json(body)
    }

    pub(crate) fn delete(&self, path: impl Into<String>) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }

    /// A new team.
    pub(crate) async fn team(&self) -> TeamId {
        let team = self.post("/v1/teams", json!({"name": "a team"})).await.expect(201).value();
        team["id"].as_str().unwrap().parse().unwrap()
    }

    /// A new key of a team.
    pub(crate) async fn key(&self, team: TeamId, scopes: &[&str], types: &[&str]) -> String {
        let asked = json!({"name": "k", "scopes": scopes, "types": types});
        let made = self.post(format!("/v1/teams/{team}/keys"), asked).await.expect(201).value();
        made["key"].as_str().unwrap().to_owned()
    }

    /// A new webhook of a team; its id.
    pub(crate) async fn webhook(&self, team: TeamId, events: &[&str]) -> String {
        let asked = json!({"url": "https://example.com/hook", "events": events});
        let made = self.post(format!("/v1/teams/{team}/webhooks"), asked).await.expect(201).value();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Publishes one event; its id.
    pub(crate) async fn publish(&self, team: TeamId, event_type: &str, data: &str) -> String {
        let body = format!(r#"{{"type":"{event_type}","data":{data}}}"#);
        let made = self.post(format!("/v1/teams/{team}/events"), body).await.expect(201).value();
        made["id"].as_str().unwrap().to_owned()
    }

    /// The last seq of a team's log.
    pub(crate) async fn head(&self, team: TeamId) -> u64 {
        self.store.ends(team).await.unwrap().head
    }

    /// How often anything was committed, but for notes of the last use of keys.
    pub(crate) fn commits(&self) -> u64 {
        self.store.counts().commits
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'a> {
    world: &'a World,
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
    by_router: bool,
}

impl Ask<'_> {
    pub(crate) fn key(self, key: &str) -> Self {
        self.without("authorization").header("authorization", format!("Bearer {key}"))
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn json(self, body: impl ToString) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Not by the short way, where there is one.
    pub(crate) fn by_router(mut self) -> Self {
        self.by_router = true;
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value.as_slice());
        }
        let asked = format!("{} {}", self.method, self.path);
        let request = request.body(self.body).unwrap();
        let service = &self.world.service;
        let response = match self.by_router {
            false => service.answer(request).await.unwrap(),
            true => service.clone().by_router().oneshot(request).await.unwrap(),
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { asked, status: parts.status, headers: parts.headers, body }
    }
}

impl<'a> IntoFuture for Ask<'a> {
    type Output = Answer;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    asked: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.asked, self.text());
        self
    }

    /// A refusal with this code, well-formed in every part.
    #[track_caller]
    pub(crate) fn refused(self, code: Code) -> Problem {
        assert_eq!(self.status.as_u16(), code.status(), "{} for {code}: {}", self.asked, self.text());
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.asked);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.known(), Some(code), "{}: {problem}", self.asked);
        assert_eq!(problem.status, code.status());
        assert_eq!(problem.kind, code.page_path());
        assert_eq!(self.headers["x-request-id"], problem.request_id);
        assert!(!problem.detail.is_empty() && !problem.detail.ends_with('.'), "{problem}");
        problem
    }

    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The pointers of a refusal.
pub(crate) fn pointers(problem: &Problem) -> Vec<&str> {
    problem.errors.iter().map(|error| error.pointer.as_str()).collect()
}

/// The ids of the rows of a list.
pub(crate) fn ids(answer: &Answer) -> Vec<String> {
    let answer = answer.value();
    let rows = answer["data"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}
