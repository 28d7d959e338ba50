//! The scenarios of `vectors/realtime`, as its README describes them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use cstar_types::{Cursor, Position};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{KeySource, RealtimeOptions};

/// What a server does, connection by connection, and what its client must show.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    #[expect(dead_code, reason = "read by people")]
    promises: Vec<String>,
    client: Client,
    pub(crate) connections: Vec<Connection>,
    pub(crate) shows: Vec<Shown>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    after: Option<String>,
    types: Option<String>,
    #[serde(default)]
    until_head: bool,
    #[serde(default = "one_key")]
    keys: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Connection {
    #[serde(default)]
    pub(crate) asks: Asks,
    #[serde(flatten)]
    pub(crate) answer: Answer,
}

/// What a request must have.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asks {
    /// `Some(None)` where the header must not be there.
    #[serde(default, deserialize_with = "given")]
    pub(crate) last_event_id: Option<Option<String>>,
    pub(crate) query: Option<String>,
    pub(crate) authorization: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) head: Head,
    #[serde(default = "ok")]
    pub(crate) status: u16,
    pub(crate) headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
    #[serde(default)]
    sends: Vec<Sent>,
    #[serde(default, rename = "then")]
    pub(crate) finish: Finish,
}

/// How much of its head an answer has before the connection is torn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Head {
    #[default]
    Whole,
    Half,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finish {
    #[default]
    Close,
    Break,
    Stay,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Sent {
    Ready { ready: Option<String>, heartbeat_ms: Option<u64> },
    Event { event: Position },
    Control { control: String, id: Option<String>, data: Value },
    Raw { raw: String },
    Fill { fill: usize },
    Pause { pause_ms: u64 },
}

/// What comes next of a body.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Bytes(Bytes),
    Pause(Duration),
}

/// What a client shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shown {
    Connecting,
    Open(String),
    Event(Position),
    Gap(ShownGap),
    Disconnected(ShownDisconnected),
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownGap {
    pub(crate) from: Option<Position>,
    pub(crate) to: Position,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownDisconnected {
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) wait_ms: Option<(u64, u64)>,
}

/// Every scenario that there is.
pub(crate) fn scenarios() -> Vec<Scenario> {
    #[derive(Deserialize)]
    struct File {
        scenarios: Vec<Scenario>,
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/realtime");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        file.scenarios
    };
    files.into_iter().flat_map(read).collect()
}

impl Scenario {
    pub(crate) fn options(&self) -> RealtimeOptions {
        let Client { after, types, until_head, .. } = &self.client;
        RealtimeOptions {
            after: after.as_ref().map(|after| after.parse::<Cursor>().unwrap()),
            types: types.as_ref().map(|types| cstar_types::Patterns::parse_list(types).unwrap()),
            until_head: *until_head,
        }
    }

    /// One key is fixed, several come from a function.
    pub(crate) fn key(&self) -> KeySource {
        let keys = self.client.keys.clone();
        if let [key] = keys.as_slice() {
            return KeySource::fixed(key.as_str());
        }
        let place = std::sync::atomic::AtomicUsize::new(0);
        KeySource::function(move || {
            let place = place.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let key = keys[place.min(keys.len() - 1)].clone();
            async { Ok(key) }
        })
    }

    pub(crate) fn has_many_keys(&self) -> bool {
        self.client.keys.len() > 1
    }

    /// Whether time passes in it, more than tests that run in real time have.
    pub(crate) fn takes_time(&self) -> bool {
        let mut sends = self.connections.iter().flat_map(|connection| &connection.answer.sends);
        sends.any(|sent| matches!(sent, Sent::Pause { .. }))
    }

    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.connections.iter().map(|connection| connection.answer.clone()).collect()
    }
}

impl Answer {
    /// An answer with this body and no more headers than these.
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Value>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self {
            head: Head::Whole,
            status,
            headers: Some(headers),
            body: Some(body.into()),
            sends: Vec::new(),
            finish: Finish::Close,
        }
    }

    pub(crate) fn then(mut self, finish: Finish) -> Self {
        self.finish = finish;
        self
    }

    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        match &self.headers {
            Some(headers) => headers.clone().into_iter().collect(),
            None if self.status == 200 => vec![("content-type".into(), cstar_sse::MEDIA_TYPE.into())],
            None => Vec::new(),
        }
    }

    /// The bytes of the body, the stream's answer being to a request that had a `Last-Event-ID` or not.
    pub(crate) fn parts(&self, resumed: bool) -> Vec<Part> {
        match &self.body {
            Some(Value::String(text)) => vec![Part::Bytes(text.clone().into())],
            Some(body) => vec![Part::Bytes(body.to_string().into())],
            None => self.sends.iter().map(|sent| sent.part(resumed)).collect(),
        }
    }
}

impl Sent {
    fn part(&self, resumed: bool) -> Part {
        let text = match self {
            Self::Raw { raw } => raw.clone(),
            Self::Event { event: position } => event(*position),
            Self::Control { control, id, data } => block(control, id.as_deref(), data),
            Self::Ready { ready: id, heartbeat_ms } => {
                ready(resumed, id.as_deref(), heartbeat_ms.unwrap_or(15_000))
            }
            Self::Fill { fill } => "x".repeat(*fill),
            Self::Pause { pause_ms } => return Part::Pause(Duration::from_millis(*pause_ms)),
        };
        Part::Bytes(text.into())
    }
}

/// The block of `cstar.ready`.
pub(crate) fn ready(resumed: bool, id: Option<&str>, heartbeat_ms: u64) -> String {
    let data = json!({"resumed": resumed, "head": "1.50", "oldest": "1.1", "heartbeat_ms": heartbeat_ms});
    block("cstar.ready", id, &data)
}

/// An event's block.
pub(crate) fn event(position: Position) -> String {
    format!("id: {position}\ndata: {}\n\n", envelope(position))
}

/// The envelope that stands at `position`.
pub(crate) fn envelope(position: Position) -> String {
    let seq = position.seq;
    format!(
        r#"{{"id":"evt_{seq:026}","type":"ticket.created","team_id":"550e8400-e29b-41d4-a716-446655440000","created_at":"2025-12-10T14:30:00Z","data":{{"id":"{seq}"}}}}"#
    )
}

fn block(name: &str, id: Option<&str>, data: &Value) -> String {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("event: {name}\n{id}data: {data}\n\n")
}

fn one_key() -> Vec<String> {
    vec!["csk_1".into()]
}

const fn ok() -> u16 {
    200
}

/// Tells `null` from a field that is not there.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
