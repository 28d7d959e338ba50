//! A server that plays a script, one connection after the other, and keeps what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Answer, Asks, Finish, Head, Part};

/// What is longer is not cut byte by byte: what it is sent for is its length.
const LONG_BYTES: usize = 64 * 1024;

/// A server on loopback. It stops when it is dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// How the bytes of a body are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pieces {
    Whole,
    Bytes,
}

impl Server {
    /// Plays the answers, one for each connection, and then refuses.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        Self::start_in(answers, Pieces::Whole).await
    }

    /// The same, the body written so.
    pub(crate) async fn start_in(answers: Vec<Answer>, pieces: Pieces) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(play(listener, answers, pieces, Arc::clone(&received)));
        Self { url, received, task }
    }

    /// What was asked so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    /// The query, unescaped as far as these tests need it.
    pub(crate) fn query(&self) -> String {
        let (_, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        query.replace("%2C", ",")
    }

    #[track_caller]
    pub(crate) fn check(&self, asks: &Asks, name: &str) {
        let header = |name: &str| self.headers.get(name).cloned();
        if let Some(expected) = &asks.last_event_id {
            assert_eq!(header("last-event-id"), *expected, "{name}");
        }
        if let Some(expected) = &asks.query {
            assert_eq!(self.query(), *expected, "{name}");
        }
        if let Some(expected) = &asks.authorization {
            assert_eq!(header("authorization").as_ref(), Some(expected), "{name}");
        }
    }
}

async fn play(
    listener: TcpListener,
    answers: Vec<Answer>,
    pieces: Pieces,
    received: Arc<Mutex<Vec<Received>>>,
) {
    let mut open = Vec::new();
    for answer in answers {
        let (mut socket, _) = listener.accept().await.unwrap();
        let request = read_request(&mut socket).await;
        let resumed = request.headers.contains_key("last-event-id");
        received.lock().unwrap().push(request);
        // A client may leave before the script ends, as at `cstar.unauthorized`.
        let _ = write_answer(&mut socket, &answer, resumed, pieces).await;
        if answer.finish == Finish::Stay {
            open.push(socket);
        }
    }
    drop(listener);
    std::future::pending::<()>().await;
}

pub(crate) async fn read_request(socket: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "a whole request");
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + 4 + length {
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "a whole body");
    }
    Received {
        method: first.next().unwrap().to_owned(),
        target: first.next().unwrap().to_owned(),
        headers,
        body: String::from_utf8(bytes[end + 4..].to_vec()).unwrap(),
    }
}

async fn write_answer(
    socket: &mut TcpStream,
    answer: &Answer,
    resumed: bool,
    pieces: Pieces,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    match answer.head {
        Head::Whole => {}
        Head::Half => return socket.write_all(b"HTTP/1.1 20").await,
        Head::None => return Ok(()),
    }
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", answer.status);
    for (name, value) in answer.headers() {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_body = answer.status != 204;
    head.push_str(if has_body { "transfer-encoding: chunked\r\n\r\n" } else { "\r\n" });
    socket.write_all(head.as_bytes()).await?;
    for part in answer.parts(resumed) {
        match part {
            Part::Bytes(bytes) => write_pieces(socket, &bytes, pieces).await?,
            Part::Pause(pause) => panic!("a pause of {pause:?} in real time"),
        }
    }
    if has_body && answer.finish == Finish::Close {
        socket.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}

async fn write_pieces(socket: &mut TcpStream, bytes: &[u8], pieces: Pieces) -> std::io::Result<()> {
    let size = match pieces {
        Pieces::Bytes if bytes.len() < LONG_BYTES => 1,
        _ => LONG_BYTES,
    };
    for piece in bytes.chunks(size) {
        socket.write_all(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await?;
    }
    Ok(())
}
