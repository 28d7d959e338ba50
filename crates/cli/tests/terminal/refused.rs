//! What is told, and with which exit code, where a command cannot do what it was asked for.

use cstar_testkit::{Receiver, Reply, Team};
use insta::assert_snapshot;

use crate::home::Home;
use crate::scene::Scene;

/// 2: the command line is not as it should be, and the answer says how it should be.
#[tokio::test]
async fn usage() {
    let home = Home::new();
    assert_snapshot!(home.run("evnts").await, @r"
    exit 2
    --- stderr
    error: unrecognized subcommand 'evnts'

      tip: some similar subcommands exist: 'event-types', 'events'

    Usage: cstar [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("events list --types 'ticket..*'").await, @r"
    exit 2
    --- stderr
    error: invalid value 'ticket..*' for '--types <PATTERNS>': `ticket..*` is no pattern: it needs exactly one dot: `resource.action`, `resource.*`, `*.action`, or `*` alone for every event

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("events list --limit 0").await, @r"
    exit 2
    --- stderr
    error: invalid value '0' for '--limit <N>': write a whole number from 1 on

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("events list --since yesterday").await, @r"
    exit 2
    --- stderr
    error: invalid value 'yesterday' for '--since <TIME>': not an instant: write it as 0000-00-00T00:00:00Z

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("events get 42").await, @r"
    exit 2
    --- stderr
    error: invalid value '42' for '<EVENT>': not an identifier of this kind: expected `evt_` and 26 characters of 0-9 and a-z

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("events tail --after 01.2").await, @r"
    exit 2
    --- stderr
    error: invalid value '01.2' for '--after <POSITION>': not a position: expected `<epoch>.<seq>`, such as 1.42, as `id` and `x-cstar-position` show it

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("events publish ticket.closed --data '{nope' --key k --team 00000000-0000-4000-8000-000000000000").await, @r#"
    exit 2
    --- stderr
    error: --data is no JSON: key must be a string at line 1 column 2
    hint:  write an object, such as '{"id":"1"}'
    "#);
    assert_snapshot!(home.run("webhooks create --url http://localhost").await, @r"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --events <PATTERNS>

    Usage: cstar webhooks create --url <URL> --events <PATTERNS>

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("deliveries list --status done").await, @r"
    exit 2
    --- stderr
    error: invalid value 'done' for '--status <STATUS>': not a status: one of pending, retrying, delivered, failed, cancelled

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("keys create --name x --scopes events:read,all").await, @r"
    exit 2
    --- stderr
    error: invalid value 'all' for '--scopes <SCOPES>': not a scope: one of events:write, events:read, webhooks:read, webhooks:write, deliveries:read, deliveries:write, keys:write, audit:read

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("teams get support").await, @r"
    exit 2
    --- stderr
    error: invalid value 'support' for '<TEAM>': write the team's UUID, as `cstar teams list` shows it

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("listen --forward-to ftp://localhost").await, @r"
    exit 2
    --- stderr
    error: invalid value 'ftp://localhost' for '--forward-to <URL>': `ftp://localhost` is not http or https

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("listen -H nocolon").await, @r"
    exit 2
    --- stderr
    error: invalid value 'nocolon' for '--header <HEADER>': `nocolon` has no colon; write 'Name: value'

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("listen --print-secret --forward-to 3000").await, @r"
    exit 2
    --- stderr
    error: the argument '--print-secret' cannot be used with '--forward-to <URL>'

    Usage: cstar listen --print-secret

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("listen --timeout 10").await, @r"
    exit 2
    --- stderr
    error: invalid value '10' for '--timeout <TIME>': write a whole number with a unit (ms, s, m, h), such as 10s

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("trigger ticket.created --add").await, @r"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --set <PATH=VALUE>

    Usage: cstar trigger --set <PATH=VALUE> --add <TYPE>

    For more information, try '--help'.
    ");
    assert_snapshot!(home.run("trigger ticket.created --wait --listeners-only").await, @r"
    exit 2
    --- stderr
    error: the argument '--wait' cannot be used with '--listeners-only'

    Usage: cstar trigger --wait <TYPE>

    For more information, try '--help'.
    ");
}

/// 3: the key is wrong, or may not do this.
#[tokio::test]
async fn not_allowed() {
    let scene = Scene::set().await;
    let reader = scene.team.key(&["events:read"], &["ticket.*"]).await;
    let other = Team::create(&scene.cstar.http()).await.id.to_string();
    let home = &scene.home;
    assert_snapshot!(home.run("events list --key csk_wrong").await, @r"
    exit 3
    --- stderr
    error: unauthenticated: this key is not whole: characters are missing or changed (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    hint:  the key is the one of --key, else of CSTAR_KEY, else of the profile
    ");
    assert_snapshot!(home.run(&format!("events list --team {other}")).await, @r"
    exit 3
    --- stderr
    error: wrong_team: this key opens the paths of its own team alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    hint:  --team (CSTAR_TEAM_ID) and --key (CSTAR_KEY) have to belong together
    ");
    assert_snapshot!(home.run("teams list").await, @r"
    exit 3
    --- stderr
    error: missing_scope: this takes the platform key alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(home.run(&format!("webhooks list --key {}", reader.key.reveal())).await, @r"
    exit 3
    --- stderr
    error: missing_scope: this needs a key with the scope `webhooks:read` (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(home.run(&format!("listen --team {other}")).await, @r"
    exit 3
    --- stderr
    error: wrong_team: this key opens the paths of its own team alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    hint:  --team (CSTAR_TEAM_ID) and --key (CSTAR_KEY) have to belong together
    ");
    assert_snapshot!(home.run(&format!("events tail --team {other}")).await, @r"
    exit 3
    --- stderr
    connecting
    error: wrong_team: this key opens the paths of its own team alone (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    hint:  --team (CSTAR_TEAM_ID) and --key (CSTAR_KEY) have to belong together
    ");
    home.run(&format!("keys revoke {} --yes", reader.seen.id)).await;
    assert_snapshot!(home.run(&format!("events list --key {}", reader.key.reveal())).await, @r"
    exit 3
    --- stderr
    error: key_revoked: this key was revoked; use another one (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    hint:  the key is the one of --key, else of CSTAR_KEY, else of the profile
    ");
}

/// 4: the server was not reached, or something else answered in its place.
#[tokio::test]
async fn not_reached() {
    let home = Home::new();
    let stranger = Receiver::new(|_| Reply::status(404).body("nothing here")).await;
    home.call(&stranger.address().to_string(), "STRANGER");
    let team = "00000000-0000-4000-8000-000000000000";
    let list = |url: &str| home.cstar(&format!("events list --server {url} --key csk_x --team {team}")).run();
    assert_snapshot!(list("http://127.0.0.1:9").await, @r"
    exit 4
    --- stderr
    error: cannot reach http://127.0.0.1:9: Connection refused (os error 111); check the address, and that the server runs
    ");
    assert_snapshot!(list(&stranger.url("/")).await, @r"
    exit 4
    --- stderr
    error: an answer of 404 that is not cStar's: see to the address, or to a proxy
    ");
}

/// 5: the server understood and refused.
#[tokio::test]
async fn refused() {
    let scene = Scene::set().await;
    let home = &scene.home;
    assert_snapshot!(home.run("events get evt_00000000000000000000000001").await, @r"
    exit 5
    --- stderr
    error: not_found: there is nothing here, or not for this key (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(home.run("events publish ticket.crated --data '{}'").await, @r"
    exit 5
    --- stderr
    error: unknown_event_type: No such event type
      /type  there is no such event type; did you mean ticket.created or ticket.updated or ticket.closed?
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(home.run(r#"events publish ticket.created --data '{"id":1,"title":"x"}'"#).await, @r#"
    exit 5
    --- stderr
    error: schema_violation: The data does not fit its type
      /data/status    this field is needed
      /data/priority  this field is needed
      /data/id        it is not of type "string"
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    "#);
    assert_snapshot!(home.run("webhooks get wh_00000000000000000000000001").await, @r"
    exit 5
    --- stderr
    error: not_found: there is nothing here, or not for this key (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(home.run("deliveries resend dlv_00000000000000000000000001").await, @r"
    exit 5
    --- stderr
    error: not_found: there is nothing here, or not for this key (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    assert_snapshot!(home.run("keys revoke key_00000000000000000000000001 --yes").await, @r"
    exit 5
    --- stderr
    error: not_found: there is nothing here, or not for this key (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}
