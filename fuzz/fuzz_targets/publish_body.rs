//! Publish bodies on the whole API, over the store in memory: an answer is one of those that are documented, what was
//! accepted is read back byte for byte, and a refusal changes nothing (T1, LOG-2, LOG-3).
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use cstar_api::{Api, Options, Service, publish_times};
use cstar_delivery::Engine;
use cstar_realtime::Hub;
use cstar_signature::TokenKey;
use cstar_store::model::Model;
use cstar_store::{Log, SliceLimit, Store};
use cstar_types::{Clock, Entry, TeamId, Timestamp};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

const PLATFORM: &str = "platform-key-of-at-least-32-characters";
/// The store in memory forgets nothing; a new one is begun after so many bodies.
const BODIES_A_WORLD: u32 = 2_000;

struct World {
    store: Arc<Model>,
    service: Service,
    team: TeamId,
    bodies: u32,
}

impl World {
    async fn new() -> Self {
        let store = Model::new();
        let shared = || Arc::clone(&store) as Arc<dyn Store>;
        let clock: Clock = Arc::new(|| Timestamp::from_millis(1_765_377_000_000));
        let options = Options::new(Sha256::digest(PLATFORM).into(), TokenKey::new(&[7; 32]));
        let (_, delivery) =
            Engine::new(shared(), cstar_delivery::Options::new(Arc::clone(&clock))).expect("an engine");
        let hub = Hub::new(shared(), cstar_realtime::Options::default(), Arc::clone(&clock));
        let api = Api {
            store: shared(),
            options,
            hub,
            delivery,
            clock,
            metrics: None,
            publish_times: publish_times(),
            traces: None,
        };
        let service = Service::new(api, Router::new());
        let mut world = Self { store, service, team: TeamId::from_uuid(Uuid::nil()), bodies: 0 };
        let (status, team) = world.ask("POST", "/v1/teams".to_owned(), br#"{"name":"a team"}"#).await;
        assert_eq!(status, StatusCode::CREATED);
        let team: Value = serde_json::from_slice(&team).expect("a team");
        world.team = team["id"].as_str().expect("an id").parse().expect("a team's id");
        world
    }

    async fn ask(&self, method: &str, path: String, body: &[u8]) -> (StatusCode, Bytes) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {PLATFORM}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_vec()))
            .expect("a request");
        let answer = self.service.answer(request).await.expect("an answer");
        let status = answer.status();
        (status, answer.into_body().collect().await.expect("a body").to_bytes())
    }

    async fn publish(&mut self, body: &[u8]) {
        self.bodies += 1;
        let before = self.store.ends(self.team).await.expect("a log").head;
        let (status, answer) = self.ask("POST", format!("/v1/teams/{}/events", self.team), body).await;
        let after = self.store.ends(self.team).await.expect("a log").head;
        let answered: Value = serde_json::from_slice(&answer).expect("JSON");
        match status {
            StatusCode::CREATED => self.is_there(&answer, &answered, before, after).await,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                assert_eq!(before, after, "a refusal changes nothing");
                assert!(answered["code"].is_string() && answered["detail"].is_string());
            }
            StatusCode::OK => assert_eq!(before, after, "a repeat changes nothing"),
            other => panic!("{other} is no answer to a publish"),
        }
    }

    async fn is_there(&self, answer: &Bytes, answered: &Value, before: u64, after: u64) {
        let events = answered["data"].as_array().filter(|_| answered["positions"].is_array());
        let new = events.map_or(1, Vec::len) as u64;
        assert!(after - before <= new, "LOG-2: no more positions than events");
        let slice = self
            .store
            .read(self.team, before, SliceLimit { entries: 1_000, bytes: usize::MAX })
            .await
            .expect("a log");
        for Entry { event, .. } in slice.entries {
            let text = std::str::from_utf8(answer).expect("UTF-8");
            let body = std::str::from_utf8(&event.body).expect("UTF-8");
            assert!(text.contains(body), "LOG-3: what is stored is what was answered");
            let (status, read) =
                self.ask("GET", format!("/v1/teams/{}/events/{}", self.team, event.id), b"").await;
            assert_eq!((status, &read), (StatusCode::OK, &event.body));
        }
    }
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

fuzz_target!(|body: &[u8]| {
    RUNTIME.with(|runtime| {
        WORLD.with_borrow_mut(|slot| {
            runtime.block_on(async {
                let mut world = match slot.take().filter(|world| world.bodies < BODIES_A_WORLD) {
                    Some(world) => world,
                    None => World::new().await,
                };
                world.publish(body).await;
                *slot = Some(world);
            });
        });
    });
});
