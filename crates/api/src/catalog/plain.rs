//! Schemas that say little, held against data without a tree of it.
//!
//! Nearly every event fits its schema, and most schemas say which members an object has and of what kind each is. A [`Plain`]
//! is such a schema. It says of most data that it fits, after one look over its text; of the rest it says nothing, neither that
//! it fits nor what is wrong: that is the validator's.

use cstar_types::json::{Limits, canonicalize, members};
use serde_json::Value;

/// More members than most have; the members of an event are looked for among them one by one.
const MEMBERS_MAX: usize = 32;

/// The pattern of a UUID, as the catalog writes it: the one that needs no machine to match it.
const UUID_PATTERN: &str = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
const UUID_SHAPE: &[u8] = b"00000000-0000-0000-0000-000000000000";

/// A schema of an object's members.
pub(super) struct Plain {
    members: Vec<Member>,
    /// How many of them are required.
    required: usize,
}

struct Member {
    /// In canonical form, with its quotes.
    key: Vec<u8>,
    required: bool,
    takes: Takes,
}

/// What a member may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Anything,
    Text,
    FilledText,
    Uuid,
    Number,
    Boolean,
    Object,
    Array,
}

impl Plain {
    /// The schema, or `None` if it says more than what is known here.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let (mut plain, mut required) = (Self { members: Vec::new(), required: 0 }, &Vec::new());
        for (keyword, value) in schema.as_object()? {
            match (&**keyword, value) {
                ("properties", Value::Object(properties)) => {
                    for (name, part) in properties {
                        plain.member(name)?.takes = Takes::of(part)?;
                    }
                }
                ("required", Value::Array(names)) => required = names,
                ("type", Value::String(kind)) if kind == "object" => {}
                ("$schema", _) => {}
                _ if is_remark(keyword) => {}
                _ => return None,
            }
        }
        for name in required {
            plain.member(name.as_str()?)?.required = true;
        }
        plain.required = plain.members.iter().filter(|member| member.required).count();
        Some(plain)
    }

    /// The member of this name, which takes anything if it is new.
    fn member(&mut self, name: &str) -> Option<&mut Member> {
        let mut key = Vec::new();
        canonicalize(Value::from(name).to_string().as_bytes(), &mut key, Limits::default()).ok()?;
        let known = self.members.iter().position(|member| member.key == key);
        let place = known.unwrap_or(self.members.len());
        if place == MEMBERS_MAX {
            return None;
        }
        if known.is_none() {
            self.members.push(Member { key, required: false, takes: Takes::Anything });
        }
        self.members.get_mut(place)
    }

    /// Whether it is plain that `data`, an object in canonical form, fits.
    pub(super) fn fits(&self, data: &[u8]) -> bool {
        let mut missing = self.required;
        for (key, value) in members(data) {
            if let Some(member) = self.members.iter().find(|member| member.key == key) {
                if !member.takes.fits(value) {
                    return false;
                }
                missing -= usize::from(member.required); // a key stands once in canonical form
            }
        }
        missing == 0
    }
}

impl Takes {
    fn of(part: &Value) -> Option<Self> {
        let mut takes = Self::Anything;
        let (mut filled, mut uuid) = (false, false);
        for (keyword, value) in part.as_object()? {
            match (&**keyword, value) {
                ("type", Value::String(kind)) => takes = Self::kind(kind)?,
                ("minLength", value) if value.as_u64() == Some(1) => filled = true,
                ("pattern", Value::String(pattern)) if pattern == UUID_PATTERN => uuid = true,
                // Says nothing by itself, and nothing more than the pattern does.
                ("format", Value::String(format)) if format == "uuid" && part.get("pattern").is_some() => {}
                _ if is_remark(keyword) => {}
                _ => return None,
            }
        }
        match (takes, filled, uuid) {
            (takes, false, false) => Some(takes),
            (Self::Text, _, true) => Some(Self::Uuid),
            (Self::Text, true, false) => Some(Self::FilledText),
            _ => None, // of texts alone, whatever else the member may be
        }
    }

    fn kind(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::Text),
            "number" => Some(Self::Number),
            "boolean" => Some(Self::Boolean),
            "object" => Some(Self::Object),
            "array" => Some(Self::Array),
            _ => None,
        }
    }

    fn fits(self, value: &[u8]) -> bool {
        match (self, value) {
            (Self::Anything, _)
            | (Self::Text, [b'"', ..])
            | (Self::Number, [b'-' | b'0'..=b'9', ..])
            | (Self::Boolean, [b't' | b'f', ..])
            | (Self::Object, [b'{', ..])
            | (Self::Array, [b'[', ..]) => true,
            (Self::FilledText, [b'"', text @ .., b'"']) => !text.is_empty(),
            (Self::Uuid, [b'"', text @ .., b'"']) => is_uuid(text),
            _ => false,
        }
    }
}

/// Whether a keyword only tells something.
fn is_remark(keyword: &str) -> bool {
    matches!(keyword, "title" | "description" | "$comment" | "default" | "examples" | "deprecated")
}

fn is_uuid(text: &[u8]) -> bool {
    let fits = |(byte, like): (&u8, &u8)| if *like == b'0' { byte.is_ascii_hexdigit() } else { byte == like };
    text.len() == UUID_SHAPE.len() && text.iter().zip(UUID_SHAPE).all(fits)
}

#[cfg(test)]
mod tests {
    use cstar_types::catalog;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::schema::Schema;
    use super::*;

    /// Whether it is plain that data fits, and whether it does.
    fn held(schema: &Value, data: &Value) -> (bool, bool) {
        let mut text = Vec::new();
        canonicalize(data.to_string().as_bytes(), &mut text, Limits::default()).unwrap();
        let schema = Schema::compile(schema).unwrap_or_else(|fault| panic!("{schema}: {}", fault.detail));
        (schema.plainly_fits(&text), schema.faults(&text, "").is_empty())
    }

    /// W8–W29: events of the catalog are held against their schemas at little cost.
    #[test]
    fn the_schemas_of_the_catalog_are_plain() {
        for entry in catalog::Catalog::builtin() {
            let schema: Value = serde_json::from_str(&entry.schema).unwrap();
            let plain = Plain::of(&schema).unwrap_or_else(|| panic!("{:?}", entry.event_type));
            assert!(plain.fits(entry.example.as_bytes()) && !plain.fits(b"{}"), "{:?}", entry.event_type);
        }
    }

    #[test]
    fn what_says_more_is_not_plain() {
        for schema in [
            json!({"properties": {"a": {"type": "integer"}}}),
            json!({"properties": {"a": {"type": ["string", "null"]}}}),
            json!({"properties": {"a": {"minLength": 1}}}),
            json!({"properties": {"a": {"type": "string", "minLength": 2}}}),
            json!({"properties": {"a": {"type": "string", "pattern": "^a$"}}}),
            json!({"properties": {"a": {"type": "string", "format": "uuid"}}}),
            json!({"properties": {"a": false}}),
            json!({"additionalProperties": false}),
            json!({"minProperties": 1}),
            json!({"type": "array"}),
            json!({"allOf": [{"required": ["a"]}]}),
            json!({"required": (0..=MEMBERS_MAX).map(|n| n.to_string()).collect::<Vec<_>>()}),
        ] {
            assert!(Plain::of(&schema).is_none(), "{schema}");
        }
    }

    const KEYS: [&str; 4] = ["a", "b", "a\"\\\n", "é"];

    fn part() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!({})),
            Just(json!({"type": "string"})),
            Just(json!({"type": "string", "minLength": 1})),
            Just(json!({"type": "string", "pattern": UUID_PATTERN, "format": "uuid"})),
            Just(json!({"type": "number", "description": "a number"})),
            Just(json!({"type": "boolean"})),
            Just(json!({"type": "object"})),
            Just(json!({"type": "array"})),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let uuid = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-g]{11,13}";
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a\"\\\\]{0,3}".prop_map(Value::from),
            uuid.prop_map(Value::from),
            Just(json!({"a": {"b": "}"}})),
            Just(json!(["a", {}])),
        ]
    }

    fn named(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        prop::collection::vec((prop::sample::select(&KEYS[..]), values), 0..5)
            .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    proptest! {
        /// The validator has the last word, and of what is known here both say the same.
        #[test]
        fn it_says_what_the_validator_says(
            properties in named(part()),
            required in prop::sample::subsequence(&KEYS[..], 0..=KEYS.len()),
            data in named(value()),
        ) {
            let (plainly, fits) = held(&json!({"type": "object", "properties": properties, "required": required}), &data);
            prop_assert_eq!(plainly, fits);
        }
    }
}
