//! Nothing of a developer's machine is in the tree.

use super::Violation;
use crate::tree::TextFile;

/// Where people keep checkouts, in halves so that this file does not find itself.
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

pub(super) fn check(files: &[TextFile]) -> Vec<Violation> {
    files.iter().flat_map(|file| [machine_path(file), download_address(file)]).flatten().collect()
}

fn machine_path(file: &TextFile) -> Option<Violation> {
    let (number, path) = file.text.lines().zip(1..).find_map(|(line, number)| {
        let path = MACHINE_PATHS.iter().find(|path| begins_a_path(line, path))?;
        Some((number, path))
    })?;
    Some(Violation::new(format!("{}:{number}", file.path), format!("names `{path}`, a place on one machine")))
}

/// Whether `path` stands at the root of a path, and not after a host or a folder.
fn begins_a_path(line: &str, path: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || matches!(before, '.' | '-' | '_' | '}' | ')');
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(inside))
}

/// An address in the lock file ties every clone to one registry or mirror.
fn download_address(file: &TextFile) -> Option<Violation> {
    let locked = file.path.ends_with("package-lock.json") && file.text.contains("\"resolved\": \"http");
    locked.then(|| {
        Violation::new(
            &file.path,
            "holds download addresses; set omit-lockfile-registry-resolved in .npmrc and make it again",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree;

    fn check(path: &str, text: &str) -> Vec<String> {
        super::check(&tree(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for path in MACHINE_PATHS {
            let found = check("docs/a.md", &format!("see\n`{path}main`\n"));
            assert!(found.first().is_some_and(|line| line.starts_with("docs/a.md:2")), "{path}: {found:?}");
        }
    }

    #[test]
    fn a_folder_in_an_address_is_no_path() {
        let address = format!("https://example.com{}a", MACHINE_PATHS[1]);
        assert!(check("docs/a.md", &address).is_empty());
    }

    #[test]
    fn a_lock_file_with_addresses_is_found() {
        let lock = "{\"packages\": {\"node_modules/a\": {\"version\": \"1.0.0\", \"resolved\": \"https://r/a.tgz\"}}}";
        assert_eq!(check("tests/node/package-lock.json", lock).len(), 1);
        assert!(
            check("tests/node/package-lock.json", &lock.replace("\"resolved\"", "\"integrity\"")).is_empty()
        );
    }
}
