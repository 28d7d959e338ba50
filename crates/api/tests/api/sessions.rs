//! The settings page's links and sessions.

use cstar_store::Directory;
use cstar_types::TeamId;
use cstar_wire::Code;
use http::Method;
use serde_json::json;

use crate::world::{Answer, Ask, PLATFORM, World, pointers};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

fn links(team: TeamId) -> String {
    format!("/v1/teams/{team}/portal-links")
}

/// The secret of a new link.
async fn link(world: &World, team: TeamId, asked: serde_json::Value) -> String {
    let made = world.post(links(team), asked).header("host", "cstar.example.com").await.expect(201).value();
    let url = made["url"].as_str().unwrap();
    url.strip_prefix("https://cstar.example.com/portal#").expect(url).to_owned()
}

/// A request of the page to begin a session.
fn sign_in<'a>(world: &'a World, shown: &serde_json::Value) -> Ask<'a> {
    world.post("/v1/session", shown).without("authorization")
}

/// `name=value` of the cookie that an answer sets.
#[track_caller]
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").expect("a cookie is set");
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"), "{set}");
    let pair = set.split(';').next().unwrap();
    assert!(pair.starts_with("__Host-cstar_session=csk_"), "{set}");
    assert!(
        !answer.text().contains(pair.split('=').nth(1).unwrap()),
        "SEC-3: the text is in the cookie alone"
    );
    pair.to_owned()
}

async fn signed_in(world: &World, team: TeamId, asked: serde_json::Value) -> String {
    let link = link(world, team, asked).await;
    cookie(&sign_in(world, &json!({"link": link})).await.expect(201))
}

fn with_cookie<'a>(ask: Ask<'a>, cookie: &str) -> Ask<'a> {
    ask.without("authorization").header("cookie", cookie)
}

/// A link leads one person in, once; it is not told why it leads nobody in any more.
#[tokio::test]
async fn a_link_is_good_for_one_session() {
    let world = World::new();
    let team = world.team().await;
    let used = link(&world, team, json!({})).await;
    let first = sign_in(&world, &json!({"link": used})).header(SAME.0, SAME.1).await.expect(201);
    assert_eq!(first.value()["team_id"], json!(team));
    assert_eq!(first.value()["key"]["name"], "settings page");
    assert_eq!(first.value()["key"]["expires_at"], "2025-12-11T02:30:00.000Z", "twelve hours");
    let again = sign_in(&world, &json!({"link": used})).await;
    assert_eq!(again.header("set-cookie"), None);
    let refused = again.refused(Code::LinkInvalid);

    let expired = link(&world, team, json!({"ttl_seconds": 30})).await;
    world.wait_s(30);
    for gone in [expired.as_str(), "csl_never", "never", &expired[..expired.len() - 1]] {
        let problem = sign_in(&world, &json!({"link": gone})).await.refused(Code::LinkInvalid);
        assert_eq!(problem.detail, refused.detail);
    }
    let me = with_cookie(world.get("/v1/session"), &cookie(&first)).await.expect(200).value();
    assert_eq!(me, first.value());
}

/// Two who show one link at once: one gets in.
#[tokio::test]
async fn a_link_that_two_show_lets_one_in() {
    let world = World::new();
    let team = world.team().await;
    let shown = json!({"link": link(&world, team, json!({})).await});
    let (one, other) = tokio::join!(sign_in(&world, &shown).send(), sign_in(&world, &shown).send());
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401]);
}

/// SEC-2: a session may do what its link says, for its team.
#[tokio::test]
async fn a_session_is_cut_by_its_scopes_and_team() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let narrow = signed_in(&world, team, json!({"scopes": ["webhooks:read"]})).await;
    let ask =
        |method: Method, path: String| with_cookie(world.ask(method, path), &narrow).header(SAME.0, SAME.1);
    ask(Method::GET, format!("/v1/teams/{team}/webhooks")).await.expect(200);
    ask(Method::GET, format!("/v1/teams/{team}/deliveries")).await.refused(Code::MissingScope);
    ask(Method::GET, format!("/v1/teams/{team}/events")).await.refused(Code::MissingScope);
    ask(Method::POST, format!("/v1/teams/{team}/keys")).json("{}").await.refused(Code::MissingScope);
    ask(Method::GET, format!("/v1/teams/{other}/webhooks")).await.refused(Code::WrongTeam);
    ask(Method::GET, "/v1/teams".into()).await.refused(Code::MissingScope);

    let usual = signed_in(&world, team, json!({})).await;
    let ask = |path: &str| with_cookie(world.get(format!("/v1/teams/{team}/{path}")), &usual);
    for path in ["webhooks", "deliveries", "events"] {
        ask(path).await.expect(200);
    }
    ask("keys").await.refused(Code::MissingScope);
}

/// Whatever a page elsewhere has the browser send, the cookie changes nothing; with a key beside it, the key counts.
#[tokio::test]
async fn a_page_elsewhere_changes_nothing() {
    let world = World::with(|options| options.origins = "https://app.example.com".parse().unwrap());
    let team = world.team().await;
    let session = signed_in(&world, team, json!({})).await;
    let webhooks = format!("/v1/teams/{team}/webhooks");
    let body = json!({"url": "https://example.com/hook", "events": ["*"]});
    let post = || with_cookie(world.post(&*webhooks, &body), &session).header("host", "cstar.example.com");
    for elsewhere in [
        vec![],
        vec![("origin", "https://app.example.com")],
        vec![("origin", "null")],
        vec![("origin", "http://cstar.example.com")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")],
    ] {
        let ask = elsewhere.iter().fold(post(), |ask, (name, value)| ask.header(name, *value));
        let refused = ask.await;
        assert_eq!(refused.header("access-control-allow-credentials"), None);
        refused.refused(Code::CrossOrigin);
    }
    post().header(SAME.0, SAME.1).await.expect(201);
    post().header("origin", "https://cstar.example.com").await.expect(201);

    let key = world.key(team, &["webhooks:read"], &["*"]).await;
    let by_key = post().header(SAME.0, SAME.1).key(&key).await;
    by_key.refused(Code::MissingScope);
    with_cookie(world.delete("/v1/session"), &session).await.refused(Code::CrossOrigin);
    let read = with_cookie(world.get(&*webhooks), &session).header("origin", "https://app.example.com");
    assert_eq!(read.await.expect(200).header("access-control-allow-credentials"), None);
}

/// A page elsewhere signs nobody in, not even with a link of its own.
#[tokio::test]
async fn a_page_elsewhere_signs_nobody_in() {
    let world = World::new();
    let team = world.team().await;
    let shown = json!({"link": link(&world, team, json!({})).await});
    for (name, value) in [("origin", "https://evil.example.com"), ("sec-fetch-site", "cross-site")] {
        sign_in(&world, &shown).header(name, value).await.refused(Code::CrossOrigin);
    }
    sign_in(&world, &shown).await.expect(201);
}

/// Signing out revokes the key of the session, and no other.
#[tokio::test]
async fn signing_out_ends_the_session() {
    let world = World::new();
    let team = world.team().await;
    let session = signed_in(&world, team, json!({})).await;
    let out = with_cookie(world.delete("/v1/session"), &session).header(SAME.0, SAME.1).await.expect(204);
    assert!(out.header("set-cookie").unwrap().starts_with("__Host-cstar_session=; Path=/; Max-Age=0;"));
    with_cookie(world.get("/v1/session"), &session).await.refused(Code::KeyRevoked);
    let key = world.key(team, &["keys:write"], &["*"]).await;
    world.delete("/v1/session").key(&key).await.refused(Code::NotFound);
    world.get("/v1/session").key(&key).await.expect(200);
    world.get("/v1/session").await.refused(Code::NotFound);
}

/// SEC-2: a session that began with a key may do what that may, is listed, and dies with it.
#[tokio::test]
async fn a_session_of_a_key_stays_within_it() {
    let world = World::new();
    let team = world.team().await;
    let asked = json!({"name": "k", "scopes": ["events:read"], "types": ["ticket.*"], "expires_at": "2025-12-10T15:30:00Z"});
    let made = world.post(format!("/v1/teams/{team}/keys"), asked).await.expect(201).value();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let begun = sign_in(&world, &json!({"key": key})).await.expect(201);
    let session = cookie(&begun);
    let begun = begun.value();
    assert_eq!(begun["key"]["types"], json!(["ticket.*"]));
    assert_eq!(begun["key"]["scopes"], json!(["events:read"]));
    assert_eq!(begun["key"]["expires_at"], "2025-12-10T15:30:00.000Z", "with its key");
    let listed = world.get(format!("/v1/teams/{team}/keys")).await.expect(200).value();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed}");
    assert!(!listed.to_string().contains("csk_"), "SEC-3");

    let events = || with_cookie(world.get(format!("/v1/teams/{team}/events")), &session);
    events().await.expect(200);
    world.delete(format!("/v1/teams/{team}/keys/{id}")).await.expect(204);
    events().await.refused(Code::KeyRevoked);
    sign_in(&world, &json!({"key": key})).await.refused(Code::KeyRevoked);
    sign_in(&world, &json!({"key": "csk_wrong"})).await.refused(Code::Unauthenticated);
    sign_in(&world, &json!({"key": PLATFORM})).await.refused(Code::MissingScope);
    assert_eq!(world.store.keys(team, all()).await.unwrap().rows.len(), 2, "who is refused makes no key");
}

fn all() -> cstar_store::ListQuery<cstar_types::KeyId> {
    cstar_store::ListQuery { from: None, limit: 99 }
}

/// SEC-2: the key of a session begins no other session, which would outlive the key that both came from.
#[tokio::test]
async fn a_session_begins_no_other() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["events:read"], &["*"]).await;
    let session = cookie(&sign_in(&world, &json!({"key": key})).await.expect(201));
    let of_session = session.split_once('=').unwrap().1;
    let refused = sign_in(&world, &json!({"key": of_session})).await.refused(Code::Unauthenticated);
    assert!(refused.detail.contains("key of a session"), "{}", refused.detail);
    assert_eq!(world.store.keys(team, all()).await.unwrap().rows.len(), 2, "who is refused makes no key");
}

/// A session ends after twelve hours, whatever the browser keeps.
#[tokio::test]
async fn a_session_expires() {
    let world = World::new();
    let team = world.team().await;
    let session = signed_in(&world, team, json!({})).await;
    let me = || with_cookie(world.get("/v1/session"), &session);
    world.wait_s(12 * 3600 - 1);
    me().await.expect(200);
    world.wait_s(1);
    me().await.refused(Code::TokenExpired);
}

/// A link leads where the platform found the server, whether that is told in a header or, as over HTTP/2, in the target.
#[tokio::test]
async fn a_link_leads_where_the_platform_asked() {
    let world = World::new();
    let team = world.team().await;
    let in_target = format!("https://cstar.example.com:8443{}", links(team));
    let in_header = world.post(links(team), json!({})).header("host", "cstar.example.com:8443");
    for ask in [world.post(in_target, json!({})), in_header] {
        let made = ask.await.expect(201).value();
        let url = made["url"].as_str().unwrap();
        assert!(url.starts_with("https://cstar.example.com:8443/portal#csl_"), "{url}");
    }
    world.post(links(team), json!({})).await.refused(Code::MalformedHeader);
}

#[tokio::test]
async fn links_are_the_platforms_to_make() {
    let world = World::with(|options| {
        options.public_url = Some("https://shop.example.com/cstar/".parse().unwrap());
    });
    let team = world.team().await;
    let made = world.post(links(team), json!({"ttl_seconds": 86_400})).await.expect(201).value();
    assert!(
        made["url"].as_str().unwrap().starts_with("https://shop.example.com/cstar/portal#csl_"),
        "{made}"
    );
    assert_eq!(made["expires_at"], "2025-12-11T14:30:00.000Z");
    let key = world.key(team, &["keys:write", "webhooks:write"], &["*"]).await;
    world.post(links(team), json!({})).key(&key).await.refused(Code::MissingScope);
    let unknown = links("550e8400-e29b-41d4-a716-446655440009".parse().unwrap());
    world.post(unknown, json!({})).await.refused(Code::NotFound);
    for (field, value) in [
        ("ttl_seconds", json!(0)),
        ("ttl_seconds", json!(86_401)),
        ("scopes", json!([])),
        ("page", json!("x")),
    ] {
        let refused = world.post(links(team), json!({field: value})).await.refused(Code::InvalidField);
        assert_eq!(pointers(&refused), [format!("/{field}")]);
    }
    for body in [json!({}), json!({"link": "a", "key": "b"})] {
        let refused = sign_in(&world, &body).await.refused(Code::InvalidField);
        assert_eq!(pointers(&refused), ["/link"], "{body}");
    }
}

/// SEC-3: only a key stands in the cookie, and only a session's name is taken for one.
#[tokio::test]
async fn what_is_no_session_opens_nothing() {
    let world = World::new();
    for cookie in [
        "__Host-cstar_session=".to_owned(),
        format!("__Host-cstar_session={PLATFORM}"),
        "__Host-cstar_session=cst_e30.AAAA".to_owned(),
        format!("cstar_session={PLATFORM}"),
        "other=1".to_owned(),
    ] {
        with_cookie(world.get("/v1/teams"), &cookie).await.refused(Code::Unauthenticated);
    }
    let two = "__Host-cstar_session=csk_a; __Host-cstar_session=csk_b";
    with_cookie(world.get("/v1/teams"), two).await.refused(Code::MalformedHeader);
}
