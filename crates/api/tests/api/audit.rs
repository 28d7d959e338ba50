//! The audit log: each change by the API, and who may read of it.

use std::collections::BTreeMap;

use axum::body::Body;
use cstar_api::Peer;
use cstar_types::TeamId;
use cstar_wire::Code;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::deliveries::fail;
use crate::world::{Answer, PLATFORM, TICKET, World, ids};

/// Changes of nobody's: an event is in the log of events, and a token changes nothing.
const NOT_ON_RECORD: [&str; 4] = ["publishEvents", "testWebhook", "testNoticeWebhook", "createToken"];

async fn entries(world: &World, path: &str) -> Vec<Value> {
    world.get(path).await.expect(200).value()["data"].as_array().unwrap().clone()
}

/// A request that changes something, and what the log says of it.
struct Change {
    method: Method,
    path: String,
    body: Option<Value>,
    action: &'static str,
}

/// A team with something of everything in it.
struct Scene {
    world: World,
    team: TeamId,
    _stream: axum::response::Response,
    things: BTreeMap<&'static str, String>,
}

impl Scene {
    async fn set() -> Self {
        let world = World::new();
        let team = world.team().await;
        let of = |rest: &str| format!("/v1/teams/{team}/{rest}");
        let (webhook, other) =
            (world.webhook(team, &["ticket.*"]).await, world.webhook(team, &["boss.*"]).await);
        let event = world.publish(team, "ticket.created", TICKET).await;
        let delivery = ids(&world.get(of("deliveries")).await.expect(200)).remove(0);
        fail(&world, team, &delivery).await;
        world.key(team, &["events:read"], &["*"]).await;
        let key = ids(&world.get(of("keys")).await.expect(200)).remove(0);
        let begun = world.post(of("deliveries/resend"), json!({"status": "cancelled"})).await.expect(202);
        let operation = begun.value()["id"].as_str().unwrap().to_owned();
        world.post(of(&format!("webhooks/{webhook}/secret")), json!({})).await.expect(200);
        let put = json!({"description": "d", "fires_on": "f", "schema": {}, "example": {}});
        world.ask(Method::PUT, "/v1/event-types/order.made").json(put).await.expect(201);
        let notice = world.post("/v1/notices", json!({"url": "https://example.com/"})).await.expect(201);
        let notice = notice.value()["id"].as_str().unwrap().to_owned();
        let open = Request::get(of("realtime")).header("authorization", format!("Bearer {PLATFORM}"));
        let stream = world.raw(open.body(Body::empty()).unwrap()).await;
        let stream_id = ids(&world.get(of("realtime/streams")).await.expect(200)).remove(0);
        let things = BTreeMap::from([
            ("webhook", webhook),
            ("other", other),
            ("event", event),
            ("delivery", delivery),
            ("key", key),
            ("operation", operation),
            ("stream", stream_id),
            ("notice", notice),
        ]);
        Self { world, team, _stream: stream, things }
    }

    /// A request of this operation that succeeds here; `None` of an operation that nobody has thought of.
    fn change(&self, operation: &str) -> Option<Change> {
        let thing = |name: &str| self.things[name].clone();
        let (delete, post) = (Method::DELETE, Method::POST);
        let webhook = format!("webhooks/{}", thing("webhook"));
        let event_type = json!({"description": "d", "fires_on": "f", "schema": {}, "example": {}});
        let (method, rest, body, action) = match operation {
            "updateTeam" => (Method::PATCH, String::new(), Some(json!({"name": "b"})), "team.updated"),
            "deleteTeam" => (delete, String::new(), None, "team.deleted"),
            "createKey" => {
                (post, "keys".into(), Some(json!({"name": "k", "scopes": ["events:read"]})), "key.created")
            }
            "revokeKey" => (delete, format!("keys/{}", thing("key")), None, "key.revoked"),
            "createWebhook" => {
                let body = json!({"url": "https://example.com/b", "events": ["*"]});
                (post, "webhooks".into(), Some(body), "webhook.created")
            }
            "updateWebhook" => (Method::PATCH, webhook, Some(json!({"description": "b"})), "webhook.updated"),
            "deleteWebhook" => (delete, webhook, None, "webhook.deleted"),
            "rotateSecret" => (
                post,
                format!("{webhook}/secret"),
                Some(json!({"overlap_seconds": 0})),
                "webhook.secret_rotated",
            ),
            "endOverlap" => (delete, format!("{webhook}/secret/previous"), None, "webhook.overlap_ended"),
            "recoverWebhook" => {
                let since = json!({"since": "2025-12-10T14:00:00Z"});
                (post, format!("{webhook}/recover"), Some(since), "operation.begun")
            }
            "resendEvent" => {
                let body = json!({"webhook": thing("other")});
                (post, format!("events/{}/resend", thing("event")), Some(body), "event.resent")
            }
            "eraseEvent" => (delete, format!("events/{}/data", thing("event")), None, "event.erased"),
            "resendDelivery" => {
                (post, format!("deliveries/{}/resend", thing("delivery")), None, "delivery.resent")
            }
            "resendDeliveries" => {
                (post, "deliveries/resend".into(), Some(json!({"status": "failed"})), "operation.begun")
            }
            "cancelOperation" => {
                (delete, format!("operations/{}", thing("operation")), None, "operation.cancelled")
            }
            "endStream" => (delete, format!("realtime/streams/{}", thing("stream")), None, "stream.ended"),
            "createPortalLink" => (post, "portal-links".into(), Some(json!({})), "portal_link.created"),
            "createTeam" => {
                return Some(Change::shared(post, "/v1/teams", Some(json!({"name": "a"})), "team.created"));
            }
            "putEventType" => {
                let path = "/v1/event-types/order.paid";
                return Some(Change::shared(Method::PUT, path, Some(event_type), "event_type.put"));
            }
            "deleteEventType" => {
                let path = "/v1/event-types/order.made";
                return Some(Change::shared(delete, path, None, "event_type.deleted"));
            }
            "createNoticeWebhook" => {
                let body = json!({"url": "https://example.com/b"});
                return Some(Change::shared(post, "/v1/notices", Some(body), "notice.created"));
            }
            "deleteNoticeWebhook" => {
                let path = format!("/v1/notices/{}", thing("notice"));
                return Some(Change::shared(delete, &path, None, "notice.deleted"));
            }
            "makeBackup" => return Some(Change::shared(post, "/v1/backup", None, "backup.made")),
            _ => return None,
        };
        let path = format!("/v1/teams/{}/{rest}", self.team);
        Some(Change { method, path: path.trim_end_matches('/').to_owned(), body, action })
    }

    async fn ask(&self, change: &Change, key: &str) -> Answer {
        let ask = self.world.ask(change.method.clone(), &*change.path).key(key);
        let ask = ask.header("x-request-id", "the-request").header("host", "localhost");
        match &change.body {
            Some(body) => ask.json(body).await,
            None => ask.await,
        }
    }
}

impl Change {
    fn shared(method: Method, path: &str, body: Option<Value>, action: &'static str) -> Self {
        Self { method, path: path.to_owned(), body, action }
    }
}

/// Every operation that changes something leaves exactly one entry, and none where it is refused. (Sessions are keys, which are made
/// and revoked as such.)
#[tokio::test]
async fn each_change_is_on_record_once() {
    let document: Value = World::new().get("/openapi.json").await.expect(200).value();
    let paths = document["paths"].as_object().unwrap();
    let operations =
        paths.values().flat_map(|path| path.as_object().unwrap()).filter(|(method, _)| *method != "get");
    let names = operations.map(|(_, operation)| operation["operationId"].as_str().unwrap());
    let mut walked = 0;
    for name in names.filter(|name| !NOT_ON_RECORD.contains(name) && !name.ends_with("Session")) {
        let scene = Scene::set().await;
        let change = scene.change(name);
        let change = change.unwrap_or_else(|| {
            panic!("{name} changes something: let it leave an entry, and ask for it here")
        });
        let before = entries(&scene.world, "/v1/audit?limit=200").await;
        scene.ask(&change, "not a key").await.refused(Code::Unauthenticated);
        let weak = scene.world.key(scene.team, &["audit:read"], &["*"]).await;
        assert!(scene.ask(&change, &weak).await.status.is_client_error(), "{name}");
        let answer = scene.ask(&change, PLATFORM).await;
        assert!(answer.status.is_success(), "{name}: {}", answer.text());
        let after = entries(&scene.world, "/v1/audit?limit=200").await;
        // One is of the key without scopes.
        assert_eq!(after.len(), before.len() + 2, "{name}: {after:?}");
        assert_eq!(after[0]["action"], change.action, "{name}");
        assert_eq!(after[0]["actor"], json!({"kind": "platform", "id": null}), "{name}");
        assert_eq!(after[0]["request_id"], "the-request", "{name}");
        assert_eq!(after[1..2].iter().map(|entry| &entry["action"]).collect::<Vec<_>>(), ["key.created"]);
        walked += 1;
    }
    assert!(walked >= 20, "{walked}");
}

/// An entry says who, when, from where and in which request; SEC-3: and no value that was written.
#[tokio::test]
async fn an_entry_tells_who_and_from_where() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["webhooks:write", "audit:read"], &["ticket.*"]).await;
    let body = json!({"url": "https://example.com/canary-url", "events": ["ticket.*"], "headers": {"x-a": "canary-header"}});
    let request = Request::post(format!("/v1/teams/{team}/webhooks"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .extension(Peer("203.0.113.7:4711".parse().unwrap()))
        .body(Body::from(body.to_string()));
    let answer = world.raw(request.unwrap()).await;
    assert_eq!(answer.status(), 201);
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let read = world.get(format!("/v1/teams/{team}/audit")).key(&key).await.expect(200);
    let rows = read.value()["data"].as_array().unwrap().clone();
    let (made, key_made) = (&rows[0], &rows[1]);
    let expected = json!({
        "id": made["id"], "at": "2025-12-10T14:30:00.000Z", "action": "webhook.created",
        "actor": {"kind": "key", "id": key_made["resource"]}, "resource": made["resource"], "team_id": team,
        "address": "203.0.113.7", "request_id": request_id,
    });
    assert_eq!(*made, expected);
    assert!(made["id"].as_str().unwrap().starts_with("aud_"));
    assert!(!read.text().contains("canary") && !read.text().contains(&key), "{}", read.text());
}

/// SEC-2: a team's entries are for its own keys with the scope; the whole is for the platform key.
#[tokio::test]
async fn a_key_reads_its_own_teams_entries() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let reader = world.key(team, &["audit:read"], &["boss.*"]).await;
    let blind = world.key(team, &["keys:write", "webhooks:write"], &["*"]).await;
    let (own, theirs) = (format!("/v1/teams/{team}/audit"), format!("/v1/teams/{other}/audit"));
    assert_eq!(world.get(&*own).key(&reader).await.expect(200).value()["data"].as_array().unwrap().len(), 3);
    world.get(&*own).key(&blind).await.refused(Code::MissingScope);
    world.get(&*theirs).key(&reader).await.refused(Code::WrongTeam);
    world.get("/v1/audit").key(&reader).await.refused(Code::MissingScope);
    assert_eq!(entries(&world, "/v1/audit").await.len(), 4);
    world.delete(format!("/v1/teams/{team}")).await.expect(204);
    world.get(&*own).await.refused(Code::NotFound);
    assert_eq!(entries(&world, "/v1/audit").await.len(), 5);
}

/// Pages go on behind each other, and filters cut the same list; what is no filter is refused.
#[tokio::test]
async fn entries_are_filtered_and_paged() {
    let world = World::new();
    let team = world.team().await;
    for second in 0..4 {
        world.patch(format!("/v1/teams/{team}"), json!({"name": format!("{second}")})).await.expect(200);
        world.wait_s(60);
    }
    let path = format!("/v1/teams/{team}/audit");
    let list = async |query: &str| ids(&world.get(format!("{path}?{query}")).await.expect(200));
    let all = list("").await;
    assert_eq!(all.len(), 5);
    let first = world.get(format!("{path}?limit=2")).await.expect(200);
    let next = first.value()["next"].as_str().unwrap().to_owned();
    assert_eq!([ids(&first), list(&format!("limit=9&after={next}")).await].concat(), all);
    assert_eq!(list(&format!("before={}", all[1])).await, all[..1]);
    assert_eq!(list("action=team.created").await, all[4..]);
    assert_eq!(list("actor=platform&since=2025-12-10T14:31:00Z&until=2025-12-10T14:33:00Z").await, all[1..3]);
    assert!(list("actor=key_00000000000000000000000001").await.is_empty());
    for wrong in ["action=team", "actor=me", "since=now", "after=x", "team=1"] {
        world.get(format!("{path}?{wrong}")).await.refused(Code::BadQuery);
    }
}
