//! Where a command finds its server, key and team: flag before environment before profile.

use cstar_testkit::{Canary, Team};
use insta::assert_snapshot;

use crate::scene::Scene;

const NOWHERE: &str = "http://127.0.0.1:9";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A flag wins over the environment, the environment over the profile; an empty variable counts as none.
#[tokio::test]
async fn a_flag_wins_over_the_environment_over_the_profile() {
    let scene = Scene::set().await;
    let (url, team) = (scene.url().to_string(), scene.team.id.to_string());
    let key = scene.key.key.reveal();
    let list = || scene.home.cstar("events list --limit 1");
    let code = async |ended: crate::home::Invocation<'_>| ended.run().await.code;
    assert_eq!(code(list()).await, Some(0), "the profile alone");
    assert_eq!(code(list().env("CSTAR_KEY", "csk_wrong")).await, Some(3), "the environment wins");
    assert_eq!(code(list().env("CSTAR_TEAM_ID", NOBODY)).await, Some(3), "the environment wins");
    assert_eq!(code(list().env("CSTAR_PROFILE", "other")).await, Some(2), "there is no such profile");
    let empty = ["CSTAR_URL", "CSTAR_KEY", "CSTAR_TEAM_ID", "CSTAR_PROFILE"]
        .into_iter()
        .fold(list(), |list, name| list.env(name, ""));
    assert_eq!(code(empty).await, Some(0), "empty ones count as none");

    let flags = format!("events list --server {url} --key {key} --team {team}");
    let flags = scene.home.cstar(&flags).env("CSTAR_URL", NOWHERE).env("CSTAR_KEY", "csk_wrong");
    assert_eq!(code(flags.env("CSTAR_TEAM_ID", NOBODY)).await, Some(0), "flags win");
    let early = format!("--server {url} events list");
    assert_eq!(code(scene.home.cstar(&early).env("CSTAR_URL", NOWHERE)).await, Some(0), "in front, too");
}

/// A profile is chosen by its name; one that is not there is told with those that are.
#[tokio::test]
async fn a_profile_is_chosen_by_name() {
    let scene = Scene::set().await;
    let other = Team::create(&scene.cstar.http()).await;
    let key = other.key(&["events:read"], &["*"]).await;
    let other = Scene { team: other, ..scene };
    let both = other.profile("dev", other.key.key.reveal()) + &other.profile("other", key.key.reveal());
    other.home.write(".config/cstar/profiles.toml", &both);
    assert_eq!(other.home.run("events list --profile other").await.code, Some(0));
    assert_snapshot!(other.home.run("events list --profile live").await, @r"
    exit 2
    --- stderr
    error: there is no profile `live`
    hint:  there are: dev, other
    ");
}

/// What is missing or makes no sense is told with what to do.
#[tokio::test]
async fn what_is_missing_is_told() {
    let home = crate::home::Home::new();
    assert_snapshot!(home.run("trigger ticket.created").await, @r"
    exit 2
    --- stderr
    error: no key is known
    hint:  run `cstar dev` for a server on this machine, or set CSTAR_KEY, CSTAR_TEAM_ID and CSTAR_URL
    ");
    assert_snapshot!(home.cstar("events list").env("CSTAR_KEY", "csk_x").run().await, @r"
    exit 2
    --- stderr
    error: no team is chosen
    hint:  give --team, or set CSTAR_TEAM_ID; `cstar teams list` shows them
    ");
    assert_snapshot!(home.cstar("events list").env("CSTAR_TEAM_ID", "mine").run().await, @r"
    exit 2
    --- stderr
    error: CSTAR_TEAM_ID is `mine`: write the team's UUID, as `cstar teams list` shows it
    ");
    assert_snapshot!(home.run("events list --server localhost:7070").await, @r"
    exit 2
    --- stderr
    error: invalid value 'localhost:7070' for '--server <URL>': write the server's address with http:// or https://, such as https://cstar.example.com

    For more information, try '--help'.
    ");
    home.write(".config/cstar/profiles.toml", "profile = 3");
    assert_snapshot!(home.run("events list").await, @r"
    exit 2
    --- stderr
    error: HOME/.config/cstar/profiles.toml: invalid type: integer `3`, expected a map
    hint:  mend the file, or move it away and make its profiles anew
    ");
}

/// A proxy that the environment names is not asked for this machine itself, neither for the server nor for what is
/// forwarded to.
#[tokio::test]
async fn a_proxy_is_not_asked_for_this_machine() {
    let scene = Scene::set().await;
    let canary = Canary::new().await;
    let receiver = cstar_testkit::Receiver::ok().await;
    let proxy = format!("http://{}", canary.address());
    let listen = format!("listen --forward-to {} --after 0", receiver.url("/"));
    scene.team.publish("ticket.created", &crate::ticket("direct")).await;
    let behind = ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]
        .into_iter()
        .fold(scene.home.cstar(&listen), |command, name| command.env(name, &proxy));
    let listener = behind.start();
    listener.until_said("<-- 200").await;
    assert_eq!(canary.connections().await, 0);
}
