//! What becomes of attempts: they end, and are put on record.

use cstar_store::Verdict;
use cstar_types::Outcome;

use super::super::attempt::{Finished, Made, NotMade};
use super::super::recorder::{Outstanding, Recorded};
use super::{AGAIN, Dispatch};
use crate::lanes::Ended;

impl Dispatch {
    /// Every attempt that has ended.
    pub(super) fn collect(&mut self) {
        while let Some(joined) = self.in_flight.try_join_next() {
            joined.into_iter().for_each(|finished| self.finished(finished));
        }
    }

    pub(super) fn finished(&mut self, finished: Finished) {
        let Finished { webhook, delivery, result } = finished;
        match result {
            Ok(Made { report, took, gone }) => {
                let succeeded = report.attempt.outcome == Outcome::Success;
                let ended = if succeeded { Ended::Succeeded(took) } else { Ended::Failed };
                self.lanes.ended(webhook, ended);
                self.recorder.add(Outstanding { report, gone });
            }
            Err(NotMade) => {
                self.attempts.gauges.count_put_off();
                let again_at = self.attempts.steady.now().plus(AGAIN);
                self.lanes.given_up(webhook, delivery, again_at);
            }
        }
    }

    pub(super) fn recorded(&mut self, recorded: Vec<Recorded>) {
        // What the store told before it answered comes first: a delivery must not be offered as new after it was settled.
        self.hear();
        for one in recorded {
            let (Outstanding { report, gone }, status) = match one {
                Recorded::Now(outstanding, status) => (outstanding, status),
                Recorded::Refused(outstanding) => {
                    self.hold(&outstanding);
                    continue;
                }
            };
            let next = match (status.has_ended(), report.verdict) {
                (true, _) => None,
                (false, Verdict::RetryAt(at)) => Some(at),
                (false, _) => Some(self.attempts.steady.now()),
            };
            self.lanes.settled(report.webhook, report.delivery, next);
            if let Some(version) = gone {
                self.disable(report.webhook, version);
            }
        }
    }
}
