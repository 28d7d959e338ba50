//! Random filters and data, and a model that knows nothing of how filters are read.

use cstar_types::Filter;
use cstar_types::json::{Limits, canonicalize};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::{SCHEMA, value};

/// Whether a filter, as it was written, holds for data as it was written: by the words of the reference.
fn holds(filter: &Value, data: &Value) -> bool {
    let (key, wanted) = filter.as_object().unwrap().iter().find(|(key, _)| *key != "pointer").unwrap();
    let conditions = || wanted.as_array().unwrap().iter();
    match key.as_str() {
        "all" => return !conditions().any(|condition| !holds(condition, data)),
        "any" => return conditions().any(|condition| holds(condition, data)),
        "not" => return !holds(wanted, data),
        _ => {}
    }
    let found = at(data, filter["pointer"].as_str().unwrap());
    let is = |value: &Value| found.is_some_and(|found| compare(found, value) == Some(0));
    let sign = found.and_then(|found| compare(found, wanted));
    match key.as_str() {
        "exists" => found.is_some() == wanted.as_bool().unwrap(),
        "equals" => is(wanted),
        "one_of" => conditions().any(is),
        "greater_than" => sign == Some(1),
        "at_least" => matches!(sign, Some(0 | 1)),
        "less_than" => sign == Some(-1),
        "at_most" => matches!(sign, Some(0 | -1)),
        other => panic!("{other}"),
    }
}

fn at<'a>(data: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(data, |value, step| {
        let key = step.replace("~1", "/").replace("~0", "~");
        match value {
            Value::Object(members) => members.get(&key),
            Value::Array(elements) => {
                let index: usize = key.parse().ok()?;
                (index.to_string() == key).then(|| elements.get(index)).flatten()
            }
            _ => None,
        }
    })
}

/// -1, 0 or 1; `None` for what cannot be compared. `null` and booleans are equal to themselves, and otherwise like nothing.
fn compare(found: &Value, wanted: &Value) -> Option<i8> {
    match (found, wanted) {
        (Value::Number(a), Value::Number(b)) => {
            let [a, b]: [f64; 2] = [a, b].map(|number| number.to_string().parse().unwrap());
            Some(if a < b { -1 } else { i8::from(a > b) })
        }
        (Value::String(a), Value::String(b)) => {
            let [a, b] = [a, b].map(|text| text.chars().map(u32::from).collect::<Vec<_>>());
            Some(if a < b { -1 } else { i8::from(a > b) })
        }
        (Value::Null, Value::Null) => Some(0),
        (Value::Bool(a), Value::Bool(b)) if a == b => Some(0),
        _ => None,
    }
}

/// As JSON, so that numbers stay as they were written.
const SCALARS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "1.0",
    "1e0",
    "1.5",
    "-7",
    "0.1",
    "0.30000000000000004",
    "0.3",
    "9007199254740992",
    "9007199254740991",
    "18446744073709551616",
    "1e300",
    "5e-324",
    r#""""#,
    r#""1""#,
    r#""a""#,
    r#""b""#,
    r#""B""#,
    r#""ä""#,
    r#""\uffff""#,
    r#""😀""#,
    r#""2025-12-10T14:30:00Z""#,
];
/// Some more often than others, so that what is asked for is often there.
const KEYS: &[&str] = &["a", "a", "a", "b", "b", "0", "1", "x/y", "m~n", ""];
const POINTERS: &[&str] = &[
    "/a", "/a", "/a", "/a", "/b", "/b", "/a/a", "/a/b", "/a/0", "/a/1", "/b/0/a", "/0", "/1", "/x~1y",
    "/m~0n", "/", "/a/", "/a/-", "/a/01", "/b/a/1",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![3 => select(&["1", "1.0", "2", "\"a\"", "\"b\"", "null"][..]), 1 => select(SCALARS)]
        .prop_map(value)
}

fn data() -> impl Strategy<Value = Value> {
    let object = |inner: BoxedStrategy<Value>| {
        let member = prop_oneof![3 => scalar().boxed(), 1 => inner];
        let members = proptest::collection::vec((select(KEYS), member), 0..4);
        members.prop_map(|members| {
            members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
        })
    };
    let nested = scalar().prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            object(inner.boxed()),
        ]
    });
    object(nested.boxed())
}

fn filter() -> impl Strategy<Value = Value> {
    let comparable = scalar()
        .prop_filter("null and booleans have no order", |value| value.is_number() || value.is_string());
    let comparison = select(&["greater_than", "at_least", "less_than", "at_most"][..]);
    let test = prop_oneof![
        scalar().prop_map(|value| ("equals", value)),
        proptest::collection::vec(scalar(), 1..4).prop_map(|values| ("one_of", values.into())),
        (comparison, comparable),
        any::<bool>().prop_map(|wanted| ("exists", wanted.into())),
    ];
    let leaf =
        (select(POINTERS), test).prop_map(|(pointer, (key, value))| json!({"pointer": pointer, key: value}));
    leaf.prop_recursive(4, 16, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(|conditions| json!({"all": conditions})),
            several.prop_map(|conditions| json!({"any": conditions})),
            inner.prop_map(|condition| json!({"not": condition})),
        ]
    })
}

/// DLV-1: each test of each pair of values, whatever their kinds.
#[test]
fn each_test_says_what_the_model_says_of_each_pair() {
    for (found, wanted) in SCALARS.iter().flat_map(|found| SCALARS.iter().map(move |wanted| (found, wanted)))
    {
        let data = format!(r#"{{"a":{found}}}"#);
        let mut stored = Vec::new();
        canonicalize(data.as_bytes(), &mut stored, Limits::default()).unwrap();
        let (stored, data): (Value, Value) = (serde_json::from_slice(&stored).unwrap(), value(&data));
        for test in ["equals", "greater_than", "at_least", "less_than", "at_most"] {
            let text = format!(r#"{{"pointer":"/a","{test}":{wanted}}}"#);
            if let Ok(filter) = text.parse::<Filter>() {
                assert_eq!(filter.matches(&stored), holds(&value(&text), &data), "{text} of {found}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// DLV-1: a filter says what the model says, of data in the form that events are stored in; it has one form, and its
    /// schema takes it.
    #[test]
    fn filters_say_what_the_model_says(written in filter(), data in data()) {
        let filter = written.to_string().parse::<Filter>();
        let filter = filter.map_err(|error| TestCaseError::fail(format!("{written}: {error}")))?;
        let mut stored = Vec::new();
        canonicalize(data.to_string().as_bytes(), &mut stored, Limits::default()).unwrap();
        let stored: Value = serde_json::from_slice(&stored).unwrap();
        prop_assert_eq!(filter.matches(&stored), holds(&written, &data), "{} on {}", written, data);
        prop_assert_eq!(filter.as_str().parse::<Filter>(), Ok(filter.clone()));
        prop_assert_eq!(&serde_json::from_value::<Filter>(serde_json::to_value(&filter).unwrap()).unwrap(), &filter);
        prop_assert!(SCHEMA.is_valid(&written), "its schema refuses {}", written);
    }

    /// Whatever is sent: a filter or a refusal that names a place in it, and the schema takes no more than the parser but for
    /// the bounds.
    #[test]
    fn anything_is_a_filter_or_refused(one in filter(), other in data(), place in 0usize..6) {
        let mut sent = one;
        let key = ["all", "pointer", "equals", "one_of", "exists", "x"][place];
        if let Some(object) = sent.as_object_mut() {
            object.insert(key.to_owned(), other);
        }
        match sent.to_string().parse::<Filter>() {
            Ok(_) => prop_assert!(SCHEMA.is_valid(&sent), "{}", sent),
            Err(error) => {
                for fault in error.faults() {
                    // A key that is refused has a place too.
                    prop_assert!(sent.pointer(&fault.pointer).is_some(), "{} in {}", fault.pointer, sent);
                }
            }
        }
    }
}
