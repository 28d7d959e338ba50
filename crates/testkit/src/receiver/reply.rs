//! How a receiver answers.

use std::time::Duration;

use tokio::sync::watch;

/// What is sent, when, and what happens to the connection afterwards.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    pub(super) behind: Option<Gate>,
    pub(super) drip: Option<Duration>,
    pub(super) then: Then,
}

/// What happens to the connection after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It takes the next request.
    Goes,
    /// It is closed.
    Closes,
    /// It stays open, and nothing happens on it any more.
    Hangs,
    /// The body is sent over and over.
    Repeats,
}

impl Reply {
    /// An answer with this status, without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let head = format!("HTTP/1.1 {status} -\r\n");
        Self { head, body: Vec::new(), behind: None, drip: None, then: Then::Goes }
    }

    /// These bytes and the end of the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: String::new(), body: bytes.into(), behind: None, drip: None, then: Then::Closes }
    }

    /// Not a byte, and the connection is closed.
    #[must_use]
    pub fn hang_up() -> Self {
        Self::raw("")
    }

    /// Not a byte, and the connection stays open.
    #[must_use]
    pub fn never() -> Self {
        Self::raw("").then_hang()
    }

    /// The connection stays open afterwards, and nothing more happens on it.
    #[must_use]
    pub fn then_hang(self) -> Self {
        Self { then: Then::Hangs, ..self }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// With a body that begins like this and whose rest never comes.
    #[must_use]
    pub fn unfinished_body(self, beginning: impl Into<Vec<u8>>) -> Self {
        self.header("content-length", "1000000").body(beginning).then_hang()
    }

    /// With a body that goes on for ever.
    #[must_use]
    pub fn endless_body(self, piece: impl Into<Vec<u8>>) -> Self {
        Self { then: Then::Repeats, ..self.header("content-length", "1000000000000").body(piece) }
    }

    /// These bytes over and over, without a head.
    #[must_use]
    pub fn flood(bytes: impl Into<Vec<u8>>) -> Self {
        Self { then: Then::Repeats, ..Self::raw(bytes) }
    }

    /// A byte at a time, head and all.
    #[must_use]
    pub fn dripping(self, every: Duration) -> Self {
        Self { drip: Some(every), ..self }
    }

    /// The connection is closed afterwards.
    #[must_use]
    pub fn then_close(self) -> Self {
        Self { then: Then::Closes, ..self }
    }

    /// The connection takes the next request afterwards.
    #[must_use]
    pub fn then_go(self) -> Self {
        Self { then: Then::Goes, ..self }
    }

    /// Only once the gate is open.
    #[must_use]
    pub fn behind(self, gate: &Gate) -> Self {
        Self { behind: Some(gate.clone()), ..self }
    }

    /// The status and the headers, for a protocol that writes them otherwise; `None` where there is no head.
    pub(super) fn parts(&self) -> Option<(u16, Vec<(&str, &str)>)> {
        let mut lines = self.head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        Some((status, lines.filter_map(|line| line.split_once(": ")).collect()))
    }

    /// Whether it is the end of the connection, and nothing else.
    pub(super) fn hangs_up(&self) -> bool {
        self.head.is_empty() && self.body.is_empty() && self.then == Then::Closes
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        if !self.head.is_empty() {
            if matches!(self.then, Then::Goes | Then::Closes) {
                bytes.extend(format!("content-length: {}\r\n", self.body.len()).bytes());
            }
            bytes.extend(b"\r\n");
        }
        bytes.extend(&self.body);
        bytes
    }
}

/// Holds back what comes to it until it is opened.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A gate that is closed.
    #[must_use]
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Holds everything from now on.
    pub fn close(&self) {
        self.0.send_replace(false);
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Whether it is open, now and from time to time.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    pub(crate) async fn pass(&self) {
        // The sender is in our hands, so the wait ends with the gate's opening alone.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
