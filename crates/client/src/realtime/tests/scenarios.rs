//! The scenarios that every language's client plays.

use std::time::Duration;

use super::shown;
use crate::realtime::Realtime;
use crate::testing::{MemoryServer, Pieces, Scenario, Server, Shown, ShownDisconnected, scenarios};
use crate::transport::Transport;
use crate::{Client, Config, RealtimeOptions};

/// Longer than any scenario takes, so that a client that hangs fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// What is expected where each wait is drawn from this end of its range.
fn expected(scenario: &Scenario, end: fn((u64, u64)) -> u64) -> Vec<Shown> {
    let mut expected = scenario.shows.clone();
    for shown in &mut expected {
        if let Shown::Disconnected(ShownDisconnected { wait_ms: Some(wait), .. }) = shown {
            *wait = (end(*wait), end(*wait));
        }
    }
    expected
}

async fn told(mut realtime: Realtime, name: &str) -> Vec<Shown> {
    let all = async {
        let mut all = Vec::new();
        while let Some(told) = realtime.next().await {
            all.push(shown(told));
        }
        all
    };
    tokio::time::timeout(DEADLINE, all).await.unwrap_or_else(|_| panic!("{name}: never ended"))
}

fn in_real_time() -> impl Iterator<Item = Scenario> {
    scenarios().into_iter().filter(|scenario| !scenario.takes_time())
}

async fn over_tcp(scenario: &Scenario, pieces: Pieces) {
    let name = &scenario.name;
    let server = Server::start_in(scenario.answers(), pieces).await;
    let mut transport = Transport::new(Config::new(server.url.clone(), scenario.key())).unwrap();
    transport.random = || 0.0;
    let client = Client::from_transport(transport);
    let team = client.team("550e8400-e29b-41d4-a716-446655440000".parse().unwrap());
    let told = told(team.realtime(scenario.options()), name).await;
    assert_eq!(told, expected(scenario, |(low, _)| low), "{name}");

    let received = server.received();
    assert_eq!(received.len(), scenario.connections.len(), "{name}: every connection was made");
    for (received, connection) in received.iter().zip(&scenario.connections) {
        let (path, _) = received.target.split_once('?').unwrap_or((&received.target, ""));
        assert_eq!(path, "/v1/teams/550e8400-e29b-41d4-a716-446655440000/realtime");
        assert_eq!(received.headers["accept"], "text/event-stream");
        received.check(&connection.asks, name);
    }
}

/// R2, R4, R5, R6, R7, R22, R23, T9, T10, T13, T16
#[tokio::test]
async fn over_tcp_in_whole_pieces() {
    for scenario in in_real_time() {
        over_tcp(&scenario, Pieces::Whole).await;
    }
}

/// R6, T16: at whatever byte the network splits the stream, the same is shown.
#[tokio::test]
async fn over_tcp_byte_by_byte() {
    for scenario in in_real_time() {
        over_tcp(&scenario, Pieces::Bytes).await;
    }
}

/// R5, T13: the upper end of each wait, and that it is waited for.
#[tokio::test(start_paused = true)]
async fn in_memory_with_the_longest_waits() {
    for scenario in scenarios() {
        let name = &scenario.name;
        let options: RealtimeOptions = scenario.options();
        let realtime = Realtime::over(Box::new(MemoryServer::playing(&scenario)), &options, || 1.0);
        let told = tokio::time::timeout(Duration::from_secs(600), told_waiting(realtime)).await;
        let told = told.unwrap_or_else(|_| panic!("{name}: never ended"));
        assert_eq!(told, expected(&scenario, |(_, high)| high), "{name}");
    }
}

/// What is told, each wait being as long as it was said to be.
async fn told_waiting(mut realtime: Realtime) -> Vec<Shown> {
    let mut all = Vec::new();
    let mut said = None;
    while let Some(told) = realtime.next().await {
        let told = shown(told);
        let now = tokio::time::Instant::now();
        if let Some((at, wait)) = said.take() {
            assert!(
                told != Shown::Connecting || now - at == Duration::from_millis(wait),
                "{wait} ms were said"
            );
        }
        if let Shown::Disconnected(ShownDisconnected { wait_ms: Some((wait, _)), .. }) = &told {
            said = Some((now, *wait));
        }
        all.push(told);
    }
    all
}
