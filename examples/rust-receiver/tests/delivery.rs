//! The receiver, and a server that delivers to it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use cstar_client::{Client, Config, DeliveryQuery, KeySource, PublishOptions, TeamClient};
use cstar_server::{Options, Server, Settings};
use cstar_signature::{Secret, Signer};
use cstar_wire::{CreateTeam, CreateWebhook, Publish};
use http_body_util::BodyExt as _;
use rust_receiver::{Event, router};
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::ServiceExt as _;

const PLATFORM_KEY: &str = "csp_the-platform-key-of-an-examples-test";
const DEADLINE: Duration = Duration::from_secs(30);
const BODY: &str =
    r#"{"id":"evt_1","type":"ticket.closed","team_id":"t","created_at":"2025-12-10T14:30:00Z","data":{}}"#;

/// A server on loopback that delivers to loopback, and a team on it.
async fn team(data: &std::path::Path) -> TeamClient {
    let flags = [
        ("listen", "127.0.0.1:0"),
        ("data", data.to_str().unwrap()),
        ("allow-http", "true"),
        ("allow-targets", "127.0.0.0/8"),
    ];
    let flags: BTreeMap<_, _> = flags.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let environment = |name: &str| (name == "CSTAR_PLATFORM_KEY").then(|| PLATFORM_KEY.to_owned());
    let settings = Settings::resolve(&flags, environment, None, &[]).unwrap();
    let server = Server::start(Options::from_settings(&settings).unwrap()).await.unwrap();
    let url = format!("http://{}", server.address()).parse().unwrap();
    tokio::spawn(server.run(std::future::pending()));
    let client = Client::new(Config::new(url, KeySource::fixed(PLATFORM_KEY))).unwrap();
    let team = CreateTeam { id: None, name: "An example".into() };
    client.team(client.teams().create(&team).await.unwrap().id)
}

/// W1, W7, W46, T4: what is published arrives, is found genuine, and counts as delivered.
#[tokio::test]
async fn a_delivery_is_received() {
    let data = tempfile::tempdir().unwrap();
    let team = team(data.path()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = serde_json::json!({
        "url": format!("http://{}/webhook", listener.local_addr().unwrap()), "events": ["ticket.*"],
    });
    let webhook: CreateWebhook = serde_json::from_value(webhook).unwrap();
    let created = team.webhooks().create(&webhook).await.unwrap();
    let (events, mut received) = mpsc::channel(10);
    let receiver = router(Secret::parse(created.secret.reveal()).unwrap(), events);
    tokio::spawn(async move { axum::serve(listener, receiver).await });

    let ticket = r#"{"id":"00000000-0000-4000-8000-000000000000","title":"It works","status":"open","priority":"high"}"#;
    let event = Publish {
        event_type: "ticket.created".parse().unwrap(),
        data: RawValue::from_string(ticket.to_owned()).unwrap(),
        webhooks: None,
    };
    let published = team.events().publish(&event, PublishOptions::default()).await.unwrap();
    let event = timeout(DEADLINE, received.recv()).await.unwrap().unwrap();
    assert_eq!(event, serde_json::from_str::<Event>(published.envelope.as_str()).unwrap());
    assert_eq!((event.event_type.as_str(), &event.data["title"]), ("ticket.created", &"It works".into()));
    let delivered = async {
        let delivered =
            DeliveryQuery { status: Some("delivered".parse().unwrap()), ..DeliveryQuery::default() };
        while team.deliveries().list(&delivered).next_page().await.unwrap().unwrap().data.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, delivered).await.unwrap();
}

fn signed(signer: &Signer, signed_at_s: u64) -> Request<Body> {
    Request::post("/webhook")
        .header("webhook-id", "evt_1")
        .header("webhook-timestamp", signed_at_s)
        .header("webhook-signature", signer.standard("evt_1", signed_at_s, BODY.as_bytes()))
        .body(BODY.into())
        .unwrap()
}

async fn answer(receiver: &Router, request: Request<Body>) -> (StatusCode, String) {
    let answer = receiver.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// T2, T4: what is not genuine is refused, and the mistake is named.
#[tokio::test]
async fn what_is_not_genuine_is_refused() {
    let secret = Secret::generate([7; 32]);
    let (signer, other) = (Signer::new(&secret, None), Signer::new(&Secret::generate([8; 32]), None));
    let (events, mut received) = mpsc::channel(10);
    let receiver = router(secret, events);
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();

    let mut changed = signed(&signer, now_s);
    *changed.body_mut() = BODY.replace("closed", "opened").into();
    let mut unsigned = signed(&signer, now_s);
    unsigned.headers_mut().remove("webhook-signature");
    let rewritten = BODY.replace(':', ": ");
    let mut parsed = signed(&signer, now_s);
    *parsed.body_mut() = rewritten.into();
    for (request, mistake) in [
        (changed, "no signature matches"),
        (unsigned, "no `webhook-signature` header"),
        (parsed, "raw"),
        (signed(&signer, now_s - 3600), "longer than is tolerated"),
        (signed(&other, now_s), "no signature matches"),
    ] {
        let (status, told) = answer(&receiver, request).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(told.contains(mistake), "{told}");
    }
    assert!(received.try_recv().is_err(), "nothing of it was taken for an event");
    let (status, _) = answer(&receiver, signed(&signer, now_s)).await;
    assert_eq!((status, received.try_recv().unwrap().id.as_str()), (StatusCode::OK, "evt_1"));
    drop(received);
    let (status, _) = answer(&receiver, signed(&signer, now_s)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "it comes again");
}
