//! The Rust client's calls, each against the real server.

use std::time::Duration;

use cstar_client::{BatchOptions, DeliveryQuery, EventQuery, Order, PublishOptions, RealtimeOptions, Result};
use cstar_signature::{Secret, verify_body};
use cstar_testkit::{Receiver, Reply, until};
use cstar_types::{Cursor, DeliveryId, DeliveryStatus, Patterns, Scope, TeamId, WebhookStatus};
use cstar_wire::{
    BatchEvent, CreateKey, CreateTeam, CreateWebhook, Publish, PublishBatch, UpdateTeam, UpdateWebhook,
};
use futures_util::TryStreamExt;
use serde_json::value::{RawValue, to_raw_value};

use crate::scene::Scene;
use crate::stream::Reader;
use crate::ticket;

fn event(event_type: &str, data: &serde_json::Value) -> Publish {
    Publish { event_type: event_type.parse().unwrap(), data: to_raw_value(data).unwrap(), webhooks: None }
}

/// What a refusal is called.
#[track_caller]
fn code<T: std::fmt::Debug>(refused: Result<T>) -> (u16, String) {
    let error = refused.unwrap_err();
    (error.status().unwrap_or_default(), error.code().unwrap_or_default().to_owned())
}

/// Teams, under an id of the application's own, from their making to their end.
#[tokio::test]
async fn a_team_is_made_changed_and_deleted() {
    let scene = Scene::set().await;
    let (platform, id) =
        (scene.platform(), "550e8400-e29b-41d4-a716-446655440000".parse::<TeamId>().unwrap());
    let made = platform.teams().create(&CreateTeam { name: "first".into(), id: Some(id) }).await.unwrap();
    assert_eq!((made.id, made.name.as_str()), (id, "first"));
    let change = UpdateTeam { name: Some("second".into()) };
    assert_eq!(platform.teams().update(id, &change).await.unwrap().name, "second");
    assert_eq!(platform.teams().get(id).await.unwrap().name, "second");
    let all: Vec<_> = platform.teams().list().limit(1).rows().try_collect().await.unwrap();
    assert_eq!(all.iter().map(|team| team.id).collect::<Vec<_>>(), [id, scene.team.id]);
    platform.teams().delete(id).await.unwrap();
    assert_eq!(code(platform.teams().get(id).await), (404, "not_found".into()));
    let refused = scene.client(scene.key.key.reveal()).teams().list().next_page().await;
    assert_eq!(code(refused), (403, "missing_scope".into()));
}

/// SEC-2: a key can do what its scopes say, and nothing once it is revoked.
#[tokio::test]
async fn a_key_is_made_and_revoked() {
    let scene = Scene::set().await;
    let team = scene.team_client();
    let wanted = CreateKey {
        name: "reader".into(),
        scopes: vec![Scope::EventsRead],
        types: Some(Patterns::parse_list("ticket.*").unwrap()),
        expires_at: None,
    };
    let made = team.keys().create(&wanted).await.unwrap();
    assert_eq!(
        (made.seen.scopes.as_slice(), made.seen.types.to_string().as_str()),
        (&[Scope::EventsRead][..], "ticket.*")
    );
    let reader = scene.client(made.key.reveal()).team(scene.team.id);
    assert!(reader.events().list(&EventQuery::default()).next_page().await.unwrap().is_some());
    let refused =
        reader.events().publish(&event("ticket.created", &ticket("no")), PublishOptions::default()).await;
    assert_eq!(code(refused), (403, "missing_scope".into()));

    team.keys().revoke(made.seen.id).await.unwrap();
    let refused = reader.events().list(&EventQuery::default()).next_page().await;
    assert_eq!(code(refused), (401, "key_revoked".into()));
    let keys: Vec<_> = team.keys().list().rows().try_collect().await.unwrap();
    let revoked = keys.iter().find(|key| key.id == made.seen.id).unwrap();
    assert!(revoked.revoked_at.is_some() && revoked.last_used_at.is_some());
}

/// T1, T9: an event is the same bytes in the answer, alone, in a list, on the stream and at a webhook's door.
#[tokio::test]
async fn an_event_is_the_same_bytes_everywhere() {
    let scene = Scene::set().await;
    let team = scene.team_client();
    let receiver = Receiver::ok().await;
    let wanted = CreateWebhook::new(receiver.url("/"), Patterns::all());
    let webhook = team.webhooks().create(&wanted).await.unwrap();
    let data = r#"{"id":"550e8400-e29b-41d4-a716-446655440000","title":"\u00e9 \u2028","status":"new","priority":"high","2":1.0,"1":1e21}"#;
    let data = RawValue::from_string(data.to_owned()).unwrap();
    let publish = Publish { event_type: "ticket.created".parse().unwrap(), data, webhooks: None };
    let published = team.events().publish(&publish, PublishOptions::default()).await.unwrap();
    let bytes = published.envelope.as_str();
    assert!(bytes.ends_with("\"data\":{\"1\":1e+21,\"2\":1,\"id\":\"550e8400-e29b-41d4-a716-446655440000\",\"title\":\"é \u{2028}\",\"status\":\"new\",\"priority\":\"high\"}}"), "{bytes}");

    let id = published.envelope.fields().unwrap().id;
    assert_eq!(team.events().get(id).await.unwrap().as_str(), bytes);
    let list = team.events().list(&EventQuery::default()).next_page().await.unwrap().unwrap();
    assert_eq!(list.data.iter().map(|envelope| envelope.as_str()).collect::<Vec<_>>(), [bytes]);
    let options = RealtimeOptions { after: Some(Cursor::Oldest), ..RealtimeOptions::default() };
    let streamed = Reader::open(team.realtime(options)).await.until_events(1).await;
    assert_eq!(streamed, [(published.position, bytes.to_owned())]);
    let received = receiver.until_received(1).await;
    assert_eq!(received[0].body, bytes);
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    verify_body(&secret, &received[0].body, Some(received[0].header("x-cstar-signature"))).unwrap();
}

/// LOG-2: a batch stands at consecutive positions, in its order, or not at all.
#[tokio::test]
async fn a_batch_stands_in_its_order() {
    let scene = Scene::set().await;
    let team = scene.team_client();
    let batch = |titles: &[&str]| PublishBatch {
        events: titles
            .iter()
            .map(|title| BatchEvent {
                event_type: "ticket.created".parse().unwrap(),
                data: to_raw_value(&ticket(title)).unwrap(),
                idempotency_key: None,
            })
            .collect(),
        webhooks: None,
    };
    let published =
        team.events().publish_batch(batch(&["a", "b", "c"]), BatchOptions { test: true }).await.unwrap();
    let seqs: Vec<u64> = published.positions.iter().map(|position| position.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    let oldest_first = EventQuery { order: Order::Ascending, ..EventQuery::default() };
    let listed: Vec<_> = team.events().list(&oldest_first).limit(2).rows().try_collect().await.unwrap();
    let bytes = |envelopes: &[cstar_wire::Envelope]| {
        envelopes.iter().map(|envelope| envelope.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(&listed), bytes(&published.data));
    assert!(listed.iter().all(|envelope| envelope.fields().unwrap().id.is_test()));

    let mut bad = batch(&["d", "e"]);
    bad.events[1].data = RawValue::from_string("{}".into()).unwrap();
    assert_eq!(
        code(team.events().publish_batch(bad, BatchOptions::default()).await),
        (422, "schema_violation".into())
    );
    assert_eq!(scene.team.head().await, 3);
}

/// A repeat under the same idempotency key finds the first event; another event under it is refused.
#[tokio::test]
async fn a_repeat_finds_the_first_event() {
    let scene = Scene::set().await;
    let team = scene.team_client();
    let options = || PublishOptions { idempotency_key: Some("order-7".into()), test: false };
    let publish =
        async |title| team.events().publish(&event("ticket.created", &ticket(title)), options()).await;
    let first = publish("once").await.unwrap();
    let again = publish("once").await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!((first.position, first.envelope.as_str()), (again.position, again.envelope.as_str()));
    assert_eq!(code(publish("other").await), (422, "idempotency_key_reused".into()));
    assert_eq!(scene.team.head().await, 1);
}

/// W2, W4, SEC-3: a webhook from its making to its end; its secret and the values of its headers are never read back.
#[tokio::test]
async fn a_webhook_is_made_changed_and_deleted() {
    let scene = Scene::set().await;
    let team = scene.team_client();
    let wanted = CreateWebhook {
        description: Some("ours".into()),
        filter: Some(r#"{"pointer":"/priority","equals":"high"}"#.parse().unwrap()),
        headers: Some([("x-token".to_owned(), "hunter2".to_owned())].into()),
        ..CreateWebhook::new("http://127.0.0.1:9999/a", Patterns::parse_list("ticket.*").unwrap())
    };
    let made = team.webhooks().create(&wanted).await.unwrap();
    let id = made.seen.id;
    assert_eq!(
        (&made.seen.filter, made.seen.header_names.as_slice()),
        (&wanted.filter, &["x-token".to_owned()][..])
    );
    assert_eq!(team.webhooks().get(id).await.unwrap(), made.seen);
    let change = UpdateWebhook {
        events: Some(Patterns::all()),
        enabled: Some(false),
        retry_schedule: Some(Some("5s".parse().unwrap())),
        ..UpdateWebhook::default()
    };
    let changed = team.webhooks().update(id, &change).await.unwrap();
    assert_eq!((changed.events.to_string().as_str(), changed.status), ("*", WebhookStatus::Disabled));
    assert_eq!((changed.description.as_str(), changed.url.as_str()), ("ours", "http://127.0.0.1:9999/a"));
    assert_eq!(changed.filter, wanted.filter);
    let back = UpdateWebhook { retry_schedule: Some(None), filter: Some(None), ..UpdateWebhook::default() };
    let back = team.webhooks().update(id, &back).await.unwrap();
    assert_eq!((back.retry_schedule, back.filter), (None, None));
    let all: Vec<_> = team.webhooks().list().rows().try_collect().await.unwrap();
    assert_eq!(all.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), [id]);
    team.webhooks().delete(id).await.unwrap();
    assert_eq!(code(team.webhooks().get(id).await), (404, "not_found".into()));

    let inner = CreateWebhook::new("http://10.0.0.1/", Patterns::all());
    assert_eq!(code(team.webhooks().create(&inner).await), (422, "blocked_target".into()));
}

/// T8, W54: a delivery that failed stands in the logs, and is sent again under its own name.
#[tokio::test]
async fn a_delivery_is_found_and_resent() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "")).await;
    let team = scene.team_client();
    let receiver = Receiver::new(|request| {
        Reply::status(if request.header("x-cstar-attempt") == "1" { 503 } else { 200 })
    })
    .await;
    let webhook =
        team.webhooks().create(&CreateWebhook::new(receiver.url("/"), Patterns::all())).await.unwrap();
    let wanted = event("ticket.created", &ticket("resent"));
    let published = team.events().publish(&wanted, PublishOptions::default()).await.unwrap();
    let query = DeliveryQuery {
        webhook: Some(webhook.seen.id),
        event: Some(published.envelope.fields().unwrap().id),
        ..DeliveryQuery::default()
    };
    let ended = async |status: DeliveryStatus| {
        until(&format!("a {status} delivery"), async || {
            let query = DeliveryQuery { status: Some(status), ..query.clone() };
            let page = team.deliveries().list(&query).next_page().await.unwrap().unwrap();
            page.data.into_iter().next()
        })
        .await
    };
    let failed = ended(DeliveryStatus::Failed).await;
    let detail = team.deliveries().get(failed.id).await.unwrap();
    assert_eq!(detail.attempts.iter().map(|attempt| attempt.status_code).collect::<Vec<_>>(), [Some(503)]);
    assert_eq!(team.deliveries().resend(failed.id).await.unwrap().id, failed.id);
    assert_eq!(ended(DeliveryStatus::Delivered).await.attempts, 2);
    let received = receiver.received();
    let names =
        received.iter().map(|request| request.header("x-cstar-delivery").parse::<DeliveryId>().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), [failed.id, failed.id]);
    assert_eq!(code(team.deliveries().get(DeliveryId::from_bits(1)).await), (404, "not_found".into()));
}

/// T24: an id of another team under one's own path is as unknown as any.
#[tokio::test]
async fn another_teams_event_is_not_there() {
    let scene = Scene::set().await;
    let other = cstar_testkit::Team::create(&scene.cstar.http()).await;
    let theirs = other.publish("ticket.created", &ticket("theirs")).await;
    assert_eq!(code(scene.team_client().events().get(theirs.id).await), (404, "not_found".into()));
    let foreign = scene.client(scene.key.key.reveal()).team(other.id);
    assert_eq!(code(foreign.events().get(theirs.id).await), (403, "wrong_team".into()));
}

/// A server that is not there is told apart from one that refuses, soon enough for a person who waits.
#[tokio::test]
async fn a_server_that_is_away_is_told_as_such() {
    let mut scene = Scene::set().await;
    scene.cstar.kill_9();
    let (team, event) = (scene.team_client(), event("ticket.created", &ticket("no")));
    let publish = async { team.events().publish(&event, PublishOptions::default()).await };
    let gave_up = tokio::time::timeout(Duration::from_secs(20), publish).await.expect("it gives up");
    let error = gave_up.unwrap_err();
    assert!(
        matches!(&error, cstar_client::Error::Network(network) if !network.may_have_reached()),
        "{error}"
    );
}
