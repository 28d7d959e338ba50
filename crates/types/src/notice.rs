//! Notices: what the server tells its operator by itself.
//!
//! A notice is an event of the operator's own log, [`TeamId::OPERATOR`]: it has the envelope that every event has, and is
//! signed, sent and sent again as every event is. None holds what an event said.

use std::time::Duration;

use serde::Serialize;
use url::Url;

use crate::{
    DeliveryId, DisabledReason, Event, EventId, EventType, Outcome, TeamId, Timestamp, Webhook, WebhookId,
};

/// A disk that is low, has room again and is low once more is told as often.
pub const STORAGE_LOW_EVERY: Duration = Duration::from_secs(600);

/// What notices there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeType {
    /// [`WebhookDisabled`]
    WebhookDisabled,
    /// [`DeliveryFailed`]
    DeliveryFailed,
    /// [`StorageLow`]
    StorageLow,
}

impl NoticeType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::WebhookDisabled, Self::DeliveryFailed, Self::StorageLow];

    /// As the envelope has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebhookDisabled => "webhook.disabled",
            Self::DeliveryFailed => "delivery.failed",
            Self::StorageLow => "storage.low",
        }
    }

    /// The same, as the type that it is.
    #[must_use]
    pub fn event_type(self) -> EventType {
        self.as_str().parse().expect("the names of notices are event types")
    }

    /// What it tells, in a sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::WebhookDisabled => "The server disabled a webhook",
            Self::DeliveryFailed => "A delivery failed for good",
            Self::StorageLow => "The disk is nearly full, and publishing is refused",
        }
    }

    /// When it is sent.
    #[must_use]
    pub const fn fires_on(self) -> &'static str {
        match self {
            Self::WebhookDisabled => {
                "When the server disables a webhook: it had only failed for days, or its endpoint answered 410 and it has \
                 `disable_on_gone`. What somebody disables with a key is not told."
            }
            Self::DeliveryFailed => {
                "When the last retry of a delivery has failed: at most once a minute for each webhook. Of test events nothing \
                 is told."
            }
            Self::StorageLow => {
                "When the disk gets so full that publishing is refused: once for each time that it does, and at most every ten \
                 minutes."
            }
        }
    }

    /// One as it could be.
    #[must_use]
    pub fn example(self) -> Notice {
        const UUID: u128 = 0x550e_8400_e29b_41d4_a716_4466_5544_0000;
        let (team_id, webhook_id) =
            (TeamId::from_uuid(uuid::Uuid::from_u128(UUID)), WebhookId::from_bits(UUID));
        match self {
            Self::WebhookDisabled => Notice::WebhookDisabled(WebhookDisabled {
                team_id,
                webhook_id,
                url_host: "hooks.example.com".to_owned(),
                reason: DisabledReason::Failing,
                failing_since: Some(Timestamp::from_millis(1_764_945_000_000)),
            }),
            Self::DeliveryFailed => Notice::DeliveryFailed(DeliveryFailed {
                team_id,
                webhook_id,
                delivery_id: DeliveryId::from_bits(UUID),
                event_id: EventId::from_bits(UUID, false),
                event_type: "ticket.created".parse().expect("it is an event type"),
                attempts: 4,
                outcome: Outcome::HttpStatus,
                status_code: Some(503),
                deliveries_failed: 1,
            }),
            Self::StorageLow => Notice::StorageLow(StorageLow { free_bytes: 67_000_000 }),
        }
    }
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Notice {
    /// `webhook.disabled`
    WebhookDisabled(WebhookDisabled),
    /// `delivery.failed`
    DeliveryFailed(DeliveryFailed),
    /// `storage.low`
    StorageLow(StorageLow),
}

impl Notice {
    /// Its type.
    #[must_use]
    pub const fn notice_type(&self) -> NoticeType {
        match self {
            Self::WebhookDisabled(_) => NoticeType::WebhookDisabled,
            Self::DeliveryFailed(_) => NoticeType::DeliveryFailed,
            Self::StorageLow(_) => NoticeType::StorageLow,
        }
    }

    /// Its `data`, in canonical form.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a notice can always be written")
    }

    /// The event that carries it.
    #[must_use]
    pub fn event(&self, id: EventId, at: Timestamp) -> Event {
        Event::new(id, self.notice_type().event_type(), TeamId::OPERATOR, at, &self.data())
    }
}

/// The `data` of `webhook.disabled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookDisabled {
    /// Whose webhook.
    pub team_id: TeamId,
    /// Which webhook.
    pub webhook_id: WebhookId,
    /// The host of its URL. The rest of a URL may be a secret.
    pub url_host: String,
    /// Why.
    pub reason: DisabledReason,
    /// When its first attempt failed of those since its last success; `null` if the last one succeeded.
    pub failing_since: Option<Timestamp>,
}

impl WebhookDisabled {
    /// What is told of this webhook, disabled for `reason`.
    #[must_use]
    pub fn of(webhook: &Webhook, reason: DisabledReason, failing_since: Option<Timestamp>) -> Self {
        let url = Url::parse(&webhook.url).ok();
        Self {
            team_id: webhook.team,
            webhook_id: webhook.id,
            url_host: url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned(),
            reason,
            failing_since,
        }
    }
}

/// The `data` of `delivery.failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeliveryFailed {
    /// Whose delivery.
    pub team_id: TeamId,
    /// To where.
    pub webhook_id: WebhookId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Of which event.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// How many attempts were made.
    pub attempts: u32,
    /// What came of the last one.
    pub outcome: Outcome,
    /// What it was answered with; `null` if with nothing.
    pub status_code: Option<u16>,
    /// How many deliveries to this webhook failed since the last such notice of it, this one included.
    pub deliveries_failed: u32,
}

/// The `data` of `storage.low`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StorageLow {
    /// What may still be written to the disk.
    pub free_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Limits, canonicalize};

    /// T1: a notice is signed as every event is, so its bytes come back from every round trip.
    #[test]
    fn notices_are_canonical() {
        for notice in NoticeType::ALL.map(NoticeType::example) {
            let data = notice.data();
            let mut canonical = Vec::new();
            canonicalize(&data, &mut canonical, Limits::default()).unwrap();
            assert_eq!(canonical, data);
            let event = notice.event(EventId::from_bits(1, false), Timestamp::default());
            assert_eq!((event.team, event.data()), (TeamId::OPERATOR, &data[..]));
        }
    }

    /// The page lists what there is, and shows each as it is.
    #[test]
    fn each_notice_is_documented() {
        let page = include_str!("../../../docs/notices.md");
        let rows: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(rows, NoticeType::ALL.map(NoticeType::as_str));
        let shown = NoticeType::ALL.map(|notice| String::from_utf8(notice.example().data()).unwrap());
        assert!(page.contains(&shown.join("\n")), "{}", shown.join("\n"));
    }

    #[test]
    fn of_a_url_its_host_alone_is_told() {
        let at = Timestamp::default();
        let webhook = Webhook {
            id: WebhookId::from_bits(1),
            team: TeamId::OPERATOR,
            url: "https://hooks.example.com:8443/T0/B0/secret?token=secret".to_owned(),
            events: crate::Patterns::all(),
            filter: None,
            description: String::new(),
            status: crate::WebhookStatus::Disabled,
            disabled_reason: Some(DisabledReason::Gone),
            failing_since: None,
            ordered: false,
            rate_limit: None,
            retry_schedule: None,
            headers: Vec::new(),
            disable_on_gone: true,
            secret_overlap_until: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let told = WebhookDisabled::of(&webhook, DisabledReason::Gone, Some(at));
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.contains("\"hooks.example.com\"") && !text.contains("secret"), "{text}");
    }
}
