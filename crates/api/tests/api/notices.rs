//! `/v1/notices`: who hears what the server does by itself.

use cstar_store::{Deliveries, Directory};
use cstar_types::limits::NOTICE_WEBHOOKS_MAX;
use cstar_types::{DisabledReason, TeamId, WebhookId};
use cstar_wire::Code;
use http::Method;
use serde_json::{Value, json};

use crate::access::filled;
use crate::deliveries::fail;
use crate::world::{ALL_SCOPES, Answer, World, ids, pointers};

const NOTICES: &str = "/v1/notices";
const URL: &str = "https://ops.example.com/hook";

async fn hearing(world: &World, asked: Value) -> String {
    let made = world.post(NOTICES, asked).await.expect(201).value();
    made["id"].as_str().unwrap().to_owned()
}

/// SEC-3: a URL is registered with a secret that one answer shows; it is listed, and deleted.
#[tokio::test]
async fn a_url_hears_notices_until_it_is_deleted() {
    let world = World::new();
    let asked = json!({"url": URL, "types": ["webhook.*"], "description": "on call"});
    let mut made = world.post(NOTICES, asked).await.expect(201).value();
    let secret = made["secret"].take();
    let secret = secret.as_str().unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    let shown = json!({
        "id": id, "url": URL, "types": ["webhook.*"], "description": "on call", "status": "enabled",
        "disabled_reason": null, "failing_since": null, "created_at": "2025-12-10T14:30:00.000Z",
    });
    let (_, kept) = world.store.webhook_to_send(id.parse().unwrap()).await.unwrap();
    assert_eq!(kept.current.reveal(), secret);
    made.as_object_mut().unwrap().remove("secret");
    assert_eq!(made, shown);
    let all = world.post(NOTICES, json!({"url": URL})).await.expect(201).value();
    assert_eq!(all["types"], json!(["*"]));

    let listed = world.get(format!("{NOTICES}?after={}", all["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(listed.value(), json!({"data": [shown], "has_more": false, "next": null}));
    let first = world.get(format!("{NOTICES}?limit=1")).await.expect(200);
    assert_eq!((ids(&first).len(), first.value()["has_more"].clone()), (1, json!(true)));

    let path = format!("{NOTICES}/{id}");
    world.delete(&*path).await.expect(204);
    world.delete(&*path).await.refused(Code::NotFound);
    assert_eq!(ids(&world.get(NOTICES).await), [all["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn what_can_hear_nothing_is_refused() {
    let world = World::new();
    let refused = async |asked: Value, code, pointer: &str| {
        assert_eq!(pointers(&world.post(NOTICES, asked).await.refused(code)), [pointer]);
    };
    refused(json!({"types": ["*"]}), Code::InvalidField, "/url").await;
    refused(json!({"url": URL, "events": ["*"]}), Code::InvalidField, "/events").await;
    refused(json!({"url": "https://inner.example.com/"}), Code::BlockedTarget, "/url").await;
    refused(json!({"url": URL, "types": ["storage"]}), Code::InvalidPattern, "/types/0").await;
    let unknown = json!({"url": URL, "types": ["storage.*", "*.failed", "ticket.created"]});
    refused(unknown, Code::UnknownEventType, "/types/2").await;
    assert_eq!(ids(&world.get(NOTICES).await), [""; 0]);
    for _ in 0..NOTICE_WEBHOOKS_MAX {
        hearing(&world, json!({"url": URL})).await;
    }
    world.post(NOTICES, json!({"url": URL})).await.refused(Code::TooManyWebhooks);
}

/// SEC-2: the operator's log, its webhooks and its deliveries are behind no path of a team's, for nobody.
#[tokio::test]
async fn the_operator_is_behind_no_teams_path() {
    let world = World::new();
    let team = world.team().await;
    let notice = hearing(&world, json!({"url": URL})).await;
    let hook = world.webhook(team, &["*"]).await;
    let (hook, gone) = (hook.parse().unwrap(), DisabledReason::Gone);
    world.store.disable_webhook(hook, None, gone, world.now()).await.unwrap();
    assert_eq!(world.head(TeamId::OPERATOR).await, 1, "there is something to be seen");

    let key = world.key(team, &ALL_SCOPES, &["*"]).await;
    let document = world.get("/openapi.json").await.expect(200).value();
    let paths = document["paths"].as_object().unwrap().iter();
    let of_team: Vec<_> = paths.filter(|(path, _)| path.contains("{team}")).collect();
    assert!(of_team.len() > 20, "{}", of_team.len());
    for (path, methods) in of_team {
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = filled(path, TeamId::OPERATOR).replace(&WebhookId::from_bits(1).to_string(), &notice);
            let ask = || world.ask(method.clone(), &*path).json("{}").header("x-request-id", "r");
            let answer = ask().await;
            let other = path.replace(&TeamId::OPERATOR.to_string(), "no-team");
            let unknown = world.ask(method.clone(), other).json("{}").header("x-request-id", "r").await;
            assert_eq!(answer.body, unknown.body, "{method} {path}");
            answer.refused(Code::NotFound);
            ask().key(&key).await.refused(Code::WrongTeam);
        }
    }
    assert_eq!(ids(&world.get("/v1/teams").await), [team.to_string()]);
    world.post("/v1/teams", json!({"name": "a", "id": TeamId::OPERATOR})).await.refused(Code::Conflict);
    let of_own = format!("/v1/teams/{team}/webhooks");
    assert_eq!(ids(&world.get(&*of_own).await), [hook.to_string()]);
    world.get(format!("{of_own}/{notice}")).await.refused(Code::NotFound);
    world.delete(format!("{NOTICES}/{hook}")).await.refused(Code::NotFound);
}

/// Notices are not in the catalog, and nobody publishes them: a type of the same name is an event of its team's.
#[tokio::test]
async fn nobody_publishes_a_notice() {
    let world = World::new();
    let team = world.team().await;
    let notice = hearing(&world, json!({"url": URL})).await;
    world.get("/v1/event-types/storage.low").await.refused(Code::NotFound);
    let publish =
        || world.post(format!("/v1/teams/{team}/events"), json!({"type": "storage.low", "data": {}}));
    publish().await.refused(Code::UnknownEventType);
    let own = json!({"description": "d", "fires_on": "f", "schema": {}, "example": {}});
    world.ask(Method::PUT, "/v1/event-types/storage.low").json(own).await.expect(201);
    publish().await.expect(201);
    assert_eq!((world.head(team).await, world.head(TeamId::OPERATOR).await), (1, 0));
    let webhook = notice.parse().unwrap();
    assert!(world.store.due(webhook, world.now(), 9).await.unwrap().due.is_empty());
}

/// Asks for a test, and makes the attempt in place of an engine: a failed one.
async fn tested(world: &World, notice: &str, body: Value) -> Answer {
    let asked = world.post(format!("{NOTICES}/{notice}/test"), body);
    let attempt = async {
        loop {
            let due = world.store.due(notice.parse().unwrap(), world.now(), 9).await.unwrap().due.pop();
            if let Some(due) = due {
                fail(world, TeamId::OPERATOR, &due.id.to_string()).await;
                return due.entry.event.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let (answer, event) = tokio::join!(asked.send(), attempt);
    assert!(event.id.is_test());
    let (answer, sent) = (answer.expect(200), event.event_type.to_string());
    assert_eq!(answer.value()["outcome"], "http_status");
    assert!(!event.data().is_empty() && sent.contains('.'), "{sent}");
    answer
}

/// T20: an example is sent as a test event and answered with its attempt; of one that fails nothing is told.
#[tokio::test(start_paused = true)]
async fn a_url_is_tested() {
    let world = World::new();
    let notice = hearing(&world, json!({"url": URL, "types": ["*.failed", "storage.low"]})).await;
    for (asked, sent) in
        [(json!({}), "delivery.failed"), (json!({"type": "webhook.disabled"}), "webhook.disabled")]
    {
        tested(&world, &notice, asked).await;
        let last = world.head(TeamId::OPERATOR).await;
        let log = cstar_store::Log::read(
            &*world.store,
            TeamId::OPERATOR,
            last - 1,
            cstar_store::SliceLimit { entries: 9, bytes: 9999 },
        );
        assert_eq!(log.await.unwrap().entries[0].event.event_type.as_str(), sent);
    }
    assert_eq!(world.head(TeamId::OPERATOR).await, 2, "nothing is told of them");
    let test = |body: Value| world.post(format!("{NOTICES}/{notice}/test"), body);
    let problem = test(json!({"type": "ticket.created"})).await.refused(Code::UnknownEventType);
    assert_eq!(pointers(&problem), ["/type"]);
    let none = format!("{NOTICES}/wh_00000000000000000000000001/test");
    world.post(none, json!({})).await.refused(Code::NotFound);
    let webhook = notice.parse().unwrap();
    world.store.disable_webhook(webhook, None, DisabledReason::Gone, world.now()).await.unwrap();
    test(json!({})).await.refused(Code::Conflict);
    assert_eq!(world.get(NOTICES).await.value()["data"][0]["disabled_reason"], "gone");
}
