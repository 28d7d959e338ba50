//! The script of a copy: what it says of itself stands at its front, and a checksum of all before it is its last line. `psql` takes both
//! for comments.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use cstar_types::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::schema;
use crate::StoreError;
use crate::backup::{CHANGED, CUT, SUM_WORD, line, newer, sum_line};

const COMMENT: &str = "-- ";
/// The first line; the number is that of the file's form.
const FIRST_LINE: &str = "-- cstar database 1\n";
const FIRST_WORDS: &str = "-- cstar database ";
const LAST_LINE_BYTES: u64 = (COMMENT.len() + SUM_WORD.len() + 64 + 1) as u64;
/// Read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// What a copy says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of cstar that made it.
    pub cstar: String,
    /// The format of the database.
    pub format: u32,
    /// The life of the store that it was made of.
    pub epoch: u32,
    /// When it was made; what was stored before is in it.
    pub made_at: Timestamp,
    /// Which master key opens the secrets in it: four bytes of a hash of the key, in hex.
    pub master_key: String,
}

impl Manifest {
    pub(super) fn head(&self) -> String {
        let manifest = serde_json::to_string(self).expect("a manifest has no keys but strings");
        format!(
            "{FIRST_LINE}{COMMENT}{manifest}\n\
             -- To restore it into an empty database: psql --set ON_ERROR_STOP=1 --file THIS_FILE DATABASE\n"
        )
    }
}

pub(super) fn last_line(sum: Sha256) -> String {
    format!("{COMMENT}{}", sum_line(sum))
}

/// Whether a file is the copy of a database, whole or not.
#[must_use]
pub fn is_copy(path: &Path) -> bool {
    let mut first = String::new();
    let read = File::open(path).map(|file| file.take(FIRST_WORDS.len() as u64).read_to_string(&mut first));
    read.is_ok() && first == FIRST_WORDS
}

/// Reads a whole copy, and answers what it is if nothing of it is missing or changed. `told` hears how many of how many bytes were read.
/// What the database made of its rows is not looked at.
///
/// # Errors
/// `Unusable`; the text says what to do.
pub fn verify_copy(path: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<Manifest, StoreError> {
    let name = path.display();
    let refused = |what: &str| StoreError::Unusable(format!("{name}: {what}"));
    let unreadable = |error: io::Error| StoreError::Unusable(format!("{name}: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let whole = file.metadata().map_err(unreadable)?.len().checked_sub(LAST_LINE_BYTES);
    let whole = whole.ok_or_else(|| refused(CUT))?;
    let mut input = BufReader::with_capacity(PIECE_BYTES, file);
    let mut sum = Sha256::new();
    let (first, manifest) = (line(&mut input, &mut sum), line(&mut input, &mut sum));
    let (first, manifest) = (first.map_err(unreadable)?, manifest.map_err(unreadable)?);
    if first != FIRST_LINE {
        let form = first.trim_start_matches(FIRST_WORDS).trim_end();
        return Err(refused(&newer(&format!("form {form}"))));
    }
    let said = manifest.strip_prefix(COMMENT).and_then(|said| serde_json::from_str::<Manifest>(said).ok());
    let said = said.ok_or_else(|| refused(CHANGED))?;
    if said.format > schema::newest() {
        return Err(refused(&newer(&said.cstar)));
    }
    let mut left = whole.saturating_sub((first.len() + manifest.len()) as u64);
    while left > 0 {
        let piece = input.fill_buf().map_err(unreadable)?;
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if length == 0 {
            return Err(refused(CUT));
        }
        sum.update(&piece[..length]);
        input.consume(length);
        left -= length as u64;
        told(whole - left, whole);
    }
    let mut last = String::new();
    input.read_to_string(&mut last).map_err(|_| refused(CUT))?;
    if !last.starts_with(COMMENT) {
        return Err(refused(CUT));
    }
    if last == last_line(sum) { Ok(said) } else { Err(refused(CHANGED)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOG-3: a copy of which something is missing or changed is none.
    #[test]
    fn a_copy_is_whole_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("copy");
        let manifest = Manifest {
            cstar: "0.1.0".to_owned(),
            format: schema::newest(),
            epoch: 3,
            made_at: Timestamp::from_millis(7),
            master_key: "0badcafe".to_owned(),
        };
        let written = |manifest: &Manifest| {
            let text = format!("{}BEGIN;\n-- a row\nCOMMIT;\n", manifest.head());
            let sum = Sha256::new_with_prefix(&text);
            text + &last_line(sum)
        };
        let whole = written(&manifest);
        let verified = |text: &str| {
            std::fs::write(&path, text).unwrap();
            assert!(is_copy(&path));
            verify_copy(&path, &mut |read, of| assert!(read <= of)).map_err(|refused| refused.to_string())
        };
        let refused = |text: &str, says: &str| {
            let why = verified(text).unwrap_err();
            assert!(why.contains(says), "{why}");
        };
        assert_eq!(verified(&whole).as_ref(), Ok(&manifest));
        refused(&whole.replace("a row", "a cow"), CHANGED);
        refused(&whole.replace("sha256 ", "sha257 "), CHANGED);
        refused(&(whole.clone() + "\n"), CUT);
        for end in FIRST_LINE.len()..whole.len() {
            assert!(verified(&whole[..end]).is_err(), "cut off after {end} bytes");
        }
        refused(&whole[..whole.len() - 1], CUT);
        refused(&written(&Manifest { format: 1_000, ..manifest }), "a newer cstar (0.1.0)");
        refused(&whole.replace("database 1", "database 2"), "a newer cstar (form 2)");
        std::fs::write(&path, "-- a dump").unwrap();
        assert!(!is_copy(&path) && !is_copy(dir.path()));
    }
}
