//! What becomes of results where the store does not take them at once.

use cstar_types::{Attempt, AttemptRequest, Outcome, Timestamp};
use parking_lot::Mutex;

use super::*;

fn outstanding(number: u128) -> Outstanding {
    let attempt = Attempt {
        number: 1,
        started_at: Timestamp::default(),
        duration_ms: 1,
        outcome: Outcome::Success,
        status_code: Some(200),
        detail: String::new(),
        response_headers: Vec::new(),
        response_body: String::new(),
        request: AttemptRequest::default(),
    };
    let (delivery, webhook) = (DeliveryId::from_bits(number), WebhookId::from_bits(1));
    Outstanding {
        report: AttemptReport { delivery, webhook, failed_before: 0, attempt, verdict: Verdict::Delivered },
        gone: None,
        awaited: false,
        recording: Recording::Soon,
    }
}

/// A recorder whose store answers with these, one after the other, then well; and what it was given.
fn recorder(answers: Vec<StoreError>) -> (Recorder, Arc<Mutex<Vec<usize>>>) {
    let groups = Arc::new(Mutex::new(Vec::new()));
    let (given, answers) = (Arc::clone(&groups), Mutex::new(answers.into_iter()));
    let record = move |reports: Arc<[AttemptReport]>, _| -> Answer {
        given.lock().push(reports.len());
        let answer = answers.lock().next();
        let statuses = vec![Some(DeliveryStatus::Delivered); reports.len()];
        Box::pin(async move { answer.map_or(Ok(statuses), Err) })
    };
    (Recorder::new(Box::new(record)), groups)
}

/// DLV-3: a full store delays results and loses none.
#[tokio::test(start_paused = true)]
async fn results_wait_for_a_store_that_is_full() {
    let (mut recorder, groups) = recorder(vec![StoreError::QueueFull, StoreError::StorageFull]);
    (0..3).for_each(|number| recorder.add(outstanding(number)));
    recorder.begin();
    recorder.add(outstanding(3));
    assert_eq!(recorder.recorded().await.unwrap().len(), 3);
    assert_eq!((*groups.lock()).as_slice(), [3, 3, 3], "the same group until it is taken");
    recorder.begin();
    assert_eq!(recorder.recorded().await.unwrap().len(), 1);
    assert_eq!(recorder.len(), 0);
}

/// DLV-3: one result that the database refuses holds up no other, and is told once it has been refused alone.
#[tokio::test(start_paused = true)]
async fn one_result_that_is_refused_holds_up_no_other() {
    const BAD: u128 = 5;
    let record = |reports: Arc<[AttemptReport]>, _| -> Answer {
        let refused = reports.iter().any(|report| report.delivery == DeliveryId::from_bits(BAD));
        let statuses = vec![Some(DeliveryStatus::Delivered); reports.len()];
        Box::pin(async move { if refused { Err(StoreError::Damaged("a row".into())) } else { Ok(statuses) } })
    };
    let mut recorder = Recorder::new(Box::new(record));
    (0..8).for_each(|number| recorder.add(outstanding(number)));
    let (mut recorded, mut refused) = (Vec::new(), Vec::new());
    while recorder.len() > 0 {
        for one in recorder.recorded().await.unwrap() {
            let of_its_kind = if one.status.is_some() { &mut recorded } else { &mut refused };
            of_its_kind.push(one.delivery.bits());
        }
    }
    assert_eq!((recorded, refused), (vec![0, 1, 2, 3, 4, 6, 7], vec![BAD]));
}

/// DLV-4: results of webhooks that are locked, more than there are lanes for, hold up none of the others, and are on record once
/// they are free.
#[tokio::test(start_paused = true)]
async fn results_that_are_locked_hold_up_no_other() {
    const LOCKED: u128 = 5;
    let free = Arc::new(tokio::sync::Semaphore::new(0));
    let is_free = Arc::clone(&free);
    let record = move |reports: Arc<[AttemptReport]>, way| -> Answer {
        let is_free = Arc::clone(&is_free);
        let status = move |report: &AttemptReport| {
            let passes = way == Way::Alone || report.webhook.bits() >= LOCKED;
            passes.then_some(DeliveryStatus::Delivered)
        };
        Box::pin(async move {
            if way == Way::Alone {
                let _ = is_free.acquire().await;
            }
            Ok(reports.iter().map(status).collect())
        })
    };
    let mut recorder = Recorder::new(Box::new(record));
    let add = |recorder: &mut Recorder, webhook| {
        let mut outstanding = outstanding(webhook);
        outstanding.report.webhook = WebhookId::from_bits(webhook);
        recorder.add(outstanding);
    };
    (0..LOCKED * 2).for_each(|webhook| add(&mut recorder, webhook));
    recorder.begin();
    assert_eq!(recorder.recorded().await.unwrap().len(), LOCKED as usize);
    for webhook in LOCKED..LOCKED * 2 {
        add(&mut recorder, webhook);
        recorder.hurry();
        let recorded = recorder.recorded().await.unwrap();
        assert_eq!(recorded[0].webhook.bits(), webhook, "others go on");
    }
    assert_eq!((recorder.len(), recorder.is_under_way()), (LOCKED as usize, false));
    let aside: Vec<u128> = recorder.newly_aside().into_iter().map(WebhookId::bits).collect();
    assert_eq!(aside, (0..LOCKED).collect::<Vec<_>>(), "each is told once, however often it is tried");
    free.close();
    while recorder.len() > 0 {
        let recorded = recorder.recorded().await.unwrap();
        let is_late = |one: &Recorded| one.webhook.bits() < LOCKED && one.recording == Recording::Aside;
        assert!(recorded.iter().all(|one| is_late(one) && one.status.is_some()));
    }
    assert!(recorder.newly_aside().is_empty());
}

/// DLV-3: while the database is away nobody asks it without a pause for what was put aside.
#[tokio::test(start_paused = true)]
async fn what_is_aside_is_not_tried_without_a_pause() {
    let alone = Arc::new(Mutex::new(0));
    let tries = Arc::clone(&alone);
    let record = move |reports: Arc<[AttemptReport]>, way| -> Answer {
        let answer = if way == Way::Together {
            Ok(vec![None; reports.len()])
        } else {
            *tries.lock() += 1;
            assert!(*tries.lock() < 20, "one try after the other");
            Err(StoreError::QueueFull)
        };
        Box::pin(async move { answer })
    };
    let mut recorder = Recorder::new(Box::new(record));
    recorder.add(outstanding(1));
    assert_eq!(recorder.recorded().await.unwrap().len(), 0, "it is put aside");
    assert_eq!(recorder.newly_aside().len(), 1);
    let recorded = tokio::time::timeout(Duration::from_secs(10), recorder.recorded()).await;
    assert!(recorded.is_err() && recorder.len() == 1, "it waits, and is not lost");
    assert!(*alone.lock() > 3, "it is tried again");
}

/// A group is bounded, and one that is full waits for nothing.
#[tokio::test(start_paused = true)]
async fn a_group_is_bounded() {
    let (mut recorder, groups) = recorder(Vec::new());
    (0..GROUP_MAX as u128 * 2 + 1).for_each(|number| recorder.add(outstanding(number)));
    let now = Instant::now();
    recorder.begin();
    for _ in 0..2 {
        recorder.recorded().await.unwrap();
        assert_eq!(Instant::now(), now);
    }
    assert_eq!((*groups.lock()).as_slice(), [GROUP_MAX, GROUP_MAX]);
    assert_eq!((recorder.len(), recorder.begins_in()), (1, Some(PACE)));
}

/// Results gather for as long as nobody waits for one of them.
#[tokio::test(start_paused = true)]
async fn groups_begin_apart_unless_somebody_waits() {
    let (mut recorder, groups) = recorder(Vec::new());
    recorder.add(outstanding(0));
    recorder.begin();
    recorder.recorded().await.unwrap();
    for number in 1..4 {
        recorder.add(outstanding(number));
        recorder.begin();
    }
    assert_eq!((recorder.begins_in(), groups.lock().len()), (Some(PACE), 1));
    sleep(PACE).await;
    let now = Instant::now();
    assert_eq!(recorder.recorded().await.unwrap().len(), 3);
    recorder.add(Outstanding { awaited: true, ..outstanding(4) });
    assert_eq!(recorder.recorded().await.unwrap().len(), 1);
    assert_eq!(Instant::now(), now);
    (0..GROUP_MAX as u128 + 1).for_each(|number| recorder.add(outstanding(number)));
    recorder.hurry();
    for in_group in [GROUP_MAX, 1] {
        assert_eq!(recorder.recorded().await.unwrap().len(), in_group);
        assert_eq!(Instant::now(), now, "also behind a group that is full");
    }
    assert!(!recorder.is_under_way());
}

#[tokio::test]
async fn a_store_that_has_stopped_is_told() {
    for error in [StoreError::Poisoned, StoreError::ShuttingDown, StoreError::OutcomeUnknown] {
        let (mut recorder, _) = recorder(vec![error.clone()]);
        recorder.add(outstanding(1));
        recorder.begin();
        assert_eq!(recorder.recorded().await.err(), Some(error));
    }
}
