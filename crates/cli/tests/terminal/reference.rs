//! What is looked up: the catalog, completions and manual pages.

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
