//! From one process with a directory to nodes that share a database: `cstar move`.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cstar_signature::{Secret, verify_body};
use cstar_testkit::{CstarProcess, PostgresServer, Receiver, Reply, StreamReader, Team, until};

use crate::{cstar, ticket, with_team};

const MASTER_KEY: &str = "3f1c5be50a5d17aa7f1f7e2a6e1f0c4ad9a6a6a1c8b9e0d7f6e5d4c3b2a19080";

fn process() -> CstarProcess {
    cstar()
        .variable("CSTAR_MASTER_KEY", MASTER_KEY)
        .flag("--retry-schedule", "1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s")
}

fn moved(from: &CstarProcess, to: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cstar"));
    command.args(["move".as_ref(), "--json".as_ref(), "--data".as_ref(), from.data().as_os_str()]);
    command.env("CSTAR_MASTER_KEY", MASTER_KEY).env("CSTAR_STORE", to).output().unwrap()
}

/// LOG-1, LOG-2, LOG-3, DLV-1, DLV-3, RT-2, SEC-3: after a move a stream goes on behind the position that it had from the directory, what
/// waited is delivered under its id and signed with the same secret, and its earlier attempts are there. No server starts on the
/// directory any more, and none moves it twice.
#[tokio::test]
async fn clients_go_on_where_they_stood() {
    let Some(postgres) = PostgresServer::start().await else { return };
    let store = postgres.url("postgres");
    let is_well = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&is_well);
    let receiver =
        Receiver::new(move |_| Reply::status(if answers.load(Ordering::Relaxed) { 200 } else { 500 })).await;
    let (mut server, team) = with_team(process()).await;
    let webhook = team.webhook(&receiver.url("/webhook"), &["*"]).await;
    let mut published = Vec::new();
    for title in ["first", "second", "third"] {
        published.push(team.publish("ticket.created", &ticket(title)).await);
    }
    let before = team.log().await;
    let first = before[0].0.to_string();
    let reader = StreamReader::open(&server.http(), &team.path("realtime"), Some(&first)).await;
    let seen = reader.until_events(1).await[0].id.clone();
    drop(reader);
    let failed = until("failed attempts", async || {
        let rows = team.deliveries("status=retrying").await;
        (rows.len() == 3).then_some(rows)
    });
    let failed = failed.await;
    server.terminate();
    assert!(server.ended().await.success());

    let told = moved(&server, &store);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["events"], &told["deliveries"]), (&3.into(), &3.into()), "{told}");
    assert!(server.try_start().await.is_err(), "two servers on one past would never find together again");
    let again = moved(&server, &store);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds a store of cstar's already"));

    let mut node = process().variable("CSTAR_STORE", &store);
    node.start().await;
    let team = Team { id: team.id, http: node.http() };
    assert_eq!(team.log().await, before);
    let reader = StreamReader::open(&node.http(), &team.path("realtime"), Some(&seen)).await;
    published.push(team.publish("ticket.created", &ticket("fourth")).await);
    let frames = reader.until_events(2).await;
    for (frame, published) in frames.iter().zip(&published[2..]) {
        assert!(frame.data.contains(&published.id.to_string()), "{frames:?}");
    }
    is_well.store(true, Ordering::Relaxed);
    team.until_ended("status=delivered", 4).await;
    for failed in failed {
        assert!(team.delivery(failed.id).await.attempts.len() >= 2, "its attempts were moved, too");
    }
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    let request = receiver.received().pop().unwrap();
    assert!(verify_body(&secret, &request.body, Some(request.header("x-cstar-signature"))).is_ok());
}
