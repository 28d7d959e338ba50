//! The two ways in which a stream is written.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cstar_sse::{Block, Control};
use cstar_store::LogEnds;
use cstar_types::Position;
use cstar_wire::{Code, Gap, StreamReady, StreamReconnect, StreamUnauthorized};
use serde::Serialize;

use crate::cursor::Start;

/// The data of a block that says all by its name.
const NOTHING: BTreeMap<&str, &str> = BTreeMap::new();

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `text/event-stream`.
    #[default]
    EventStream,
    /// `application/x-ndjson`: the same as lines `{"id", "event"?, "data"}`. There is no `retry:`; `cstar.reconnect`
    /// says how long to wait.
    Ndjson,
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::EventStream => cstar_sse::MEDIA_TYPE,
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// What a stream says first: `cstar.ready`, and the gap if there is one, in one piece.
    pub(crate) fn opening(self, start: &Start, ends: LogEnds, heartbeat: Duration, retry: Duration) -> Bytes {
        let ready = StreamReady {
            resumed: start.resumed,
            head: Position::new(ends.epoch, ends.head),
            oldest: Position::new(ends.epoch, ends.oldest),
            heartbeat_ms: millis(heartbeat),
        };
        let mut out = BytesMut::new();
        self.put(&mut out, Control::Ready, start.ready_id(), &ready, Some(retry));
        if let Some(gap) = &start.gap {
            out.extend_from_slice(&self.gap(gap));
        }
        out.freeze()
    }

    /// `cstar.gap`; its id is the new cursor.
    pub(crate) fn gap(self, gap: &Gap) -> Bytes {
        self.control(Control::Gap, Some(gap.to), gap)
    }

    /// `cstar.heartbeat`: everything up to `passed` was sent or left out (RT-1).
    pub(crate) fn heartbeat(self, passed: Position) -> Bytes {
        self.control(Control::Heartbeat, Some(passed), &NOTHING)
    }

    /// `cstar.reconnect`: the server closes; come back after a while.
    pub(crate) fn reconnect(self, passed: Position, after: Duration) -> Bytes {
        let mut out = BytesMut::new();
        let reconnect = StreamReconnect { after_ms: millis(after) };
        self.put(&mut out, Control::Reconnect, Some(passed), &reconnect, Some(after));
        out.freeze()
    }

    /// `cstar.unauthorized`: nothing more comes with this key.
    pub(crate) fn unauthorized(self, code: Code) -> Bytes {
        self.control(Control::Unauthorized, None, &StreamUnauthorized { code: code.as_str().into() })
    }

    /// `cstar.end`: the head that was asked for is reached.
    pub(crate) fn end(self, passed: Position) -> Bytes {
        self.control(Control::End, Some(passed), &NOTHING)
    }

    fn control(self, control: Control, id: Option<Position>, data: &impl Serialize) -> Bytes {
        let mut out = BytesMut::new();
        self.put(&mut out, control, id, data, None);
        out.freeze()
    }

    fn put(
        self,
        out: &mut BytesMut,
        control: Control,
        id: Option<Position>,
        data: &impl Serialize,
        retry: Option<Duration>,
    ) {
        let data = serde_json::to_string(data).expect("positions, numbers and names are JSON");
        match self {
            Self::EventStream => {
                let id = id.map(|id| id.to_string());
                let mut block = Block::control(control, data.as_bytes());
                block = id.as_deref().map_or(block, |id| block.with_id(id));
                block = retry.map_or(block, |retry| block.with_retry(retry));
                block.encode(out).expect("positions and numbers hold no line break");
            }
            Self::Ndjson => {
                let id = id.map_or_else(String::new, |id| format!(r#""id":"{id}","#));
                let _ = writeln!(out, r#"{{{id}"event":"{}","data":{data}}}"#, control.name());
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Appends an event's line to an NDJSON stream; an event stream's frames are encoded once, in their run.
pub(crate) fn put_line(out: &mut BytesMut, position: Position, envelope: &[u8]) {
    let _ = write!(out, r#"{{"id":"{position}","data":"#); // a buffer that grows does not fail
    out.extend_from_slice(envelope);
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    const ENDS: LogEnds = LogEnds { epoch: 2, oldest: 3, head: 9 };

    fn opening(format: Format, last_event_id: &str) -> String {
        let start = Origin::parse(last_event_id).start(ENDS);
        let opening = format.opening(&start, ENDS, Duration::from_secs(15), Duration::from_secs(2));
        String::from_utf8(opening.to_vec()).unwrap()
    }

    #[test]
    fn an_event_stream_opens_with_ready() {
        assert_eq!(
            opening(Format::EventStream, "2.5"),
            "retry: 2000\nevent: cstar.ready\nid: 2.5\n\
             data: {\"resumed\":true,\"head\":\"2.9\",\"oldest\":\"2.3\",\"heartbeat_ms\":15000}\n\n"
        );
    }

    /// RT-2: the gap comes with the ready, and only the gap's id moves the cursor.
    #[test]
    fn a_gap_is_told_at_once() {
        assert_eq!(
            opening(Format::EventStream, "2.1"),
            "retry: 2000\nevent: cstar.ready\nid: 2.1\n\
             data: {\"resumed\":false,\"head\":\"2.9\",\"oldest\":\"2.3\",\"heartbeat_ms\":15000}\n\n\
             event: cstar.gap\nid: 2.2\ndata: {\"from\":\"2.1\",\"to\":\"2.2\",\"reason\":\"expired\"}\n\n"
        );
        assert_eq!(
            opening(Format::Ndjson, "garbage"),
            "{\"event\":\"cstar.ready\",\"data\":\
             {\"resumed\":false,\"head\":\"2.9\",\"oldest\":\"2.3\",\"heartbeat_ms\":15000}}\n\
             {\"id\":\"2.9\",\"event\":\"cstar.gap\",\"data\":{\"from\":null,\"to\":\"2.9\",\"reason\":\"unknown\"}}\n"
        );
    }

    #[test]
    fn the_other_blocks() {
        let passed = Position::new(2, 9);
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(
            text(Format::EventStream.heartbeat(passed)),
            "event: cstar.heartbeat\nid: 2.9\ndata: {}\n\n"
        );
        assert_eq!(
            text(Format::Ndjson.heartbeat(passed)),
            "{\"id\":\"2.9\",\"event\":\"cstar.heartbeat\",\"data\":{}}\n"
        );
        assert_eq!(
            text(Format::EventStream.reconnect(passed, Duration::from_millis(1500))),
            "retry: 1500\nevent: cstar.reconnect\nid: 2.9\ndata: {\"after_ms\":1500}\n\n"
        );
    }
}
