//! Recording what came of attempts.

use std::borrow::Cow;
use std::sync::Arc;

use cstar_types::{DeliveryId, DeliveryStatus, FailureRule, Outcome};
use rusqlite::{CachedStatement, Connection};

use super::attempt_rows::{AttemptRow, headers_text};
use super::delivery_rows::{DELIVERY_AT, DeliveryRow, UPDATE_DELIVERY};
use super::failing::Counting;
use super::fault::Fault;
use super::notices;
use super::queue::Size;
use super::rows;
use super::tx::Tx;
use crate::stored::place::Place;
use crate::{AttemptReport, Verdict};

/// Reports, with all that can be computed before the writer has its turn.
pub(super) struct Results {
    reports: Arc<[AttemptReport]>,
    /// The headers of each answer.
    headers: Vec<String>,
    rule: FailureRule,
}

impl Results {
    pub(super) fn prepare(reports: Arc<[AttemptReport]>, rule: FailureRule) -> Self {
        let headers = reports.iter().map(|report| headers_text(&report.attempt)).collect();
        Self { reports, headers, rule }
    }

    pub(super) fn size(&self) -> Size {
        let texts = self.reports.iter().zip(&self.headers).map(|(report, headers)| {
            headers.len() + report.attempt.response_body.len() + size_of::<AttemptReport>()
        });
        Size { rows: self.reports.len() * 2, bytes: texts.sum() }
    }

    pub(super) fn apply(&self, tx: &mut Tx<'_>) -> Result<Vec<DeliveryStatus>, Fault> {
        let mut recording = Recording::begin(tx.conn)?;
        let mut recorded = Vec::with_capacity(self.reports.len());
        for (report, headers) in self.reports.iter().zip(&self.headers) {
            recorded.push(match recording.record(tx, report, headers) {
                Err(Fault::Damaged(what)) => {
                    let delivery = report.delivery;
                    tracing::error!(%delivery, %what, "an attempt is not put on record: its delivery is damaged");
                    Recorded { status: DeliveryStatus::Failed, webhook: None }
                }
                recorded => recorded?,
            });
        }
        let disabled = recording.end(tx, self.rule)?;
        Ok(recorded.into_iter().map(|recorded| recorded.now_that(&disabled)).collect())
    }
}

/// How a delivery stands after its result.
struct Recorded {
    status: DeliveryStatus,
    /// The number of its webhook, if both are there.
    webhook: Option<i64>,
}

impl Recorded {
    /// It ended with the others if its webhook was disabled for these results.
    fn now_that(self, disabled: &[i64]) -> DeliveryStatus {
        let is_cancelled = self.webhook.is_some_and(|webhook| disabled.contains(&webhook));
        if is_cancelled && !self.status.has_ended() { DeliveryStatus::Cancelled } else { self.status }
    }
}

/// The results of one call, while they are put on record.
struct Recording<'w, 'r> {
    find: CachedStatement<'w>,
    update: CachedStatement<'w>,
    /// Inserted together at the end: nothing looks at them before.
    attempts: Vec<AttemptRow<'r>>,
    counting: Counting,
}

impl<'w, 'r> Recording<'w, 'r> {
    fn begin(conn: &'w Connection) -> Result<Self, Fault> {
        let (find, update) = (conn.prepare_cached(DELIVERY_AT)?, conn.prepare_cached(UPDATE_DELIVERY)?);
        Ok(Self { find, update, attempts: Vec::new(), counting: Counting::default() })
    }

    /// Damage is found before anything is written.
    fn record(
        &mut self,
        tx: &mut Tx<'_>,
        report: &'r AttemptReport,
        headers: &'r str,
    ) -> Result<Recorded, Fault> {
        const UNKNOWN: Recorded = Recorded { status: DeliveryStatus::Cancelled, webhook: None };
        let look = tx.look();
        let Some(mut row) = self.row(tx, report.delivery)? else { return Ok(UNKNOWN) };
        let Some(generation) = tx.memory.generation(look, row.webhook)? else { return Ok(UNKNOWN) };
        let number = tx.memory.next_attempt(look)?;
        let (attempt, headers) = if row.kind.is_erased() {
            (Cow::Owned(report.attempt.clone().without_answer()), "")
        } else {
            (Cow::Borrowed(&report.attempt), headers)
        };
        self.counting.add(tx, row.webhook, &attempt)?;
        row.attempts = attempt.number.max(row.attempts);
        let standing = row.status_under(generation);
        let was_resent = !standing.has_ended() && report.failed_before != row.failed;
        if !was_resent || report.verdict == Verdict::Delivered {
            if !standing.has_ended() && attempt.outcome != Outcome::Success {
                row.failed += 1;
            }
            (row.status, row.due_ms) = follows(standing, report.verdict);
        }
        let previous = row.last_attempt.replace(number);
        row.update_by(&mut self.update)?;
        self.attempts.push(AttemptRow { number, delivery: row.place, previous, attempt, headers });
        tx.effects.attempts += 1;
        if !standing.has_ended() && row.status == DeliveryStatus::Failed {
            notices::delivery_failed(tx, &row, report)?;
        }
        Ok(Recorded { status: row.status, webhook: Some(row.webhook) })
    }

    /// The row of a delivery, which is read unless it is fresh.
    fn row(&mut self, tx: &mut Tx<'_>, id: DeliveryId) -> Result<Option<DeliveryRow>, Fault> {
        match Place::of_delivery(id).and_then(|(place, tag)| tx.memory.fresh.take(place, tag)) {
            Some(fresh) => Ok(Some(fresh)),
            None => DeliveryRow::find_by(&mut self.find, id),
        }
    }

    /// Writes what was gathered, and answers which webhooks were disabled for it.
    fn end(self, tx: &mut Tx<'_>, rule: FailureRule) -> Result<Vec<i64>, Fault> {
        rows::insert(tx.conn, &self.attempts)?;
        self.counting.settle(tx, rule)
    }
}

/// DLV-2: a success ends a delivery whatever came before; a failure leaves an ended one as it ended.
fn follows(standing: DeliveryStatus, verdict: Verdict) -> (DeliveryStatus, Option<i64>) {
    match verdict {
        Verdict::Delivered => (DeliveryStatus::Delivered, None),
        _ if standing.has_ended() => (standing, None),
        Verdict::RetryAt(at) => (DeliveryStatus::Retrying, Some(at.as_millis())),
        Verdict::Failed => (DeliveryStatus::Failed, None),
    }
}

#[cfg(test)]
mod tests {
    use cstar_types::Timestamp;

    use super::*;

    /// DLV-2: nothing reopens what has ended, and what waits always has a time.
    #[test]
    fn only_success_changes_an_end() {
        let retry = Verdict::RetryAt(Timestamp::from_millis(7));
        for standing in DeliveryStatus::ALL {
            for verdict in [Verdict::Delivered, retry, Verdict::Failed] {
                let (status, due) = follows(standing, verdict);
                assert_eq!(status.has_ended(), due.is_none(), "{standing} {verdict:?}");
                assert!(!standing.has_ended() || status.has_ended(), "{standing} {verdict:?}");
            }
            assert_eq!(follows(standing, Verdict::Delivered).0, DeliveryStatus::Delivered);
        }
        assert_eq!(follows(DeliveryStatus::Cancelled, Verdict::Failed).0, DeliveryStatus::Cancelled);
        assert_eq!(follows(DeliveryStatus::Failed, retry).0, DeliveryStatus::Failed);
    }
}
