//! Whether a webhook takes part, as one number.

use cstar_types::{DisabledReason, Webhook, WebhookStatus};

/// How a webhook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: WebhookStatus,
    pub(crate) disabled_reason: Option<DisabledReason>,
    /// It is only here so that its deliveries can say whose they are.
    pub(crate) deleted: bool,
}

impl Standing {
    /// Of one that was not deleted.
    pub(crate) const fn of(webhook: &Webhook) -> Self {
        Self { status: webhook.status, disabled_reason: webhook.disabled_reason, deleted: false }
    }

    pub(crate) const fn number(self) -> i64 {
        match (self.deleted, self.status, self.disabled_reason) {
            (true, ..) => 3,
            (_, WebhookStatus::Enabled, _) => 0,
            (_, WebhookStatus::Disabled, Some(DisabledReason::Gone)) => 2,
            (_, WebhookStatus::Disabled, Some(DisabledReason::Failing)) => 4,
            (_, WebhookStatus::Disabled, _) => 1,
        }
    }

    /// `None` of a number that no webhook has.
    pub(crate) const fn numbered(number: i64) -> Option<Self> {
        let (disabled_reason, deleted) = match number {
            0 => (None, false),
            1 => (Some(DisabledReason::ByRequest), false),
            2 => (Some(DisabledReason::Gone), false),
            3 => (Some(DisabledReason::ByRequest), true),
            4 => (Some(DisabledReason::Failing), false),
            _ => return None,
        };
        let status = if disabled_reason.is_some() { WebhookStatus::Disabled } else { WebhookStatus::Enabled };
        Some(Self { status, disabled_reason, deleted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_back() {
        for number in 0..5 {
            assert_eq!(Standing::numbered(number).unwrap().number(), number);
        }
        assert_eq!(Standing::numbered(5), None);
    }
}
