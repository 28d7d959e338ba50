//! What follows a failed attempt.

use std::hint::black_box;
use std::time::Duration;

use cstar_types::{Outcome, RetrySchedule};

use crate::retry::{Ended, judge};
use crate::{Case, Run, given};

pub(crate) fn cases() -> Vec<Case> {
    vec![("retry_decision", retry_decision)]
}

fn retry_decision() -> Run {
    let schedule = RetrySchedule::default();
    Box::new(move || {
        let ended = Ended {
            schedule: &schedule,
            failed_before: 1,
            outcome: Outcome::HttpStatus,
            retry_after: Some(Duration::from_secs(7)),
            now: given::NOW,
            random: 0.5,
        };
        black_box(judge(black_box(&ended)));
    })
}
