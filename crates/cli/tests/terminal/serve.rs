//! `cstar serve`, as far as it speaks to a terminal.

use cstar_server::SETTINGS;
use insta::assert_snapshot;
use serde_json::Value;

use crate::cstar;
use crate::home::Home;

/// Each setting is shown with its value and where that came from; secrets are only said to be set (SEC-3).
#[tokio::test]
async fn the_settings_are_shown_with_their_sources() {
    let home = Home::new();
    home.write(
        "cstar.toml",
        "retention = \"7d\"\nmax-in-flight = 64\nallow-http = true\nlisten = \"127.0.0.1:1\"\n",
    );
    let printed = home
        .cstar("serve --config cstar.toml --listen 127.0.0.1:7171 --print-config")
        .env("CSTAR_RETENTION", "14d")
        .env("CSTAR_PLATFORM_KEY", "canary-of-32-characters-or-more!")
        .env("CSTAR_LOG", "");
    let printed = printed.run().await.stdout;
    for line in [
        r#"listen = "127.0.0.1:7171"  # flag"#,
        r#"data = "cstar-data"  # default"#,
        "# public-url is not set",
        r#"max-in-flight = "64"  # file"#,
        r#"retention = "14d"  # environment"#,
        r#"allow-http = "true"  # file"#,
        r#"log = "info"  # default"#,
        "# master-key is not set",
        "# platform-key is set  # environment",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "no `{line}` in\n{printed}");
    }
    assert_eq!(printed.lines().count(), SETTINGS.len());
    assert!(!printed.contains("canary"));
    let json = home.cstar("serve --print-config --json").env("CSTAR_CONFIG", "cstar.toml").run().await;
    let rows: Vec<Value> = json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        rows.contains(&serde_json::json!({"name": "retention", "value": "7d", "source": "file"})),
        "{json}"
    );
}

/// What cannot be used is refused before anything is opened, with what to do.
#[tokio::test]
async fn unsound_settings_are_refused() {
    let home = Home::new();
    assert_snapshot!(home.run("serve --retention 2d --retry-schedule 3d").await, @r"
    exit 2
    --- stderr
    error: --retry-schedule goes on for longer than --retention keeps events: shorten one or lengthen the other
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    assert_snapshot!(home.run("serve --tls-cert cert.pem").await, @r"
    exit 2
    --- stderr
    error: --tls-cert and --tls-key go together: give both or neither
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    assert_snapshot!(home.run("serve --listen 7070").await, @r"
    exit 2
    --- stderr
    error: --listen (from the flag): write an address and a port, such as 0.0.0.0:7070 or [::1]:7070
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    assert_snapshot!(home.cstar("serve").env("CSTAR_ATTEMPT_TIMEOUT", "5").run().await, @r"
    exit 2
    --- stderr
    error: --attempt-timeout (from the environment): write a whole number with a unit (ms, s, m, h, d), such as 10s
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    assert_snapshot!(home.cstar("serve").env("CSTAR_PLATFORM_KEY", "short").run().await, @r"
    exit 2
    --- stderr
    error: CSTAR_PLATFORM_KEY must have at least 32 characters: take 32 random bytes in hex
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    assert_snapshot!(home.run("serve --config missing.toml").await, @r"
    exit 2
    --- stderr
    error: missing.toml: No such file or directory (os error 2)
    ");
    home.write("bad.toml", "lissten = \"127.0.0.1:7070\"\n");
    assert_snapshot!(home.run("serve --config bad.toml").await, @r"
    exit 2
    --- stderr
    error: the configuration file has `lissten`, which is no setting; `cstar serve --help` lists them
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    home.write("bad.toml", "platform-key = \"x\"\n");
    assert_snapshot!(home.run("serve --config bad.toml").await, @r"
    exit 2
    --- stderr
    error: `platform-key` is a secret and is not read from the file: set CSTAR_PLATFORM_KEY
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    home.write("bad.toml", "[serve\n");
    assert_snapshot!(home.run("serve --config bad.toml").await, @r"
    exit 2
    --- stderr
    error: the configuration file is no TOML (line 1, column 7): unclosed table, expected `]`
    hint:  `cstar serve --help` lists the settings, `--print-config` shows them
    ");
    assert_snapshot!(home.run("serve --key csk_x").await, @r"
    exit 2
    --- stderr
    error: --key is for the commands that speak to a server; this one is the server
    ");
    assert!(!home.path("cstar-data").exists());
}

/// A variable that looks like a setting and is none is told, and not passed over in silence.
#[tokio::test]
async fn a_misspelt_variable_is_told() {
    let home = Home::new();
    let serve = home.cstar("serve --print-config --json").env("CSTAR_ATTEMPT_TIMOUT", "5s");
    let told = serve.env("CSTAR_KEY", "csk_x").run().await;
    assert_eq!(told.code, Some(0), "{told}");
    assert_snapshot!(told.stderr, @"warning: CSTAR_ATTEMPT_TIMOUT is no setting and is ignored; did you mean CSTAR_ATTEMPT_TIMEOUT?");
}

/// The platform key is shown at the first start alone, on stdout; what is logged goes to stderr, without colours in a pipe.
#[tokio::test]
async fn the_platform_key_is_shown_once() {
    let home = Home::new();
    let serve = |flags: &str| home.start(&format!("serve --listen 127.0.0.1:0 {flags}"));
    let served = async |running: crate::running::Running| {
        running.until_noted("serving").await;
        running.interrupted(&home).await
    };
    let first = serve("--json");
    let first = served(first).await;
    assert_eq!(first.code, Some(0));
    assert_snapshot!(home.shown(&first.stdout), @r#"{"key":"csp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","told":"platform_key"}"#);
    let told: Value = serde_json::from_str(&first.stdout).unwrap();
    let key = told["key"].as_str().unwrap();
    assert!(!first.stderr.contains(key) && !first.stderr.contains('\u{1b}'), "{first}");
    let second = served(serve("")).await;
    assert_eq!((second.code, second.stdout.as_str()), (Some(0), ""));

    let other = home.start("serve --listen 127.0.0.1:0 --data other");
    assert_snapshot!(home.shown(&served(other).await.stdout), @"platform key: csp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

/// A second server on the data directory is refused, and says which.
#[tokio::test]
async fn a_second_server_is_refused() {
    let mut first = cstar();
    first.start().await;
    let home = Home::new();
    let data = first.data().display().to_string();
    home.call(&data, "DATA");
    assert_snapshot!(home.run(&format!("serve --listen 127.0.0.1:0 --data {data}")).await, @r"
    exit 1
    --- stderr
    error: another cstar process uses the data directory DATA: stop it, or give this one a directory of its own
    ");
    assert!(first.runs());
    let address = first.address().to_string();
    home.call(&address, "SERVER");
    assert_snapshot!(home.run(&format!("serve --listen {address} --log off")).await, @r"
    exit 2
    --- stderr
    error: cannot listen on SERVER: Address already in use (os error 98); give another address, or free this one
    ");
}
