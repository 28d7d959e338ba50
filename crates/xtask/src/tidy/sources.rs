//! Every source file says what it is, stays readable, and is finished.

use super::Violation;
use crate::tree::TextFile;

/// Past this, nobody holds a file in mind.
const MOST_LINES: usize = 500;

/// The line that gives the reason for more.
const LONG_BECAUSE: &str = "// tidy: long because ";

/// Marks of unfinished work, in halves so that this file does not find itself.
const UNFINISHED_RUST: [&str; 5] = [
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("#[ign", "ore"),
];
const UNFINISHED_SCRIPT: [&str; 5] = [
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("test.", "skip("),
    concat!("it.", "skip("),
    concat!(".", "only("),
];

pub(super) fn check(files: &[TextFile]) -> Vec<Violation> {
    let sources = files.iter().filter(|file| is_source(&file.path));
    sources.flat_map(|file| [undescribed(file), too_long(file), unfinished(file)]).flatten().collect()
}

fn is_source(path: &str) -> bool {
    let ending = path.rsplit('.').next().unwrap_or_default();
    matches!(ending, "rs" | "mjs" | "js" | "ts" | "tsx")
        && !path.contains(".gen.")
        && !path.contains("/generated/")
}

fn undescribed(file: &TextFile) -> Option<Violation> {
    let lacks = file.is_rust() && !file.text.starts_with("//!");
    lacks.then(|| Violation::new(&file.path, "begins without a `//!` line that says what the file is"))
}

fn too_long(file: &TextFile) -> Option<Violation> {
    let lines = file.text.lines().count();
    let excused = file.text.lines().any(|line| line.trim_start().starts_with(LONG_BECAUSE));
    let problem = format!("{lines} lines, past {MOST_LINES}; split it, or add `{LONG_BECAUSE}…`");
    (lines > MOST_LINES && !excused).then(|| Violation::new(&file.path, problem))
}

fn unfinished(file: &TextFile) -> Option<Violation> {
    let marks = if file.is_rust() { &UNFINISHED_RUST } else { &UNFINISHED_SCRIPT };
    let (number, mark) = file.text.lines().zip(1..).find_map(|(line, number)| {
        let mark = marks.iter().find(|mark| holds_word(line, mark))?;
        Some((number, mark))
    })?;
    Some(Violation::new(format!("{}:{number}", file.path), format!("unfinished: `{mark}`")))
}

/// Whether `mark` is there and not the tail of a longer word; a method follows a word by nature.
fn holds_word(line: &str, mark: &str) -> bool {
    let inside_a_word = |at: usize| line[..at].ends_with(|before: char| before.is_alphanumeric());
    line.match_indices(mark).any(|(at, _)| mark.starts_with('.') || !inside_a_word(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree;

    fn check(path: &str, text: &str) -> Vec<String> {
        super::check(&tree(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_without_a_doc_line_is_found() {
        assert!(check("crates/api/src/a.rs", "//! A.\nuse b;\n").is_empty());
        assert_eq!(check("crates/api/src/a.rs", "use b;\n").len(), 1);
        assert!(check("tests/node/a.mjs", "import b from 'b';\n").is_empty(), "Rust alone has module docs");
    }

    #[test]
    fn a_long_file_needs_a_reason() {
        let long = format!("//! A.\n{}", "\n".repeat(MOST_LINES));
        assert!(check("crates/api/src/a.rs", &long)[0].contains("501 lines"));
        assert!(check("crates/api/src/a.rs", &format!("{long}{LONG_BECAUSE}it is a table\n")).is_empty());
        assert!(
            check("sdk/typescript/src/types.gen.ts", &long).is_empty(),
            "generated files are not read by people"
        );
    }

    #[test]
    fn every_mark_of_unfinished_work_is_found() {
        for mark in UNFINISHED_RUST {
            let found = check("crates/api/src/a.rs", &format!("//! A.\nfn a() {{ {mark}(); }}\n"));
            assert!(
                found.first().is_some_and(|line| line.starts_with("crates/api/src/a.rs:2")),
                "{mark}: {found:?}"
            );
        }
        for mark in UNFINISHED_SCRIPT {
            let call = if mark.starts_with('.') { format!("test{mark}") } else { mark.to_owned() };
            assert_eq!(check("tests/node/a.test.mjs", &format!("{call}'a', run)\n")).len(), 1, "{mark}");
        }
    }

    #[test]
    fn a_longer_word_is_no_mark() {
        let text = format!("//! A.\nconst A{}: u8 = 1;\n", UNFINISHED_RUST[3]);
        assert!(check("crates/api/src/a.rs", &text).is_empty());
    }
}
