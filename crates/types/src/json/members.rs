//! The members of an object in canonical form, without a tree of what is in them.

use super::scan::plain_len;

/// The members of an object in canonical form, in its order: each key with its quotes, as it is written, and the text of its
/// value. A text in another form gives some of its members, or none.
pub fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = object.get(1..).unwrap_or_default(); // behind the brace
    std::iter::from_fn(move || {
        let (key, behind) = rest.split_at(string_len(rest));
        let value = behind.strip_prefix(b":").filter(|_| !key.is_empty())?;
        let (value, behind) = value.split_at(value_len(value));
        rest = behind.get(1..).unwrap_or_default(); // behind the comma, or the last brace
        Some((key, value))
    })
}

/// The length of the string with which a text begins, quotes included; 0 if it begins with none.
fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    while text.first() == Some(&b'"') {
        at += text.get(at..).map_or(0, plain_len);
        match text.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            _ => break,
        }
    }
    0
}

/// The length of the value with which a text begins: it ends before the comma or the bracket that follows it.
fn value_len(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'"' => string_len(&text[at..]).max(1),
            b',' | b'}' | b']' if depth == 0 => break,
            b'}' | b']' => {
                depth -= 1;
                1
            }
            b'{' | b'[' => {
                depth += 1;
                1
            }
            _ => 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::json::{Limits, canonicalize};

    fn parsed(object: &[u8]) -> Vec<(String, Value)> {
        let parse = |(key, value): (&[u8], &[u8])| {
            (serde_json::from_slice(key).unwrap(), serde_json::from_slice(value).unwrap())
        };
        members(object).map(parse).collect()
    }

    /// Any JSON, with much of what ends a string or a value early.
    fn value() -> impl Strategy<Value = Value> {
        let text = "[a-c\"\\\\{},:\\[\\]\n€]{0,12}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((text, inner), 0..4).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        /// They are what a parser finds, whatever is in them.
        #[test]
        fn they_are_what_a_parser_finds(values in prop::collection::vec(("[a-c\"\\\\,:}]{0,6}", value()), 0..6)) {
            let object: serde_json::Map<String, Value> = values.into_iter().collect();
            let mut text = Vec::new();
            canonicalize(Value::from(object.clone()).to_string().as_bytes(), &mut text, Limits::default()).unwrap();
            let found = parsed(&text);
            prop_assert_eq!(found.len(), object.len());
            prop_assert_eq!(found.into_iter().collect::<serde_json::Map<_, _>>(), object);
        }

        /// What is no object in canonical form ends early, and that is all.
        #[test]
        fn no_text_breaks_it(text in "[{}\\[\\]\",:a\\\\]{0,30}") {
            let given: usize = members(text.as_bytes()).map(|(key, value)| key.len() + value.len()).sum();
            prop_assert!(given <= text.len());
        }
    }
}
