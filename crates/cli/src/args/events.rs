//! `cstar events`.

use clap::Subcommand;
use cstar_types::{Cursor, EventId, EventType, Patterns, WebhookId};

use super::{Period, Rows, values};

#[derive(Subcommand)]
pub(crate) enum Events {
    /// List events, newest first
    #[command(before_help = "\
Examples:
  cstar events list
  cstar events list --types 'ticket.*,boss.defeated' --since 2025-12-10T14:30:00Z
  cstar events list --json --limit 1000")]
    List {
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        period: Period,
        /// Which types
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        types: Option<Patterns>,
        /// Oldest first
        #[arg(long)]
        oldest_first: bool,
    },
    /// Show one event, byte for byte
    #[command(before_help = "\
Examples:
  cstar events get evt_…")]
    Get {
        /// Its id
        event: EventId,
    },
    /// Publish an event
    #[command(before_help = "\
Examples:
  cstar events publish ticket.closed --data '{\"id\":\"42\"}'
  cstar events publish ticket.closed --data ticket.json --idempotency-key ticket-42-closed
  cstar events publish ticket.closed --data - --no-webhooks")]
    Publish {
        /// The type
        #[arg(value_name = "TYPE")]
        event_type: EventType,
        /// Its data: a file, - for standard input, or the JSON itself
        #[arg(long, value_name = "FILE|-|JSON")]
        data: String,
        /// A repeat with the same key finds the first event
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Make no webhook deliveries
        #[arg(long)]
        no_webhooks: bool,
    },
    /// Deliver one to a webhook, whether it matched or not
    #[command(before_help = "\
Examples:
  cstar events resend evt_… --webhook wh_…")]
    Resend {
        /// Its id
        event: EventId,
        /// To which webhook
        #[arg(long)]
        webhook: WebhookId,
    },
    /// Erase the data of one for good, with the platform key
    #[command(before_help = "\
Examples:
  cstar events erase evt_…
  cstar events erase evt_… --yes")]
    Erase {
        /// Its id
        event: EventId,
    },
    /// Show events as they happen, one envelope a line
    #[command(before_help = "\
Examples:
  cstar events tail
  cstar events tail --types 'ticket.*'
  cstar events tail --after 0 --until-head   everything that is kept, and no more")]
    Tail {
        /// Which types
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        types: Option<Patterns>,
        /// Replay what came after this position first; 0 is the oldest that is kept
        #[arg(long, value_name = "POSITION")]
        after: Option<Cursor>,
        /// End once everything up to now was shown
        #[arg(long)]
        until_head: bool,
    },
}
