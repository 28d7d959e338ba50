//! The parser of the event stream: any bytes, cut anywhere, say the same; what the encoder writes is read back.
#![no_main]

use std::time::Duration;

use bytes::BufMut;
use cstar_sse::{Block, Control, Limits, ParseError, Parsed, Parser};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { line_bytes: 300, data_bytes: 900 };

fn read(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> (Vec<Parsed>, Option<ParseError>) {
    let mut parser = Parser::new(LIMITS);
    let mut said = Vec::new();
    for piece in pieces {
        let mut piece = piece.as_ref();
        loop {
            match parser.next(&mut piece) {
                Ok(Some(parsed)) => said.push(parsed),
                Ok(None) => break assert!(piece.is_empty(), "it reads all that it is given"),
                Err(error) => {
                    assert_eq!(parser.next(&mut piece), Err(error), "an error stays");
                    return (said, Some(error));
                }
            }
        }
    }
    (said, None)
}

fuzz_target!(|input: (&[u8], Vec<u8>, &str, &[u8])| {
    let (stream, cuts, id, data) = input;
    let whole = read([stream]);
    assert_eq!(read(stream.chunks(1)), whole, "a byte at a time");
    let mut pieces = Vec::new();
    let mut rest = stream;
    for cut in cuts {
        let (piece, left) = rest.split_at(usize::from(cut).min(rest.len()));
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    assert_eq!(read(pieces), whole, "cut anywhere");

    for (block, name) in
        [(Block::event(id, data), None), (Block::control(Control::Gap, data).with_id(id), Some("cstar.gap"))]
    {
        let mut written = Vec::new();
        written.put_slice(b": before\n\n");
        let before = written.len();
        if block.with_retry(Duration::from_millis(7)).encode(&mut written).is_err() {
            assert_eq!(written.len(), before, "a refusal writes nothing");
            continue;
        }
        let mut parser = Parser::new(Limits::default());
        let mut rest = &written[..];
        assert_eq!(parser.next(&mut rest), Ok(Some(Parsed::Retry(Duration::from_millis(7)))));
        let event = Parsed::Event {
            event: name.map(str::to_owned),
            data: String::from_utf8_lossy(data).into_owned(),
            id: id.to_owned(),
        };
        assert_eq!(parser.next(&mut rest), Ok(Some(event)), "one block says one thing");
        assert_eq!(parser.next(&mut rest), Ok(None));
    }
});
