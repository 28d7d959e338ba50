//! Backups and restores from the command line.

use std::fs;

use cstar_testkit::{PLATFORM_KEY, Receiver};
use insta::assert_snapshot;
use serde_json::Value;

use crate::home::{Ended, Home};
use crate::scene::Scene;
use crate::ticket;

/// A server with something in it, whose platform key is at hand.
async fn scene() -> Scene {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    scene.team.webhook(&receiver.url("/"), &["ticket.*"]).await;
    scene.team.publish("ticket.created", &ticket("kept")).await;
    scene.team.until_ended("status=delivered", 1).await;
    scene.home.call(&scene.cstar.data().display().to_string(), "DATA");
    scene
}

async fn back_up(scene: &Scene, line: &str) -> Ended {
    scene
        .home
        .cstar(&format!("backup {line}"))
        .env("CSTAR_KEY", PLATFORM_KEY)
        .env("CSTAR_URL", scene.url().as_str())
        .run()
        .await
}

/// As a snapshot shows it, with what differs from run to run under a name.
fn shown(home: &Home, ended: &Ended) -> String {
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    let manifest = printed.get("backup").unwrap_or(&printed);
    for (field, name) in
        [("bytes", "BYTES"), ("database_bytes", "BYTES"), ("master_key", "KEYID"), ("epoch", "EPOCH")]
    {
        for value in [&manifest[field], &printed[field]] {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if text != "null" && text != "1" {
                home.call(&text, name);
            }
        }
    }
    if let Some((size, _)) = ended.stderr.split_once(": everything") {
        home.call(size, "SIZE");
    }
    home.shown(&ended.to_string())
}

/// What is backed up is restored, and said: without its master key it is of no use.
#[tokio::test]
async fn a_server_is_backed_up_and_restored() {
    let mut scene = scene().await;
    let made = back_up(&scene, "monday.backup").await;
    assert_snapshot!(shown(&scene.home, &made), @r#"
    exit 0
    --- stdout
    {
      "file": "monday.backup",
      "bytes": BYTES,
      "cstar": "0.1.0",
      "format": 1,
      "epoch": 1,
      "made_at": "0000-00-00T00:00:00.000Z",
      "master_key": "KEYID",
      "database_bytes": BYTES
    }
    --- stderr
    SIZE: everything that was stored before 0000-00-00T00:00:00.000Z
    The master key is not in it: keep a copy of the key elsewhere, or the backup cannot be restored.
    "#);
    scene.cstar.kill_9();
    let key = scene.cstar.data().join("master.key");
    scene.home.call(&key.display().to_string(), "KEYFILE");
    let restored = scene
        .home
        .run(&format!("restore monday.backup --data again --master-key-file {}", key.display()))
        .await;
    assert_snapshot!(shown(&scene.home, &restored), @r#"
    exit 0
    --- stdout
    {
      "data": "again",
      "epoch": EPOCH,
      "backup": {
        "cstar": "0.1.0",
        "format": 1,
        "epoch": 1,
        "made_at": "0000-00-00T00:00:00.000Z",
        "master_key": "KEYID",
        "database_bytes": BYTES
      }
    }
    --- stderr
    Everything that was stored before 0000-00-00T00:00:00.000Z is back. What was stored later is lost, and what was revoked, disabled or deleted later is as it was before.
    What was pending is due again: receivers can get it a second time, under the same `x-cstar-delivery`.
    Positions begin with EPOCH from now on: streams that come back are told a gap, `restored`, and go on.
    Start it with the same master key: `cstar serve --data again`
    "#);
    let offline = scene
        .home
        .run(&format!("backup offline.backup --json --data {}", scene.cstar.data().display()))
        .await;
    let offline: Value = serde_json::from_str(&offline.stdout).unwrap();
    assert_eq!((&offline["file"], &offline["format"]), (&"offline.backup".into(), &1.into()));
}

/// A backup holds every team's events: a team's key takes none.
#[tokio::test]
async fn a_backup_that_may_not_be() {
    let scene = scene().await;
    assert_snapshot!(scene.home.run("backup monday.backup").await, @r"
    exit 3
    --- stderr
    error: missing_scope: this takes the platform key alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    scene.home.write("taken.backup", "something else");
    assert_snapshot!(back_up(&scene, "taken.backup").await, @r"
    exit 2
    --- stderr
    error: taken.backup is there already
    hint:  give a name that is free
    ");
    assert_snapshot!(back_up(&scene, "nowhere/monday.backup").await, @r"
    exit 2
    --- stderr
    error: nowhere/monday.backup: No such file or directory (os error 2)
    ");
    assert_snapshot!(scene.home.run("backup monday.backup --data nowhere").await, @r"
    exit 2
    --- stderr
    error: there is no data of cstar's in nowhere: give its data directory
    ");
    assert_snapshot!(scene.home.run("backup monday.backup --data nowhere --key k").await, @r"
    exit 2
    --- stderr
    error: --key is for the commands that speak to a server; this one works without one
    ");
    let left: Vec<_> =
        fs::read_dir(scene.home.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("monday")), "{left:?}");
}

/// Nothing is restored from what is not whole, without the one master key, or over what is there.
#[tokio::test]
async fn a_restore_that_cannot_be() {
    let scene = scene().await;
    assert_eq!(back_up(&scene, "monday.backup").await.code, Some(0));
    let whole = fs::read(scene.home.path("monday.backup")).unwrap();
    let head: Value = serde_json::from_slice(whole.split(|byte| *byte == b'\n').nth(1).unwrap()).unwrap();
    scene.home.call(head["master_key"].as_str().unwrap(), "KEYID");
    let key = scene.cstar.data().join("master.key");
    scene.home.call(&key.display().to_string(), "KEYFILE");
    let restore = async |line: &str| scene.home.run(&format!("restore {line}")).await;
    assert_snapshot!(restore("monday.backup --data again").await, @r"
    exit 2
    --- stderr
    error: monday.backup needs the master key that it was made under, which has the id KEYID: without it the secrets and the headers of all webhooks are unreadable, and nothing can be delivered. Set CSTAR_MASTER_KEY, give --master-key-file, or put it into the data directory as master.key
    ");
    let other =
        scene.home.cstar("restore monday.backup --data again").env("CSTAR_MASTER_KEY", "5a".repeat(32));
    assert_snapshot!(other.run().await, @r"
    exit 2
    --- stderr
    error: monday.backup was made under another master key than the one given: give the one with the id KEYID, which was in use at 0000-00-00T00:00:00.000Z
    ");
    let key = key.display();
    assert_snapshot!(restore(&format!("monday.backup --data . --master-key-file {key}")).await, @r"
    exit 2
    --- stderr
    error: the data directory . is not empty, it holds monday.backup: give one that is empty or not there yet
    ");
    fs::write(scene.home.path("cut.backup"), &whole[..whole.len() / 2]).unwrap();
    assert_snapshot!(restore(&format!("cut.backup --data again --master-key-file {key}")).await, @r"
    exit 2
    --- stderr
    error: cut.backup: it is cut off: take the backup again, or take another one
    ");
    scene.home.write("other", "something else");
    assert_snapshot!(restore(&format!("other --data again --master-key-file {key}")).await, @r"
    exit 2
    --- stderr
    error: other: this is no backup of cstar's
    ");
    assert_snapshot!(restore(&format!("nowhere --data again --master-key-file {key}")).await, @r"
    exit 2
    --- stderr
    error: nowhere: No such file or directory (os error 2)
    ");
    assert_snapshot!(restore(&format!("monday.backup --data again --team {} --master-key-file {key}", scene.team.id)).await, @r"
    exit 2
    --- stderr
    error: --team is for the commands that speak to a server; this one works without one
    ");
    assert!(!scene.home.path("again/cstar.db").exists());
}
