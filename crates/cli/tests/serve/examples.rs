//! The examples of the reference: each operation of the API is called on the running server, and what was asked and answered
//! is committed as `docs/examples.json`, from which the OpenAPI description and the reference page take it.

mod album;
mod walk;

use std::collections::BTreeSet;
use std::path::Path;

use cstar_testkit::Receiver;
use serde_json::{Value, json};

use crate::cstar;
use album::Album;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples.json");

/// Each operation that is described has an example, and the server still answers it so: with the same status and headers, and a
/// body of the same form. With `CSTAR_WRITE_EXAMPLES=1` the examples are written anew.
#[tokio::test]
async fn every_operation_has_an_example_that_holds() {
    let (mut cstar, receiver) = (cstar(), Receiver::ok().await);
    cstar.start().await;
    let mut album = Album::new(cstar.http(), receiver.address());
    walk::everything(&mut album, &receiver).await;
    let taken = album.finish();

    if std::env::var_os("CSTAR_WRITE_EXAMPLES").is_some() {
        let text = serde_json::to_string_pretty(&taken).unwrap();
        std::fs::write(COMMITTED, text + "\n").unwrap();
    }
    let committed: Value = serde_json::from_slice(&std::fs::read(Path::new(COMMITTED)).unwrap()).unwrap();
    let described: Value = cstar.http().get("/openapi.json").await.expect(200).read();
    let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&taken), operation_ids(&described), "each operation, and nothing else");
    assert_eq!(
        form(&committed),
        form(&taken),
        "run this test with CSTAR_WRITE_EXAMPLES=1 and commit docs/examples.json"
    );
}

fn operation_ids(described: &Value) -> BTreeSet<String> {
    let paths = described["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    operations.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect()
}

/// What of a value stays the same from one run to the next: which keys there are, and of which kind each value is. Of a list
/// it is the first row.
fn form(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => json!("a boolean"),
        Value::Number(_) => json!("a number"),
        Value::String(_) => json!("a string"),
        Value::Array(rows) => rows.first().map(form).into_iter().collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                let form = match key.as_str() {
                    // What was begun just now may have ended, or not yet.
                    "status" if value == "running" => json!("done"),
                    "status" => value.clone(),
                    "ended_at" => json!("a time or null"),
                    _ => form(value),
                };
                (key.clone(), form)
            })
            .collect(),
    }
}
