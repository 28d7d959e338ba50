//! The page as a whole.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::{example, schema};

/// The page of a description. `style` is ours and not escaped.
pub(super) fn page(document: &Value, style: &str) -> Markup {
    let operations = operations(document);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "cStar API" }
                style { (PreEscaped(style)) }
            }
            body {
                (navigation(document, &operations))
                main {
                    (introduction(document))
                    @for tag in tags(document) { (group(tag, &operations)) }
                    (shapes(document))
                }
            }
        }
    }
}

/// An operation, with its method and path.
pub(super) struct Operation<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) described: &'a Value,
}

impl Operation<'_> {
    pub(super) fn id(&self) -> &str {
        text(&self.described["operationId"])
    }

    fn is_of(&self, tag: &str) -> bool {
        self.described["tags"][0] == tag
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let each = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, described)| Operation { method, path, described })
    });
    each.collect()
}

fn tags(document: &Value) -> &[Value] {
    rows(&document["tags"])
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn navigation(document: &Value, operations: &[Operation<'_>]) -> Markup {
    html! {
        nav aria-label="Operations" {
            a.top href="#" { "cStar API" }
            @for tag in tags(document) {
                @let name = text(&tag["name"]);
                h2 { (name) }
                ul {
                    @for operation in operations.iter().filter(|operation| operation.is_of(name)) {
                        li { a href={ "#" (operation.id()) } { (method(operation.method)) " " (prose(text(&operation.described["summary"]))) } }
                    }
                }
            }
            h2 { a href="#shapes" { "Shapes" } }
        }
    }
}

fn introduction(document: &Value) -> Markup {
    html! {
        header {
            h1 { "cStar API " small { (text(&document["info"]["version"])) } }
            p { (text(&document["info"]["summary"])) "." }
            p {
                "JSON in, JSON out. Every call carries " code { "Authorization: Bearer <key>" } ". Every answer carries "
                code { "x-request-id" } "; a refusal is " code { "application/problem+json" } " with a stable " code { "code" }
                " that leads to a page on what to do. The same as a document for tools: "
                a href="/openapi.json" { "openapi.json" } "."
            }
            p { "The examples were made by calls to a running server." }
        }
    }
}

fn group(tag: &Value, operations: &[Operation<'_>]) -> Markup {
    let name = text(&tag["name"]);
    html! {
        section {
            h2 { (name) }
            p { (prose(text(&tag["description"]))) }
            @for operation in operations.iter().filter(|operation| operation.is_of(name)) { (one(operation)) }
        }
    }
}

fn one(operation: &Operation<'_>) -> Markup {
    let described = operation.described;
    html! {
        article id=(operation.id()) {
            h3 { a href={ "#" (operation.id()) } { (prose(text(&described["summary"]))) } }
            p.path { (method(operation.method)) " " code { (operation.path) } }
            @if let Some(needs) = described["description"].as_str() { p { (prose(needs)) } }
            (schema::parameters(&described["parameters"]))
            @if let Some(body) = described["requestBody"]["content"]["application/json"].get("schema") {
                h4 { "Body" }
                (schema::shape(body))
            }
            (answers(&described["responses"]))
            (example::example(operation))
        }
    }
}

fn answers(responses: &Value) -> Markup {
    html! {
        h4 { "Answers" }
        table {
            tbody {
                @for (status, response) in responses.as_object().into_iter().flatten() {
                    tr {
                        th scope="row" { (status) }
                        @if status.starts_with('2') {
                            td {
                                (prose(text(&response["description"])))
                                @for (kind, content) in response["content"].as_object().into_iter().flatten() {
                                    div.shape { code { (kind) } " " (schema::shape(&content["schema"])) }
                                }
                            }
                        } @else {
                            td { (codes(text(&response["description"]))) }
                        }
                    }
                }
            }
        }
    }
}

/// The codes of a refusal lead to their pages.
fn codes(list: &str) -> Markup {
    html! {
        @for (place, code) in list.split(", ").map(|code| code.trim_matches('`')).enumerate() {
            @if place > 0 { ", " }
            a href={ "/errors/" (code) } { code { (code) } }
        }
    }
}

fn shapes(document: &Value) -> Markup {
    html! {
        section id="shapes" {
            h2 { "Shapes" }
            @for (name, shape) in document["components"]["schemas"].as_object().into_iter().flatten() {
                article id={ "shape-" (name) } {
                    h3 { a href={ "#shape-" (name) } { (name) } }
                    @if let Some(meaning) = shape["description"].as_str() { p { (prose(meaning)) } }
                    (schema::fields(shape))
                }
            }
        }
    }
}

fn method(name: &str) -> Markup {
    html! { span.method.(name) { (name.to_uppercase()) } }
}

/// Text of the description, in which code stands between backquotes.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
