//! The examples of operations, which a test makes on the running server and commits as `docs/examples.json`.

use std::fmt::Write;
use std::sync::LazyLock;

use serde_json::{Value, json};

static EXAMPLES: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../docs/examples.json"))
        .expect("the committed examples are JSON")
});

/// Puts an operation's example where tools look for it: at its body, at its answer, and as a call of `curl`.
pub(super) fn add(id: &str, described: &mut Value) {
    let Some(example) = EXAMPLES.get(id) else { return };
    let (request, answer) = (&example["request"], &example["answer"]);
    if let Some(body) = request.get("body")
        && let Some(content) = described.pointer_mut("/requestBody/content/application~1json")
    {
        content["example"] = body.clone();
    }
    let status = answer["status"].to_string();
    let contents = described["responses"].get_mut(&status).and_then(|response| response.get_mut("content"));
    if let Some(body) = answer.get("body")
        && let Some(contents) = contents.and_then(Value::as_object_mut)
    {
        contents.values_mut().for_each(|content| content["example"] = body.clone());
    }
    described["x-codeSamples"] = json!([{"lang": "Shell", "label": "curl", "source": curl(request)}]);
}

/// The request, for a shell that has `$CSTAR_URL` and `$CSTAR_KEY`.
fn curl(request: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut call = "curl ".to_owned();
    match &*text(&request["method"]) {
        "GET" => {}
        method => _ = write!(call, "-X {method} "), // writing to a string does not fail
    }
    let _ = write!(call, "\"$CSTAR_URL{}\"", text(&request["path"]));
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let _ = write!(call, " \\\n  -H \"{name}: {}\"", text(value));
    }
    if let Some(body) = request.get("body") {
        let _ = write!(call, " \\\n  -d '{}'", body.to_string().replace('\'', r"'\''"));
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_can_be_pasted_into_a_shell() {
        let request = json!({
            "method": "POST", "path": "/v1/teams", "body": {"name": "it's ours"},
            "headers": {"authorization": "Bearer $CSTAR_KEY"},
        });
        let expected = "curl -X POST \"$CSTAR_URL/v1/teams\" \\\n  -H \"authorization: Bearer $CSTAR_KEY\" \\\n  \
             -d '{\"name\":\"it'\\''s ours\"}'";
        assert_eq!(curl(&request), expected);
    }
}
