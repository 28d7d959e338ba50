//! What stands on the wire.

use cstar_signature::{Headers, Secret, TOLERANCE_S, verify_body, verify_standard};
use cstar_testkit::Receiver;
use cstar_types::DeliveryStatus;

use super::world::{SECRET, World, system_now};

/// W1, W7, W36–W43, T4, T5: method, path, every header, and the body byte for byte.
#[tokio::test]
async fn a_request_is_the_stored_body_and_its_headers() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url("/hooks/a?b=c")).await;
    let event = world.publish().await;
    let (delivery, attempts) = world.ended(1).await.remove(0);
    assert_eq!(delivery.status, DeliveryStatus::Delivered);

    let received = receiver.received().remove(0);
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/hooks/a?b=c"));
    assert_eq!(received.body, event.body);
    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", "cStar-Webhooks/1"),
        ("x-cstar-event", "ticket.created"),
        ("x-cstar-delivery", &delivery.id.to_string()),
        ("x-cstar-attempt", "1"),
        ("webhook-id", &event.id.to_string()),
        ("webhook-timestamp", &attempts[0].started_at.as_secs().to_string()),
        ("host", &receiver.address().to_string()),
        ("content-length", &event.body.len().to_string()),
    ] {
        assert_eq!(received.header(name), value, "{name}");
    }
    assert_eq!(received.headers.len(), 11, "nothing else is sent: {:?}", received.headers);

    let secret = Secret::parse(SECRET).unwrap();
    let signature = received.header("x-cstar-signature");
    assert!(signature.len() == 64 && signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    verify_body(&secret, &received.body, Some(signature)).unwrap();
    let headers = Headers::from_fn(|name| received.headers.get(name).map(|value| value.as_bytes()));
    let now_s = system_now().as_secs().try_into().unwrap();
    verify_standard(&secret, headers, &received.body, now_s, TOLERANCE_S).unwrap();
    assert_eq!(attempts[0].request.signature.as_deref(), Some(signature));
    assert_eq!(attempts[0].request.address, Some(receiver.address().to_string()));
}

/// T20: test events say so, in their id and in a header; others carry no such header.
#[tokio::test]
async fn test_events_are_marked() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url("/")).await;
    world.publish_as(true).await;
    world.publish_as(false).await;
    let received = receiver.until_received(2).await;
    for request in received {
        let is_test = request.header("webhook-id").starts_with("evt_test_");
        assert_eq!(request.header("x-cstar-test"), if is_test { "true" } else { "" });
    }
}

/// T8: the same delivery on retries and on a resend by hand, while the attempt counts on.
#[tokio::test]
async fn a_delivery_keeps_its_id_over_retries_and_resends() {
    use cstar_store::Deliveries as _;
    let (world, receiver) = (World::new().await, Receiver::new(|_| cstar_testkit::Reply::status(500)).await);
    world.webhook(&receiver.url("/")).await;
    let event = world.publish().await;
    let (delivery, _) = world.ended(1).await.remove(0);
    assert_eq!(delivery.status, DeliveryStatus::Failed);
    world.store.resend(world.team, delivery.id, system_now()).await.unwrap();
    let received = receiver.until_received(8).await;
    world.ended(1).await;
    let attempts: Vec<&str> = received.iter().map(|request| request.header("x-cstar-attempt")).collect();
    assert_eq!(attempts, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    for request in received {
        assert_eq!(request.header("x-cstar-delivery"), delivery.id.to_string());
        assert_eq!(request.header("webhook-id"), event.id.to_string());
        assert_eq!(request.body, event.body);
    }
}

/// A webhook's own headers are sent beside ours.
#[tokio::test]
async fn static_headers_are_sent() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let headers =
        vec![("Authorization".to_owned(), "Bearer a".to_owned()), ("x-tenant".to_owned(), "7".to_owned())];
    world.webhook_with(&receiver.url("/"), |webhook| webhook.headers = headers).await;
    world.publish().await;
    let received = receiver.until_received(1).await.remove(0);
    assert_eq!((received.header("authorization"), received.header("x-tenant")), ("Bearer a", "7"));
    assert_eq!(received.header("x-cstar-event"), "ticket.created");
}
