//! `cstar teams`.

use clap::Subcommand;
use cstar_types::TeamId;

use super::{Rows, values};

#[derive(Subcommand)]
pub(crate) enum Teams {
    /// List teams, newest first
    #[command(before_help = "\
Examples:
  cstar teams list")]
    List(Rows),
    /// Show one
    #[command(before_help = "\
Examples:
  cstar teams get TEAM")]
    Get {
        /// Its id
        #[arg(value_name = "TEAM", value_parser = values::team)]
        id: TeamId,
    },
    /// Make a team
    #[command(before_help = "\
Examples:
  cstar teams create --name Support
  cstar teams create --name Support --id TEAM")]
    Create {
        /// For people
        #[arg(long)]
        name: String,
        /// The application's own UUID for it
        #[arg(long, value_name = "UUID", value_parser = values::team)]
        id: Option<TeamId>,
    },
    /// Delete a team and everything of it
    #[command(before_help = "\
Examples:
  cstar teams delete TEAM")]
    Delete {
        /// Its id
        #[arg(value_name = "TEAM", value_parser = values::team)]
        id: TeamId,
    },
}
