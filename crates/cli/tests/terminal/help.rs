//! Every help, as it is printed: what it does, in the words of whoever looks it up.
// tidy: long because it holds the whole text of every help

use cstar_server::{SETTINGS, SettingKind};
use insta::assert_snapshot;

use crate::home::Home;

/// Where what all commands take begins.
const SHARED: &str = "Global options:\n";

/// The help of a command, without what all commands take, which must be the same everywhere.
pub(crate) async fn help(command: &str) -> String {
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
    assert_snapshot!(home.stdout("--help").await, @r"
    Examples:
      cstar dev                                                 a server on this machine
      cstar listen --forward-to http://localhost:3000/webhook   events, forwarded to your server
      cstar trigger ticket.created                              a test event

    Webhooks and live streams from one log that loses nothing

    Usage: cstar [OPTIONS] <COMMAND>

    Commands:
      serve              Run a server, for production
      dev                Run a server on this machine, with a team, a key and a profile ready to use
      listen             Show the team's events as they happen, and forward them to a local server
      trigger            Publish a test event
      events             The team's events
      webhooks           The team's webhooks
      deliveries         The webhook logs
      operations         Long work that goes on after its call: resends of many, recoveries
      keys               The team's keys
      teams              Teams, with the platform key
      event-types        What can be published
      notices            Who hears what the server does by itself, with the platform key
      audit              Who changed what, when, and from where
      backup             Copy everything that a server stores, while it goes on; with the platform key
      restore            Make a data directory of a backup
      check              Look at all of a data directory, on which no server runs, for damage
      move               Move all of a data directory, on which no server runs, into a PostgreSQL
                         database that several nodes share
      rotate-master-key  Encrypt the secrets of a data directory, on which no server runs, with a new
                         master key
      verify             Check a request against a webhook's secret, and say what is wrong
      login              Keep a server, a team and a key, read from standard input, as a profile
      whoami             Show which server, team and key commands use
      profiles           List the profiles; * marks the one that is used
      completions        Print what lets a shell complete `cstar`
      man                Print the manual page of `cstar`, or of a command
      help               Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Global options:
          --server <URL>    The server [env: CSTAR_URL]
          --key <KEY>       The key; better in the environment than here, where others on this machine
                            can see it [env: CSTAR_KEY]
          --team <TEAM>     The team [env: CSTAR_TEAM_ID]
          --profile <NAME>  Which profile holds the server, the key and the team; `dev` unless said
                            [env: CSTAR_PROFILE]
          --json            Answer in JSON, one object a line
          --color <WHEN>    Whether to use colours [default: auto] [possible values: auto, always,
                            never]
      -y, --yes             Do not ask
    ");
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
            SettingKind::Value(placeholder) | SettingKind::Url(placeholder) => format!(" <{placeholder}>"),
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
    assert_snapshot!(help("listen").await, @r"
    Examples:
      cstar listen --forward-to http://localhost:3000/webhook
      cstar listen --forward-to 3000 --events 'ticket.*,boss.defeated'
      export WEBHOOK_SECRET=$(cstar listen --print-secret)

    Show the team's events as they happen, and forward them to a local server

    Usage: cstar listen [OPTIONS]

    Options:
          --forward-to <URL>   Where to forward: a URL, a port, host:port/path or /path; may be repeated
          --events <PATTERNS>  Which events; all unless said
      -H, --header <HEADER>    A further header for what is forwarded, as 'Name: value'; may be repeated
          --print-secret       Print the signing secret and nothing else
          --secret <SECRET>    Sign with this secret (whsec_…) instead of the listener's own
          --skip-verify        Do not verify the certificate of an https target
          --timeout <TIME>     How long to wait for the local server's answer [default: 10s]
          --after <POSITION>   Replay what came after this position first; 0 is the oldest that is kept
      -h, --help               Print help
    ");
    assert_snapshot!(help("trigger").await, @r"
    Examples:
      cstar trigger ticket.created
      cstar trigger ticket.created --set title='Printer on fire' --set priority=urgent
      cstar trigger boss.defeated --listeners-only --count 10
      cstar trigger customer.created --wait --timeout 30s

    Publish a test event

    Usage: cstar trigger [OPTIONS] <TYPE>

    Arguments:
      <TYPE>  The type, such as ticket.created

    Options:
          --data <FILE|-|JSON>  The data instead of the example: a file, - for standard input, or the
                                JSON itself
          --set <PATH=VALUE>    Change a value of the data; may be repeated
          --add                 Let --set add what the data lacks
          --count <N>           How many events [default: 1]
          --listeners-only      Only for listeners and streams: registered webhooks get nothing
          --wait                Wait until every registered webhook has it; exit with 6 if one does not
                                get it
          --timeout <TIME>      How long --wait waits [default: 60s]
      -h, --help                Print help
    ");
}

#[tokio::test]
async fn of_events() {
    assert_snapshot!(help("events").await, @r#"
    Examples:
      cstar events list --types 'ticket.*' --limit 10
      cstar events publish boss.spawned --data '{"id":"42"}'
      cstar events tail

    The team's events

    Usage: cstar events [OPTIONS] <COMMAND>

    Commands:
      list     List events, newest first
      get      Show one event, byte for byte
      publish  Publish an event
      resend   Deliver one to a webhook, whether it matched or not
      erase    Erase the data of one for good, with the platform key
      tail     Show events as they happen, one envelope a line
      help     Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    "#);
    assert_snapshot!(help("events list").await, @r"
    Examples:
      cstar events list
      cstar events list --types 'ticket.*,boss.defeated' --since 2025-12-10T14:30:00Z
      cstar events list --json --limit 1000

    List events, newest first

    Usage: cstar events list [OPTIONS]

    Options:
          --limit <N>         At most so many rows [default: 50]
          --after <ROW>       Begin behind this row: an id, a position, or what the page before ended
                              with
          --since <TIME>      From this time on, such as 2025-12-10T14:30:00Z
          --until <TIME>      Before this time
          --types <PATTERNS>  Which types
          --oldest-first      Oldest first
      -h, --help              Print help
    ");
    assert_snapshot!(help("events get").await, @r"
    Examples:
      cstar events get evt_…

    Show one event, byte for byte

    Usage: cstar events get [OPTIONS] <EVENT>

    Arguments:
      <EVENT>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("events publish").await, @r#"
    Examples:
      cstar events publish ticket.closed --data '{"id":"42"}'
      cstar events publish ticket.closed --data ticket.json --idempotency-key ticket-42-closed
      cstar events publish ticket.closed --data - --no-webhooks

    Publish an event

    Usage: cstar events publish [OPTIONS] --data <FILE|-|JSON> <TYPE>

    Arguments:
      <TYPE>  The type

    Options:
          --data <FILE|-|JSON>     Its data: a file, - for standard input, or the JSON itself
          --idempotency-key <KEY>  A repeat with the same key finds the first event
          --no-webhooks            Make no webhook deliveries
      -h, --help                   Print help
    "#);
    assert_snapshot!(help("events resend").await, @r"
    Examples:
      cstar events resend evt_… --webhook wh_…

    Deliver one to a webhook, whether it matched or not

    Usage: cstar events resend [OPTIONS] --webhook <WEBHOOK> <EVENT>

    Arguments:
      <EVENT>  Its id

    Options:
          --webhook <WEBHOOK>  To which webhook
      -h, --help               Print help
    ");
    assert_snapshot!(help("events erase").await, @r"
    Examples:
      cstar events erase evt_…
      cstar events erase evt_… --yes

    Erase the data of one for good, with the platform key

    Usage: cstar events erase [OPTIONS] <EVENT>

    Arguments:
      <EVENT>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("events tail").await, @r"
    Examples:
      cstar events tail
      cstar events tail --types 'ticket.*'
      cstar events tail --after 0 --until-head   everything that is kept, and no more

    Show events as they happen, one envelope a line

    Usage: cstar events tail [OPTIONS]

    Options:
          --types <PATTERNS>  Which types
          --after <POSITION>  Replay what came after this position first; 0 is the oldest that is kept
          --until-head        End once everything up to now was shown
      -h, --help              Print help
    ");
}

#[tokio::test]
async fn of_webhooks() {
    assert_snapshot!(help("webhooks").await, @r"
    Examples:
      cstar webhooks create --url https://example.com/webhook --events 'ticket.*'
      cstar webhooks list

    The team's webhooks

    Usage: cstar webhooks [OPTIONS] <COMMAND>

    Commands:
      list           List webhooks, newest first
      get            Show one
      create         Register a URL; its secret is shown this once
      update         Change one; what is not said stays
      rotate-secret  Replace the secret; the new one is shown this once
      end-overlap    End the overlap of a rotation: the secret before is no longer valid
      test           Send an example to it now, as a test event, and show what comes of it; exit with 6
                     if it fails
      recover        Send again what it did not get: what failed, was cancelled, or happened while it
                     was disabled
      delete         Delete one; what waits is cancelled
      help           Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("webhooks list").await, @r"
    Examples:
      cstar webhooks list

    List webhooks, newest first

    Usage: cstar webhooks list [OPTIONS]

    Options:
          --limit <N>    At most so many rows [default: 50]
          --after <ROW>  Begin behind this row: an id, a position, or what the page before ended with
      -h, --help         Print help
    ");
    assert_snapshot!(help("webhooks get").await, @r"
    Examples:
      cstar webhooks get wh_…

    Show one

    Usage: cstar webhooks get [OPTIONS] <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("webhooks create").await, @r"
    Examples:
      cstar webhooks create --url https://example.com/webhook --events '*'
      cstar webhooks create --url https://example.com/webhook --events 'ticket.*' -H 'X-Token: abc'

    Register a URL; its secret is shown this once

    Usage: cstar webhooks create [OPTIONS] --url <URL> --events <PATTERNS>

    Options:
          --url <URL>                     Where requests go
          --events <PATTERNS>             Which events
          --filter <FILE|-|JSON>          Which of those events, by their data
          --description <TEXT>            For people
          --ordered <true|false>          Whether its deliveries go one at a time, in the log's order
                                          [possible values: true, false]
          --rate-limit <N>                At most so many attempts a second
          --retry-schedule <WAITS>        Its own waits between attempts, such as 1m,5m,30m
      -H, --header <HEADER>               A header for every request, as 'Name: value'; may be repeated,
                                          and replaces those before
          --disable-on-gone <true|false>  Whether an answer of 410 disables it [possible values: true,
                                          false]
          --secret <SECRET>               A secret that the receiver knows already (whsec_…)
      -h, --help                          Print help
    ");
    assert_snapshot!(help("webhooks update").await, @r#"
    Examples:
      cstar webhooks update wh_… --events 'ticket.*,survey.submitted'
      cstar webhooks update wh_… --filter '{"pointer":"/priority","equals":"high"}'
      cstar webhooks update wh_… --ordered true --rate-limit 10
      cstar webhooks update wh_… --disable

    Change one; what is not said stays

    Usage: cstar webhooks update [OPTIONS] <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
          --url <URL>                     A new URL
          --events <PATTERNS>             New patterns
          --filter <FILE|-|JSON>          Which of those events, by their data
          --description <TEXT>            For people
          --ordered <true|false>          Whether its deliveries go one at a time, in the log's order
                                          [possible values: true, false]
          --rate-limit <N>                At most so many attempts a second
          --retry-schedule <WAITS>        Its own waits between attempts, such as 1m,5m,30m
      -H, --header <HEADER>               A header for every request, as 'Name: value'; may be repeated,
                                          and replaces those before
          --disable-on-gone <true|false>  Whether an answer of 410 disables it [possible values: true,
                                          false]
          --no-filter                     Take its filter away
          --no-rate-limit                 Take its rate limit away
          --enable                        Enable it
          --disable                       Disable it; what waits is cancelled
      -h, --help                          Print help
    "#);
    assert_snapshot!(help("webhooks rotate-secret").await, @r"
    Examples:
      cstar webhooks rotate-secret wh_…
      cstar webhooks rotate-secret wh_… --overlap 3d
      cstar webhooks rotate-secret wh_… --overlap 0s                   the secret has leaked

    Replace the secret; the new one is shown this once

    Usage: cstar webhooks rotate-secret [OPTIONS] <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
          --overlap <TIME>   How long the secret before stays valid too: 24h unless said, at most 7d; 0s
                             ends it at once
          --secret <SECRET>  A secret that the receiver knows already (whsec_…)
      -h, --help             Print help
    ");
    assert_snapshot!(help("webhooks end-overlap").await, @r"
    Examples:
      cstar webhooks end-overlap wh_…

    End the overlap of a rotation: the secret before is no longer valid

    Usage: cstar webhooks end-overlap [OPTIONS] <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("webhooks test").await, @r"
    Examples:
      cstar webhooks test wh_…
      cstar webhooks test wh_… --type boss.defeated

    Send an example to it now, as a test event, and show what comes of it; exit with 6 if it fails

    Usage: cstar webhooks test [OPTIONS] <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
          --type <TYPE>  Of which type; the first of the catalog that it wants, unless said
      -h, --help         Print help
    ");
    assert_snapshot!(help("webhooks recover").await, @r"
    Examples:
      cstar webhooks recover wh_… --since 2025-12-10T14:30:00Z
      cstar webhooks recover wh_… --since 2025-12-10T14:30:00Z --until 2025-12-10T18:00:00Z

    Send again what it did not get: what failed, was cancelled, or happened while it was disabled

    Usage: cstar webhooks recover [OPTIONS] --since <TIME> <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
          --since <TIME>  Events from this time on, such as 2025-12-10T14:30:00Z
          --until <TIME>  Events before this time; all until now unless said
          --no-wait       Begin it and do not wait for its end
      -h, --help          Print help
    ");
    assert_snapshot!(help("webhooks delete").await, @r"
    Examples:
      cstar webhooks delete wh_…

    Delete one; what waits is cancelled

    Usage: cstar webhooks delete [OPTIONS] <WEBHOOK>

    Arguments:
      <WEBHOOK>  Its id

    Options:
      -h, --help  Print help
    ");
}

#[tokio::test]
async fn of_deliveries() {
    assert_snapshot!(help("deliveries").await, @r"
    Examples:
      cstar deliveries list --status failed
      cstar deliveries get dlv_…
      cstar deliveries resend dlv_…

    The webhook logs

    Usage: cstar deliveries [OPTIONS] <COMMAND>

    Commands:
      list    List deliveries, newest first
      get     Show one and its attempts
      resend  Send one again, with a new schedule, or all ended ones that the flags describe
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("deliveries list").await, @r"
    Examples:
      cstar deliveries list --status failed
      cstar deliveries list --webhook wh_… --since 2025-12-10T14:30:00Z
      cstar deliveries list --event evt_…

    List deliveries, newest first

    Usage: cstar deliveries list [OPTIONS]

    Options:
          --limit <N>          At most so many rows [default: 50]
          --after <ROW>        Begin behind this row: an id, a position, or what the page before ended
                               with
          --since <TIME>       From this time on, such as 2025-12-10T14:30:00Z
          --until <TIME>       Before this time
          --webhook <WEBHOOK>  Of this webhook
          --event <EVENT>      Of this event
          --status <STATUS>    In this status: pending, retrying, delivered, failed or cancelled
          --types <PATTERNS>   Which types
      -h, --help               Print help
    ");
    assert_snapshot!(help("deliveries get").await, @r"
    Examples:
      cstar deliveries get dlv_…

    Show one and its attempts

    Usage: cstar deliveries get [OPTIONS] <DELIVERY>

    Arguments:
      <DELIVERY>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("deliveries resend").await, @r"
    Examples:
      cstar deliveries resend dlv_…
      cstar deliveries resend --webhook wh_… --status failed
      cstar deliveries resend --status failed --since 2025-12-10T14:30:00Z --dry-run

    Send one again, with a new schedule, or all ended ones that the flags describe

    Usage: cstar deliveries resend [OPTIONS] [DELIVERY]

    Arguments:
      [DELIVERY]  Its id

    Options:
          --webhook <WEBHOOK>  All to this webhook
          --status <STATUS>    All that ended so: delivered, failed or cancelled
          --types <PATTERNS>   All of events of these types
          --event <EVENT>      All of this event
          --since <TIME>       All made from this time on, such as 2025-12-10T14:30:00Z
          --until <TIME>       All made before this time
          --dry-run            Count what would be resent, and resend nothing
          --no-wait            Begin it and do not wait for its end
      -h, --help               Print help
    ");
}

#[tokio::test]
async fn of_operations() {
    assert_snapshot!(help("operations").await, @r"
    Examples:
      cstar operations list
      cstar operations cancel op_…

    Long work that goes on after its call: resends of many, recoveries

    Usage: cstar operations [OPTIONS] <COMMAND>

    Commands:
      list    List operations, newest first
      get     Show one, and how far it is
      cancel  End one where it stands; what was done stays done
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("operations list").await, @r"
    Examples:
      cstar operations list

    List operations, newest first

    Usage: cstar operations list [OPTIONS]

    Options:
          --limit <N>    At most so many rows [default: 50]
          --after <ROW>  Begin behind this row: an id, a position, or what the page before ended with
      -h, --help         Print help
    ");
    assert_snapshot!(help("operations get").await, @r"
    Examples:
      cstar operations get op_…

    Show one, and how far it is

    Usage: cstar operations get [OPTIONS] <OPERATION>

    Arguments:
      <OPERATION>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("operations cancel").await, @r"
    Examples:
      cstar operations cancel op_…

    End one where it stands; what was done stays done

    Usage: cstar operations cancel [OPTIONS] <OPERATION>

    Arguments:
      <OPERATION>  Its id

    Options:
      -h, --help  Print help
    ");
}

#[tokio::test]
async fn of_keys_and_teams() {
    assert_snapshot!(help("keys").await, @r"
    Examples:
      cstar keys create --name dashboard --scopes events:read --types 'ticket.*'
      cstar keys revoke key_…

    The team's keys

    Usage: cstar keys [OPTIONS] <COMMAND>

    Commands:
      list    List keys, newest first
      create  Make a key; it is shown this once
      revoke  Revoke a key for good; its streams end
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("keys list").await, @r"
    Examples:
      cstar keys list

    List keys, newest first

    Usage: cstar keys list [OPTIONS]

    Options:
          --limit <N>    At most so many rows [default: 50]
          --after <ROW>  Begin behind this row: an id, a position, or what the page before ended with
      -h, --help         Print help
    ");
    assert_snapshot!(help("keys create").await, @r"
    Examples:
      cstar keys create --name dashboard --scopes events:read --types 'ticket.*'
      cstar keys create --name trial --scopes events:read --expires-at 2030-01-01T00:00:00Z

    Make a key; it is shown this once

    Usage: cstar keys create [OPTIONS] --name <NAME> --scopes <SCOPES>

    Options:
          --name <NAME>        For people
          --scopes <SCOPES>    What it may do, separated by commas
          --types <PATTERNS>   Which types it sees; all unless said
          --expires-at <TIME>  From when on it opens nothing
      -h, --help               Print help
    ");
    assert_snapshot!(help("keys revoke").await, @r"
    Examples:
      cstar keys revoke key_…

    Revoke a key for good; its streams end

    Usage: cstar keys revoke [OPTIONS] <KEY>

    Arguments:
      <KEY>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("teams").await, @r"
    Examples:
      cstar teams create --name Support
      cstar teams list

    Teams, with the platform key

    Usage: cstar teams [OPTIONS] <COMMAND>

    Commands:
      list    List teams, newest first
      get     Show one
      create  Make a team
      delete  Delete a team and everything of it
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("teams list").await, @r"
    Examples:
      cstar teams list

    List teams, newest first

    Usage: cstar teams list [OPTIONS]

    Options:
          --limit <N>    At most so many rows [default: 50]
          --after <ROW>  Begin behind this row: an id, a position, or what the page before ended with
      -h, --help         Print help
    ");
    assert_snapshot!(help("teams get").await, @r"
    Examples:
      cstar teams get TEAM

    Show one

    Usage: cstar teams get [OPTIONS] <TEAM>

    Arguments:
      <TEAM>  Its id

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("teams create").await, @r"
    Examples:
      cstar teams create --name Support
      cstar teams create --name Support --id TEAM

    Make a team

    Usage: cstar teams create [OPTIONS] --name <NAME>

    Options:
          --name <NAME>  For people
          --id <UUID>    The application's own UUID for it
      -h, --help         Print help
    ");
    assert_snapshot!(help("teams delete").await, @r"
    Examples:
      cstar teams delete TEAM

    Delete a team and everything of it

    Usage: cstar teams delete [OPTIONS] <TEAM>

    Arguments:
      <TEAM>  Its id

    Options:
      -h, --help  Print help
    ");
}

#[tokio::test]
async fn of_what_is_looked_up() {
    assert_snapshot!(help("event-types").await, @r"
    Examples:
      cstar event-types list
      cstar event-types get ticket.created

    What can be published

    Usage: cstar event-types [OPTIONS] <COMMAND>

    Commands:
      list    List every type that can be published
      get     Show one: when it fires, its schema and an example
      put     Add one, or change one that was added, with the platform key
      delete  Delete one that was added: its events stay, and new ones are refused
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("event-types list").await, @r"
    Examples:
      cstar event-types list

    List every type that can be published

    Usage: cstar event-types list [OPTIONS]

    Options:
          --limit <N>    At most so many rows [default: 50]
          --after <ROW>  Begin behind this row: an id, a position, or what the page before ended with
      -h, --help         Print help
    ");
    assert_snapshot!(help("event-types get").await, @r"
    Examples:
      cstar event-types get ticket.created

    Show one: when it fires, its schema and an example

    Usage: cstar event-types get [OPTIONS] <TYPE>

    Arguments:
      <TYPE>  The type

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("event-types put").await, @r"
    Examples:
      cstar event-types put order.paid --file order.paid.json
      cstar event-types put order.paid --file -

    Add one, or change one that was added, with the platform key

    Usage: cstar event-types put [OPTIONS] --file <FILE|-|JSON> <TYPE>

    Arguments:
      <TYPE>  The type

    Options:
          --file <FILE|-|JSON>  As `get` shows one: a file, - for standard input, or the JSON itself
      -h, --help                Print help
    ");
    assert_snapshot!(help("event-types delete").await, @r"
    Examples:
      cstar event-types delete order.paid

    Delete one that was added: its events stay, and new ones are refused

    Usage: cstar event-types delete [OPTIONS] <TYPE>

    Arguments:
      <TYPE>  The type

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("audit").await, @r"
    Examples:
      cstar audit list
      cstar audit list --action key.created

    Who changed what, when, and from where

    Usage: cstar audit [OPTIONS] <COMMAND>

    Commands:
      list  List changes, newest first
      help  Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("audit list").await, @r"
    Examples:
      cstar audit list
      cstar audit list --action webhook.deleted --since 2025-12-10T14:30:00Z
      cstar audit list --actor key_…
      cstar audit list --all-teams

    List changes, newest first

    Usage: cstar audit list [OPTIONS]

    Options:
          --limit <N>        At most so many rows [default: 50]
          --after <ROW>      Begin behind this row: an id, a position, or what the page before ended
                             with
          --since <TIME>     From this time on, such as 2025-12-10T14:30:00Z
          --until <TIME>     Before this time
          --action <ACTION>  Of this kind, such as webhook.created
          --actor <ACTOR>    By this one: platform, or a key's id
          --all-teams        Of every team, and of what they share; this needs the platform key
      -h, --help             Print help
    ");
    assert_snapshot!(help("completions").await, @r"
    Examples:
      cstar completions bash
      cstar completions zsh

    Print what lets a shell complete `cstar`

    Usage: cstar completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  For which shell [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("man").await, @r"
    Examples:
      cstar man
      cstar man webhooks create

    Print the manual page of `cstar`, or of a command

    Usage: cstar man [OPTIONS] [COMMAND]...

    Arguments:
      [COMMAND]...  The command, word by word

    Options:
      -h, --help  Print help
    ");
}

#[tokio::test]
async fn of_identity_and_verify() {
    assert_snapshot!(help("login").await, @r"
    Examples:
      cstar login --profile live --server https://cstar.example.com --team TEAM

    Keep a server, a team and a key, read from standard input, as a profile

    Usage: cstar login [OPTIONS]

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("whoami").await, @r"
    Examples:
      cstar whoami
      cstar --profile live whoami

    Show which server, team and key commands use

    Usage: cstar whoami [OPTIONS]

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("profiles").await, @r"
    Examples:
      cstar profiles

    List the profiles; * marks the one that is used

    Usage: cstar profiles [OPTIONS]

    Options:
      -h, --help  Print help
    ");
    assert_snapshot!(help("verify").await, @r"
    Examples:
      cstar verify --body body.json -H 'X-CStar-Signature: 5257a8…'
      cstar verify --body - --at 2025-12-10T14:30:05Z -H 'X-CStar-Signature: 5257a8…'

    Check a request against a webhook's secret, and say what is wrong

    Usage: cstar verify [OPTIONS] --body <FILE|->

    Options:
          --body <FILE|->    The raw body as it came: a file, or - for standard input
      -H, --header <HEADER>  A header as it came, as 'Name: value'; may be repeated
          --secret <SECRET>  The webhook's secret (whsec_…); better in the environment than here [env:
                             WEBHOOK_SECRET]
          --at <TIME>        When it came, such as 2025-12-10T14:30:00Z; now unless said
      -h, --help             Print help
    ");
}

#[tokio::test]
async fn of_upkeep() {
    assert_snapshot!(help("backup").await, @r"
    Examples:
      cstar backup cstar-monday.backup
      cstar backup cstar-monday.backup --server https://cstar.example.com
      cstar backup cstar-monday.backup --data /var/lib/cstar

    Copy everything that a server stores, while it goes on; with the platform key

    Usage: cstar backup [OPTIONS] <FILE>

    Arguments:
      <FILE>  Where to write it; nothing may be there yet

    Options:
          --data <DIR>  Copy this data directory, on which no server runs, instead of asking a server
      -h, --help        Print help
    ");
    assert_snapshot!(help("check").await, @r"
    Examples:
      cstar check --data /var/lib/cstar
      cstar check --data /var/lib/cstar --json

    Look at all of a data directory, on which no server runs, for damage

    Usage: cstar check [OPTIONS]

    Options:
          --data <DIR>              Directory that holds the log [env: CSTAR_DATA, default: cstar-data]
          --master-key-file <FILE>  File with the key that encrypts secrets; `master.key` in the
                                    directory unless said, or CSTAR_MASTER_KEY [env:
                                    CSTAR_MASTER_KEY_FILE]
          --config <FILE>           TOML file of `cstar serve`, which may say both [env: CSTAR_CONFIG]
      -h, --help                    Print help
    ");
    assert_snapshot!(help("move").await, @r"
    Examples:
      cstar move --data /var/lib/cstar --store postgres://cstar@db.example.com/events
      CSTAR_STORE=postgres://cstar:…@db.example.com/events cstar move --data /var/lib/cstar

    Move all of a data directory, on which no server runs, into a PostgreSQL database that several nodes
    share

    Usage: cstar move [OPTIONS]

    Options:
          --data <DIR>              Directory that holds the log [env: CSTAR_DATA, default: cstar-data]
          --master-key-file <FILE>  File with the key that encrypts secrets; `master.key` in the
                                    directory unless said, or CSTAR_MASTER_KEY [env:
                                    CSTAR_MASTER_KEY_FILE]
          --config <FILE>           TOML file of `cstar serve`, which may say both [env: CSTAR_CONFIG]
          --store <URL>             The empty PostgreSQL database, as
                                    postgres://user:password@host/database; in the environment if it has
                                    a password [env: CSTAR_STORE]
          --store-ca <FILE>         PEM file of the authority that the database's certificate comes
                                    from, if the system does not know it [env: CSTAR_STORE_CA]
      -h, --help                    Print help
    ");
    assert_snapshot!(help("rotate-master-key").await, @r"
    Examples:
      cstar rotate-master-key --data /var/lib/cstar
      CSTAR_MASTER_KEY=… cstar rotate-master-key --data /var/lib/cstar --new-key-file /etc/cstar/new.key

    Encrypt the secrets of a data directory, on which no server runs, with a new master key

    Usage: cstar rotate-master-key [OPTIONS]

    Options:
          --data <DIR>              Directory that holds the log [env: CSTAR_DATA, default: cstar-data]
          --master-key-file <FILE>  File with the key that encrypts secrets; `master.key` in the
                                    directory unless said, or CSTAR_MASTER_KEY [env:
                                    CSTAR_MASTER_KEY_FILE]
          --config <FILE>           TOML file of `cstar serve`, which may say both [env: CSTAR_CONFIG]
          --new-key-file <FILE>     Where the new key is to stand, or stands already; the old one's file
                                    is replaced unless said
      -h, --help                    Print help
    ");
    assert_snapshot!(help("restore").await, @r"
    Examples:
      cstar restore cstar-monday.backup --data /var/lib/cstar --master-key-file /etc/cstar/master.key

    Make a data directory of a backup

    Usage: cstar restore [OPTIONS] <FILE>

    Arguments:
      <FILE>  The backup

    Options:
          --data <DIR>              Directory that holds the log [env: CSTAR_DATA, default: cstar-data]
          --master-key-file <FILE>  File with the key that encrypts secrets; `master.key` in the
                                    directory unless said, or CSTAR_MASTER_KEY [env:
                                    CSTAR_MASTER_KEY_FILE]
          --config <FILE>           TOML file of `cstar serve`, which may say both [env: CSTAR_CONFIG]
      -h, --help                    Print help
    ");
}
