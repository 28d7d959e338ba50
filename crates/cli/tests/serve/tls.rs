//! The API over TLS.

use cstar_testkit::{Authority, Ended, PLATFORM_KEY, Published, SERVER_NAME, Stream, Validity};
use hyper::Version;
use serde_json::json;

use crate::{cstar, ticket, with_team};

/// HTTP/2 and HTTP/1.1 are served over TLS, whichever the client prefers of what it offers; a stream, too.
#[tokio::test]
async fn both_protocols_are_served_over_tls() {
    let authority = Authority::new();
    let (_cstar, team) = with_team(cstar().over_tls(&authority)).await;
    let body = json!({"type": "ticket.created", "data": ticket("over TLS")}).to_string();
    let mut published = Vec::new();
    for (offered, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let http = team.http.clone().over_tls(&authority, offered);
        let answer = http.post(&team.path("events"), body.clone()).await.expect(201);
        assert_eq!(answer.version, version, "{offered:?}");
        published.push(Published::read(&answer));
        let stream =
            Stream::open(&http, &team.path("realtime?until=head"), Some("0")).await.unwrap().unwrap();
        let frames = stream.rest().await;
        let told = frames.iter().filter(|frame| frame.name.is_none()).map(|frame| &frame.data);
        assert!(told.eq(published.iter().map(|event| &event.envelope)), "{offered:?}: {frames:?}");
    }
}

/// A client that trusts another authority refuses the server; one that speaks no TLS, or no protocol of ours, is refused by
/// it. Nothing is published.
#[tokio::test]
async fn strangers_do_not_get_through() {
    let (cstar, team) = with_team(cstar().over_tls(&Authority::new())).await;
    let body = json!({"type": "ticket.created", "data": ticket("to nobody")}).to_string();
    let plain = cstar_testkit::Http::new(cstar.address(), PLATFORM_KEY);
    for (http, cause) in [
        (plain.clone().over_tls(&Authority::new(), &["h2"]), "invalid peer certificate"),
        (plain.clone(), ""),
    ] {
        let path = team.path("events");
        let headers = [("content-type", "application/json")];
        let refused = http.send(hyper::Method::POST, &path, &headers, body.clone()).await.unwrap_err();
        assert!(refused.to_string().contains(cause), "{refused}");
    }
    assert_eq!(team.head().await, 0);
    assert_eq!(cstar.http().get("/healthz").await.status, 200, "others are served");
}

/// A key that is another certificate's is refused at the start, and what cannot be read is named.
#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let authority = Authority::new();
    for name in ["one", "other"] {
        let identity = authority.issue(SERVER_NAME, Validity::Now);
        identity.write(&path(&format!("{name}.pem")), &path(&format!("{name}.key"))).unwrap();
    }
    for (certificate, key, said) in [
        ("one.pem", "other.key", "--tls-cert and --tls-key cannot be used together"),
        ("missing.pem", "one.key", "missing.pem"),
        ("one.pem", "one.pem", "one.pem: no PEM private key"),
    ] {
        let mut cstar = cstar().flag("--tls-cert", path(certificate)).flag("--tls-key", path(key));
        let Err(Ended(status)) = cstar.try_start().await else {
            panic!("it started with {certificate}, {key}")
        };
        assert_eq!(status.code(), Some(2));
        assert!(cstar.log().contains(said), "{}", cstar.log());
    }
}
