//! Tests in Rust sources and what is cited above them.

use std::collections::BTreeSet;

use super::Test;
use super::citation::{self, Id};
use crate::tree::{SUITE, TextFile};

/// The rules of the conformance suite that run: those in its list.
pub(super) struct Suite(BTreeSet<String>);

impl Suite {
    pub(super) fn read(files: &[TextFile]) -> Self {
        let list = files.iter().filter(|file| file.path.ends_with(&format!("/{SUITE}/mod.rs")));
        let words = list.flat_map(|file| file.text.split(|end: char| !(end.is_alphanumeric() || end == '_')));
        Self(words.map(str::to_owned).collect())
    }

    fn runs(&self, file: &TextFile, name: &str) -> bool {
        file.path.split('/').any(|part| part == SUITE) && self.0.contains(name)
    }
}

/// Every test of the file that cites something, in order; first the file's own header, if the file is all tests.
pub(super) fn find(file: &TextFile, suite: &Suite) -> Vec<Test> {
    let mut tests = Vec::from_iter(header(file));
    let mut above = Above::default();
    for line in file.text.lines().map(str::trim) {
        if let Some(name) = function_name(line) {
            let is_test = above.marks_a_test || suite.runs(file, name);
            let cites = &citation::in_prose(&above.prose) | &citation::in_identifier(name);
            tests.extend(is_test.then(|| test(file, name, cites)).flatten());
        }
        above.take(line);
    }
    tests
}

/// What stands directly above a line: comments and attributes.
#[derive(Default)]
struct Above {
    prose: String,
    marks_a_test: bool,
    /// Brackets of an attribute that goes on over several lines.
    open: usize,
}

impl Above {
    fn take(&mut self, line: &str) {
        if self.open > 0 || line.starts_with("#[") {
            self.marks_a_test |= self.open == 0 && is_test_attribute(line);
            let open = self.open + line.matches('[').count();
            self.open = open.saturating_sub(line.matches(']').count());
        } else if line.starts_with("//") && !line.starts_with("//!") {
            self.prose.push_str(line);
            self.prose.push('\n');
        } else {
            *self = Self::default();
        }
    }
}

/// `#[test]`, `#[tokio::test(…)]`: the last word of the attribute's path is `test`.
fn is_test_attribute(line: &str) -> bool {
    let path =
        line.trim_start_matches("#[").split(|end: char| !(end.is_alphanumeric() || matches!(end, '_' | ':')));
    path.into_iter().next().is_some_and(|path| path.rsplit("::").next() == Some("test"))
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    line.split(|end: char| !(end.is_alphanumeric() || end == '_')).next()
}

fn header(file: &TextFile) -> Option<Test> {
    let has_tests =
        file.text.lines().map(str::trim).any(|line| line.starts_with("#[") && is_test_attribute(line));
    let all_tests = has_tests && (file.path.contains("/tests/") || file.path.ends_with("/tests.rs"));
    let prose: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
    all_tests.then(|| test(file, "", citation::in_prose(&prose.join("\n")))).flatten()
}

fn test(file: &TextFile, name: &str, cites: BTreeSet<Id>) -> Option<Test> {
    (!cites.is_empty()).then(|| Test { path: file.path.clone(), name: name.to_owned(), cites })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let file = TextFile { path: path.into(), text: text.into() };
        let suite = Suite(["a".to_owned()].into());
        let shown = |test: &Test| {
            let cites: Vec<String> = test.cites.iter().map(ToString::to_string).collect();
            format!("{}: {}", test.name, cites.join(" "))
        };
        find(&file, &suite).iter().map(shown).collect()
    }

    #[test]
    fn the_comment_directly_above_counts_through_attributes() {
        let text =
            "/// W38: hex.\n#[tokio::test(\n    start_paused = true,\n)]\n// T2 too\nasync fn a() {\n}\n";
        assert_eq!(check("crates/signature/src/a.rs", text), ["a: T2 W38"]);
        let proptest =
            "proptest! {\n    /// T1: a fixed point.\n    #[test]\n    fn b(x in any::<f64>()) {\n";
        assert_eq!(check("crates/types/src/a.rs", proptest), ["b: T1"]);
    }

    #[test]
    fn what_is_no_test_holds_nothing() {
        assert!(check("crates/types/src/a.rs", "/// W38: hex.\nfn a() {}\n").is_empty());
        assert!(
            check("crates/types/src/a.rs", "/// W38: hex.\n\n#[test]\nfn a() {}\n").is_empty(),
            "not directly above"
        );
        assert!(check("crates/types/src/a.rs", "/// W38\n#[test]\nfn a() {}\nfn b() {}\n").len() == 1);
        assert!(
            check("crates/types/src/a.rs", "/// W38\n#[cfg(test)]\nfn a() {}\n").is_empty(),
            "compiled for tests only"
        );
    }

    #[test]
    fn a_suite_and_a_header_count() {
        assert_eq!(
            check("crates/store/src/conformance/order.rs", "/// LOG-2: no holes.\npub async fn a() {}\n"),
            ["a: LOG-2"]
        );
        assert!(
            check("crates/store/src/conformance/read.rs", "/// LOG-2: no holes.\npub async fn b() {}\n")
                .is_empty(),
            "it is not in the suite's list"
        );
        assert!(check("crates/api/tests/given.rs", "//! Limits, W30.\n\nfn a() {}\n").is_empty(), "no tests");
        assert_eq!(
            check("crates/api/tests/limits.rs", "//! Limits, W30.\n\n#[test]\nfn a() {}\n"),
            [": W30"]
        );
        assert!(check("crates/api/src/limits.rs", "//! Limits, W30.\n\n#[test]\nfn a() {}\n").is_empty());
    }
}
