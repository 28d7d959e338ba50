//! Pages of other origins, and names that point here without being ours.

use cstar_wire::Code;
use http::Method;

use crate::world::World;

fn with_origins(origins: &str) -> World {
    World::with(|options| options.origins = origins.parse().unwrap())
}

#[tokio::test]
async fn an_allowed_origin_may_ask_and_read_refusals_too() {
    let world = with_origins("https://app.example.com");
    let team = world.team().await;
    let stream = format!("/v1/teams/{team}/realtime");
    let preflight = world
        .ask(Method::OPTIONS, &*stream)
        .without("authorization")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,last-event-id")
        .await
        .expect(200);
    assert!(preflight.header("x-request-id").is_some());
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://app.example.com"));
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    for name in ["authorization", "last-event-id", "idempotency-key", "content-type"] {
        assert!(allowed.contains(name), "{allowed}");
    }
    let refused = world.get(&*stream).key("csk_wrong").header("origin", "https://app.example.com").await;
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://app.example.com"));
    let exposed = refused.header("access-control-expose-headers").unwrap().to_owned();
    for name in ["retry-after", "ratelimit", "ratelimit-policy", "x-request-id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    refused.refused(Code::Unauthenticated);
}

#[tokio::test]
async fn any_other_origin_is_told_nothing() {
    for world in [with_origins("https://app.example.com"), World::new()] {
        let answer = world.get("/v1/teams").header("origin", "https://other.example.com").await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused() {
    let world = World::with(|options| options.hosts = Some(vec!["cstar.example.com".into()]));
    let ask = |host: &str| world.get("/v1/teams").header("host", host);
    for own in [
        "127.0.0.1:7070",
        "localhost:7070",
        "shop.localhost",
        "[::1]:7070",
        "10.1.2.3",
        "CStar.example.com:443",
    ] {
        ask(own).await.expect(200);
    }
    for other in ["evil.example.com:7070", "localhost.example.com", "127.0.0.1.example.com", ""] {
        ask(other).await.refused(Code::WrongHost);
    }
    World::new().get("/v1/teams").header("host", "any.example.com").await.expect(200);
}
