//! The two keys that a server cannot do without: the master key, which encrypts secrets, and the platform key.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cstar_store::sqlite::holds_data;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::StartError;
use crate::offline::Place;
use crate::options::{Options, SecretSetting};

/// 32 bytes in hex.
const HEX_KEY_CHARS: usize = 64;
const MASTER_KEY_FILE: &str = "master.key";
const PLATFORM_DIGEST_FILE: &str = "platform-key.sha256";
/// What stands beside the data.
pub(crate) const FILES: [&str; 2] = [MASTER_KEY_FILE, PLATFORM_DIGEST_FILE];
/// For its owner alone.
const PRIVATE_MODE: u32 = 0o600;

/// The platform key as the server keeps it, and in the clear if it was made just now.
pub(crate) struct PlatformKey {
    pub(crate) digest: [u8; 32],
    pub(crate) made: Option<SecretSetting>,
}

impl PlatformKey {
    /// Keeps the digest of a key that was made. To be called once it has been shown: a key that was kept before, and whose
    /// server then did not come up, would open everything and be known to nobody.
    pub(crate) fn keep(&self, data: &Path) -> Result<(), StartError> {
        match self.made {
            Some(_) => write_new(&data.join(PLATFORM_DIGEST_FILE), hex(&self.digest).as_bytes()),
            None => Ok(()),
        }
    }
}

/// The bytes of a master key.
pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

/// The master keys that the data may be opened with: given, read from a file, or made beside data that is still to be made,
/// with a warning. There are two of them while the key is being changed.
pub(crate) fn master_keys(place: &Place) -> Result<Vec<MasterKey>, StartError> {
    let known = known_master_keys(place)?;
    if !known.is_empty() {
        return Ok(known);
    }
    let path = place.data.join(MASTER_KEY_FILE);
    if holds_data(&place.data) {
        return Err(no_master_key(place));
    }
    let key = make(&path)?;
    tracing::warn!(
        path = %path.display(),
        "made a master key beside the data: whoever has both can read webhook secrets; keep a copy of it elsewhere, or set CSTAR_MASTER_KEY"
    );
    Ok(vec![key])
}

/// The master keys that are given, or stand in a file; none if none is there.
pub(crate) fn known_master_keys(place: &Place) -> Result<Vec<MasterKey>, StartError> {
    if let Some(given) = &place.master_key {
        return Ok(vec![parse_hex(given.reveal(), "CSTAR_MASTER_KEY")?]);
    }
    let beside = place.data.join(MASTER_KEY_FILE);
    match &place.master_key_file {
        Some(path) => read_master_keys(path),
        None if beside.exists() => read_master_keys(&beside),
        None => Ok(Vec::new()),
    }
}

/// The file that the master key stands in, unless it is given.
pub(crate) fn file_of(place: &Place) -> PathBuf {
    place.master_key_file.clone().unwrap_or_else(|| place.data.join(MASTER_KEY_FILE))
}

/// The only key of a file.
pub(crate) fn read_one(path: &Path) -> Result<MasterKey, StartError> {
    let several = || {
        StartError::Unusable(format!("{} holds two keys: a change of the key was cut short", path.display()))
    };
    let mut keys = read_master_keys(path)?;
    keys.pop().filter(|_| keys.is_empty()).ok_or_else(several)
}

/// A new key in a new file.
pub(crate) fn make(path: &Path) -> Result<MasterKey, StartError> {
    let key = random();
    write_new(path, hex(&key).as_bytes())?;
    Ok(key)
}

pub(crate) fn random() -> MasterKey {
    Zeroizing::new(rand::random())
}

/// Puts these keys in the place of what a file holds, all at once. The file stays its owner's.
pub(crate) fn replace(path: &Path, keys: &[&MasterKey]) -> Result<(), StartError> {
    let fresh = path.with_extension(format!("new-{:016x}", rand::random::<u64>()));
    let text: Zeroizing<String> = Zeroizing::new(keys.iter().map(|key| format!("{}\n", *hex(key))).collect());
    let replaced = std::fs::metadata(path).and_then(|old| {
        write_private(&fresh, text.as_bytes())?;
        std::os::unix::fs::chown(&fresh, Some(old.uid()), Some(old.gid()))?;
        std::fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), sync_directory)
    });
    if replaced.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    replaced.map_err(|error| StartError::file(path, &error))
}

/// Keeps a key that is about to leave its file in another beside it, under its id, and answers where.
pub(crate) fn keep_old(path: &Path, key: &MasterKey, id: &str) -> Result<PathBuf, StartError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{id}"));
    let beside = PathBuf::from(beside);
    // It is there if a change was cut short.
    if !beside.exists() {
        write_new(&beside, hex(key).as_bytes())?;
    } else if read_one(&beside)? != *key {
        let beside = beside.display();
        return Err(StartError::Unusable(format!(
            "{beside} holds another key than the old one: move it away"
        )));
    }
    let owned = std::fs::metadata(path)
        .and_then(|of| std::os::unix::fs::chown(&beside, Some(of.uid()), Some(of.gid())));
    owned.map_err(|error| StartError::file(&beside, &error))?;
    Ok(beside)
}

/// Another one must not be made in its place: it would open nothing, and hide that the right one is missing.
pub(crate) fn no_master_key(place: &Place) -> StartError {
    let data = place.data.display();
    StartError::Unusable(format!(
        "the master key that the data in {data} was encrypted with is missing: set CSTAR_MASTER_KEY, give \
         --master-key-file, or put it back as {data}/{MASTER_KEY_FILE}"
    ))
}

/// The platform key: given, known by its digest from an earlier start, or made and still to be kept.
pub(crate) fn platform_key(options: &Options) -> Result<PlatformKey, StartError> {
    if let Some(given) = &options.platform_key {
        return Ok(PlatformKey { digest: Sha256::digest(given.reveal()).into(), made: None });
    }
    let path = options.data.join(PLATFORM_DIGEST_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Ok(PlatformKey { digest: *parse_hex(text.trim(), &path.display().to_string())?, made: None })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made =
                SecretSetting::new(format!("csp_{}", *hex(&Zeroizing::new(rand::random::<[u8; 32]>()))));
            Ok(PlatformKey { digest: Sha256::digest(made.reveal()).into(), made: Some(made) })
        }
        Err(error) => Err(StartError::file(&path, &error)),
    }
}

/// A line for each key: one, or two while the key is being changed.
fn read_master_keys(path: &Path) -> Result<Vec<MasterKey>, StartError> {
    let metadata = std::fs::metadata(path).map_err(|error| StartError::file(path, &error))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        return Err(StartError::Unusable(format!(
            "{path} holds the master key and others may read it: run `chmod 600 {path}`"
        )));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| StartError::file(path, &error))?);
    let from = path.display().to_string();
    match text.trim().split_once('\n') {
        Some((one, other)) => Ok(vec![parse_hex(one.trim(), &from)?, parse_hex(other.trim(), &from)?]),
        None => Ok(vec![parse_hex(text.trim(), &from)?]),
    }
}

fn parse_hex(text: &str, from: &str) -> Result<MasterKey, StartError> {
    let wrong =
        || StartError::Unusable(format!("{from} must hold {HEX_KEY_CHARS} hex characters (32 random bytes)"));
    if text.len() != HEX_KEY_CHARS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut key = Zeroizing::new([0; 32]);
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

fn hex(bytes: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a file that must not exist yet, for its owner alone, synced with its directory before this returns: a key
/// that was used and then lost would lose what it encrypted. It gets its name once it is whole, so that a kill in between
/// leaves nothing that the next start would stumble over.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StartError> {
    let fresh = path.with_extension(format!("new-{:016x}", rand::random::<u64>()));
    let written = write_private(&fresh, bytes).and_then(|()| std::fs::hard_link(&fresh, path));
    let removed = std::fs::remove_file(&fresh);
    written
        .and(removed)
        .and_then(|()| path.parent().map_or(Ok(()), sync_directory))
        .map_err(|error| StartError::file(path, &error))
}

/// A relative path has an empty parent, which is the working directory.
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    let here = Path::new(".");
    File::open(if directory.as_os_str().is_empty() { here } else { directory })?.sync_all()
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn settings(data: &Path) -> Settings {
        let flags = [("data".to_owned(), data.display().to_string())].into();
        Settings::resolve(&flags, |_| None, None, &[]).unwrap()
    }

    fn options(data: &Path) -> Options {
        Options::from_settings(&settings(data)).unwrap()
    }

    /// SEC-3: made once, private, and the same at the next start.
    #[test]
    fn a_master_key_is_made_once_and_kept_private() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::from_settings(&settings(directory.path())).unwrap();
        let first = master_keys(&place).unwrap();
        assert_eq!(first, master_keys(&place).unwrap());
        let path = directory.path().join(MASTER_KEY_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE_MODE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(master_keys(&place).unwrap_err().to_string().contains("chmod 600"));
    }

    /// A key that was lost is not replaced by one that opens nothing.
    #[test]
    fn no_master_key_is_made_beside_data_that_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::from_settings(&settings(directory.path())).unwrap();
        std::fs::write(directory.path().join("cstar.db"), "data").unwrap();
        assert!(master_keys(&place).unwrap_err().to_string().contains("is missing"));
        assert!(!directory.path().join(MASTER_KEY_FILE).exists());
    }

    /// SEC-3: the platform key is printed once and never stored.
    #[test]
    fn a_platform_key_is_made_once_and_only_its_digest_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path());
        let first = platform_key(&options).unwrap();
        first.keep(directory.path()).unwrap();
        let again = platform_key(&options).unwrap();
        assert!(again.made.is_none());
        assert_eq!(again.digest, first.digest);
        again.keep(directory.path()).unwrap();
        let made = first.made.expect("made at the first start");
        let stored = std::fs::read_to_string(directory.path().join(PLATFORM_DIGEST_FILE)).unwrap();
        assert!(!stored.contains(&made.reveal()[4..]));
    }

    /// A start that fails before anybody has seen the key does not use it up.
    #[test]
    fn a_platform_key_that_nobody_saw_is_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path());
        let unseen = platform_key(&options).unwrap();
        let seen = platform_key(&options).unwrap();
        assert!(seen.made.is_some() && seen.digest != unseen.digest);
    }

    /// Killed at any moment of a write, it leaves the whole file or none under its name; what is there is not replaced.
    #[test]
    fn a_key_file_is_whole_or_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(MASTER_KEY_FILE);
        write_private(&path.with_extension("new-0"), b"cut sho").unwrap();
        write_new(&path, b"first").unwrap();
        assert!(write_new(&path, b"second").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            2,
            "only what the kill left is beside it"
        );
    }

    #[test]
    fn a_key_that_is_no_hex_is_refused() {
        for text in ["", "zz", &"é".repeat(32), &"g".repeat(64), &"a".repeat(63)] {
            assert!(parse_hex(text, "x").is_err(), "{text}");
        }
    }
}
