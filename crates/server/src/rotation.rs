//! Changing the master key, so that a kill at any moment leaves data that the next start can open.
//!
//! ```text
//! the file:  old ──▶ old, new ──▶ old, new ──▶ new
//! the data:  old      old     ──▶ new          new
//! ```
//! The data changes in one transaction, and a server takes whichever key of the file opens it. Before the old key leaves the
//! file, it stands in one of its own beside it: backups that were made under it need it.

use std::path::{Path, PathBuf};

use cstar_store::sqlite::{self, Offline, Rekeyed};

use crate::StartError;
use crate::keys::{self, MasterKey};
use crate::offline::{Place, refused};
use crate::server::keep_files_private;

/// What became of the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Where the new key is.
    pub key_file: PathBuf,
    /// Its id.
    pub master_key: String,
    /// Where the old key is kept, if it was in the file that holds the new one.
    pub old_key_file: Option<PathBuf>,
    /// How many webhooks have their secrets under it now; `None` if all had before.
    pub webhooks: Option<u64>,
}

/// What was done of a change of the key; each is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The new key is in its file.
    KeyKept,
    /// The data is encrypted with it.
    Encrypted,
    /// The old key is out of the file.
    OldForgotten,
}

/// Encrypts all secrets of a data directory with another master key. The new key takes the place of the old one in its file,
/// or stands in `new_key_file`: made there, or read if it is there already. Cut short, it goes on when it is called again.
///
/// # Errors
/// When the old key is missing or another one, a server runs on the data, or a file cannot be written.
pub fn rotate_master_key(place: &Place, new_key_file: Option<&Path>) -> Result<Rotated, StartError> {
    keep_files_private();
    rotate(place, new_key_file, &mut |_| Ok(()))
}

/// `done` is told of each step, and may end the work there, as a kill would.
fn rotate(
    place: &Place,
    new_key_file: Option<&Path>,
    done: &mut dyn FnMut(Step) -> Result<(), StartError>,
) -> Result<Rotated, StartError> {
    let mut data = Offline::open(&place.data).map_err(refused)?;
    let known = keys::known_master_keys(place)?;
    if known.is_empty() {
        return Err(keys::no_master_key(place));
    }
    if new_key_file.is_none() && place.master_key.is_some() {
        return Err(StartError::Unusable(
            "the master key is in CSTAR_MASTER_KEY, which cannot be changed from here: give --new-key-file FILE, where the \
             new key is to stand"
                .to_owned(),
        ));
    }
    let old: Vec<_> = known.iter().map(of_store).collect();
    let (key_file, new) = match new_key_file {
        Some(path) if path.exists() => (path.to_owned(), keys::read_one(path)?),
        Some(path) => {
            data.opens_with(&old).map_err(refused)?;
            (path.to_owned(), keys::make(path)?)
        }
        None => {
            data.opens_with(&old).map_err(refused)?;
            let path = keys::file_of(place);
            // The second is there if a change was cut short: it goes on with it.
            let new = known.get(1).cloned().unwrap_or_else(keys::random);
            keys::replace(&path, &[&known[0], &new])?;
            (path, new)
        }
    };
    done(Step::KeyKept)?;
    let rekeyed = data.rekey(&old, &of_store(&new)).map_err(refused)?;
    done(Step::Encrypted)?;
    let mut old_key_file = None;
    if new_key_file.is_none() {
        old_key_file = Some(keys::keep_old(&key_file, &known[0], &old[0].id_text())?);
        keys::replace(&key_file, &[&new])?;
    }
    done(Step::OldForgotten)?;
    let webhooks = match rekeyed {
        Rekeyed::Done { webhooks } => Some(webhooks),
        Rekeyed::Already => None,
    };
    Ok(Rotated { key_file, master_key: of_store(&new).id_text(), old_key_file, webhooks })
}

fn of_store(key: &MasterKey) -> sqlite::MasterKey {
    sqlite::MasterKey::new(**key)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use cstar_store::sqlite::{Options, SqliteStore};

    use super::*;
    use crate::options::SecretSetting;
    use crate::server::open_store;

    /// A data directory whose key is in its own file, or given.
    struct Scene {
        dir: tempfile::TempDir,
        place: Place,
    }

    impl Scene {
        fn new(given: Option<&str>) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let place = Place {
                data: dir.path().join("data"),
                master_key_file: None,
                master_key: given.map(|key| SecretSetting::new(key.to_owned())),
            };
            fs::create_dir(&place.data).unwrap();
            let scene = Self { dir, place };
            scene.opens();
            scene
        }

        /// Opens the data as a server does, and closes it again.
        fn opens(&self) {
            drop(open_store(&self.place.data, keys::master_keys(&self.place).unwrap()).unwrap());
        }

        fn keys(&self) -> Vec<MasterKey> {
            keys::known_master_keys(&self.place).unwrap()
        }

        fn opens_with(&self, key: &MasterKey) -> bool {
            SqliteStore::open(Options::new(&self.place.data, of_store(key))).is_ok()
        }
    }

    fn cut_after(last: Step) -> impl FnMut(Step) -> Result<(), StartError> {
        move |step| if step == last { Err(StartError::Unusable("killed".to_owned())) } else { Ok(()) }
    }

    /// SEC-3: the old key opens nothing any more, and is kept for the backups that need it; both are for their owner alone.
    #[test]
    fn the_new_key_takes_the_place_of_the_old_one() {
        let scene = Scene::new(None);
        let old = scene.keys();
        let rotated = rotate_master_key(&scene.place, None).unwrap();
        let new = scene.keys();
        assert_eq!((new.len(), &rotated.master_key), (1, &of_store(&new[0]).id_text()));
        assert!(new != old && !scene.opens_with(&old[0]) && scene.opens_with(&new[0]));
        let kept = rotated.old_key_file.unwrap();
        assert_eq!(kept, scene.place.data.join(format!("master.key.{}", of_store(&old[0]).id_text())));
        assert_eq!(keys::read_one(&kept).unwrap(), old[0]);
        for file in [&rotated.key_file, &kept] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let left = fs::read_dir(&scene.place.data).unwrap().map(|file| file.unwrap().file_name());
        assert!(
            left.into_iter().all(|name| !name.to_string_lossy().contains("new-")),
            "no other file holds a key"
        );
    }

    /// Cut short at any step, the data opens with what the file holds, and the change goes on when it is asked for again.
    #[test]
    fn a_change_that_is_cut_short_harms_nothing() {
        for last in [Step::KeyKept, Step::Encrypted, Step::OldForgotten] {
            let scene = Scene::new(None);
            let old = scene.keys();
            rotate(&scene.place, None, &mut cut_after(last)).unwrap_err();
            scene.opens();
            let between = scene.keys();
            rotate_master_key(&scene.place, None).unwrap();
            scene.opens();
            let new = scene.keys();
            assert!(new.len() == 1 && new != old, "{last:?}");
            let kept = scene.place.data.join(format!("master.key.{}", of_store(&old[0]).id_text()));
            assert_eq!(keys::read_one(&kept).unwrap(), old[0], "{last:?}");
            assert!(
                between.len() == 1 || between[1] == new[0],
                "{last:?}: the key that was made first is the one"
            );
        }
    }

    /// With the key in the environment, the new one stands in a file until the operator has taken it over.
    #[test]
    fn a_key_that_was_given_is_changed_for_one_in_a_file() {
        let given = "5a".repeat(32);
        for last in [Step::KeyKept, Step::Encrypted, Step::OldForgotten] {
            let scene = Scene::new(Some(&given));
            let refused = rotate_master_key(&scene.place, None).unwrap_err().to_string();
            assert!(refused.contains("--new-key-file"), "{refused}");
            let file = scene.dir.path().join("new.key");
            rotate(&scene.place, Some(&file), &mut cut_after(last)).unwrap_err();
            let first = fs::read(&file).unwrap();
            rotate_master_key(&scene.place, Some(&file)).unwrap();
            assert_eq!(fs::read(&file).unwrap(), first, "{last:?}");
            assert!(scene.opens_with(&keys::read_one(&file).unwrap()) && !scene.opens_with(&scene.keys()[0]));
            let again = rotate_master_key(&scene.place, Some(&file)).unwrap();
            assert_eq!(again.webhooks, None, "it was done before");
        }
    }

    /// A wrong key changes nothing, and no key is made for it.
    #[test]
    fn a_wrong_key_changes_nothing() {
        let mut scene = Scene::new(None);
        scene.place.master_key = Some(SecretSetting::new("5a".repeat(32)));
        let file = scene.dir.path().join("new.key");
        let refused = rotate_master_key(&scene.place, Some(&file)).unwrap_err().to_string();
        assert!(refused.contains("another master key") && !file.exists(), "{refused}");
        scene.place.master_key = None;
        scene.opens();
    }
}
