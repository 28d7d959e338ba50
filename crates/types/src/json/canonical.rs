//! Writing what is read in the one form that survives a round trip through JavaScript (T1).

use super::error::{JsonError, JsonErrorKind};
use super::keys::Keys;
use super::reader::{Reader, read_key};

/// How far arrays and objects may be nested (T1): no event needs more, and readers that recurse, this one
/// included, need a bound.
pub const MAX_DEPTH: usize = 64;

/// What a value may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The deepest level of arrays and objects, the value itself being the first; at most [`MAX_DEPTH`] is
    /// heeded.
    pub depth: usize,
    /// The longest canonical form, in bytes. Reading stops soon after it is passed, so it bounds the memory
    /// too.
    pub len: usize,
}

impl Default for Limits {
    /// As deep as [`MAX_DEPTH`], of any length.
    fn default() -> Self {
        Self { depth: MAX_DEPTH, len: usize::MAX }
    }
}

/// Appends the canonical form of the JSON text `input` to `out`, which is left as it was if the text is
/// refused.
///
/// # Errors
/// The first fault in reading order: the text is not well-formed, has no canonical form, or passes `limits`.
pub fn canonicalize(input: &[u8], out: &mut Vec<u8>, limits: Limits) -> Result<(), JsonError> {
    let start = out.len();
    let mut reader = Reader::new(input);
    reader.canonical(out, limits)?;
    reader.end().inspect_err(|_| out.truncate(start))
}

/// What is left of the [`Limits`] at a value.
#[derive(Clone, Copy)]
struct Room {
    limits: Limits,
    /// Levels that are open around the value.
    level: usize,
    /// Where in `out` the outermost value begins.
    start: usize,
}

impl Reader<'_> {
    /// Reads a value and appends its canonical form to `out`, which is left as it was if the value is
    /// refused.
    ///
    /// # Errors
    /// The first fault in reading order: the text is not well-formed, has no canonical form, or passes
    /// `limits`.
    pub fn canonical(&mut self, out: &mut Vec<u8>, limits: Limits) -> Result<(), JsonError> {
        let limits = Limits { depth: limits.depth.min(MAX_DEPTH), ..limits };
        let start = out.len();
        self.write_value(out, Room { limits, level: 0, start }).inspect_err(|_| out.truncate(start))
    }

    fn write_value(&mut self, out: &mut Vec<u8>, room: Room) -> Result<(), JsonError> {
        match self.cursor.token() {
            Some(b'{') => self.write_object(out, self.enter(room)?)?,
            Some(b'[') => self.write_array(out, self.enter(room)?)?,
            Some(b'"') => self.cursor.write_string(out)?,
            Some(b'-' | b'0'..=b'9') => self.cursor.write_number(out)?,
            Some(b't') => out.extend_from_slice(self.cursor.word("true")?.as_bytes()),
            Some(b'f') => out.extend_from_slice(self.cursor.word("false")?.as_bytes()),
            Some(b'n') => out.extend_from_slice(self.cursor.word("null")?.as_bytes()),
            _ => return Err(self.cursor.malformed("a value")),
        }
        let limit = room.limits.len;
        if out.len() - room.start > limit {
            self.cursor.path.leave(room.level); // what is too long is the outermost value
            return Err(self.cursor.fault(JsonErrorKind::TooLong { limit }));
        }
        Ok(())
    }

    fn enter(&self, room: Room) -> Result<Room, JsonError> {
        let limit = room.limits.depth;
        if room.level == limit {
            return Err(self.cursor.fault(JsonErrorKind::TooDeep { limit }));
        }
        Ok(Room { level: room.level + 1, ..room })
    }

    fn write_object(&mut self, out: &mut Vec<u8>, room: Room) -> Result<(), JsonError> {
        let mut keys = Keys::open(&self.members);
        out.push(b'{');
        let mut more = self.cursor.open(b'}');
        while more {
            read_key(&mut self.cursor, &mut self.members, &mut keys, out)?;
            out.push(b':');
            self.write_value(out, room)?;
            more = self.cursor.more(b'}')?;
            if more {
                out.push(b',');
            }
        }
        self.cursor.path.close();
        keys.arrange(&mut self.members, out);
        out.push(b'}');
        Ok(())
    }

    fn write_array(&mut self, out: &mut Vec<u8>, room: Room) -> Result<(), JsonError> {
        out.push(b'[');
        let mut more = self.cursor.open(b']');
        let mut index = 0;
        while more {
            self.cursor.path.element(index);
            self.write_value(out, room)?;
            more = self.cursor.more(b']')?;
            if more {
                out.push(b',');
            }
            index += 1;
        }
        self.cursor.path.close();
        out.push(b']');
        Ok(())
    }
}
