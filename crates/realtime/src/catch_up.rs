//! Finding out in the store what the tail did not tell.

use std::collections::BTreeSet;
use std::sync::Arc;

use cstar_store::{LogEnds, StoreError};
use cstar_types::KeyId;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, iter};

use crate::Hub;
use crate::feed::Feed;

/// Questions to the store at once. The streams that fell behind read it at the same time.
const QUESTIONS_AT_ONCE: usize = 4;

/// What the store says of a key or of a team.
pub(crate) enum Finding {
    /// A key that opens streams as it did.
    KeyStands,
    /// It was revoked.
    KeyRevoked(KeyId),
    /// How far a team's log reaches.
    LogReaches(Arc<Feed>, LogEnds),
    /// The team was deleted.
    TeamDeleted(Arc<Feed>),
}

/// What the store says of each key and each team that has open streams: keys first, as a stream that should be gone is
/// worse than one that waits. Streams that are opened later ask for themselves.
pub(crate) fn findings(hub: &Hub) -> BoxStream<'_, Result<Finding, StoreError>> {
    let feeds = hub.feeds();
    let keys: BTreeSet<KeyId> = feeds.iter().flat_map(|feed| feed.keys()).collect();
    let of_keys = iter(keys).map(|key| of_key(hub, key)).buffer_unordered(QUESTIONS_AT_ONCE);
    let of_logs = iter(feeds).map(|feed| of_log(hub, feed)).buffer_unordered(QUESTIONS_AT_ONCE);
    of_keys.chain(of_logs).boxed()
}

async fn of_key(hub: &Hub, key: KeyId) -> Result<Finding, StoreError> {
    Ok(if hub.key_stands(key).await? { Finding::KeyStands } else { Finding::KeyRevoked(key) })
}

async fn of_log(hub: &Hub, feed: Arc<Feed>) -> Result<Finding, StoreError> {
    match hub.store.ends(feed.team).await {
        Ok(ends) => Ok(Finding::LogReaches(feed, ends)),
        Err(StoreError::NotFound) => Ok(Finding::TeamDeleted(feed)),
        Err(error) => Err(error),
    }
}
