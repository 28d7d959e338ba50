//! `cstar notices`: who hears what the server does by itself.

use cstar_testkit::{PLATFORM_KEY, Receiver, Reply};
use cstar_types::NoticeType;
use cstar_wire::{CreateNoticeWebhook, TestNoticeWebhook};
use futures_util::TryStreamExt;
use insta::assert_snapshot;
use serde_json::Value;

use crate::help::help;
use crate::scene::Scene;

/// SEC-3: a URL is registered, whose secret is shown once, listed, tested and deleted.
#[tokio::test]
async fn a_url_is_registered_tested_and_deleted() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "1h")).await;
    let receiver = Receiver::new(|request| {
        Reply::status(if request.header("x-cstar-event") == "storage.low" { 200 } else { 503 })
    })
    .await;
    let run = async |line: &str| scene.home.cstar(line).env("CSTAR_KEY", PLATFORM_KEY).run().await;
    let create = format!(
        "notices create --url {} --types storage.low,webhook.* --description ours",
        receiver.url("/")
    );
    let made = run(&create).await;
    assert_snapshot!(made.stderr, @"The secret is shown this once: keep it where the receiver finds it.");
    let shown: Value = serde_json::from_str(&made.stdout).unwrap();
    assert!(shown["secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
    let notice = shown["id"].as_str().unwrap();
    scene.home.call(&receiver.address().to_string(), "RECEIVER");
    assert_snapshot!(run("notices list").await, @r"
    exit 0
    --- stdout
    ID                             STATUS   TYPES                  URL
    wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  enabled  storage.low,webhook.*  http://RECEIVER/
    ");
    assert_snapshot!(run("notices list --json").await, @r#"
    exit 0
    --- stdout
    {"id":"wh_xxxxxxxxxxxxxxxxxxxxxxxxxx","url":"http://RECEIVER/","types":["storage.low","webhook.*"],"description":"ours","status":"enabled","disabled_reason":null,"failing_since":null,"created_at":"0000-00-00T00:00:00.000Z"}
    "#);
    assert_snapshot!(run(&format!("notices test {notice} --type storage.low")).await, @r"
    exit 0
    --- stdout
    success  200  N ms
    ");
    assert_snapshot!(run(&format!("notices test {notice}")).await, @r"
    exit 6
    --- stdout
    http_status  503  N ms
    --- stderr
    error: your endpoint answered 503
    hint:  it is tried again, as every notice is
    ");
    assert_snapshot!(run(&format!("notices test {notice} --type ticket.created")).await, @r"
    exit 5
    --- stderr
    error: unknown_event_type: No such event type
      /type  there is no such notice: there are `webhook.disabled`, `delivery.failed`, `storage.low`
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(run(&format!("notices delete {notice} --yes")).await, @r"
    exit 0
    --- stderr
    deleted wh_xxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
    assert_snapshot!(scene.home.run("notices list").await, @r"
    exit 3
    --- stderr
    error: missing_scope: this takes the platform key alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// The Rust client does the same.
#[tokio::test]
async fn the_client_registers_tests_and_deletes() {
    let scene = Scene::set().await;
    let (platform, receiver) = (scene.platform(), Receiver::ok().await);
    let notices = platform.notices();
    let asked = CreateNoticeWebhook { url: receiver.url("/"), types: None, description: None };
    let made = notices.create(&asked).await.unwrap();
    let listed: Vec<_> = notices.list().rows().try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), [made.seen.id]);
    let test = TestNoticeWebhook { notice_type: Some(NoticeType::DeliveryFailed.event_type()) };
    assert_eq!(notices.test(made.seen.id, &test).await.unwrap().status_code, Some(200));
    let [request] = &receiver.received()[..] else { panic!("one request") };
    assert_eq!(
        (request.header("x-cstar-event"), request.header("x-cstar-test")),
        ("delivery.failed", "true")
    );
    notices.delete(made.seen.id).await.unwrap();
    assert_eq!(notices.delete(made.seen.id).await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn help_of_notices() {
    assert_snapshot!(help("notices").await, @r"
    Examples:
      cstar notices create --url https://ops.example.com/cstar
      cstar notices list

    Who hears what the server does by itself, with the platform key

    Usage: cstar notices [OPTIONS] <COMMAND>

    Commands:
      list    List the URLs, newest first
      create  Register a URL; its secret is shown this once
      test    Send an example to a URL now, as a test event, and show what comes of it; exit with 6 if
              it fails
      delete  Delete a URL; what waits for it is cancelled
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("notices list").await, @r"
    Examples:
      cstar notices list

    List the URLs, newest first

    Usage: cstar notices list [OPTIONS]

    Options:
          --limit <N>    At most so many rows [default: 50]
          --after <ROW>  Begin behind this row: an id, a position, or what the page before ended with
      -h, --help         Print help
    ");
    assert_snapshot!(help("notices create").await, @r"
    Examples:
      cstar notices create --url https://ops.example.com/cstar
      cstar notices create --url https://ops.example.com/cstar --types 'webhook.disabled,storage.*'

    Register a URL; its secret is shown this once

    Usage: cstar notices create [OPTIONS] --url <URL>

    Options:
          --url <URL>           Where notices go
          --types <PATTERNS>    Which notices; all unless said
          --description <TEXT>  For people
      -h, --help                Print help
    ");
    assert_snapshot!(help("notices test").await, @r"
    Examples:
      cstar notices test wh_…
      cstar notices test wh_… --type storage.low

    Send an example to a URL now, as a test event, and show what comes of it; exit with 6 if it fails

    Usage: cstar notices test [OPTIONS] <NOTICE>

    Arguments:
      <NOTICE>  Its id

    Options:
          --type <TYPE>  Of which type; the first that it gets, unless said
      -h, --help         Print help
    ");
    assert_snapshot!(help("notices delete").await, @r"
    Examples:
      cstar notices delete wh_…

    Delete a URL; what waits for it is cancelled

    Usage: cstar notices delete [OPTIONS] <NOTICE>

    Arguments:
      <NOTICE>  Its id

    Options:
      -h, --help  Print help
    ");
}
