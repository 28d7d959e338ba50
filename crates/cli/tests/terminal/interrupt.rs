//! Ctrl-C: once for an orderly end, twice for one at once.

use cstar_testkit::{Gate, Receiver, Reply, Signal, send, until};
use insta::assert_snapshot;

use crate::scene::Scene;
use crate::ticket;

/// An endpoint that answers once the gate is open.
async fn held(gate: &Gate) -> Receiver {
    let gate = gate.clone();
    Receiver::new(move |_| Reply::status(200).behind(&gate)).await
}

/// A listener ends what it has begun; interrupted again, it does not.
#[tokio::test]
async fn a_listener_ends_what_it_has_begun() {
    let scene = Scene::set().await;
    let gate = Gate::closed();
    let receiver = held(&gate).await;
    let listen = format!("listen --forward-to {}", receiver.url("/"));
    let (patient, impatient) = (scene.home.start(&listen), scene.home.start(&listen));
    patient.until_said("Ready").await;
    impatient.until_said("Ready").await;
    scene.team.publish("ticket.created", &ticket("held")).await;
    receiver.until_received(2).await;

    let ended = impatient.interrupted_until_it_ends(&scene.home).await;
    assert_eq!(ended.code, Some(130), "{ended}");
    patient.signal(Signal::INT);
    gate.open();
    let ended = patient.ended(&scene.home).await;
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stdout.contains("<-- 200"), "{ended}");
}

/// A server lets what is in flight end; interrupted again, it does not, and nothing that was acknowledged is lost.
#[tokio::test]
async fn a_server_ends_what_it_has_begun() {
    let mut scene = Scene::set().await;
    let gate = Gate::closed();
    let receiver = held(&gate).await;
    scene.team.webhook(&receiver.url("/"), &["*"]).await;
    let event = scene.team.publish("ticket.created", &ticket("in flight")).await;
    receiver.until_received(1).await;
    send(scene.cstar.pid(), Signal::INT);
    let http = scene.cstar.http();
    until("the server to take nothing new", async || http.try_get("/healthz").await.is_err().then_some(()))
        .await;
    assert!(scene.cstar.runs(), "it waits for the attempt");
    send(scene.cstar.pid(), Signal::INT);
    assert_eq!(scene.cstar.ended().await.code(), Some(130));
    gate.open();
    scene.cstar.start().await;
    let _ = scene.team.event(event.id).await.expect(200);
    scene.team.until_ended("status=delivered", 1).await;
}

/// What has an end of its own is cut short by the first interrupt already, even while it waits for its input, and says so.
#[tokio::test]
async fn a_command_that_waits_for_input_can_be_interrupted() {
    let scene = Scene::set().await;
    let waits = scene.home.cstar("trigger ticket.created --data -").silent_stdin().start();
    waits.until_it_minds_interrupts().await;
    assert_snapshot!(waits.interrupted(&scene.home).await, @r"
    exit 1
    --- stderr
    error: interrupted before it ended
    hint:  what it had already asked the server for may be done
    ");
    assert_eq!(scene.team.head().await, 0);
}
