//! What receivers do with what they get.

use std::time::Instant;

use crate::number::{self, Tally};
use crate::receiver::Sink;

/// Only lets it be counted.
pub(crate) struct Nothing;

impl Sink for Nothing {
    fn take(&mut self, _: &[u8]) {}
}

/// Holds each number to come once, and keeps one request to show.
pub(crate) struct EachOnce {
    pub(crate) tally: Tally,
    pub(crate) sample: Vec<u8>,
}

impl EachOnce {
    pub(crate) fn new(numbers: u64) -> Self {
        Self { tally: Tally::new(numbers), sample: Vec::new() }
    }
}

impl Sink for EachOnce {
    fn take(&mut self, request: &[u8]) {
        if let Some(number) = number_of(request) {
            self.tally.note(number);
        }
        if self.sample.is_empty() {
            self.sample = request.to_vec();
        }
    }
}

/// Notes when each number came first.
pub(crate) struct Arrivals {
    pub(crate) tally: Tally,
    pub(crate) at: Vec<Option<Instant>>,
}

impl Arrivals {
    pub(crate) fn new(numbers: u64) -> Self {
        Self { tally: Tally::new(numbers), at: vec![None; numbers as usize] }
    }
}

impl Sink for Arrivals {
    fn take(&mut self, request: &[u8]) {
        let now = Instant::now();
        let Some(number) = number_of(request) else { return };
        self.tally.note(number);
        if let Some(at) = self.at.get_mut(number as usize) {
            at.get_or_insert(now);
        }
    }
}

fn number_of(request: &[u8]) -> Option<u64> {
    let place = number::places(request).next()?;
    number::read(&request[place..])
}
