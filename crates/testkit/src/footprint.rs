//! What a process takes of its machine.

use std::fs;
use std::path::Path;

/// Memory, descriptors and disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// What it holds in memory, shared libraries included.
    pub memory_bytes: u64,
    /// Its open descriptors.
    pub descriptors: u64,
    /// The files of its data directory.
    pub disk_bytes: u64,
}

impl Footprint {
    /// What this process takes now; `None` once it is gone.
    #[must_use]
    pub fn of(pid: u32, data: &Path) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
        let files = fs::read_dir(data).into_iter().flatten().flatten();
        let disk_bytes = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        Some(Self { memory_bytes: kib << 10, descriptors, disk_bytes })
    }

    /// The larger of the two, each by itself.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            descriptors: self.descriptors.max(other.descriptors),
            disk_bytes: self.disk_bytes.max(other.disk_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_takes_is_seen() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("a"), [0; 1000]).unwrap();
        let before = Footprint::of(std::process::id(), data.path()).unwrap();
        assert!(before.memory_bytes > 1 << 20 && before.disk_bytes == 1000, "{before:?}");
        let held: Vec<_> = (0..50).map(|_| fs::File::open(data.path().join("a")).unwrap()).collect();
        let after = Footprint::of(std::process::id(), data.path()).unwrap();
        assert!(after.descriptors >= before.descriptors + held.len() as u64 - 10, "{before:?} {after:?}");
        assert_eq!(before.max(Footprint::default()), before);
        assert_eq!(Footprint::of(u32::MAX, data.path()), None);
    }
}
