//! A read of the store, for what no ring holds.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use cstar_store::{LogEnds, SliceLimit, StoreError};
use tokio::task::{JoinError, JoinHandle};

use crate::Hub;
use crate::feed::Feed;
use crate::run::{Run, RunError};

/// A read under way. Dropping it gives it up.
///
/// It is a task of its own, for as long as it takes: streams take turns at the store, and a turn that falls to a
/// connection which nobody polls at the moment, because its peer reads nothing, would be lost to all others.
#[derive(Debug)]
pub(crate) struct Reading(JoinHandle<Result<Found, ReadError>>);

/// What a read brought.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is in the ring meanwhile.
    InRing,
    /// This, from the store.
    InStore { run: Option<Arc<Run>>, ends: LogEnds },
}

/// Why a stream cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("the read was not finished: {0}")]
    Unfinished(#[from] JoinError),
}

impl Reading {
    /// Reads what lies behind `after`. Nothing of the store is held while a connection is slow: a read is one call, and
    /// its result one batch.
    pub(crate) fn start(hub: Arc<Hub>, feed: Arc<Feed>, after: u64) -> Self {
        Self(tokio::spawn(async move {
            let _turn = hub.reads.acquire().await; // never closed
            if feed.holds(after + 1) {
                return Ok(Found::InRing); // another stream has read it while this one waited for its turn
            }
            hub.tally.reads.add(1);
            let limit = SliceLimit { entries: hub.options.read_entries, bytes: hub.options.batch_bytes };
            let erasures = feed.erasures();
            let slice = hub.store.read(feed.team, after, limit).await?;
            feed.learn(slice.ends);
            let run = Run::encode(&slice.entries)?.map(Arc::new);
            if let Some(run) = &run {
                feed.keep(run, erasures);
                hub.evict();
            }
            Ok(Found::InStore { run, ends: slice.ends })
        }))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Found, ReadError>> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined?)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}
