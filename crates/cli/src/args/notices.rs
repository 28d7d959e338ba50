//! `cstar notices`.

use clap::Subcommand;
use cstar_types::{EventType, Patterns, WebhookId};

use super::{Rows, values};

#[derive(Subcommand)]
pub(crate) enum Notices {
    /// List the URLs, newest first
    #[command(before_help = "\
Examples:
  cstar notices list")]
    List(Rows),
    /// Register a URL; its secret is shown this once
    #[command(before_help = "\
Examples:
  cstar notices create --url https://ops.example.com/cstar
  cstar notices create --url https://ops.example.com/cstar --types 'webhook.disabled,storage.*'")]
    Create {
        /// Where notices go
        #[arg(long)]
        url: String,
        /// Which notices; all unless said
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        types: Option<Patterns>,
        /// For people
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Send an example to a URL now, as a test event, and show what comes of it; exit with 6 if it fails
    #[command(before_help = "\
Examples:
  cstar notices test wh_…
  cstar notices test wh_… --type storage.low")]
    Test {
        /// Its id
        #[arg(value_name = "NOTICE")]
        id: WebhookId,
        /// Of which type; the first that it gets, unless said
        #[arg(long = "type", value_name = "TYPE")]
        notice_type: Option<EventType>,
    },
    /// Delete a URL; what waits for it is cancelled
    #[command(before_help = "\
Examples:
  cstar notices delete wh_…")]
    Delete {
        /// Its id
        #[arg(value_name = "NOTICE")]
        id: WebhookId,
    },
}
