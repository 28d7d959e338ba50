//! Calls, kept as examples.

use std::net::SocketAddr;

use cstar_testkit::{Answer, Http, Stream};
use hyper::Method;
use serde_json::{Map, Value, json};

/// Headers of an answer that a reader of the reference wants to see.
const SHOWN: [&str; 5] = ["content-type", "etag", "x-cstar-position", "location", "set-cookie"];
/// A text is shown to so many lines.
const LINES_MAX: usize = 16;

/// What was asked and answered, by the operation's name.
pub(super) struct Album {
    http: Http,
    receiver: SocketAddr,
    examples: Map<String, Value>,
}

/// A call that is being put together.
pub(super) struct Call<'a> {
    album: &'a mut Album,
    name: &'static str,
    method: Method,
    path: String,
    with_key: bool,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

impl Album {
    pub(super) fn new(http: Http, receiver: SocketAddr) -> Self {
        Self { http, receiver, examples: Map::new() }
    }

    pub(super) fn call(&mut self, name: &'static str, method: Method, path: impl Into<String>) -> Call<'_> {
        let (path, headers) = (path.into(), Vec::new());
        Call { album: self, name, method, path, with_key: true, headers, body: Value::Null }
    }

    pub(super) fn get(&mut self, name: &'static str, path: impl Into<String>) -> Call<'_> {
        self.call(name, Method::GET, path)
    }

    pub(super) fn post(&mut self, name: &'static str, path: impl Into<String>, body: Value) -> Call<'_> {
        self.call(name, Method::POST, path).body(body)
    }

    pub(super) fn delete(&mut self, name: &'static str, path: impl Into<String>) -> Call<'_> {
        self.call(name, Method::DELETE, path)
    }

    /// An open stream, which is nobody's example.
    pub(super) async fn stream(&self, path: &str) -> Stream {
        Stream::open(&self.http, path, None).await.expect("an answer").expect("a stream")
    }

    /// The examples, with the receiver's address as a customer's would stand there.
    pub(super) fn finish(self) -> Value {
        let text = Value::Object(self.examples).to_string();
        let text = text.replace(&format!("http://{}", self.receiver), "https://example.com");
        serde_json::from_str(&text).expect("an address is replaced by another")
    }

    fn keep(&mut self, name: &str, request: Value, answer: &Answer) {
        let shown = SHOWN.iter().filter_map(|name| Some((*name, answer.headers.get(*name)?.to_str().ok()?)));
        let headers: Map<String, Value> =
            shown.map(|(name, value)| (name.to_owned(), value.into())).collect();
        let mut kept = json!({"status": answer.status, "headers": headers});
        if !answer.body.is_empty() {
            kept["body"] = body(answer);
        }
        self.examples.insert(name.to_owned(), json!({"request": request, "answer": kept}));
    }
}

impl<'a> Call<'a> {
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn without_key(mut self) -> Self {
        self.with_key = false;
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = body;
        self.header("content-type", "application/json")
    }

    /// Makes the call and keeps it; it must be answered with this status.
    pub(super) async fn expect(self, status: u16) -> Answer {
        let (album, name, request, answer) = self.answered().await;
        let answer = answer.expect(status);
        album.keep(name, request, &answer);
        answer
    }

    /// Makes the call and keeps it, whatever it is answered.
    pub(super) async fn send(self) -> Answer {
        let (album, name, request, answer) = self.answered().await;
        album.keep(name, request, &answer);
        answer
    }

    /// Makes the call, which is nobody's example.
    pub(super) async fn aside(self) -> Answer {
        self.answered().await.3
    }

    async fn answered(self) -> (&'a mut Album, &'static str, Value, Answer) {
        let Self { album, name, method, path, with_key, headers, body } = self;
        let http = if with_key { album.http.clone() } else { album.http.with_key("") };
        let sent = if body.is_null() { String::new() } else { body.to_string() };
        let given: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let answer = http.send(method.clone(), &path, &given, sent).await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut request = json!({"method": method.as_str(), "path": path, "headers": {}});
        if with_key {
            request["headers"]["authorization"] = "Bearer $CSTAR_KEY".into();
        }
        for (name, value) in headers {
            request["headers"][name] = value.into();
        }
        if !body.is_null() {
            request["body"] = body;
        }
        (album, name, request, answer)
    }
}

fn body(answer: &Answer) -> Value {
    let Ok(text) = std::str::from_utf8(&answer.body) else { return "(bytes)".into() };
    match serde_json::from_str(text) {
        // It is the reference itself.
        Ok(Value::Object(described)) if described.contains_key("openapi") => {
            json!({"openapi": described["openapi"]})
        }
        Ok(value) => value,
        Err(_) if answer.header("content-type").starts_with("application/octet-stream") => "(bytes)".into(),
        Err(_) => {
            let mut lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
            if text.lines().count() > LINES_MAX {
                lines.push("…");
            }
            lines.join("\n").into()
        }
    }
}
