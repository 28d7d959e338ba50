//! `cstar webhooks`.

use clap::{Args, Subcommand};
use cstar_types::limits::RATE_LIMIT_MAX;
use cstar_types::{EventType, Patterns, RetrySchedule, Timestamp, WebhookId};
use reqwest::header::{HeaderName, HeaderValue};

use super::{Rows, Wait, values};
use crate::listen;

#[derive(Subcommand)]
pub(crate) enum Webhooks {
    /// List webhooks, newest first
    #[command(before_help = "\
Examples:
  cstar webhooks list")]
    List(Rows),
    /// Show one
    #[command(before_help = "\
Examples:
  cstar webhooks get wh_…")]
    Get {
        /// Its id
        webhook: WebhookId,
    },
    /// Register a URL; its secret is shown this once
    #[command(before_help = "\
Examples:
  cstar webhooks create --url https://example.com/webhook --events '*'
  cstar webhooks create --url https://example.com/webhook --events 'ticket.*' -H 'X-Token: abc'")]
    Create {
        /// Where requests go
        #[arg(long)]
        url: String,
        /// Which events
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        events: Patterns,
        #[command(flatten)]
        options: WebhookOptions,
        /// A secret that the receiver knows already (whsec_…)
        #[arg(long, value_name = "SECRET")]
        secret: Option<String>,
    },
    /// Change one; what is not said stays
    #[command(before_help = "\
Examples:
  cstar webhooks update wh_… --events 'ticket.*,survey.submitted'
  cstar webhooks update wh_… --filter '{\"pointer\":\"/priority\",\"equals\":\"high\"}'
  cstar webhooks update wh_… --ordered true --rate-limit 10
  cstar webhooks update wh_… --disable")]
    Update {
        /// Its id
        webhook: WebhookId,
        /// A new URL
        #[arg(long)]
        url: Option<String>,
        /// New patterns
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        events: Option<Patterns>,
        #[command(flatten)]
        options: WebhookOptions,
        /// Take its filter away
        #[arg(long, conflicts_with = "filter")]
        no_filter: bool,
        /// Take its rate limit away
        #[arg(long, conflicts_with = "rate_limit")]
        no_rate_limit: bool,
        /// Enable it
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Disable it; what waits is cancelled
        #[arg(long)]
        disable: bool,
    },
    /// Replace the secret; the new one is shown this once
    #[command(before_help = "\
Examples:
  cstar webhooks rotate-secret wh_…
  cstar webhooks rotate-secret wh_… --overlap 3d
  cstar webhooks rotate-secret wh_… --overlap 0s                   the secret has leaked")]
    RotateSecret {
        /// Its id
        webhook: WebhookId,
        /// How long the secret before stays valid too: 24h unless said, at most 7d; 0s ends it at once
        #[arg(long, value_name = "TIME", value_parser = values::seconds)]
        overlap: Option<u64>,
        /// A secret that the receiver knows already (whsec_…)
        #[arg(long, value_name = "SECRET")]
        secret: Option<String>,
    },
    /// End the overlap of a rotation: the secret before is no longer valid
    #[command(before_help = "\
Examples:
  cstar webhooks end-overlap wh_…")]
    EndOverlap {
        /// Its id
        webhook: WebhookId,
    },
    /// Send an example to it now, as a test event, and show what comes of it; exit with 6 if it fails
    #[command(before_help = "\
Examples:
  cstar webhooks test wh_…
  cstar webhooks test wh_… --type boss.defeated")]
    Test {
        /// Its id
        webhook: WebhookId,
        /// Of which type; the first of the catalog that it wants, unless said
        #[arg(long = "type", value_name = "TYPE")]
        event_type: Option<EventType>,
    },
    /// Send again what it did not get: what failed, was cancelled, or happened while it was disabled
    #[command(before_help = "\
Examples:
  cstar webhooks recover wh_… --since 2025-12-10T14:30:00Z
  cstar webhooks recover wh_… --since 2025-12-10T14:30:00Z --until 2025-12-10T18:00:00Z")]
    Recover {
        /// Its id
        webhook: WebhookId,
        /// Events from this time on, such as 2025-12-10T14:30:00Z
        #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
        since: Timestamp,
        /// Events before this time; all until now unless said
        #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
        until: Option<Timestamp>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Delete one; what waits is cancelled
    #[command(before_help = "\
Examples:
  cstar webhooks delete wh_…")]
    Delete {
        /// Its id
        webhook: WebhookId,
    },
}

/// What a webhook may have beside its URL and patterns.
#[derive(Args)]
pub(crate) struct WebhookOptions {
    /// Which of those events, by their data
    #[arg(long, value_name = "FILE|-|JSON")]
    pub(crate) filter: Option<String>,
    /// For people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Whether its deliveries go one at a time, in the log's order
    #[arg(long, value_name = "true|false")]
    pub(crate) ordered: Option<bool>,
    /// At most so many attempts a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=RATE_LIMIT_MAX.into()))]
    pub(crate) rate_limit: Option<u32>,
    /// Its own waits between attempts, such as 1m,5m,30m
    #[arg(long, value_name = "WAITS")]
    pub(crate) retry_schedule: Option<RetrySchedule>,
    /// A header for every request, as 'Name: value'; may be repeated, and replaces those before
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = listen::parse_header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether an answer of 410 disables it
    #[arg(long, value_name = "true|false")]
    pub(crate) disable_on_gone: Option<bool>,
}
