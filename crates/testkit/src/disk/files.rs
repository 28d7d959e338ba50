//! Files in memory, each with what of it has been synced: all that a power cut leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use fuser::Errno;

/// What a disk writes as a whole, or not at all.
pub(super) const PAGE: usize = 4096;
/// The number of the directory at the top, as FUSE has it.
pub(super) const ROOT: u64 = 1;

type Entries = BTreeMap<OsString, u64>;
type Result<T> = std::result::Result<T, Errno>;

/// A file system.
///
/// It promises what POSIX does and no more: a file's bytes are on disk once the file was synced, its name once the directory was.
#[derive(Debug)]
pub(super) struct Files {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    room_bytes: u64,
}

/// A file or a directory.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) mode: u32,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    File(Content),
    Directory { now: Entries, synced: Entries },
}

/// The bytes of a file: as processes see them, and as they are on disk.
#[derive(Debug, Default)]
pub(super) struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Pages that the next sync writes.
    dirty: BTreeSet<usize>,
}

impl Files {
    pub(super) fn new(room_bytes: u64) -> Self {
        let root =
            Node { mode: 0o755, kind: Kind::Directory { now: Entries::new(), synced: Entries::new() } };
        Self { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, room_bytes }
    }

    pub(super) fn node(&self, number: u64) -> Result<&Node> {
        self.nodes.get(&number).ok_or(Errno::ENOENT)
    }

    pub(super) fn node_mut(&mut self, number: u64) -> Result<&mut Node> {
        self.nodes.get_mut(&number).ok_or(Errno::ENOENT)
    }

    pub(super) fn content(&self, number: u64) -> Result<&Content> {
        match &self.node(number)?.kind {
            Kind::File(content) => Ok(content),
            Kind::Directory { .. } => Err(Errno::EISDIR),
        }
    }

    fn content_mut(&mut self, number: u64) -> Result<&mut Content> {
        match &mut self.node_mut(number)?.kind {
            Kind::File(content) => Ok(content),
            Kind::Directory { .. } => Err(Errno::EISDIR),
        }
    }

    pub(super) fn entries(&self, number: u64) -> Result<&Entries> {
        match &self.node(number)?.kind {
            Kind::Directory { now, .. } => Ok(now),
            Kind::File(_) => Err(Errno::ENOTDIR),
        }
    }

    fn entries_mut(&mut self, number: u64) -> Result<&mut Entries> {
        match &mut self.node_mut(number)?.kind {
            Kind::Directory { now, .. } => Ok(now),
            Kind::File(_) => Err(Errno::ENOTDIR),
        }
    }

    pub(super) fn lookup(&self, parent: u64, name: &OsStr) -> Result<u64> {
        self.entries(parent)?.get(name).copied().ok_or(Errno::ENOENT)
    }

    /// Makes a file or a directory.
    pub(super) fn make(&mut self, parent: u64, name: &OsStr, node: Node) -> Result<u64> {
        let number = self.next;
        if self.entries(parent)?.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        self.entries_mut(parent)?.insert(name.to_owned(), number);
        self.nodes.insert(number, node);
        self.next += 1;
        Ok(number)
    }

    /// Whoever holds the file open still reads and writes it, and a power cut may bring the name back.
    pub(super) fn remove(&mut self, parent: u64, name: &OsStr) -> Result<()> {
        self.entries_mut(parent)?.remove(name).map(drop).ok_or(Errno::ENOENT)
    }

    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Result<()> {
        let number = self.entries_mut(from.0)?.remove(from.1).ok_or(Errno::ENOENT)?;
        self.entries_mut(to.0)?.insert(to.1.to_owned(), number);
        Ok(())
    }

    /// A second name.
    pub(super) fn link(&mut self, number: u64, to: (u64, &OsStr)) -> Result<()> {
        if self.entries(to.0)?.contains_key(to.1) {
            return Err(Errno::EEXIST);
        }
        self.entries_mut(to.0)?.insert(to.1.to_owned(), number);
        Ok(())
    }

    pub(super) fn write(&mut self, number: u64, at: usize, bytes: &[u8]) -> Result<()> {
        let grows = (at + bytes.len()).saturating_sub(self.content(number)?.now.len());
        self.take_room(grows)?;
        let content = self.content_mut(number)?;
        content.resize(content.now.len() + grows);
        content.now[at..at + bytes.len()].copy_from_slice(bytes);
        content.mark(at, at + bytes.len());
        Ok(())
    }

    pub(super) fn resize(&mut self, number: u64, len: usize) -> Result<()> {
        self.take_room(len.saturating_sub(self.content(number)?.now.len()))?;
        self.content_mut(number)?.resize(len);
        Ok(())
    }

    fn take_room(&self, bytes: usize) -> Result<()> {
        if bytes as u64 > self.free_bytes() && bytes > 0 { Err(Errno::ENOSPC) } else { Ok(()) }
    }

    pub(super) fn set_room(&mut self, bytes: u64) {
        self.room_bytes = bytes;
    }

    pub(super) const fn room_bytes(&self) -> u64 {
        self.room_bytes
    }

    pub(super) fn free_bytes(&self) -> u64 {
        let used = |node: &Node| match &node.kind {
            Kind::File(content) => content.now.len() as u64,
            Kind::Directory { .. } => 0,
        };
        let named = self.nodes.values().filter_map(|node| match &node.kind {
            Kind::Directory { now, .. } => Some(now.values()),
            Kind::File(_) => None,
        });
        let used: u64 = named.flatten().filter_map(|number| self.nodes.get(number)).map(used).sum();
        self.room_bytes.saturating_sub(used)
    }

    pub(super) fn sync(&mut self, number: u64) -> Result<()> {
        match &mut self.node_mut(number)?.kind {
            Kind::File(content) => content.sync(),
            Kind::Directory { now, synced } => synced.clone_from(now),
        }
        Ok(())
    }

    /// What the kernel does when a sync fails: the pages count as clean from then on, and are never written again.
    pub(super) fn fail_to_sync(&mut self, number: u64) {
        if let Ok(content) = self.content_mut(number) {
            content.dirty.clear();
        }
    }

    /// The power is cut and comes back. Of what was written and not synced, those pages are there that `survives` lets through.
    pub(super) fn lose_power(&mut self, mut survives: impl FnMut() -> bool) {
        for node in self.nodes.values_mut() {
            match &mut node.kind {
                Kind::File(content) => content.lose_power(&mut survives),
                Kind::Directory { now, synced } => now.clone_from(synced),
            }
        }
    }
}

impl Content {
    pub(super) const fn len(&self) -> usize {
        self.now.len()
    }

    pub(super) fn read(&self, at: usize, len: usize) -> &[u8] {
        let begin = at.min(self.now.len());
        &self.now[begin..(begin + len).min(self.now.len())]
    }

    fn mark(&mut self, begin: usize, end: usize) {
        self.dirty.extend(begin / PAGE..end.div_ceil(PAGE));
    }

    /// What is cut off and what is added is to be written like any other byte.
    fn resize(&mut self, len: usize) {
        let before = self.now.len();
        self.now.resize(len, 0);
        self.mark(before.min(len), before.max(len));
    }

    fn sync(&mut self) {
        for page in std::mem::take(&mut self.dirty) {
            self.write_page(page);
        }
        self.synced.resize(self.now.len(), 0);
    }

    fn write_page(&mut self, page: usize) {
        let (begin, end) = (page * PAGE, ((page + 1) * PAGE).min(self.now.len()));
        if begin < end {
            let len = self.synced.len().max(end);
            self.synced.resize(len, 0);
            self.synced[begin..end].copy_from_slice(&self.now[begin..end]);
        }
    }

    fn lose_power(&mut self, survives: &mut impl FnMut() -> bool) {
        for page in std::mem::take(&mut self.dirty) {
            if survives() {
                self.write_page(page);
            }
        }
        self.now.clone_from(&self.synced);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: Content) -> Node {
        Node { mode: 0o600, kind: Kind::File(content) }
    }

    /// A file of two pages of ones, synced, and its number.
    fn synced() -> (Files, u64) {
        let mut files = Files::new(1 << 20);
        let number = files.make(ROOT, "a".as_ref(), file(Content::default())).unwrap();
        files.write(number, 0, &[1; 2 * PAGE]).unwrap();
        files.sync(number).unwrap();
        files.sync(ROOT).unwrap();
        (files, number)
    }

    fn pages(files: &Files, number: u64) -> Vec<u8> {
        let content = files.content(number).unwrap();
        content.read(0, content.len()).chunks(PAGE).map(|page| page[page.len() / 2]).collect()
    }

    #[test]
    fn what_was_synced_outlives_a_power_cut_and_nothing_else() {
        let (mut files, number) = synced();
        files.write(number, PAGE, &[2; 2 * PAGE]).unwrap();
        assert_eq!(pages(&files, number), [1, 2, 2]);
        files.lose_power(|| false);
        assert_eq!(pages(&files, number), [1, 1]);
        files.resize(number, PAGE).unwrap();
        files.lose_power(|| false);
        assert_eq!(pages(&files, number), [1, 1], "nor does a cut");
        files.resize(number, PAGE).unwrap();
        files.write(number, 2 * PAGE, &[3; PAGE]).unwrap();
        files.sync(number).unwrap();
        files.lose_power(|| false);
        assert_eq!(pages(&files, number), [1, 0, 3], "what lies between is not what lay there before");
    }

    #[test]
    fn pages_survive_each_by_itself() {
        let (mut files, number) = synced();
        files.write(number, 0, &[2; 3 * PAGE]).unwrap();
        let mut turns = [false, true, true].into_iter();
        files.lose_power(|| turns.next().unwrap());
        assert_eq!(pages(&files, number), [1, 2, 2]);
    }

    #[test]
    fn a_sync_that_failed_is_not_made_good_by_the_next() {
        let (mut files, number) = synced();
        files.write(number, 0, &[2; PAGE]).unwrap();
        files.fail_to_sync(number);
        files.write(number, PAGE, &[3; PAGE]).unwrap();
        files.sync(number).unwrap();
        assert_eq!(pages(&files, number), [2, 3], "it reads as it was written");
        files.lose_power(|| true);
        assert_eq!(pages(&files, number), [1, 3]);
    }

    #[test]
    fn a_name_is_there_once_its_directory_was_synced() {
        let (mut files, number) = synced();
        let new = files.make(ROOT, "b".as_ref(), file(Content::default())).unwrap();
        files.write(new, 0, b"b").unwrap();
        files.sync(new).unwrap();
        files.remove(ROOT, "a".as_ref()).unwrap();
        files.lose_power(|| true);
        assert_eq!(files.lookup(ROOT, "a".as_ref()).ok(), Some(number));
        assert_eq!(files.lookup(ROOT, "b".as_ref()).ok(), None);
        files.rename((ROOT, "a".as_ref()), (ROOT, "c".as_ref())).unwrap();
        files.sync(ROOT).unwrap();
        files.lose_power(|| true);
        assert_eq!(files.lookup(ROOT, "c".as_ref()).ok(), Some(number));
    }

    #[test]
    fn what_finds_no_room_changes_nothing() {
        let (mut files, number) = synced();
        files.set_room(3 * PAGE as u64);
        assert_eq!(files.free_bytes(), PAGE as u64);
        assert!(files.write(number, PAGE, &[2; 3 * PAGE]).is_err());
        assert_eq!(pages(&files, number), [1, 1]);
        files.write(number, PAGE, &[2; 2 * PAGE]).unwrap();
        files.set_room(0);
        files.write(number, 0, &[3; PAGE]).expect("what is there can be written over");
    }
}
