//! The API's description of itself, held against the router.

use http::Method;
use serde_json::Value;

use crate::world::World;

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const ROUTES: &str = include_str!("../../src/routes/mod.rs");

/// Each path that is described takes exactly the methods that are described, and there is no other path.
#[tokio::test]
async fn what_is_described_is_what_there_is() {
    let world = World::new();
    let team = world.team().await;
    let document: Value = world.get("/openapi.json").without("authorization").await.expect(200).value();
    let paths = document["paths"].as_object().unwrap();
    for (path, described) in paths {
        let asked = path.replace("{team}", &team.to_string()).replace("{code}", "not_found");
        let asked = asked.replace("{type}", "ticket.created").replace(['{', '}'], "");
        for method in METHODS {
            let status = world.ask(method.clone(), &*asked).await.status.as_u16();
            let is_described = described.get(method.as_str().to_lowercase()).is_some();
            assert_eq!(status != 405, is_described, "{method} {path}: {status}");
        }
    }
    assert_eq!(ROUTES.matches(".route(").count(), paths.len(), "a path that is not described");
}
