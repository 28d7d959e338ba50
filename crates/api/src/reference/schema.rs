//! Parameters, bodies and shapes.

use maud::{Markup, html};
use serde_json::Value;

use super::page::{prose, rows, text};

/// The parameters of an operation; nothing where there are none.
pub(super) fn parameters(parameters: &Value) -> Markup {
    html! {
        @if !rows(parameters).is_empty() {
            h4 { "Parameters" }
            table {
                tbody {
                    @for parameter in rows(parameters) {
                        tr {
                            th scope="row" { code { (text(&parameter["name"])) } " " small { (text(&parameter["in"])) } }
                            td { (meaning(&parameter["schema"], parameter)) }
                        }
                    }
                }
            }
        }
    }
}

/// What it is, and what it means.
fn meaning(schema: &Value, described: &Value) -> Markup {
    html! {
        div.kind { (shape(schema)) }
        @if let Some(text) = described["description"].as_str() { (prose(text)) }
    }
}

/// What a value is, in a few words; shapes with a name are led to.
pub(super) fn shape(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return html! { a href={ "#shape-" (name) } { (name) } };
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            return joined(choices, " or ");
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return joined(parts, " and ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return html! {
            @for (place, value) in values.iter().enumerate() {
                @if place > 0 { " or " }
                code { (value) }
            }
        };
    }
    if let Some(value) = schema.get("const") {
        return html! { code { (value) } };
    }
    if let Some(rows) = schema.get("items") {
        return html! { "list of " (shape(rows)) (bounds(schema)) };
    }
    if schema["properties"].is_object() {
        return fields(schema);
    }
    html! { (kind(schema)) (bounds(schema)) }
}

fn joined(choices: &[Value], between: &str) -> Markup {
    html! {
        @for (place, choice) in choices.iter().enumerate() {
            @if place > 0 { (between) }
            (shape(choice))
        }
    }
}

fn kind(schema: &Value) -> String {
    let format = schema["format"].as_str();
    let of = |kind: &Value| match (text(kind), format) {
        ("string", Some(format)) => format.to_owned(),
        (kind, _) => kind.to_owned(),
    };
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(of).collect::<Vec<_>>().join(" or "),
        Value::Null => "any value".to_owned(),
        kind => of(kind),
    }
}

/// How large or how long it may be.
fn bounds(schema: &Value) -> Markup {
    let known = |key: &str| schema.get(key).filter(|bound| bound.is_number());
    let unit = if known("maxLength").is_some() { " characters" } else { "" };
    let of = |keys: &[&str]| keys.iter().find_map(|key| known(key));
    let (least, most) =
        (of(&["minimum", "minLength", "minItems"]), of(&["maximum", "maxLength", "maxItems"]));
    html! {
        @match (least, most) {
            (Some(least), Some(most)) => { ", " (least) " to " (most) (unit) },
            (None, Some(most)) => { ", at most " (most) (unit) },
            (Some(least), None) => { ", at least " (least) },
            (None, None) => {},
        }
        @if let Some(default) = schema.get("default").filter(|default| !default.is_null()) { ", by default " code { (default) } }
    }
}

/// The fields of an object; anything else in a few words.
pub(super) fn fields(schema: &Value) -> Markup {
    let Some(fields) = schema["properties"].as_object() else { return html! { p { (shape(schema)) } } };
    let required = |name: &str| rows(&schema["required"]).iter().any(|required| required == name);
    html! {
        table {
            tbody {
                @for (name, field) in fields {
                    tr {
                        th scope="row" { code { (name) } @if required(name) { span.required title="always there" { "*" } } }
                        td { (meaning(field, field)) }
                    }
                }
            }
        }
    }
}
