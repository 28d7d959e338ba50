//! A test of a webhook: an example sent to it alone, answered with the attempt.

use cstar_store::Deliveries;
use cstar_types::{EventId, TeamId};
use cstar_wire::Code;
use serde_json::{Value, json};

use crate::deliveries::fail;
use crate::world::{Answer, World, ids, pointers};

/// Asks, and makes the attempt in place of an engine: a failed one.
async fn tested(world: &World, team: TeamId, webhook: &str, key: &str, body: Value) -> Answer {
    let asked = world.post(format!("/v1/teams/{team}/webhooks/{webhook}/test"), body).key(key);
    let attempt = async {
        let list = format!("/v1/teams/{team}/deliveries?status=pending");
        loop {
            if let Some(id) = ids(&world.get(&*list).await.expect(200)).pop() {
                return fail(world, team, &id).await;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(asked.send(), attempt).0
}

/// The test events of a team, newest first: type and id.
async fn events(world: &World, team: TeamId) -> Vec<(String, EventId)> {
    let list = world.get(format!("/v1/teams/{team}/events")).await.expect(200).value();
    let rows = list["data"].as_array().unwrap().iter();
    rows.map(|row| (row["type"].as_str().unwrap().to_owned(), row["id"].as_str().unwrap().parse().unwrap()))
        .collect()
}

/// T20, DLV-1: the example goes to that webhook and no other, as a test event of the first type that it wants or of the one
/// that is named, and the answer is the attempt, a failed one as well.
#[tokio::test(start_paused = true)]
async fn an_example_is_sent_to_one_webhook_and_answered_with_the_attempt() {
    let world = World::new();
    let team = world.team().await;
    let other = world.webhook(team, &["*"]).await;
    let hook = world.webhook(team, &["boss.*", "article.updated"]).await;
    let platform = crate::world::PLATFORM;
    let attempt = tested(&world, team, &hook, platform, json!({})).await.expect(200).value();
    assert_eq!(
        (&attempt["number"], &attempt["outcome"], &attempt["status_code"]),
        (&json!(1), &json!("http_status"), &json!(503))
    );
    assert_eq!(attempt["request"]["url"], "https://example.com/hook");
    let hidden = world.key(team, &["webhooks:write"], &["*"]).await;
    let attempt = tested(&world, team, &hook, &hidden, json!({"type": "ticket.created"})).await.expect(200);
    assert_eq!(
        attempt.value()["request"],
        json!(null),
        "SEC-2: where it points is for who may read webhooks"
    );

    let sent = events(&world, team).await;
    assert!(sent.iter().all(|(_, id)| id.is_test()), "{sent:?}");
    let types: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(types, ["ticket.created", "article.updated"]);
    let none = world.get(format!("/v1/teams/{team}/deliveries?webhook={other}")).await.expect(200);
    assert_eq!(ids(&none), [""; 0]);

    let strange = world.webhook(team, &["shop.opened"]).await;
    tested(&world, team, &strange, platform, json!({})).await.expect(200);
    assert_eq!(events(&world, team).await[0].0, "ticket.created", "it wants none of the built-in types");
}

/// What cannot be tested is refused, and nothing is sent. SEC-2: a key sends no type that it does not see, and knows no webhook
/// that gets more.
#[tokio::test]
async fn what_cannot_be_tested_is_refused() {
    let world = World::new();
    let team = world.team().await;
    let (hook, wide) = (world.webhook(team, &["ticket.*"]).await, world.webhook(team, &["*"]).await);
    let key = world.key(team, &["webhooks:write"], &["ticket.*"]).await;
    let test = |hook: &str, body: Value| {
        world.post(format!("/v1/teams/{team}/webhooks/{hook}/test"), body).key(&key)
    };
    let problem = test(&hook, json!({"type": "boss.spawned"})).await.refused(Code::OutsidePatterns);
    assert_eq!(pointers(&problem), ["/type"]);
    let problem = test(&hook, json!({"type": "ticket.create"})).await.refused(Code::UnknownEventType);
    assert_eq!(pointers(&problem), ["/type"]);
    test(&hook, json!({"type": 7})).await.refused(Code::InvalidField);
    test(&wide, json!({})).await.refused(Code::NotFound);
    test("wh_00000000000000000000000001", json!({})).await.refused(Code::NotFound);
    world.patch(format!("/v1/teams/{team}/webhooks/{hook}"), json!({"enabled": false})).await.expect(200);
    test(&hook, json!({})).await.refused(Code::Conflict);
    assert_eq!(events(&world, team).await, []);
}

/// An attempt that waits too long for its turn is told as unknown; one that was cancelled meanwhile, as a conflict.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_does_not_come_is_told() {
    let world = World::new();
    let team = world.team().await;
    let hook = world.webhook(team, &["*"]).await;
    let test = || world.post(format!("/v1/teams/{team}/webhooks/{hook}/test"), json!({}));
    let problem = test().await.refused(Code::OutcomeUnknown);
    let list = world.get(format!("/v1/teams/{team}/deliveries")).await;
    assert!(problem.detail.contains(&ids(&list)[0]), "{problem}");
    let disable = async {
        while events(&world, team).await.len() < 2 {
            tokio::task::yield_now().await;
        }
        let reason = cstar_types::DisabledReason::ByRequest;
        world.store.disable_webhook(hook.parse().unwrap(), None, reason, world.now()).await.unwrap();
    };
    tokio::join!(test().send(), disable).0.refused(Code::Conflict);
}
