//! Who alone knows: the environment, SQL, dialling.

use super::Violation;
use crate::tree::TextFile;

/// Something that a few places may do and no other.
struct Boundary {
    what: &'static str,
    /// Words that give it away.
    marks: &'static [&'static str],
    /// Path prefixes of those who may.
    keepers: &'static [&'static str],
}

const BOUNDARIES: [Boundary; 3] = [
    Boundary {
        what: "the environment and signals are read by `server` and `cli` alone; take an `Options` value",
        marks: &["std::env", "env::var", "tokio::signal", "signal::unix", "signal::ctrl_c"],
        keepers: &["crates/server/", "crates/cli/"],
    },
    Boundary {
        what: "SQL is spoken by `store` alone; use its trait",
        marks: &["rusqlite", "tokio_postgres"],
        // `LISTEN` and `NOTIFY`; it asks no table anything.
        keepers: &["crates/store/", "crates/doorbell/src/postgres.rs"],
    },
    // SEC-1 rests on this: what is dialled elsewhere was not judged by the target rule.
    Boundary {
        what: "a customer's host is dialled by `delivery::sender` alone",
        marks: &["TcpStream::connect", "TcpSocket::", "HttpConnector", "reqwest::"],
        // The collector of traces is the operator's own host, not a customer's.
        keepers: &["crates/delivery/src/sender", "crates/client/", "crates/cli/", "crates/server/src/traces"],
    },
];

pub(super) fn check(files: &[TextFile]) -> Vec<Violation> {
    let shipped = files.iter().filter(|file| file.is_rust() && !file.is_development());
    shipped.flat_map(crossings).collect()
}

fn crossings(file: &TextFile) -> Vec<Violation> {
    let closed: Vec<&Boundary> = BOUNDARIES.iter().filter(|boundary| !boundary.admits(&file.path)).collect();
    let crossed = file.product_lines().flat_map(|(number, line)| {
        let broken = closed.iter().filter(move |boundary| boundary.crossed_by(line));
        broken.map(move |boundary| Violation::new(format!("{}:{number}", file.path), boundary.what))
    });
    crossed.collect()
}

impl Boundary {
    fn admits(&self, path: &str) -> bool {
        self.keepers.iter().any(|keeper| path.starts_with(keeper))
    }

    fn crossed_by(&self, line: &str) -> bool {
        self.marks.iter().any(|mark| line.contains(mark))
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::tree;

    fn check(path: &str, line: &str) -> usize {
        super::check(&tree(&[(path, &format!("//! A.\n{line}\n"))])).len()
    }

    #[test]
    fn the_environment_is_the_servers() {
        assert_eq!(check("crates/api/src/a.rs", "let a = std::env::var(\"A\");"), 1);
        assert_eq!(check("crates/api/src/a.rs", "use tokio::signal;"), 1);
        assert_eq!(check("crates/server/src/a.rs", "let a = std::env::var(\"A\");"), 0);
        assert_eq!(
            check("crates/api/src/a.rs", "let a = env!(\"CARGO_PKG_VERSION\");"),
            0,
            "known when compiled"
        );
    }

    #[test]
    fn sql_is_the_stores() {
        assert_eq!(check("crates/delivery/src/a.rs", "use rusqlite::Connection;"), 1);
        assert_eq!(check("crates/store/src/sqlite/a.rs", "use rusqlite::Connection;"), 0);
    }

    /// SEC-1: whatever opens a connection outside the sender is found.
    #[test]
    fn dialling_is_the_senders() {
        assert_eq!(check("crates/delivery/src/retry.rs", "TcpStream::connect(address).await"), 1);
        assert_eq!(check("crates/api/src/a.rs", "reqwest::get(url).await"), 1);
        assert_eq!(check("crates/delivery/src/sender/dial.rs", "TcpStream::connect(address).await"), 0);
        assert_eq!(check("crates/delivery/src/sender.rs", "TcpStream::connect(address).await"), 0);
    }

    #[test]
    fn tests_and_comments_may_do_as_they_like() {
        assert_eq!(check("crates/api/tests/a.rs", "TcpStream::connect(address)"), 0);
        assert_eq!(check("crates/testkit/src/a.rs", "std::env::var(\"A\")"), 0);
        assert_eq!(check("crates/api/src/a.rs", "// rusqlite is not known here"), 0);
        assert_eq!(
            check("crates/api/src/a.rs", "#[cfg(test)]\nmod tests {\n    use rusqlite::Connection;\n}"),
            0
        );
    }
}
