//! Requests that are wrong as HTTP already.

use cstar_testkit::{PLATFORM_KEY, Team, exchange};

use super::state;
use crate::{cstar, ticket, with_team};

const BODY: &str = r#"{"type":"customer.created","data":{"id":"1"}}"#;

/// The head of a publish, without what says how long its body is.
fn head(team: &Team) -> String {
    format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {PLATFORM_KEY}\r\ncontent-type: application/json\r\n",
        team.path("events")
    )
}

/// A request that lies about its length, never ends, or smuggles another one in, is refused and changes nothing; the
/// server goes on.
#[tokio::test]
async fn requests_that_are_no_http_are_refused() {
    let (cstar, team) = with_team(cstar()).await;
    team.publish("ticket.created", &ticket("before")).await;
    let before = state(&team).await;
    let head = head(&team);
    let endless_chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let cases: Vec<(&str, String, &str, (u16, &str))> = vec![
        (
            "a length that is too short",
            format!("{head}content-length: 10\r\n\r\n{BODY}"),
            "",
            (400, "malformed_json"),
        ),
        ("a length that is none", format!("{head}content-length: ten\r\n\r\n{BODY}"), "", (400, "")),
        ("a negative length", format!("{head}content-length: -1\r\n\r\n{BODY}"), "", (400, "")),
        (
            "two lengths",
            format!("{head}content-length: 5\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len()),
            "",
            (400, ""),
        ),
        (
            "a length beyond all bounds",
            format!("{head}content-length: 99999999999\r\n\r\n{BODY}"),
            "",
            (413, "too_large"),
        ),
        ("a body that never ends", chunked.clone(), &endless_chunk, (413, "too_large")),
        ("a chunk that is none", format!("{chunked}zz\r\n{BODY}\r\n0\r\n\r\n"), "", (400, "malformed_json")),
        (
            "a header with a bare line feed inside",
            format!("{head}x-bad: a\nb c\r\ncontent-length: 2\r\n\r\n{{}}"),
            "",
            (400, ""),
        ),
        (
            "a header with a carriage return inside",
            format!("{head}x-bad: a\rb\r\ncontent-length: 2\r\n\r\n{{}}"),
            "",
            (400, ""),
        ),
        ("a header with a NUL", format!("{head}x-bad: a\0b\r\ncontent-length: 2\r\n\r\n{{}}"), "", (400, "")),
        ("a header without a name", format!("{head}: value\r\ncontent-length: 2\r\n\r\n{{}}"), "", (400, "")),
        ("a header of a megabyte", format!("{head}x-long: {}\r\n\r\n", "x".repeat(1 << 20)), "", (431, "")),
        ("a thousand headers", format!("{head}{}\r\n", "x-many: 1\r\n".repeat(1000)), "", (431, "")),
        ("no HTTP at all", "what is this\r\n\r\n".to_owned(), "", (400, "")),
    ];
    for (name, bytes, more, wanted) in cases {
        let answer = exchange(cstar.address(), bytes.as_bytes(), more.as_bytes()).await;
        let got = (answer.status.unwrap_or_default(), answer.code());
        assert_eq!(got, (wanted.0, wanted.1.to_owned()), "{name}: {answer:?}");
        assert_eq!(state(&team).await, before, "{name}");
    }
    team.publish("ticket.created", &ticket("after")).await;
}

/// A length that promises more than comes, on a connection that stays open, is given up by the server and is no publish. It
/// takes the 30 s that a slow client has.
#[tokio::test]
async fn a_length_that_is_too_long_is_given_up() {
    let (cstar, team) = with_team(cstar()).await;
    let promised = BODY.len() + 1;
    let request = format!("{}content-length: {promised}\r\n\r\n{BODY}", head(&team));
    let answer = exchange(cstar.address(), request.as_bytes(), b"").await;
    assert_eq!((answer.status, answer.code().as_str()), (Some(400), "malformed_json"), "{answer:?}");
    assert_eq!(team.head().await, 0);
}

/// A body that breaks off is no publish.
#[tokio::test]
async fn a_body_that_breaks_off_is_no_publish() {
    use tokio::io::AsyncWriteExt;

    let (cstar, team) = with_team(cstar()).await;
    let request = format!("{}content-length: {}\r\n\r\n{BODY}", head(&team), BODY.len());
    for cut in [1, 10, BODY.len() - 1] {
        let mut stream = tokio::net::TcpStream::connect(cstar.address()).await.unwrap();
        stream.write_all(&request.as_bytes()[..request.len() - cut]).await.unwrap();
        drop(stream);
    }
    let whole =
        exchange(cstar.address(), request.replace("host:", "connection: close\r\nhost:").as_bytes(), b"")
            .await;
    assert_eq!(whole.status, Some(201), "{whole:?}");
    assert_eq!(team.head().await, 1, "only the whole one");
}
