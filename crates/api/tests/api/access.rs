//! Who gets in where: every kind of key at every path that is described (SEC-2).

use cstar_types::{DeliveryId, EventId, KeyId, OperationId, StreamId, TeamId, WebhookId};
use cstar_wire::Code;
use http::Method;
use serde_json::{Value, json};

use crate::world::{ALL_SCOPES, Answer, PLATFORM, World};

/// An operation of the description, and whom it says that it takes.
struct Operation {
    method: Method,
    path: String,
    /// Its path begins with a team.
    of_team: bool,
    is_stream: bool,
    needs: Needs,
}

#[derive(Clone, PartialEq)]
enum Needs {
    Nothing,
    AnyKey,
    Scope(String),
    Platform,
}

/// Whom a request comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Caller {
    Nobody,
    Stranger,
    Revoked,
    Expired,
    OfAnotherTeam,
    WithEveryScopeButTheOne,
    WithTheScopeAlone,
    RealtimeToken,
    Platform,
}

const CALLERS: [Caller; 9] = [
    Caller::Nobody,
    Caller::Stranger,
    Caller::Revoked,
    Caller::Expired,
    Caller::OfAnotherTeam,
    Caller::WithEveryScopeButTheOne,
    Caller::WithTheScopeAlone,
    Caller::RealtimeToken,
    Caller::Platform,
];

/// What the caller is told; `None` is that it gets in.
fn expected(caller: Caller, operation: &Operation) -> Option<Code> {
    match (caller, &operation.needs) {
        (_, Needs::Nothing) | (Caller::Platform, _) => None,
        (Caller::Nobody | Caller::Stranger, _) => Some(Code::Unauthenticated),
        (Caller::Revoked, _) => Some(Code::KeyRevoked),
        (Caller::Expired, _) => Some(Code::TokenExpired),
        (Caller::OfAnotherTeam, _) if operation.of_team => Some(Code::WrongTeam),
        (Caller::RealtimeToken, _) if operation.is_stream => None,
        (Caller::RealtimeToken, _) | (_, Needs::Platform) => Some(Code::MissingScope),
        (Caller::WithEveryScopeButTheOne, Needs::Scope(_)) => Some(Code::MissingScope),
        (_, Needs::Scope(_) | Needs::AnyKey) => None,
    }
}

fn operations(document: &Value, team: TeamId) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: filled(path, team),
                of_team: path.starts_with("/v1/teams/{team}"),
                is_stream: path.ends_with("/realtime"),
                needs: needs(described),
            });
        }
    }
    operations
}

/// The path with ids of the right form, that nothing has.
pub(crate) fn filled(path: &str, team: TeamId) -> String {
    let webhook = WebhookId::from_bits(1).to_string();
    let event = webhook.replace("wh_", EventId::PREFIX);
    let filled =
        path.replace("{team}", &team.to_string()).replace("{webhook}", &webhook).replace("{event}", &event);
    let filled = filled
        .replace("{delivery}", &DeliveryId::from_bits(1).to_string())
        .replace("{key}", &KeyId::from_bits(1).to_string())
        .replace("{operation}", &OperationId::from_bits(1).to_string())
        .replace("{stream}", &StreamId::from_bits(1).to_string());
    let filled = filled
        .replace("{notice}", &webhook)
        .replace("{type}", "ticket.created")
        .replace("{code}", "not_found");
    assert!(!filled.contains('{'), "say what stands for it in {filled}");
    filled
}

fn needs(described: &Value) -> Needs {
    let said = described["description"].as_str().unwrap_or_default();
    if described["security"] == json!([]) {
        Needs::Nothing
    } else if let Some((_, behind)) = said.split_once("Needs the scope `") {
        Needs::Scope(behind.split('`').next().unwrap().to_owned())
    } else if said.contains("Takes the platform key alone.") {
        Needs::Platform
    } else {
        Needs::AnyKey
    }
}

impl Caller {
    /// The key that it shows, made anew.
    async fn key(self, world: &World, team: TeamId, operation: &Operation) -> Option<String> {
        let scope = if let Needs::Scope(scope) = &operation.needs { scope } else { "events:read" };
        let others: Vec<&str> = ALL_SCOPES.into_iter().filter(|other| *other != scope).collect();
        Some(match self {
            Self::Nobody => return None,
            Self::Stranger => "csk_nobodys".to_owned(),
            Self::Revoked => made(world, team, json!({"scopes": ALL_SCOPES}), true).await,
            Self::Expired => {
                made(world, team, json!({"scopes": ALL_SCOPES, "expires_at": "2025-12-10T14:30:01Z"}), false)
                    .await
            }
            Self::OfAnotherTeam => world.key(world.team().await, &ALL_SCOPES, &["*"]).await,
            Self::WithEveryScopeButTheOne => world.key(team, &others, &["*"]).await,
            Self::WithTheScopeAlone => world.key(team, &[scope], &["*"]).await,
            Self::RealtimeToken => {
                let asked =
                    world.post(format!("/v1/teams/{team}/realtime/tokens"), json!({"ttl_seconds": 3600}));
                asked.await.expect(201).value()["token"].as_str().unwrap().to_owned()
            }
            Self::Platform => PLATFORM.to_owned(),
        })
    }
}

async fn made(world: &World, team: TeamId, mut asked: Value, revoked: bool) -> String {
    asked["name"] = "k".into();
    let keys = format!("/v1/teams/{team}/keys");
    let made = world.post(&*keys, asked).await.expect(201).value();
    if revoked {
        world.delete(format!("{keys}/{}", made["id"].as_str().unwrap())).await.expect(204);
    }
    made["key"].as_str().unwrap().to_owned()
}

async fn ask(world: &World, operation: &Operation, key: Option<&str>) -> Answer {
    // A stream goes on for ever, unless it is asked not to.
    let query = if operation.is_stream { "?until=head" } else { "" };
    let ask = world.ask(operation.method.clone(), format!("{}{query}", operation.path));
    let ask = match key {
        Some(key) => ask.key(key),
        None => ask.without("authorization"),
    };
    // A body that is right nowhere: whoever gets in is told so, and changes nothing.
    if operation.method == Method::GET { ask.await } else { ask.json("[]").await }
}

/// SEC-2, T24: every kind of key at every path gets what the description says, and no path is without a row.
#[tokio::test]
async fn sec_2_every_kind_of_key_at_every_path() {
    let mut rows = 0;
    for caller in CALLERS {
        // Requests that get in may change this world, as the deletion of its team does.
        let world = World::with(|options| {
            (options.requests_per_key, options.requests_per_team) = (0, 0);
        });
        let team = world.team().await;
        let document = world.get("/openapi.json").await.expect(200).value();
        for operation in operations(&document, team) {
            let deletes_team = operation.of_team
                && operation.method == Method::DELETE
                && !operation.path[10..].contains("/");
            if deletes_team && caller == Caller::Platform {
                continue;
            }
            let key = caller.key(&world, team, &operation).await;
            if caller == Caller::Expired {
                world.wait_s(2);
            }
            let answer = ask(&world, &operation, key.as_deref()).await;
            if caller == Caller::Expired {
                world.wait_s(-2);
            }
            rows += 1;
            let row = format!("{caller:?} at {} {}", operation.method, operation.path);
            match expected(caller, &operation) {
                Some(code) => {
                    assert_eq!(code_of(&answer), Some(code.as_str().to_owned()), "{row}: {answer:?}")
                }
                None => assert!(![401, 403].contains(&answer.status.as_u16()), "{row}: {answer:?}"),
            }
        }
    }
    assert!(rows > 9 * 35, "{rows}");
}

fn code_of(answer: &Answer) -> Option<String> {
    let problem: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(problem["code"].as_str()?.to_owned())
}
