//! What budgets are of: the compiler and the architecture that they were counted with. A count with others is not held to them.

use std::env::consts::ARCH;

use crate::error::Result;
use crate::process;
use crate::tree::Tree;

/// How the head of the table begins; what it was counted with stands in it, in backquotes.
const HEAD: &str = "| function | instructions, `";

/// A compiler, as it tells its version, and the architecture that it builds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toolchain {
    rustc: String,
    architecture: String,
}

/// What becomes of the counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// They are held to the budgets.
    Holds,
    /// They are only shown, and this is why.
    Shows(String),
}

impl Toolchain {
    /// The one that builds here.
    pub(super) fn here(tree: &Tree) -> Result<Self> {
        let version = process::capture(&mut process::command(tree.root(), &["rustc", "--version"]))?;
        let rustc = String::from_utf8_lossy(&version).trim().to_owned();
        Ok(Self { rustc, architecture: ARCH.to_owned() })
    }

    /// What becomes of counts with this one, beside the budgets in the text. A text that does not say what they are of holds them.
    pub(super) fn judgement(&self, text: &str) -> Judgement {
        match text.lines().find_map(head) {
            Some((budgets, _)) if budgets != *self => Judgement::Shows(format!(
                "the budgets are of {} on {}, and this is {} on {}: nothing is judged",
                budgets.rustc, budgets.architecture, self.rustc, self.architecture
            )),
            _ => Judgement::Holds,
        }
    }

    /// The same text with this one in the table's head.
    pub(super) fn written_into(&self, text: &str) -> String {
        let line = |line| match head(line) {
            Some((_, rest)) => format!("{HEAD}{}` on `{}`{rest}\n", self.rustc, self.architecture),
            None => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    }
}

/// What a table's head says, and what stands behind it.
fn head(line: &str) -> Option<(Toolchain, &str)> {
    let (rustc, rest) = line.strip_prefix(HEAD)?.split_once("` on `")?;
    let (architecture, rest) = rest.split_once('`')?;
    Some((Toolchain { rustc: rustc.to_owned(), architecture: architecture.to_owned() }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Budgets

| function | instructions, `rustc 1.95.0 (59807616e 2026-04-14)` on `x86_64` | of what |
|---|---:|---|
| `lane_step` | 900 | one delivery |
";

    fn toolchain(rustc: &str, architecture: &str) -> Toolchain {
        Toolchain { rustc: rustc.to_owned(), architecture: architecture.to_owned() }
    }

    #[test]
    fn counts_are_judged_only_with_the_toolchain_of_the_budgets() {
        let same = toolchain("rustc 1.95.0 (59807616e 2026-04-14)", "x86_64");
        assert_eq!(same.judgement(TEXT), Judgement::Holds);
        for other in [
            toolchain("rustc 1.96.0 (0123456789 2026-05-28)", "x86_64"),
            toolchain("rustc 1.95.0 (59807616e 2026-04-14)", "aarch64"),
        ] {
            let Judgement::Shows(why) = other.judgement(TEXT) else { panic!("{other:?} was judged") };
            assert_eq!(
                why,
                format!(
                    "the budgets are of rustc 1.95.0 (59807616e 2026-04-14) on x86_64, and this is {} on {}: \
                     nothing is judged",
                    other.rustc, other.architecture
                )
            );
            assert_eq!(other.judgement(&other.written_into(TEXT)), Judgement::Holds);
        }
    }

    #[test]
    fn a_head_that_was_lost_switches_nothing_off() {
        let other = toolchain("rustc 1.96.0 (0123456789 2026-05-28)", "x86_64");
        assert_eq!(other.judgement("| function | instructions | of what |"), Judgement::Holds);
    }

    #[test]
    fn the_rest_of_the_text_stays() {
        let other = toolchain("rustc 1.96.0", "aarch64");
        let written =
            TEXT.replace("rustc 1.95.0 (59807616e 2026-04-14)", "rustc 1.96.0").replace("x86_64", "aarch64");
        assert_eq!(other.written_into(TEXT), written);
    }

    /// The table that the budgets really stand in says what they are of.
    #[test]
    fn the_page_has_a_head() {
        let text = Tree::find().unwrap().read(super::super::TABLE).unwrap();
        assert!(text.lines().find_map(head).is_some());
    }
}
