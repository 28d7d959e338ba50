//! The report for programs.

use serde_json::{Map, Value, json};

use super::{Check, Report, Row, Target};

impl Report {
    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.rows.iter().map(|row| (row.name.to_owned(), of_row(row))).collect())
    }
}

fn of_row(row: &Row) -> Value {
    let figures: Map<String, Value> =
        row.figures.iter().map(|(name, figure)| ((*name).to_owned(), (*figure).into())).collect();
    let checks: Vec<Value> = row.checks.iter().map(of_check).collect();
    json!({ "figures": figures, "checks": checks, "notes": row.notes })
}

fn of_check(check: &Check) -> Value {
    let target = match check.target {
        Target::AtLeast(least) => json!({ "at_least": least }),
        Target::AtMost(most) => json!({ "at_most": most }),
    };
    let floor = check.floor.map(|(name, floor)| json!({ "name": name, "figure": floor }));
    json!({
        "what": check.what,
        "figure": check.figure,
        "floor": floor,
        "ratio": check.share(),
        "target": target,
        "met": check.is_met(),
    })
}
