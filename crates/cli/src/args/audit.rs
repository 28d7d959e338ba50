//! `cstar audit`.

use clap::Subcommand;
use cstar_types::{Actor, AuditAction};

use super::{Period, Rows};

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// List changes, newest first
    #[command(before_help = "\
Examples:
  cstar audit list
  cstar audit list --action webhook.deleted --since 2025-12-10T14:30:00Z
  cstar audit list --actor key_…
  cstar audit list --all-teams")]
    List {
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        period: Period,
        /// Of this kind, such as webhook.created
        #[arg(long)]
        action: Option<AuditAction>,
        /// By this one: platform, or a key's id
        #[arg(long)]
        actor: Option<Actor>,
        /// Of every team, and of what they share; this needs the platform key
        #[arg(long)]
        all_teams: bool,
    },
}
