//! Numbers of promises and invariants, and where prose and names cite them.

use std::collections::BTreeSet;
use std::fmt;

/// What stands before the number. The longer of two that begin alike comes first.
const FAMILIES: [&str; 7] = ["RT-", "LOG-", "DLV-", "SEC-", "W", "R", "T"];

/// `W38` or `LOG-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    family: &'static str,
    number: u16,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.family, self.number)
    }
}

/// Every number that the text cites, `W8–W28` and `W8-W28` as all between.
pub(super) fn in_prose(text: &str) -> BTreeSet<Id> {
    let starts = text.char_indices().map(|(at, _)| at);
    let standing_alone = starts.filter(|at| !text[..*at].ends_with(is_word));
    standing_alone.filter_map(|at| at_start(&text[at..])).flat_map(|(range, _)| range).collect()
}

/// The range that the text is, and nothing else.
pub(super) fn exactly(text: &str) -> Option<Vec<Id>> {
    at_start(text).filter(|(_, rest)| rest.is_empty()).map(|(range, _)| range)
}

/// What a function's name cites: `w38_is_lower_case`, `log_1_survives_a_kill`.
pub(super) fn in_identifier(name: &str) -> BTreeSet<Id> {
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper.split('_').collect();
    let single = words.iter().filter_map(|word| exactly(word)).flatten();
    let pairs = words.windows(2).filter_map(|pair| exactly(&format!("{}-{}", pair[0], pair[1])));
    single.chain(pairs.filter(|ids| ids.len() == 1).flatten()).collect()
}

/// A number or a range at the start of the text, and what follows it.
fn at_start(text: &str) -> Option<(Vec<Id>, &str)> {
    let (first, rest) = id(text)?;
    let to = rest.strip_prefix(['–', '-']).and_then(id).filter(|(last, _)| last.family == first.family);
    match to {
        Some((last, rest)) if last.number > first.number => {
            let between = (first.number..=last.number).map(|number| Id { family: first.family, number });
            Some((between.collect(), rest))
        }
        _ => Some((vec![first], rest)),
    }
}

fn id(text: &str) -> Option<(Id, &str)> {
    let family = FAMILIES.into_iter().find(|family| text.starts_with(family))?;
    let rest = &text[family.len()..];
    let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    let number = rest[..digits].parse().ok()?;
    let rest = &rest[digits..];
    (!rest.starts_with(is_word)).then_some((Id { family, number }, rest))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &BTreeSet<Id>, expected: &str) {
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn prose_cites_numbers_and_ranges() {
        check(&in_prose("W38, T2: exactly 64 characters"), "T2 W38");
        check(&in_prose("(W50–W52); R17-R18."), "R17 R18 W50 W51 W52");
        check(&in_prose("LOG-1/DLV-3 and RT-1–RT-2"), "DLV-3 LOG-1 RT-1 RT-2");
    }

    #[test]
    fn what_only_looks_like_a_number_is_none() {
        check(&in_prose("utf16 W W3C XW3 T_1 RT1 sha256 R2D2 LOG-x W99999999"), "");
        check(&in_prose("W5-R7 is no range, W9–W8 neither"), "R7 W5 W8 W9");
    }

    #[test]
    fn names_cite_too() {
        check(&in_identifier("w38_t2_is_lower_case_hex"), "T2 W38");
        check(&in_identifier("log_1_survives_a_kill"), "LOG-1");
        check(&in_identifier("waits_three_minutes_at_most"), "");
    }

    #[test]
    fn a_cell_is_a_number_or_a_range_and_nothing_else() {
        assert_eq!(exactly("W8–W28").unwrap().len(), 21);
        assert_eq!(exactly("SEC-1").unwrap().len(), 1);
        assert!(exactly("W8, W9").is_none());
        assert!(exactly("id").is_none());
    }
}
