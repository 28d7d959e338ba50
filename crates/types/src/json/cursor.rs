//! The place in the text up to which it has been read: the smallest steps, and faults that name the place.

use super::error::{Found, JsonError, JsonErrorKind};
use super::path::Path;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) input: &'a [u8],
    /// Everything before this byte has been read and is well-formed.
    pub(super) at: usize,
    pub(super) path: Path,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, path: Path::default() }
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Passes over white space to the first byte of the next token.
    pub(super) fn token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Reads `byte` if it stands here.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let here = self.byte() == Some(byte);
        self.at += usize::from(here);
        here
    }

    /// Reads the next token, which has to be `byte`.
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        self.token();
        if self.take(byte) { Ok(()) } else { Err(self.malformed(expected)) }
    }

    /// Reads `word`, of which the first byte is known to stand here.
    pub(super) fn word(&mut self, word: &'static str) -> Result<&'static str, JsonError> {
        for &byte in word.as_bytes() {
            if !self.take(byte) {
                return Err(self.malformed(word));
            }
        }
        Ok(word)
    }

    /// Enters the container whose bracket stands here; true if it is not empty.
    pub(super) fn open(&mut self, close: u8) -> bool {
        self.at += 1;
        self.path.open();
        self.token();
        !self.take(close)
    }

    /// After a member or an element: true if another follows, false if the container has ended.
    pub(super) fn more(&mut self, close: u8) -> Result<bool, JsonError> {
        self.path.between();
        match self.token() {
            Some(b',') => self.at += 1,
            Some(byte) if byte == close => {
                self.at += 1;
                return Ok(false);
            }
            _ if close == b'}' => return Err(self.malformed("`,` or `}`")),
            _ => return Err(self.malformed("`,` or `]`")),
        }
        Ok(true)
    }

    pub(super) fn malformed(&self, expected: &'static str) -> JsonError {
        if self.at == 0 && self.input.starts_with(BYTE_ORDER_MARK) {
            return self.fault(JsonErrorKind::ByteOrderMark);
        }
        self.fault(JsonErrorKind::Malformed { expected, found: Found(self.byte()) })
    }

    pub(super) fn fault(&self, kind: JsonErrorKind) -> JsonError {
        self.fault_at(self.at, kind)
    }

    pub(super) fn fault_at(&self, offset: usize, kind: JsonErrorKind) -> JsonError {
        JsonError::new(kind, self.path.pointer(self.input), offset)
    }
}
