//! `cstar dev`.

use std::os::unix::fs::PermissionsExt;

use cstar_testkit::has_ipv6;
use insta::assert_snapshot;
use serde_json::Value;

use crate::home::{Home, until_there};
use crate::running::Running;

/// `cstar dev` on a free port, ready.
async fn dev(home: &Home) -> Running {
    let dev = home.start("dev --listen 127.0.0.1:0");
    dev.until_said("cstar trigger").await;
    dev
}

/// The profile that is there now.
fn profile(home: &Home) -> toml::Table {
    let file: toml::Table = std::fs::read_to_string(home.profiles()).unwrap().parse().unwrap();
    file["profile"]["dev"].as_table().unwrap().clone()
}

/// What stands behind the `#` of the link to the settings page.
fn link(dev: &Running) -> String {
    let printed = dev.stdout();
    let link = printed.split_once("/portal#").expect("a link").1;
    link.split_whitespace().next().unwrap().to_owned()
}

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// W55, W56: one command, and the next two need no flag and no login; everything that was made is for its owner alone.
#[tokio::test]
async fn it_is_ready_to_use() {
    let home = Home::new();
    let dev = dev(&home).await;
    let profile = profile(&home);
    let address = profile["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/');
    home.call(address, "SERVER");
    home.call(profile["team"].as_str().unwrap(), "TEAM");
    home.call(&link(&dev), "LINK");
    assert_eq!((mode(home.profiles()), mode(home.path(".cstar"))), (0o600, 0o700));
    assert_eq!(mode(home.path(".cstar/platform.key")), 0o600);
    assert_eq!(until_there(&home.path(".cstar/.gitignore")).await, "*\n");

    let receiver = cstar_testkit::Receiver::ok().await;
    let listener = home.start(&format!("listen --forward-to {}", receiver.url("/")));
    listener.until_said("Ready").await;
    let printed = home.stdout("trigger ticket.created").await;
    assert!(printed.starts_with("published ticket.created evt_test_"), "{printed}");
    listener.until_said("<-- 200").await;
    // Webhooks may lead to this machine.
    home.stdout(&format!("webhooks create --url {} --events '*'", receiver.url("/registered"))).await;
    home.stdout("trigger ticket.created --wait").await;
    assert_eq!(receiver.received_at("/registered").len(), 1);
    assert_snapshot!(dev.interrupted(&home).await, @r"
    exit 0
    --- stdout
    Ready. cStar is at http://SERVER/
      team     TEAM
      profile  dev  (its key is in the profile; no flag or login is needed)
      page     http://SERVER/portal#LINK  (signs you in, once)

    Try, in two other terminals:
      cstar listen --forward-to http://localhost:3000/webhook
      cstar trigger ticket.created
    ");
}

/// A second start, on another port, keeps the team, the key and what was published.
#[tokio::test]
async fn a_second_start_keeps_team_and_key() {
    let home = Home::new();
    let first = dev(&home).await;
    home.stdout("trigger ticket.created").await;
    let before = profile(&home);
    assert_eq!(first.interrupted(&home).await.code, Some(0));

    let _second = dev(&home).await;
    let after = profile(&home);
    assert_ne!(before["url"], after["url"], "ports are not kept, if none was asked for");
    assert_eq!((&before["team"], &before["key"]), (&after["team"], &after["key"]));
    assert_eq!(home.stdout("events list --json").await.lines().count(), 1);
}

/// Where the profile was lost, the team is found again; other profiles stay.
#[tokio::test]
async fn a_lost_profile_is_made_anew() {
    let home = Home::new();
    let first = dev(&home).await;
    let before = profile(&home);
    first.interrupted(&home).await;
    let other = "[profile.live]\nurl = \"https://cstar.example.com\"\nkey = \"csk_live\"\n";
    home.write(".config/cstar/profiles.toml", other);
    let _second = dev(&home).await;
    let after = profile(&home);
    assert_eq!(before["team"], after["team"]);
    assert_ne!(before["key"], after["key"]);
    assert!(std::fs::read_to_string(home.profiles()).unwrap().contains("csk_live"));
    assert_eq!(home.run("events list").await.code, Some(0));
}

/// Programs are told when it is ready, too.
#[tokio::test]
async fn programs_are_told() {
    let home = Home::new();
    let (everywhere, here) = if has_ipv6() { ("[::]", "[::1]") } else { ("0.0.0.0", "127.0.0.1") };
    let dev = home.start(&format!("dev --listen {everywhere}:0 --json"));
    dev.until_said("\n").await;
    let told: Value = serde_json::from_str(dev.stdout().trim()).unwrap();
    assert_eq!((&told["told"], &told["profile"]), (&"ready".into(), &"dev".into()));
    let url = told["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("http://{here}:")), "where it is found, not where it listens: {url}");
    assert_eq!(home.run("trigger ticket.created").await.code, Some(0));
}

/// What stands in the way is said with what to do, and nothing is left running.
#[tokio::test]
async fn what_stands_in_the_way_is_said() {
    let home = Home::new();
    let first = dev(&home).await;
    let taken = profile(&home)["url"].as_str().unwrap()["http://".len()..].trim_end_matches('/').to_owned();
    home.call(&taken, "SERVER");
    assert_snapshot!(home.run("dev --listen 127.0.0.1:0").await, @r"
    exit 1
    --- stderr
    error: another cstar process uses the data directory .cstar: stop it, or give this one a directory of its own
    ");
    assert_snapshot!(home.run(&format!("dev --listen {taken} --data other")).await, @r"
    exit 2
    --- stderr
    error: cannot listen on SERVER: Address already in use (os error 98); give another address, or free this one
    ");
    assert_snapshot!(home.run("dev --team 00000000-0000-4000-8000-000000000000").await, @r"
    exit 2
    --- stderr
    error: --team is for the commands that speak to a server; this one is the server
    ");
    drop(first);
    home.write("file", "");
    assert_snapshot!(home.run("dev --data file/below").await, @r"
    exit 2
    --- stderr
    error: file: File exists (os error 17)
    ");
}
