//! The audit log: who changed what, when, from where.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{Actor, AuditAction, AuditEntry, AuditId, Author, TeamId, Timestamp};

use crate::{Page, Store, StoreError};

/// Which entries of the audit log: newest first, at most `limit`, beginning behind `from`.
#[derive(Debug, Clone, Copy)]
pub struct AuditQuery {
    /// Of this team; `None` is all of them, those that were deleted too, and what belongs to none.
    pub team: Option<TeamId>,
    /// Of this kind.
    pub action: Option<AuditAction>,
    /// By this one.
    pub actor: Option<Actor>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
    /// Begin behind (older than) this one.
    pub from: Option<AuditId>,
    /// At most so many.
    pub limit: usize,
}

impl AuditQuery {
    /// Whether it asks for some of the entries that it would go by.
    #[cfg(feature = "postgres")]
    pub(crate) const fn filters(&self) -> bool {
        self.action.is_some() || self.actor.is_some() || self.since.is_some() || self.until.is_some()
    }

    /// Whether it asks for this entry, wherever that stands.
    pub(crate) fn asks_for(&self, entry: &AuditEntry) -> bool {
        let Self { team, action, actor, since, until, .. } = *self;
        team.is_none_or(|team| entry.team == Some(team))
            && action.is_none_or(|action| entry.action == action)
            && actor.is_none_or(|actor| entry.by.actor == actor)
            && since.is_none_or(|since| entry.by.at >= since)
            && until.is_none_or(|until| entry.by.at < until)
    }
}

/// The audit log.
///
/// What is changed for somebody is changed through [`Audit::by`], and is put on record in the transaction that changes it: there is
/// no such change without its entry, and no entry without its change. A call that is refused, or that finds everything as it
/// should be, leaves none. Publishing, attempts, and what the server does by itself are not changes of somebody's: the log and
/// the deliveries say what became of them.
#[async_trait]
pub trait Audit: Send + Sync {
    /// The same store, in the hands of an author: what is changed through it is put on record as theirs.
    fn by(&self, author: Author) -> Arc<dyn Store>;

    /// A page of entries, newest first, in the order of their commits; of a team that is there. A filter looks at a bounded
    /// number of entries, so a page may have fewer rows than asked for although others follow it.
    async fn audit(&self, query: AuditQuery) -> Result<Page<AuditEntry, AuditId>, StoreError>;

    /// Removes the oldest entries that were made before a time, at most so many; answers how many. Those that were made while
    /// the clock was ahead keep no others: they are passed over, a bounded number at a time.
    async fn remove_old_audit(&self, cutoff: Timestamp, rows: usize) -> Result<usize, StoreError>;

    /// Puts on record what the author is about to change elsewhere than in the store.
    async fn put_on_record(
        &self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: String,
    ) -> Result<(), StoreError>;
}

/// The id of an entry made at `at`, behind the last one: it rises with time, and where the clock does not, by one.
pub(crate) fn next_id(last: Option<AuditId>, at: Timestamp) -> AuditId {
    const TAIL_BITS: u32 = 80;
    let by_time = u128::from(at.as_millis().unsigned_abs()) << TAIL_BITS;
    AuditId::from_bits(last.map_or(by_time, |last| by_time.max(last.bits() + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let mut last = None;
        for millis in [1000, 1000, 999, 1001, 5, 2000] {
            let next = next_id(last, Timestamp::from_millis(millis));
            assert!(last.is_none_or(|last| next > last), "{next:?} after {last:?}");
            last = Some(next);
        }
    }
}
