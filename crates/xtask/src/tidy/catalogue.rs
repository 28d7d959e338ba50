//! The tests that the page on reliability names are there.

use super::Violation;
use crate::tree::TextFile;

const PAGE: &str = "docs/reliability.md";

pub(super) fn check(files: &[TextFile]) -> Vec<Violation> {
    let page = files.iter().find(|file| file.path == PAGE);
    let is_there = |name: &str| {
        let function = format!("fn {name}(");
        files.iter().any(|file| file.is_rust() && file.text.contains(&function))
    };
    let missing = |(line, number): (&str, usize)| {
        let gone = names(line).filter(|name| !is_there(name)).map(str::to_owned).collect::<Vec<_>>();
        gone.into_iter()
            .map(move |name| Violation::new(format!("{PAGE}:{number}"), format!("there is no test {name}")))
    };
    page.iter().flat_map(|page| page.text.lines().zip(1..)).flat_map(missing).collect()
}

/// What reads like a test's name: words between backticks, three or more.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let words = |code: &&str| {
        code.matches('_').count() >= 2
            && code.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    line.split('`').skip(1).step_by(2).filter(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree;

    #[test]
    fn a_test_that_is_gone_is_named() {
        let rust = ("crates/a/src/lib.rs", "async fn it_holds_its_word() {}");
        let page = |text| (PAGE, text);
        assert_eq!(
            check(&tree(&[rust, page("| a | `it_holds_its_word`, and `master.key` of `ENOSPC` |")])),
            []
        );
        let found = check(&tree(&[rust, page("one\n`it_holds`, `it_holds_no_word`")]));
        assert_eq!(found, [Violation::new("docs/reliability.md:2", "there is no test it_holds_no_word")]);
    }
}
