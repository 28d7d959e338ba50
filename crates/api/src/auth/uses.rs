//! When keys were last used, told to the store once a minute at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::Store;
use cstar_types::{KeyId, Timestamp};
use parking_lot::Mutex;

/// The last use is shown to the minute, so telling it more often would be writes for nothing.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Uses that the store has not been told: those since it was told last. They are lost at a stop, which is no harm.
#[derive(Debug, Default)]
pub(crate) struct KeyUses(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    uses: HashMap<KeyId, Timestamp>,
    told_at: Option<Timestamp>,
}

impl KeyUses {
    /// Notes a use; the first one after a minute takes along what waits.
    pub(crate) fn note(&self, store: &Arc<dyn Store>, key: KeyId, now: Timestamp) {
        let Some(uses) = self.0.lock().note(key, to_the_minute(now)) else { return };
        let store = Arc::clone(store);
        tokio::spawn(async move {
            if let Err(error) = store.touch_keys(uses).await {
                tracing::debug!(%error, "the last use of some keys was not noted");
            }
        });
    }

    /// The last use of a key, of what the store has not been told yet.
    pub(crate) fn of(&self, key: KeyId) -> Option<Timestamp> {
        self.0.lock().uses.get(&key).copied()
    }
}

fn to_the_minute(at: Timestamp) -> Timestamp {
    const MINUTE_MS: i64 = 60_000;
    Timestamp::from_millis(at.as_millis() / MINUTE_MS * MINUTE_MS)
}

impl Waiting {
    /// Pure: what to tell the store now, if it is time.
    fn note(&mut self, key: KeyId, now: Timestamp) -> Option<Vec<(KeyId, Timestamp)>> {
        self.uses.insert(key, now);
        // A clock that jumped back is no reason to wait for it.
        let waited = self.told_at.is_none_or(|told_at| now < told_at || now.since(told_at) >= TELL_EVERY);
        waited.then(|| {
            self.told_at = Some(now);
            self.uses.drain().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_told_together_once_a_minute() {
        let (a, b) = (KeyId::from_bits(1), KeyId::from_bits(2));
        let at = |seconds: i64| Timestamp::from_millis(1_000_000 + seconds * 1000);
        let mut waiting = Waiting::default();
        assert_eq!(waiting.note(a, at(0)), Some(vec![(a, at(0))]));
        assert_eq!(waiting.note(a, at(1)), None);
        assert_eq!(waiting.note(b, at(2)), None);
        assert_eq!(waiting.note(b, at(59)), None);
        let mut told = waiting.note(b, at(60)).unwrap();
        told.sort();
        assert_eq!(told, [(a, at(1)), (b, at(60))]);
        assert!(waiting.note(a, at(-500)).is_some(), "the clock jumped back");
    }
}
