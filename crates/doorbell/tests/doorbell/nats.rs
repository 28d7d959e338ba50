//! Over a real NATS server.

use std::time::Duration;

use async_nats::RequestErrorKind;
use cstar_doorbell::{LineError, Lines as _, Nats, News};
use cstar_testkit::{NatsServer, until};
use cstar_types::TeamId;

use crate::support::{Node, reached, team};

fn lines(server: &NatsServer) -> Nats {
    Nats::new(&format!("nats://{}", server.address()), None).unwrap()
}

#[tokio::test]
async fn news_are_heard_by_whoever_attends_the_team() {
    let Some(server) = NatsServer::start().await else { return };
    let [ringer, one, two] = [0; 3].map(|_| Node::start(lines(&server)));
    one.doorbell.attend(team(1), true);
    two.doorbell.attend(team(2), true);
    ringer.is_heard_by(&one, reached(1, 7)).await;
    ringer.is_heard_by(&two, reached(2, 8)).await;
    ringer.is_heard_by(&one, News::Changed).await;
    ringer.is_heard_by(&two, News::Changed).await;
}

/// What a request to a team's subject is answered with: NATS itself says when nobody is subscribed.
async fn is_subscribed(client: &async_nats::Client, team: TeamId) -> bool {
    let request = async_nats::Request::new().timeout(Some(Duration::from_millis(100)));
    let refused = client.send_request(format!("cstar.team.{team}"), request).await.unwrap_err();
    refused.kind() != RequestErrorKind::NoResponders
}

#[tokio::test]
async fn a_subject_is_subscribed_to_while_somebody_cares() {
    let Some(server) = NatsServer::start().await else { return };
    let client = async_nats::connect(server.address().to_string()).await.unwrap();
    let node = Node::start(lines(&server));
    assert!(!is_subscribed(&client, team(1)).await);
    node.doorbell.attend(team(1), true);
    until("a subscription", async || is_subscribed(&client, team(1)).await.then_some(())).await;
    assert!(!is_subscribed(&client, team(2)).await);
    node.doorbell.attend(team(1), false);
    until("its end", async || (!is_subscribed(&client, team(1)).await).then_some(())).await;
}

/// What is no news is passed over, and a server that was killed and comes back is told again what is wanted.
#[tokio::test]
async fn noise_and_a_server_that_was_away_cost_nothing() {
    let Some(mut server) = NatsServer::start().await else { return };
    let client = async_nats::connect(server.address().to_string()).await.unwrap();
    let [ringer, hearer] = [0; 2].map(|_| Node::start(lines(&server)));
    hearer.doorbell.attend(team(1), true);
    ringer.is_heard_by(&hearer, reached(1, 1)).await;
    for noise in ["", "{}", "\u{0}", r#"{"reached":1}"#] {
        client.publish(format!("cstar.team.{}", team(1)), noise.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    ringer.is_heard_by(&hearer, reached(1, 2)).await;
    server.kill();
    server.start_again().await;
    ringer.is_heard_by(&hearer, reached(1, 3)).await;
}

/// SEC-3
#[tokio::test]
async fn a_user_is_let_in_by_the_password() {
    let Some(server) = NatsServer::start_with(&["--user", "cstar", "--pass", "hunter/2"]).await else {
        return;
    };
    let nats =
        |password: &str| Nats::new(&format!("nats://cstar:{password}@{}", server.address()), None).unwrap();
    let refused = nats("hunter3").connect().await.err().unwrap();
    assert!(matches!(refused, LineError::Unreachable { .. }) && !refused.to_string().contains("hunter"));
    assert!(nats("hunter%2F2").connect().await.is_ok());
}
