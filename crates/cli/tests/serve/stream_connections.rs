//! What a stream's connection is on the wire, byte by byte.

use std::time::Duration;

use cstar_testkit::{CstarProcess, Stream, Team, until};
use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{cstar, ticket, with_team};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// A client that writes bytes and reads bytes.
struct Wire {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    async fn open(cstar: &CstarProcess) -> Self {
        let socket = TcpStream::connect(cstar.address()).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, read: Vec::new() }
    }

    async fn send(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until this has come, and takes it and all before it.
    async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.text().find(text) {
                let taken: Vec<u8> = self.read.drain(..at + text.len()).collect();
                return String::from_utf8(taken).unwrap();
            }
            let more = timeout(DEADLINE, self.socket.read_buf(&mut self.read)).await;
            let more = more.unwrap_or_else(|_| panic!("no {text:?} behind {:?}", self.text())).unwrap();
            assert!(more > 0, "no {text:?} before the end, behind {:?}", self.text());
        }
    }

    /// What is left, to the end of the connection.
    async fn rest(mut self) -> String {
        timeout(DEADLINE, self.socket.read_to_end(&mut self.read)).await.expect("it ends").unwrap();
        self.text()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

/// A request for a team's stream; more headers end in `\r\n`.
fn request(team: &Team, head: &str, headers: &str) -> String {
    let (path, key) = (team.path("realtime"), team.http.key());
    let (method, version) = head.split_once(' ').unwrap();
    format!("{method} {path} {version}\r\nhost: x\r\nauthorization: Bearer {key}\r\n{headers}\r\n")
}

/// Has all streams of the team come to their end.
async fn end_streams(team: &Team) {
    for stream in streams(team).await {
        let path = team.path(&format!("realtime/streams/{stream}"));
        let _ = team.http.call(Method::DELETE, &path, "").await.expect(204);
    }
}

async fn streams(team: &Team) -> Vec<String> {
    let streams = team.page::<serde_json::Value>("realtime/streams?limit=200").await.data;
    streams.iter().map(|stream| stream["id"].as_str().unwrap().to_owned()).collect()
}

/// R2: the head says how the answer is framed and that the connection ends with it; each piece is a chunk, the last one is followed by
/// the end that tells a whole answer from one that broke off, and then the connection is closed.
#[tokio::test]
async fn a_stream_is_framed_by_the_book() {
    let (cstar, team) = with_team(cstar()).await;
    let mut wire = Wire::open(&cstar).await;
    wire.send(&request(&team, "GET HTTP/1.1", "")).await;
    let head = wire.until("\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    for header in
        ["transfer-encoding: chunked", "connection: close", "content-type: text/event-stream", "date: "]
    {
        assert!(head.contains(&format!("\r\n{header}")), "{header}: {head}");
    }
    wire.until("cstar.ready").await;
    wire.until("\n\n\r\n").await;
    let event = team.publish("ticket.created", &ticket("framed")).await;
    let frame = format!("id: {}\ndata: {}\n\n", event.position, event.envelope);
    let is_heartbeat = |chunk: &str| chunk.contains("event: cstar.heartbeat\n");
    let mut chunk = wire.until("\n\n\r\n").await;
    while is_heartbeat(&chunk) {
        chunk = wire.until("\n\n\r\n").await;
    }
    assert_eq!(chunk, format!("{:x}\r\n{frame}\r\n", frame.len()));
    end_streams(&team).await;
    let last = chunks(&wire.rest().await).pop().expect("a word before the end");
    assert!(last.contains("event: cstar.reconnect\n"), "{last}");
}

/// What the chunks hold; the last one of all must be empty, and nothing behind it.
fn chunks(text: &str) -> Vec<String> {
    let (mut chunks, mut rest) = (Vec::new(), text);
    loop {
        let (size, behind) = rest.split_once("\r\n").expect("a size");
        let (chunk, behind) = behind.split_at(usize::from_str_radix(size, 16).expect("a size"));
        rest = behind.strip_prefix("\r\n").expect("the end of a chunk");
        if chunk.is_empty() {
            assert_eq!(rest, "", "behind the end");
            return chunks;
        }
        chunks.push(chunk.to_owned());
    }
}

/// However the request comes, and whatever comes before it on the connection, it is answered in its turn.
#[tokio::test]
async fn a_stream_is_asked_for_in_pieces_or_behind_others() {
    let (cstar, team) = with_team(cstar()).await;
    let stream = request(&team, "GET HTTP/1.1", "");
    let mut wire = Wire::open(&cstar).await;
    for piece in stream.as_bytes().chunks(7) {
        wire.socket.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    wire.until("cstar.ready").await;

    let mut wire = Wire::open(&cstar).await;
    let refused = stream.replace("Bearer ", "Bearer x");
    let (other, head) = (stream.replace("/realtime", "/keys"), request(&team, "HEAD HTTP/1.1", ""));
    wire.send(&format!("{refused}{other}{head}{stream}")).await;
    assert!(
        wire.until("\"unauthenticated\"").await.starts_with("HTTP/1.1 401"),
        "a refusal keeps the connection"
    );
    wire.until("HTTP/1.1 200 OK\r\n").await;
    wire.until("HTTP/1.1 200 OK\r\n").await;
    let head = wire.until("\r\n\r\n").await;
    assert!(!head.contains("connection: close"), "{head}");
    wire.until("HTTP/1.1 200 OK\r\n").await;
    wire.until("cstar.ready").await;

    let mut wire = Wire::open(&cstar).await;
    let body = format!(r#"{{"type":"ticket.created","data":{}}}"#, ticket("first"));
    let lines = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    let publish = request(&team, "POST HTTP/1.1", &lines).replace("/realtime", "/events");
    wire.send(&format!("{publish}{body}{stream}")).await;
    wire.until("HTTP/1.1 201 Created\r\n").await;
    wire.until("cstar.ready").await;
    let event = team.publish("ticket.created", &ticket("second")).await;
    wire.until(&format!("id: {}\ndata: {}\n\n", event.position, event.envelope)).await;
}

/// RT-1: a client may say what it likes while it listens: it is no request, and takes nothing from the stream.
#[tokio::test]
async fn what_a_client_says_while_it_listens_is_not_heard() {
    let (cstar, team) = with_team(cstar()).await;
    let mut wire = Wire::open(&cstar).await;
    let mut pipelined = request(&team, "GET HTTP/1.1", "upgrade: websocket\r\nconnection: upgrade\r\n");
    pipelined += &request(&team, "GET HTTP/1.1", "");
    wire.send(&pipelined).await;
    wire.until("cstar.ready").await;
    for round in 0..50 {
        wire.send(&"junk ".repeat(2_000)).await;
        let event = team.publish("ticket.created", &ticket(&format!("round {round}"))).await;
        wire.until(&format!("id: {}\ndata: {}\n\n", event.position, event.envelope)).await;
    }
    assert_eq!(streams(&team).await.len(), 1, "the second request is none");
    end_streams(&team).await;
    let rest = wire.rest().await;
    assert!(rest.ends_with("0\r\n\r\n") && !rest.contains("HTTP/1.1"), "{rest}");
}

/// An answer to HTTP/1.0 ends with the connection.
#[tokio::test]
async fn a_stream_over_http_1_0_ends_with_its_connection() {
    let (cstar, team) = with_team(cstar()).await;
    let mut wire = Wire::open(&cstar).await;
    wire.send(&request(&team, "GET HTTP/1.0", "")).await;
    let head = wire.until("\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.0 200 ok\r\n") && !head.contains("transfer-encoding"), "{head}");
    wire.until("cstar.ready").await;
    let event = team.publish("ticket.created", &ticket("plain")).await;
    let frame = format!("\n\nid: {}\ndata: {}\n\n", event.position, event.envelope);
    wire.until(&frame).await;
    end_streams(&team).await;
    assert!(wire.rest().await.ends_with("}\n\n"));
}

/// RT-1: many streams, of two teams, some of which leave, and some of which do not read, while others come: each that reads
/// gets each event of its team, and none of the other's.
#[tokio::test]
async fn streams_that_come_and_go_leave_the_others_alone() {
    const STREAMS: usize = 150;
    let (cstar, team) = with_team(cstar()).await;
    let other = Team::create(&cstar.http()).await;
    let opened = async |team: &Team| {
        let stream = Stream::open(&team.http, &team.path("realtime"), None).await.expect("an answer");
        stream.unwrap_or_else(|refusal| panic!("refused: {refusal}"))
    };
    let mut open = Vec::new();
    for number in 0..STREAMS {
        open.push((number, opened(if number % 3 == 0 { &other } else { &team }).await));
    }
    let mut silent = Wire::open(&cstar).await;
    silent.send(&request(&team, "GET HTTP/1.1", "")).await;
    for round in 0..4 {
        let theirs = other.publish("ticket.created", &ticket(&format!("theirs {round}"))).await;
        let large = team.publish("ticket.created", &ticket(&"x".repeat(60_000))).await;
        for (number, stream) in &mut open {
            let expected = if *number % 3 == 0 { &theirs } else { &large };
            let event = loop {
                let frame = stream.next().await.expect("the stream goes on");
                if frame.name.is_none() {
                    break frame;
                }
            };
            assert_eq!(
                (&event.id, &event.data),
                (&expected.position.to_string(), &expected.envelope),
                "{number}"
            );
        }
        open.retain(|(number, _)| number % 5 != round);
        let left = open.iter().filter(|(number, _)| number % 3 != 0).count() + 1;
        until("the hub to miss those who left", async || (streams(&team).await.len() == left).then_some(()))
            .await;
        open.push((STREAMS + 1, opened(&team).await));
    }
}
