//! The filter of a webhook, by hand.

use cstar_wire::Webhook;
use insta::assert_snapshot;
use serde_json::json;

use crate::scene::Scene;

/// DLV-1: a filter comes from a file, from standard input or as it stands, is shown, and is taken away.
#[tokio::test]
async fn a_filter_is_set_shown_and_taken_away() {
    let scene = Scene::set().await;
    let home = &scene.home;
    let shown = |json: &str| serde_json::from_str::<Webhook>(json).unwrap();
    let filter = |webhook: &Webhook| serde_json::to_value(&webhook.filter).unwrap();
    home.write("high.json", "{\"pointer\": \"/priority\",\n \"equals\": \"high\"}\n");
    let made = home
        .stdout("webhooks create --url http://127.0.0.1:9999/ --events '*' --filter high.json --json")
        .await;
    let made = shown(&made);
    let high = json!({"pointer": "/priority", "equals": "high"});
    assert_eq!(filter(&made), high);
    let id = made.id;
    let other = home.stdout(&format!("webhooks update {id} --description other --json")).await;
    assert_eq!(filter(&shown(&other)), high);

    let amount = r#"{"pointer":"/amount","greater_than":10.0}"#;
    let typed = home.cstar(&format!("webhooks update {id} --filter - --json")).stdin(amount).run().await;
    assert_eq!(filter(&shown(&typed.stdout)), json!({"pointer": "/amount", "greater_than": 10}));
    let inline = home.stdout(&format!("webhooks update {id} --filter '{amount}' --json")).await;
    assert_eq!(shown(&inline).filter, shown(&typed.stdout).filter);
    home.stdout(&format!("webhooks update {id} --no-filter")).await;
    assert_eq!(filter(&shown(&home.stdout(&format!("webhooks get {id} --json")).await)), json!(null));

    let bad =
        format!(r#"webhooks update {id} --filter '{{"all":[{{"pointer":"a","equals":1}},{{"not":7}}]}}'"#);
    assert_snapshot!(home.run(&bad).await, @r#"
    exit 2
    --- stderr
    error: --filter is no filter: at /all/0/pointer: write a JSON Pointer into `data`, such as /customer/plan; at /all/1/not: write a condition: an object with `all`, `any`, `not`, or with `pointer` and one test
    hint:  write a condition, such as '{"pointer":"/priority","equals":"high"}'
    "#);
}
