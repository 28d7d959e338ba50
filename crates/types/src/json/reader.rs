//! Reading a request body once, each value as its field asks.

use std::borrow::Cow;

use super::canonical::Limits;
use super::cursor::Cursor;
use super::error::{JsonError, JsonErrorKind, ValueKind};
use super::keys::{Keys, Members};

/// Reads one JSON text from its first byte to its last.
///
/// Each method reads the value at which the reader stands. In [`object`](Self::object) and
/// [`array`](Self::array) the closure is called at each value and reads it, once, or leaves it to be checked
/// and passed over. After an error the reader stands where the fault is and is of no further use, except for
/// its [`pointer`](Self::pointer).
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) members: Members,
    /// The canonical keys of the objects that are being read by closures, and values that were passed over.
    scratch: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(input), members: Members::default(), scratch: Vec::new() }
    }

    /// The kind of the value, which stays unread.
    ///
    /// # Errors
    /// What stands here begins no value.
    pub fn kind(&mut self) -> Result<ValueKind, JsonError> {
        match self.cursor.token() {
            Some(b'{') => Ok(ValueKind::Object),
            Some(b'[') => Ok(ValueKind::Array),
            Some(b'"') => Ok(ValueKind::String),
            Some(b'-' | b'0'..=b'9') => Ok(ValueKind::Number),
            Some(b't' | b'f') => Ok(ValueKind::Boolean),
            Some(b'n') => Ok(ValueKind::Null),
            _ => Err(self.cursor.malformed("a value")),
        }
    }

    /// Refuses a value of another kind; the value stays unread.
    ///
    /// # Errors
    /// The value is of another kind, or not well-formed.
    pub fn expect(&mut self, expected: ValueKind) -> Result<(), JsonError> {
        let found = self.kind()?;
        if found == expected {
            return Ok(());
        }
        let fault = self.cursor.fault(JsonErrorKind::WrongKind { expected, found });
        self.pass()?; // its first byte tells its kind, not that it is a value
        Err(fault)
    }

    /// Reads an object: `member` is called with each key, the reader standing at its value.
    ///
    /// # Errors
    /// What `member` refuses; a value that is no object; a fault in its text or in its keys.
    pub fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(ValueKind::Object)?;
        let names = self.scratch.len();
        let mut keys = Keys::open(&self.members);
        let mut more = self.cursor.open(b'}');
        while more {
            let key = read_key(&mut self.cursor, &mut self.members, &mut keys, &mut self.scratch)?;
            let value = self.cursor.at;
            member(self, Cursor::new(key).string()?)?;
            self.pass_if_unread(value)?;
            more = self.cursor.more(b'}')?;
        }
        self.cursor.path.close();
        keys.forget(&mut self.members);
        self.scratch.truncate(names);
        Ok(())
    }

    /// Reads an array: `element` is called with each index, the reader standing at that element.
    ///
    /// # Errors
    /// What `element` refuses; a value that is no array; a fault in its text.
    pub fn array<E: From<JsonError>>(
        &mut self,
        mut element: impl FnMut(&mut Self, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(ValueKind::Array)?;
        let mut more = self.cursor.open(b']');
        let mut index = 0;
        while more {
            self.cursor.path.element(index);
            let value = self.cursor.at;
            element(self, index)?;
            self.pass_if_unread(value)?;
            more = self.cursor.more(b']')?;
            index += 1;
        }
        self.cursor.path.close();
        Ok(())
    }

    /// Reads a string to its value.
    ///
    /// # Errors
    /// The value is no string, or not well-formed.
    pub fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect(ValueKind::String)?;
        self.cursor.string()
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// The value is neither.
    pub fn boolean(&mut self) -> Result<bool, JsonError> {
        self.expect(ValueKind::Boolean)?;
        let value = self.cursor.byte() == Some(b't');
        self.cursor.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// Ends the text: nothing but white space may follow.
    ///
    /// # Errors
    /// Something else follows.
    pub fn end(mut self) -> Result<(), JsonError> {
        match self.cursor.token() {
            None => Ok(()),
            Some(_) => Err(self.cursor.fault(JsonErrorKind::TrailingBytes)),
        }
    }

    /// The JSON Pointer (RFC 6901) of the value at which the reader stands, for refusals of the caller's own.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.cursor.path.pointer(self.cursor.input)
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.cursor.at
    }

    /// Checks a value that the caller did not read, and drops it. `kind` may have passed white space, but no
    /// value.
    fn pass_if_unread(&mut self, value: usize) -> Result<(), JsonError> {
        let read = self.cursor.input[value..self.cursor.at].iter().any(|byte| !byte.is_ascii_whitespace());
        if read {
            return Ok(());
        }
        self.pass()
    }

    /// Checks a value and drops it.
    fn pass(&mut self) -> Result<(), JsonError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let names = scratch.len();
        self.canonical(&mut scratch, Limits::default())?;
        scratch.truncate(names);
        self.scratch = scratch;
        Ok(())
    }
}

/// Reads a key and the colon behind it, appends the key's canonical form to `out`, and refuses it if the
/// object has it already or if common servers refuse it. Returns the key's raw text, quotes included.
pub(super) fn read_key<'a>(
    cursor: &mut Cursor<'a>,
    members: &mut Members,
    keys: &mut Keys,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], JsonError> {
    if cursor.token() != Some(b'"') {
        return Err(cursor.malformed("a key in double quotes"));
    }
    let (from, start) = (cursor.at, out.len());
    cursor.write_string(out)?;
    let key = &out[start..];
    cursor.path.member(from, cursor.at, key == br#""constructor""#);
    if key == br#""__proto__""# || (key == br#""prototype""# && cursor.path.inside_constructor()) {
        return Err(cursor.fault_at(from, JsonErrorKind::UnsafeKey));
    }
    if !keys.add(members, out, start) {
        return Err(cursor.fault_at(from, JsonErrorKind::DuplicateKey));
    }
    let raw = &cursor.input[from..cursor.at];
    cursor.expect(b':', "`:`")?;
    Ok(raw)
}
