//! Strings: read to their value, or written with only the escapes that `JSON.stringify` writes.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::error::{JsonError, JsonErrorKind};
use super::scan::plain_len;

/// A part of a string between its quotes.
enum Piece<'a> {
    /// Characters that stand for themselves, in the text as in its canonical form.
    Plain(&'a str),
    /// What one escape stands for, or a pair of them.
    Escaped(char),
    End,
}

impl<'a> Cursor<'a> {
    /// Reads a string and appends its canonical form, quotes included.
    pub(super) fn write_string(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        self.at += 1;
        out.push(b'"');
        loop {
            match self.piece()? {
                Piece::Plain(run) => out.extend_from_slice(run.as_bytes()),
                Piece::Escaped(char) => write_char(out, char),
                Piece::End => break,
            }
        }
        out.push(b'"');
        Ok(())
    }

    /// Reads a string to its value; borrowed where the text has no escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let mut value = Cow::Borrowed("");
        loop {
            match self.piece()? {
                Piece::Plain(run) if value.is_empty() => value = Cow::Borrowed(run),
                Piece::Plain(run) => value.to_mut().push_str(run),
                Piece::Escaped(char) => value.to_mut().push(char),
                Piece::End => return Ok(value),
            }
        }
    }

    fn piece(&mut self) -> Result<Piece<'a>, JsonError> {
        match self.byte() {
            Some(b'"') => {
                self.at += 1;
                Ok(Piece::End)
            }
            Some(b'\\') => self.escape().map(Piece::Escaped),
            Some(0..0x20) => Err(self.malformed("an escape for a control character")),
            Some(_) => self.plain().map(Piece::Plain),
            None => Err(self.malformed("the closing quote of a string")),
        }
    }

    fn plain(&mut self) -> Result<&'a str, JsonError> {
        let rest = &self.input[self.at..];
        let run = &rest[..plain_len(rest)];
        let run = std::str::from_utf8(run)
            .map_err(|error| self.fault_at(self.at + error.valid_up_to(), JsonErrorKind::InvalidUtf8))?;
        self.at += run.len();
        Ok(run)
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let char = match self.byte() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.malformed("one of `\"\\/bfnrtu` after a backslash")),
        };
        self.at += 1;
        Ok(char)
    }

    /// Reads from the `u` of `\uXXXX`, and a second escape where the first is the high half of a pair.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let start = self.at - 1;
        let first = self.hex()?;
        let pair = if matches!(first, 0xd800..0xdc00) && self.take(b'\\') {
            if self.byte() == Some(b'u') { [first, self.hex()?] } else { [first, 0] }
        } else {
            [first, 0]
        };
        match char::decode_utf16(pair).next() {
            Some(Ok(char)) => Ok(char),
            _ => Err(self.fault_at(start, JsonErrorKind::LoneSurrogate)),
        }
    }

    /// Reads a `u` and the four hexadecimal digits behind it.
    fn hex(&mut self) -> Result<u16, JsonError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.malformed("four hexadecimal digits after `\\u`"))?;
            unit = unit * 16 + digit as u16;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// Writes a character that the text escaped; most need no escape.
fn write_char(out: &mut Vec<u8>, char: char) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match char {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\0'..'\u{20}' => {
            let code = char as usize;
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[code >> 4], HEX[code & 15]]);
        }
        _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
