//! Making, using and revoking keys.

use std::collections::HashMap;

use cstar_types::{AuditAction, Key, KeyId, TeamId, Timestamp};
use parking_lot::Mutex;

use super::fault::Fault;
use super::key_rows::KeyRow;
use super::tx::Tx;
use crate::{Change, KeyDigest, StoreError};

/// Stores a key.
pub(super) fn create(tx: &mut Tx<'_>, key: &Key, digest: &KeyDigest) -> Result<(), Fault> {
    let look = tx.look();
    let team = look.team(key.team)?;
    let taken = look
        .conn
        .prepare_cached("SELECT 1 FROM keys WHERE id = ?1")?
        .exists([key.id.bits().to_be_bytes()])?;
    if taken {
        return Err(StoreError::Conflict("the key's id is taken").into());
    }
    if let Some(maker) = key.maker {
        let maker = look.key(maker)?.map(|row| row.key);
        let alive = maker.filter(|maker| maker.team == key.team && maker.revoked_at.is_none());
        alive.ok_or(StoreError::NotFound)?;
    }
    KeyRow { team_number: team.number, key: key.clone(), digest: *digest }.save(look)?;
    tx.record(AuditAction::KeyCreated, Some(key.team), key.id)
}

/// Revokes a key for good, and those that die with it (SEC-2).
pub(super) fn revoke(tx: &mut Tx<'_>, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, Fault> {
    let look = tx.look();
    let found = look.key(key)?.filter(|row| row.key.team == team); // T24
    let mut row = found.ok_or(StoreError::NotFound)?;
    if row.key.revoked_at.is_none() {
        revoke_row(tx, &mut row, now)?;
        for mut made in look.keys_made_with(key)?.into_iter().filter(|made| made.key.revoked_at.is_none()) {
            revoke_row(tx, &mut made, now)?;
        }
        tx.record(AuditAction::KeyRevoked, Some(team), key)?;
    }
    Ok(row.key)
}

fn revoke_row(tx: &mut Tx<'_>, row: &mut KeyRow, now: Timestamp) -> Result<(), Fault> {
    row.key.revoked_at = Some(now);
    row.save(tx.look())?;
    tx.effects.keys.push(row.key.id);
    tx.effects.told.push(Change::KeyRevoked(row.key.id));
    Ok(())
}

/// Writes down when keys were last used.
pub(super) fn write_uses(tx: &mut Tx<'_>, uses: &HashMap<KeyId, Timestamp>) -> Result<(), Fault> {
    let look = tx.look();
    for (key, at) in uses {
        let Some(mut row) = look.key(*key)? else { continue };
        if row.key.last_used_at < Some(*at) {
            row.key.last_used_at = Some(*at);
            row.save(look)?;
        }
    }
    Ok(())
}

/// As many keys are remembered; each takes a few hundred bytes.
const KEYS_MAX: usize = 50_000;
/// As many uses wait to be written; more are lost, which is no harm.
const USES_MAX: usize = 10_000;

/// Keys as they were last read, and uses that are not yet written.
#[derive(Debug, Default)]
pub(super) struct KnownKeys {
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
    pub(super) fn get(&self, key: KeyId) -> Option<(Key, KeyDigest)> {
        self.state.lock().known.get(&key).cloned()
    }

    /// How many changes there were; to be asked before the key is read.
    pub(super) fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// Remembers what was read, unless something changed in between.
    pub(super) fn remember(&self, changes: u64, mut row: KeyRow) -> (Key, KeyDigest) {
        let mut state = self.state.lock();
        row.key.last_used_at = row.key.last_used_at.max(state.last_use(row.key.id));
        let known = (row.key, row.digest);
        if state.changes == changes {
            if state.known.len() >= KEYS_MAX {
                state.known.clear();
            }
            state.known.insert(known.0.id, known.clone());
        }
        known
    }

    /// Forgets what changed.
    pub(super) fn forget(&self, keys: &[KeyId], teams: &[TeamId]) {
        if keys.is_empty() && teams.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        state.changes += 1;
        state.known.retain(|id, (key, _)| !keys.contains(id) && !teams.contains(&key.team));
    }

    /// Notes uses.
    pub(super) fn touch(&self, uses: Vec<(KeyId, Timestamp)>) {
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
    pub(super) fn with_last_use(&self, mut key: Key) -> Key {
        key.last_used_at = key.last_used_at.max(self.state.lock().last_use(key.id));
        key
    }

    /// How many keys have uses that wait to be written.
    pub(super) fn uses_waiting(&self) -> usize {
        self.state.lock().uses.len()
    }

    /// The last uses of at most so many keys, those first that have waited longest.
    pub(super) fn uses(&self, limit: usize) -> HashMap<KeyId, Timestamp> {
        let mut waiting: Vec<(KeyId, Uses)> =
            self.state.lock().uses.iter().map(|(key, uses)| (*key, *uses)).collect();
        waiting.sort_unstable_by_key(|(_, uses)| uses.first);
        waiting.into_iter().take(limit).map(|(key, uses)| (key, uses.last)).collect()
    }

    /// These uses are written; later ones of the same keys go on waiting.
    pub(super) fn written(&self, written: &HashMap<KeyId, Timestamp>) {
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
