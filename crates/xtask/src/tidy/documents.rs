//! Documents point at what exists, and each invariant has a test that tries to break it.

use std::collections::BTreeSet;

use super::Violation;
use crate::promises::{self, INVARIANTS};
use crate::tree::TextFile;

/// Lists the page of each problem code.
const ERRORS_INDEX: &str = "docs/errors/README.md";
const ERRORS: &str = "docs/errors/";

pub(super) fn check(files: &[TextFile]) -> Vec<Violation> {
    let mut violations = dead_links(files);
    violations.extend(unlisted_error_pages(files));
    violations.extend(untested_invariants(files));
    violations
}

fn dead_links(files: &[TextFile]) -> Vec<Violation> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let documents = files.iter().filter(|file| file.path.ends_with(".md"));
    let dead = documents.flat_map(|file| {
        let targets = relative_links(&file.text).map(|link| (link, resolve(&file.path, link)));
        let missing = targets.filter(|(_, target)| !exists(&paths, target));
        missing
            .map(|(link, _)| Violation::new(&file.path, format!("links to `{link}`, which does not exist")))
    });
    dead.collect()
}

fn exists(paths: &BTreeSet<&str>, target: &str) -> bool {
    let folder = format!("{}/", target.trim_end_matches('/'));
    target.is_empty() || paths.contains(target) || paths.iter().any(|path| path.starts_with(&folder))
}

/// The targets of `[…](…)` that are files of this tree, without their anchors.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let inside = targets
        .filter(|target| !target.contains("://") && !target.starts_with(['#', '/']) && !target.contains(' '));
    inside.filter(|target| !target.starts_with("mailto:")).filter_map(|target| target.split('#').next())
}

fn resolve(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn unlisted_error_pages(files: &[TextFile]) -> Vec<Violation> {
    let index = files.iter().find(|file| file.path == ERRORS_INDEX).map_or("", |file| file.text.as_str());
    let listed: BTreeSet<String> = relative_links(index).map(|link| resolve(ERRORS_INDEX, link)).collect();
    let pages = files.iter().filter(|file| file.path.starts_with(ERRORS) && file.path != ERRORS_INDEX);
    let unlisted = pages.filter(|page| !listed.contains(&page.path));
    unlisted.map(|page| Violation::new(&page.path, format!("is not listed in {ERRORS_INDEX}"))).collect()
}

fn untested_invariants(files: &[TextFile]) -> Vec<Violation> {
    let Some(list) = files.iter().find(|file| file.path == INVARIANTS) else {
        return vec![Violation::new(INVARIANTS, "does not exist")];
    };
    let untested = promises::without_test(&list.text, files);
    let problem = |id: String| {
        Violation::new(INVARIANTS, format!("{id} is cited by no test; write one that tries to break it"))
    };
    untested.into_iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree;

    #[test]
    fn a_dead_link_is_found() {
        let files = tree(&[
            (
                "README.md",
                "[a](docs/a.md#top) [b](docs/b.md) [c](https://example.com/x.md) [d](#here) [e](docs/)",
            ),
            ("docs/a.md", "[up](../README.md) [self](a.md)"),
        ]);
        let found: Vec<String> = dead_links(&files).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["README.md: links to `docs/b.md`, which does not exist"]);
    }

    #[test]
    fn an_error_page_outside_the_index_is_found() {
        let page = ("docs/errors/not_found.md", "");
        assert!(
            unlisted_error_pages(&tree(&[(ERRORS_INDEX, "[`not_found`](not_found.md)"), page])).is_empty()
        );
        assert_eq!(unlisted_error_pages(&tree(&[(ERRORS_INDEX, ""), page])).len(), 1);
        assert_eq!(unlisted_error_pages(&tree(&[page])).len(), 1, "pages need an index");
    }

    #[test]
    fn an_invariant_that_no_test_cites_is_found() {
        let list =
            (INVARIANTS, "| id | invariant | held by |\n|---|---|---|\n| LOG-1 | synced first | — |\n");
        let test = ("crates/store/src/a.rs", "//! A.\n/// LOG-1: a crash.\n#[test]\nfn a() {}\n");
        assert!(untested_invariants(&tree(&[list, test])).is_empty());
        assert_eq!(untested_invariants(&tree(&[list])).len(), 1);
        assert_eq!(untested_invariants(&tree(&[test])).len(), 1, "the list itself must be there");
    }
}
