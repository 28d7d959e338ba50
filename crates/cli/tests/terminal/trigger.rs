//! `cstar trigger`.

use cstar_signature::{Secret, verify_body};
use cstar_testkit::{Canary, Gate, Receiver, Reply};
use cstar_types::catalog::Catalog;
use insta::assert_snapshot;
use serde_json::Value;

use crate::home::Home;
use crate::scene::Scene;

/// The envelopes that were printed.
fn envelopes(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// W8–W28, W56, T20: each of the fourteen types has an example that is published as a test event and reaches the stream.
#[tokio::test]
async fn every_type_is_triggered() {
    let scene = Scene::set().await;
    for entry in Catalog::builtin() {
        let printed =
            envelopes(&scene.home.stdout(&format!("trigger {} --json", entry.event_type.as_str())).await);
        assert!(printed[0]["id"].as_str().unwrap().starts_with("evt_test_"), "{printed:?}");
        assert_eq!(printed[0]["data"], serde_json::from_str::<Value>(&entry.example).unwrap());
    }
    let log = scene.team.log().await;
    let told = log.iter().map(|(_, envelope)| serde_json::from_str::<Value>(envelope).unwrap());
    let types: Vec<String> = told.map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert!(types.iter().eq(Catalog::builtin().iter().map(|entry| entry.event_type.as_str())), "{types:?}");
}

#[tokio::test]
async fn what_was_published_is_printed() {
    let scene = Scene::set().await;
    assert_snapshot!(scene.home.run("trigger ticket.created").await, @r"
    exit 0
    --- stdout
    published ticket.created evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.1
    ");
    assert_snapshot!(scene.home.run("trigger boss.defeated --count 3").await, @r"
    exit 0
    --- stdout
    published boss.defeated evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.2
    published boss.defeated evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.3
    published boss.defeated evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.4
    ");
    assert_snapshot!(scene.home.run("trigger ticket.created --json").await, @r#"
    exit 0
    --- stdout
    {"id":"evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"ticket.created","team_id":"TEAM","created_at":"0000-00-00T00:00:00Z","data":{"id":"550e8400-e29b-41d4-a716-446655440000","title":"Cannot log in to my account","status":"new","priority":"high"}}
    "#);
}

/// What `--set` names is changed, and nothing else: neither the order of the fields nor a number's digits.
#[tokio::test]
async fn the_data_is_changed_where_it_was_asked_for() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let edit = "trigger ticket.created --set title='Printer on fire' --set priority=urgent --json";
    assert_snapshot!(home.stdout(edit).await.split_once(r#""data":"#).unwrap().1, @r#"{"id":"550e8400-e29b-41d4-a716-446655440000","title":"Printer on fire","status":"new","priority":"urgent"}}"#);
    assert_snapshot!(home.run("trigger ticket.created --set titel=x").await, @r"
    exit 2
    --- stderr
    error: --set: the data has no `titel` (there: id, title, status, priority); give --add to add it
    ");
    let add = "trigger ticket.message_added --set ticket.owner.name=Kim --add --json";
    assert_eq!(envelopes(&home.stdout(add).await)[0]["data"]["ticket"]["owner"]["name"], "Kim");
    let exact = r#"trigger boss.spawned --data '{"id":"1","n":123456789012345678901234567890}' --set id=2"#;
    assert_snapshot!(home.run(exact).await, @r"
    exit 5
    --- stderr
    error: unrepresentable_number: A number that a double cannot hold
      /data/n  a double does not hold this integer exactly; send it as a string
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// The data comes from the words themselves, from a file, or from standard input.
#[tokio::test]
async fn the_data_comes_from_where_it_was_said() {
    let scene = Scene::set().await;
    let home = &scene.home;
    home.write("ticket.json", "{\"id\": \"from a file\"}\n");
    let trigger = |source: &str| home.cstar(&format!("trigger ticket.closed --json --data {source}"));
    let id = |stdout: &str| envelopes(stdout)[0]["data"]["id"].clone();
    assert_eq!(id(&trigger(r#"{"id":"inline"}"#).run().await.stdout), "inline");
    assert_eq!(id(&trigger("ticket.json").run().await.stdout), "from a file");
    assert_eq!(id(&trigger("-").stdin("{\"id\":\"typed\"}").run().await.stdout), "typed");
    assert_snapshot!(trigger("missing.json").run().await, @r"
    exit 2
    --- stderr
    error: missing.json: No such file or directory (os error 2)
    ");
    assert_snapshot!(trigger("-").stdin("not JSON").run().await, @r#"
    exit 2
    --- stderr
    error: --data is no JSON: expected ident at line 1 column 2
    hint:  write an object, such as '{"id":"1"}'
    "#);
    assert_snapshot!(trigger("{}").run().await, @r"
    exit 5
    --- stderr
    error: schema_violation: The data does not fit its type
      /data/id  this field is needed
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// A type that is none is told with the nearest ones, and nothing is published.
#[tokio::test]
async fn a_misspelt_type_gets_the_nearest() {
    let scene = Scene::set().await;
    assert_snapshot!(scene.home.run("trigger tikcet.created").await, @r"
    exit 2
    --- stderr
    error: there is no event type `tikcet.created`
    hint:  did you mean ticket.created, ticket.updated, article.created?
    ");
    assert_snapshot!(scene.home.run("trigger ticket_created").await, @r"
    exit 2
    --- stderr
    error: there is no event type `ticket_created`
    hint:  did you mean ticket.created, ticket.updated, article.created?
    ");
    assert_snapshot!(scene.home.run("trigger nothing").await, @r"
    exit 2
    --- stderr
    error: there is no event type `nothing`
    hint:  the types are ticket.created, ticket.updated, ticket.closed, ticket.message_added, customer.created, customer.updated, article.created, article.published, article.updated, boss.spawned, boss.defeated, player.level_up, achievement.unlocked, survey.submitted
    ");
    assert_eq!(scene.team.head().await, 0);
}

/// T20: a registered webhook gets it, marked as a test and signed, unless it is for listeners only.
#[tokio::test]
async fn webhooks_get_it_unless_it_is_for_listeners_only() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let webhook = scene.team.webhook(&receiver.url("/"), &["ticket.*"]).await;
    scene.home.stdout("trigger ticket.created --listeners-only").await;
    let printed = scene.home.run("trigger ticket.created --wait").await;
    assert_snapshot!(printed, @r"
    exit 0
    --- stdout
    published ticket.created evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.2
    --- stderr
    delivered dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx: your endpoint answered 200
    ");
    let [request] = &receiver.received()[..] else { panic!("{:?}", receiver.received()) };
    assert_eq!(request.header("x-cstar-test"), "true");
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    verify_body(&secret, &request.body, Some(request.header("x-cstar-signature"))).unwrap();
    assert_eq!(scene.team.head().await, 2, "the stream has both");
    let unwanted = scene.home.run("trigger boss.spawned --wait").await;
    assert_snapshot!(unwanted, @r"
    exit 0
    --- stdout
    published boss.spawned evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.3
    --- stderr
    no registered webhook wants this type
    ");
}

/// `--wait` goes on over a failed attempt: it says when the next one is due, and ends well once that succeeds.
#[tokio::test]
async fn a_retry_is_waited_for() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "10ms")).await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::new(move |request| match request.header("x-cstar-attempt") {
        "1" => Reply::status(500),
        _ => Reply::status(200).behind(&held),
    })
    .await;
    scene.team.webhook(&receiver.url("/"), &["*"]).await;
    let waits = scene.home.start("trigger ticket.created --wait");
    waits.until_noted("retrying").await;
    gate.open();
    assert_snapshot!(waits.ended(&scene.home).await, @r"
    exit 0
    --- stdout
    published ticket.created evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.1
    --- stderr
    retrying dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx: your endpoint answered 500; next attempt at 0000-00-00T00:00:00.000Z
    delivered dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx: your endpoint answered 200
    ");
}

/// `--wait` ends with 6 where a delivery fails for good, and where one has not ended in time.
#[tokio::test]
async fn what_does_not_arrive_is_told() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "")).await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::new(move |request| match request.path.as_str() {
        "/never" => Reply::status(200).behind(&held),
        _ => Reply::status(500),
    })
    .await;
    scene.team.webhook(&receiver.url("/fails"), &["ticket.*"]).await;
    scene.team.webhook(&receiver.url("/never"), &["boss.*"]).await;
    assert_snapshot!(scene.home.run("trigger ticket.created --wait").await, @r"
    exit 6
    --- stdout
    published ticket.created evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.1
    --- stderr
    failed dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx: your endpoint answered 500
    error: 1 delivery has not arrived
    hint:  `cstar deliveries get <id>` shows each attempt
    ");
    let line = "trigger boss.spawned --count 2 --wait --timeout 300ms";
    assert_snapshot!(scene.home.run(line).await, @r"
    exit 6
    --- stdout
    published boss.spawned evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.2
    published boss.spawned evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.3
    --- stderr
    pending dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx: not delivered within 300ms
    pending dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx to wh_xxxxxxxxxxxxxxxxxxxxxxxxxx: not delivered within 300ms
    error: 2 deliveries have not arrived
    hint:  `cstar deliveries get <id>` shows each attempt
    ");
}

/// Programs read how each delivery ended behind the events, as `deliveries list --json` shows it.
#[tokio::test]
async fn programs_are_told_how_each_delivery_ended() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "")).await;
    let receiver = Receiver::new(|request| Reply::status(request.path[1..].parse().unwrap())).await;
    for path in ["/200", "/500"] {
        scene.team.webhook(&receiver.url(path), &["*"]).await;
    }
    let ended = scene.home.run("trigger ticket.created --wait --json").await;
    assert_eq!(ended.code, Some(6), "{ended}");
    let lines = envelopes(&ended.stdout);
    let [event, deliveries @ ..] = &lines[..] else { panic!("{ended}") };
    let mut statuses: Vec<&str> = deliveries.iter().map(|row| row["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["delivered", "failed"]);
    assert!(deliveries.iter().all(|delivery| delivery["event_id"] == event["id"]), "{ended}");
    let listed = envelopes(&scene.home.stdout("deliveries list --json").await);
    assert!(listed.iter().all(|row| deliveries.contains(row)), "{ended}");
}

/// A server that is not on this machine is asked about before anything goes there; `--yes` answers.
#[tokio::test]
async fn another_machine_is_asked_about_first() {
    let home = Home::new();
    // Whatever goes to another machine goes through here.
    let proxy = Canary::new().await;
    let trigger = |line: &str| {
        let server = "--server http://192.0.2.1:9 --key csk_x --team 00000000-0000-4000-8000-000000000000";
        let proxy = format!("http://{}", proxy.address());
        home.cstar(&format!("trigger {server} {line}")).env("http_proxy", proxy)
    };
    assert_snapshot!(trigger("ticket.created").run().await, @r"
    exit 2
    --- stderr
    error: http://192.0.2.1:9/ is not on this machine, and its streams and webhooks will get a test event
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    assert_snapshot!(trigger("ticket.created --listeners-only --count 5").run().await, @r"
    exit 2
    --- stderr
    error: http://192.0.2.1:9/ is not on this machine, and its streams will get 5 test events
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    assert_eq!(trigger("our.own").run().await.code, Some(2), "a type that only the server may know");
    assert_eq!(proxy.connections().await, 0);
    let _going = trigger("ticket.created --yes").start();
    let mut ours = 1; // the question above
    cstar_testkit::until("it to go there", async || {
        let theirs = proxy.connections().await - ours;
        ours += 1;
        (theirs > 0).then_some(())
    })
    .await;
}
