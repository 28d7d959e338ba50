//! Copies of a shared database, and nodes that go on from one.

use std::process::Command;

use cstar_testkit::{CstarProcess, PLATFORM_KEY, PostgresServer, StreamReader, Team};
use serde_json::Value;

use crate::{BINARY, cstar, ticket};

const MASTER_KEY: &str = "3f1c5be50a5d17aa7f1f7e2a6e1f0c4ad9a6a6a1c8b9e0d7f6e5d4c3b2a19080";
const DOCUMENT: &str = include_str!("../../../../docs/scaling.md");

async fn node(store: &str) -> CstarProcess {
    let mut node = cstar().variable("CSTAR_STORE", store).variable("CSTAR_MASTER_KEY", MASTER_KEY);
    node.start().await;
    node
}

/// What `cstar backup` writes, which reads it again: its checksum is not one that it has made itself.
fn back_up(node: &CstarProcess) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("copy.sql");
    let mut command = Command::new(BINARY);
    command.arg("backup").arg(&file).env_clear().env("HOME", home.path());
    command.env("CSTAR_URL", format!("http://{}", node.address())).env("CSTAR_KEY", PLATFORM_KEY);
    let made = command.output().unwrap();
    let said = [made.stdout, made.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(made.status.success() && said[1].contains("psql --set ON_ERROR_STOP=1"), "{said:?}");
    let written: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!((&written["format"], &written["epoch"]), (&1.into(), &1.into()));
    std::fs::read(file).unwrap()
}

/// What the page on several nodes says is to be done to a copy by PostgreSQL's own tools.
fn new_epoch() -> &'static str {
    DOCUMENT.lines().find(|line| line.starts_with("UPDATE meta SET value")).expect("it stands there")
}

/// LOG-2, LOG-3, RT-2: whichever way a database is copied, what is restored holds what was there, gives no position a second time, and
/// tells a reader from the lost future a gap.
#[tokio::test]
async fn readers_of_a_restored_database_are_told_a_gap() {
    let Some(postgres) = PostgresServer::start().await else { return };
    let mut before = node(&postgres.url("postgres")).await;
    let team = Team::create(&before.http()).await;
    for title in ["first", "second"] {
        team.publish("ticket.created", &ticket(title)).await;
    }
    let kept = team.log().await;
    let copy = back_up(&before);
    let dump = postgres.dump("postgres");
    let lost = team.publish("ticket.created", &ticket("lost")).await;
    before.terminate();
    before.ended().await;

    postgres.make("of_a_copy", &copy);
    postgres.make("of_a_dump", &dump);
    postgres.play("of_a_dump", new_epoch().as_bytes());
    for database in ["of_a_copy", "of_a_dump"] {
        let again = node(&postgres.url(database)).await;
        let team = Team { id: team.id, http: again.http() };
        let reader =
            StreamReader::open(&team.http, &team.path("realtime"), Some(&lost.position.to_string())).await;
        let gap: Value = serde_json::from_str(&reader.until_named("cstar.gap").await.data).unwrap();
        assert_eq!(gap["reason"], "restored", "{database}: {gap}");
        let next = team.publish("ticket.created", &ticket("next")).await;
        assert_eq!(next.position.seq, lost.position.seq);
        assert!(next.position.epoch > lost.position.epoch, "{database}: {next:?}");
        assert_eq!(reader.until_events(1).await[0].data, next.envelope);
        let bodies = |log: &[(_, String)]| log.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>();
        assert_eq!(bodies(&team.log().await)[..2], bodies(&kept), "{database}");
        assert_eq!(team.event(lost.id).await.status, 404);
    }
}
