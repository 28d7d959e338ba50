//! The tools that the checks call, and how to come by them.
//!
//! A C compiler is needed too (SQLite, ring), but without one this program would not have been linked.

use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result};
use crate::process;

/// What builds the client and the settings page wants this or later.
const NODE_LEAST: (u32, u32) = (20, 19);

/// A program, how to see that it is there, and where it comes from.
struct Need {
    name: &'static str,
    probe: &'static [&'static str],
    from: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// A Debian package.
    Package(&'static str),
    /// A component of the Rust toolchain.
    Component(&'static str),
}

const POSTGRES: &str = "PostgreSQL";
const NATS: &str = "nats-server";
const POOLER: &str = "pgbouncer";
const BALANCER: &str = "haproxy";

const NEEDS: [Need; 16] = [
    Need { name: "rustfmt", probe: &["cargo", "fmt", "--version"], from: Source::Component("rustfmt") },
    Need { name: "clippy", probe: &["cargo", "clippy", "--version"], from: Source::Component("clippy") },
    Need { name: "node", probe: &["node", "--version"], from: Source::Package("nodejs") },
    Need { name: "npm", probe: &["npm", "--version"], from: Source::Package("npm") },
    Need { name: "strace", probe: &["strace", "-V"], from: Source::Package("strace") },
    // Counts instructions, with callgrind.
    Need { name: "valgrind", probe: &["valgrind", "--version"], from: Source::Package("valgrind") },
    // A terminal for what behaves differently on one.
    Need { name: "script", probe: &["script", "--version"], from: Source::Package("bsdutils") },
    Need { name: "openssl", probe: &["openssl", "version"], from: Source::Package("openssl") },
    Need { name: "curl", probe: &["curl", "--version"], from: Source::Package("curl") },
    Need {
        name: "python3 with venv",
        probe: &["python3", "-c", "import ensurepip"],
        from: Source::Package("python3-venv"),
    },
    // The browser that the client and the settings page are tested in. `CSTAR_CHROMIUM` may name another one.
    Need { name: "chromium", probe: CHROMIUM_PROBE, from: Source::Package("chromium") },
    Need {
        name: POSTGRES,
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"],
        from: Source::Package("postgresql"),
    },
    Need { name: NATS, probe: &["nats-server", "--version"], from: Source::Package("nats-server") },
    Need { name: POOLER, probe: &["pgbouncer", "--version"], from: Source::Package("pgbouncer") },
    Need { name: BALANCER, probe: &["haproxy", "-v"], from: Source::Package("haproxy") },
    // Sets the clock of one process.
    Need {
        name: "libfaketime",
        probe: &["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"],
        from: Source::Package("faketime"),
    },
];

/// It is asked by its path where the environment names one; the tests look in the same two places.
const CHROMIUM_PROBE: &[&str] = &["sh", "-c", "\"${CSTAR_CHROMIUM:-/usr/bin/chromium}\" --version"];

/// Installs what the checks need and this machine lacks, or says how.
pub(crate) fn ensure() -> Result<()> {
    ensure_of(&NEEDS)
}

/// The same, but for servers that tests ask.
pub(crate) fn ensure_without_servers() -> Result<()> {
    ensure_of(NEEDS.iter().filter(|need| ![POSTGRES, NATS, POOLER, BALANCER].contains(&need.name)))
}

/// The same for what builds the settings page.
pub(crate) fn ensure_node() -> Result<()> {
    ensure_of(NEEDS.iter().filter(|need| ["node", "npm"].contains(&need.name)))
}

fn ensure_of<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Result<()> {
    let missing: Vec<&Need> = needs.into_iter().filter(|need| !process::succeeds(need.probe)).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    let version = process::capture(Command::new("node").arg("--version"))?;
    check_node(String::from_utf8_lossy(&version).trim())
}

fn install(missing: &[&Need]) -> Result<()> {
    let lines = install_lines(missing);
    let needs_root = lines.iter().any(|line| line[0] == "apt-get");
    if needs_root && !(is_root() && process::succeeds(&["apt-get", "--version"])) {
        let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
        let shown: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
        return Err(Error::Missing { missing: names.join(", "), install: shown.join("\n  ") });
    }
    for line in &lines {
        println!("    {}", line.join(" "));
        process::run(process::command(Path::new("."), line).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}

fn install_lines(missing: &[&Need]) -> Vec<Vec<&'static str>> {
    let mut packages = vec!["apt-get", "install", "--yes", "--no-install-recommends"];
    let mut components = vec!["rustup", "component", "add"];
    let (no_packages, no_components) = (packages.len(), components.len());
    for need in missing {
        match need.from {
            Source::Package(name) => packages.push(name),
            Source::Component(name) => components.push(name),
        }
    }
    let mut lines = Vec::new();
    if packages.len() > no_packages {
        lines.push(vec!["apt-get", "update"]);
        lines.push(packages);
    }
    if components.len() > no_components {
        lines.push(components);
    }
    lines
}

fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|answer| answer.trim_ascii() == b"0")
}

fn check_node(version: &str) -> Result<()> {
    let mut numbers =
        version.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    match numbers.next().zip(numbers.next()) {
        Some(found) if found >= NODE_LEAST => Ok(()),
        _ => {
            let least = format!("{}.{}", NODE_LEAST.0, NODE_LEAST.1);
            Err(Error::TooOld { tool: "node", found: version.to_owned(), least })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_installed_in_one_go() {
        let missing: Vec<&Need> =
            NEEDS.iter().filter(|need| ["node", "curl", "clippy"].contains(&need.name)).collect();
        let lines: Vec<String> = install_lines(&missing).iter().map(|line| line.join(" ")).collect();
        assert_eq!(
            lines,
            [
                "apt-get update",
                "apt-get install --yes --no-install-recommends nodejs curl",
                "rustup component add clippy"
            ]
        );
    }

    #[test]
    fn nothing_missing_installs_nothing() {
        assert!(install_lines(&[]).is_empty());
    }

    #[test]
    fn an_old_node_is_refused() {
        assert!(check_node("v20.20.2").is_ok());
        assert!(check_node("v22.1.0").is_ok());
        assert!(check_node("v18.20.4").unwrap_err().to_string().contains("20.19 or later"));
        assert!(check_node("v20.18.9").is_err());
        assert!(check_node("").is_err());
    }
}
