//! From JSON to conditions.

use serde_json::{Map, Number, Value};

use super::condition::{Comparison, Condition, Pointer, Test};
use super::error::{FilterError, FilterFault, FilterProblem};
use crate::limits::{FILTER_MAX_CONDITIONS, FILTER_MAX_DEPTH, FILTER_MAX_STEPS};

/// What each condition is, by the one of these keys that it has.
const KINDS: [&str; 4] = ["all", "any", "not", "pointer"];

/// Reads a whole filter, out of canonical JSON.
pub(super) fn condition(value: &Value) -> Result<Condition, FilterError> {
    let mut reading = Reading { faults: Vec::new(), conditions: 0, steps: 0 };
    let condition = reading.condition(value, "", 1);
    if reading.conditions > FILTER_MAX_CONDITIONS {
        reading.note("", FilterProblem::TooMany);
    }
    if reading.steps > FILTER_MAX_STEPS {
        reading.note("", FilterProblem::TooFar);
    }
    match condition {
        Some(condition) if reading.faults.is_empty() => Ok(condition),
        _ => Err(FilterError(reading.faults)),
    }
}

/// What was found so far. A reader that gives `None` has noted why.
struct Reading {
    faults: Vec<FilterFault>,
    conditions: usize,
    /// Of all pointers.
    steps: usize,
}

impl Reading {
    fn note(&mut self, pointer: &str, problem: FilterProblem) {
        self.faults.push(problem.at(pointer));
    }

    fn fault<T>(&mut self, pointer: &str, problem: FilterProblem) -> Option<T> {
        self.note(pointer, problem);
        None
    }

    fn condition(&mut self, value: &Value, pointer: &str, depth: usize) -> Option<Condition> {
        self.conditions += 1;
        if depth > FILTER_MAX_DEPTH {
            return self.fault(pointer, FilterProblem::TooDeep);
        }
        let Some(object) = value.as_object() else {
            return self.fault(pointer, FilterProblem::NotACondition);
        };
        let mut kinds = KINDS.into_iter().filter(|kind| object.contains_key(*kind));
        let kind = match (kinds.next(), kinds.next()) {
            (Some(kind), None) => kind,
            (None, _) => return self.fault(pointer, FilterProblem::NotACondition),
            _ => return self.fault(pointer, FilterProblem::TwoConditions),
        };
        if kind == "pointer" {
            return self.at(object, pointer);
        }
        for key in object.keys().filter(|key| *key != kind) {
            self.note(&step(pointer, key), FilterProblem::UnknownKey);
        }
        let within = step(pointer, kind);
        match kind {
            "all" => self.conditions(&object[kind], &within, depth).map(Condition::All),
            "any" => self.conditions(&object[kind], &within, depth).map(Condition::Any),
            _ => {
                let condition = self.condition(&object[kind], &within, depth + 1)?;
                Some(Condition::Not(Box::new(condition)))
            }
        }
    }

    fn conditions(&mut self, value: &Value, pointer: &str, depth: usize) -> Option<Vec<Condition>> {
        let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
            return self.fault(pointer, FilterProblem::NotConditions);
        };
        let read = list
            .iter()
            .enumerate()
            .map(|(place, value)| self.condition(value, &step(pointer, &place.to_string()), depth + 1));
        // Each is read, so that each fault is told.
        read.collect::<Vec<_>>().into_iter().collect()
    }

    fn at(&mut self, object: &Map<String, Value>, pointer: &str) -> Option<Condition> {
        let known_faults = self.faults.len();
        let target = object["pointer"].as_str().and_then(Pointer::parse);
        match &target {
            Some(target) => self.steps += target.steps(),
            None => self.note(&step(pointer, "pointer"), FilterProblem::NotAPointer),
        }
        let mut tests = Vec::new();
        for (key, value) in object.iter().filter(|(key, _)| *key != "pointer") {
            tests.extend(self.test(key, value, &step(pointer, key)));
        }
        let test = match (tests.len(), tests.pop()) {
            (1, test) => test,
            (0, _) if self.faults.len() > known_faults => None,
            (0, _) => self.fault(pointer, FilterProblem::NoTest),
            _ => self.fault(pointer, FilterProblem::TwoTests),
        };
        Some(Condition::At { pointer: target?, test: test? })
    }

    fn test(&mut self, key: &str, value: &Value, pointer: &str) -> Option<Test> {
        match key {
            "equals" if is_scalar(value) => Some(Test::Equals(kept(value))),
            "equals" => self.fault(pointer, FilterProblem::NotAScalar),
            "one_of" => self.values(value, pointer).map(Test::OneOf),
            "exists" => match value.as_bool() {
                Some(wanted) => Some(Test::Exists(wanted)),
                None => self.fault(pointer, FilterProblem::NotABoolean),
            },
            _ => match Comparison::ALL.into_iter().find(|(_, name)| *name == key) {
                None => self.fault(pointer, FilterProblem::UnknownKey),
                Some((comparison, _)) if value.is_number() || value.is_string() => {
                    Some(Test::Compares(comparison, kept(value)))
                }
                Some(_) => self.fault(pointer, FilterProblem::NotComparable),
            },
        }
    }

    fn values(&mut self, value: &Value, pointer: &str) -> Option<Vec<Value>> {
        let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
            return self.fault(pointer, FilterProblem::NoValues);
        };
        for (place, _) in list.iter().enumerate().filter(|(_, value)| !is_scalar(value)) {
            self.note(&step(pointer, &place.to_string()), FilterProblem::NotAScalar);
        }
        Some(list.iter().map(kept).collect())
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// A value in the form in which it is written again. Canonical JSON writes large integers with fewer digits than they have, as
/// JavaScript does; with an exponent they can be read again for what they are.
fn kept(value: &Value) -> Value {
    /// From here on not every integer is a double.
    const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;
    let large = value.as_f64().filter(|number| number.abs() > EXACT_INTEGERS);
    large.and_then(Number::from_f64).map_or_else(|| value.clone(), Value::Number)
}

fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
