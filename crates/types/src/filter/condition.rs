//! What a filter asks of an event's data.

use std::cmp::Ordering;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A condition, and the ones within it.
#[derive(Debug)]
pub(super) enum Condition {
    /// Each of them holds.
    All(Vec<Condition>),
    /// At least one of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// What stands at a JSON Pointer passes a test.
    At { pointer: Pointer, test: Test },
}

/// A JSON Pointer (RFC 6901), taken apart once: it is followed for each event, and allocates nothing there.
#[derive(Debug)]
pub(super) struct Pointer {
    /// As it is written.
    text: String,
    steps: Box<[Step]>,
}

#[derive(Debug)]
struct Step {
    key: Box<str>,
    /// What it is in a list, if it can be one's.
    index: Option<usize>,
}

/// What is asked of one value.
#[derive(Debug)]
pub(super) enum Test {
    /// Whether there is one; `null` is one.
    Exists(bool),
    Equals(Value),
    OneOf(Vec<Value>),
    Compares(Comparison, Value),
}

/// How a value stands to another of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    GreaterThan,
    AtLeast,
    LessThan,
    AtMost,
}

impl Condition {
    pub(super) fn holds(&self, data: &Value) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(data)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(data)),
            Self::Not(condition) => !condition.holds(data),
            Self::At { pointer, test } => test.passes(pointer.find(data)),
        }
    }
}

impl Pointer {
    /// `None` unless it is one to something within `data`: `data` itself is always an object.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut after_tildes = text.split('~').skip(1);
        let is_one = text.starts_with('/') && after_tildes.all(|rest| rest.starts_with(['0', '1']));
        let steps = || text.split('/').skip(1).map(Step::new).collect();
        is_one.then(|| Self { text: text.to_owned(), steps: steps() })
    }

    /// How many steps it is to what it points at.
    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    fn find<'a>(&self, data: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(data, |value, step| match value {
            Value::Object(object) => object.get(&*step.key),
            Value::Array(list) => list.get(step.index?),
            _ => None,
        })
    }
}

impl Step {
    fn new(escaped: &str) -> Self {
        let key = escaped.replace("~1", "/").replace("~0", "~");
        // An index has one form: digits alone, and no zero before others.
        let is_index =
            key.bytes().all(|byte| byte.is_ascii_digit()) && (key.len() == 1 || !key.starts_with('0'));
        let index = if is_index { key.parse().ok() } else { None };
        Self { key: key.into(), index }
    }
}

impl Test {
    fn passes(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Exists(wanted), found) => found.is_some() == *wanted,
            (_, None) => false,
            (Self::Equals(value), Some(found)) => is_equal(found, value),
            (Self::OneOf(values), Some(found)) => values.iter().any(|value| is_equal(found, value)),
            (Self::Compares(comparison, value), Some(found)) => {
                order(found, value).is_some_and(|order| comparison.admits(order))
            }
        }
    }
}

impl Comparison {
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::GreaterThan, "greater_than"),
        (Self::AtLeast, "at_least"),
        (Self::LessThan, "less_than"),
        (Self::AtMost, "at_most"),
    ];

    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::GreaterThan => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::LessThan => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Values of different kinds are never equal, nor are lists and objects equal to anything.
fn is_equal(found: &Value, value: &Value) -> bool {
    match (found, value) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(found), Value::Bool(value)) => found == value,
        _ => order(found, value) == Some(Ordering::Equal),
    }
}

/// Numbers by their value: each number of canonical JSON is a double, so none is rounded here. Strings by their characters'
/// code points, which puts times of one form in their order.
fn order(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::Number(found), Value::Number(value)) => found.as_f64()?.partial_cmp(&value.as_f64()?),
        (Value::String(found), Value::String(value)) => Some(found.cmp(value)),
        _ => None,
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::All(conditions) => map.serialize_entry("all", conditions)?,
            Self::Any(conditions) => map.serialize_entry("any", conditions)?,
            Self::Not(condition) => map.serialize_entry("not", condition)?,
            Self::At { pointer, test } => {
                map.serialize_entry("pointer", &pointer.text)?;
                match test {
                    Test::Exists(wanted) => map.serialize_entry("exists", wanted)?,
                    Test::Equals(value) => map.serialize_entry("equals", value)?,
                    Test::OneOf(values) => map.serialize_entry("one_of", values)?,
                    Test::Compares(comparison, value) => map.serialize_entry(comparison.name(), value)?,
                }
            }
        }
        map.end()
    }
}
