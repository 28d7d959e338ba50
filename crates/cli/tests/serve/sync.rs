//! LOG-1 in the server's own calls to the kernel. A kill alone cannot show it: what was written and not synced survives
//! in the page cache.

use cstar_testkit::{JUDGED_CALLS, Ledger, Strace, Team, Verdict, answers_after_sync, calls, without_syncs};
use serde_json::json;

use crate::{cstar, ticket};

/// Everything that is acknowledged in the traced run: a team, some events, a batch.
const ANSWERS: usize = 7;

/// The server's calls while it acknowledges one request after the other.
async fn traced(strace: Strace) -> String {
    let mut cstar = cstar();
    cstar.try_start_under(&strace.with_paths()).await.expect("it starts");
    let team = Team::create(&cstar.http()).await;
    for number in 2..ANSWERS {
        team.publish("ticket.created", &ticket(&number.to_string())).await;
    }
    let event = json!({"type": "ticket.created", "data": ticket("in a batch")});
    let batch = json!({"events": vec![event; 50]}).to_string();
    let _ = team.http.post(&team.path("events"), batch).await.expect(201);
    cstar.terminate();
    assert!(cstar.ended().await.success());
    cstar.trace().await
}

/// LOG-1: no byte of a 201 leaves before the sync that covers what it acknowledges. The same calls without the syncs, which is
/// what SQLite makes under `synchronous=OFF`, are refused: the judge can fail.
#[tokio::test]
async fn log_1_no_answer_leaves_before_its_sync() {
    let trace = traced(Strace::noting(JUDGED_CALLS)).await;
    assert_eq!(answers_after_sync(&trace), Ok(ANSWERS));
    let refused = answers_after_sync(&without_syncs(&trace)).unwrap_err();
    assert!(refused.contains("answered before line"), "{refused}");
}

/// LOG-1: a server whose every sync is swallowed on its way to the disk answers as always, and is found out.
#[tokio::test]
async fn log_1_a_server_that_does_not_sync_is_found_out() {
    let strace = Strace::noting(JUDGED_CALLS).inject("fsync,fdatasync", "retval=0");
    let trace = traced(strace).await;
    assert!(trace.contains("= 0 (INJECTED)"));
    let refused = answers_after_sync(&trace).unwrap_err();
    assert!(refused.contains("answered before line"), "{refused}");
}

/// LOG-1: a sync that fails is not tried again: the kernel has marked the pages clean, and a second one would say that
/// all is well. The publish is answered `outcome_unknown` or not at all, the process ends by itself, and a restart is
/// whole.
#[tokio::test]
async fn log_1_a_failed_sync_is_never_followed_by_an_acknowledgement() {
    const CALLS: &str = "fsync,fdatasync,write,writev,sendto,sendmsg";
    for nth in [1, 2, 3, 5, 8, 13] {
        let mut cstar = cstar();
        cstar.start().await;
        let team = Team::create(&cstar.http()).await;
        let ledger = Ledger::new("sync");
        ledger.publish(&team).await;
        cstar.terminate();
        cstar.ended().await;

        let strace = Strace::noting(CALLS).inject("fsync,fdatasync", &format!("error=EIO:when={nth}"));
        if cstar.try_start_under(&strace).await.is_ok() {
            let last = ledger.publish_until_refused(&team).await;
            assert_eq!(last, Verdict::Unknown, "at sync {nth}");
            assert!(!cstar.ended().await.success(), "it ended by itself, and said so by its exit code");
        }
        let trace = cstar.trace().await;
        let calls = calls(&trace);
        let failed = calls
            .iter()
            .find(|call| call.result.as_deref().is_some_and(|result| result.contains("INJECTED")));
        let failed = failed.unwrap_or_else(|| panic!("nothing was injected at sync {nth}:\n{trace}"));
        let after = calls.iter().filter(|call| call.began > failed.ended);
        let acknowledged = after.filter(|call| call.arguments.contains("\"HTTP/1.1 201")).count();
        assert_eq!(acknowledged, 0, "at sync {nth}:\n{trace}");

        cstar.start().await;
        ledger.settle(&team).await;
        let log = team.log().await;
        assert_eq!(log.len(), ledger.acknowledged(), "at sync {nth}");
        for note in ledger.notes() {
            let Verdict::Ok(published) = note.verdict else { panic!("at sync {nth}: {note:?}") };
            assert!(log.contains(&(published.position, published.envelope)), "at sync {nth}");
        }
    }
}

/// LOG-1: a disk that stalls. A publish is not left hanging: it is answered `outcome_unknown`, and once the disk is back a
/// repeat with the same idempotency key finds the event that was stored after all.
#[tokio::test]
async fn log_1_a_sync_that_takes_too_long_is_answered_unknown() {
    let mut cstar = cstar();
    cstar.start().await;
    let team = Team::create(&cstar.http()).await;
    cstar.terminate();
    cstar.ended().await;
    // Longer than a publish waits; late enough that no sync of the start is meant.
    let strace = Strace::injecting("fsync,fdatasync", "delay_enter=12000000:when=12");
    cstar.try_start_under(&strace).await.expect("it starts");
    let ledger = Ledger::new("stall");
    assert_eq!(ledger.publish_until_refused(&team).await, Verdict::Unknown);
    let unknown = ledger.notes().len() - 1;
    assert!(cstar.runs(), "a slow disk is no broken one");
    ledger.settle(&team).await;

    let Verdict::Ok(settled) = &ledger.notes()[unknown].verdict else { panic!("settled") };
    let log = team.log().await;
    assert_eq!(log.len(), ledger.acknowledged());
    assert_eq!(log.last(), Some(&(settled.position, settled.envelope.clone())), "stored once");
}
