//! What follows once results are on record.

use cstar_store::Verdict;

use super::super::recorder::Recorded;
use super::Dispatch;

impl Dispatch {
    pub(super) fn recorded(&mut self, recorded: Vec<Recorded>) {
        // What the store told before it answered comes first: a delivery must not be offered as new after it was settled.
        self.hear();
        for webhook in self.recorder.newly_aside() {
            self.desk.put_aside(webhook);
        }
        for Recorded { delivery, webhook, verdict, gone, status, recording } in recorded {
            let Some(status) = status else {
                self.desk.refused(recording, webhook);
                self.hold(webhook, delivery);
                continue;
            };
            let next = match (status.has_ended(), verdict) {
                (true, _) => None,
                (false, Verdict::RetryAt(at)) => Some(at),
                (false, _) => Some(self.attempts.steady.now()),
            };
            self.desk.settled(recording, webhook, delivery, next);
            if let Some(version) = gone {
                self.disable(webhook, version);
            }
        }
    }
}
