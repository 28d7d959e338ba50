//! Who may do what: teams apart (T24), keys within their patterns and scopes (SEC-2), secrets once (SEC-3).

use cstar_types::TeamId;
use cstar_wire::Code;
use http::Method;
use serde_json::json;

use crate::world::{ALL_SCOPES, Ask, TICKET, World, ids, pointers};

/// T24: a key at any other team's path is told the same, whether that team, or the rest of the path, exists or not, and
/// whatever else is wrong with the request.
#[tokio::test]
async fn another_teams_path_is_closed_before_anything_else() {
    let world = World::new();
    let (own, other) = (world.team().await, world.team().await);
    let key = world.key(own, &ALL_SCOPES, &["*"]).await;
    let mut bodies = Vec::new();
    for team in [&*other.to_string(), "550e8400-e29b-41d4-a716-446655440000", "no-uuid", "", "%35"] {
        for rest in [
            "",
            "/events",
            "/events?colour=red",
            "/events/evt_1",
            "/webhooks",
            "/nothing/at/all",
            "/realtime",
        ] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                let ask = world
                    .ask(method, format!("/v1/teams/{team}{rest}"))
                    .key(&key)
                    .header("x-request-id", "r");
                let answer = ask.body("{").header("accept", "text/html").await;
                let problem = answer.refused(Code::WrongTeam);
                bodies.push(problem.to_string());
            }
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

/// T24: what belongs to another team is, under one's own path, as unknown as what never was: the same bytes.
#[tokio::test]
async fn another_teams_resources_do_not_exist() {
    let world = World::new();
    let (own, other) = (world.team().await, world.team().await);
    let hook = world.webhook(other, &["*"]).await;
    let event = world.publish(other, "ticket.created", TICKET).await;
    let delivery = ids(&world.get(format!("/v1/teams/{other}/deliveries")).await).remove(0);
    let made = world
        .post(format!("/v1/teams/{other}/keys"), json!({"name": "k", "scopes": ["events:read"]}))
        .await
        .value();
    let foreign_key = made["id"].as_str().unwrap();
    for key in [world.key(own, &ALL_SCOPES, &["*"]).await, crate::world::PLATFORM.to_owned()] {
        for (method, kind, theirs, never) in [
            (Method::GET, "webhooks", &*hook, "wh_00000000000000000000000001"),
            (Method::DELETE, "webhooks", &*hook, "wh_00000000000000000000000001"),
            (Method::GET, "events", &*event, "evt_00000000000000000000000001"),
            (Method::GET, "deliveries", &*delivery, "dlv_00000000000000000000000001"),
            (Method::DELETE, "keys", foreign_key, "key_00000000000000000000000001"),
        ] {
            let ask = |id: &str| {
                let ask = world.ask(method.clone(), format!("/v1/teams/{own}/{kind}/{id}"));
                ask.key(&key).header("x-request-id", "r")
            };
            let (theirs, never) = (ask(theirs).await, ask(never).await);
            assert_eq!(theirs.body, never.body);
            theirs.refused(Code::NotFound);
        }
        let patch =
            world.patch(format!("/v1/teams/{own}/webhooks/{hook}"), json!({"enabled": false})).key(&key);
        patch.await.refused(Code::NotFound);
        let resend =
            world.ask(Method::POST, format!("/v1/teams/{own}/deliveries/{delivery}/resend")).key(&key);
        resend.await.refused(Code::NotFound);
    }
    world.get(format!("/v1/teams/{other}/webhooks/{hook}")).await.expect(200);
}

/// Each path, the scope that it needs, and a request that is right.
fn paths<'a>(
    world: &'a World,
    team: TeamId,
    event: &str,
    delivery: &str,
    hook: &str,
) -> Vec<(&'static str, Ask<'a>)> {
    let path = |rest: &str| format!("/v1/teams/{team}/{rest}");
    let publish = format!(r#"{{"type":"ticket.created","data":{TICKET}}}"#);
    vec![
        ("events:write", world.post(path("events"), publish)),
        ("events:read", world.get(path("events"))),
        ("events:read", world.get(path(&format!("events/{event}")))),
        ("events:read", world.post(path("realtime/tokens"), "{}")),
        ("webhooks:read", world.get(path("webhooks"))),
        ("webhooks:read", world.get(path(&format!("webhooks/{hook}")))),
        (
            "webhooks:write",
            world.post(path("webhooks"), json!({"url": "https://example.com", "events": ["*"]})),
        ),
        ("webhooks:write", world.patch(path(&format!("webhooks/{hook}")), json!({"description": "d"}))),
        ("webhooks:write", world.post(path(&format!("webhooks/{hook}/secret")), "{}")),
        ("webhooks:write", world.delete(path(&format!("webhooks/{hook}/secret/previous")))),
        // Refused for its type once the key is let in: nobody makes attempts here.
        ("webhooks:write", world.post(path(&format!("webhooks/{hook}/test")), json!({"type": "no.such"}))),
        ("webhooks:write", world.delete(path(&format!("webhooks/{hook}")))),
        ("deliveries:read", world.get(path("deliveries"))),
        ("deliveries:read", world.get(path(&format!("deliveries/{delivery}")))),
        ("deliveries:write", world.ask(Method::POST, path(&format!("deliveries/{delivery}/resend")))),
        ("deliveries:write", world.post(path(&format!("events/{event}/resend")), json!({"webhook": hook}))),
        ("deliveries:write", world.post(path("deliveries/resend"), json!({"status": "failed"}))),
        (
            "deliveries:write",
            world.post(path(&format!("webhooks/{hook}/recover")), json!({"since": "2025-12-10T00:00:00Z"})),
        ),
        ("deliveries:write", world.get(path("operations"))),
        ("deliveries:write", world.get(path("operations/op_00000000000000000000000001"))),
        ("deliveries:write", world.delete(path("operations/op_00000000000000000000000001"))),
        ("keys:write", world.get(path("realtime/streams"))),
        ("keys:write", world.get(path("keys"))),
        ("keys:write", world.post(path("keys"), json!({"name": "k", "scopes": ["keys:write"]}))),
        ("keys:write", world.delete(path("keys/key_00000000000000000000000001"))),
    ]
}

/// SEC-2: scope × path. A key with every scope but the one that is needed is refused; with that one alone it is let in.
#[tokio::test]
async fn each_path_needs_its_scope() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["ticket.*"]).await;
    let event = world.publish(team, "ticket.created", TICKET).await;
    let delivery = ids(&world.get(format!("/v1/teams/{team}/deliveries")).await).remove(0);
    let asks = || paths(&world, team, &event, &delivery, &hook);
    for place in 0..asks().len() {
        let (needed, ask) = asks().remove(place);
        let others: Vec<&str> = ALL_SCOPES.into_iter().filter(|scope| *scope != needed).collect();
        let problem = ask.key(&world.key(team, &others, &["*"]).await).await.refused(Code::MissingScope);
        assert!(problem.detail.contains(needed), "{problem}");

        let (_, ask) = asks().remove(place);
        let answer = ask.key(&world.key(team, &[needed], &["*"]).await).await;
        // 404, 409 and 422: let in, and then there is no such key or operation, nothing to resend yet, or no such type.
        assert!(
            [200, 201, 202, 204, 404, 409, 422].contains(&answer.status.as_u16()),
            "{needed}: {answer:?}"
        );
    }
}

/// SEC-2: the paths that are for the application alone take no team's key, whatever its scopes.
#[tokio::test]
async fn the_platforms_paths_take_the_platform_key_alone() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &ALL_SCOPES, &["*"]).await;
    let own = format!("/v1/teams/{team}");
    for ask in [
        world.get("/v1/teams"),
        world.post("/v1/teams", json!({"name": "n"})),
        world.get(&*own),
        world.patch(&*own, json!({"name": "n"})),
        world.delete(&*own),
        world.delete(format!("{own}/events/evt_00000000000000000000000001/data")),
    ] {
        ask.key(&key).await.refused(Code::MissingScope);
    }
}

/// SEC-2: a key publishes the types that its patterns match and no other, one or in a batch.
#[tokio::test]
async fn publishing_is_cut_by_patterns() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["events:write"], &["ticket.*", "*.spawned"]).await;
    let event = |event_type: &str| json!({"type": event_type, "data": {"id": "1"}});
    let publish = |body: serde_json::Value| world.post(format!("/v1/teams/{team}/events"), body).key(&key);
    publish(event("ticket.updated")).await.expect(201);
    publish(event("boss.spawned")).await.expect(201);
    for outside in ["boss.defeated", "customer.created", "no.such"] {
        let problem = publish(event(outside)).await.refused(Code::OutsidePatterns);
        assert_eq!(pointers(&problem), ["/type"]);
    }
    let problem = publish(json!({"events": [event("ticket.updated"), event("boss.defeated")]})).await;
    assert_eq!(pointers(&problem.refused(Code::OutsidePatterns)), ["/events/1/type"]);
    assert_eq!(world.head(team).await, 2);
}

/// SEC-2: what a key reads is cut by its patterns: events, lists, cursors, deliveries, resends.
#[tokio::test]
async fn reading_is_cut_by_patterns() {
    let world = World::new();
    let team = world.team().await;
    world.webhook(team, &["*"]).await;
    let ticket = world.publish(team, "ticket.created", TICKET).await;
    let boss = world.publish(team, "boss.spawned", r#"{"id":"1"}"#).await;
    let deliveries = ids(&world.get(format!("/v1/teams/{team}/deliveries")).await);
    let (of_boss, of_ticket) = (&deliveries[0], &deliveries[1]);
    let key = world.key(team, &["events:read", "deliveries:read", "deliveries:write"], &["ticket.*"]).await;
    let get = |rest: String| world.get(format!("/v1/teams/{team}/{rest}")).key(&key);

    assert_eq!(ids(&get("events".into()).await.expect(200)), [&*ticket]);
    assert!(ids(&get("events?types=boss.*".into()).await.expect(200)).is_empty());
    assert_eq!(ids(&get("events?types=*".into()).await.expect(200)), [&*ticket]);
    get(format!("events/{ticket}")).await.expect(200);
    get(format!("events/{boss}")).await.refused(Code::NotFound);
    get(format!("events?after={boss}")).await.refused(Code::BadQuery);

    assert_eq!(ids(&get("deliveries".into()).await.expect(200)), [&**of_ticket]);
    assert!(ids(&get(format!("deliveries?event={boss}")).await.expect(200)).is_empty());
    get(format!("deliveries/{of_ticket}")).await.expect(200);
    get(format!("deliveries/{of_boss}")).await.refused(Code::NotFound);
    let resend =
        |id: &str| world.ask(Method::POST, format!("/v1/teams/{team}/deliveries/{id}/resend")).key(&key);
    resend(of_boss).await.refused(Code::NotFound);
    resend(of_ticket).await.refused(Code::Conflict);
}

/// SEC-2: a key makes, sees, changes and deletes the webhooks within its patterns; a wider one does not exist for it.
#[tokio::test]
async fn webhooks_stay_within_their_makers_patterns() {
    let world = World::new();
    let team = world.team().await;
    let wide = world.webhook(team, &["*"]).await;
    let within = world.webhook(team, &["ticket.created"]).await;
    let key = world.key(team, &["webhooks:read", "webhooks:write"], &["ticket.*"]).await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let make = |events: serde_json::Value| {
        world.post(&*hooks, json!({"url": "https://example.com/", "events": events})).key(&key)
    };
    let own = make(json!(["ticket.*"])).await.expect(201).value();
    for events in [json!(["*"]), json!(["*.created"]), json!(["ticket.*", "boss.spawned"])] {
        assert_eq!(pointers(&make(events).await.refused(Code::OutsidePatterns)), ["/events"]);
    }
    assert_eq!(ids(&world.get(&*hooks).key(&key).await.expect(200)), [own["id"].as_str().unwrap(), &*within]);
    world.get(format!("{hooks}/{wide}")).key(&key).await.refused(Code::NotFound);
    world.delete(format!("{hooks}/{wide}")).key(&key).await.refused(Code::NotFound);
    let turned = json!({"url": "https://elsewhere.example.com/"});
    world.patch(format!("{hooks}/{wide}"), turned).key(&key).await.refused(Code::NotFound);
    let narrowed = json!({"events": ["ticket.*"], "url": "https://elsewhere.example.com/"});
    world.patch(format!("{hooks}/{wide}"), narrowed).key(&key).await.refused(Code::NotFound);
    let widened = world.patch(format!("{hooks}/{within}"), json!({"events": ["*"]})).key(&key).await;
    widened.refused(Code::OutsidePatterns);
    world
        .patch(format!("{hooks}/{within}"), json!({"events": ["ticket.closed"]}))
        .key(&key)
        .await
        .expect(200);
    world.delete(format!("{hooks}/{within}")).key(&key).await.expect(204);
    let untouched = world.get(format!("{hooks}/{wide}")).await.expect(200).value();
    assert_eq!(
        (&untouched["url"], &untouched["events"]),
        (&json!("https://example.com/hook"), &json!(["*"]))
    );
}

/// SEC-2: a webhook that is widened while a narrow key's change is under way is not turned to that key's URL.
#[tokio::test]
async fn a_webhook_widened_in_between_is_left_alone() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["webhooks:write"], &["ticket.*"]).await;
    let path = format!("/v1/teams/{team}/webhooks/{}", world.webhook(team, &["ticket.*"]).await);
    let turned = world.patch(&*path, json!({"url": "https://gated.example.com/"})).key(&key);
    let widened = async {
        world.gate.entered.notified().await;
        world.patch(&*path, json!({"events": ["*"]})).await.expect(200);
        world.gate.open.notify_one();
    };
    let (turned, ()) = tokio::join!(turned.into_future(), widened);
    turned.refused(Code::NotFound);
    assert_eq!(world.get(&*path).await.value()["url"], "https://example.com/hook");
}

/// SEC-2: a key makes keys within its own scopes and patterns, and sees and revokes no others.
#[tokio::test]
async fn keys_stay_within_their_makers() {
    let world = World::new();
    let team = world.team().await;
    let keys = format!("/v1/teams/{team}/keys");
    let wide = world.post(&*keys, json!({"name": "wide", "scopes": ALL_SCOPES})).await.expect(201).value();
    let narrow = world.key(team, &["keys:write", "events:read"], &["ticket.*"]).await;
    let make = |body: serde_json::Value| world.post(&*keys, body).key(&narrow);

    let problem = make(json!({"name": "k", "scopes": ["events:write"]})).await.refused(Code::MissingScope);
    assert_eq!(pointers(&problem), ["/scopes"]);
    let problem = make(json!({"name": "k", "scopes": ["events:read"], "types": ["*"]})).await;
    assert_eq!(pointers(&problem.refused(Code::OutsidePatterns)), ["/types"]);
    let made = make(json!({"name": "k", "scopes": ["events:read"]})).await.expect(201).value();
    assert_eq!(made["types"], json!(["ticket.*"]), "unless said, what its maker sees");

    let seen = ids(&world.get(&*keys).key(&narrow).await.expect(200));
    assert!(!seen.contains(&wide["id"].as_str().unwrap().to_owned()) && seen.len() == 2, "{seen:?}");
    let wide_path = format!("{keys}/{}", wide["id"].as_str().unwrap());
    world.delete(&*wide_path).key(&narrow).await.refused(Code::NotFound);
    world.get("/v1/event-types").key(wide["key"].as_str().unwrap()).await.expect(200);
    world.delete(format!("{keys}/{}", made["id"].as_str().unwrap())).key(&narrow).await.expect(204);
}

/// SEC-3: secrets are in the answer that made them and in no later one; a given secret is taken, and a wrong one is not
/// repeated.
#[tokio::test]
async fn secrets_are_shown_once() {
    let world = World::new();
    let team = world.team().await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let given = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let body = json!({
        "url": "https://example.com/", "events": ["*"], "secret": given, "headers": {"X-Api-Key": "hunter2"}
    });
    let made = world.post(&*hooks, body).await.expect(201).value();
    assert_eq!(made["secret"], given);
    let own = world.post(&*hooks, json!({"url": "https://example.com/", "events": ["*"]})).await.value();
    assert!(own["secret"].as_str().unwrap().starts_with("whsec_"));

    let key = world
        .post(format!("/v1/teams/{team}/keys"), json!({"name": "k", "scopes": ["events:read"]}))
        .await
        .value();
    let path = format!("{hooks}/{}", made["id"].as_str().unwrap());
    for answer in [
        world.get(&*hooks).await,
        world.get(&*path).await,
        world.patch(&*path, json!({"description": "d"})).await,
        world.get(format!("/v1/teams/{team}/keys")).await,
    ] {
        let text = answer.expect(200).text();
        let secrets = [given, "hunter2", own["secret"].as_str().unwrap(), key["key"].as_str().unwrap()];
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
    }
    for wrong in ["whsec_short", "not-a-secret", " whsec_QUFB "] {
        let body = json!({"url": "https://example.com/", "events": ["*"], "secret": wrong});
        let problem = world.post(&*hooks, body).await.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), ["/secret"]);
        assert!(!problem.to_string().contains(wrong));
    }
}

/// SEC-1: one message for every refusal of a URL, at creation and at change, and what was there stays.
#[tokio::test]
async fn refused_targets_read_the_same() {
    let world = World::new();
    let team = world.team().await;
    let hooks = format!("/v1/teams/{team}/webhooks");
    let hook = world.webhook(team, &["*"]).await;
    let mut details = Vec::new();
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://0x7f000001/",
        "https://[::1]/",
        "https://localhost/",
        "https://inner.example.com/",
        "https://nowhere.invalid/",
        "https://example.com:6379/",
        "ftp://example.com/",
        "https://user:pw@example.com/",
        "https://example.com/#x",
        "no url",
        "https://169.254.169.254/latest",
    ] {
        for answer in [
            world.post(&*hooks, json!({"url": url, "events": ["*"]})).await,
            world.patch(format!("{hooks}/{hook}"), json!({"url": url})).await,
        ] {
            let problem = answer.refused(Code::BlockedTarget);
            assert_eq!(pointers(&problem), ["/url"], "{url}");
            details.push(problem.detail);
        }
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    let hook = world.get(format!("{hooks}/{hook}")).await.value();
    assert_eq!(hook["url"], "https://example.com/hook");
}
