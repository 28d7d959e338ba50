//! Whether a JSON Schema is a tree of bounded size.
//!
//! JSON Schema can say things that take for ever: a `$ref` that leads back to itself; two `$ref` to one place, whose two lead to
//! one place, thirty times; an `unevaluatedProperties` within another, each of which looks again at all that is below it. So a
//! schema is unfolded here as a validator would, before one is made of it, and each part is counted as often as it would be held
//! against one place of the data.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::{Fault, escape};

/// The most parts that are held against one place. A schema of 32 KiB that somebody wrote has a few hundred.
const PARTS_MAX: usize = 1000;
/// How deep parts may stand within each other, `$ref` followed: a validator's stack grows with it.
const DEPTH_MAX: usize = 64;
/// The most patterns: each takes memory of its own.
const PATTERNS_MAX: usize = 32;
/// What is below an `unevaluated…` is looked at again to find out what it evaluated.
const UNEVALUATED_WEIGHT: usize = 8;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What a schema comes to.
#[derive(Debug, Default)]
pub(super) struct Tree<'s> {
    /// How many parts, each counted as often as it is reached.
    pub(super) parts: usize,
    /// Its patterns, each with a place where it stands.
    pub(super) patterns: BTreeMap<&'s str, String>,
}

/// Unfolds a schema.
///
/// # Errors
/// The first place that makes it too large, or no tree.
pub(super) fn measure(schema: &Value) -> Result<Tree<'_>, Fault> {
    let mut walk = Walk { root: schema, open: Vec::new(), tree: Tree::default() };
    walk.part(schema, At { place: String::new(), depth: 0, weight: 1 })?;
    Ok(walk.tree)
}

/// What a keyword holds.
enum Holds {
    /// One schema.
    Schema,
    /// A list of schemas.
    List,
    /// Schemas by name.
    ByName,
    /// Something else, that needs no look.
    Other,
}

fn holds(keyword: &str) -> Holds {
    match keyword {
        "additionalItems"
        | "additionalProperties"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "items"
        | "not"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Holds::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::List,
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => Holds::ByName,
        _ => Holds::Other,
    }
}

/// Where the walk is.
struct At {
    place: String,
    depth: usize,
    /// How often this place is reached.
    weight: usize,
}

impl At {
    fn below(&self, step: &str) -> Self {
        Self { place: format!("{}/{}", self.place, escape(step)), ..*self }
    }

    fn refuse<T>(&self, detail: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { within: self.place.clone(), ..Fault::invalid(detail) })
    }
}

struct Walk<'s> {
    root: &'s Value,
    /// The `$ref` that are being followed.
    open: Vec<&'s str>,
    tree: Tree<'s>,
}

impl<'s> Walk<'s> {
    fn part(&mut self, part: &'s Value, at: At) -> Result<(), Fault> {
        self.tree.parts = self.tree.parts.saturating_add(at.weight);
        if self.tree.parts > PARTS_MAX {
            return at.refuse(format!(
                "the schema is too large from here on: with each `$ref` unfolded, and each part below an `unevaluated…` counted \
                 {UNEVALUATED_WEIGHT} times, it may have {PARTS_MAX} parts"
            ));
        }
        if at.depth > DEPTH_MAX {
            return at.refuse(format!("parts stand at most {DEPTH_MAX} deep in each other, `$ref` followed"));
        }
        let members = match part {
            Value::Object(members) => members,
            Value::Bool(_) => return Ok(()),
            _ => return at.refuse("a schema is an object, true or false"),
        };
        let looks_again = members.keys().any(|name| name.starts_with("unevaluated"));
        let weight = at.weight.saturating_mul(if looks_again { UNEVALUATED_WEIGHT } else { 1 });
        let at = At { weight, ..at };
        members.iter().try_for_each(|(name, value)| self.keyword(name, value, &at))
    }

    fn keyword(&mut self, name: &'s str, value: &'s Value, at: &At) -> Result<(), Fault> {
        let here = at.below(name);
        let is_root = at.place.is_empty() && self.open.is_empty();
        match (name, value) {
            ("$ref", value) => return self.follow(value, here),
            ("$schema", Value::String(dialect)) if is_root && dialect.trim_end_matches('#') == DIALECT => {}
            ("$schema", _) => return here.refuse(format!("write {DIALECT}, at the root, or leave it out")),
            ("$id", Value::String(_)) if is_root => {}
            (
                "$id" | "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$recursiveAnchor" | "$recursiveRef",
                _,
            ) => {
                return here.refuse(
                    "leave this out: places are named by `$ref` with a JSON Pointer, as `#/$defs/name`",
                );
            }
            ("pattern", Value::String(pattern)) => self.pattern(pattern, &here)?,
            _ => {}
        }
        let deeper = |here: At| At { depth: here.depth + 1, ..here };
        match (holds(name), value) {
            (Holds::Schema, schema) => self.part(schema, deeper(here)),
            (Holds::List, Value::Array(list)) => {
                let mut each = list.iter().enumerate();
                each.try_for_each(|(place, part)| self.part(part, deeper(here.below(&place.to_string()))))
            }
            (Holds::ByName, Value::Object(named)) => named.iter().try_for_each(|(member, part)| {
                let there = here.below(member);
                match name {
                    "patternProperties" => self.pattern(member, &there)?,
                    "dependencies" if part.is_array() => return Ok(()),
                    _ => {}
                }
                self.part(part, deeper(there))
            }),
            // Nothing to look at, or nothing that a schema has there, which its own schema says.
            _ => Ok(()),
        }
    }

    fn follow(&mut self, reference: &'s Value, here: At) -> Result<(), Fault> {
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        let Some(pointer) = pointer.filter(|pointer| pointer.starts_with('/') && !pointer.contains('%'))
        else {
            return here.refuse(
                "a `$ref` leads to a place below the root of this very schema, as `#/$defs/name`; nothing is fetched",
            );
        };
        let Some(target) = self.root.pointer(pointer) else {
            return here.refuse("this leads to no place in the schema");
        };
        if self.open.contains(&pointer) {
            return here.refuse("this leads back to where it comes from: the schema must be a tree");
        }
        self.open.push(pointer);
        let followed = self.part(target, At { place: pointer.to_owned(), depth: here.depth + 1, ..here });
        self.open.pop();
        followed
    }

    fn pattern(&mut self, pattern: &'s str, here: &At) -> Result<(), Fault> {
        self.tree.patterns.entry(pattern).or_insert_with(|| here.place.clone());
        if self.tree.patterns.len() > PATTERNS_MAX {
            return here.refuse(format!("at most {PATTERNS_MAX} patterns are taken"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
