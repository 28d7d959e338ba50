//! Failed attempts of webhooks since their last success, and disabling those that only fail.
//!
//! A webhook that is well has no row, and what the writer remembers of it says so: its successes read and write nothing here.
//! The results of one call are counted in memory first and judged at their end, so that a success among them counts, wherever
//! it stands, and each webhook is written once.

use std::collections::HashMap;

use cstar_types::{Attempt, FailureRule, FailureStreak, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::look::Look;
use super::tx::Tx;
use super::webhooks;
use crate::stored::checksum::Checksum;

/// As many webhooks are remembered, a few megabytes.
const WEBHOOKS_MAX: usize = 65_536;

/// The streaks that the writer remembers; `None` of a webhook that is well.
#[derive(Debug, Default)]
pub(super) struct Streaks(HashMap<i64, Option<FailureStreak>>);

impl Streaks {
    /// A row that is damaged is said, and its webhook counted anew: it must not hold up results.
    fn of(&mut self, look: Look<'_>, webhook: i64) -> Result<Option<FailureStreak>, Fault> {
        if let Some(known) = self.0.get(&webhook) {
            return Ok(*known);
        }
        let read = match look.streak(webhook) {
            Err(Fault::Damaged(what)) => {
                tracing::error!(%what, "the failures of a webhook are counted anew");
                // A webhook that is well from here on would keep the row.
                write(look, webhook, None)?;
                None
            }
            read => read?,
        };
        self.remember(webhook, read);
        Ok(read)
    }

    fn remember(&mut self, webhook: i64, streak: Option<FailureStreak>) {
        if self.0.len() >= WEBHOOKS_MAX {
            self.0.clear();
        }
        self.0.insert(webhook, streak);
    }

    pub(super) fn forget(&mut self, webhook: i64) {
        self.0.remove(&webhook);
    }

    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }
}

/// What the results of one call say of their webhooks.
#[derive(Default)]
pub(super) struct Counting(Vec<Counted>);

struct Counted {
    webhook: i64,
    before: Option<FailureStreak>,
    after: Option<FailureStreak>,
    /// When the last of its attempts began.
    last_at: Timestamp,
}

impl Counting {
    /// Counts an attempt.
    pub(super) fn add(&mut self, tx: &mut Tx<'_>, webhook: i64, attempt: &Attempt) -> Result<(), Fault> {
        let started_at = attempt.started_at;
        let known = self.0.iter().rposition(|counted| counted.webhook == webhook);
        let place = match known {
            Some(place) => place,
            None => {
                let before = tx.memory.streaks.of(tx.look(), webhook)?;
                self.0.push(Counted { webhook, before, after: before, last_at: started_at });
                self.0.len() - 1
            }
        };
        let counted = &mut self.0[place];
        counted.after = FailureStreak::after(counted.after, attempt.outcome, started_at);
        counted.last_at = counted.last_at.max(started_at);
        Ok(())
    }

    /// Writes down what changed, and disables whom the rule says. Answers whom it disabled.
    pub(super) fn settle(self, tx: &mut Tx<'_>, rule: FailureRule) -> Result<Vec<i64>, Fault> {
        let mut disabled = Vec::new();
        for Counted { webhook, before, after, last_at } in self.0 {
            if before != after {
                write(tx.look(), webhook, after)?;
                tx.memory.streaks.remember(webhook, after);
            }
            let only_fails = after.is_some_and(|streak| rule.disables(streak, last_at));
            if only_fails && webhooks::disable_failing(tx, webhook, last_at)? {
                disabled.push(webhook);
            }
        }
        Ok(disabled)
    }
}

/// Forgets the failures of a webhook: it begins anew.
pub(super) fn forget(tx: &mut Tx<'_>, webhook: i64) -> Result<(), Fault> {
    tx.memory.streaks.forget(webhook);
    write(tx.look(), webhook, None)
}

fn write(look: Look<'_>, webhook: i64, streak: Option<FailureStreak>) -> Result<(), Fault> {
    let Some(streak) = streak else {
        look.conn.prepare_cached("DELETE FROM failures WHERE webhook = ?1")?.execute([webhook])?;
        return Ok(());
    };
    let mut save = look.conn.prepare_cached(
        "INSERT INTO failures (webhook, since_ms, attempts, checksum) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (webhook) DO UPDATE SET since_ms = ?2, attempts = ?3, checksum = ?4",
    )?;
    let FailureStreak { since, attempts } = streak;
    save.execute(params![webhook, since.as_millis(), attempts, checksum(webhook, streak)])?;
    Ok(())
}

fn checksum(webhook: i64, FailureStreak { since, attempts }: FailureStreak) -> i64 {
    Checksum::new().int(webhook).int(since.as_millis()).int(attempts.into()).finish()
}

impl Look<'_> {
    /// The failures of a webhook since its last success.
    pub(super) fn streak(&self, webhook: i64) -> Result<Option<FailureStreak>, Fault> {
        let mut found = self
            .conn
            .prepare_cached("SELECT since_ms, attempts, checksum FROM failures WHERE webhook = ?1")?;
        let row = found.query_row([webhook], |row| {
            let streak = FailureStreak { since: Timestamp::from_millis(row.get(0)?), attempts: row.get(1)? };
            Ok((streak, row.get::<_, i64>(2)?))
        });
        match row.optional()? {
            Some((streak, stored)) if checksum(webhook, streak) == stored => Ok(Some(streak)),
            Some(_) => Err(Fault::damaged("failures", webhook)),
            None => Ok(None),
        }
    }
}
