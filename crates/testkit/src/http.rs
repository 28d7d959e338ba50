//! A client that hides nothing: one connection for each request, and every answer as it came.

mod tls;

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::authority::Authority;
use crate::wait::DEADLINE;
pub(crate) use tls::Tls;

/// Speaks to one server with one key.
#[derive(Debug, Clone)]
pub struct Http {
    address: SocketAddr,
    key: String,
    tls: Option<Tls>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The protocol that was spoken.
    pub version: Version,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// No whole answer came.
#[derive(Debug)]
pub struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAnswer {}

impl NoAnswer {
    pub(crate) fn in_time() -> Self {
        no_answer("no answer in time")
    }
}

fn no_answer(error: impl fmt::Display) -> NoAnswer {
    NoAnswer(error.to_string())
}

impl Http {
    /// A client of the server at `address`; an empty key is none.
    #[must_use]
    pub fn new(address: SocketAddr, key: impl Into<String>) -> Self {
        Self { address, key: key.into(), tls: None }
    }

    /// The same over TLS, to a server with a certificate of this authority for [`SERVER_NAME`]. The client offers these
    /// protocols; the server chooses.
    ///
    /// [`SERVER_NAME`]: crate::SERVER_NAME
    #[must_use]
    pub fn over_tls(self, authority: &Authority, protocols: &[&str]) -> Self {
        self.through(Some(Tls::new(authority, protocols)))
    }

    pub(crate) fn through(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// The same server with another key.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self.clone() }
    }

    /// Where the server is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that requests carry.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let stream = TcpStream::connect(self.address).await.map_err(no_answer)?;
        stream.set_nodelay(true).map_err(no_answer)?;
        let mut request = Request::builder().method(method).uri(path);
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("tests write valid requests here, or use `raw`");
        let Some(tls) = &self.tls else { return self.over_http1(stream, request).await };
        let stream = tls.connect(stream).await.map_err(no_answer)?;
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => self.over_http2(stream, request).await,
            _ => self.over_http1(stream, request).await,
        }
    }

    async fn over_http1(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
        tokio::spawn(connection);
        let host = self.address.to_string().parse().expect("an address is a header's value");
        request.headers_mut().insert("host", host);
        sender.send_request(request).await.map_err(no_answer)
    }

    async fn over_http2(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(no_answer)?;
        tokio::spawn(connection);
        let whole = format!("https://{}{}", self.address, request.uri());
        *request.uri_mut() = whole.parse().expect("an address and a path make a URL");
        sender.send_request(request).await.map_err(no_answer)
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// When there is none within [`DEADLINE`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, NoAnswer> {
        let answer = async {
            let (head, body) = self.open(method, path, headers, body.into()).await?.into_parts();
            let body = body.collect().await.map_err(no_answer)?.to_bytes();
            Ok(Answer { version: head.version, status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(DEADLINE, answer).await.unwrap_or_else(|_| Err(NoAnswer::in_time()))
    }

    /// GET.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// GET.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// POST of JSON.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.call(Method::POST, path, body).await
    }

    /// Any method, with JSON.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn call(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let answer = self.send(method.clone(), path, &[JSON], body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

/// What every body is declared as.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

impl Answer {
    /// The body, which must have this shape.
    ///
    /// # Panics
    /// When it has another.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The same answer, if it has this status.
    ///
    /// # Panics
    /// When it has another.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The `code` of a refusal; empty where there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let problem: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        problem.and_then(|problem| Some(problem.get("code")?.as_str()?.to_owned())).unwrap_or_default()
    }

    /// A header's value; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}
