//! Reading streams that are at hand.

use cstar_sse::{Limits, ParseError, Parsed, Parser};

/// All that a stream says which arrives in `pieces`.
pub(crate) fn parse_split<'a>(
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Parsed>, (Vec<Parsed>, ParseError)> {
    let mut parser = Parser::new(limits);
    let mut said = Vec::new();
    for mut piece in pieces {
        loop {
            match parser.next(&mut piece) {
                Ok(Some(parsed)) => said.push(parsed),
                Ok(None) => break,
                Err(error) => return Err((said, error)),
            }
        }
        assert!(piece.is_empty(), "the parser left {} bytes", piece.len());
    }
    Ok(said)
}

/// All that a stream says which arrives at once.
pub(crate) fn parse(limits: Limits, stream: &[u8]) -> Result<Vec<Parsed>, (Vec<Parsed>, ParseError)> {
    parse_split(limits, [stream])
}
