//! How a webhook has been doing.

use cstar_types::Timestamp;
use serde::{Deserialize, Serialize};

/// `GET …/webhooks/{webhook}/stats`: the deliveries that were made for a webhook in the last 24 hours of the clock, this one
/// included, as they stand now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookStats {
    /// Deliveries made at this time or later are counted.
    pub since: Timestamp,
    /// When they were counted.
    pub until: Timestamp,
    /// Whether that is all of the 24 hours. Only so many are counted: of a busier webhook the newest, and `since` says from
    /// when on.
    pub complete: bool,
    /// All of them together.
    pub total: DeliveryCounts,
    /// Those of each hour, oldest first.
    pub hours: Vec<HourStats>,
}

/// The deliveries of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HourStats {
    /// When the hour began.
    pub at: Timestamp,
    /// Those that were made in it.
    #[serde(flatten)]
    pub counts: DeliveryCounts,
}

/// How many deliveries stand where, and how long their endpoint took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeliveryCounts {
    /// The first attempt is still to come.
    pub pending: u32,
    /// An attempt failed; another is due.
    pub retrying: u32,
    /// Answered 2xx.
    pub delivered: u32,
    /// The last retry failed.
    pub failed: u32,
    /// Cancelled before they ended otherwise.
    pub cancelled: u32,
    /// Half of their last attempts took at most so long, in milliseconds; `null` if there was none.
    pub p50_ms: Option<u32>,
    /// 95 of 100 of their last attempts took at most so long, in milliseconds; `null` if there was none.
    pub p95_ms: Option<u32>,
}
