//! Who waits for whose lookups, and what is remembered of them.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join_all, pending};
use tokio::time::{advance, timeout};

use super::{Asker, Names, Resolver, TargetError, TargetRule};

const KEPT: Duration = Duration::from_secs(5);

/// Answers 8.0.0.1, 8.0.0.2, … and nothing at the third time.
#[derive(Default)]
struct Counting(AtomicU8);

#[async_trait]
impl Resolver for Counting {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        match self.0.fetch_add(1, Ordering::Relaxed) + 1 {
            3 => Err(io::ErrorKind::NotFound.into()),
            count => Ok(vec![[8, 0, 0, count].into()]),
        }
    }
}

/// Answers `good.example` for so many times; whatever else is asked is swallowed.
struct Swallowing {
    answers: AtomicUsize,
    asked: AtomicUsize,
}

impl Swallowing {
    fn after(answers: usize) -> Arc<Self> {
        Arc::new(Self { answers: answers.into(), asked: 0.into() })
    }
}

#[async_trait]
impl Resolver for Swallowing {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answers = name == "good.example." && self.answers.load(Ordering::Relaxed) > 0;
        if !answers {
            pending::<()>().await;
        }
        self.answers.fetch_sub(1, Ordering::Relaxed);
        Ok(vec![[8, 8, 8, 8].into()])
    }
}

/// Fails with the system's error of this number.
struct Fails(i32);

#[async_trait]
impl Resolver for Fails {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Err(io::Error::from_raw_os_error(self.0))
    }
}

/// Whether it is still waiting after a moment; nobody waits for it any more then.
async fn waits(asking: impl Future) -> bool {
    timeout(Duration::from_millis(1), asking).await.is_err()
}

fn names(resolver: Arc<dyn Resolver>, kept: Duration) -> Names {
    Names::new(TargetRule::default(), resolver, kept)
}

async fn ask(names: &Names, name: &str, asker: Asker) -> Result<String, TargetError> {
    let target = names.rule().check_url(&format!("https://{name}/")).unwrap();
    names.vet(&target, asker).await.map(|found| found[0].address().ip().to_string())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time_and_a_failure_is_not() {
    let names = names(Arc::new(Counting::default()), KEPT);
    let last = async || ask(&names, "a.example", Asker::Proven).await;
    assert_eq!(last().await.as_deref(), Ok("8.0.0.1"));
    advance(Duration::from_secs(4)).await;
    assert_eq!(last().await.as_deref(), Ok("8.0.0.1"));
    advance(Duration::from_secs(1)).await;
    assert_eq!(last().await.as_deref(), Ok("8.0.0.2"));
    advance(KEPT).await;
    assert_eq!(last().await, Err(TargetError::Unresolved));
    assert_eq!(last().await.as_deref(), Ok("8.0.0.4"), "the failure was forgotten at once");
}

#[tokio::test(start_paused = true)]
async fn without_a_time_nothing_is_kept() {
    let names = names(Arc::new(Counting::default()), Duration::ZERO);
    ask(&names, "a.example", Asker::Proven).await.unwrap();
    assert_eq!(ask(&names, "a.example", Asker::Proven).await.as_deref(), Ok("8.0.0.2"));
}

/// DLV-4: names whose servers swallow questions fill the room of those who ask for them, who are told so; whoever has
/// proven itself, and whoever registers a URL, is answered as ever.
#[tokio::test(start_paused = true)]
async fn swallowed_lookups_hold_up_their_like_alone() {
    let names = names(Swallowing::after(2), KEPT);
    for number in 0..32 {
        assert!(waits(ask(&names, &format!("bad-{number}.example"), Asker::Suspect)).await);
    }
    assert_eq!(ask(&names, "more.example", Asker::Suspect).await, Err(TargetError::NoRoom));
    assert!(ask(&names, "good.example", Asker::Proven).await.is_ok());
    advance(KEPT).await;
    assert!(ask(&names, "good.example", Asker::Registration).await.is_ok());
}

/// One lookup at a time for all who ask for a name: a busy webhook fills no room.
#[tokio::test(start_paused = true)]
async fn a_name_is_asked_for_once_at_a_time() {
    let swallowing = Swallowing::after(0);
    let names = names(Arc::clone(&swallowing) as _, KEPT);
    let many = (0..100).map(|_| ask(&names, "bad.example", Asker::Proven));
    assert!(waits(join_all(many)).await);
    assert!(waits(ask(&names, "bad.example", Asker::Proven)).await, "although nobody waited for it");
    assert_eq!(swallowing.asked.load(Ordering::Relaxed), 1);
}

/// Where no fresh answer comes a recent one does, once after a wait and then at once; after half a minute it is no longer
/// known.
#[tokio::test(start_paused = true)]
async fn a_recent_answer_stands_in_for_one_that_does_not_come() {
    let names = names(Swallowing::after(1), KEPT);
    ask(&names, "good.example", Asker::Proven).await.unwrap();
    advance(KEPT).await;
    let began = tokio::time::Instant::now();
    for _ in 0..100 {
        assert!(ask(&names, "good.example", Asker::Proven).await.is_ok());
    }
    assert_eq!(began.elapsed().as_secs(), 2);
    advance(Duration::from_secs(30)).await;
    assert!(waits(ask(&names, "good.example", Asker::Proven)).await);
}

/// Nothing is known of a name that could not be asked for.
#[tokio::test]
async fn a_lookup_without_descriptors_is_no_answer() {
    for number in [23, 24] {
        let found = ask(&names(Arc::new(Fails(number)), KEPT), "a.example", Asker::Proven).await;
        assert_eq!(found, Err(TargetError::RanOut(number)));
    }
    let found = ask(&names(Arc::new(Fails(2)), KEPT), "a.example", Asker::Proven).await;
    assert_eq!(found, Err(TargetError::Unresolved));
}
