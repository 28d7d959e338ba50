//! What is looked up: the catalog, completions and manual pages.

use cstar_testkit::PLATFORM_KEY;
use insta::assert_snapshot;

use crate::home::Home;
use crate::scene::Scene;

/// W29: the fourteen types, and each with its schema and example.
#[tokio::test]
async fn event_types() {
    let scene = Scene::set().await;
    assert_snapshot!(scene.home.run("event-types list --limit 3").await, @r"
    exit 0
    --- stdout
    TYPE            FIRES
    ticket.created  When a new ticket is created via app, widget, API, or email.
    ticket.updated  When a ticket status, priority, or assignment changes. A ticket that is resolved or closed publishes `ticket.updated`, then `ticket.closed`.
    ticket.closed   When a ticket is resolved or closed: once for each passage from open, after the `ticket.updated` of the same change. A resolved ticket that is then closed does not publish it again; one that was reopened in between does.
    --- stderr
    more: --after ticket.closed
    ");
    assert_eq!(scene.home.stdout("event-types list --json").await.lines().count(), 14);
    let one = scene.home.stdout("event-types get boss.defeated --json").await;
    let one: cstar_wire::EventTypeEntry = serde_json::from_str(&one).unwrap();
    assert_eq!(one.event_type.as_str(), "boss.defeated");
    assert_eq!(scene.home.run("event-types get no.such").await.code, Some(5));
}

const PAID: &str = r#"{
  "description": "An order is paid",
  "fires_on": "When its payment is confirmed.",
  "schema": { "type": "object", "required": ["id"] },
  "example": { "id": "42" }
}"#;

/// W56: a type that the platform adds is put, shown, put again as it was shown, triggered with its example, and deleted.
#[tokio::test]
async fn an_event_type_is_added() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let platform = |line: &str| home.cstar(line).env("CSTAR_KEY", PLATFORM_KEY);
    let put = "event-types put order.paid --file -";
    assert_snapshot!(platform(put).stdin(PAID).run().await, @r#"
    exit 0
    --- stdout
    {
      "type": "order.paid",
      "description": "An order is paid",
      "fires_on": "When its payment is confirmed.",
      "builtin": false,
      "schema": {"type":"object","required":["id"]},
      "example": {"id":"42"}
    }
    "#);
    let shown = home.stdout("event-types get order.paid --json").await;
    assert_eq!(platform(&format!("{put} --json")).stdin(&shown).run().await.stdout, shown);
    assert_snapshot!(home.run("trigger order.paid --json").await, @r#"
    exit 0
    --- stdout
    {"id":"evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"order.paid","team_id":"TEAM","created_at":"0000-00-00T00:00:00Z","data":{"id":"42"}}
    "#);
    assert_snapshot!(home.run("trigger order.payd").await, @r"
    exit 2
    --- stderr
    error: there is no event type `order.payd`
    hint:  did you mean order.paid?
    ");
    assert_snapshot!(platform("event-types delete order.paid --yes").run().await, @r"
    exit 0
    --- stderr
    deleted order.paid
    ");
    assert_eq!(home.run("events publish order.paid --data '{}'").await.code, Some(5));
    assert_eq!(home.stdout("events list --json").await.lines().count(), 1, "its event stays");
}

/// What cannot be put is told by its place; built-in types stay as they are.
#[tokio::test]
async fn a_bad_event_type_is_refused() {
    let scene = Scene::set().await;
    let platform = |line: &str| scene.home.cstar(line).env("CSTAR_KEY", PLATFORM_KEY);
    let put = "event-types put order.paid --file -";
    assert_snapshot!(platform(put).stdin("{}").run().await, @r"
    exit 2
    --- stderr
    error: --file: missing field `description` at line 1 column 2
    hint:  write {description, fires_on, schema, example}; `cstar event-types get ticket.created` shows one
    ");
    let looping = PAID.replace(r#""required": ["id"]"#, r##""$ref": "#""##);
    assert_snapshot!(platform(put).stdin(&looping).run().await, @r"
    exit 5
    --- stderr
    error: invalid_field: A field has a wrong value
      /schema/$ref  a `$ref` leads to a place below the root of this very schema, as `#/$defs/name`; nothing is fetched
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(platform("event-types put ticket.created --file -").stdin(PAID).run().await, @r"
    exit 5
    --- stderr
    error: conflict: this type is built in: it can be neither changed nor deleted (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(platform("event-types delete order.paid --yes").run().await, @r"
    exit 5
    --- stderr
    error: not_found: there is nothing here, or not for this key (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// Every shell gets a script that knows the commands.
#[tokio::test]
async fn completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.stdout(&format!("completions {shell}")).await;
        assert!(script.contains("rotate-secret"), "{shell}");
    }
    let checked = home.program("bash", &["-n"]).stdin(&home.stdout("completions bash").await).run().await;
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""), "it is a script");
    assert_eq!(home.run("completions tcsh").await.code, Some(2));
}

/// A page for `cstar`, and one for each command at every depth.
#[tokio::test]
async fn manual_pages() {
    let home = Home::new();
    let page = home.stdout("man").await;
    assert!(page.contains(".TH cstar 1") && page.contains("\ncstar dev "), "{page}");
    let page = home.stdout("man webhooks test").await;
    assert!(page.contains("webhooks") && page.contains("Send an example to it now"), "{page}");
    assert_snapshot!(home.run("man webhooks nothing").await, @r"
    exit 2
    --- stderr
    error: `cstar webhooks nothing` is no command
    hint:  `cstar --help` lists the commands
    ");
}
