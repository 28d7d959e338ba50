//! The document is fresh and sound.

use std::collections::BTreeSet;
use std::path::Path;

use http::Method;

use super::*;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

/// The committed document is the present one; with `CSTAR_WRITE_OPENAPI=1` it becomes so.
#[test]
fn the_committed_description_is_fresh() {
    if std::env::var_os("CSTAR_WRITE_OPENAPI").is_some() {
        std::fs::write(COMMITTED, text()).unwrap();
    }
    let committed = std::fs::read_to_string(Path::new(COMMITTED)).unwrap();
    assert!(
        committed.as_bytes() == text(),
        "docs/openapi.json is not what the code says: run `CSTAR_WRITE_OPENAPI=1 cargo test -p cstar-api description` and commit it"
    );
}

/// Each operation has a name of its own, and each schema that is referred to is there.
#[test]
fn references_lead_somewhere() {
    let document = document();
    let ids: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let text = document.to_string();
    for (place, _) in text.match_indices("\"#/components/schemas/") {
        let name = text[place + 1..].split('"').next().unwrap().rsplit('/').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
}

#[test]
fn readers_see_no_numbers_of_promises() {
    let text = "An event (W30, T9) of a team (T24), once (or so). See SEC-3 (SEC-3).\nMore.";
    assert_eq!(without_numbers(text), "An event of a team, once (or so). See SEC-3. More.");
}

/// Every schema is a sound one of JSON Schema 2020-12.
#[test]
fn schemas_are_sound() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let mut schema = schema.clone();
        schema["components"] = json!({"schemas": document["components"]["schemas"]});
        assert!(jsonschema::draft202012::new(&schema).is_ok(), "{name}: {schema}");
    }
}

/// The paths with their methods, as the router's test asks for them.
#[test]
fn each_path_begins_at_the_root() {
    for operation in operations::all() {
        assert!(operation.path.starts_with('/') && operation.method != Method::OPTIONS, "{operation:?}");
    }
}
