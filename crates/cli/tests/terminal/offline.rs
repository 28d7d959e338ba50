//! `cstar check` and `cstar rotate-master-key`, on a data directory without a server.

use std::fs;
use std::path::PathBuf;

use cstar_testkit::Receiver;
use insta::assert_snapshot;
use serde_json::Value;

use crate::home::Home;
use crate::scene::Scene;
use crate::ticket;

const MARK: &str = "the event that is damaged";

/// A data directory that a server has left, everything in its database, and a home with a name for it.
async fn left_behind() -> (Scene, PathBuf) {
    let mut scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    scene.team.webhook(&receiver.url("/"), &["ticket.*"]).await;
    scene.team.publish("ticket.created", &ticket(MARK)).await;
    scene.team.until_ended("status=delivered", 1).await;
    scene.cstar.restart().await;
    scene.cstar.terminate();
    assert!(scene.cstar.ended().await.success());
    let data = scene.cstar.data().to_owned();
    scene.home.call(&data.display().to_string(), "DATA");
    (scene, data)
}

fn flip(path: &std::path::Path, what: &str) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(what.len()).position(|window| window == what.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// LOG-3: what is whole is said to be, and one changed byte is found, with what to do.
#[tokio::test]
async fn a_directory_is_looked_through() {
    let (scene, data) = left_behind().await;
    let check = async |flags: &str| scene.home.run(&format!("check --data {} {flags}", data.display())).await;
    assert_snapshot!(check("").await, @r"
    exit 0
    --- stderr
    DATA is as it was written
    ");
    flip(&data.join("cstar.db"), MARK);
    let found = check("").await;
    scene.home.call(place(&found.stdout), "ROW");
    assert_snapshot!(scene.home.shown(&found.to_string()), @r"
    exit 1
    --- stdout
    log: events row ROW is not as it was written
      lists and streams of the team stop in front of it: restore a backup, and publish again what came later
    --- stderr
    error: DATA is not as it was written: 1 finding
    hint:  copy the directory before anything is changed in it
    ");
    let line: Value = serde_json::from_str(check("--json").await.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(line["about"], "log");
    fs::write(data.join("cstar.db"), "something else").unwrap();
    assert_snapshot!(check("").await, @r"
    exit 1
    --- stdout
    structure: file is not a database
      do not go on with this directory: have its disk looked at, and restore a backup elsewhere
    --- stderr
    error: DATA is not as it was written: 1 finding
    hint:  copy the directory before anything is changed in it
    ");
}

/// The number of the row that is damaged.
fn place(said: &str) -> &str {
    said.split_once("events row ").unwrap().1.split(' ').next().unwrap()
}

/// SEC-3: the key is changed in its file, or for one in another file; what cannot be is refused with the reason.
#[tokio::test]
async fn the_master_key_is_changed() {
    let (scene, data) = left_behind().await;
    let key_file = data.join("master.key");
    let old = fs::read_to_string(&key_file).unwrap();
    let shown = |home: &Home, ended: crate::home::Ended| {
        let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
        home.call(printed["master_key"].as_str().unwrap(), "KEYID");
        if let Some(kept) = printed["old_key_file"].as_str() {
            home.call(kept.rsplit('.').next().unwrap(), "OLDID");
        }
        home.shown(&ended.to_string())
    };
    let rotate = async |flags: &str| {
        scene.home.run(&format!("rotate-master-key --data {} {flags}", data.display())).await
    };
    assert_snapshot!(shown(&scene.home, rotate("").await), @r#"
    exit 0
    --- stdout
    {
      "data": "DATA",
      "master_key": "KEYID",
      "key_file": "DATA/master.key",
      "old_key_file": "DATA/master.key.OLDID",
      "webhooks": 1
    }
    --- stderr
    The old key opens nothing here any more. Backups made under it still need it: keep it for as long as them.
    It is in DATA/master.key.OLDID: put it where your keys are, and remove it there.
    "#);
    let new = fs::read_to_string(&key_file).unwrap();
    assert_ne!(old, new);
    assert_eq!(scene.home.run(&format!("check --data {}", data.display())).await.code, Some(0));

    let given = |flags: &str, key: &str| {
        let line = format!("rotate-master-key --data {} {flags}", data.display());
        scene.home.cstar(&line).env("CSTAR_MASTER_KEY", key.trim())
    };
    assert_snapshot!(given("", &new).run().await, @r"
    exit 2
    --- stderr
    error: the master key is in CSTAR_MASTER_KEY, which cannot be changed from here: give --new-key-file FILE, where the new key is to stand
    ");
    assert_snapshot!(given("--new-key-file new.key", &old).run().await, @r"
    exit 2
    --- stderr
    error: the data was encrypted with another master key: give that one
    ");
    assert!(!scene.home.path("new.key").exists());
    assert_snapshot!(shown(&scene.home, given("--new-key-file new.key", &new).run().await), @r#"
    exit 0
    --- stdout
    {
      "data": "DATA",
      "master_key": "KEYID",
      "key_file": "new.key",
      "old_key_file": null,
      "webhooks": 1
    }
    --- stderr
    The old key opens nothing here any more. Backups made under it still need it: keep it for as long as them.
    From now on start the server with `--master-key-file new.key`, or with what stands there as CSTAR_MASTER_KEY.
    "#);
    assert_snapshot!(shown(&scene.home, given("--new-key-file new.key", &new).run().await), @r#"
    exit 0
    --- stdout
    {
      "data": "DATA",
      "master_key": "KEYID",
      "key_file": "new.key",
      "old_key_file": null,
      "webhooks": null
    }
    --- stderr
    The secrets were encrypted with this key before.
    The old key opens nothing here any more. Backups made under it still need it: keep it for as long as them.
    From now on start the server with `--master-key-file new.key`, or with what stands there as CSTAR_MASTER_KEY.
    "#);
    fs::remove_file(&key_file).unwrap();
    assert_snapshot!(rotate("").await, @r"
    exit 2
    --- stderr
    error: the master key that the data in DATA was encrypted with is missing: set CSTAR_MASTER_KEY, give --master-key-file, or put it back as DATA/master.key
    ");
    assert_snapshot!(scene.home.run("rotate-master-key --data nowhere").await, @r"
    exit 2
    --- stderr
    error: there is no data of cstar's in nowhere: give its data directory
    ");
}

/// SEC-3: what nodes share is not in a directory; whoever asks for that is told what to do instead, and no password is repeated.
#[tokio::test]
async fn a_database_is_no_directory() {
    let home = Home::new();
    let url = "postgres://cstar:hunter2@db.example.com/cstar";
    assert_snapshot!(home.run(&format!("check --store {url}")).await, @r"
    exit 2
    --- stderr
    error: this is for a data directory, not for a database: PostgreSQL looks through its own, with `pg_amcheck --heapallindexed`, and through its page checksums at each read
    ");
    assert_snapshot!(home.cstar("rotate-master-key").env("CSTAR_STORE", url).run().await, @r"
    exit 2
    --- stderr
    error: this is for a data directory, not for a database: a database keeps the master key that it began with; change that of a directory before `cstar move`
    ");
    assert_snapshot!(home.run(&format!("restore monday.backup --data {url}")).await, @r"
    exit 2
    --- stderr
    error: this is for a data directory, not for a database: restore the copy of one with `psql --set ON_ERROR_STOP=1 --file FILE DATABASE`, into an empty one
    ");
    home.write("copy.sql", "-- cstar database 1\n");
    assert_snapshot!(home.run("restore copy.sql --data again").await, @r"
    exit 2
    --- stderr
    error: copy.sql is the copy of a database: restore it into an empty one with `psql --set ON_ERROR_STOP=1 --file copy.sql DATABASE`
    ");
    // Who names a directory means that.
    assert_snapshot!(home.cstar("check --data nowhere").env("CSTAR_STORE", url).run().await, @r"
    exit 2
    --- stderr
    error: there is no data of cstar's in nowhere: give its data directory
    ");
}
