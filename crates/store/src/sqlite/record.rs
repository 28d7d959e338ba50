//! Recording what came of attempts.

use cstar_types::{DeliveryStatus, FailureRule, Outcome};

use super::attempt_rows::{AttemptRow, headers_text};
use super::failing::Counting;
use super::fault::Fault;
use super::notices;
use super::queue::Size;
use super::tx::Tx;
use crate::{AttemptReport, Verdict};

/// Reports, with all that can be computed before the writer has its turn.
pub(super) struct Results {
    reports: Vec<(AttemptReport, String)>,
    rule: FailureRule,
}

impl Results {
    pub(super) fn prepare(reports: Vec<AttemptReport>, rule: FailureRule) -> Self {
        let with_headers = reports.into_iter().map(|report| {
            let headers = headers_text(&report.attempt);
            (report, headers)
        });
        Self { reports: with_headers.collect(), rule }
    }

    pub(super) fn size(&self) -> Size {
        let texts = self.reports.iter().map(|(report, headers)| {
            headers.len() + report.attempt.response_body.len() + size_of::<AttemptReport>()
        });
        Size { rows: self.reports.len() * 2, bytes: texts.sum() }
    }

    pub(super) fn apply(&self, tx: &mut Tx<'_>) -> Result<Vec<DeliveryStatus>, Fault> {
        let mut counting = Counting::default();
        let mut recorded = Vec::with_capacity(self.reports.len());
        for (report, headers) in &self.reports {
            recorded.push(match record(tx, report, headers, &mut counting) {
                Err(Fault::Damaged(what)) => {
                    let delivery = report.delivery;
                    tracing::error!(%delivery, %what, "an attempt is not put on record: its delivery is damaged");
                    Recorded { status: DeliveryStatus::Failed, webhook: None }
                }
                recorded => recorded?,
            });
        }
        let disabled = counting.settle(tx, self.rule)?;
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

/// Damage is found before anything is written.
fn record(
    tx: &mut Tx<'_>,
    report: &AttemptReport,
    headers: &str,
    counting: &mut Counting,
) -> Result<Recorded, Fault> {
    const UNKNOWN: Recorded = Recorded { status: DeliveryStatus::Cancelled, webhook: None };
    let look = tx.look();
    let Some(mut row) = look.any_delivery(report.delivery)? else { return Ok(UNKNOWN) };
    let Some(generation) = tx.memory.generation(look, row.webhook)? else { return Ok(UNKNOWN) };
    let number = tx.memory.next_attempt(look)?;
    let bare = row.kind.is_erased().then(|| report.attempt.clone().without_answer());
    let (attempt, headers) = bare.as_ref().map_or((&report.attempt, headers), |bare| (bare, ""));
    counting.add(tx, row.webhook, attempt)?;
    AttemptRow { number, delivery: row.place, previous: row.last_attempt, attempt, headers }.insert(look)?;
    row.last_attempt = Some(number);
    row.attempts = attempt.number.max(row.attempts);
    let standing = row.status_under(generation);
    let was_resent = !standing.has_ended() && report.failed_before != row.failed;
    if !was_resent || report.verdict == Verdict::Delivered {
        if !standing.has_ended() && attempt.outcome != Outcome::Success {
            row.failed += 1;
        }
        (row.status, row.due_ms) = follows(standing, report.verdict);
    }
    row.update(look)?;
    tx.effects.attempts += 1;
    if !standing.has_ended() && row.status == DeliveryStatus::Failed {
        notices::delivery_failed(tx, &row, report)?;
    }
    Ok(Recorded { status: row.status, webhook: Some(row.webhook) })
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
