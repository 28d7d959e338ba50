//! Budgets: the table, and what is said of a count beside it.

use std::collections::BTreeMap;

/// How far a count may be from its budget, either way, in percent: as much as another build of the same sources on another
/// machine may differ by, with room. What is below is a budget that no longer guards anything.
const MARGIN_PERCENT: u64 = 10;
/// So few instructions are the compiler's, whatever share of a small function they are.
const MARGIN_LEAST: u64 = 32;

/// What one run of a function took.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) name: String,
    pub(super) instructions: u64,
}

/// The budgets by function: the first two columns of the rows that begin with a name in backquotes.
#[derive(Debug, Default)]
pub(super) struct Table<'t>(BTreeMap<&'t str, u64>);

impl<'t> Table<'t> {
    pub(super) fn parse(text: &'t str) -> Self {
        Self(text.lines().filter_map(row).filter_map(|row| Some((row.name, row.budget()?))).collect())
    }

    /// A count beside its budget, for whoever watches.
    pub(super) fn line(&self, name: &str, instructions: u64) -> String {
        let beside = self.0.get(name).map_or_else(
            || "no budget".to_owned(),
            |budget| format!("budget {}, {:+.1} %", grouped(*budget), deviation(instructions, *budget)),
        );
        format!("{name}: {} instructions ({beside})", grouped(instructions))
    }

    /// What is not as it should be, each with what to do.
    pub(super) fn breaches(&self, counted: &[Counted]) -> Vec<String> {
        let mut breaches: Vec<String> = counted.iter().filter_map(|counted| self.breach(counted)).collect();
        let gone = self.0.keys().filter(|name| counted.iter().all(|counted| counted.name != **name));
        breaches.extend(gone.map(|name| format!("{name} has a budget and is not counted: delete its row")));
        breaches
    }

    fn breach(&self, counted: &Counted) -> Option<String> {
        let Counted { name, instructions } = counted;
        let Some(budget) = self.0.get(name.as_str()) else {
            return Some(format!("{name} has no budget: give it a row"));
        };
        let margin = (budget * MARGIN_PERCENT / 100).max(MARGIN_LEAST);
        if instructions.abs_diff(*budget) <= margin {
            return None;
        }
        let said = format!(
            "{name} takes {} instructions, and its budget is {} ({:+.1} %)",
            grouped(*instructions),
            grouped(*budget),
            deviation(*instructions, *budget)
        );
        Some(if instructions > budget {
            format!("{said}: find what it does more, or write a new budget and say why")
        } else {
            format!("{said}: write the new budget, so that it guards what was gained")
        })
    }
}

/// The same text with what was counted as the budgets; a function without a row gets one behind the others.
pub(super) fn rewritten(text: &str, counted: &[Counted]) -> String {
    let count_of = |name: &str| counted.iter().find(|counted| counted.name == name);
    let mut lines: Vec<String> = Vec::new();
    let mut end = None;
    for line in text.lines() {
        match row(line) {
            Some(Row { name, rest, .. }) => {
                lines.extend(count_of(name).map(|counted| written(counted, rest)));
                end = Some(lines.len());
            }
            None => lines.push(line.to_owned()),
        }
    }
    let end = end.unwrap_or(lines.len());
    let table = Table::parse(text);
    let new = counted.iter().filter(|counted| !table.0.contains_key(counted.name.as_str()));
    lines.splice(end..end, new.map(|counted| written(counted, " |")));
    lines.join("\n") + "\n"
}

fn written(counted: &Counted, rest: &str) -> String {
    format!("| `{}` | {} |{rest}", counted.name, grouped(counted.instructions))
}

struct Row<'t> {
    name: &'t str,
    budget: &'t str,
    /// What stands behind the budget's column.
    rest: &'t str,
}

impl Row<'_> {
    fn budget(&self) -> Option<u64> {
        self.budget.trim().replace(',', "").parse().ok().filter(|budget| *budget > 0)
    }
}

fn row(line: &str) -> Option<Row<'_>> {
    let (name, cells) = line.strip_prefix("| `")?.split_once("` |")?;
    let (budget, rest) = cells.split_once('|')?;
    Some(Row { name, budget, rest })
}

fn deviation(instructions: u64, budget: u64) -> f64 {
    (instructions as f64 / budget as f64 - 1.0) * 100.0
}

/// With a comma behind each three digits, as the documents write numbers.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Budgets

| function | instructions | of what |
|---|---|---|
| `canonical_json` | 12,000 | a ticket |
| `lane_step` | 900 | one delivery |

More.
";

    fn counted(counts: &[(&str, u64)]) -> Vec<Counted> {
        counts.iter().map(|(name, count)| Counted { name: (*name).into(), instructions: *count }).collect()
    }

    fn breaches(canonical: u64, lane: u64) -> Vec<String> {
        let table = Table::parse(TEXT);
        table.breaches(&counted(&[("canonical_json", canonical), ("lane_step", lane)]))
    }

    #[test]
    fn within_the_margin_nothing_is_said() {
        for (canonical, lane) in [(12_000, 900), (13_200, 990), (10_800, 810)] {
            assert_eq!(breaches(canonical, lane), Vec::<String>::new());
        }
    }

    #[test]
    fn a_small_function_has_room_for_a_few_instructions() {
        let text = TEXT.replace("900", "100");
        let breaches = |lane| {
            Table::parse(&text).breaches(&counted(&[("canonical_json", 12_000), ("lane_step", lane)])).len()
        };
        assert_eq!([67, 68, 132, 133].map(breaches), [1, 0, 0, 1]);
    }

    #[test]
    fn more_is_a_breach_and_so_is_much_less() {
        let more = breaches(13_201, 900).pop().unwrap();
        assert!(
            more.starts_with("canonical_json takes 13,201 instructions, and its budget is 12,000 (+10.0 %)"),
            "{more}"
        );
        assert!(more.contains("find what it does more"), "{more}");
        let less = breaches(12_000, 809).pop().unwrap();
        assert!(less.contains("lane_step") && less.contains("guards what was gained"), "{less}");
        assert_eq!(breaches(1, 10_000).len(), 2, "each is told");
    }

    #[test]
    fn the_table_and_the_functions_are_the_same() {
        let table = Table::parse(TEXT);
        let found = table.breaches(&counted(&[("canonical_json", 12_000), ("retry", 7)]));
        assert_eq!(
            found,
            [
                "retry has no budget: give it a row",
                "lane_step has a budget and is not counted: delete its row"
            ]
        );
        let unreadable = TEXT.replace("900", "few");
        assert_eq!(
            Table::parse(&unreadable)
                .breaches(&counted(&[("canonical_json", 12_000), ("lane_step", 900)]))
                .len(),
            1
        );
    }

    #[test]
    fn new_budgets_are_written_into_the_text() {
        let text = rewritten(TEXT, &counted(&[("canonical_json", 1_234_567), ("retry", 7)]));
        assert_eq!(
            text,
            TEXT.replace("12,000", "1,234,567")
                .replace("| `lane_step` | 900 | one delivery |", "| `retry` | 7 | |")
        );
        assert_eq!(
            Table::parse(&text).breaches(&counted(&[("canonical_json", 1_234_567), ("retry", 7)])),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_count_is_shown_beside_its_budget() {
        let table = Table::parse(TEXT);
        assert_eq!(table.line("lane_step", 909), "lane_step: 909 instructions (budget 900, +1.0 %)");
        assert_eq!(table.line("retry", 1_000), "retry: 1,000 instructions (no budget)");
    }
}
