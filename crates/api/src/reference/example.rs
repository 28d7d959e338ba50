//! The example of an operation: what was asked, and what was answered.

use maud::{Markup, html};
use serde_json::Value;

use super::page::{Operation, text};

pub(super) fn example(operation: &Operation<'_>) -> Markup {
    let Some(sample) = operation.described["x-codeSamples"].get(0) else { return html! {} };
    let answered = operation.described["responses"].as_object().into_iter().flatten().find_map(answer);
    html! {
        details {
            summary { "Example" }
            pre { (text(&sample["source"])) }
            @if let Some((status, body)) = answered {
                p { "It was answered " b { (status) } @if body.is_some() { ":" } @else { "." } }
                @if let Some(body) = body { pre { (body) } }
            }
        }
    }
}

/// The answer that has an example, or the one without a body.
fn answer<'a>((status, response): (&'a String, &'a Value)) -> Option<(&'a String, Option<String>)> {
    let Some(contents) = response["content"].as_object() else {
        return status.starts_with('2').then_some((status, None));
    };
    let example = contents.values().find_map(|content| content.get("example"))?;
    let body = match example {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).expect("JSON can be written"),
    };
    Some((status, Some(body)))
}
