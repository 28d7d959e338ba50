//! `POST /v1/backup`.

use cstar_wire::Code;
use http::Method;

use crate::world::World;

/// SEC-2: a copy of every team's events is for the platform key alone.
#[tokio::test]
async fn a_backup_takes_the_platform_key() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["keys:write", "events:read"], &["*"]).await;
    world.ask(Method::POST, "/v1/backup").key(&key).await.refused(Code::MissingScope);
    world.ask(Method::POST, "/v1/backup").without("authorization").await.refused(Code::Unauthenticated);
    world.ask(Method::POST, "/v1/backup?a=b").await.refused(Code::BadQuery);
}

/// It is as long as it says, is to be kept as a file, and the next one can be made.
#[tokio::test]
async fn a_backup_is_a_file_of_known_length() {
    let world = World::new();
    world.team().await;
    for _ in 0..2 {
        let answer = world.ask(Method::POST, "/v1/backup").await.expect(200);
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        let name = "attachment; filename=\"cstar-2025-12-10T14-30-00Z.backup\"";
        assert_eq!(answer.header("content-disposition"), Some(name));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// A second one at the same time is refused.
#[tokio::test]
async fn there_is_one_backup_at_a_time() {
    let world = World::new();
    let held = cstar_store::Upkeep::backup(&*world.store, world.now()).await.unwrap();
    world.ask(Method::POST, "/v1/backup").await.refused(Code::Conflict);
    drop(held);
    world.ask(Method::POST, "/v1/backup").await.expect(200);
}
