//! Pages of lists: nothing left out, nothing twice, in both directions.

use cstar_wire::Code;
use serde_json::json;

use crate::world::{Answer, World, ids};

/// Goes through a list by `next`, so many rows at a time.
async fn walk(world: &World, path: &str, limit: usize) -> Vec<String> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(format!("{path}{mark}limit={limit}{after}")).await.expect(200);
        let found = ids(&page);
        assert!(found.len() <= limit);
        rows.extend(found);
        let page = page.value();
        assert_eq!(page["has_more"].as_bool().unwrap(), page["next"].is_string());
        let Some(next) = page["next"].as_str() else { return rows };
        after = format!("&after={next}");
    }
}

/// C3: every list is the same whatever the page, newest first.
#[tokio::test]
async fn pages_join_without_holes_or_repeats() {
    let world = World::new();
    let team = world.team().await;
    let at = |rest: &str| format!("/v1/teams/{team}/{rest}");
    let mut made = [vec![team.to_string()], vec![], vec![], vec![]];
    for n in 0..7 {
        made[0].insert(0, world.team().await.to_string());
        made[1].insert(0, world.webhook(team, &["ticket.*"]).await);
        made[2].insert(0, world.publish(team, "boss.spawned", &format!(r#"{{"id":"{n}"}}"#)).await);
        let key = world.post(at("keys"), json!({"name": "k", "scopes": ["events:read"]})).await.value();
        made[3].insert(0, key["id"].as_str().unwrap().to_owned());
    }
    for (made, path) in made.iter().zip(["/v1/teams".to_owned(), at("webhooks"), at("events"), at("keys")]) {
        for limit in [1, 2, 3, 7, 200] {
            assert_eq!(walk(&world, &path, limit).await, *made, "{path} by {limit}");
        }
        let rows = |answer: Answer| ids(&answer.expect(200));
        let after = world.get(format!("{path}?after={}", made[2])).await;
        assert_eq!(rows(after), made[3..], "{path}: behind a row");
        let before = world.get(format!("{path}?before={}", made[2])).await;
        assert!(before.value()["next"].is_null());
        assert_eq!(rows(before), made[..2], "{path}: in front of a row");
        let between = world.get(format!("{path}?after={}&before={}", made[1], made[4])).await;
        assert_eq!(rows(between), made[2..4], "{path}: between two rows");
    }
}

/// W54: the logs are a list like the others.
#[tokio::test]
async fn the_logs_are_paged() {
    let world = World::new();
    let team = world.team().await;
    world.webhook(team, &["*"]).await;
    for n in 0..5 {
        world.publish(team, "boss.spawned", &format!(r#"{{"id":"{n}"}}"#)).await;
    }
    let path = format!("/v1/teams/{team}/deliveries");
    let all = walk(&world, &path, 200).await;
    assert_eq!(all.len(), 5);
    assert_eq!(walk(&world, &path, 2).await, all);
    assert_eq!(ids(&world.get(format!("{path}?before={}", all[2])).await.expect(200)), all[..2]);
}

/// Events go both ways, by position, id or `next`, and are filtered by type and time.
#[tokio::test]
async fn events_are_listed_both_ways() {
    let world = World::new();
    let team = world.team().await;
    let mut made = Vec::new();
    for n in 0..6 {
        let event_type = if n % 2 == 0 { "boss.spawned" } else { "boss.defeated" };
        made.push(world.publish(team, event_type, &format!(r#"{{"id":"{n}"}}"#)).await);
        world.wait_s(60);
    }
    let path = format!("/v1/teams/{team}/events");
    let list = async |query: &str| ids(&world.get(format!("{path}?{query}")).await.expect(200));
    assert_eq!(walk(&world, &format!("{path}?order=asc"), 4).await, made);
    assert_eq!(list("order=asc&after=1.2").await, made[2..]);
    assert_eq!(list(&format!("order=asc&after={}", made[1])).await, made[2..]);
    assert_eq!(list("order=asc&after=1.2&before=1.5").await, made[2..4]);
    assert_eq!(list("after=1.2").await, [&*made[0]]);
    assert_eq!(list(&format!("before={}", made[4])).await, [&*made[5]]);
    assert_eq!(list("types=*.spawned&order=asc").await, [&*made[0], &*made[2], &*made[4]]);
    assert_eq!(walk(&world, &format!("{path}?types=*.spawned&order=asc"), 1).await.len(), 3);
    assert_eq!(list("order=asc&since=2025-12-10T14:31:00Z&until=2025-12-10T14:33:00Z").await, made[1..3]);
    assert_eq!(list("order=asc&since=2025-12-10T15:31:00%2B01:00").await, made[1..]);
    world.get(format!("{path}?since=2025-12-10T15:31:00+01:00")).await.refused(Code::BadQuery);
    assert!(list("after=1.1").await.is_empty());
    assert!(list("order=asc&after=1.99").await.is_empty());
}

/// LOG-2: a position of before a restore is refused, rather than followed into another log; `next` tells the log it is of.
#[tokio::test]
async fn a_position_of_another_log_is_refused() {
    let world = World::new();
    let team = world.team().await;
    for _ in 0..2 {
        world.publish(team, "boss.spawned", r#"{"id":"1"}"#).await;
    }
    let path = format!("/v1/teams/{team}/events");
    assert_eq!(world.get(format!("{path}?limit=1")).await.expect(200).value()["next"], "1.2");
    for parameter in ["after", "before"] {
        let problem = world.get(format!("{path}?{parameter}=7.1")).await.refused(Code::BadQuery);
        assert!(problem.detail.contains("restored"), "{problem}");
    }
}

#[tokio::test]
async fn the_catalog_is_a_list_like_the_others() {
    let world = World::new();
    let types = |answer: Answer| -> Vec<String> {
        let rows = answer.expect(200).value();
        rows["data"].as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap().to_owned()).collect()
    };
    let all = types(world.get("/v1/event-types").await);
    let first = world.get("/v1/event-types?limit=10").await.expect(200);
    let next = first.value()["next"].as_str().unwrap().to_owned();
    let mut joined = types(first);
    joined.extend(types(world.get(format!("/v1/event-types?after={next}")).await));
    assert_eq!(joined, all);
    assert_eq!(types(world.get(format!("/v1/event-types?before={}", all[3])).await), all[..3]);
    world.get("/v1/event-types?after=no.type").await.refused(Code::BadQuery);
    world.get("/v1/teams?after=550e8400-e29b-41d4-a716-446655440000").await.refused(Code::BadQuery);
}

#[tokio::test]
async fn health_and_metrics_need_no_key() {
    let world = World::new();
    for path in ["/healthz", "/readyz"] {
        world.get(path).without("authorization").await.expect(200);
    }
    let metrics = world.get("/metrics").without("authorization").await.expect(200);
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert_eq!(metrics.text(), "# EOF\n");
}
