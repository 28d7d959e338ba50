//! Where the body of an answer ends (RFC 9112, sections 6 and 7).

/// How the rest of a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, or it has ended.
    None,
    /// So many bytes are left.
    Length(u64),
    Chunked(Chunked),
    /// The end of the connection is its end.
    UntilClose,
}

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    /// In the digits of a chunk's size; `None` before the first.
    Size(Option<u64>),
    /// Behind them: extensions say nothing to us.
    Extension(u64),
    /// The line's end.
    SizeEnd(u64),
    /// In its data, of which so many bytes are left.
    Data(u64),
    /// Behind the data.
    DataReturn,
    DataEnd,
    /// At the beginning of a line of the trailer, which says nothing to us either.
    Line,
    /// Within one.
    Trailer,
    /// At its end.
    TrailerEnd,
    /// At the end of the empty line, and of the body.
    End,
}

/// A body that does not keep to its framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Garbled;

impl Framing {
    pub(super) const fn of_length(length: u64) -> Self {
        if length == 0 { Self::None } else { Self::Length(length) }
    }

    pub(super) const fn chunked() -> Self {
        Self::Chunked(Chunked::Size(None))
    }

    /// Whether the body has come whole.
    pub(super) fn has_ended(self) -> bool {
        self == Self::None
    }

    /// Takes from the front of `bytes`, some of which belong to the body if any are left of it: how many were taken,
    /// and what of them is data.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, &'a [u8]), Garbled> {
        let all = |data: &'a [u8]| Ok((data.len(), data));
        match self {
            Self::None => Ok((0, &[])),
            Self::UntilClose => all(bytes),
            Self::Length(left) => {
                let data = front(bytes, *left);
                *self = Self::of_length(*left - data.len() as u64);
                all(data)
            }
            Self::Chunked(Chunked::Data(left)) => {
                let data = front(bytes, *left);
                let left = *left - data.len() as u64;
                *self = Self::Chunked(if left == 0 { Chunked::DataReturn } else { Chunked::Data(left) });
                all(data)
            }
            Self::Chunked(state) => {
                let Some(byte) = bytes.first() else { return Ok((0, &[])) };
                *self = state.after(*byte)?.map_or(Self::None, Self::Chunked);
                Ok((1, &[]))
            }
        }
    }
}

impl Chunked {
    /// Where the byte leads that is no data; `None` to the end of the body.
    fn after(self, byte: u8) -> Result<Option<Self>, Garbled> {
        Ok(Some(match (self, byte) {
            (Self::Size(Some(size)), b'\r') => Self::SizeEnd(size),
            (Self::Size(Some(size)), b';' | b' ' | b'\t') => Self::Extension(size),
            (Self::Size(size), digit) => {
                let digit = char::from(digit).to_digit(16).ok_or(Garbled)?;
                let size = size.unwrap_or(0).checked_mul(16).ok_or(Garbled)?;
                Self::Size(Some(size + u64::from(digit)))
            }
            (Self::Extension(size), b'\r') => Self::SizeEnd(size),
            (Self::Extension(_), b'\n') => return Err(Garbled),
            (Self::Extension(size), _) => Self::Extension(size),
            (Self::SizeEnd(0), b'\n') => Self::Line,
            (Self::SizeEnd(size), b'\n') => Self::Data(size),
            (Self::DataReturn, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size(None),
            (Self::Line, b'\r') => Self::End,
            (Self::Trailer, b'\r') => Self::TrailerEnd,
            (Self::Line | Self::Trailer, b'\n') => return Err(Garbled),
            (Self::Line | Self::Trailer, _) => Self::Trailer,
            (Self::TrailerEnd, b'\n') => Self::Line,
            (Self::End, b'\n') => return Ok(None),
            _ => return Err(Garbled),
        }))
    }
}

fn front(bytes: &[u8], length: u64) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    &bytes[..bytes.len().min(length)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is data of these pieces, how many bytes are left over, and whether the body has ended.
    fn read(mut framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, usize, bool), Garbled> {
        let (mut data, mut left) = (Vec::new(), 0);
        for piece in pieces {
            let mut piece = *piece;
            while !framing.has_ended() && !piece.is_empty() {
                let (taken, some) = framing.take(piece)?;
                data.extend_from_slice(some);
                piece = &piece[taken..];
            }
            left += piece.len();
        }
        Ok((data, left, framing.has_ended()))
    }

    #[track_caller]
    fn check(framing: Framing, text: &str, data: &str, left: usize, ended: bool) {
        assert_eq!(read(framing, &[text.as_bytes()]), Ok((data.into(), left, ended)), "{text:?}");
    }

    #[test]
    fn a_body_ends_where_it_says() {
        check(Framing::of_length(0), "HTTP", "", 4, true);
        check(Framing::of_length(3), "abcHTTP", "abc", 4, true);
        check(Framing::of_length(3), "ab", "ab", 0, false);
        check(Framing::of_length(u64::MAX), "ab", "ab", 0, false);
        check(Framing::UntilClose, "abc", "abc", 0, false);
    }

    #[test]
    fn chunks_are_joined() {
        for (text, data, left, ended) in [
            ("0\r\n\r\nHTTP", "", 4, true),
            ("3\r\nabc\r\n0\r\n\r\n", "abc", 0, true),
            ("3;name=value\r\nabc\r\n00A \r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\nH", "abc0123456789", 1, true),
            ("3\r\nab", "ab", 0, false),
            ("3\r\nabc\r\n0\r\nx-sum: 1\r\n", "abc", 0, false),
            ("ffffffffffffffff\r\nabc", "abc", 0, false),
        ] {
            check(Framing::chunked(), text, data, left, ended);
        }
    }

    #[test]
    fn what_are_no_chunks_is_found() {
        for text in [
            "\r\n",
            ";\r\n",
            "-1\r\n",
            "x\r\n",
            "3\nabc",
            "3;a\nabc",
            "3\rabc",
            "3\r\nabcd",
            "3\r\nabc\n",
            "0\r\n\n",
            "0\r\nx-sum: 1\n",
            "0\r\n\rx",
            "10000000000000000\r\n",
        ] {
            assert_eq!(read(Framing::chunked(), &[text.as_bytes()]), Err(Garbled), "{text:?}");
        }
    }

    proptest! {
        /// Wherever the network cuts it, a body reads the same.
        #[test]
        fn a_cut_changes_nothing(
            chunks in proptest::collection::vec("[a-z\r\n]{1,20}", 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut text: String =
                chunks.iter().map(|chunk| format!("{:x};a=b\r\n{chunk}\r\n", chunk.len())).collect();
            text += "0\r\nx-a: b\r\n\r\nHTTP";
            let (one, two) = text.as_bytes().split_at(cut.index(text.len()));
            let expected = (chunks.concat().into_bytes(), 4, true);
            prop_assert_eq!(read(Framing::chunked(), &[one, two]), Ok(expected));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(Framing::chunked(), &[&bytes]);
        }
    }
}
