//! `cstar operations`, and what commands take that begin one.

use clap::{Args, Subcommand};
use cstar_types::OperationId;

use super::Rows;

#[derive(Subcommand)]
pub(crate) enum Operations {
    /// List operations, newest first
    #[command(before_help = "\
Examples:
  cstar operations list")]
    List(Rows),
    /// Show one, and how far it is
    #[command(before_help = "\
Examples:
  cstar operations get op_…")]
    Get {
        /// Its id
        operation: OperationId,
    },
    /// End one where it stands; what was done stays done
    #[command(before_help = "\
Examples:
  cstar operations cancel op_…")]
    Cancel {
        /// Its id
        operation: OperationId,
    },
}

/// Whether a command that begins an operation stays with it.
#[derive(Args)]
pub(crate) struct Wait {
    /// Begin it and do not wait for its end
    #[arg(long)]
    pub(crate) no_wait: bool,
}
