//! `cstar event-types`.

use clap::Subcommand;
use cstar_types::EventType;

use super::Rows;

#[derive(Subcommand)]
pub(crate) enum EventTypes {
    /// List every type that can be published
    #[command(before_help = "\
Examples:
  cstar event-types list")]
    List(Rows),
    /// Show one: when it fires, its schema and an example
    #[command(before_help = "\
Examples:
  cstar event-types get ticket.created")]
    Get {
        /// The type
        #[arg(value_name = "TYPE")]
        event_type: EventType,
    },
    /// Add one, or change one that was added, with the platform key
    #[command(before_help = "\
Examples:
  cstar event-types put order.paid --file order.paid.json
  cstar event-types put order.paid --file -")]
    Put {
        /// The type
        #[arg(value_name = "TYPE")]
        event_type: EventType,
        /// As `get` shows one: a file, - for standard input, or the JSON itself
        #[arg(long, value_name = "FILE|-|JSON")]
        file: String,
    },
    /// Delete one that was added: its events stay, and new ones are refused
    #[command(before_help = "\
Examples:
  cstar event-types delete order.paid")]
    Delete {
        /// The type
        #[arg(value_name = "TYPE")]
        event_type: EventType,
    },
}
