//! A way through the API on which each operation is called once, as a team would that sets itself up.

use cstar_testkit::{Answer, Receiver, ticket, until};
use hyper::Method;
use serde_json::{Value, json};

use super::album::Album;

pub(super) async fn everything(album: &mut Album, receiver: &Receiver) {
    service(album).await;
    notices(album, receiver).await;
    let team = album.post("createTeam", "/v1/teams", json!({"name": "Helpdesk"})).expect(201).await;
    let team = format!("/v1/teams/{}", id(&team));
    keys(album, &team).await;
    event_types(album).await;
    let webhook = webhook(album, &team, receiver).await;
    let event = events(album, &team).await;
    deliveries(album, &team, &webhook, &event, receiver).await;
    secrets(album, &team, &webhook).await;
    realtime(album, &team).await;
    session(album, &team).await;
    album.delete("deleteWebhook", format!("{team}/webhooks/{webhook}")).expect(204).await;
    teams(album, &team).await;
}

fn id(answer: &Answer) -> String {
    answer.read::<Value>()["id"].as_str().expect("an id").to_owned()
}

async fn service(album: &mut Album) {
    for (name, path) in [
        ("isAlive", "/healthz"),
        ("isReady", "/readyz"),
        ("readMetrics", "/metrics"),
        ("readDescription", "/openapi.json"),
        ("readReference", "/docs"),
        ("readErrorPage", "/errors/blocked_target"),
    ] {
        album.get(name, path).without_key().expect(200).await;
    }
    album.call("makeBackup", Method::POST, "/v1/backup").expect(200).await;
}

async fn notices(album: &mut Album, receiver: &Receiver) {
    let asked = json!({"url": receiver.url("/notices"), "types": ["webhook.*", "storage.low"], "description": "who is on call"});
    let notice = id(&album.post("createNoticeWebhook", "/v1/notices", asked).expect(201).await);
    album.get("listNoticeWebhooks", "/v1/notices").expect(200).await;
    let path = format!("/v1/notices/{notice}");
    let test = album.post("testNoticeWebhook", format!("{path}/test"), json!({"type": "storage.low"}));
    test.expect(200).await;
    album.delete("deleteNoticeWebhook", path).expect(204).await;
}

async fn keys(album: &mut Album, team: &str) {
    let asked = json!({"name": "dashboard", "scopes": ["events:read"], "types": ["ticket.*"]});
    let key = album.post("createKey", format!("{team}/keys"), asked).expect(201).await;
    album.get("listKeys", format!("{team}/keys")).expect(200).await;
    album.delete("revokeKey", format!("{team}/keys/{}", id(&key))).expect(204).await;
}

async fn event_types(album: &mut Album) {
    album.get("listEventTypes", "/v1/event-types").expect(200).await;
    album.get("getEventType", "/v1/event-types/ticket.created").expect(200).await;
    let path = "/v1/event-types/invoice.paid";
    let invoice = json!({
        "description": "An invoice was paid",
        "fires_on": "the payment of an invoice in full",
        "schema": {"type": "object", "required": ["id", "amount"], "properties": {
            "id": {"type": "string"}, "amount": {"type": "number", "minimum": 0},
        }},
        "example": {"id": "inv_4711", "amount": 129.5},
    });
    album.call("putEventType", Method::PUT, path).body(invoice).expect(201).await;
    album.delete("deleteEventType", path).expect(204).await;
}

async fn webhook(album: &mut Album, team: &str, receiver: &Receiver) -> String {
    let asked = json!({"url": receiver.url("/webhook"), "events": ["ticket.*"], "description": "the helpdesk's own server"});
    let webhook = id(&album.post("createWebhook", format!("{team}/webhooks"), asked).expect(201).await);
    let path = format!("{team}/webhooks/{webhook}");
    album.get("listWebhooks", format!("{team}/webhooks")).expect(200).await;
    album.get("getWebhook", &path).expect(200).await;
    let change = json!({"events": ["ticket.*", "customer.created"]});
    album.call("updateWebhook", Method::PATCH, &path).body(change).expect(200).await;
    album.post("testWebhook", format!("{path}/test"), json!({"type": "ticket.created"})).expect(200).await;
    album.get("getWebhookStats", format!("{path}/stats")).expect(200).await;
    webhook
}

async fn events(album: &mut Album, team: &str) -> String {
    let data = json!({
        "id": "550e8400-e29b-41d4-a716-446655440000", "title": "Cannot log in to my account", "status": "new", "priority": "high",
    });
    let publish = json!({"type": "ticket.created", "data": data});
    let event = album
        .post("publishEvents", format!("{team}/events"), publish)
        .header("idempotency-key", "ticket-4711-created");
    let event = id(&event.expect(201).await);
    album.get("getEvent", format!("{team}/events/{event}")).expect(200).await;
    album.get("listEvents", format!("{team}/events?types=ticket.*&limit=2")).expect(200).await;
    let publish = json!({"type": "customer.created", "data": {"id": "cus_4711", "email": "ada@example.com"}});
    let personal = id(&album.post("publishEvents", format!("{team}/events"), publish).aside().await);
    album.delete("eraseEvent", format!("{team}/events/{personal}/data")).expect(204).await;
    event
}

async fn deliveries(album: &mut Album, team: &str, webhook: &str, event: &str, receiver: &Receiver) {
    receiver.until_received(3).await;
    let list = format!("{team}/deliveries?event={event}");
    let delivery = until("the delivery's end", async || {
        let rows: Value = album.get("listDeliveries", &list).expect(200).await.read();
        let row = &rows["data"][0];
        (row["status"] == "delivered").then(|| row["id"].as_str().expect("an id").to_owned())
    })
    .await;
    let path = format!("{team}/deliveries/{delivery}");
    album.get("getDelivery", &path).expect(200).await;
    album.post("resendDelivery", format!("{path}/resend"), Value::Null).expect(200).await;
    until("the delivery's end, before which it is not delivered again", async || {
        let asked = json!({"webhook": webhook});
        let resend = album.post("resendEvent", format!("{team}/events/{event}/resend"), asked).send().await;
        (resend.status == 200).then_some(())
    })
    .await;
    operations(album, team, webhook).await;
}

async fn operations(album: &mut Album, team: &str, webhook: &str) {
    let filter = json!({"webhook": webhook, "status": "failed"});
    let operation =
        album.post("resendDeliveries", format!("{team}/deliveries/resend"), filter).expect(202).await;
    album.get("listOperations", format!("{team}/operations")).expect(200).await;
    album.get("getOperation", format!("{team}/operations/{}", id(&operation))).expect(200).await;
    let since = json!({"since": "2025-12-10T00:00:00Z"});
    album.post("recoverWebhook", format!("{team}/webhooks/{webhook}/recover"), since).expect(202).await;
    cancelled_operation(album, team, webhook).await;
}

/// An operation that is still under way when it is cancelled: with enough to do it nearly always is, and else there is a next
/// one.
async fn cancelled_operation(album: &mut Album, team: &str, webhook: &str) {
    let event = json!({"type": "ticket.created", "data": ticket("one of many")});
    album.post("publishEvents", format!("{team}/events"), json!({"events": vec![event; 1000]})).aside().await;
    let many = json!({"webhook": webhook, "types": ["ticket.created"]});
    until("an operation that is cancelled", async || {
        let resend = format!("{team}/deliveries/resend");
        let begun = album.post("resendDeliveries", resend, many.clone()).aside().await;
        let path = format!("{team}/operations/{}", id(&begun));
        let cancelled = album.delete("cancelOperation", path).send().await;
        (cancelled.status == 204).then_some(())
    })
    .await;
}

async fn secrets(album: &mut Album, team: &str, webhook: &str) {
    let path = format!("{team}/webhooks/{webhook}/secret");
    album.post("rotateSecret", &path, json!({"overlap_seconds": 86400})).expect(200).await;
    album.delete("endOverlap", format!("{path}/previous")).expect(204).await;
}

async fn realtime(album: &mut Album, team: &str) {
    let asked = json!({"types": ["ticket.*"], "ttl_seconds": 600});
    album.post("createToken", format!("{team}/realtime/tokens"), asked).expect(201).await;
    let replay = format!("{team}/realtime?types=ticket.*&last_event_id=0&until=head");
    album.get("openStream", replay).expect(200).await;
    let open = album.stream(&format!("{team}/realtime?types=ticket.*")).await;
    let streams: Value =
        album.get("listStreams", format!("{team}/realtime/streams")).expect(200).await.read();
    let stream = streams["data"][0]["id"].as_str().expect("an open stream");
    album.delete("endStream", format!("{team}/realtime/streams/{stream}")).expect(204).await;
    drop(open);
}

async fn session(album: &mut Album, team: &str) {
    let asked = json!({"scopes": ["webhooks:read", "deliveries:read"], "ttl_seconds": 600});
    let link: Value =
        album.post("createPortalLink", format!("{team}/portal-links"), asked).expect(201).await.read();
    let link = link["url"].as_str().and_then(|url| url.split_once('#')).expect("a link").1.to_owned();
    let session =
        album.post("createSession", "/v1/session", json!({"link": link})).without_key().expect(201).await;
    let cookie = session.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    album.get("getSession", "/v1/session").without_key().header("cookie", &cookie).expect(200).await;
    album
        .delete("endSession", "/v1/session")
        .without_key()
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin")
        .expect(204)
        .await;
}

async fn teams(album: &mut Album, team: &str) {
    album.get("listAudit", format!("{team}/audit?limit=3")).expect(200).await;
    album.get("listAllAudit", "/v1/audit?limit=3").expect(200).await;
    album.get("listTeams", "/v1/teams").expect(200).await;
    album.get("getTeam", team).expect(200).await;
    album.call("updateTeam", Method::PATCH, team).body(json!({"name": "Helpdesk, Europe"})).expect(200).await;
    album.delete("deleteTeam", team).expect(204).await;
}
