//! Random values: the one pass writes what a tree would print.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use super::canonical;

/// The canonical form as a tree walk prints it: another way to the same bytes.
fn printed(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().expect("a double");
            ryu_js::Buffer::new().format(double).to_owned()
        }
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(printed).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let member =
                |(key, value): (&String, &Value)| format!("{}:{}", Value::from(key.as_str()), printed(value));
            let (indexes, names): (Vec<_>, Vec<_>) =
                members.iter().partition(|(key, _)| index(key).is_some());
            let indexes: BTreeMap<_, _> = indexes.into_iter().map(|pair| (index(pair.0), pair)).collect();
            let members: Vec<_> = indexes.into_values().chain(names).map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => value.to_string(),
    }
}

fn index(key: &str) -> Option<u32> {
    key.parse().ok().filter(|index: &u32| *index < u32::MAX && index.to_string() == key)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_992i64..=9_007_199_254_740_992).prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x20\"\\\\/\u{7f}\u{2028}é😀]{0,12}".prop_map(Value::from),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}",
        (0u32..12).prop_map(|index| index.to_string()),
        (u32::MAX - 2..=u32::MAX).prop_map(|index| index.to_string()),
        any::<String>().prop_filter("refused", |key| !["__proto__", "constructor"].contains(&key.as_str())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 96, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..24)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    /// T1: the form does not depend on white space, and is what a tree walk prints.
    #[test]
    fn it_writes_what_a_tree_prints(value in value()) {
        let want = printed(&value);
        let pretty = serde_json::to_string_pretty(&value).expect("a value prints");
        prop_assert_eq!(canonical(value.to_string()), Ok(want.clone()));
        prop_assert_eq!(canonical(pretty), Ok(want));
    }

    /// Whatever the bytes are, the answer is a form or a refusal that points into them.
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(fault) = canonical(&bytes) {
            prop_assert!(fault.offset() <= bytes.len());
        }
    }

    /// What is cut off a value is a refusal, wherever it is cut.
    #[test]
    fn a_part_of_a_value_is_refused(value in value(), part in 0.0..1.0f64) {
        let text = format!("[{value}]");
        let cut = (text.len() as f64 * part) as usize;
        prop_assert!(canonical(&text.as_bytes()[..cut]).is_err());
    }
}
