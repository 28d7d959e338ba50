//! Why a text is refused, and where.

use std::fmt;

use thiserror::Error;

/// A refusal: what is wrong, in which value, at which byte.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}, at byte {offset}{}", Place(.pointer))]
pub struct JsonError {
    kind: JsonErrorKind,
    pointer: String,
    offset: usize,
}

impl JsonError {
    pub(super) fn new(kind: JsonErrorKind, pointer: String, offset: usize) -> Self {
        Self { kind, pointer, offset }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> JsonErrorKind {
        self.kind
    }

    /// The JSON Pointer (RFC 6901) of the innermost value that was being read; empty for the whole text.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Where in the text the fault lies, in bytes from its start.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            pointer => write!(f, " in {pointer}"),
        }
    }
}

/// What is wrong with a text (T1), and what its sender can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JsonErrorKind {
    /// The text breaks the JSON grammar (RFC 8259).
    #[error("expected {expected}, found {found}")]
    Malformed {
        /// What the grammar asks for here.
        expected: &'static str,
        /// What stands here.
        found: Found,
    },
    /// A string holds bytes that are not UTF-8.
    #[error("the bytes are not UTF-8")]
    InvalidUtf8,
    /// The text starts with U+FEFF, which JSON does not allow.
    #[error("a byte order mark is not JSON; leave it out")]
    ByteOrderMark,
    /// Something follows the one value.
    #[error("more follows the value; send one JSON value")]
    TrailingBytes,
    /// One object has a key twice, compared after unescaping.
    #[error("the key stands twice in one object; send it once")]
    DuplicateKey,
    /// An integer would change its value in a receiver that reads numbers as doubles.
    #[error("a double does not hold this integer exactly; send it as a string")]
    InexactInteger,
    /// A number is larger than any double.
    #[error("the number is larger than a double can be; send it as a string")]
    NumberOverflow,
    /// `__proto__`, or `prototype` in `constructor`: common servers refuse the whole body for it.
    #[error("common servers refuse the key `__proto__`, and `prototype` in `constructor`; rename it")]
    UnsafeKey,
    /// An escape is one half of a surrogate pair, which has no UTF-8.
    #[error("the escape is half of a surrogate pair; send both halves, or the character itself")]
    LoneSurrogate,
    /// Arrays and objects are nested further than [`Limits::depth`](super::Limits::depth).
    #[error("nesting goes past {limit} levels; make the value flatter")]
    TooDeep {
        /// The deepest level that is allowed.
        limit: usize,
    },
    /// The canonical form is longer than [`Limits::len`](super::Limits::len).
    #[error("the value is longer than {limit} bytes; send less, or a link to it")]
    TooLong {
        /// The longest canonical form that is allowed, in bytes.
        limit: usize,
    },
    /// The value is of another kind than its reader takes here.
    #[error("expected {expected}, found {found}")]
    WrongKind {
        /// What the reader takes.
        expected: ValueKind,
        /// What the text has.
        found: ValueKind,
    },
}

impl JsonErrorKind {
    /// The stable code of the API's refusal; a page for each is in `docs/errors/`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed { .. } | Self::InvalidUtf8 | Self::ByteOrderMark | Self::TrailingBytes => {
                "malformed_json"
            }
            Self::DuplicateKey => "duplicate_key",
            Self::InexactInteger | Self::NumberOverflow => "unrepresentable_number",
            Self::UnsafeKey => "unsafe_key",
            Self::LoneSurrogate | Self::TooDeep { .. } | Self::WrongKind { .. } => "invalid_field",
            Self::TooLong { .. } => "too_large",
        }
    }
}

/// The byte that stood where the grammar asked for another; `None` is the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found(pub Option<u8>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("the end"),
            Some(byte @ b'!'..=b'~') => write!(f, "`{}`", char::from(byte)),
            Some(byte) => write!(f, "byte 0x{byte:02x}"),
        }
    }
}

/// The six kinds of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `-1.5e3`
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        })
    }
}
