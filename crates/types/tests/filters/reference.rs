//! `docs/filters.md` is right.

use super::{SCHEMA, parse, value};

/// DLV-1: each example of the reference is a filter, and says of the reference's event what the reference says.
#[test]
fn the_reference_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, behind) = text.split_once("```json\n").expect("an example of data");
    let (data, examples) = behind.split_once("```").expect("its end");
    let data = value(data);
    let rows =
        examples.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let mut said = Vec::new();
    for (filter, matches) in rows {
        assert!(SCHEMA.is_valid(&value(filter)), "its schema refuses {filter}");
        let filter = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
        assert_eq!(filter.matches(&data), matches == "yes", "{filter}");
        said.push(matches);
    }
    assert!(said.len() >= 19 && said.iter().all(|said| ["yes", "no"].contains(said)), "{said:?}");
}
