//! A file that has its name once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::exit::CliError;

/// For its owner alone: it holds customers' events.
const PRIVATE_MODE: u32 = 0o600;

/// A file that is being written beside the place where it will stand. Dropped before it is kept, it is removed.
pub(crate) struct NewFile {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl NewFile {
    /// Begins it. Refused where something is already: a backup is not to be replaced by half of another.
    pub(crate) fn create(path: &Path) -> Result<Self, CliError> {
        let wrong = |error: std::io::Error| CliError::usage(format!("{}: {error}", path.display()));
        match fs::symlink_metadata(path) {
            Ok(_) => return Err(is_taken(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(error)),
        }
        // A name of its own: another run may be writing the same file, and nobody can have put a link in its place.
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".part-{:016x}", rand::random::<u64>()));
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(PRIVATE_MODE).open(&part).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), part, file })
    }

    /// Where it stands until it is kept.
    pub(crate) fn part(&self) -> &Path {
        &self.part
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), CliError> {
        let written = self.file.write_all(piece);
        written.map_err(|error| CliError::usage(format!("{}: {error}", self.part.display())))
    }

    /// Brings it to the disk and gives it its name.
    pub(crate) fn keep(self) -> Result<(), CliError> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let kept = self.file.sync_all().and_then(|()| {
            name_it(&self.part, &self.path)?;
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        });
        kept.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => is_taken(&self.path),
            _ => CliError::usage(format!("{}: {error}", self.path.display())),
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.part);
    }
}

/// Gives a whole file its name, and replaces nothing.
fn name_it(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => move_to(part, path),
        linked => linked,
    }
}

/// The same where the file system has no hard links.
fn move_to(part: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        // It cannot do that either: looked at first is what is left.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match fs::symlink_metadata(path) {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => fs::rename(part, path),
            Err(error) => Err(error),
        },
        moved => Ok(moved?),
    }
}

fn is_taken(path: &Path) -> CliError {
    CliError::usage(format!("{} is there already", path.display())).hint("give a name that is free")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_has_its_name_once_it_is_whole_and_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let names = || fs::read_dir(directory.path()).unwrap().count();
        let mut file = NewFile::create(&path).unwrap();
        file.write(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(names(), 0, "given up, it leaves nothing");

        let [mut first, second] = [NewFile::create(&path).unwrap(), NewFile::create(&path).unwrap()];
        first.write(b"whole").unwrap();
        first.keep().unwrap();
        assert!(second.keep().is_err() && NewFile::create(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(), 1);
    }

    /// SEC-3: two runs write two files, for their owner alone, and neither goes where somebody else's link leads.
    #[test]
    fn each_run_writes_a_file_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (directory.path().join("file"), directory.path().join("elsewhere"));
        fs::write(&elsewhere, "somebody's").unwrap();
        std::os::unix::fs::symlink(&elsewhere, directory.path().join("file.part")).unwrap();
        let [mut first, second] = [NewFile::create(&path).unwrap(), NewFile::create(&path).unwrap()];
        first.write(b"whole").unwrap();
        assert_eq!(fs::metadata(first.part()).unwrap().permissions().mode() & 0o777, PRIVATE_MODE);
        drop(second);
        first.keep().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read(&elsewhere).unwrap(), b"somebody's");
    }

    #[test]
    fn without_hard_links_it_is_moved_and_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let [part, path] = ["part", "path"].map(|name| directory.path().join(name));
        fs::write(&part, "one").unwrap();
        move_to(&part, &path).unwrap();
        fs::write(&part, "other").unwrap();
        assert_eq!(move_to(&part, &path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
