//! The keys that a store remembers, so that whoever shows one does not wait for a reading.

use std::collections::HashMap;

use cstar_types::{Key, KeyId, TeamId, Timestamp};
use parking_lot::Mutex;

use crate::KeyDigest;

/// As many keys are remembered; each takes a few hundred bytes.
const KEYS_MAX: usize = 50_000;
/// As many uses wait to be written; more are lost, which is no harm.
const USES_MAX: usize = 10_000;

/// Keys as they were last read, and uses that are not yet written.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<KeyId, (Key, KeyDigest)>,
    uses: HashMap<KeyId, Uses>,
    /// Rises with each change, so that what was read before a change is not remembered after it.
    changes: u64,
}

/// Uses of one key that are not yet written.
#[derive(Debug, Clone, Copy)]
struct Uses {
    /// What has waited longest is written first, or else a key in constant use would never have its turn.
    first: Timestamp,
    last: Timestamp,
}

impl KnownKeys {
    pub(crate) fn get(&self, key: KeyId) -> Option<(Key, KeyDigest)> {
        self.state.lock().known.get(&key).cloned()
    }

    /// How many changes there were; to be asked before the key is read.
    pub(crate) fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// Remembers what was read, unless something changed in between.
    pub(crate) fn remember(&self, changes: u64, mut key: Key, digest: KeyDigest) -> (Key, KeyDigest) {
        let mut state = self.state.lock();
        key.last_used_at = key.last_used_at.max(state.last_use(key.id));
        let known = (key, digest);
        if state.changes == changes {
            if state.known.len() >= KEYS_MAX {
                state.known.clear();
            }
            state.known.insert(known.0.id, known.clone());
        }
        known
    }

    /// Forgets all that was read: others may have changed it.
    #[cfg(feature = "postgres")]
    pub(crate) fn forget_all(&self) {
        let mut state = self.state.lock();
        state.changes += 1;
        state.known.clear();
    }

    /// Forgets what changed.
    pub(crate) fn forget(&self, keys: &[KeyId], teams: &[TeamId]) {
        if keys.is_empty() && teams.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        state.changes += 1;
        state.known.retain(|id, (key, _)| !keys.contains(id) && !teams.contains(&key.team));
    }

    /// Notes uses.
    pub(crate) fn touch(&self, uses: Vec<(KeyId, Timestamp)>) {
        let mut state = self.state.lock();
        for (key, at) in uses {
            if let Some((known, _)) = state.known.get_mut(&key) {
                known.last_used_at = known.last_used_at.max(Some(at));
            }
            if state.uses.len() < USES_MAX || state.uses.contains_key(&key) {
                let uses = state.uses.entry(key).or_insert(Uses { first: at, last: at });
                uses.last = at.max(uses.last);
            }
        }
    }

    /// The key with its last use, written or not.
    pub(crate) fn with_last_use(&self, mut key: Key) -> Key {
        key.last_used_at = key.last_used_at.max(self.state.lock().last_use(key.id));
        key
    }

    /// How many keys have uses that wait to be written.
    pub(crate) fn uses_waiting(&self) -> usize {
        self.state.lock().uses.len()
    }

    /// The last uses of at most so many keys, those first that have waited longest.
    pub(crate) fn uses(&self, limit: usize) -> HashMap<KeyId, Timestamp> {
        let mut waiting: Vec<(KeyId, Uses)> =
            self.state.lock().uses.iter().map(|(key, uses)| (*key, *uses)).collect();
        waiting.sort_unstable_by_key(|(_, uses)| uses.first);
        waiting.into_iter().take(limit).map(|(key, uses)| (key, uses.last)).collect()
    }

    /// These uses are written; later ones of the same keys go on waiting.
    pub(crate) fn written(&self, written: &HashMap<KeyId, Timestamp>) {
        self.state.lock().uses.retain(|key, uses| match written.get(key) {
            Some(at) if uses.last == *at => false,
            Some(_) => {
                uses.first = uses.last;
                true
            }
            None => true,
        });
    }
}

impl State {
    fn last_use(&self, key: KeyId) -> Option<Timestamp> {
        self.uses.get(&key).map(|uses| uses.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_constant_use_has_its_turn() {
        let known = KnownKeys::default();
        let [busy, other] = [1, 2].map(KeyId::from_bits);
        let at = Timestamp::from_millis;
        known.touch(vec![(busy, at(1)), (other, at(2)), (busy, at(3))]);
        let first = known.uses(1);
        assert_eq!(first, HashMap::from([(busy, at(3))]));
        known.touch(vec![(busy, at(4))]);
        known.written(&first);
        assert_eq!(known.uses(1), HashMap::from([(other, at(2))]), "the other had waited longer by then");
        known.written(&known.uses(2));
        assert_eq!(known.uses_waiting(), 0);
    }
}
