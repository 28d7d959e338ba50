//! Numbers as ECMAScript prints them, refused where a double would change an integer.

use super::cursor::Cursor;
use super::error::{JsonError, JsonErrorKind};

/// Each integer of at most this many digits is a double, and is printed as it is written.
const EXACT_DIGITS: usize = 15;

impl Cursor<'_> {
    /// Reads a number and appends what `JSON.stringify` prints for it.
    ///
    /// An integer token has to be held exactly, digit for digit; a number with a point or an exponent is
    /// rounded, for its sender has chosen floating point. So `18446744073709551616` is taken (it is 2^64, and
    /// prints as `18446744073709552000`, which is how every JavaScript receiver prints it) and
    /// `18446744073709552000` is not.
    pub(super) fn write_number(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let start = self.at;
        let whole = self.number_token()?;
        let token = &self.input[start..self.at];
        if whole && token.len() <= EXACT_DIGITS {
            out.extend_from_slice(if token == b"-0" { b"0" } else { token });
            return Ok(());
        }
        // Rust's parser rounds to the nearest double, as JSON.parse does. The token is ASCII, and JSON's
        // grammar is part of the parser's, so the only failure left is infinity.
        let parsed = std::str::from_utf8(token).ok().and_then(|token| token.parse().ok());
        let value: f64 = parsed
            .filter(|value: &f64| value.is_finite())
            .ok_or_else(|| self.fault_at(start, JsonErrorKind::NumberOverflow))?;
        if whole && format!("{value:.0}").as_bytes() != token {
            return Err(self.fault_at(start, JsonErrorKind::InexactInteger));
        }
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(value).as_bytes());
        Ok(())
    }

    /// Passes over a number; true if it has neither point nor exponent.
    fn number_token(&mut self) -> Result<bool, JsonError> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            whole = false;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(whole)
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let rest = &self.input[self.at..];
        match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => Err(self.malformed("a digit")),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }
}
