//! `cstar deliveries`.

use clap::{Args, Subcommand};
use cstar_types::{DeliveryId, DeliveryStatus, EventId, Patterns, Timestamp, WebhookId};

use super::{Period, Rows, Wait, values};

#[derive(Subcommand)]
pub(crate) enum Deliveries {
    /// List deliveries, newest first
    #[command(before_help = "\
Examples:
  cstar deliveries list --status failed
  cstar deliveries list --webhook wh_… --since 2025-12-10T14:30:00Z
  cstar deliveries list --event evt_…")]
    List {
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        period: Period,
        /// Of this webhook
        #[arg(long)]
        webhook: Option<WebhookId>,
        /// Of this event
        #[arg(long)]
        event: Option<EventId>,
        /// In this status: pending, retrying, delivered, failed or cancelled
        #[arg(long)]
        status: Option<DeliveryStatus>,
        /// Which types
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        types: Option<Patterns>,
    },
    /// Show one and its attempts
    #[command(before_help = "\
Examples:
  cstar deliveries get dlv_…")]
    Get {
        /// Its id
        delivery: DeliveryId,
    },
    /// Send one again, with a new schedule, or all ended ones that the flags describe
    #[command(before_help = "\
Examples:
  cstar deliveries resend dlv_…
  cstar deliveries resend --webhook wh_… --status failed
  cstar deliveries resend --status failed --since 2025-12-10T14:30:00Z --dry-run")]
    Resend {
        /// Its id
        #[arg(conflicts_with = "filter")]
        delivery: Option<DeliveryId>,
        #[command(flatten)]
        filter: Resend,
        /// Count what would be resent, and resend nothing
        #[arg(long, conflicts_with = "delivery")]
        dry_run: bool,
        #[command(flatten)]
        wait: Wait,
    },
}

/// Which deliveries: those that meet all that is said.
#[derive(Args)]
#[group(id = "filter", multiple = true)]
pub(crate) struct Resend {
    /// All to this webhook
    #[arg(long)]
    pub(crate) webhook: Option<WebhookId>,
    /// All that ended so: delivered, failed or cancelled
    #[arg(long)]
    pub(crate) status: Option<DeliveryStatus>,
    /// All of events of these types
    #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
    pub(crate) types: Option<Patterns>,
    /// All of this event
    #[arg(long)]
    pub(crate) event: Option<EventId>,
    /// All made from this time on, such as 2025-12-10T14:30:00Z
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub(crate) since: Option<Timestamp>,
    /// All made before this time
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub(crate) until: Option<Timestamp>,
}
