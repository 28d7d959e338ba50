//! What follows once results are on record.

use cstar_store::Verdict;

use super::super::recorder::{Outstanding, Recorded};
use super::Dispatch;

impl Dispatch {
    pub(super) fn recorded(&mut self, recorded: Vec<Recorded>) {
        // What the store told before it answered comes first: a delivery must not be offered as new after it was settled.
        self.hear();
        for one in recorded {
            let (Outstanding { report, gone }, status) = match one {
                Recorded::Now(outstanding, status) => (outstanding, status),
                Recorded::Refused(outstanding) => {
                    self.desk.refused();
                    self.hold(&outstanding);
                    continue;
                }
            };
            let next = match (status.has_ended(), report.verdict) {
                (true, _) => None,
                (false, Verdict::RetryAt(at)) => Some(at),
                (false, _) => Some(self.attempts.steady.now()),
            };
            self.desk.settled(report.webhook, report.delivery, next);
            if let Some(version) = gone {
                self.disable(report.webhook, version);
            }
        }
    }
}
