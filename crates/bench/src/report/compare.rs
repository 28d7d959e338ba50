//! Two runs beside each other.

use std::fmt::Write;

use serde_json::Value;

/// Each figure of the later run that the earlier one has too, and by how much it moved.
pub(crate) fn compare(earlier: &Value, later: &Value) -> String {
    let mut told = format!("{:<18} {:<44} {:>14} {:>14} {:>8}\n", "row", "figure", "before", "now", "change");
    for (row, of_row) in later.as_object().into_iter().flatten() {
        for (name, now) in of_row["figures"].as_object().into_iter().flatten() {
            let before = &earlier[row.as_str()]["figures"][name.as_str()];
            if let (Some(before), Some(now)) = (before.as_f64(), now.as_f64()) {
                let change = change(before, now);
                let _ = writeln!(told, "{row:<18} {name:<44} {before:>14.2} {now:>14.2} {change:>8}");
            }
        }
    }
    told
}

fn change(before: f64, now: f64) -> String {
    if before == 0.0 { String::new() } else { format!("{:+.1} %", (now / before - 1.0) * 100.0) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_both_runs_have_is_compared() {
        let earlier = json!({ "single": { "figures": { "events_per_s": 100.0, "gone": 1.0 } } });
        let later = json!({
            "single": { "figures": { "events_per_s": 112.0, "new": 1.0 } },
            "replay": { "figures": { "events_per_s": 5.0 } },
        });
        let told = compare(&earlier, &later);
        let words: Vec<&str> = told.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["single", "events_per_s", "100.00", "112.00", "+12.0", "%"]);
        assert_eq!(told.lines().count(), 2, "{told}");
    }

    #[test]
    fn nothing_is_a_share_of_nothing() {
        assert_eq!((change(0.0, 3.0), change(4.0, 3.0)), (String::new(), "-25.0 %".to_owned()));
    }
}
