//! The report for people.

use std::fmt::Write;

use super::{Check, Report, Row, Target};

impl Row {
    /// All of a row, as it is told once it is measured.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("{}\n", self.name);
        for (name, figure) in &self.figures {
            let _ = writeln!(told, "  {name:<44} {:>14}", number(*figure));
        }
        for note in &self.notes {
            let _ = writeln!(told, "  ({note})");
        }
        told
    }
}

impl Report {
    /// What was aimed at and what came of it, at the end.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "{:<18} {:<44} {:>12} {:>20} {:>7} {:>12}  \n",
            "row", "what", "figure", "floor", "ratio", "target"
        );
        for row in &self.rows {
            row.checks.iter().for_each(|check| line(&mut table, row.name, check));
        }
        table
    }
}

fn line(table: &mut String, row: &str, check: &Check) {
    let floor = check.floor.map(|(name, floor)| format!("{name} {}", number(floor))).unwrap_or_default();
    let share = check.share().map(|share| format!("{share:.2}")).unwrap_or_default();
    let target = match check.target {
        Target::AtLeast(least) => format!("≥ {}", number(least)),
        Target::AtMost(most) => format!("≤ {}", number(most)),
    };
    let verdict = if check.is_met() { "met" } else { "NOT met" };
    let (what, figure) = (check.what, number(check.figure));
    let _ =
        writeln!(table, "{row:<18} {what:<44} {figure:>12} {floor:>20} {share:>7} {target:>12}  {verdict}");
}

/// With as many digits as say something.
fn number(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_figure_floor_ratio_target_and_verdict() {
        let mut row = Row::new("single");
        row.check(Check::ratio("events/s", 16_543.21, ("post", 60_000.0), Target::AtLeast(0.3)));
        let table = Report { rows: vec![row] }.table();
        let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            words,
            ["single", "events/s", "16543", "post", "60000", "0.28", "≥", "0.30", "NOT", "met"]
        );
    }
}
