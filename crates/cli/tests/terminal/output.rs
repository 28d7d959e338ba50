//! What goes where: data on stdout, the rest on stderr, colours for terminals alone, and no question where nobody answers.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::scene::Scene;
use crate::{CSTAR, ticket};

/// Where a colour begins.
const ESCAPE: char = '\u{1b}';

/// `cstar` with what is typed behind it, on a terminal, where `keys` are typed.
async fn on_a_terminal(scene: &Scene, line: &str, keys: &str) -> String {
    let command = format!("{CSTAR} {line}");
    // It gives the command a terminal of its own and passes on what it reads.
    let terminal = scene.home.program("script", &["-qec", &command, "/dev/null"]).env("TERM", "xterm");
    let ended = terminal.stdin(keys).run().await;
    ended.stdout.replace('\r', "")
}

/// Colours are for terminals; `--color` and `NO_COLOR` decide otherwise.
#[tokio::test]
async fn colours_are_for_terminals() {
    let scene = Scene::set().await;
    assert!(!scene.home.stdout("keys list").await.contains(ESCAPE), "a pipe");
    assert!(scene.home.stdout("keys list --color always").await.contains(ESCAPE));
    assert!(on_a_terminal(&scene, "keys list", "").await.contains(ESCAPE));
    assert!(!on_a_terminal(&scene, "keys list --color never", "").await.contains(ESCAPE));
    let quiet = scene.home.program("script", &["-qec", &format!("{CSTAR} keys list"), "/dev/null"]);
    let quiet = quiet.env("TERM", "xterm").env("NO_COLOR", "1").run().await;
    assert!(quiet.stdout.contains("NAME") && !quiet.stdout.contains(ESCAPE), "{quiet}");
    let always = scene.home.cstar("keys list --color always").env("NO_COLOR", "1").run().await;
    assert!(always.stdout.contains(ESCAPE), "a flag wins over the environment");
    let error = scene.home.run("trigger nope --color always").await;
    assert!(error.stderr.contains(ESCAPE) && error.stdout.is_empty(), "{error}");
}

/// What cannot be taken back is asked for on a terminal, and refused where nobody can answer, unless `--yes` is said.
#[tokio::test]
async fn questions_are_for_terminals() {
    let scene = Scene::set().await;
    let made = scene.team.webhook("http://127.0.0.1:9999/", &["*"]).await.seen.id.to_string();
    let key = scene.team.key(&["events:read"], &["*"]).await.seen.id.to_string();
    let team = scene.team.id.to_string();
    assert_snapshot!(scene.home.run(&format!("webhooks delete {made}")).await, @r"
    exit 2
    --- stderr
    error: wh_xxxxxxxxxxxxxxxxxxxxxxxxxx will be deleted, and what waits for it cancelled
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    assert_snapshot!(scene.home.run(&format!("keys revoke {key}")).await, @r"
    exit 2
    --- stderr
    error: key_xxxxxxxxxxxxxxxxxxxxxxxxxx will be revoked for good, and its streams end
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    assert_snapshot!(scene.home.run(&format!("teams delete {team}")).await, @r"
    exit 2
    --- stderr
    error: team TEAM and everything of it will be deleted for good
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    let line = format!("--color never webhooks delete {made}");
    let question = format!("{made} will be deleted, and what waits for it cancelled. Go on? [y/N] ");
    let declined = on_a_terminal(&scene, &line, "n\n").await;
    assert!(declined.contains(&question) && declined.contains("error: nothing was done"), "{declined}");
    assert_eq!(scene.home.run(&format!("webhooks get {made}")).await.code, Some(0), "nothing was done");
    let agreed = on_a_terminal(&scene, &line, "y\n").await;
    assert!(agreed.contains(&question) && agreed.contains(&format!("deleted {made}")), "{agreed}");
    assert_eq!(scene.home.run(&format!("webhooks get {made}")).await.code, Some(5), "it is gone");
    assert_snapshot!(scene.home.run(&format!("keys revoke {key} --yes")).await, @r"
    exit 0
    --- stderr
    revoked key_xxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
}

/// `--json` is one object a line, from the first byte to the last, on every list.
#[tokio::test]
async fn json_is_one_object_a_line() {
    let scene = Scene::set().await;
    for title in ["a", "b"] {
        scene.team.publish("ticket.created", &ticket(title)).await;
        scene.team.webhook("http://127.0.0.1:9999/", &["customer.*"]).await;
    }
    for (list, rows) in [
        ("events list", 2),
        ("webhooks list", 2),
        ("keys list", 1),
        ("events tail --until-head --after 0", 2),
    ] {
        let stdout = scene.home.stdout(&format!("{list} --json")).await;
        let lines: Result<Vec<serde_json::Value>, _> = stdout.lines().map(serde_json::from_str).collect();
        let lines = lines.unwrap_or_else(|error| panic!("{list}: {error}: {stdout}"));
        assert!(lines.len() == rows && lines.iter().all(|line| line["id"].is_string()), "{list}: {stdout}");
    }
    assert_eq!(scene.home.stdout("deliveries list --json").await, "", "an empty list has no line");
}

/// Who stops reading, as `head` does, is no error.
#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::set().await;
    scene.team.publish("ticket.created", &ticket("unread")).await;
    let mut child = std::process::Command::new(CSTAR)
        .args(["events", "list", "--json"])
        .env_clear()
        .env("HOME", scene.home.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}
