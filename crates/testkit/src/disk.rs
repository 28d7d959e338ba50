//! A disk of our own, which forgets what was not synced when its power is cut, and fails when it is told to.

mod fault;
mod files;
mod fuse;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use fuser::{BackgroundSession, Config, MountOption};
use tempfile::TempDir;

use crate::wait::until;
use fault::Armed;
pub use fault::DiskFault;
use files::Files;
use fuse::{Served, State};

/// Leaves out what needs a [`Disk`], on a machine that lets nobody mount one.
const SWITCH: &str = "CSTAR_WITHOUT_FUSE";
/// Far more than a test writes.
const ROOM_BYTES: u64 = 1 << 30;

/// A file system in memory, mounted by FUSE. Dropped, it is unmounted: whoever works on it has to go before.
#[derive(Debug)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    session: Option<BackgroundSession>,
    place: TempDir,
}

impl Disk {
    /// A disk, unless `CSTAR_WITHOUT_FUSE` leaves it out, which is said.
    ///
    /// # Panics
    /// When it cannot be mounted and is not to be left out.
    #[must_use]
    pub fn mount() -> Option<Self> {
        if std::env::var_os(SWITCH).is_some() {
            // Past what the harness keeps of a test that passes.
            let _ = writeln!(io::stderr(), "left out, as {SWITCH} says: it needs a disk by FUSE");
            return None;
        }
        let mounted = Self::try_mount();
        Some(mounted.unwrap_or_else(|error| {
            panic!("no disk could be mounted by /dev/fuse: {error}; {SWITCH}=1 leaves out what needs one")
        }))
    }

    fn try_mount() -> io::Result<Self> {
        let place = tempfile::tempdir()?;
        let state = State { files: Files::new(ROOM_BYTES), armed: Armed::default(), life: 1 };
        let state = Arc::new(Mutex::new(state));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("cstar-testkit".to_owned())];
        let session = fuser::spawn_mount2(Served(Arc::clone(&state)), place.path(), &config)?;
        Ok(Self { state, session: Some(session), place })
    }

    /// A directory on it for a server, which makes it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Lets something happen at the nth call from now, from 1, of those that it can happen to.
    pub fn arm(&self, fault: DiskFault, nth: usize) {
        self.state().armed = Armed::at(fault, nth);
    }

    /// Whether it has happened.
    #[must_use]
    pub fn has_fired(&self) -> bool {
        self.state().armed.has_fired()
    }

    /// Waits until it has happened.
    pub async fn until_fired(&self) {
        until("the disk's fault", async || self.has_fired().then_some(())).await;
    }

    /// Switches it off and on: of what was not synced those pages are left that `survives` says. What was armed is no more.
    pub fn lose_power(&self, survives: impl FnMut() -> bool) {
        let mut state = self.state();
        state.files.lose_power(survives);
        state.armed = Armed::default();
        state.life += 1;
    }

    /// From now on nothing fails that has not failed.
    pub fn disarm(&self) {
        self.state().armed = Armed::default();
    }

    /// Makes it so large, or so small.
    pub fn set_room(&self, bytes: u64) {
        self.state().files.set_room(bytes);
    }

    /// Leaves room for so much more than is on it.
    pub fn fill_up_to(&self, free_bytes: u64) {
        let mut state = self.state();
        let used = state.files.room_bytes() - state.files.free_bytes();
        state.files.set_room(used + free_bytes);
    }

    /// Makes it as large as at first.
    pub fn make_room(&self) {
        self.set_room(ROOM_BYTES);
    }

    /// How much there is room for.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.state().files.free_bytes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            // A mount that stays behind harms nobody but who looks at it.
            let _ = session.umount_and_join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    fn written(disk: &Disk) -> File {
        let mut file = File::create(disk.path().join("a")).unwrap();
        file.write_all(b"synced").unwrap();
        file.sync_data().unwrap();
        File::open(disk.path()).unwrap().sync_all().unwrap();
        file
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let Some(disk) = Disk::mount() else { return };
        let mut file = written(&disk);
        file.write_all(b", and not").unwrap();
        fs::write(disk.path().join("b"), "b").unwrap();
        assert_eq!(fs::read(disk.path().join("a")).unwrap(), b"synced, and not");
        disk.lose_power(|| false);
        assert_eq!(fs::read(disk.path().join("a")).unwrap(), b"synced");
        assert!(!disk.path().join("b").exists());
        assert!(file.write_all(b"late").is_err(), "who held it open is gone");
    }

    #[test]
    fn calls_fail_as_told() {
        let Some(disk) = Disk::mount() else { return };
        let mut file = written(&disk);
        disk.arm(DiskFault::SyncFails, 2);
        file.write_all(b"!").unwrap();
        file.sync_data().unwrap();
        assert!(!disk.has_fired());
        file.sync_data().unwrap_err();
        assert!(disk.has_fired());
        disk.arm(DiskFault::WriteIsShort, 1);
        assert_eq!(file.write(b"1234").unwrap(), 2);
        disk.arm(DiskFault::NoRoom(0), 1);
        assert_eq!(file.write(b"1234").unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.arm(DiskFault::ReadFails, 1);
        fs::read(disk.path().join("a")).unwrap_err();
        disk.arm(DiskFault::PowerCut, 1);
        file.write_all(b"off").unwrap_err();
        file.sync_data().unwrap_err();
        disk.lose_power(|| true);
        assert_eq!(fs::read(disk.path().join("a")).unwrap(), b"synced!12");
    }

    #[test]
    fn room_ends() {
        let Some(disk) = Disk::mount() else { return };
        let mut file = written(&disk);
        disk.set_room(8);
        assert_eq!(file.write(b"1234").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.free_bytes(), 2);
        disk.make_room();
        file.write_all(b"1234").unwrap();
    }
}
