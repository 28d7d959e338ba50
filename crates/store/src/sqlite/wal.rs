//! Looks at the write-ahead log (WAL) before SQLite does.
//!
//! SQLite reads the WAL up to the first frame that is not as it should be and takes that for the end: what a crash
//! left half written. If that frame was damaged after it was synced, all commits behind it would be lost without a
//! word (LOG-3). The two can be told apart: each commit is synced before the next one is written, so behind a torn
//! place there is one commit at most.
//!
//! The store empties the WAL at every start, so that no torn place of an earlier life is left in it.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The low bit tells the order of bytes in which checksums are computed.
const MAGIC: u32 = 0x377f_0682;
const PAGE_BYTES_MAX: u32 = 65_536;

/// What the WAL looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Whole, or torn at its end as a crash leaves it.
    Sound,
    /// Commits that were synced stand behind a frame that is not as it was written.
    Damaged {
        /// Where in the file, in bytes.
        offset: u64,
        /// How many commits stand before it, whole.
        sound: u64,
        /// How many would be lost.
        lost: u64,
    },
}

/// Reads the whole WAL; one that does not exist is sound.
pub(super) fn scan(path: &Path) -> io::Result<Verdict> {
    match File::open(path) {
        Ok(file) => scan_from(BufReader::with_capacity(1 << 20, file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Verdict::Sound),
        Err(error) => Err(error),
    }
}

fn scan_from(mut file: impl Read) -> io::Result<Verdict> {
    let mut header = [0; HEADER_BYTES];
    if !fill(&mut file, &mut header)? {
        return Ok(Verdict::Sound); // nothing was ever committed to it
    }
    match Header::parse(&header) {
        Some(header) => scan_frames(file, &header),
        None => scan_headless(file, &header),
    }
}

#[derive(Debug)]
struct Header {
    big_endian: bool,
    page_bytes: usize,
    salt: [u8; 8],
    sum: Sum,
}

impl Header {
    fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let magic = word(bytes, 0);
        let big_endian = magic == MAGIC | 1;
        let page_bytes = word(bytes, 8);
        let plausible = (magic & !1) == MAGIC && is_page(page_bytes);
        let sum = Sum::default().add(&bytes[..24], big_endian);
        if !plausible || sum != Sum::stored(bytes, 24) {
            return None;
        }
        let salt = bytes[16..24].try_into().expect("8 of 32 bytes");
        Some(Self { big_endian, page_bytes: page_bytes as usize, salt, sum })
    }
}

/// SQLite's running checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum(u32, u32);

impl Sum {
    fn stored(bytes: &[u8], at: usize) -> Self {
        Self(word(bytes, at), word(bytes, at + 4))
    }

    fn add(self, bytes: &[u8], big_endian: bool) -> Self {
        let Self(mut low, mut high) = self;
        for pair in bytes.chunks_exact(8) {
            let (first, second) = pair.split_at(4);
            let read = |four: &[u8]| {
                let four = four.try_into().expect("half of 8 bytes");
                if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
            };
            low = low.wrapping_add(read(first)).wrapping_add(high);
            high = high.wrapping_add(read(second)).wrapping_add(low);
        }
        Self(low, high)
    }
}

/// Follows the chain of checksums to the first frame that does not continue it, and counts the commits from there on.
fn scan_frames(mut file: impl Read, header: &Header) -> io::Result<Verdict> {
    let mut frame = vec![0; FRAME_HEADER_BYTES + header.page_bytes];
    let mut chain = header.sum;
    let mut broken_at = None;
    let (mut sound, mut lost) = (0, 0);
    let mut offset = HEADER_BYTES as u64;
    while fill(&mut file, &mut frame)? {
        let current = frame[8..16] == header.salt && word(&frame, 0) != 0;
        if broken_at.is_none() {
            let body = &frame[FRAME_HEADER_BYTES..];
            chain = chain.add(&frame[..8], header.big_endian).add(body, header.big_endian);
            if !current || chain != Sum::stored(&frame, 16) {
                broken_at = Some(offset);
            }
        }
        if current && is_commit(&frame) {
            *if broken_at.is_none() { &mut sound } else { &mut lost } += 1;
        }
        offset += frame.len() as u64;
    }
    Ok(match broken_at {
        Some(offset) if lost > 1 => Verdict::Damaged { offset, sound, lost },
        _ => Verdict::Sound,
    })
}

/// Without its header nothing in the WAL can be used. It is 32 bytes, written by itself and synced before the first
/// frame, so a crash does not tear it where frames of its own life follow: they share their salt.
fn scan_headless(mut file: impl Read, header: &[u8; HEADER_BYTES]) -> io::Result<Verdict> {
    let page_bytes =
        Some(word(header, 8)).filter(|bytes| is_page(*bytes)).unwrap_or(super::schema::PAGE_BYTES);
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes as usize];
    let mut salt = None;
    let mut lost = 0;
    while fill(&mut file, &mut frame)? {
        let of_frame = &frame[8..16];
        let same = *salt.get_or_insert_with(|| of_frame.to_vec()) == of_frame;
        if same && word(&frame, 0) != 0 && is_commit(&frame) {
            lost += 1;
        }
    }
    Ok(if lost > 1 { Verdict::Damaged { offset: 0, sound: 0, lost } } else { Verdict::Sound })
}

/// Whether a page can be of this size.
fn is_page(bytes: u32) -> bool {
    bytes.is_power_of_two() && (512..=PAGE_BYTES_MAX).contains(&bytes)
}

/// The last frame of a commit says how large the database is after it.
fn is_commit(frame: &[u8]) -> bool {
    word(frame, 4) != 0
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// Fills the buffer, or answers false where less is left.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
