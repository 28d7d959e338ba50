//! `cstar deliveries`.

use clap::Subcommand;
use cstar_types::{DeliveryId, DeliveryStatus, EventId, Patterns, WebhookId};

use super::{Period, Rows, values};

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
    /// Send one again, with a new schedule
    #[command(before_help = "\
Examples:
  cstar deliveries resend dlv_…")]
    Resend {
        /// Its id
        delivery: DeliveryId,
    },
}
