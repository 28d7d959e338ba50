//! Bytes to lines.

use std::borrow::Cow;
use std::mem;

use memchr::memchr2;

use crate::ParseError;

/// Cuts a stream into lines, which end with CR, LF or CRLF, at whatever byte its pieces are split.
///
/// Each byte is looked at once: a line that lies whole in one piece is borrowed from it, and only one that spans pieces
/// is gathered. The line is bounded, and so is what is gathered.
///
/// Lines are bytes. Cutting before decoding is the same as the standard's decoding before cutting, because in UTF-8 no
/// other character, and no malformed one, contains a CR or an LF.
#[derive(Debug)]
pub(crate) struct Lines {
    begun: Vec<u8>,
    after_cr: bool,
    at_start: bool,
    max_bytes: usize,
}

/// What became of a piece.
pub(crate) struct Cut<'a> {
    /// `None` when no line ends in it.
    pub(crate) line: Option<Cow<'a, [u8]>>,
    /// How much of it is done with.
    pub(crate) used_bytes: usize,
}

impl Lines {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { begun: Vec::new(), after_cr: false, at_start: true, max_bytes }
    }

    /// Takes the first line that ends in `piece`.
    pub(crate) fn cut<'a>(&mut self, piece: &'a [u8]) -> Result<Cut<'a>, ParseError> {
        let skipped = self.skip_lf(piece);
        let rest = &piece[skipped..];
        let end = memchr2(b'\r', b'\n', rest);
        let part = &rest[..end.unwrap_or(rest.len())];
        if self.begun.len() + part.len() > self.max_bytes {
            return Err(ParseError::LineTooLong { max_bytes: self.max_bytes });
        }
        let Some(end) = end else {
            self.begun.extend_from_slice(part);
            return Ok(Cut { line: None, used_bytes: piece.len() });
        };
        // A line ends at its CR; should an LF follow, in this piece or the next, it belongs to it.
        self.after_cr = rest[end] == b'\r';
        Ok(Cut { line: Some(self.finish(part)), used_bytes: skipped + end + 1 })
    }

    /// How many bytes at the start of `piece` belong to the line before: the LF of a CRLF, or none.
    fn skip_lf(&mut self, piece: &[u8]) -> usize {
        match piece.first() {
            Some(first) => usize::from(mem::take(&mut self.after_cr) && *first == b'\n'),
            None => 0,
        }
    }

    fn finish<'a>(&mut self, part: &'a [u8]) -> Cow<'a, [u8]> {
        let mut line = if self.begun.is_empty() {
            Cow::Borrowed(part)
        } else {
            let mut begun = mem::take(&mut self.begun);
            begun.extend_from_slice(part);
            Cow::Owned(begun)
        };
        // The byte order mark holds no line break, so it lies whole in the first line.
        if mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
            line = Cow::Owned(line[3..].to_vec());
        }
        line
    }
}
