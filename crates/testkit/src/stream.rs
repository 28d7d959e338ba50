//! A reader of the event stream that notes everything it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cstar_sse::{Limits, Parsed, Parser};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use tokio::task::JoinHandle;

use crate::http::{Answer, Http, NoAnswer};
use crate::wait::{DEADLINE, until};

/// One block of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its name; `None` for an event of the log.
    pub name: Option<String>,
    /// The last id that the stream gave.
    pub id: String,
    /// What it says.
    pub data: String,
}

/// One connection.
#[derive(Debug)]
pub struct Stream {
    /// The headers of the answer.
    pub headers: HeaderMap,
    body: Incoming,
    parser: Parser,
    unread: BytesMut,
}

impl Stream {
    /// Asks for a stream, from behind `cursor` if there is one. A refusal is the inner error.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn open(
        http: &Http,
        path: &str,
        cursor: Option<&str>,
    ) -> Result<Result<Self, Answer>, NoAnswer> {
        let headers: Vec<_> = cursor.map(|cursor| ("last-event-id", cursor)).into_iter().collect();
        let opened =
            tokio::time::timeout(DEADLINE, http.open(Method::GET, path, &headers, Bytes::new())).await;
        let (head, body) = opened.unwrap_or_else(|_| Err(NoAnswer::in_time()))?.into_parts();
        if head.status != 200 {
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let (version, status) = (head.version, head.status.as_u16());
            return Ok(Err(Answer { version, status, headers: head.headers, body }));
        }
        let parser = Parser::new(Limits::default());
        Ok(Ok(Self { headers: head.headers, body, parser, unread: BytesMut::new() }))
    }

    /// The next block; `None` once the connection has ended, however it did, or has been silent for so long that a live
    /// one would have sent a heartbeat.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            match self.parser.next(&mut self.unread).expect("a stream of ours keeps to the limits") {
                Some(Parsed::Event { event, data, id }) => return Some(Frame { name: event, id, data }),
                Some(Parsed::Retry(_)) => {}
                None => {
                    let frame = tokio::time::timeout(DEADLINE, self.body.frame()).await.ok()??.ok()?;
                    self.unread.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
            }
        }
    }

    /// Everything up to the end of the connection.
    pub async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

/// Where a reader was sent on from, and what it was told until that connection ended.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The `Last-Event-ID` that it began with.
    pub cursor: Option<String>,
    /// Everything that came.
    pub frames: Vec<Frame>,
}

/// Reads one stream for as long as it lives, over restarts of the server, each time from the last id that it was given.
#[derive(Debug)]
pub struct StreamReader {
    connections: Arc<Mutex<Vec<Connection>>>,
    task: JoinHandle<()>,
}

/// A server that is down is asked again this soon.
const RECONNECT_AFTER: Duration = Duration::from_millis(20);

impl StreamReader {
    /// Begins to read, and waits until the subscription stands.
    pub async fn open(http: &Http, path: &str, cursor: Option<&str>) -> Self {
        let connections = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(read(
            http.clone(),
            path.to_owned(),
            cursor.map(str::to_owned),
            Arc::clone(&connections),
        ));
        let reader = Self { connections, task };
        reader.until_named("cstar.ready").await;
        reader
    }

    /// What every connection so far was told.
    ///
    /// # Panics
    /// When the reading task has panicked.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.connections.lock().expect("the reader has not panicked").clone()
    }

    /// Every event of the log that came, over all connections, in the order of arrival.
    #[must_use]
    pub fn events(&self) -> Vec<Frame> {
        let connections = self.connections();
        let frames = connections.into_iter().flat_map(|connection| connection.frames);
        frames.filter(|frame| frame.name.is_none()).collect()
    }

    /// Waits until so many events have come.
    pub async fn until_events(&self, count: usize) -> Vec<Frame> {
        until(&format!("{count} events on the stream"), async || {
            let events = self.events();
            (events.len() >= count).then_some(events)
        })
        .await
    }

    /// Waits until a block of this name has come on the latest connection.
    pub async fn until_named(&self, name: &str) -> Frame {
        until(&format!("{name} on the stream"), async || {
            let latest = self.connections().pop()?;
            latest.frames.into_iter().find(|frame| frame.name.as_deref() == Some(name))
        })
        .await
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(
    http: Http,
    path: String,
    mut cursor: Option<String>,
    connections: Arc<Mutex<Vec<Connection>>>,
) {
    loop {
        if let Ok(Ok(mut stream)) = Stream::open(&http, &path, cursor.as_deref()).await {
            let begun = Connection { cursor: cursor.clone(), frames: Vec::new() };
            connections.lock().expect("nobody panics with it").push(begun);
            while let Some(frame) = stream.next().await {
                if !frame.id.is_empty() {
                    cursor = Some(frame.id.clone());
                }
                connections
                    .lock()
                    .expect("nobody panics with it")
                    .last_mut()
                    .expect("pushed above")
                    .frames
                    .push(frame);
            }
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}
