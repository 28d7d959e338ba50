//! `cstar keys`.

use clap::Subcommand;
use cstar_types::{KeyId, Patterns, Scope, Timestamp};

use super::{Rows, values};

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// List keys, newest first
    #[command(before_help = "\
Examples:
  cstar keys list")]
    List(Rows),
    /// Make a key; it is shown this once
    #[command(before_help = "\
Examples:
  cstar keys create --name dashboard --scopes events:read --types 'ticket.*'
  cstar keys create --name trial --scopes events:read --expires-at 2030-01-01T00:00:00Z")]
    Create {
        /// For people
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
        /// Which types it sees; all unless said
        #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
        types: Option<Patterns>,
        /// From when on it opens nothing
        #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
        expires_at: Option<Timestamp>,
    },
    /// Revoke a key for good; its streams end
    #[command(before_help = "\
Examples:
  cstar keys revoke key_…")]
    Revoke {
        /// Its id
        #[arg(value_name = "KEY")]
        id: KeyId,
    },
}
