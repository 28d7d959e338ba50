//! Lines to fields.

use std::time::Duration;

use memchr::memchr;

/// One line, read as the standard has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A blank line.
    End,
    Data(&'a [u8]),
    Event(&'a [u8]),
    Id(&'a [u8]),
    Retry(Duration),
    /// A comment, an unknown field, an id with a NUL, a time that is not all digits.
    Ignored,
}

impl<'a> Field<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        if line.is_empty() {
            return Self::End;
        }
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => Self::Data(value),
            b"event" => Self::Event(value),
            b"id" if !value.contains(&0) => Self::Id(value),
            b"retry" => milliseconds(value).map_or(Self::Ignored, Self::Retry),
            _ => Self::Ignored,
        }
    }
}

/// Digits alone; more than 64 bits hold is as long as can be said.
fn milliseconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let ms =
        value.iter().fold(0_u64, |ms, digit| ms.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(Duration::from_millis(ms))
}
