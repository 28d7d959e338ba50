//! The commands of an operator: a server's data as a whole, with a server or without one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;

use clap::Args;
use cstar_server::Settings;
use cstar_server::moving::Destination;
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
    pub(crate) place: Directory,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) place: Directory,
}

#[derive(Args)]
pub(crate) struct RotateMasterKey {
    #[command(flatten)]
    pub(crate) place: Directory,
    /// Where the new key is to stand, or stands already; the old one's file is replaced unless said
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Move {
    #[command(flatten)]
    place: DataFlags,
    /// The empty PostgreSQL database, as postgres://user:password@host/database; in the environment if it has a password
    /// [env: CSTAR_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// PEM file of the authority that the database's certificate comes from, if the system does not know it
    /// [env: CSTAR_STORE_CA]
    #[arg(long, value_name = "FILE")]
    store_ca: Option<String>,
}

impl Move {
    /// From where, and to where.
    pub(crate) fn place_and_destination(
        self,
        global: &Global,
        output: Output,
    ) -> Result<(Place, Destination), CliError> {
        let to = [("store", self.store), ("store-ca", self.store_ca)];
        let settings = self.place.settings(global, to, output)?;
        Ok((Place::from_settings(&settings)?, Destination::from_settings(&settings)?))
    }
}

/// A data directory, and nothing else: what nodes share is administered otherwise.
#[derive(Args)]
pub(crate) struct Directory {
    #[command(flatten)]
    flags: DataFlags,
    /// Taken, to be able to say what to do instead.
    #[arg(long, value_name = "URL", hide = true)]
    store: Option<String>,
}

impl Directory {
    /// Where it is. Who means a database is told what to do `instead`; whoever names a directory beside one means that.
    pub(crate) fn place(self, global: &Global, output: Output, instead: &str) -> Result<Place, CliError> {
        let Self { flags, store } = self;
        let is_url = |data: &str| data.starts_with("postgres://") || data.starts_with("postgresql://");
        let named = flags.data.as_deref().map(is_url);
        let settings = flags.settings(global, [], output)?;
        let is_shared = settings.read("store", |_| Ok::<_, Infallible>(()))?.is_some();
        if store.is_some() || named.unwrap_or(is_shared) {
            return Err(CliError::usage(format!(
                "this is for a data directory, not for a database: {instead}"
            )));
        }
        Ok(Place::from_settings(&settings)?)
    }
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
    fn settings<const N: usize>(
        self,
        global: &Global,
        others: [(&str, Option<String>); N],
        output: Output,
    ) -> Result<Settings, CliError> {
        refuse_flags_of_clients(global, WITHOUT_SERVER)?;
        let given = [("data", self.data), ("master-key-file", self.master_key_file)];
        let given = given.into_iter().chain(others);
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        ServeFlags::only(given.collect::<BTreeMap<_, _>>(), self.config).resolve(&[], output)
    }
}
