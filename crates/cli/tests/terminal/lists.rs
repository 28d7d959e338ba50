//! `cstar events`, `webhooks`, `deliveries`, `keys` and `teams`: what they print when all goes well.

use cstar_testkit::{PLATFORM_KEY, Receiver, Reply};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::ticket;

/// The first id with this prefix.
fn id(text: &str, prefix: &str) -> String {
    let begin = text.find(prefix).unwrap_or_else(|| panic!("no {prefix} in {text}"));
    text[begin..].chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
}

/// T9: events are published, listed, shown and followed as the bytes that are stored.
#[tokio::test]
async fn events() {
    let scene = Scene::set().await;
    let home = &scene.home;
    assert_snapshot!(home.run("events list").await, @r"
    exit 0
    --- stderr
    none
    ");
    let publish = r#"events publish ticket.closed --data '{"id":"42"}'"#;
    let published = home.run(publish).await;
    assert_snapshot!(published, @r#"
    exit 0
    --- stdout
    {"id":"evt_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"ticket.closed","team_id":"TEAM","created_at":"0000-00-00T00:00:00Z","data":{"id":"42"}}
    --- stderr
    at 1.1
    "#);
    let with_key = format!("{publish} --idempotency-key once");
    home.stdout(&with_key).await;
    assert_snapshot!(home.run(&with_key).await, @r#"
    exit 0
    --- stdout
    {"id":"evt_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"ticket.closed","team_id":"TEAM","created_at":"0000-00-00T00:00:00Z","data":{"id":"42"}}
    --- stderr
    at 1.2, published before
    "#);
    scene.team.publish("boss.spawned", &ticket("another")).await;
    let list = home.run("events list").await;
    assert_snapshot!(list, @r"
    exit 0
    --- stdout
    ID                              TYPE           CREATED
    evt_xxxxxxxxxxxxxxxxxxxxxxxxxx  boss.spawned   0000-00-00T00:00:00Z
    evt_xxxxxxxxxxxxxxxxxxxxxxxxxx  ticket.closed  0000-00-00T00:00:00Z
    evt_xxxxxxxxxxxxxxxxxxxxxxxxxx  ticket.closed  0000-00-00T00:00:00Z
    ");
    assert_snapshot!(home.run("events list --types 'ticket.*' --oldest-first --limit 1").await, @r"
    exit 0
    --- stdout
    ID                              TYPE           CREATED
    evt_xxxxxxxxxxxxxxxxxxxxxxxxxx  ticket.closed  0000-00-00T00:00:00Z
    --- stderr
    more: --after 1.1
    ");
    let rest = "events list --types 'ticket.*' --oldest-first --after 1.1 --json";
    assert_snapshot!(home.run(rest).await, @r#"
    exit 0
    --- stdout
    {"id":"evt_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"ticket.closed","team_id":"TEAM","created_at":"0000-00-00T00:00:00Z","data":{"id":"42"}}
    "#);

    let log = scene.team.log().await;
    let get = home.stdout(&format!("events get {}", id(&published.stdout, "evt_"))).await;
    assert_eq!(get, format!("{}\n", log[0].1));
    let tail = home.run("events tail --after 0 --until-head").await;
    let lines: String = log.iter().map(|(_, envelope)| format!("{envelope}\n")).collect();
    assert_eq!((tail.code, tail.stdout.as_str()), (Some(0), lines.as_str()));
    assert_snapshot!(tail.stderr, @r"
    connecting
    connected, resumed
    ended
    ");
}

/// R4, R6: a tail goes on over a restart; what becomes of the connection is told beside the data, and a gap, too (RT-2).
#[tokio::test]
async fn a_tail_goes_on() {
    let mut scene = Scene::set().await;
    let tail = scene.home.start("events tail --types 'ticket.*' --after 9.9");
    tail.until_noted("gap").await;
    scene.cstar.restart().await;
    let event = scene.team.publish("ticket.created", &ticket("after")).await;
    scene.team.publish("boss.spawned", &ticket("left out")).await;
    tail.until_said(&event.envelope).await;
    let ended = tail.interrupted(&scene.home).await;
    assert_eq!((ended.code, ended.stdout), (Some(0), format!("{}\n", event.envelope)));
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        told[..3],
        ["connecting", "connected", "gap: events after 9.9 up to 1.0 cannot be replayed (unknown)"]
    );
    assert!(told[3].ends_with("the server is about to close and asks to reconnect"), "{told:?}");
}

/// W2, SEC-3: a webhook is made, changed and deleted; its secret is shown once.
#[tokio::test]
async fn webhooks() {
    let scene = Scene::set().await;
    let home = &scene.home;
    assert_snapshot!(home.run("webhooks list").await, @r"
    exit 0
    --- stderr
    none
    ");
    let create = "webhooks create --url http://127.0.0.1:9999/a --events 'ticket.*,boss.defeated'";
    let more = "--description ours -H 'X-Token: hunter2' --retry-schedule 5s,1m";
    let made = home.run(&format!("{create} {more}")).await;
    assert_eq!(made.code, Some(0), "{made}");
    assert_snapshot!(made.stderr, @"The secret is shown this once: keep it where the receiver finds it.");
    let shown: Value = serde_json::from_str(&made.stdout).unwrap();
    let seen = |webhook: &Value| {
        ["url", "events", "description", "status", "retry_schedule"].map(|name| webhook[name].clone())
    };
    let url = "http://127.0.0.1:9999/a";
    assert_eq!(
        seen(&shown),
        [json!(url), json!(["ticket.*", "boss.defeated"]), json!("ours"), json!("enabled"), json!("5s,1m")]
    );
    assert!(shown["secret"].as_str().unwrap().starts_with("whsec_") && !made.stdout.contains("hunter2"));
    assert!(made.stdout.starts_with("{\n  \"id\": \"wh_"), "people read it on several lines: {made}");

    let webhook = shown["id"].as_str().unwrap();
    assert_snapshot!(home.run("webhooks list").await, @r"
    exit 0
    --- stdout
    ID                             STATUS   EVENTS                  URL
    wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  enabled  ticket.*,boss.defeated  http://127.0.0.1:9999/a
    ");
    home.stdout(&format!("webhooks update {webhook} --disable --events '*'")).await;
    let changed = home.stdout(&format!("webhooks get {webhook} --json")).await;
    assert_eq!(changed.lines().count(), 1, "programs read it on one: {changed}");
    let changed: Value = serde_json::from_str(&changed).unwrap();
    assert_eq!(seen(&changed), [json!(url), json!(["*"]), json!("ours"), json!("disabled"), json!("5s,1m")]);
    assert!(changed.get("secret").is_none());
    assert_snapshot!(home.run(&format!("webhooks delete {webhook} --yes")).await, @r"
    exit 0
    --- stderr
    deleted wh_xxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
}

/// W54, T8: what failed is found, shown attempt by attempt, and sent again.
#[tokio::test]
async fn deliveries() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "")).await;
    let home = &scene.home;
    let receiver = Receiver::new(|request| {
        Reply::status(if request.header("x-cstar-attempt") == "1" { 503 } else { 200 }).body("busy")
    })
    .await;
    scene.team.webhook(&receiver.url("/"), &["*"]).await;
    scene.team.publish("ticket.created", &ticket("resent")).await;
    let failed = scene.team.until_ended("status=failed", 1).await[0].id.to_string();
    assert_snapshot!(home.run("deliveries list --status failed").await, @r"
    exit 0
    --- stdout
    ID                              STATUS  TRIES  TYPE            WEBHOOK                        LAST
    dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx  failed  1      ticket.created  wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  your endpoint answered 503
    ");
    let shown = home.stdout(&format!("deliveries get {failed} --json")).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let [attempt] = &shown["attempts"].as_array().unwrap()[..] else { panic!("one attempt: {shown}") };
    assert_eq!((&attempt["status_code"], &attempt["response_body"]), (&json!(503), &json!("busy")));
    let resent = home.stdout(&format!("deliveries resend {failed} --json")).await;
    assert_eq!(serde_json::from_str::<Value>(&resent).unwrap()["id"], json!(failed));
    scene.team.until_ended("status=delivered", 1).await;
    assert_snapshot!(home.run("deliveries list").await, @r"
    exit 0
    --- stdout
    ID                              STATUS     TRIES  TYPE            WEBHOOK                        LAST
    dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx  delivered  2      ticket.created  wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  your endpoint answered 200
    ");
    assert_eq!(home.stdout("deliveries list --types 'boss.*'").await, "");
}

/// DLV-2: a delivery that was cancelled says why, whatever its last attempt came to.
#[tokio::test]
async fn cancelled_deliveries() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let receiver = Receiver::new(|request| match request.path.as_str() {
        "/gone" => Reply::status(410),
        _ => Reply::status(503),
    })
    .await;
    let gone = "webhooks create --disable-on-gone true --events boss.spawned --url";
    home.stdout(&format!("{gone} {}", receiver.url("/gone"))).await;
    let disabled = scene.team.webhook(&receiver.url("/disabled"), &["ticket.closed"]).await.seen.id;
    let deleted = scene.team.webhook(&receiver.url("/deleted"), &["ticket.created"]).await.seen.id;
    for event_type in ["boss.spawned", "ticket.closed", "ticket.created"] {
        scene.team.publish(event_type, &ticket("cancelled")).await;
    }
    cstar_testkit::until("two failed attempts on record", async || {
        (scene.team.deliveries("status=retrying").await.len() == 2).then_some(())
    })
    .await;
    home.stdout(&format!("webhooks update {disabled} --disable")).await;
    home.stdout(&format!("webhooks delete {deleted} --yes")).await;
    scene.team.until_ended("status=cancelled", 3).await;
    assert_snapshot!(home.run("deliveries list").await, @r"
    exit 0
    --- stdout
    ID                              STATUS     TRIES  TYPE            WEBHOOK                        LAST
    dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx  cancelled  1      ticket.created  wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  its webhook was deleted
    dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx  cancelled  1      ticket.closed   wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  its webhook was disabled
    dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx  cancelled  1      boss.spawned    wh_xxxxxxxxxxxxxxxxxxxxxxxxxx  its endpoint is gone: it answered 410
    ");
}

/// SEC-2: keys are listed with what they may do, made and revoked; a key is shown once.
#[tokio::test]
async fn keys() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let create = "keys create --name dashboard --scopes events:read,webhooks:read --types 'ticket.*'";
    let made = home.run(&format!("{create} --expires-at 2999-01-01T00:00:00Z")).await;
    assert_snapshot!(made, @r#"
    exit 0
    --- stdout
    {
      "id": "key_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "name": "dashboard",
      "scopes": [
        "events:read",
        "webhooks:read"
      ],
      "types": [
        "ticket.*"
      ],
      "created_at": "0000-00-00T00:00:00.000Z",
      "expires_at": "0000-00-00T00:00:00.000Z",
      "revoked_at": null,
      "last_used_at": null,
      "key": "csk_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    }
    --- stderr
    The key is shown this once: keep it where your application finds it.
    "#);
    let list = home.run("keys list").await;
    assert_snapshot!(list, @r"
    exit 0
    --- stdout
    ID                              NAME        SCOPES                     TYPES     LAST USED             STATE
    key_xxxxxxxxxxxxxxxxxxxxxxxxxx  dashboard   events:read,webhooks:read  ticket.*  never                 until 0000-00-00T00:00:00Z
    key_xxxxxxxxxxxxxxxxxxxxxxxxxx  under test  all                        *         0000-00-00T00:00:00Z  valid
    ");
    assert_snapshot!(home.run(&format!("keys revoke {} --yes", id(&made.stdout, "key_"))).await, @r"
    exit 0
    --- stderr
    revoked key_xxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
    let rows = home.stdout("keys list").await;
    assert!(rows.lines().any(|row| row.contains("dashboard") && row.contains("revoked")), "{rows}");
}

/// Teams, with the platform key.
#[tokio::test]
async fn teams() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let run = async |line: &str| home.cstar(line).env("CSTAR_KEY", PLATFORM_KEY).run().await;
    let id = "550e8400-e29b-41d4-a716-446655440000";
    assert_snapshot!(run(&format!("teams create --name Support --id {id}")).await, @r#"
    exit 0
    --- stdout
    {
      "id": "550e8400-e29b-41d4-a716-446655440000",
      "name": "Support",
      "created_at": "0000-00-00T00:00:00.000Z"
    }
    "#);
    assert_snapshot!(run("teams list").await, @r"
    exit 0
    --- stdout
    ID                                    NAME        CREATED
    550e8400-e29b-41d4-a716-446655440000  Support     0000-00-00T00:00:00Z
    TEAM  under test  0000-00-00T00:00:00Z
    ");
    assert_snapshot!(run(&format!("teams get {id} --json")).await, @r#"
    exit 0
    --- stdout
    {"id":"550e8400-e29b-41d4-a716-446655440000","name":"Support","created_at":"0000-00-00T00:00:00.000Z"}
    "#);
    assert_snapshot!(run(&format!("teams delete {id} --yes")).await, @r"
    exit 0
    --- stderr
    deleted 550e8400-e29b-41d4-a716-446655440000
    ");
    assert_snapshot!(run(&format!("teams get {id}")).await, @r"
    exit 5
    --- stderr
    error: not_found: there is nothing here, or not for this key (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// Who changed what, and from where: of the team with its key, of all with the platform key.
#[tokio::test]
async fn audit() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let create = "webhooks create --url http://127.0.0.1:9999/a --events 'ticket.*' --json";
    let made = home.stdout(create).await;
    home.stdout(&format!("webhooks delete {} --yes", id(&made, "wh_"))).await;
    assert_snapshot!(home.run("audit list").await, @r"
    exit 0
    --- stdout
    AT                    ACTION           BY                              FROM       WHAT
    0000-00-00T00:00:00Z  webhook.deleted  key_xxxxxxxxxxxxxxxxxxxxxxxxxx  127.0.0.1  wh_xxxxxxxxxxxxxxxxxxxxxxxxxx
    0000-00-00T00:00:00Z  webhook.created  key_xxxxxxxxxxxxxxxxxxxxxxxxxx  127.0.0.1  wh_xxxxxxxxxxxxxxxxxxxxxxxxxx
    0000-00-00T00:00:00Z  key.created      platform                        127.0.0.1  key_xxxxxxxxxxxxxxxxxxxxxxxxxx
    0000-00-00T00:00:00Z  team.created     platform                        127.0.0.1  TEAM
    ");
    assert_snapshot!(home.run("audit list --action webhook.deleted --json").await, @r#"
    exit 0
    --- stdout
    {"id":"aud_xxxxxxxxxxxxxxxxxxxxxxxxxx","at":"0000-00-00T00:00:00.000Z","action":"webhook.deleted","actor":{"kind":"key","id":"key_xxxxxxxxxxxxxxxxxxxxxxxxxx"},"resource":"wh_xxxxxxxxxxxxxxxxxxxxxxxxxx","team_id":"TEAM","address":"127.0.0.1","request_id":"req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}
    "#);
    assert_eq!(home.stdout("audit list --actor platform --json").await.lines().count(), 2);
    assert_snapshot!(home.run("audit list --all-teams").await, @r"
    exit 3
    --- stderr
    error: missing_scope: this takes the platform key alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    let everywhere = home.cstar("audit list --all-teams --json").env("CSTAR_KEY", PLATFORM_KEY).run().await;
    assert_eq!((everywhere.code, everywhere.stdout.lines().count()), (Some(0), 4));
    assert_eq!(home.run("audit list --action webhook").await.code, Some(2));
}
