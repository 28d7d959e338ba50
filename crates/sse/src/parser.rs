//! The incremental parser.

use std::mem;
use std::time::Duration;

use bytes::Buf;
use thiserror::Error;

use crate::field::Field;
use crate::line::{Cut, Lines};

/// What a stream said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A block with data ended.
    Event {
        /// Its name; `None` for an ordinary event, which the standard calls `message`.
        event: Option<String>,
        /// Its data, the lines joined with LF.
        data: String,
        /// The last id that the stream gave, in this block or in an earlier one; empty before the first.
        id: String,
    },
    /// How long to wait before connecting again. It counts at once, whatever becomes of its block.
    Retry(Duration),
}

/// How much of a stream a [`Parser`] holds, so that no stream can exhaust memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in bytes without its end.
    pub line_bytes: usize,
    /// The most data of one event, in bytes.
    pub data_bytes: usize,
}

impl Default for Limits {
    /// 1 MiB each: ten times the largest envelope that a server can be set to accept.
    fn default() -> Self {
        const MAX_BYTES: usize = 1024 * 1024;
        Self { line_bytes: MAX_BYTES, data_bytes: MAX_BYTES }
    }
}

/// A stream exceeded the [`Limits`]. Its parser is done for; connect again with a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// A line without an end in sight.
    #[error(
        "a line of the event stream exceeds {max_bytes} bytes: check that this is cStar's stream, or raise the limit"
    )]
    LineTooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// An event of too many lines.
    #[error(
        "an event of the stream exceeds {max_bytes} bytes: check that this is cStar's stream, or raise the limit"
    )]
    EventTooLarge {
        /// The limit.
        max_bytes: usize,
    },
}

/// Parses one connection's stream, from any pieces of it.
///
/// The result does not depend on where the pieces are split. Malformed UTF-8 is replaced, as browsers do; nothing makes
/// it panic. A block that the connection's end cuts short is never reported, which is what makes replay exact: its id
/// was not seen either.
#[derive(Debug)]
pub struct Parser {
    lines: Lines,
    block: Pending,
    failed: Option<ParseError>,
}

/// The block whose end is not here yet.
#[derive(Debug)]
struct Pending {
    event: String,
    data: Option<Vec<u8>>,
    /// It outlives its block: a later one without an `id:` goes under it too.
    id: String,
    data_max_bytes: usize,
}

impl Parser {
    /// A parser at the start of a stream.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        let block = Pending {
            event: String::new(),
            data: None,
            id: String::new(),
            data_max_bytes: limits.data_bytes,
        };
        Self { lines: Lines::new(limits.line_bytes), block, failed: None }
    }

    /// Reads from `input` up to the next thing said, and leaves what follows it; `None` once `input` is used up.
    ///
    /// Call it until then, for each piece that arrives. What it has taken in is kept for the next piece.
    ///
    /// # Errors
    /// When the stream exceeds the limits, and from then on always.
    pub fn next(&mut self, input: &mut impl Buf) -> Result<Option<Parsed>, ParseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.advance(input).inspect_err(|&error| self.failed = Some(error))
    }

    fn advance(&mut self, input: &mut impl Buf) -> Result<Option<Parsed>, ParseError> {
        while input.has_remaining() {
            let Cut { line, used_bytes } = self.lines.cut(input.chunk())?;
            let parsed = match line {
                Some(line) => self.block.take(Field::parse(&line))?,
                None => None,
            };
            input.advance(used_bytes);
            if parsed.is_some() {
                return Ok(parsed);
            }
        }
        Ok(None)
    }
}

impl Pending {
    fn take(&mut self, field: Field<'_>) -> Result<Option<Parsed>, ParseError> {
        match field {
            Field::Data(value) => self.push(value)?,
            Field::Event(value) => self.event = text(value.to_vec()),
            Field::Id(value) => self.id = text(value.to_vec()),
            Field::Retry(wait) => return Ok(Some(Parsed::Retry(wait))),
            Field::End => return Ok(self.end()),
            Field::Ignored => {}
        }
        Ok(None)
    }

    fn push(&mut self, value: &[u8]) -> Result<(), ParseError> {
        let held = self.data.as_ref().map_or(0, |data| data.len() + 1);
        if held + value.len() > self.data_max_bytes {
            return Err(ParseError::EventTooLarge { max_bytes: self.data_max_bytes });
        }
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
        Ok(())
    }

    /// A block without data is no event: its name is forgotten, its id stays.
    fn end(&mut self) -> Option<Parsed> {
        let event = Some(mem::take(&mut self.event)).filter(|name| !name.is_empty() && name != "message");
        let data = text(self.data.take()?);
        Some(Parsed::Event { event, data, id: self.id.clone() })
    }
}

/// Decodes as the standard says; well-formed text is not copied.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|malformed| String::from_utf8_lossy(malformed.as_bytes()).into_owned())
}
