//! `/metrics`, with the API and on an address of its own.

use std::collections::BTreeMap;

use cstar_testkit::{Http, Receiver, StreamReader, Team, free_address};

use crate::{cstar, ticket, with_team};

/// Every sample that is there from the start, by its name; a family with labels counts as one.
pub(crate) async fn samples(http: &Http) -> BTreeMap<String, f64> {
    let answer = http.with_key("").get("/metrics").await.expect(200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"), "{answer}");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let family = name.split('{').next().unwrap();
        *samples.entry(family.to_owned()).or_default() += value.parse::<f64>().unwrap();
    }
    samples
}

/// One event to a webhook and a stream, and what moved by it.
async fn one_event_is_counted(team: &Team, metrics: &Http) {
    let receiver = Receiver::ok().await;
    team.webhook(&receiver.url("/"), &["*"]).await;
    let reader = StreamReader::open(&team.http, &team.path("realtime"), None).await;
    let before = samples(metrics).await;
    team.publish("ticket.created", &ticket("counted")).await;
    reader.until_events(1).await;
    team.until_ended("status=delivered", 1).await;
    let after = samples(metrics).await;
    let moved: Vec<(&str, f64)> = after
        .iter()
        .map(|(name, value)| (name.as_str(), value - before[name]))
        .filter(|(_, moved)| *moved != 0.0)
        .collect();
    for name in ["events_appended", "deliveries_made", "attempts_recorded", "attempts", "streams_frames"] {
        assert!(moved.contains(&(&format!("cstar_{name}_total"), 1.0)), "{name} in {moved:?}");
    }
    for name in
        ["publish_seconds_count", "commit_events_sum", "commit_deliveries_sum", "delivery_wait_seconds_count"]
    {
        assert!(moved.contains(&(&format!("cstar_{name}"), 1.0)), "{name} in {moved:?}");
    }
    assert_eq!((after["cstar_store_ready"], after["cstar_streams_open"]), (1.0, 1.0));
}

/// With the API, for whoever reaches it, without a key; what is counted moves by one event.
#[tokio::test]
async fn they_are_served_with_the_api() {
    let (cstar, team) = with_team(cstar()).await;
    one_event_is_counted(&team, &cstar.http()).await;
}

/// On an address of their own they are there alone, and nothing else is.
#[tokio::test]
async fn they_are_served_apart() {
    let address = free_address();
    let (cstar, team) = with_team(cstar().flag("--metrics-listen", address.to_string())).await;
    let metrics = Http::new(address, "");
    assert_eq!(cstar.http().get("/metrics").await.status, 404);
    assert_eq!(metrics.get("/healthz").await.status, 404);
    one_event_is_counted(&team, &metrics).await;
}
