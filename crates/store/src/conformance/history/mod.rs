//! Random histories, played on the model and on a store side by side (L0).
//!
//! Every answer and everything told is compared as it comes, and everything that can be read is compared at the end,
//! before and after a restart. A history that tells the two apart is shrunk to a short one and printed; its seed is
//! kept beside the sources and plays first the next time.

mod act;
mod compare;
mod look;
mod many;
mod op;
mod sides;
mod told;

use std::sync::Arc;

use proptest::test_runner::{TestCaseError, TestRunner};

pub use proptest::test_runner::Config;

use self::op::Op;
use self::sides::Sides;
use super::Subject;
use crate::model::Model;

/// Histories of one test, unless `PROPTEST_CASES` says otherwise: with a synced commit for each operation, seconds.
const CASES: u32 = 48;
/// The longest history, in operations.
const OPS_MAX: usize = 60;

/// A history that shrinks for longer is short enough.
const SHRINK_MAX_MS: u32 = 120_000;

/// Plays random histories and fails with the shortest that tells the store and the model apart.
pub fn plays_like_the_model<S: Subject>() {
    let mut config =
        Config { source_file: Some(file!()), max_shrink_time: SHRINK_MAX_MS, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    if let Some(difference) = first_difference::<S>(config) {
        panic!("{difference}");
    }
}

/// Plays random histories; answers the shortest found that tells the store and the model apart.
pub fn first_difference<S: Subject>(config: Config) -> Option<String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let mut runner = TestRunner::new(config);
    let histories = proptest::collection::vec(op::any_op(), 1..=OPS_MAX);
    let played = runner.run(&histories, |ops| runtime.block_on(play::<S>(&ops)));
    played.err().map(|difference| format!("{difference}\n{runner}"))
}

/// Why a history told the two apart.
type Difference = TestCaseError;

async fn play<S: Subject>(ops: &[Op]) -> Result<(), Difference> {
    let mut sides = Sides::<Arc<Model>, S>::begin().await;
    for op in ops {
        sides.act(op).await?;
    }
    sides.compare_everything().await?;
    sides.reopen().await?;
    sides.compare_everything().await
}
