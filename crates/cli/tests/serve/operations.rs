//! Operations of the running server, which goes on with them by itself.

use cstar_testkit::{Receiver, Reply, until};
use cstar_wire::Operation;
use hyper::Method;
use serde_json::json;

use crate::{cstar, ticket, with_team};

const BATCH: usize = 1000;
const BATCHES: usize = 10;

/// LOG-1, T8: a kill in the middle of a resend of many loses nothing of it: the next start goes on where it stood.
#[tokio::test]
async fn log_1_a_resend_of_many_outlives_a_kill() {
    let (mut cstar, team) = with_team(cstar()).await;
    let receiver = Receiver::new(|_| Reply::never()).await;
    let webhook = team.webhook(&receiver.url("/"), &["*"]).await.seen.id;
    let event = json!({"type": "ticket.created", "data": ticket("resent")});
    let batch = json!({"events": vec![event; BATCH]}).to_string();
    for _ in 0..BATCHES {
        let _ = cstar.http().post(&team.path("events"), batch.clone()).await.expect(201);
    }
    let path = team.path(&format!("webhooks/{webhook}"));
    for enabled in [false, true] {
        let change = json!({"enabled": enabled}).to_string();
        let _ = cstar.http().call(Method::PATCH, &path, change).await.expect(200);
    }
    let filter = json!({"webhook": webhook, "status": "cancelled"}).to_string();
    let begun = cstar.http().post(&team.path("deliveries/resend"), filter).await.expect(202);
    let begun: Operation = begun.read();
    cstar.kill_9();
    cstar.start().await;
    let path = team.path(&format!("operations/{}", begun.id));
    let ended = until("the end of the operation", async || {
        let operation: Operation = cstar.http().get(&path).await.expect(200).read();
        operation.ended_at.is_some().then_some(operation)
    })
    .await;
    assert_eq!((ended.done, ended.skipped, ended.failure), ((BATCH * BATCHES) as u64, 0, None));
    assert!(team.deliveries("status=cancelled").await.is_empty());
    receiver.until_received(1).await;
}
