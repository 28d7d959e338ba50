//! Administration of a data directory while no server runs on it.

use std::path::{Path, PathBuf};

use cstar_store::sqlite::{self, MasterKey, Offline};
use cstar_store::{Backup, StoreError, postgres};
use cstar_types::Timestamp;
use serde::Serialize;

use crate::StartError;
use crate::keys;
use crate::options::{Options, SecretSetting};
use crate::retention;
use crate::server::{keep_files_private, system_now};
use crate::settings::{Settings, SettingsError};

pub use crate::rotation::{Rotated, rotate_master_key};
pub use cstar_store::sqlite::{About, Finding, Looked, Manifest, Restored};

/// Where a data directory is, and where its master key.
#[derive(Debug, Clone)]
pub struct Place {
    /// The data directory.
    pub data: PathBuf,
    pub(crate) master_key_file: Option<PathBuf>,
    pub(crate) master_key: Option<SecretSetting>,
}

impl Place {
    /// Reads those of a server's settings that say it.
    ///
    /// # Errors
    /// When they contradict each other.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let path = |text: &str| Ok::<_, std::convert::Infallible>(PathBuf::from(text));
        let secret = |text: &str| Ok::<_, std::convert::Infallible>(SecretSetting::new(text.to_owned()));
        let place = Self {
            data: settings.read("data", path)?.ok_or_else(|| SettingsError("--data is needed".to_owned()))?,
            master_key_file: settings.read("master-key-file", path)?,
            master_key: settings.read("master-key", secret)?,
        };
        if place.master_key.is_some() && place.master_key_file.is_some() {
            return Err(SettingsError("give CSTAR_MASTER_KEY or --master-key-file, not both".to_owned()));
        }
        Ok(place)
    }

    /// The place of a server's data.
    pub(crate) fn of(options: &Options) -> Self {
        let Options { data, master_key_file, master_key, .. } = options.clone();
        Self { data, master_key_file, master_key }
    }
}

/// Copies a data directory. It stays locked until the copy is read or dropped.
///
/// # Errors
/// When there is nothing to copy, a server runs on it, or the copy cannot be made.
pub fn back_up(data: &Path) -> Result<Backup, StartError> {
    keep_files_private();
    Offline::open(data).and_then(|offline| offline.into_backup(system_now())).map_err(refused)
}

/// What a backup is that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Verified {
    /// Of a data directory: [`restore`] makes one of it.
    Directory(Manifest),
    /// Of a database that nodes share: a script for an empty one.
    Database(postgres::Manifest),
}

impl Verified {
    /// When it was made; what was stored before is in it.
    #[must_use]
    pub const fn made_at(&self) -> Timestamp {
        match self {
            Self::Directory(manifest) => manifest.made_at,
            Self::Database(manifest) => manifest.made_at,
        }
    }
}

/// Reads a whole backup. `told` hears how many of how many bytes were read.
///
/// # Errors
/// When it is not whole, or none that this version knows.
pub fn verify(backup: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<Verified, StartError> {
    let verified = if postgres::is_copy(backup) {
        postgres::verify_copy(backup, told).map(Verified::Database)
    } else {
        sqlite::verify(backup, told).map(Verified::Directory)
    };
    verified.map_err(refused)
}

/// Makes a data directory of a backup, for the master key that the backup was made under.
///
/// # Errors
/// When the directory holds something, the backup is not whole, or the master key is missing or another one. The directory
/// holds no data then.
pub fn restore(place: &Place, backup: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<Restored, StartError> {
    keep_files_private();
    if postgres::is_copy(backup) {
        let backup = backup.display();
        return Err(StartError::Unusable(format!(
            "{backup} is the copy of a database: restore it into an empty one with `psql --set ON_ERROR_STOP=1 --file {backup} DATABASE`"
        )));
    }
    let manifest = sqlite::read_manifest(backup).map_err(refused)?;
    let given = keys::known_master_keys(place)?;
    let key = given.iter().map(|key| MasterKey::new(**key)).find(|key| key.id_text() == manifest.master_key);
    let key = key.ok_or_else(|| no_key_for(backup, &manifest, !given.is_empty()))?;
    let restored =
        sqlite::restore(backup, &place.data, &keys::FILES, &key, system_now(), told).map_err(refused)?;
    // Retention goes on from there, and slowly: at once, it would remove what has grown old since, before anybody saw it.
    retention::remember(&place.data, restored.manifest.made_at);
    Ok(restored)
}

fn no_key_for(backup: &Path, manifest: &Manifest, is_given: bool) -> StartError {
    let (backup, id) = (backup.display(), &manifest.master_key);
    StartError::Unusable(if is_given {
        format!(
            "{backup} was made under another master key than the one given: give the one with the id {id}, which was in \
             use at {}",
            manifest.made_at
        )
    } else {
        format!(
            "{backup} needs the master key that it was made under, which has the id {id}: without it the secrets and the \
             headers of all webhooks are unreadable, and nothing can be delivered. Set CSTAR_MASTER_KEY, give \
             --master-key-file, or put it into the data directory as master.key"
        )
    })
}

/// Looks at everything in a data directory; `told` hears what is found.
///
/// # Errors
/// When the directory cannot be looked at: there is no data, a server runs on it, or the master key is missing or another one.
pub fn check(place: &Place, told: &mut dyn FnMut(Looked)) -> Result<(), StartError> {
    keep_files_private();
    let keys: Vec<_> = keys::known_master_keys(place)?.iter().map(|key| MasterKey::new(**key)).collect();
    let data = match Offline::open(&place.data) {
        Err(StoreError::Damaged(what)) => {
            // So much that nothing else can be looked at.
            told(Looked::Found(Finding { about: About::Structure, what }));
            return Ok(());
        }
        opened => opened.map_err(refused)?,
    };
    if keys.is_empty() {
        return Err(keys::no_master_key(place));
    }
    data.check(&keys, told).map_err(refused)
}

/// What the operator can put right is told as such.
pub(crate) fn refused(error: StoreError) -> StartError {
    match error {
        StoreError::Unusable(what) => StartError::Unusable(what),
        StoreError::OtherMasterKey | StoreError::StorageFull => StartError::Unusable(error.to_string()),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::open_store;

    /// What has grown older than the retention since the backup is not removed at the first start.
    #[test]
    fn retention_goes_on_where_the_backup_was_made() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| Place {
            data: dir.path().join(name),
            master_key_file: None,
            master_key: Some(SecretSetting::new("5a".repeat(32))),
        };
        let (data, again) = (place("data"), place("again"));
        drop(open_store(&data.data, keys::master_keys(&data).unwrap()).unwrap());
        let file = dir.path().join("backup");
        let whole: Vec<u8> = back_up(&data.data).unwrap().flat_map(|piece| piece.unwrap().to_vec()).collect();
        std::fs::write(&file, whole).unwrap();
        let restored = restore(&again, &file, &mut |_, _| {}).unwrap();
        let clock = std::fs::read_to_string(again.data.join("retention.clock")).unwrap();
        assert_eq!(clock, restored.manifest.made_at.to_string());
    }
}
