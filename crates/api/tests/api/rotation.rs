//! Rotating a webhook's secret (T3).

use cstar_store::{Directory, WebhookSecrets};
use cstar_types::TeamId;
use cstar_wire::Code;
use serde_json::{Value, json};

use crate::world::{World, pointers};

const GIVEN: &str = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
const DAY_S: i64 = 24 * 60 * 60;

/// A webhook with its first secret, and where it is.
async fn hook(world: &World, team: TeamId, events: &[&str]) -> (String, String) {
    let asked = json!({"url": "https://example.com/", "events": events});
    let hooks = format!("/v1/teams/{team}/webhooks");
    let made = world.post(&*hooks, asked).await.expect(201).value();
    (format!("{hooks}/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap().to_owned())
}

/// What the sender would sign with.
async fn secrets(world: &World, path: &str) -> (String, Option<String>) {
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let (_, WebhookSecrets { current, previous }) = world.store.webhook_to_send(id).await.unwrap();
    (current.reveal().to_owned(), previous.map(|(secret, _)| secret.reveal().to_owned()))
}

async fn rotated(world: &World, path: &str, body: Value) -> Value {
    world.post(format!("{path}/secret"), body).await.expect(200).value()
}

/// T3, SEC-3: the new secret is shown once; the one before stays for 24 hours, and whoever looks sees until when.
#[tokio::test]
async fn a_secret_is_rotated_with_a_day_of_overlap() {
    let world = World::new();
    let (path, first) = hook(&world, world.team().await, &["*"]).await;
    let answer = world.post(format!("{path}/secret"), "{}").await.expect(200);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let answer = answer.value();
    let second = answer["secret"].as_str().unwrap().to_owned();
    let until = "2025-12-11T14:30:00.000Z";
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(answer, json!({"id": id, "secret": second, "secret_overlap_until": until}));
    assert!(second.starts_with("whsec_") && second.len() == first.len() && second != first);
    assert_eq!(secrets(&world, &path).await, (second.clone(), Some(first.clone())));

    for (wait_s, shown) in [(DAY_S - 1, json!(until)), (1, json!(null))] {
        world.wait_s(wait_s);
        let seen = world.get(&*path).await.expect(200);
        assert_eq!(seen.value()["secret_overlap_until"], shown);
        assert!(!seen.text().contains(&first) && !seen.text().contains(&second));
    }
}

/// T3: the overlap is as long as it is told to be, from none to a week, and the secret may be given.
#[tokio::test]
async fn an_overlap_is_as_long_as_told() {
    let world = World::new();
    let (path, first) = hook(&world, world.team().await, &["*"]).await;
    let at_once = rotated(&world, &path, json!({"overlap_seconds": 0, "secret": GIVEN})).await;
    assert_eq!((&at_once["secret"], &at_once["secret_overlap_until"]), (&json!(GIVEN), &json!(null)));
    assert_eq!(secrets(&world, &path).await, (GIVEN.to_owned(), None));
    let a_week = rotated(&world, &path, json!({"overlap_seconds": 7 * DAY_S, "secret": first})).await;
    assert_eq!(a_week["secret_overlap_until"], "2025-12-17T14:30:00.000Z");
    assert_eq!(secrets(&world, &path).await, (first, Some(GIVEN.to_owned())));
}

#[tokio::test]
async fn bad_rotations_are_refused_by_field() {
    let world = World::new();
    let (path, first) = hook(&world, world.team().await, &["*"]).await;
    let rotate = |body: Value| world.post(format!("{path}/secret"), body);
    for overlap in [json!(-1), json!(7 * DAY_S + 1), json!(1.5), json!("1h"), json!(true)] {
        let problem = rotate(json!({"overlap_seconds": overlap})).await.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), ["/overlap_seconds"], "{overlap}");
    }
    for wrong in ["whsec_short", "not-a-secret", ""] {
        let problem = rotate(json!({"secret": wrong, "overlap": 1})).await.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), ["/secret", "/overlap"]);
        assert!(wrong.is_empty() || !problem.to_string().contains(wrong));
    }
    rotate(json!([])).await.refused(Code::InvalidField);
    rotate(json!({"secret": first})).await.refused(Code::Conflict);
    assert_eq!(secrets(&world, &path).await, (first, None));
    assert_eq!(world.get(&*path).await.header("etag"), Some("\"1\""), "nothing was changed");
}

/// T3: while an overlap is open another rotation is refused, since receivers may hold either secret; one without an overlap
/// is not, so a leaked secret can be taken back, and a new one whose answer was lost can be undone.
#[tokio::test]
async fn a_rotation_within_an_overlap_is_refused() {
    let world = World::new();
    let (path, first) = hook(&world, world.team().await, &["*"]).await;
    let rotate = |body: Value| world.post(format!("{path}/secret"), body);
    let lost = rotated(&world, &path, json!({})).await["secret"].as_str().unwrap().to_owned();
    world.wait_s(DAY_S - 1);
    rotate(json!({})).await.refused(Code::Conflict);
    rotate(json!({"overlap_seconds": 1, "secret": first})).await.refused(Code::Conflict);
    assert_eq!(secrets(&world, &path).await, (lost, Some(first.clone())));
    rotated(&world, &path, json!({"overlap_seconds": 0, "secret": first})).await;
    assert_eq!(secrets(&world, &path).await, (first, None));
    rotated(&world, &path, json!({})).await;
    world.wait_s(DAY_S);
    rotated(&world, &path, json!({})).await;
}

/// T3: a call ends the overlap; where there is none to end, that is no fault.
#[tokio::test]
async fn an_overlap_is_ended_by_call() {
    let world = World::new();
    let (path, _) = hook(&world, world.team().await, &["*"]).await;
    let end = || world.delete(format!("{path}/secret/previous"));
    end().await.expect(204);
    assert_eq!(world.get(&*path).await.header("etag"), Some("\"1\""));
    let second = rotated(&world, &path, json!({})).await["secret"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        end().await.expect(204);
        let seen = world.get(&*path).await.expect(200);
        assert_eq!(seen.header("etag"), Some("\"3\""));
        assert_eq!(seen.value()["secret_overlap_until"], json!(null));
        assert_eq!(secrets(&world, &path).await, (second.clone(), None));
    }
    rotated(&world, &path, json!({})).await;
}

#[tokio::test]
async fn secrets_change_on_the_version_that_was_seen() {
    let world = World::new();
    let (path, _) = hook(&world, world.team().await, &["*"]).await;
    let rotate = |version: &str| world.post(format!("{path}/secret"), "{}").header("if-match", version);
    let end = |version: &str| world.delete(format!("{path}/secret/previous")).header("if-match", version);
    rotate("\"2\"").await.refused(Code::Changed);
    rotate("\"1\"").await.expect(200);
    end("\"1\"").await.refused(Code::Changed);
    end("\"2\"").await.expect(204);
}

/// SEC-2, T24: to a key, the secrets of a webhook that gets more than the key sees, or of another team's, are as unknown as
/// those of one that never was.
#[tokio::test]
async fn secrets_stay_within_a_keys_patterns() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let ((wide, of_wide), (within, _)) =
        (hook(&world, team, &["*"]).await, hook(&world, team, &["ticket.*"]).await);
    let (foreign, of_foreign) = hook(&world, other, &["ticket.*"]).await;
    let never = format!("/v1/teams/{team}/webhooks/wh_00000000000000000000000001");
    let foreign_id = foreign.rsplit('/').next().unwrap();
    let as_own = format!("/v1/teams/{team}/webhooks/{foreign_id}");
    let key = world.key(team, &["webhooks:write"], &["ticket.*"]).await;
    let asks = |path: &str| {
        let asks =
            [world.post(format!("{path}/secret"), "{}"), world.delete(format!("{path}/secret/previous"))];
        asks.map(|ask| ask.key(&key).header("x-request-id", "r"))
    };
    for path in [&wide, &as_own] {
        for (ask, of_never) in asks(path).into_iter().zip(asks(&never)) {
            let answer = ask.await;
            assert_eq!(answer.body, of_never.await.body);
            answer.refused(Code::NotFound);
        }
    }
    assert_eq!(secrets(&world, &wide).await, (of_wide, None));
    assert_eq!(secrets(&world, &foreign).await, (of_foreign, None));
    for (ask, status) in asks(&within).into_iter().zip([200, 204]) {
        ask.await.expect(status);
    }
}
