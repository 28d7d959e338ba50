//! Whom commands speak to, and as who: `login`, `whoami`, `profiles`.

use std::os::unix::fs::PermissionsExt;

use cstar_testkit::PLATFORM_KEY;
use insta::assert_snapshot;

use crate::home::Home;
use crate::scene::Scene;

/// SEC-3: a login keeps a key that the server takes, in a private file, and prints nothing of it but its id.
#[tokio::test]
async fn a_login_makes_a_profile_that_works() {
    let scene = Scene::set().await;
    let (home, server, team) = (&scene.home, scene.url(), scene.team.id);
    let narrow = scene.team.key(&["events:write"], &["ticket.*"]).await;
    let key = narrow.key.reveal();
    let line = format!("login --profile live --server {server} --team {team}");
    let login = home.cstar(&line).stdin(&format!("{key}\n")).run().await;
    assert!(!login.stdout.contains(key) && !login.stderr.contains(key));
    assert_snapshot!(login, @r"
    exit 0
    --- stdout
    server   http://SERVER/
    team     TEAM
    key      key_xxxxxxxxxxxxxxxxxxxxxxxxxx
    profile  live
    --- stderr
    logged in; from now on: cstar --profile live …, or export CSTAR_PROFILE=live
    ");
    assert_eq!(std::fs::metadata(home.profiles()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_snapshot!(home.run("--profile live whoami").await, @r"
    exit 0
    --- stdout
    server   http://SERVER/
    team     TEAM
    key      key_xxxxxxxxxxxxxxxxxxxxxxxxxx
    profile  live
    ");
    assert_snapshot!(home.run("--profile live whoami --json").await, @r#"
    exit 0
    --- stdout
    {"profile":"live","server":"http://SERVER/","team":"TEAM","key":"key_xxxxxxxxxxxxxxxxxxxxxxxxxx"}
    "#);
    assert_snapshot!(home.run("profiles").await, @r"
    exit 0
    --- stdout
       PROFILE  TEAM                                  KEY                             SERVER
    *  dev      TEAM  key_xxxxxxxxxxxxxxxxxxxxxxxxxx  http://SERVER/
       live     TEAM  key_xxxxxxxxxxxxxxxxxxxxxxxxxx  http://SERVER/
    ");
    let list = home.cstar("profiles --json").env("CSTAR_PROFILE", "live").run().await;
    assert!(!list.stdout.contains(key));
    assert_snapshot!(list, @r#"
    exit 0
    --- stdout
    {"profile":"dev","server":"http://SERVER/","team":"TEAM","key":"key_xxxxxxxxxxxxxxxxxxxxxxxxxx","used":false}
    {"profile":"live","server":"http://SERVER/","team":"TEAM","key":"key_xxxxxxxxxxxxxxxxxxxxxxxxxx","used":true}
    "#);
    home.stdout("--profile live trigger ticket.created").await;

    let platform =
        home.cstar(&format!("login --profile all --server {server}")).stdin(PLATFORM_KEY).run().await;
    assert_snapshot!(platform, @r"
    exit 0
    --- stdout
    server   http://SERVER/
    team     none
    key      the platform's
    profile  all
    --- stderr
    logged in; from now on: cstar --profile all …, or export CSTAR_PROFILE=all
    ");
    home.stdout("--profile all teams list").await;
}

/// What does not work is not kept, and it is said why.
#[tokio::test]
async fn a_login_that_does_not_work_keeps_nothing() {
    let scene = Scene::set().await;
    let (home, server, team) = (&scene.home, scene.url(), scene.team.id);
    let before = std::fs::read_to_string(home.profiles()).unwrap();
    let key = scene.key.key.reveal();
    let login = async |flags: &str, key: &str| home.cstar(&format!("login {flags}")).stdin(key).run().await;
    let live = format!("--profile live --server {server}");
    assert_snapshot!(login(&live, key).await, @r"
    exit 2
    --- stderr
    error: this is a key of one team: of which?
    hint:  say --team TEAM, or set CSTAR_TEAM_ID
    ");
    assert_snapshot!(login(&format!("--server {server}"), key).await, @r"
    exit 2
    --- stderr
    error: the profile has no name
    hint:  say --profile NAME; it is used where that is said again
    ");
    assert_snapshot!(login("--profile live", key).await, @r"
    exit 2
    --- stderr
    error: which server?
    hint:  say --server URL, or set CSTAR_URL
    ");
    assert_snapshot!(login(&format!("{live} --team {team}"), "").await, @r"
    exit 2
    --- stderr
    error: nothing was given
    ");
    let wrong = login(&format!("{live} --team {team}"), "a-key-that-nobody-made").await;
    assert_snapshot!(wrong, @r"
    exit 3
    --- stderr
    error: unauthenticated: this key is not known (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    let foreign = cstar_testkit::Team::create(&scene.cstar.http()).await;
    let wrong = login(&format!("{live} --team {}", foreign.id), key).await;
    assert_snapshot!(wrong, @r"
    exit 3
    --- stderr
    error: wrong_team: this key opens the paths of its own team alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(login(&format!("{live} --team {team} --key other"), key).await, @r"
    exit 2
    --- stderr
    error: others on this machine can see a key on the command line
    hint:  give it on standard input: `cstar login --profile NAME < FILE`, or type it when asked
    ");
    assert_eq!(std::fs::read_to_string(home.profiles()).unwrap(), before);
}

/// A key that the server does not take is nobody, and without profiles there is none to list.
#[tokio::test]
async fn whoami_asks_the_server() {
    let scene = Scene::set().await;
    assert_snapshot!(scene.home.run("whoami").await, @r"
    exit 0
    --- stdout
    server   http://SERVER/
    team     TEAM
    key      key_xxxxxxxxxxxxxxxxxxxxxxxxxx
    profile  dev
    ");
    assert_snapshot!(scene.home.cstar("whoami").env("CSTAR_KEY", PLATFORM_KEY).run().await, @r"
    exit 0
    --- stdout
    server   http://SERVER/
    team     TEAM
    key      the platform's
    profile  none
    ");
    assert_eq!(scene.home.cstar("whoami").env("CSTAR_KEY", "nobody's").run().await.code, Some(3));
    assert_snapshot!(Home::new().run("profiles").await, @r"
    exit 0
    --- stderr
    none
    ");
}
