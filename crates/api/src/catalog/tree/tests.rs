//! Schemas that somebody means no good with, and those that somebody needs.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::schema::Schema;
use super::*;

/// Far longer than any bounded work takes, far shorter than what these schemas would take without bounds.
const SOON: Duration = Duration::from_secs(10);

fn refused(schema: &Value) -> Fault {
    let begun = Instant::now();
    let fault = Schema::compile(schema).err().unwrap_or_else(|| panic!("taken: {schema}"));
    assert!(begun.elapsed() < SOON, "{:?}: {schema}", begun.elapsed());
    fault
}

/// `width` references at each of `depth` levels to the level below: `width` to the power of `depth` parts.
fn fan(keyword: &str, width: usize, depth: usize) -> Value {
    let level = |level: usize| {
        let below = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        let part =
            if level == depth { json!({"type": "object"}) } else { json!({keyword: vec![below; width]}) };
        (format!("d{level}"), part)
    };
    json!({"$ref": "#/$defs/d0", "$defs": (0..=depth).map(level).collect::<serde_json::Map<_, _>>()})
}

/// `{…{…}…}`, each within the keyword of the one around it.
fn nested(depth: usize, around: impl Fn(Value) -> Value) -> Value {
    (0..depth).fold(json!({}), |inner, _| around(inner))
}

/// What would take for ever, fill the memory, or fetch something is refused, soon, and its place is named.
#[test]
fn hostile_schemas_are_refused() {
    let repeated = "((((a{99}){99}){99}){99}){99}";
    for (schema, place) in [
        (json!({"$ref": "#"}), "/$ref"),
        (json!({"$ref": "https://example.com/schema"}), "/$ref"),
        (json!({"$ref": "file:///etc/passwd"}), "/$ref"),
        (json!({"properties": {"a": {"$ref": "other.json#/a"}}}), "/properties/a/$ref"),
        (json!({"$ref": "#/$defs/none"}), "/$ref"),
        (json!({"$ref": "#/%24defs/a", "$defs": {"a": {}}}), "/$ref"),
        (json!({"$ref": 7}), "/$ref"),
        (json!({"$defs": {"a": {"$ref": "#/$defs/a"}}}), "/$defs/a/$ref"),
        (json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}), "/$defs/a/$ref"),
        (json!({"properties": {"a": {"items": {"$ref": "#/properties/a"}}}}), "/properties/a/items/$ref"),
        (json!({"$dynamicRef": "#node", "$dynamicAnchor": "node"}), "/$dynamicAnchor"),
        (json!({"$recursiveRef": "#"}), "/$recursiveRef"),
        (json!({"$anchor": "a"}), "/$anchor"),
        (json!({"items": {"$id": "https://example.com/inner"}}), "/items/$id"),
        (json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "/$schema"),
        (json!({"$schema": "https://example.com/own-dialect"}), "/$schema"),
        (json!({"items": {"$schema": DIALECT}}), "/items/$schema"),
        (json!({"pattern": "(?=a)b"}), "/pattern"),
        (json!({"pattern": r"(a)\1"}), "/pattern"),
        (json!({"pattern": "("}), "/pattern"),
        (json!({"pattern": repeated}), "/pattern"),
        (json!({"pattern": r"\p{L}{1000}{1000}"}), "/pattern"),
        (json!({"patternProperties": {repeated: {}}}), &*format!("/patternProperties/{repeated}")),
        (json!({"propertyNames": {"pattern": "(?!a)"}}), "/propertyNames/pattern"),
        (json!({"type": "nothing"}), "/type"),
        (json!({"minLength": -1}), "/minLength"),
        (json!({"required": "id"}), "/required"),
        (json!({"properties": {"a": 7}}), "/properties/a"),
        (json!({"allOf": {}}), "/allOf"),
    ] {
        assert_eq!(refused(&schema).within, place, "{schema}");
    }
}

/// Each is small to write and huge to unfold.
#[test]
fn what_unfolds_without_end_is_refused() {
    let unevaluated = |inner| json!({"anyOf": [inner, {}], "unevaluatedProperties": false});
    let patterns = (0..=PATTERNS_MAX).map(|n| (format!("a{n}"), json!({"pattern": format!("^{n}$")})));
    for schema in [
        fan("allOf", 2, 40),
        fan("anyOf", 2, 40),
        fan("oneOf", 10, 200),
        fan("prefixItems", 3, 30),
        fan("allOf", 1, DEPTH_MAX),
        nested(6, unevaluated),
        json!({"allOf": vec![json!({}); PARTS_MAX + 1]}),
        json!({"properties": patterns.collect::<serde_json::Map<_, _>>()}),
        nested(DEPTH_MAX + 1, |inner| json!({"items": inner})),
    ] {
        refused(&schema);
    }
}

/// What people write is taken, `$ref` to one place from several among it.
#[test]
fn ordinary_schemas_are_taken() {
    let address =
        json!({"type": "object", "properties": {"city": {"type": "string", "pattern": r"^[\p{L} -]+$"}}});
    let order = json!({
        "$schema": DIALECT,
        "$id": "https://example.com/order",
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"},
            "billing": {"$ref": "#/$defs/address"},
            "shipping": {"$ref": "#/$defs/address"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1},
            "$ref": {"type": "string"},
            "pattern": {"const": {"$ref": "elsewhere"}},
        },
        "patternProperties": {"^x-": true},
        "unevaluatedProperties": false,
        "$defs": {"address": address, "line": {"oneOf": [{"required": ["sku"]}, {"required": ["name"]}]}},
    });
    let known = Schema::compile(&order).map_err(|fault| fault.detail).unwrap();
    let id = "550e8400-e29b-41d4-a716-446655440000";
    let taken = json!({"id": id, "lines": [{"sku": "a"}], "billing": {"city": "Plzeň"}, "x-a": 1});
    assert!(known.faults(taken.to_string().as_bytes(), "").is_empty());
    for (data, place) in [
        (json!({"id": "x"}), "/id"),
        (json!({"id": id, "lines": [{"sku": "a", "name": "b"}]}), "/lines/0"),
        (json!({"id": id, "shipping": {"city": "1"}}), "/shipping/city"),
        (json!({"id": id, "more": 1}), ""),
    ] {
        let faults = known.faults(data.to_string().as_bytes(), "");
        assert_eq!(faults.iter().map(|fault| &*fault.pointer).collect::<Vec<_>>(), [place], "{data}");
    }
}

/// The worst schema that is taken, and the worst data: the time and the answer are bounded.
#[test]
fn the_worst_that_is_taken_ends_soon() {
    let all = |parts: Value| json!({"properties": {"a": {"items": {"allOf": vec![parts; 900]}}}});
    let unevaluated = nested(
        2,
        |inner| json!({"anyOf": [inner, {"required": ["no"]}], "unevaluatedProperties": false, "properties": {"b": {}}}),
    );
    let many = (0..8000).map(|n| (format!("k{n}"), json!(0))).collect::<serde_json::Map<_, _>>();
    for (schema, data) in [
        (
            all(json!({"type": "integer"})),
            json!({"a": vec![json!(1); 1000].into_iter().chain([json!("x")]).collect::<Vec<_>>()}),
        ),
        (all(json!(false)), json!({"a": vec![1; 30_000]})),
        (json!({"properties": {"a": {"uniqueItems": true}}}), json!({"a": vec![vec![json!({}); 2]; 10_000]})),
        (unevaluated, json!(many)),
        (json!({"properties": {"a": {"pattern": "(x?){200}y"}}}), json!({"a": "x".repeat(20_000)})),
    ] {
        let known = Schema::compile(&schema).map_err(|fault| fault.detail).unwrap();
        let (begun, data) = (Instant::now(), data.to_string());
        let faults = known.faults(data.as_bytes(), "/data");
        assert!(begun.elapsed() < SOON, "{:?}: {schema}", begun.elapsed());
        assert!(!faults.is_empty() && faults.len() <= 10, "{schema}");
    }
}
