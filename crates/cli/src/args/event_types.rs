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
}
