//! Every help, as it is printed: what it does, in the words of whoever looks it up.

use cstar_server::{SETTINGS, SettingKind};
use insta::assert_snapshot;

use crate::home::Home;

/// Where what all commands take begins.
const SHARED: &str = "Global options:\n";

/// The help of a command, without what all commands take, which must be the same everywhere.
async fn help(command: &str) -> String {
    let home = Home::new();
    let (own, shared) = split(&home.stdout(&format!("{command} --help")).await);
    if !matches!(command, "serve" | "dev") {
        let (_, of_root) = split(&home.stdout("--help").await);
        assert_eq!(shared, of_root, "{command}");
    }
    own
}

fn split(help: &str) -> (String, String) {
    let (own, shared) = help.split_once(SHARED).unwrap_or_else(|| panic!("no `{SHARED}` in {help}"));
    (own.trim_end().to_owned(), shared.to_owned())
}

#[tokio::test]
async fn of_cstar_itself() {
    let home = Home::new();
    assert_snapshot!(home.stdout("--help").await, @"");
    let bare = home.run("").await;
    assert_eq!(
        (bare.code, bare.stdout.as_str()),
        (Some(2), ""),
        "it is told what there is, and that nothing was done"
    );
    assert_eq!(bare.stderr, home.stdout("--help").await);
}

/// The help of a server with its lines joined: they break wherever the width ends.
async fn of_a_server(command: &str) -> String {
    let help = help(command).await;
    let of_clients = ["--server", "--key ", "--team", "--profile", "--yes"];
    assert!(of_clients.iter().all(|flag| !help.contains(flag)), "{help}");
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every setting is there with its flag, its variable and its default, in the order of the table that it comes from.
#[tokio::test]
async fn of_serve() {
    let help = of_a_server("serve").await;
    assert!(help.starts_with("Examples: cstar serve --listen 0.0.0.0:7070 --data /var/lib/cstar "), "{help}");
    let mut rest = help.as_str();
    for setting in SETTINGS.iter().filter(|setting| setting.kind != SettingKind::Secret) {
        let placeholder = match setting.kind {
            SettingKind::Value(placeholder) => format!(" <{placeholder}>"),
            _ => String::new(),
        };
        let default = setting.default.map(|default| format!(", default: {default}")).unwrap_or_default();
        let (name, text, variable) = (setting.name, setting.help, setting.variable());
        let line = format!(" --{name}{placeholder} {text} [env: {variable}{default}]");
        let begin = rest.find(&line).unwrap_or_else(|| panic!("no `{line}` in {rest}"));
        rest = &rest[begin + line.len()..];
    }
}

/// The same flags, with what holds there unless said otherwise.
#[tokio::test]
async fn of_dev() {
    let help = of_a_server("dev").await;
    let (_, options) = help.split_once(" Options: ").unwrap();
    for (flag, default) in [
        ("--listen", "127.0.0.1:7070"),
        ("--data", ".cstar"),
        ("--allow-http", "true"),
        ("--allow-targets", "127.0.0.0/8,::1/128"),
        ("--log", "error"),
        ("--retry-schedule", "1m,5m,30m"),
    ] {
        let (_, behind) = options.split_once(&format!("{flag} ")).expect(flag);
        let (line, _) = behind.split_once(']').unwrap();
        assert!(line.ends_with(&format!(", default: {default}")), "{flag}: {line}");
    }
}

#[tokio::test]
async fn of_listen_and_trigger() {
    assert_snapshot!(help("listen").await, @"");
    assert_snapshot!(help("trigger").await, @"");
}

#[tokio::test]
async fn of_events() {
    assert_snapshot!(help("events").await, @"");
    assert_snapshot!(help("events list").await, @"");
    assert_snapshot!(help("events get").await, @"");
    assert_snapshot!(help("events publish").await, @"");
    assert_snapshot!(help("events tail").await, @"");
}

#[tokio::test]
async fn of_webhooks() {
    assert_snapshot!(help("webhooks").await, @"");
    assert_snapshot!(help("webhooks list").await, @"");
    assert_snapshot!(help("webhooks get").await, @"");
    assert_snapshot!(help("webhooks create").await, @"");
    assert_snapshot!(help("webhooks update").await, @"");
    assert_snapshot!(help("webhooks rotate-secret").await, @"");
    assert_snapshot!(help("webhooks end-overlap").await, @"");
    assert_snapshot!(help("webhooks delete").await, @"");
}

#[tokio::test]
async fn of_deliveries() {
    assert_snapshot!(help("deliveries").await, @"");
    assert_snapshot!(help("deliveries list").await, @"");
    assert_snapshot!(help("deliveries get").await, @"");
    assert_snapshot!(help("deliveries resend").await, @"");
}

#[tokio::test]
async fn of_keys_and_teams() {
    assert_snapshot!(help("keys").await, @"");
    assert_snapshot!(help("keys list").await, @"");
    assert_snapshot!(help("keys create").await, @"");
    assert_snapshot!(help("keys revoke").await, @"");
    assert_snapshot!(help("teams").await, @"");
    assert_snapshot!(help("teams list").await, @"");
    assert_snapshot!(help("teams get").await, @"");
    assert_snapshot!(help("teams create").await, @"");
    assert_snapshot!(help("teams delete").await, @"");
}
