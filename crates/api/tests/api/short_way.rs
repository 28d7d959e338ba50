//! The short way of a publish and the router's answer the same, header by header.

use http::{Method, StatusCode};
use serde_json::Value;

use crate::world::{Answer, Ask, TICKET, World};

/// What is compared of an answer. An event that is published twice has another id and another position.
fn told(answer: &Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let own = |name: &str| answer.status.is_success() && name == "x-cstar-position";
    let headers = answer.headers.iter().map(|(name, value)| {
        let value = if own(name.as_str()) { "" } else { value.to_str().unwrap() };
        (name.to_string(), value.to_owned())
    });
    let mut headers: Vec<_> = headers.filter(|(name, _)| name != "content-length").collect(); // hyper's, on the short way
    headers.sort();
    (answer.status, headers, without_ids(answer).unwrap_or_else(|| answer.text()))
}

/// The body of a publish without what each publish has for itself.
fn without_ids(answer: &Answer) -> Option<String> {
    let mut body: Value = serde_json::from_slice(&answer.body).ok().filter(|_| answer.status.is_success())?;
    body.as_object_mut()?.remove("positions");
    body.as_object_mut()?.remove("id");
    for event in body.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
        event.as_object_mut()?.remove("id");
    }
    Some(body.to_string())
}

/// Sends a request both ways; it is answered so.
async fn check<'a>(status: u16, ask: impl Fn() -> Ask<'a>) {
    let ask = || ask().header("x-request-id", "one");
    let short = ask().await.expect(status);
    let by_router = ask().by_router().await.expect(status);
    assert_eq!(told(&short), told(&by_router));
    assert_eq!(short.header("x-request-id"), Some("one"));
}

fn ticket() -> String {
    format!(r#"{{"type":"ticket.created","data":{TICKET}}}"#)
}

#[tokio::test]
async fn what_is_published_is_answered_alike() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["events:write"], &["*"]).await;
    let path = format!("/v1/teams/{team}/events");
    let publish = |body: String| world.post(&*path, body);
    check(201, || publish(ticket())).await;
    check(201, || publish(ticket()).key(&key).header("accept", "text/html, */*;q=0.1")).await;
    check(201, || publish(ticket()).header("x-cstar-test", "true")).await;
    check(201, || publish(format!(r#"{{"events":[{0},{0}],"webhooks":false}}"#, ticket()))).await;
    publish(ticket()).header("idempotency-key", "k").await.expect(201);
    check(200, || publish(ticket()).header("idempotency-key", "k")).await;
    let made = world.head(team).await;
    assert_eq!(made, 2 * 5 + 1, "both ways have published");
}

#[tokio::test]
async fn what_is_refused_is_refused_alike() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let path = format!("/v1/teams/{team}/events");
    let (writes, reads) = (
        world.key(team, &["events:write"], &["sla.*"]).await,
        world.key(team, &["events:read"], &["*"]).await,
    );
    let of_other = world.key(other, &["events:write"], &["*"]).await;
    let publish = |path: &str| world.post(path, ticket());

    check(401, || publish(&path).without("authorization")).await;
    check(401, || publish(&path).key("csk_wrong")).await;
    check(401, || publish(&path).without("authorization").header("authorization", "Basic x")).await;
    check(400, || publish(&path).header("authorization", "Bearer another")).await;
    check(401, || publish(&path).without("authorization").header("cookie", "__Host-cstar_session=x")).await;
    check(403, || publish(&path).key(&of_other)).await;
    check(403, || publish("/v1/teams/none/events").key(&of_other)).await;
    check(404, || publish("/v1/teams/none/events")).await;
    check(404, || publish("/v1/teams/%61/events")).await;
    check(404, || publish("/v1/teams/00000000-0000-0000-0000-000000000000/events")).await;
    check(404, || publish("/v1/teams/01940000-0000-7000-8000-000000000000/events")).await;
    check(403, || publish(&path).key(&reads)).await;
    check(403, || publish(&path).key(&writes)).await;
    check(406, || publish(&path).header("accept", "text/html")).await;
    check(400, || publish(&format!("{path}?limit=1"))).await;
    check(400, || publish(&path).header("x-cstar-test", "1")).await;
    check(415, || world.ask(Method::POST, &*path).body(ticket())).await;
    check(415, || publish(&path).header("content-encoding", "gzip")).await;
    check(413, || publish(&path).header("content-length", "99999999")).await;
    check(400, || world.post(&*path, "{")).await;
    check(422, || world.post(&*path, r#"{"type":"ticket.created","data":{}}"#)).await;
    check(422, || world.post(&*path, r#"{"type":"ticket.create","data":{}}"#)).await;
}

#[tokio::test]
async fn too_many_requests_are_told_alike() {
    let world = World::with(|options| options.requests_per_key = 1);
    let team = world.team().await;
    let key = world.key(team, &["events:write"], &["*"]).await;
    let publish = || world.post(format!("/v1/teams/{team}/events"), ticket()).key(&key);
    publish().await.expect(201);
    check(429, publish).await;
}

#[tokio::test]
async fn pages_of_other_origins_are_told_alike() {
    let world = World::with(|options| {
        options.origins = "https://app.example.com".parse().unwrap();
        options.hosts = Some(vec!["cstar.example.com".into()]);
    });
    let team = world.ask(Method::POST, "/v1/teams").json(r#"{"name":"a"}"#).header("host", "localhost");
    let team = team.await.expect(201).value()["id"].as_str().unwrap().to_owned();
    let publish = || world.post(format!("/v1/teams/{team}/events"), ticket());
    for origin in ["https://app.example.com", "https://other.example.com"] {
        check(201, || publish().header("host", "localhost").header("origin", origin)).await;
        check(401, || publish().key("x").header("host", "localhost").header("origin", origin)).await;
    }
    check(201, || publish().header("host", "localhost")).await;
    check(421, || publish().header("host", "evil.example.com")).await;
}
