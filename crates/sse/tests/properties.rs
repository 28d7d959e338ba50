//! What holds for every stream.

mod common;

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use common::{parse, parse_split};
use cstar_sse::{Block, Control, Limits, ParseError, Parsed, Parser};
use proptest::prelude::*;

/// The standard's algorithm to the letter: decode, drop one byte order mark, cut the lines, take the fields. It needs the
/// whole stream, and is too slow for anything but to be compared with.
fn reference(stream: &[u8]) -> Vec<Parsed> {
    let decoded = String::from_utf8_lossy(stream);
    let text = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = unified.split('\n').collect();
    lines.pop(); // what no line break has ended

    let (mut said, mut data, mut event, mut id) = (Vec::new(), String::new(), String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            let name = Some(std::mem::take(&mut event)).filter(|name| !name.is_empty() && name != "message");
            let mut data = std::mem::take(&mut data);
            if data.pop().is_some() {
                said.push(Parsed::Event { event: name, data, id: id.clone() });
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                said.push(Parsed::Retry(Duration::from_millis(value.parse().unwrap_or(u64::MAX))));
            }
            _ => {}
        }
    }
    said
}

/// Streams that are mostly sense, with all that is hard in them.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\n\r\n"]).prop_map(|s| s.as_bytes().to_vec()),
        6 => prop::sample::select(vec!["data", "data:", "data: ", "id:", "id: 1.", "event: ", "event:cstar.gap", "retry:", ":", " "])
            .prop_map(|s| s.as_bytes().to_vec()),
        3 => "[a-z0-9 :{}\"…é世👋\u{feff}\0]{0,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn split(stream: &[u8], at: Vec<prop::sample::Index>) -> Vec<&[u8]> {
    let mut cuts: Vec<usize> = at.iter().map(|index| index.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// What can stand in a field on one line.
const ONE_LINE: &str = "[^\r\n\0]{0,40}";

proptest! {
    /// R2: what is read is what the standard says, and where the pieces are split does not matter.
    #[test]
    fn any_split_reads_as_the_standard_does(stream in streams(), at: Vec<prop::sample::Index>) {
        let expected = Ok(reference(&stream));
        prop_assert_eq!(&parse(Limits::default(), &stream), &expected);
        prop_assert_eq!(&parse_split(Limits::default(), split(&stream, at)), &expected);
        prop_assert_eq!(&parse_split(Limits::default(), stream.chunks(1)), &expected);
    }

    /// The limits too: the same events come before the same error.
    #[test]
    fn any_split_exceeds_the_limits_alike(
        stream in streams(),
        at: Vec<prop::sample::Index>,
        line_bytes in 0_usize..40,
        data_bytes in 0_usize..40,
    ) {
        let limits = Limits { line_bytes, data_bytes };
        let whole = parse(limits, &stream);
        prop_assert_eq!(&parse_split(limits, split(&stream, at)), &whole);
        prop_assert_eq!(&parse_split(limits, stream.chunks(1)), &whole);
    }

    #[test]
    fn any_bytes_are_read_without_panic(stream: Vec<u8>) {
        prop_assert_eq!(parse(Limits::default(), &stream), Ok(reference(&stream)));
    }

    /// What the server writes, the client reads.
    #[test]
    fn what_is_encoded_is_parsed_back(
        blocks in prop::collection::vec((prop::option::of(0..Control::ALL.len()), ONE_LINE, ONE_LINE, any::<Option<u32>>()), 0..8),
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for (control, id, data, retry_ms) in &blocks {
            let control = control.map(|index| Control::ALL[index]);
            let mut block = match control {
                Some(control) => Block::control(control, data.as_bytes()).with_id(id),
                None => Block::event(id, data.as_bytes()),
            };
            if let Some(ms) = *retry_ms {
                let retry = Duration::from_millis(ms.into());
                block = block.with_retry(retry);
                expected.push(Parsed::Retry(retry));
            }
            block.encode(&mut stream).unwrap();
            let event = control.map(|control| control.name().to_owned());
            expected.push(Parsed::Event { event, data: data.clone(), id: id.clone() });
        }
        prop_assert_eq!(parse(Limits::default(), &stream), Ok(expected));
    }

    /// A block cannot be made to hold another: one block in, one event out, or an error and nothing written.
    #[test]
    fn nothing_is_smuggled_into_a_block(id in "[a-z:\r\n\0 ]{0,12}", data in "[a-z:\r\n\0 ]{0,24}") {
        let mut stream = Vec::new();
        match Block::event(&id, data.as_bytes()).encode(&mut stream) {
            Ok(()) => prop_assert_eq!(
                parse(Limits::default(), &stream),
                Ok(vec![Parsed::Event { event: None, data, id }]),
            ),
            Err(_) => prop_assert!(stream.is_empty()),
        }
    }
}

/// A stream without a line end, or of data lines without a blank one, ends in an error at the limit, to the byte.
#[test]
fn what_is_held_is_bounded() {
    let limits = Limits { line_bytes: 8, data_bytes: 10 };
    assert!(parse(limits, b"data:abc\n\n").is_ok());
    assert_eq!(parse(limits, b"data:abcd"), Err((vec![], ParseError::LineTooLong { max_bytes: 8 })));
    assert_eq!(parse(limits, b":comment!"), Err((vec![], ParseError::LineTooLong { max_bytes: 8 })));

    let event = Parsed::Event { event: None, data: "abc\ndef\ngh".into(), id: String::new() };
    assert_eq!(parse(limits, b"data:abc\ndata:def\ndata:gh\n\n"), Ok(vec![event]));
    let (said, error) = parse(limits, b"data:a\n\ndata:abc\ndata:def\ndata:ghi\n\n").unwrap_err();
    assert_eq!((said.len(), error), (1, ParseError::EventTooLarge { max_bytes: 10 }));
    let endless = "data\n".repeat(100);
    assert_eq!(parse(limits, endless.as_bytes()), Err((vec![], ParseError::EventTooLarge { max_bytes: 10 })));
}

#[test]
fn a_parser_that_failed_stays_so() {
    let mut parser = Parser::new(Limits { line_bytes: 4, data_bytes: 4 });
    let error = parser.next(&mut &b"data:"[..]).unwrap_err();
    assert_eq!(parser.next(&mut &b"\n\n"[..]), Err(error));
    assert_eq!(parser.next(&mut &b""[..]), Err(error));
}

/// A reader that stops between two events loses nothing: the rest waits in its own buffer, here one of two parts.
#[test]
fn what_follows_an_event_is_left_in_the_input() {
    let mut input = Bytes::from_static(b"data:a\n\nda").chain(Bytes::from_static(b"ta:b\n\nrest"));
    let mut parser = Parser::new(Limits::default());
    let data = |parsed| match parsed {
        Ok(Some(Parsed::Event { data, .. })) => data,
        other => panic!("no event: {other:?}"),
    };
    assert_eq!(data(parser.next(&mut input)), "a");
    assert_eq!(input.remaining(), 12);
    assert_eq!(data(parser.next(&mut input)), "b");
    assert_eq!(input.remaining(), 4);
    assert_eq!(parser.next(&mut input), Ok(None));
    assert_eq!(input.remaining(), 0);
}
