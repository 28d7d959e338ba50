//! How many requests an endpoint gets at a time, learned from how it answers.

use std::time::Duration;

/// An answer within this is fast: the endpoint can take one more at a time.
const FAST: Duration = Duration::from_millis(500);

/// An answer after this is slow: the endpoint gets half as many at a time.
const SLOW: Duration = Duration::from_secs(2);

/// What is known of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing has succeeded yet.
    Unproven,
    /// Its last attempt succeeded.
    Proven,
    /// Its last attempts failed, so many in a row.
    Failing(u32),
}

/// A lane's own limit of requests in flight: 1 until something succeeds and after each failure; it rises by one with each
/// fast answer while it is used to the full, which doubles it each round, and falls by half with a slow one.
#[derive(Debug)]
pub(super) struct Pace {
    limit: u32,
    standing: Standing,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { limit: 1, standing: Standing::Unproven }
    }

    /// How many may be in flight.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// What is known of the endpoint.
    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether its last attempt succeeded (DLV-4).
    pub(super) fn is_proven(&self) -> bool {
        self.standing == Standing::Proven
    }

    /// Whether nothing is known of the endpoint.
    pub(super) fn is_new(&self) -> bool {
        self.standing == Standing::Unproven
    }

    /// How many attempts in a row have failed.
    pub(super) fn failures(&self) -> u32 {
        if let Standing::Failing(in_a_row) = self.standing { in_a_row } else { 0 }
    }

    /// An attempt succeeded; `full` if the limit was used up while it ran.
    pub(super) fn succeeded(&mut self, took: Duration, full: bool, most: u32) {
        if took > SLOW {
            self.limit = (self.limit / 2).max(1);
        } else if took <= FAST && full {
            self.limit = (self.limit + 1).min(most);
        }
        self.standing = Standing::Proven;
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self) {
        self.limit = 1;
        self.standing = Standing::Failing(self.failures().saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = 64;

    #[test]
    fn it_rises_while_answers_are_fast_and_falls_by_slowness_and_failure() {
        let mut pace = Pace::new();
        assert_eq!((pace.limit(), pace.is_proven()), (1, false));
        (0..10).for_each(|_| pace.succeeded(FAST, true, MOST));
        assert_eq!((pace.limit(), pace.is_proven()), (11, true));
        pace.succeeded(FAST, false, MOST);
        assert_eq!(pace.limit(), 11, "what is not used tells nothing");
        pace.succeeded(FAST * 2, true, MOST);
        assert_eq!(pace.limit(), 11, "neither fast nor slow");
        pace.succeeded(SLOW * 2, true, MOST);
        assert_eq!(pace.limit(), 5);
        pace.failed();
        pace.failed();
        assert_eq!((pace.limit(), pace.is_proven(), pace.failures()), (1, false, 2));
        pace.succeeded(FAST, true, MOST);
        assert_eq!((pace.limit(), pace.is_proven(), pace.failures()), (2, true, 0));
        (0..100).for_each(|_| pace.succeeded(FAST, true, MOST));
        assert_eq!(pace.limit(), MOST);
        (0..100).for_each(|_| pace.succeeded(SLOW * 2, true, MOST));
        assert_eq!(pace.limit(), 1, "never none");
    }
}
