//! An event's way to the streams of its team.

use std::hint::black_box;
use std::sync::Arc;

use cstar_sse::Block;
use cstar_types::{Entry, Position};

use crate::ring::Ring;
use crate::run;
use crate::{Case, Run, given};

/// A ring of some length: finding a place in it is part of the work.
const HELD: u64 = 1000;
/// The bytes of a cache line.
const PLACES: usize = 64;

pub(crate) fn cases() -> Vec<Case> {
    vec![("sse_encode", sse_encode), ("ring_append_read", ring_append_read)]
}

/// Frames of an event that lies at each place of a cache line: copying and searching take a step more or less by where a buffer
/// happens to lie.
fn sse_encode() -> Run {
    let body = given::event().body;
    let placed: Vec<Vec<u8>> = (0..PLACES).map(|place| [&vec![b' '; place][..], &body].concat()).collect();
    let mut out = Vec::with_capacity(2 * PLACES * body.len());
    Box::new(move || {
        out.clear();
        for (place, placed) in placed.iter().enumerate() {
            let frame = Block::event("1.123456", black_box(&placed[place..]));
            frame.encode(&mut out).expect("canonical JSON is one line");
        }
        black_box(&out);
    })
}

/// A commit of one event is encoded and appended, one reader takes it, and the oldest is given up.
fn ring_append_read() -> Run {
    let event = given::event();
    let mut seq = 0;
    let mut append = move |ring: &mut Ring| {
        seq += 1;
        let entry = Entry { position: Position::new(1, seq), event: event.clone() };
        let run = run::Run::encode(&[entry]).expect("canonical JSON is one line");
        ring.push(Arc::new(run.expect("there is an entry")));
        seq
    };
    let mut ring = Ring::default();
    for _ in 0..HELD {
        append(&mut ring);
    }
    Box::new(move || {
        let seq = append(&mut ring);
        let runs = ring.runs_after(black_box(seq - 1), usize::MAX);
        assert!(runs.len() == 1, "the ring holds what was just appended");
        drop(black_box(runs));
        ring.evict();
    })
}
