//! The logs here are written by SQLite itself, then cut and flipped.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::sqlite::schema::PAGE_BYTES;

/// A log of so many commits of one row each, still unread.
fn log(commits: usize) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.db");
    let conn = Connection::open(&file).unwrap();
    conn.pragma_update(None, "page_size", PAGE_BYTES).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.execute_batch("PRAGMA wal_autocheckpoint = 0; CREATE TABLE x (y)").unwrap();
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    for commit in 0..commits {
        conn.execute("INSERT INTO x VALUES (?1)", [commit as i64]).unwrap();
    }
    // A copy, because closing brings the log into the database.
    let copy = dir.path().join("copy-wal");
    fs::copy(dir.path().join("x.db-wal"), &copy).unwrap();
    (dir, copy)
}

fn verdict(path: &PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> Verdict {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    scan_from(&bytes[..]).unwrap()
}

const FRAME: usize = FRAME_HEADER_BYTES + PAGE_BYTES as usize;

/// Each commit here is one frame.
const fn frame(commit: usize) -> usize {
    HEADER_BYTES + commit * FRAME
}

#[test]
fn a_whole_log_is_sound() {
    let (_dir, log) = log(5);
    assert_eq!(fs::metadata(&log).unwrap().len(), frame(5) as u64);
    assert_eq!(scan(&log).unwrap(), Verdict::Sound);
    assert_eq!(scan(&log.with_extension("missing")).unwrap(), Verdict::Sound);
}

/// LOG-3: a byte that changes anywhere in the middle is found, wherever in the frame it is.
#[test]
fn damage_in_the_middle_is_found() {
    let (_dir, log) = log(5);
    for at in (0..FRAME).step_by(97).chain([0, 7, 8, 15, 16, 23]) {
        let found = verdict(&log, |bytes| bytes[frame(1) + at] ^= 0x10);
        let Verdict::Damaged { offset, sound, lost } = found else { panic!("byte {at} of the frame") };
        assert_eq!((offset, sound), (frame(1) as u64, 1));
        assert!((3..=4).contains(&lost), "{lost} commits");
    }
}

/// LOG-3: so is damage to the header, without which SQLite would take the log for empty.
#[test]
fn damage_to_the_header_is_found() {
    let (_dir, log) = log(5);
    for at in 0..HEADER_BYTES {
        let found = verdict(&log, |bytes| bytes[at] ^= 0x10);
        assert!(matches!(found, Verdict::Damaged { offset: 0, .. }), "byte {at}");
    }
}

/// What a crash leaves is no damage: the last commit cut anywhere, or its pages not written.
#[test]
fn a_torn_tail_is_sound() {
    let (_dir, log) = log(5);
    for len in (0..frame(5)).step_by(613) {
        assert_eq!(verdict(&log, |bytes| bytes.truncate(len)), Verdict::Sound, "{len} bytes");
    }
    for at in (0..FRAME).step_by(97) {
        let found = verdict(&log, |bytes| bytes[frame(4) + at..].fill(0));
        assert_eq!(found, Verdict::Sound, "byte {at} of the last frame on");
    }
    assert_eq!(verdict(&log, |bytes| bytes.fill(0)), Verdict::Sound, "a file that was never written");
}

/// Frames of an earlier life of the log lie behind its end, and are not counted.
#[test]
fn leftovers_are_no_commits() {
    let (_dir, log) = log(5);
    let found = verdict(&log, |bytes| {
        for commit in 2..5 {
            bytes[frame(commit) + 8] ^= 0xff; // another salt
        }
    });
    assert_eq!(found, Verdict::Sound);
}
