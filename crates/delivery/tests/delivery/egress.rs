//! Deliveries through the operator's proxy.

use std::sync::Arc;
use std::time::Duration;

use cstar_delivery::Options;
use cstar_testkit::{Authority, Proxy, ProxyReply, Receiver, Reply, Validity, until};
use cstar_types::{Attempt, DeliveryStatus, Outcome, RetrySchedule};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::world::{Names, World, options};

const NAME: &str = "hooks.example.com";

fn through(proxy: &Proxy) -> Options {
    let egress_proxy = Some(format!("http://us%40er:secret@{}", proxy.address()).parse().unwrap());
    let retry_schedule = RetrySchedule::new(Vec::new()).unwrap();
    Options { egress_proxy, retry_schedule, ..options() }
}

/// The one attempt of a delivery through a proxy that does so.
async fn attempt_by(reply: ProxyReply, options: impl FnOnce(Options) -> Options) -> Attempt {
    let (proxy, receiver) = (Proxy::new(reply).await, Receiver::ok().await);
    let world = World::with(options(through(&proxy))).await;
    let (delivery, mut attempts) = world.deliver_to(&receiver.url("/hook")).await;
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Failed, 1));
    assert_eq!(proxy.asked().len(), 1);
    assert!(receiver.received().is_empty(), "nothing comes past the proxy");
    attempts.remove(0)
}

/// Waits until an attempt could not be made.
async fn put_off(world: &World) {
    until("an attempt to be put off", async || (world.handle.counts().put_off > 0).then_some(())).await;
}

/// The proxy is asked for the vetted address, with its credentials; the endpoint gets its usual request, and no word of
/// them. Several requests share a tunnel.
#[tokio::test]
async fn a_delivery_goes_through_the_proxy() {
    let (proxy, receiver) = (Proxy::new(ProxyReply::Tunnel).await, Receiver::ok().await);
    let names = Arc::new(Names::default());
    names.lead(NAME, &[&["127.0.0.1"]]);
    let world = World::with(Options { resolver: names, ..through(&proxy) }).await;
    let url = receiver.url_at(NAME, "/hook");
    let authority = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/hook")).unwrap();
    let address = authority.replace(NAME, "127.0.0.1");
    world.webhook(&url).await;
    for count in 1..=3 {
        world.publish().await;
        world.ended(count).await;
    }
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1, "one tunnel for all: {asked:?}");
    assert!(asked[0].starts_with(&format!("CONNECT {address} HTTP/1.1\r\n")), "{asked:?}");
    let credentials = "proxy-authorization: basic dxnazxi6c2vjcmv0"; // us@er:secret, in lower case
    assert!(asked[0].to_ascii_lowercase().contains(credentials), "{asked:?}");
    assert!(!asked[0].contains("example.com"), "SEC-1: no name for the proxy to resolve: {asked:?}");
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].header("host"), authority);
    assert_eq!(received[0].header("proxy-authorization"), "");
    let (_, attempts) = world.deliveries().await.remove(0);
    assert_eq!(attempts[0].request.address, Some(address));
}

/// TLS is spoken with the endpoint itself: its certificate is checked against its own name.
#[tokio::test]
async fn tls_goes_through_the_tunnel() {
    let authority = Authority::new();
    for (named, outcome) in [(NAME, Outcome::Success), ("other.example.com", Outcome::Tls)] {
        let receiver =
            Receiver::over_tls(&authority.issue(named, Validity::Now), |_| Reply::status(200)).await;
        let (proxy, names) = (Proxy::new(ProxyReply::Tunnel).await, Arc::new(Names::default()));
        names.lead(NAME, &[&["127.0.0.1"]]);
        let extra_authorities_pem = Some(authority.pem().as_bytes().to_vec());
        let options = Options { resolver: names, extra_authorities_pem, ..through(&proxy) };
        let (_, attempts) = World::with(options).await.deliver_to(&receiver.url_at(NAME, "/")).await;
        assert_eq!(attempts[0].outcome, outcome, "{}", attempts[0].detail);
        assert_eq!(proxy.asked().len(), 1);
    }
}

/// SEC-1: what the rule refuses is not asked of the proxy either, whichever name or answer leads there.
#[tokio::test]
async fn the_target_rule_holds_in_front_of_the_proxy() {
    let (proxy, names) = (Proxy::new(ProxyReply::Tunnel).await, Arc::new(Names::default()));
    names.lead("inner.example.com", &[&["10.0.0.1"]]);
    names.lead("mixed.example.com", &[&["127.0.0.1", "169.254.169.254"]]);
    let world = World::with(Options { resolver: names, ..through(&proxy) }).await;
    let urls = ["http://inner.example.com:8080/", "http://mixed.example.com:8080/", "http://10.0.0.1:8080/"];
    for url in urls {
        world.webhook(url).await;
    }
    world.publish().await;
    for (_, attempts) in world.ended(urls.len()).await {
        assert_eq!(attempts[0].outcome, Outcome::BlockedTarget, "{}", attempts[0].detail);
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
}

/// What is said of the endpoint, or may be, is a failure, and the log says that it was on the way through the proxy.
#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_named() {
    for (reply, detail) in [
        (ProxyReply::Refuse(403), "this server's egress proxy refused the connection: it answered 403"),
        (ProxyReply::Refuse(502), "this server's egress proxy refused the connection: it answered 502"),
        (ProxyReply::Refuse(302), "this server's egress proxy refused the connection: it answered 302"),
        (
            ProxyReply::SpeakFirst,
            "something came through this server's egress proxy before anything was asked",
        ),
    ] {
        let attempt = attempt_by(reply, |options| options).await;
        assert_eq!((attempt.outcome, attempt.detail.as_str()), (Outcome::Connect, detail), "{reply:?}");
    }
}

/// A proxy that fails itself is none of the endpoint's doing: nothing counts as an attempt, and it is tried again soon.
#[tokio::test]
async fn a_proxy_that_fails_uses_up_no_delivery() {
    let failing =
        [ProxyReply::Refuse(407), ProxyReply::Close, ProxyReply::Garbage, ProxyReply::LongHead(1 << 20)];
    let worlds = failing.map(async |reply| {
        let (proxy, receiver) = (Proxy::new(reply).await, Receiver::ok().await);
        let world = World::with(through(&proxy)).await;
        world.webhook(&receiver.url("/hook")).await;
        world.publish().await;
        until("it to be tried again", async || (proxy.asked().len() >= 2).then_some(())).await;
        let (delivery, attempts) = world.deliveries().await.remove(0);
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Pending, 0), "{reply:?}");
        assert!(receiver.received().is_empty(), "nothing comes past the proxy");
        let counted = world.handle.counts().attempts;
        assert!(counted.iter().all(|(_, count)| *count == 0), "{counted:?}");
    });
    futures_util::future::join_all(worlds).await;
}

/// T7: the one deadline holds for the proxy, too.
#[tokio::test]
async fn a_proxy_that_hangs_is_cut_off() {
    let short = |options| Options { attempt_timeout: Duration::from_millis(400), ..options };
    let attempt = attempt_by(ProxyReply::Never, short).await;
    let said = "no connection through this server's egress proxy within 400 ms";
    assert_eq!((attempt.outcome, attempt.detail.as_str()), (Outcome::Timeout, said));
}

/// An outage of the proxy costs time, and no attempt: what was due meanwhile arrives when it is back.
#[tokio::test]
async fn what_is_due_outlives_an_outage_of_the_proxy() {
    let (gone, receiver) = (cstar_testkit::free_address(), Receiver::ok().await);
    let options = Options {
        egress_proxy: Some(format!("http://{gone}").parse().unwrap()),
        retry_schedule: RetrySchedule::new(Vec::new()).unwrap(),
        ..options()
    };
    let world = World::with(options).await;
    world.webhook(&receiver.url("/")).await;
    world.publish().await;
    put_off(&world).await;
    let (delivery, attempts) = world.deliveries().await.remove(0);
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Pending, 0));
    let _back = Proxy::at(gone, ProxyReply::Tunnel).await;
    let (delivery, attempts) = world.ended(1).await.remove(0);
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
}

/// A proxy that takes no connection, and does not say so either, is as good as gone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_proxy_that_takes_no_connection_uses_up_no_delivery() {
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let (address, receiver) = (full.local_addr().unwrap(), Receiver::ok().await);
    let mut waiting = Vec::new();
    // Beyond its backlog the system drops who wants to connect.
    while let Ok(taken) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(taken.unwrap());
    }
    let options = Options {
        egress_proxy: Some(format!("http://{address}").parse().unwrap()),
        retry_schedule: RetrySchedule::new(Vec::new()).unwrap(),
        attempt_timeout: Duration::from_millis(300),
        ..options()
    };
    let world = World::with(options).await;
    world.webhook(&receiver.url("/")).await;
    world.publish().await;
    put_off(&world).await;
    let (delivery, attempts) = world.deliveries().await.remove(0);
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Pending, 0), "{attempts:?}");
}
