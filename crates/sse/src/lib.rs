//! The event stream format, `text/event-stream`, as the [WHATWG] defines it: an encoder for the server, an incremental
//! parser for clients. Neither does IO.
//!
//! A [`Block`] is written whole; a [`Parser`] takes the bytes back in any pieces in which a connection brings them.
//!
//! ```
//! use cstar_sse::{Block, Limits, Parsed, Parser};
//!
//! let mut stream = Vec::new();
//! Block::event("1.42", br#"{"id":"evt_abc123"}"#).encode(&mut stream)?;
//! assert_eq!(stream, b"id: 1.42\ndata: {\"id\":\"evt_abc123\"}\n\n");
//!
//! let mut parser = Parser::new(Limits::default());
//! let (mut first, mut second) = stream.split_at(20);
//! assert_eq!(parser.next(&mut first)?, None); // not whole yet
//! assert_eq!(
//!     parser.next(&mut second)?,
//!     Some(Parsed::Event { event: None, data: r#"{"id":"evt_abc123"}"#.into(), id: "1.42".into() }),
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [WHATWG]: https://html.spec.whatwg.org/multipage/server-sent-events.html

mod block;
mod control;
mod field;
mod line;
mod parser;

pub use block::{Block, EncodeError};
pub use control::Control;
pub use parser::{Limits, ParseError, Parsed, Parser};

/// The media type of an event stream.
pub const MEDIA_TYPE: &str = "text/event-stream";
