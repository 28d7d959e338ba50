//! What a process and its threads have used, as the kernel says.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::Failure;

/// Clock ticks in a second: 100 on every Linux that this runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// User and system time of a process so far, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    Ok(Stat::of(pid)?.own as f64 / TICKS_A_SECOND)
}

/// The same of a process with its children: those that have ended, and those that run.
pub(crate) fn family_cpu_seconds(parent: u32) -> Result<f64, Failure> {
    let family = Stat::of(parent)?;
    let mut ticks = family.own + family.ended_children;
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that is gone meanwhile is the next time among those that have ended.
        if let Ok(stat) = Stat::of(pid)
            && stat.parent == parent
        {
            ticks += stat.own;
        }
    }
    Ok(ticks as f64 / TICKS_A_SECOND)
}

/// What the kernel counts of a process, in ticks.
struct Stat {
    parent: u32,
    own: u64,
    ended_children: u64,
}

impl Stat {
    fn of(pid: u32) -> Result<Self, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let behind_name = stat.rsplit_once(')').ok_or("no process name in /proc/<pid>/stat")?.1;
        let fields: Vec<&str> = behind_name.split_whitespace().collect();
        let sum =
            |user: usize| Ok::<_, Failure>(fields[user].parse::<u64>()? + fields[user + 1].parse::<u64>()?);
        Ok(Self { parent: fields[1].parse()?, own: sum(11)?, ended_children: sum(13)? })
    }
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<f64, Failure> {
    status_kib(pid, "VmRSS:").map(|kib| kib * 1024.0)
}

/// The most that it was.
pub(crate) fn peak_bytes(pid: u32) -> Result<f64, Failure> {
    status_kib(pid, "VmHWM:").map(|kib| kib * 1024.0)
}

fn status_kib(pid: u32, name: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|line| line.split_whitespace().next());
    Ok(figure.ok_or_else(|| format!("no {name} in /proc/{pid}/status"))?.parse()?)
}

/// CPU time of the calling thread so far.
pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A connection is a descriptor: takes as many as this process may have.
pub(crate) fn raise_descriptors() -> Result<(), Failure> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
