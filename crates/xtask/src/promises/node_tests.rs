//! Tests in JavaScript and TypeScript: `test('W44: …', …)` and `it('W44: …', …)`.

use super::Test;
use super::citation;
use crate::tree::TextFile;

/// `.test-d.ts` are tests that only the compiler runs.
const ENDINGS: [&str; 7] =
    [".test.mjs", ".test.js", ".test.ts", ".test.tsx", ".test-d.ts", ".spec.ts", ".spec.tsx"];
const CALLS: [&str; 2] = ["test(", "it("];

/// Every test of the file whose name cites something, in order.
pub(super) fn find(file: &TextFile) -> Vec<Test> {
    if !ENDINGS.iter().any(|ending| file.path.ends_with(ending)) {
        return Vec::new();
    }
    let cited = names(&file.text).map(|name| (name, citation::in_prose(name)));
    let cited = cited.filter(|(_, cites)| !cites.is_empty());
    cited.map(|(name, cites)| Test { path: file.path.clone(), name: name.to_owned(), cites }).collect()
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    let calls = text.char_indices().filter_map(|(at, _)| {
        let call = CALLS.iter().find(|call| text[at..].starts_with(*call))?;
        is_a_call(&text[..at]).then(|| text[at + call.len()..].trim_start())
    });
    calls.filter_map(literal)
}

/// A call of its own or on the test's context, not the end of a longer word and not `pattern.test(…)`.
fn is_a_call(before: &str) -> bool {
    let method = before.ends_with('.') && !(before.ends_with(" t.") || before.ends_with("\nt."));
    !method && !before.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '$'))
}

/// The content of the string literal that the text begins with.
fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"' | '`'))?;
    let mut escaped = false;
    let end = text[1..].find(|character| {
        let ends = character == quote && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    Some(&text[1..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<String> {
        let file = TextFile { path: "tests/node/a.test.mjs".into(), text: text.into() };
        find(&file).into_iter().map(|test| test.name).collect()
    }

    #[test]
    fn names_that_cite_are_found_in_every_quote() {
        assert_eq!(check("test('W44: accepts', async () => {});"), ["W44: accepts"]);
        assert_eq!(check("it(\n  \"it's W45\",\n  run);"), ["it's W45"]);
        assert_eq!(check("for (const type of types) test(`W8–W28: ${type}`, run);"), ["W8–W28: ${type}"]);
        assert_eq!(check("  await t.test('T2: \\'quoted\\'', run);"), ["T2: \\'quoted\\'"]);
    }

    #[test]
    fn other_calls_are_no_tests() {
        assert!(check("/^W44/.test('W44'); submit('W44'); test(name); test('no number', run)").is_empty());
    }

    #[test]
    fn tests_are_found_wherever_they_are() {
        for path in
            ["sdk/typescript/test/live/a.test.mjs", "sdk/typescript/test/a.test-d.ts", "web/test/a.test.ts"]
        {
            let file = TextFile { path: path.into(), text: "test('R9', run)".into() };
            assert_eq!(find(&file).len(), 1, "{path}");
        }
    }

    #[test]
    fn only_test_files_are_read() {
        let file = TextFile { path: "tests/node/harness.mjs".into(), text: "test('W44', run)".into() };
        assert!(find(&file).is_empty());
    }
}
