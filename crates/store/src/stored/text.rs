//! Lists as text, for the columns that a person may want to read.

use std::str::FromStr;

use cstar_types::{Scope, Scopes};

/// Reads what was written with commas between; the empty text is the empty list.
pub(crate) fn read_list<T: FromStr, L: FromIterator<T>>(text: &str) -> Option<L> {
    text.split(',').filter(|one| !one.is_empty()).map(|one| one.parse().ok()).collect()
}

/// A set of scopes as such a list.
pub(crate) fn scope_list(scopes: Scopes) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use cstar_types::{Pattern, Patterns};

    use super::*;

    #[test]
    fn lists_come_back() {
        for text in ["", "*", "ticket.*,*.created,boss.defeated"] {
            let patterns = read_list::<Pattern, Patterns>(text).unwrap();
            assert_eq!(patterns.to_string(), text);
        }
        assert_eq!(read_list::<Pattern, Patterns>("ticket"), None);
    }
}
