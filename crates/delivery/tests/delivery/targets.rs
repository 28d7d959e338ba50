//! SEC-1 over the whole way: no request leaves for an address that the rule refuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cstar_delivery::{Options, TargetError};
use cstar_testkit::{Canary, Receiver, Reply};
use cstar_types::{Attempt, DeliveryStatus, Outcome};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::world::{Names, World, options};

/// 127.0.0.1 stands for the public Internet here, and 127.0.0.2 for something inside.
const PUBLIC: &str = "127.0.0.1";
const INNER: &str = "127.0.0.2";

fn only_public(names: &Arc<Names>) -> Options {
    let mut options = options();
    options.target.allowed = vec!["127.0.0.1/32".parse().unwrap()];
    options.resolver = Arc::clone(names) as _;
    options
}

async fn inner_neighbour(of: &Receiver) -> Canary {
    Canary::at(SocketAddr::new(INNER.parse().unwrap(), of.address().port())).await
}

fn outcomes(attempts: &[Attempt]) -> Vec<Outcome> {
    attempts.iter().map(|attempt| attempt.outcome).collect()
}

/// SEC-1, T7: a redirect to an inner address is an answer like any other, and is not followed.
#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let names = Arc::new(Names::default());
    let canary = Canary::new().await;
    let inner = format!("http://{}/", canary.address());
    let receiver = Receiver::new(move |_| Reply::status(302).header("location", &inner)).await;
    let world = World::with(only_public(&names)).await;
    let (delivery, attempts) = world.deliver_to(&receiver.url("/")).await;
    assert_eq!(
        (delivery.status, outcomes(&attempts)),
        (DeliveryStatus::Failed, vec![Outcome::HttpStatus; 4])
    );
    assert_eq!(canary.connections().await, 0);
}

/// SEC-1: a name that answers well at first and then leads inside.
#[tokio::test]
async fn a_name_that_changes_its_mind_leads_nowhere() {
    let names = Arc::new(Names::default());
    names.lead("rebind.example", &[&[PUBLIC], &[INNER]]);
    let receiver = Receiver::new(|_| Reply::status(500)).await;
    let canary = inner_neighbour(&receiver).await;
    let world = World::with(only_public(&names)).await;
    let (_, attempts) = world.deliver_to(&receiver.url_at("rebind.example", "/")).await;
    let blocked = Outcome::BlockedTarget;
    assert_eq!(outcomes(&attempts), [Outcome::HttpStatus, blocked, blocked, blocked]);
    assert_eq!(
        (attempts[1].request.address.as_deref(), attempts[1].request.signature.as_deref()),
        (None, None)
    );
    assert_eq!((receiver.received().len(), canary.connections().await), (1, 0));
}

/// SEC-1: one inner answer among others refuses the name; not even the others are dialled.
#[tokio::test]
async fn mixed_answers_lead_nowhere() {
    for answer in [[PUBLIC, INNER], [INNER, PUBLIC]] {
        let names = Arc::new(Names::default());
        names.lead("mixed.example", &[&answer]);
        let receiver = Receiver::ok().await;
        let canary = inner_neighbour(&receiver).await;
        let world = World::with(only_public(&names)).await;
        let (delivery, attempts) = world.deliver_to(&receiver.url_at("mixed.example", "/")).await;
        assert_eq!(
            (delivery.status, outcomes(&attempts)),
            (DeliveryStatus::Failed, vec![Outcome::BlockedTarget; 4])
        );
        assert_eq!((receiver.connections(), canary.connections().await), (0, 0));
    }
}

/// SEC-1: what was stored under a laxer rule is judged by today's, literals in every spelling.
#[tokio::test]
async fn a_stored_url_is_judged_again() {
    let names = Arc::new(Names::default());
    names.lead("localhost", &[&[INNER]]);
    let receiver = Receiver::ok().await;
    let canary = inner_neighbour(&receiver).await;
    let port = canary.address().port();
    for host in [
        INNER,
        "127.2",
        "2130706434",
        "0x7f000002",
        "0177.0.0.2",
        "[::ffff:127.0.0.2]",
        "localhost",
        "１２７.0.0.2",
    ] {
        let world = World::with(only_public(&names)).await;
        let (_, attempts) = world.deliver_to(&format!("http://{host}:{port}/")).await;
        assert_eq!(outcomes(&attempts), vec![Outcome::BlockedTarget; 4], "{host}");
        assert_eq!(attempts[0].detail, "the address is not an allowed target");
    }
    assert_eq!(canary.connections().await, 0);
}

/// Of several addresses the first that takes a connection is used.
#[tokio::test]
async fn an_address_that_refuses_is_passed_over() {
    let names = Arc::new(Names::default());
    names.lead("two.example", &[&["127.0.0.3", PUBLIC]]);
    let mut options = only_public(&names);
    options.target.allowed.push("127.0.0.3/32".parse().unwrap());
    let receiver = Receiver::ok().await;
    let world = World::with(options).await;
    let (delivery, attempts) = world.deliver_to(&receiver.url_at("two.example", "/")).await;
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
    assert_eq!(attempts[0].request.address, Some(receiver.address().to_string()));
    assert_eq!(receiver.received()[0].header("host"), format!("two.example:{}", receiver.address().port()));
}

/// An address that swallows what it is sent does not use up the time of one that answers.
#[tokio::test]
async fn an_address_that_swallows_is_passed_over() {
    let names = Arc::new(Names::default());
    names.lead("two.example", &[&["127.0.0.3", PUBLIC]]);
    let mut options = only_public(&names);
    options.target.allowed.push("127.0.0.3/32".parse().unwrap());
    let receiver = Receiver::ok().await;
    let _full = full_at(SocketAddr::new("127.0.0.3".parse().unwrap(), receiver.address().port())).await;
    let world = World::with(options).await;
    let (delivery, attempts) = world.deliver_to(&receiver.url_at("two.example", "/")).await;
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
    assert!((2000..4000).contains(&attempts[0].duration_ms), "{} ms", attempts[0].duration_ms);
}

/// A listener that nobody accepts from and whose queue is full: whoever connects to it hears nothing.
async fn full_at(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    (listener, waiting)
}

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    let names = Arc::new(Names::default());
    let world = World::with(only_public(&names)).await;
    let (_, attempts) = world.deliver_to("http://nowhere.example/").await;
    assert_eq!(
        (attempts[0].outcome, attempts[0].detail.as_str()),
        (Outcome::Dns, "the host name has no address")
    );
}

/// SEC-1: registering a URL asks the same rule, and learns nothing from a refusal.
#[tokio::test]
async fn a_url_is_judged_when_it_is_registered() {
    let names = Arc::new(Names::default());
    names.lead("good.example", &[&[PUBLIC]]);
    names.lead("bad.example", &[&[PUBLIC, INNER]]);
    let world = World::with(only_public(&names)).await;
    let check = async |url| world.handle.check_target(url).await.map(|url| url.to_string());
    assert_eq!(check("http://GOOD.example./a").await, Ok("http://good.example/a".into()));
    let refusals: Vec<TargetError> = [
        check("http://bad.example/").await.unwrap_err(),
        check("http://unknown.example/").await.unwrap_err(),
        check("http://127.0.0.2/").await.unwrap_err(),
    ]
    .into();
    assert!(refusals.iter().all(|refusal| refusal.to_string() == refusals[0].to_string()));
}
