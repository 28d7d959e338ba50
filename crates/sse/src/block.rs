//! The encoder.

use std::time::Duration;

use bytes::BufMut;
use memchr::memchr2;
use thiserror::Error;

use crate::Control;

/// One block of a stream: its fields, and the blank line that ends it.
///
/// `data` is written on one line, which canonical JSON always fits: it holds no raw line break (T1). What would break a
/// line, and so smuggle in a field of its own, is an error and writes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    retry: Option<Duration>,
    event: Option<&'a str>,
    id: Option<&'a str>,
    data: &'a [u8],
}

impl<'a> Block<'a> {
    /// An event of the log at position `id`. It has no name, so that a browser's `onmessage` sees it.
    #[must_use]
    pub const fn event(id: &'a str, envelope: &'a [u8]) -> Self {
        Self { retry: None, event: None, id: Some(id), data: envelope }
    }

    /// A block in which the stream speaks of itself.
    #[must_use]
    pub const fn control(control: Control, data: &'a [u8]) -> Self {
        Self { retry: None, event: Some(control.name()), id: None, data }
    }

    /// With the position from which the stream goes on after this block.
    #[must_use]
    pub const fn with_id(mut self, id: &'a str) -> Self {
        self.id = Some(id);
        self
    }

    /// With the time that the client should wait before it connects again, in whole milliseconds.
    #[must_use]
    pub const fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Appends the block to `out`, which grows as it needs (`Vec`, `BytesMut`).
    ///
    /// # Errors
    /// When a field cannot be written on one line; `out` is as it was then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.check()?;
        if let Some(retry) = self.retry {
            put_line(out, b"retry: ", retry.as_millis().to_string().as_bytes());
        }
        if let Some(event) = self.event {
            put_line(out, b"event: ", event.as_bytes());
        }
        if let Some(id) = self.id {
            put_line(out, b"id: ", id.as_bytes());
        }
        put_line(out, b"data: ", self.data);
        out.put_u8(b'\n');
        Ok(())
    }

    fn check(&self) -> Result<(), EncodeError> {
        let id = self.id.unwrap_or_default().as_bytes();
        for (field, value) in [("id", id), ("data", self.data)] {
            if memchr2(b'\r', b'\n', value).is_some() {
                return Err(EncodeError::LineBreak { field });
            }
        }
        // A parser ignores such an id, and the cursor would stand still.
        if id.contains(&0) { Err(EncodeError::NulInId) } else { Ok(()) }
    }
}

fn put_line(out: &mut impl BufMut, field: &[u8], value: &[u8]) {
    out.put_slice(field);
    out.put_slice(value);
    out.put_u8(b'\n');
}

/// Why a block cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A carriage return or line feed in a field.
    #[error("the `{field}` of a block holds a line break: write JSON compactly, on one line")]
    LineBreak {
        /// The field.
        field: &'static str,
    },
    /// A NUL in the id.
    #[error("the `id` of a block holds a NUL, which would make clients ignore it: give a position")]
    NulInId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(block: Block<'_>, expected: Result<&str, EncodeError>) {
        let mut out = b"before".to_vec();
        let result = block.encode(&mut out);
        assert_eq!(result, expected.map(|_| ()));
        assert_eq!(String::from_utf8(out).unwrap(), format!("before{}", expected.unwrap_or_default()));
    }

    #[test]
    fn an_event_has_an_id_and_no_name() {
        check(
            Block::event("1.42", br#"{"id":"evt_abc123"}"#),
            Ok("id: 1.42\ndata: {\"id\":\"evt_abc123\"}\n\n"),
        );
    }

    #[test]
    fn a_control_block_has_a_name() {
        check(
            Block::control(Control::Heartbeat, b"{}").with_id("1.7"),
            Ok("event: cstar.heartbeat\nid: 1.7\ndata: {}\n\n"),
        );
        check(
            Block::control(Control::Reconnect, br#"{"after_ms":1500}"#)
                .with_retry(Duration::from_millis(1500)),
            Ok("retry: 1500\nevent: cstar.reconnect\ndata: {\"after_ms\":1500}\n\n"),
        );
    }

    #[test]
    fn a_line_break_or_a_nul_writes_nothing() {
        check(Block::event("1.1", b"{\n}"), Err(EncodeError::LineBreak { field: "data" }));
        check(Block::event("1.1", b"{}\r"), Err(EncodeError::LineBreak { field: "data" }));
        check(Block::event("1.1\ndata: forged", b"{}"), Err(EncodeError::LineBreak { field: "id" }));
        check(Block::event("1.1\0", b"{}"), Err(EncodeError::NulInId));
        check(Block::event("1.1", b"\0"), Ok("id: 1.1\ndata: \0\n\n"));
    }
}
