//! Webhooks that only fail: what is known of their failures, and when they are disabled for them.

use std::time::Duration;

use crate::{Outcome, Timestamp};

/// The failed attempts of a webhook since its last success, or since it was enabled or pointed elsewhere. A webhook
/// whose last attempt succeeded has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureStreak {
    /// When the first of them began.
    pub since: Timestamp,
    /// How many there are.
    pub attempts: u32,
}

impl FailureStreak {
    /// How a streak stands after one more attempt, which began at `at`.
    #[must_use]
    pub fn after(before: Option<Self>, outcome: Outcome, at: Timestamp) -> Option<Self> {
        if outcome == Outcome::Success {
            return None;
        }
        let Self { since, attempts } = before.unwrap_or(Self { since: at, attempts: 0 });
        Some(Self { since, attempts: attempts.saturating_add(1) })
    }
}

/// When a webhook that only fails is disabled.
///
/// It is asked when an attempt has failed, never by the passing of time alone: a webhook that failed for an hour and then
/// had nothing to deliver for a week may well be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureRule {
    /// Without a success, and with the first failure, so long ago. One length serves both, since both count from the same
    /// moment: the time of a success is not kept, which would cost a write for each.
    pub after: Duration,
    /// With at least so many failed attempts; 0 disables no webhook.
    pub attempts: u32,
}

impl FailureRule {
    /// Disables no webhook.
    pub const NEVER: Self = Self { after: Duration::ZERO, attempts: 0 };

    /// Whether a webhook with these failures is disabled at `now`, when the last of them was made.
    #[must_use]
    pub fn disables(&self, streak: FailureStreak, now: Timestamp) -> bool {
        self.attempts > 0 && streak.attempts >= self.attempts && now.since(streak.since) >= self.after
    }
}

/// Five days outlast a long weekend; twenty attempts are five events with the default schedule, so that a quiet webhook is
/// not judged by one.
impl Default for FailureRule {
    fn default() -> Self {
        Self { after: Duration::from_secs(5 * 24 * 60 * 60), attempts: 20 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_success_ends_a_streak_and_every_failure_counts() {
        let after = |before, outcome, millis| FailureStreak::after(before, outcome, at(millis));
        assert_eq!(after(None, Outcome::Success, 1), None);
        let first = after(None, Outcome::Timeout, 2);
        assert_eq!(first, Some(FailureStreak { since: at(2), attempts: 1 }));
        let second = after(first, Outcome::BlockedTarget, 3);
        assert_eq!(second, Some(FailureStreak { since: at(2), attempts: 2 }));
        assert_eq!(after(second, Outcome::Success, 4), None);
        let many = Some(FailureStreak { since: at(2), attempts: u32::MAX });
        assert_eq!(after(many, Outcome::Dns, 5), many);
    }

    /// Both parts of the rule must hold, to the millisecond and to the attempt.
    #[test]
    fn five_days_and_twenty_attempts_disable() {
        let rule = FailureRule::default();
        for (attempts, ago, disabled) in [
            (20, 5 * DAY, true),
            (u32::MAX, 500 * DAY, true),
            (19, 500 * DAY, false),
            (20, 5 * DAY - 1, false),
            (1_000_000, DAY, false),
            (0, 500 * DAY, false),
        ] {
            let streak = FailureStreak { since: at(DAY), attempts };
            assert_eq!(rule.disables(streak, at(DAY + ago)), disabled, "{attempts} in {ago} ms");
        }
        let ahead = FailureStreak { since: at(DAY), attempts: 20 };
        assert!(!rule.disables(ahead, at(0)), "a clock that was set back disables nothing");
        assert!(!FailureRule::NEVER.disables(ahead, at(500 * DAY)));
        let hasty = FailureRule { after: Duration::ZERO, attempts: 1 };
        assert!(hasty.disables(FailureStreak { since: at(7), attempts: 1 }, at(7)));
    }
}
