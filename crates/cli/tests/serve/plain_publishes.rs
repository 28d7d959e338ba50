//! Publishes that the server reads and answers without hyper: a client cannot tell.

use cstar_testkit::{CstarProcess, PLATFORM_KEY, Team};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{cstar, with_team};

const BODY: &str = r#"{"type":"customer.created","data":{"id":"1","name":"a","email":"a@example.com"}}"#;

/// A publish with these lines among its headers, each with its end.
fn publish(team: &Team, key: &str, lines: &str, body: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n{lines}content-length: {}\r\n\r\n{body}",
        team.path("events"),
        body.len()
    )
}

const JSON: &str = "content-type: application/json\r\n";

/// A connection that stays open.
struct Connection {
    stream: TcpStream,
    read: String,
}

impl Connection {
    async fn open(cstar: &CstarProcess) -> Self {
        Self { stream: TcpStream::connect(cstar.address()).await.unwrap(), read: String::new() }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next answer: its head and its body.
    async fn answer(&mut self) -> (String, String) {
        loop {
            if let Some((head, rest)) = self.read.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.expect("a length").parse().unwrap();
                if let Some(body) = rest.get(..length) {
                    let answer = (head.to_owned(), body.to_owned());
                    self.read = rest[length..].to_owned();
                    return answer;
                }
            }
            let mut some = [0; 4096];
            let len = self.stream.read(&mut some).await.unwrap();
            assert!(len > 0, "the connection ended behind {:?}", self.read);
            self.read.push_str(std::str::from_utf8(&some[..len]).unwrap());
        }
    }

    async fn status(&mut self) -> u16 {
        let (head, _) = self.answer().await;
        head["HTTP/1.1 ".len()..][..3].parse().unwrap()
    }
}

/// An answer, without what each answer has for itself.
fn told((head, body): &(String, String)) -> (Vec<String>, String) {
    let line = |line: &str| match line.split_once(": ") {
        Some((name @ ("date" | "x-cstar-position" | "content-length"), _)) => name.to_owned(),
        _ => line.to_owned(),
    };
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    for own in ["id", "created_at"] {
        body.as_object_mut().unwrap().remove(own);
    }
    (head.lines().map(line).collect(), body.to_string())
}

/// Line for line, whether hyper has read the request or not.
#[tokio::test]
async fn they_are_answered_as_hyper_answers() {
    let (cstar, team) = with_team(cstar()).await;
    let (mut plain, mut hyper) = (Connection::open(&cstar).await, Connection::open(&cstar).await);
    let with = |lines: &str| publish(&team, PLATFORM_KEY, &format!("{JSON}{lines}"), BODY);
    plain.send(&with("idempotency-key: k\r\n")).await;
    assert_eq!(plain.status().await, 201);
    let requests = [
        (201, with("")),
        (201, with("X-Cstar-Test: true\r\nuser-agent: test\r\naccept: */*\r\n")),
        (200, with("idempotency-key: k\r\n")),
        (406, with("accept: text/html\r\n")),
        (415, with("content-encoding: gzip\r\n")),
        (415, publish(&team, PLATFORM_KEY, "", BODY)),
        (401, publish(&team, "another", JSON, BODY)),
        (400, publish(&team, PLATFORM_KEY, JSON, "{")),
        (400, publish(&team, PLATFORM_KEY, JSON, "")),
        (422, publish(&team, PLATFORM_KEY, JSON, r#"{"type":"none","data":{}}"#)),
        (400, with("").replacen("/events", "/events?limit=1", 1)),
        (404, with("").replacen("/events", "x/events", 1)),
    ];
    for (status, request) in requests {
        let request = request.replacen("\r\n", "\r\nx-request-id: one\r\n", 1);
        plain.send(&request).await;
        // It goes on all the same, but in other words.
        hyper.send(&request.replacen("\r\n", "\r\nconnection: keep-alive, te\r\n", 1)).await;
        let (plain, hyper) = (plain.answer().await, hyper.answer().await);
        assert!(plain.0.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {plain:?}");
        assert_eq!(told(&plain), told(&hyper), "{request}");
    }
}

/// However requests come, each is answered once and in its turn, and whatever else comes on the same connection is answered too.
#[tokio::test]
async fn they_are_answered_in_turn_however_they_come() {
    let (cstar, team) = with_team(cstar()).await;
    let one = publish(&team, PLATFORM_KEY, JSON, BODY);
    let mut connection = Connection::open(&cstar).await;
    connection.send(&one.repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(connection.status().await, 201);
    }
    for cut in [1, 4, one.len() - BODY.len() - 1, one.len() - BODY.len(), one.len() - 1] {
        let (first, rest) = one.split_at(cut);
        for connection in [&mut connection, &mut Connection::open(&cstar).await] {
            connection.send(first).await;
            tokio::task::yield_now().await;
            connection.send(rest).await;
            assert_eq!(connection.status().await, 201, "cut at {cut}");
        }
    }
    let length = format!("content-length: {}\r\n", BODY.len());
    let list = one.replacen("POST", "GET", 1).replace(BODY, "").replace(&length, "");
    connection.send(&format!("{one}{list}{one}")).await;
    for expected in [201, 200, 201] {
        assert_eq!(connection.status().await, expected);
    }
    assert_eq!(team.head().await, 3 + 5 * 2 + 2);
}

/// Between two requests a connection is closed at once when the server stops, and holds up nothing.
#[tokio::test]
async fn they_do_not_hold_up_a_stop() {
    let (mut cstar, team) = with_team(cstar()).await;
    let mut connection = Connection::open(&cstar).await;
    connection.send(&publish(&team, PLATFORM_KEY, JSON, BODY)).await;
    assert_eq!(connection.status().await, 201);
    cstar.terminate();
    assert_eq!(connection.stream.read(&mut [0; 64]).await.unwrap(), 0, "closed, and not reset");
    drop(connection);
    assert_eq!(cstar.ended().await.code(), Some(0), "{}", cstar.log());
}
