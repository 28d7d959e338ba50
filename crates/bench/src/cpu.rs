//! How much of the processor and memory another process took.

use crate::Failure;

/// Clock ticks a second in `/proc/<pid>/stat`: 100 on every Linux that this runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// User and system time of a process so far, in seconds.
pub(crate) fn seconds(pid: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let behind_name = stat.rsplit_once(')').ok_or("no process name in /proc/<pid>/stat")?.1;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(ticks as f64 / TICKS_A_SECOND)
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS in /proc/<pid>/status")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no figure behind VmRSS")?.parse()?;
    Ok(kib * 1024.0)
}
