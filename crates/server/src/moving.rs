//! Moving a data directory into a database that several nodes share.

use std::path::PathBuf;

use cstar_store::sqlite::{MasterKey, Offline};
use cstar_store::{StoreError, ToldOfMove, move_to_postgres, postgres};
use tokio::task::spawn_blocking;

use crate::StartError;
use crate::keys;
use crate::offline::{Place, refused};
use crate::options::{SecretSetting, path, store_url};
use crate::server::keep_files_private;
use crate::settings::{Settings, SettingsError};

pub use cstar_store::{Moved, Moving};

/// The database that everything is moved into.
#[derive(Debug, Clone)]
pub struct Destination {
    url: SecretSetting,
    authority: Option<PathBuf>,
}

impl Destination {
    /// Reads those of a server's settings that say it.
    ///
    /// # Errors
    /// When there is none, or it is no URL of a database.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let url = settings.read("store", store_url)?;
        let url = url.ok_or_else(|| {
            SettingsError("--store is needed: the URL of the empty database to move into".to_owned())
        })?;
        Ok(Self { url, authority: settings.read("store-ca", path)? })
    }
}

/// Moves everything in a data directory into an empty database, under the positions, the ids and the master key that it has.
/// `told` hears how far it is. Cut short, it has changed nothing.
///
/// # Errors
/// When there is no data, a server runs on it, it is damaged, the master key is missing or another one, or the database cannot be
/// used or is not empty.
pub async fn move_to(place: &Place, to: &Destination, told: ToldOfMove) -> Result<Moved, StartError> {
    keep_files_private();
    let given = keys::known_master_keys(place)?;
    if given.is_empty() {
        return Err(keys::no_master_key(place));
    }
    let keys: Vec<MasterKey> = given.iter().map(|key| MasterKey::new(**key)).collect();
    let data = place.data.clone();
    let opened = spawn_blocking(move || {
        let from = Offline::open(&data)?;
        let key = keys.into_iter().find(|key| from.opens_with(std::slice::from_ref(key)).is_ok());
        Ok((from, key.ok_or(StoreError::OtherMasterKey)?))
    });
    let broke_off = |error| Err(StoreError::Database(format!("reading the directory broke off: {error}")));
    let (from, key) = opened.await.unwrap_or_else(broke_off).map_err(refused)?;
    let mut options = postgres::Options::new(to.url.reveal(), key.clone()).map_err(refused)?;
    options.root_certificate = to.authority.clone();
    move_to_postgres(from, key, options, told).await.map_err(refused)
}
