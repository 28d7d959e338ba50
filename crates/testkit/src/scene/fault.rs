//! Everything that a scene can be made to suffer.

use std::fmt;

/// A fault of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` at a random moment.
    Kill,
    /// `kill -9` at a chosen call to the kernel.
    KillAtCall,
    /// The power is cut at a chosen write or sync: what was not synced is lost, page by page.
    PowerCut,
    /// A sync fails.
    SyncFails,
    /// A sync takes long.
    SyncStalls,
    /// A write fails.
    WriteFails,
    /// A write does half of its work.
    WriteIsShort,
    /// A read fails.
    ReadFails,
    /// Some writes find no room.
    NoRoom,
    /// The disk is full.
    FullDisk,
    /// SIGTERM.
    Restart,
    /// A second process on the data directory.
    SecondProcess,
    /// The system's clock is set back and ahead.
    ClockJumps,
    /// An endpoint that answers in every bad way there is.
    HostileEndpoint,
    /// Streams that break off and come back with their cursors.
    RestlessReaders,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Kill,
        Self::KillAtCall,
        Self::PowerCut,
        Self::SyncFails,
        Self::SyncStalls,
        Self::WriteFails,
        Self::WriteIsShort,
        Self::ReadFails,
        Self::NoRoom,
        Self::FullDisk,
        Self::Restart,
        Self::SecondProcess,
        Self::ClockJumps,
        Self::HostileEndpoint,
        Self::RestlessReaders,
    ];

    /// Whether it takes a disk of our own.
    pub(super) const fn needs_disk(self) -> bool {
        matches!(
            self,
            Self::PowerCut
                | Self::SyncFails
                | Self::SyncStalls
                | Self::WriteFails
                | Self::WriteIsShort
                | Self::ReadFails
                | Self::NoRoom
                | Self::FullDisk
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill",
            Self::KillAtCall => "kill at a call",
            Self::PowerCut => "power cut",
            Self::SyncFails => "sync fails",
            Self::SyncStalls => "sync stalls",
            Self::WriteFails => "write fails",
            Self::WriteIsShort => "short write",
            Self::ReadFails => "read fails",
            Self::NoRoom => "no room for writes",
            Self::FullDisk => "full disk",
            Self::Restart => "restart",
            Self::SecondProcess => "second process",
            Self::ClockJumps => "clock jumps",
            Self::HostileEndpoint => "hostile endpoint",
            Self::RestlessReaders => "restless readers",
        })
    }
}
