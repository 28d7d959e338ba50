//! Which of two servers goes on with the database. An old primary that nobody stopped takes writes, too: a failover is told by the
//! timeline, which each promotion counts on.
//!
//! Any role may ask for it, but not every service has one: Aurora keeps its log in another way and refuses the question. What does not
//! tell is not told apart.

use std::fmt;

use tokio::sync::watch;
use tokio_postgres::Row;

/// Asked of each new connection. Not of a standby, which has no name for what it does not write.
pub(super) const TIMELINE: &str = "SELECT system_identifier, CASE WHEN NOT pg_is_in_recovery()
         THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END
     FROM pg_control_system()";

/// What a server writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Of the database system: given when it was made, and the same on all copies of it.
    system: i64,
    /// Rises with each promotion.
    number: u32,
}

impl Timeline {
    pub(super) fn read(row: &Row) -> Option<Self> {
        let number: Option<&str> = row.get(1);
        Some(Self { system: row.get(0), number: u32::from_str_radix(number?, 16).ok()? })
    }

    /// Why a node that knows this one does not go on with it, unless it does.
    fn why_not_after(self, known: Self) -> Option<String> {
        if known.system != self.system {
            return Some(format!(
                "it is another database, with {self}: this node works with {known}; start it again if it is to change over"
            ));
        }
        (known.number > self.number).then(|| {
            format!("it is an earlier primary that was not stopped, with {self}: the database goes on with {known}")
        })
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timeline {} of system {}", self.number, self.system as u64)
    }
}

/// The newest that a node has seen: it does not go back behind that.
#[derive(Debug, Default)]
pub(super) struct Newest(watch::Sender<Option<Timeline>>);

impl Newest {
    /// Takes note of what a server writes that takes writes, or says why that is not what this node's store is in.
    pub(super) fn admit(&self, found: Option<Timeline>) -> Result<(), String> {
        let Some(found) = found else { return Ok(()) };
        let mut refused = None;
        self.0.send_if_modified(|newest| {
            refused = newest.and_then(|known| found.why_not_after(known));
            let is_new = refused.is_none() && *newest != Some(found);
            if is_new && newest.replace(found).is_some() {
                tracing::warn!(now = %found, "the database has failed over");
            }
            is_new
        });
        refused.map_or(Ok(()), Err)
    }

    /// Whether another server has gone on since this was admitted.
    pub(super) fn is_behind(&self, of: Option<Timeline>) -> bool {
        of.is_some_and(|of| self.0.borrow().is_some_and(|newest| newest != of))
    }

    /// Waits until another server goes on.
    pub(super) async fn gone_on_without(&self, of: Option<Timeline>) {
        let is_behind = |newest: &Option<Timeline>| of.is_some() && newest.is_some() && *newest != of;
        if self.0.subscribe().wait_for(is_behind).await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOG-1, LOG-2: of two servers that take writes the one that was promoted later counts, from the moment in which it is seen.
    #[test]
    fn who_was_promoted_is_not_left_again() {
        let of = |system, number| Some(Timeline { system, number });
        let newest = Newest::default();
        assert_eq!(newest.admit(None), Ok(()), "it does not tell");
        assert!(newest.admit(of(7, 1)).is_ok() && !newest.is_behind(of(7, 1)));
        assert!(newest.admit(of(7, 3)).is_ok() && newest.is_behind(of(7, 1)) && !newest.is_behind(of(7, 3)));
        for (earlier, told) in [(of(7, 2), "earlier primary"), (of(-1, 9), "another database")] {
            let why = newest.admit(earlier).unwrap_err();
            assert!(why.contains(told) && why.contains("timeline 3 of system 7"), "{why}");
            assert!(why.contains(&earlier.unwrap().to_string()), "{why}");
            assert!(newest.is_behind(earlier) && !newest.is_behind(of(7, 3)), "nothing of it is kept");
        }
        assert!(newest.admit(None).is_ok() && !newest.is_behind(None));
    }
}
