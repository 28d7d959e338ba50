//! The cases that the libraries of all languages share, in `vectors/sse.json`.

mod common;

use std::time::Duration;

use common::{parse, parse_split};
use cstar_sse::{Limits, Parsed};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    streams: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    stream: Option<String>,
    stream_hex: Option<String>,
    parsed: Vec<Said>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Event { event: Option<String>, data: String, id: String },
    Retry { retry_ms: u64 },
}

impl From<Said> for Parsed {
    fn from(said: Said) -> Self {
        match said {
            Said::Event { event, data, id } => Self::Event { event, data, id },
            Said::Retry { retry_ms } => Self::Retry(Duration::from_millis(retry_ms)),
        }
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// R2: the stream is read as the standard says, whole, byte by byte, and split in two at every place.
#[test]
fn streams_are_read_alike_however_they_are_split() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../../vectors/sse.json")).unwrap();
    for case in vectors.streams {
        let stream =
            case.stream.map(String::into_bytes).unwrap_or_else(|| from_hex(&case.stream_hex.unwrap()));
        let expected = Ok(case.parsed.into_iter().map(Parsed::from).collect::<Vec<_>>());
        let limits = Limits::default();
        assert_eq!(parse(limits, &stream), expected, "{}", case.name);
        assert_eq!(parse_split(limits, stream.chunks(1)), expected, "{}, byte by byte", case.name);
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(parse_split(limits, [first, second]), expected, "{}, split at {at}", case.name);
        }
    }
}
