//! `sync`: what one sync of this disk costs.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::Failure;
use crate::server::Place;

const SYNCS: usize = 500;

/// The times of a sync, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Sync {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// A page appended and `fdatasync`, one after the other.
pub(crate) fn measure(place: &Place) -> Result<Sync, Failure> {
    let directory = place.directory()?;
    let mut file = File::create(directory.path().join("sync"))?;
    let mut times = Histogram::<u64>::new(3)?;
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.record(began.elapsed().as_micros() as u64)?;
    }
    let ms = |quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(Sync { p50_ms: ms(0.5), p99_ms: ms(0.99) })
}
