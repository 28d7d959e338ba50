//! The checkout: where it is, which files git knows or would take, and what they say.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::error::{Error, Result};
use crate::process;

/// Crates whose code is tests, tasks or load as a whole, not part of what is shipped.
const DEVELOPMENT_CRATES: [&str; 5] = ["testkit", "xtask", "bench", "count", "soak"];

/// The folder of tests that each implementation of a trait runs.
pub(crate) const SUITE: &str = "conformance";

/// The workspace as cargo and git see it.
pub(crate) struct Tree {
    pub(crate) metadata: Metadata,
}

impl Tree {
    /// The checkout that holds the current directory.
    pub(crate) fn find() -> Result<Self> {
        Ok(Self { metadata: MetadataCommand::new().no_deps().exec()? })
    }

    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where the development profile puts what it builds.
    pub(crate) fn debug(&self) -> PathBuf {
        self.metadata.target_directory.as_std_path().join("debug")
    }

    /// The binary of the development profile.
    pub(crate) fn binary(&self) -> PathBuf {
        self.debug().join("cstar")
    }

    /// Where the release profile puts what it builds.
    pub(crate) fn release(&self) -> PathBuf {
        self.metadata.target_directory.as_std_path().join("release")
    }

    pub(crate) fn read(&self, path: &str) -> Result<String> {
        let path = self.root().join(path);
        std::fs::read_to_string(&path).map_err(|source| Error::File { path, source })
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.root().join(path);
        std::fs::write(&path, text).map_err(|source| Error::File { path, source })
    }

    /// The paths of the files that are tracked, or new and not ignored, from the root.
    pub(crate) fn paths(&self) -> Result<Vec<String>> {
        let mut list = process::command(
            self.root(),
            &["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        );
        let listing = process::capture(&mut list)?;
        Ok(String::from_utf8_lossy(&listing).split_terminator('\0').map(str::to_owned).collect())
    }

    /// The same files with what they say. A picture is there, without text.
    pub(crate) fn files(&self) -> Result<Vec<TextFile>> {
        let mut files: Vec<TextFile> = self
            .paths()?
            .into_iter()
            .filter_map(|path| {
                let bytes = std::fs::read(self.root().join(&path)).ok()?;
                let text = String::from_utf8(bytes).unwrap_or_default();
                Some(TextFile { path, text })
            })
            .collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }
}

/// One file, by its path from the root with forward slashes.
#[derive(Debug)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// `store` for `crates/store/src/lib.rs`.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether the whole file exists for tests, tasks or load.
    pub(crate) fn is_development(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.crate_name().is_none_or(|name| DEVELOPMENT_CRATES.contains(&name))
            || self.path.split('/').any(|part| matches!(part, "tests" | "examples" | "benches" | SUITE))
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }

    /// Numbered lines of code that is shipped: no comments, no unit tests.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let unit_tests = unit_tests_begin(&self.text).unwrap_or(usize::MAX);
        self.text
            .lines()
            .enumerate()
            .take_while(move |(index, _)| *index < unit_tests)
            .map(|(index, line)| (index + 1, without_comment(line)))
            .filter(|(_, line)| !line.is_empty())
    }
}

/// The line on which `#[cfg(test)] mod … {` begins; unit tests end their file.
fn unit_tests_begin(text: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    (0..lines.len()).find(|&index| {
        let module = lines[index + 1..].iter().find(|line| !line.starts_with("#["));
        lines[index] == "#[cfg(test)]"
            && module.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    })
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with("//") { "" } else { line.split(" // ").next().unwrap_or(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn comments_and_unit_tests_are_not_product_lines() {
        let text =
            "//! Doc.\nuse a; // why\n/// Doc.\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n    use c;\n}\n";
        let file = file("crates/api/src/lib.rs", text);
        assert_eq!(file.product_lines().collect::<Vec<_>>(), [(2, "use a;"), (4, "fn b() {}")]);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_does_not_end_the_product_lines() {
        let file = file("crates/api/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod routes;\n");
        assert!(file.product_lines().any(|(_, line)| line == "mod routes;"));
    }

    #[test]
    fn the_shipped_crates_are_told_from_the_rest() {
        assert!(!file("crates/api/src/lib.rs", "").is_development());
        for path in [
            "crates/api/tests/publish.rs",
            "crates/api/src/routes/tests.rs",
            "crates/store/src/conformance/log.rs",
            "crates/testkit/src/lib.rs",
            "tests/node/harness.mjs",
        ] {
            assert!(file(path, "").is_development(), "{path}");
        }
    }
}
