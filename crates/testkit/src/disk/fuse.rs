//! What the kernel asks of a file system, answered from memory.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::fault::{Armed, Call, DiskFault};
use super::files::{Content, Files, Kind, Node, PAGE, ROOT};

type Result<T> = std::result::Result<T, Errno>;

/// Nothing is remembered by the kernel: a power cut changes everything at once.
const KEPT: Duration = Duration::ZERO;

/// A disk, between the kernel and a test.
#[derive(Debug)]
pub(super) struct State {
    pub(super) files: Files,
    pub(super) armed: Armed,
    /// How often it was switched on: what was opened before the last time is gone.
    pub(super) life: u64,
}

/// The end that the kernel sees.
pub(super) struct Served(pub(super) Arc<Mutex<State>>);

impl State {
    fn attributes(&self, number: u64) -> Result<FileAttr> {
        let node = self.files.node(number)?;
        let (kind, size) = match &node.kind {
            Kind::File(content) => (FileType::RegularFile, content.len() as u64),
            Kind::Directory { .. } => (FileType::Directory, 0),
        };
        Ok(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm: u16::try_from(node.mode & 0o7777).expect("twelve bits"),
            nlink: 1,
            uid: rustix::process::getuid().as_raw(),
            gid: rustix::process::getgid().as_raw(),
            rdev: 0,
            blksize: PAGE as u32,
            flags: 0,
        })
    }

    fn make(&mut self, parent: INodeNo, name: &OsStr, mode: u32, kind: Kind) -> Result<FileAttr> {
        self.powered()?;
        let number = self.files.make(parent.0, name, Node { mode, kind })?;
        self.attributes(number)
    }

    fn powered(&self) -> Result<()> {
        if self.armed.is_off { Err(Errno::EIO) } else { Ok(()) }
    }

    /// The fault that a call meets. SQLite's shared memory meets none: it is a file by name alone.
    fn meet(&mut self, number: u64, life: FileHandle, call: Call) -> Result<Option<DiskFault>> {
        if life.0 != self.life {
            return Err(Errno::EIO);
        }
        let fault = if self.is_memory(number) { None } else { self.armed.meet(call) };
        self.powered()?;
        Ok(fault)
    }

    fn is_memory(&self, number: u64) -> bool {
        let entries = self.files.entries(ROOT).into_iter().flatten();
        let below = entries.clone().filter_map(|(_, inner)| self.files.entries(*inner).ok()).flatten();
        let mut named = entries.chain(below).filter(|(_, named)| **named == number);
        named.any(|(name, _)| name.to_string_lossy().ends_with("-shm"))
    }

    /// What a process writes comes here as it is written, in its sizes, except for what is mapped into its memory.
    fn open_flags(&self, number: u64) -> FopenFlags {
        if self.is_memory(number) { FopenFlags::empty() } else { FopenFlags::FOPEN_DIRECT_IO }
    }

    fn write(&mut self, number: u64, life: FileHandle, at: usize, bytes: &[u8]) -> Result<usize> {
        let len = match self.meet(number, life, Call::Write)? {
            Some(DiskFault::NoRoom(_)) => return Err(Errno::ENOSPC),
            Some(DiskFault::WriteIsShort) => bytes.len().div_ceil(2),
            Some(_) => return Err(Errno::EIO),
            None => bytes.len(),
        };
        self.files.write(number, at, &bytes[..len])?;
        Ok(len)
    }

    /// Whether it is done; otherwise how long it takes.
    fn sync(&mut self, number: u64, life: FileHandle) -> Result<Option<Duration>> {
        match self.meet(number, life, Call::Sync)? {
            Some(DiskFault::SyncStalls(time)) => return Ok(Some(time)),
            Some(_) => {
                self.files.fail_to_sync(number);
                return Err(Errno::EIO);
            }
            None => {}
        }
        self.files.sync(number)?;
        Ok(None)
    }
}

impl Served {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.state();
        let found = state.files.lookup(parent.0, name).and_then(|number| state.attributes(number));
        match found {
            Ok(found) => reply.entry(&KEPT, &found, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.state().attributes(number.0) {
            Ok(found) => reply.attr(&KEPT, &found),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.state();
        let mut set = || {
            state.powered()?;
            if let Some(size) = size {
                state.files.resize(number.0, usize::try_from(size).map_err(|_| Errno::EFBIG)?)?;
            }
            if let Some(mode) = mode {
                state.files.node_mut(number.0)?.mode = mode;
            }
            state.attributes(number.0)
        };
        match set() {
            Ok(found) => reply.attr(&KEPT, &found),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        let empty = Kind::Directory { now: Default::default(), synced: Default::default() };
        match self.state().make(parent, name, mode, empty) {
            Ok(made) => reply.entry(&KEPT, &made, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let mut state = self.state();
        match state.make(parent, name, mode, Kind::File(Content::default())) {
            Ok(made) => {
                let flags = state.open_flags(made.ino.0);
                reply.created(&KEPT, &made, Generation(0), FileHandle(state.life), flags);
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut state = self.state();
        let done = state.powered().and_then(|()| state.files.remove(parent.0, name));
        answer(done, reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.state();
        let done =
            state.powered().and_then(|()| state.files.rename((parent.0, name), (new_parent.0, new_name)));
        answer(done, reply);
    }

    fn link(&self, _: &Request, number: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut state = self.state();
        let mut link = || {
            state.powered()?;
            state.files.link(number.0, (parent.0, name))?;
            state.attributes(number.0)
        };
        match link() {
            Ok(linked) => reply.entry(&KEPT, &linked, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let state = self.state();
        match state.powered() {
            Ok(()) => reply.opened(FileHandle(state.life), state.open_flags(number.0)),
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        life: FileHandle,
        at: u64,
        len: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut state = self.state();
        match state.meet(number.0, life, Call::Read) {
            Ok(None) => match state.files.content(number.0) {
                Ok(content) => reply.data(content.read(at as usize, len as usize)),
                Err(error) => reply.error(error),
            },
            Ok(Some(_)) => reply.error(Errno::EIO),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        life: FileHandle,
        at: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.state().write(number.0, life, at as usize, bytes) {
            Ok(len) => reply.written(u32::try_from(len).expect("no more than was asked for")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, number: INodeNo, life: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = self.state().sync(number.0, life);
        match synced {
            Ok(None) => reply.ok(),
            Err(error) => reply.error(error),
            // Reads go on meanwhile.
            Ok(Some(time)) => {
                let disk = Arc::clone(&self.0);
                std::thread::spawn(move || {
                    std::thread::sleep(time);
                    let done = disk.lock().expect("nobody panics with it").sync(number.0, life);
                    answer(done.map(drop), reply);
                });
            }
        }
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.state();
        let done = state.powered().and_then(|()| state.files.sync(number.0));
        answer(done, reply);
    }

    fn fallocate(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        at: u64,
        len: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let mut state = self.state();
        let mut allocate = || {
            state.powered()?;
            if mode != 0 {
                return Err(Errno::EOPNOTSUPP);
            }
            let end = usize::try_from(at + len).map_err(|_| Errno::EFBIG)?;
            let before = state.files.content(number.0)?.len();
            state.files.resize(number.0, end.max(before))
        };
        answer(allocate(), reply);
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, from: u64, mut reply: ReplyDirectory) {
        let state = self.state();
        let entries = match state.files.entries(number.0) {
            Ok(entries) => entries,
            Err(error) => return reply.error(error),
        };
        for (at, (name, inner)) in (1..).zip(entries).skip(from as usize) {
            let is_file = state.files.content(*inner).is_ok();
            let kind = if is_file { FileType::RegularFile } else { FileType::Directory };
            if reply.add(INodeNo(*inner), at, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let state = self.state();
        let pages = |bytes: u64| bytes / PAGE as u64;
        let (room, free) = (pages(state.files.room_bytes()), pages(state.files.free_bytes()));
        reply.statfs(room, free, free, 1 << 20, 1 << 20, PAGE as u32, 255, PAGE as u32);
    }
}

fn answer(done: Result<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
