//! This machine: its processes, its environment, its ports.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal to a process of ours.
///
/// # Panics
/// When there is no such process any more.
pub fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).unwrap_or_else(|error| panic!("{signal:?} could not be sent: {error}"));
}

/// The processes that a process of ours has begun and that have not ended.
///
/// # Panics
/// When there is no such process any more.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("a process that runs");
    listed.split_whitespace().map(|child| child.parse().expect("a process id")).collect()
}

/// Whether a variable of whoever runs the tests would change what the program under test does: a setting, or a proxy.
#[must_use]
pub fn leads_astray(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    name.starts_with("cstar_") || name.ends_with("_proxy")
}

/// A port outside the range that the kernel gives to connections, so that none of them sits on it during a restart.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_address() -> SocketAddr {
    const FIRST: u16 = 10_240;
    const COUNT: u16 = 20_000;
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Each process begins elsewhere, or tests that run as processes would all try the same ports.
    let begin = std::process::id() * 61;
    let candidates = std::iter::repeat_with(|| {
        let offset = begin + u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from(offset % u32::from(COUNT)).expect("below the count");
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    });
    candidates.take(COUNT.into()).find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}

/// Whether this machine has an IPv6 loopback; some containers have none.
#[must_use]
pub fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_proxies_lead_astray() {
        for (name, astray) in [
            ("CSTAR_RETENTION", true),
            ("HTTPS_PROXY", true),
            ("no_proxy", true),
            ("PATH", false),
            ("SSL_CERT_FILE", false),
        ] {
            assert_eq!(leads_astray(OsStr::new(name)), astray, "{name}");
        }
    }
}
