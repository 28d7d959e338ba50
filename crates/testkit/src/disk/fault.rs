//! What a disk can do wrong, and when.

use std::time::Duration;

/// What happens at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// The power is cut before this write or sync: nothing is done any more until it is switched on.
    PowerCut,
    /// A sync fails, and what it was to write never reaches the disk.
    SyncFails,
    /// A sync takes so long.
    SyncStalls(Duration),
    /// A write fails.
    WriteFails,
    /// Half of a write is done.
    WriteIsShort,
    /// A write and so many after it find no room.
    NoRoom(usize),
    /// A read fails.
    ReadFails,
}

/// What a process asks of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Write,
    Sync,
}

/// A fault that waits for its turn.
#[derive(Debug, Default)]
pub(super) struct Armed {
    fault: Option<DiskFault>,
    /// How many calls that it could meet come before it.
    before: usize,
    fired: bool,
    pub(super) is_off: bool,
}

impl Armed {
    /// At the nth call that it can meet, from 1.
    pub(super) fn at(fault: DiskFault, nth: usize) -> Self {
        Self { fault: Some(fault), before: nth - 1, ..Self::default() }
    }

    pub(super) const fn has_fired(&self) -> bool {
        self.fired
    }

    /// What is to happen at this call.
    pub(super) fn meet(&mut self, call: Call) -> Option<DiskFault> {
        let fault = self.fault.filter(|fault| fault.meets(call))?;
        if self.before > 0 {
            self.before -= 1;
            return None;
        }
        self.fired = true;
        match fault {
            DiskFault::PowerCut => self.is_off = true,
            DiskFault::NoRoom(more) if more > 0 => self.fault = Some(DiskFault::NoRoom(more - 1)),
            _ => self.fault = None,
        }
        Some(fault)
    }
}

impl DiskFault {
    const fn meets(self, call: Call) -> bool {
        match self {
            Self::PowerCut => matches!(call, Call::Write | Call::Sync),
            Self::SyncFails | Self::SyncStalls(_) => matches!(call, Call::Sync),
            Self::WriteFails | Self::WriteIsShort | Self::NoRoom(_) => matches!(call, Call::Write),
            Self::ReadFails => matches!(call, Call::Read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_comes_at_its_turn_and_once() {
        let mut armed = Armed::at(DiskFault::SyncFails, 2);
        assert_eq!(armed.meet(Call::Sync), None);
        assert_eq!(armed.meet(Call::Write), None, "not its kind");
        assert!(!armed.has_fired());
        assert_eq!(armed.meet(Call::Sync), Some(DiskFault::SyncFails));
        assert!(armed.has_fired());
        assert_eq!(armed.meet(Call::Sync), None);
        let mut armed = Armed::at(DiskFault::NoRoom(1), 1);
        let met = [armed.meet(Call::Write), armed.meet(Call::Write), armed.meet(Call::Write)];
        assert_eq!(met.map(|fault| fault.is_some()), [true, true, false]);
    }

    #[test]
    fn what_has_no_power_stays_so() {
        let mut armed = Armed::at(DiskFault::PowerCut, 1);
        assert_eq!(armed.meet(Call::Read), None);
        assert!(!armed.is_off);
        assert_eq!(armed.meet(Call::Write), Some(DiskFault::PowerCut));
        assert!(armed.is_off);
    }
}
