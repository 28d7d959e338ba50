//! Over a real PostgreSQL server.

use std::collections::BTreeSet;
use std::sync::Arc;

use cstar_doorbell::{LineError, Lines as _, News, Postgres};
use cstar_testkit::{PostgresServer, until};

use crate::support::{Node, reached};

/// Loopback is not asked over TLS.
fn lines(url: &str) -> Postgres {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.unwrap().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    Postgres::new(url.parse().unwrap(), tls)
}

/// One server for all of it: to start one takes longer.
#[tokio::test]
async fn nodes_ring_over_a_database() {
    let Some(server) = PostgresServer::start().await else { return };
    let url = server.url("postgres");
    let [one, two] = [0; 2].map(|_| Node::start(lines(&url)));
    one.is_heard_by(&two, reached(1, 7)).await;
    two.is_heard_by(&one, News::Changed).await;
    all_of_many_are_heard([&one, &two]).await;
    a_connection_that_broke_is_made_anew(&url, &one, &two).await;
    // SEC-3
    let refused = lines(&url.replace("cstar:", "cstar:hunter2")).connect().await.err().unwrap();
    assert!(matches!(refused, LineError::Unreachable { .. }) && !refused.to_string().contains("hunter2"));
}

/// More than goes in one go, rung at once by both sides: neither waits for the other to read.
async fn all_of_many_are_heard(nodes: [&Node; 2]) {
    let all: BTreeSet<u128> = (1..1_500).collect();
    let mut heard = [all.clone(), all.clone()];
    for node in nodes {
        all.iter().for_each(|team| node.doorbell.ring(reached(*team, 1)));
    }
    until("every team's news at both", async || {
        for (node, missing) in nodes.iter().zip(&mut heard) {
            let heard = node.heard();
            missing.retain(|team| !heard.contains(&reached(*team, 1)));
        }
        heard.iter().all(BTreeSet::is_empty).then_some(())
    })
    .await;
}

async fn a_connection_that_broke_is_made_anew(url: &str, one: &Node, two: &Node) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let ending = tokio::spawn(connection);
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cstar doorbell'";
    assert_eq!(client.execute(end, &[]).await.unwrap(), 2);
    ending.abort();
    until("a bell over a new connection", async || {
        one.doorbell.ring(reached(1, 9));
        two.heard().contains(&reached(1, 9)).then_some(())
    })
    .await;
}
