//! Random histories of a store, a tail and endpoints, driven through the lanes.
//!
//! What is ordered goes one at a time, in order. DLV-3: nothing that is due is forgotten, nothing is started twice at a time, nothing that has ended is started.
//! DLV-4: who may hold how many slots, on counts.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::world::{World, pick, webhook};

const WEBHOOKS: u8 = 9;

/// One thing that happens; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Publish { webhook: u8, count: u8 },
    Hear,
    ReadStore(u8),
    AnswerLoad(u8),
    FailLoad(u8),
    Succeed { which: u8, slow: bool },
    Fail(u8),
    GiveUp(u8),
    Record { count: u8 },
    Settle,
    Reopen(u8),
    Change { webhook: u8, cancel: bool },
    Order { webhook: u8, ordered: bool },
    Lag,
    ReadSurvey,
    AnswerSurvey(u8),
    Crash,
    Pass { millis: u16 },
}

fn happens() -> impl Strategy<Value = Happens> {
    use Happens::{
        AnswerLoad, AnswerSurvey, Change, Crash, Fail, FailLoad, GiveUp, Hear, Lag, Order, Pass, Publish,
        ReadStore, ReadSurvey, Record, Reopen, Settle, Succeed,
    };
    prop_oneof![
        6 => (0..WEBHOOKS, 1..20u8).prop_map(|(webhook, count)| Publish { webhook, count }),
        8 => Just(Hear),
        4 => any::<u8>().prop_map(ReadStore),
        6 => any::<u8>().prop_map(AnswerLoad),
        1 => any::<u8>().prop_map(FailLoad),
        12 => (any::<u8>(), any::<bool>()).prop_map(|(which, slow)| Succeed { which, slow }),
        4 => any::<u8>().prop_map(Fail),
        1 => any::<u8>().prop_map(GiveUp),
        6 => (1..9u8).prop_map(|count| Record { count }),
        6 => Just(Settle),
        4 => any::<u8>().prop_map(Reopen),
        1 => (0..WEBHOOKS, any::<bool>()).prop_map(|(webhook, cancel)| Change { webhook, cancel }),
        2 => (0..WEBHOOKS, prop::bool::weighted(0.8)).prop_map(|(webhook, ordered)| Order { webhook, ordered }),
        1 => Just(Lag),
        1 => Just(ReadSurvey),
        1 => any::<u8>().prop_map(AnswerSurvey),
        1 => Just(Crash),
        4 => (0..3000u16).prop_map(|millis| Pass { millis }),
    ]
}

impl World {
    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Publish { webhook: number, count } => {
                (0..count).for_each(|_| self.publish(webhook(number)))
            }
            Happens::Hear => self.hear_one(),
            Happens::ReadStore(which) => self.read_store(which),
            Happens::AnswerLoad(which) => self.answer_load(which),
            Happens::FailLoad(which) => {
                if let Some(load) = pick(&mut self.loads, which) {
                    self.lanes.load_failed(load.webhook, self.now.plus(Duration::from_secs(1)));
                }
            }
            Happens::Succeed { which, slow } => {
                self.end(which, Some(Duration::from_millis(if slow { 3000 } else { 10 })));
            }
            Happens::Fail(which) => self.end(which, None),
            Happens::GiveUp(which) => {
                if let Some((webhook, id)) = pick(&mut self.in_flight, which) {
                    self.lanes.given_up(webhook, id, self.now.plus(Duration::from_secs(1)));
                }
            }
            Happens::Record { count } => (0..count).for_each(|_| self.record_one()),
            Happens::Settle => self.settle(),
            Happens::Reopen(which) => self.reopen(which),
            Happens::Change { webhook: number, cancel } => self.change(webhook(number), cancel),
            Happens::Order { webhook: number, ordered } => self.order(webhook(number), ordered),
            Happens::Lag => self.lag(),
            Happens::ReadSurvey => self.read_survey(),
            Happens::AnswerSurvey(which) => self.answer_survey(which),
            Happens::Crash => self.crash(),
            Happens::Pass { millis } => self.now = self.now.plus(Duration::from_millis(millis.into())),
        }
        self.run();
    }
}

fn play(history: &[Happens]) -> World {
    let mut world = World::new();
    history.iter().for_each(|one| world.happen(*one));
    world.finish();
    world
}

fn histories() -> impl Strategy<Value = Vec<Happens>> {
    proptest::collection::vec(happens(), 1..300)
}

proptest! {
    /// DLV-3, DLV-4
    #[test]
    fn every_history_keeps_the_invariants(history in histories()) {
        play(&history);
    }
}

/// A history that failed must fail again: what is started, and when, follows from the seed alone.
#[test]
fn a_seed_plays_the_same_twice() {
    let begun = |seed: u8| {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        play(&histories().new_tree(&mut runner).unwrap().current()).begun
    };
    for seed in 1..10 {
        assert_eq!(begun(seed), begun(seed), "seed {seed}");
    }
    assert_ne!(begun(1), begun(2));
}
