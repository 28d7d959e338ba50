//! The tables of docs/promises.md and docs/invariants.md: `| id | sentence | held by |`.

use super::Test;
use super::citation::{self, Id};

/// The last cell of a row that no test holds; a reason may follow.
const NONE: &str = "—";

struct Row<'a> {
    ids: Vec<Id>,
    label: &'a str,
    sentence: &'a str,
    held_by: &'a str,
}

/// The document with the last column of each row written from the tests. A reason after a dash stays until a test comes.
pub(super) fn fill(document: &str, tests: &[Test]) -> String {
    let mut filled = String::with_capacity(document.len());
    for line in document.lines() {
        match row(line) {
            Some(row) => {
                filled.push_str(&format!("| {} | {} | {} |", row.label, row.sentence, held_by(&row, tests)))
            }
            None => filled.push_str(line),
        }
        filled.push('\n');
    }
    filled
}

/// The rows with neither test nor reason.
pub(super) fn unheld(document: &str) -> Vec<String> {
    let bare = document.lines().filter_map(row).filter(|row| row.held_by == NONE);
    bare.map(|row| row.label.to_owned()).collect()
}

/// The rows that no test cites, whatever the last column says.
pub(super) fn uncited(document: &str, tests: &[Test]) -> Vec<String> {
    let uncited = document.lines().filter_map(row).filter(|row| citing(row, tests).next().is_none());
    uncited.map(|row| row.label.to_owned()).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells = line.strip_prefix("| ")?.strip_suffix('|')?.trim_end();
    let mut cells = cells.splitn(3, " | ");
    let (label, sentence, held_by) = (cells.next()?, cells.next()?, cells.next().unwrap_or_default());
    Some(Row { ids: citation::exactly(label)?, label, sentence, held_by })
}

fn held_by(row: &Row<'_>, tests: &[Test]) -> String {
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    for test in citing(row, tests) {
        if files.last().is_none_or(|(path, _)| *path != test.path) {
            files.push((&test.path, Vec::new()));
        }
        let names = &mut files.last_mut().expect("one was just pushed").1;
        names.extend((!test.name.is_empty()).then(|| format!("`{}`", cell(&test.name))));
    }
    let shown = files.iter().map(|(path, names)| match names.as_slice() {
        [] => format!("`{path}`"),
        names => format!("`{path}`: {}", names.join(", ")),
    });
    let shown: Vec<String> = shown.collect();
    match shown.as_slice() {
        [] if row.held_by.starts_with(NONE) => row.held_by.to_owned(),
        [] => NONE.to_owned(),
        shown => shown.join("<br>"),
    }
}

fn citing<'a>(row: &'a Row<'_>, tests: &'a [Test]) -> impl Iterator<Item = &'a Test> {
    tests.iter().filter(|test| row.ids.iter().any(|id| test.cites.contains(id)))
}

/// A name as it may stand in a cell, in backticks.
fn cell(name: &str) -> String {
    name.replace('|', "\\|").replace('`', "'").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
# Promises

| id | promise | held by |
|---|---|---|
| W8–W28 | fourteen types | — |
| W38 | hex | `gone.rs`: `gone` |
| R1 | a client | — comes with the TypeScript client |
";

    fn test(path: &str, name: &str, cites: &str) -> Test {
        Test { path: path.into(), name: name.into(), cites: citation::in_prose(cites) }
    }

    #[test]
    fn the_last_column_is_written_from_the_tests() {
        let tests =
            [test("a.rs", "", "W12"), test("b.rs", "one", "W8–W28 W38"), test("b.rs", "two | three", "W9")];
        let filled = fill(DOCUMENT, &tests);
        assert!(
            filled.contains("| W8–W28 | fourteen types | `a.rs`<br>`b.rs`: `one`, `two \\| three` |"),
            "{filled}"
        );
        assert!(filled.contains("| W38 | hex | `b.rs`: `one` |"), "{filled}");
        assert!(filled.contains("| R1 | a client | — comes with the TypeScript client |"), "{filled}");
        assert!(filled.starts_with("# Promises\n\n| id | promise | held by |\n|---|---|---|\n"), "{filled}");
        assert_eq!(fill(&filled, &tests), filled, "filling twice changes nothing");
    }

    #[test]
    fn a_test_that_is_gone_leaves_a_bare_dash() {
        let filled = fill(DOCUMENT, &[]);
        assert!(filled.contains("| W38 | hex | — |"), "{filled}");
        assert_eq!(unheld(&filled), ["W8–W28", "W38"], "a reason excuses R1");
        assert_eq!(uncited(&filled, &[]), ["W8–W28", "W38", "R1"], "a reason is no test");
    }

    #[test]
    fn a_test_takes_the_place_of_a_reason() {
        let filled = fill(DOCUMENT, &[test("sdk.test.ts", "R1: opens", "R1")]);
        assert!(filled.contains("| R1 | a client | `sdk.test.ts`: `R1: opens` |"), "{filled}");
    }
}
