//! Canonical JSON (T1): bytes that survive `JSON.stringify(JSON.parse(x))` unchanged.
//!
//! Receivers verify a signature over what *they* serialised from what they parsed (W44), so the body that is
//! signed must be the one that every such round trip gives back. [`canonicalize`] turns any JSON text into
//! that form or says, with a JSON Pointer and a byte offset, why it has none. It reads the text once,
//! forward, and builds no tree.
//!
//! A request body is read with a [`Reader`], which takes the fields that the caller knows and writes `data`
//! canonically in the same pass:
//!
//! ```
//! use cstar_types::json::{JsonError, Limits, Reader, ValueKind};
//!
//! let body = br#"{"data": {"b": 1.0, "7": "\u00e9"}, "type": "ticket.created"}"#;
//! let (mut event_type, mut data) = (None, Vec::new());
//! let mut reader = Reader::new(body);
//! reader.object(|reader, key| {
//!     match &*key {
//!         "type" => event_type = Some(reader.string()?),
//!         "data" => {
//!             reader.expect(ValueKind::Object)?;
//!             reader.canonical(&mut data, Limits::default())?;
//!         }
//!         _ => {} // a value that is left unread is checked and passed over
//!     }
//!     Ok::<_, JsonError>(())
//! })?;
//! reader.end()?;
//! assert_eq!(event_type.as_deref(), Some("ticket.created"));
//! assert_eq!(data, r#"{"7":"é","b":1}"#.as_bytes());
//! # Ok::<_, JsonError>(())
//! ```
//!
//! The first fault in reading order is the one that is told. [`JsonErrorKind::code`] names the API's code for
//! it.

mod canonical;
mod cursor;
mod error;
mod keys;
mod members;
mod number;
mod path;
mod reader;
mod scan;
mod text;

pub use canonical::{Limits, MAX_DEPTH, canonicalize};
pub use error::{Found, JsonError, JsonErrorKind, ValueKind};
pub use members::members;
pub use reader::Reader;
