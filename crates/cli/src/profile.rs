//! Profiles: a server, a key and a team under a name, in one private file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cstar_types::TeamId;
use serde::{Deserialize, Serialize};

use crate::exit::CliError;

/// The profile that `cstar dev` writes, and the one used when no other is chosen.
pub(crate) const DEV: &str = "dev";
/// It holds keys: for its owner alone.
const PRIVATE_MODE: u32 = 0o600;

/// One profile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) url: String,
    pub(crate) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) team: Option<TeamId>,
}

/// All profiles, by name.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Profiles {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Reads the file; no file means no profiles.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(CliError::usage(format!("{}: {error}", path.display()))),
        };
        toml::from_str(&text).map_err(|error| {
            CliError::usage(format!("{}: {}", path.display(), error.message()))
                .hint("mend the file, or move it away and make its profiles anew")
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.profile.get(name)
    }

    pub(crate) fn set(&mut self, name: &str, profile: Profile) {
        self.profile.insert(name.to_owned(), profile);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.profile.keys().map(String::as_str)
    }

    /// Writes the file anew; a crash leaves the old one or the new one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), CliError> {
        let text = toml::to_string_pretty(self).map_err(|error| CliError::usage(error.to_string()))?;
        write_private(path, &text)
    }
}

/// Writes a file that only its owner can read, in place of the old one at once.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), CliError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE_MODE).open(&fresh)?;
    file.set_permissions(std::fs::Permissions::from_mode(PRIVATE_MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    File::open(directory)?.sync_all()?;
    Ok(())
}

/// Where the profiles stand: `$XDG_CONFIG_HOME/cstar/profiles.toml`, else below `~/.config`.
pub(crate) fn path() -> Result<PathBuf, CliError> {
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .ok_or_else(|| {
            CliError::usage("there is no home directory to keep profiles in: set XDG_CONFIG_HOME")
        })?;
    Ok(config.join("cstar").join("profiles.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(key: &str) -> Profile {
        Profile { url: "http://127.0.0.1:7070".into(), key: key.into(), team: None }
    }

    /// SEC-3: the file is private even if an older one was not.
    #[test]
    fn profiles_come_back_from_a_private_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep").join("profiles.toml");
        let mut profiles = Profiles::read(&path).unwrap();
        profiles.set(DEV, profile("one"));
        profiles.write(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        profiles.set("other", profile("two"));
        profiles.write(&path).unwrap();
        let read = Profiles::read(&path).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), [DEV, "other"]);
        assert!(read.get(DEV) == Some(&profile("one")));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE_MODE);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("profiles.toml");
        std::fs::write(&path, "profile = 3").unwrap();
        let Err(error) = Profiles::read(&path) else { panic!("it was read") };
        assert!(error.message.contains("profiles.toml"), "{}", error.message);
    }
}
