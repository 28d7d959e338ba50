//! What an operation does, as columns.

use cstar_types::{
    DeliveryStatus, Operation, OperationFailure, OperationStatus, OperationWork, Pattern, Patterns,
    ResendFilter, Timestamp, WebhookId,
};

use super::text::read_list;

/// By their numbers.
pub(crate) const STATES: [OperationStatus; 4] =
    [OperationStatus::Running, OperationStatus::Done, OperationStatus::Cancelled, OperationStatus::Failed];
/// By their numbers.
pub(crate) const FAILURES: [OperationFailure; 3] =
    [OperationFailure::WebhookDisabled, OperationFailure::WebhookDeleted, OperationFailure::Damaged];

const RESEND: i64 = 0;
const RECOVER: i64 = 1;

/// What is stored of an operation's work.
pub(crate) struct WorkColumns {
    pub(crate) work: i64,
    pub(crate) webhook: Option<[u8; 16]>,
    pub(crate) event: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) types: Option<String>,
    pub(crate) since_ms: Option<i64>,
    pub(crate) until_ms: Option<i64>,
    pub(crate) visible: String,
}

impl WorkColumns {
    pub(crate) fn of(Operation { work, visible, .. }: &Operation) -> Self {
        let id = |webhook: WebhookId| webhook.bits().to_be_bytes();
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        let visible = visible.to_string();
        match work {
            OperationWork::Resend(filter) => Self {
                work: RESEND,
                webhook: filter.webhook.map(id),
                event: filter.event.map(|event| event.to_string()),
                status: filter.status.map(|status| status as i64),
                types: filter.types.as_ref().map(ToString::to_string),
                since_ms: millis(filter.since),
                until_ms: millis(filter.until),
                visible,
            },
            OperationWork::Recover { webhook, since, until } => Self {
                work: RECOVER,
                webhook: Some(id(*webhook)),
                event: None,
                status: None,
                types: None,
                since_ms: Some(since.as_millis()),
                until_ms: millis(*until),
                visible,
            },
        }
    }

    /// `None` if they say what no operation says.
    pub(crate) fn work(&self) -> Option<OperationWork> {
        let webhook = self.webhook.map(|id| WebhookId::from_bits(u128::from_be_bytes(id)));
        let until = self.until_ms.map(Timestamp::from_millis);
        let since = self.since_ms.map(Timestamp::from_millis);
        if self.work == RECOVER {
            return Some(OperationWork::Recover { webhook: webhook?, since: since?, until });
        }
        let status = match self.status {
            Some(status) => Some(*DeliveryStatus::ALL.get(usize::try_from(status).ok()?)?),
            None => None,
        };
        let types = match &self.types {
            Some(types) => Some(read_list::<Pattern, Patterns>(types)?),
            None => None,
        };
        let event = self.event.as_deref().map(str::parse).transpose().ok()?;
        let filter = ResendFilter { webhook, event, status, types, since, until };
        (self.work == RESEND).then_some(OperationWork::Resend(filter))
    }
}
