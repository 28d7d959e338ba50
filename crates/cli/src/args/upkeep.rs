//! The commands of an operator: a server's data as a whole, with a server or without one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use cstar_server::offline::Place;

use super::{Global, ServeFlags, refuse_flags_of_clients};
use crate::exit::CliError;
use crate::output::Output;

/// Of commands that work on a data directory.
pub(crate) const WITHOUT_SERVER: &str = "this one works without one";

#[derive(Args)]
pub(crate) struct Backup {
    /// Where to write it; nothing may be there yet
    pub(crate) file: PathBuf,
    /// Copy this data directory, on which no server runs, instead of asking a server
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Restore {
    /// The backup
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: DataFlags,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) place: DataFlags,
}

#[derive(Args)]
pub(crate) struct RotateMasterKey {
    #[command(flatten)]
    pub(crate) place: DataFlags,
    /// Where the new key is to stand, or stands already; the old one's file is replaced unless said
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Option<PathBuf>,
}

/// Which data directory, and where its master key is: as `cstar serve` is told.
#[derive(Args)]
pub(crate) struct DataFlags {
    /// Directory that holds the log [env: CSTAR_DATA, default: cstar-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// File with the key that encrypts secrets; `master.key` in the directory unless said, or CSTAR_MASTER_KEY
    /// [env: CSTAR_MASTER_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<String>,
    /// TOML file of `cstar serve`, which may say both [env: CSTAR_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl DataFlags {
    /// Refuses what is of no use without a server, and puts flags, environment and file together.
    pub(crate) fn place(self, global: &Global, output: Output) -> Result<Place, CliError> {
        refuse_flags_of_clients(global, WITHOUT_SERVER)?;
        let given = [("data", self.data), ("master-key-file", self.master_key_file)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let settings =
            ServeFlags::only(given.collect::<BTreeMap<_, _>>(), self.config).resolve(&[], output)?;
        Ok(Place::from_settings(&settings)?)
    }
}
