//! The page shows what there is, and nothing that runs.

use serde_json::Value;

use super::*;

fn page() -> String {
    String::from_utf8(html().to_vec()).unwrap()
}

/// Every operation stands there with its example, and every link within the page leads somewhere.
#[test]
fn the_reference_shows_every_operation_with_its_example() {
    let page = page();
    let document: Value = serde_json::from_slice(&openapi::text()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let mut operations = 0;
    for operation in paths.flat_map(|path| path.as_object().unwrap().values()) {
        operations += 1;
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("<article id=\"{id}\">")), "{id}");
        assert!(operation["x-codeSamples"][0]["source"].as_str().unwrap().starts_with("curl "), "{id}");
    }
    assert_eq!(page.matches("<summary>Example</summary>").count(), operations);
    for (place, _) in page.match_indices("href=\"#") {
        let name = page[place + 7..].split('"').next().unwrap();
        assert!(name.is_empty() || page.contains(&format!("id=\"{name}\"")), "#{name}");
    }
}

/// Nothing comes from another host, nothing runs, and what an example holds is only text.
#[test]
fn the_reference_holds_nothing_that_runs() {
    let page = page();
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("@import"));
    let hosts = page.matches("href=\"http").count();
    assert_eq!(hosts, 0, "no link leaves this server");
    let hostile = serde_json::json!({"info": {"summary": "<script>alert(1)</script>"}});
    let page = super::page::page(&hostile, "").into_string();
    assert!(page.contains("&lt;script&gt;alert(1)"));
}
