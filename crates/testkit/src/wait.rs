//! Waiting on a condition, with a deadline.

use std::time::Duration;

/// Enough for a slow machine that does other work too; reached only when something is broken.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks: short against what is waited for, long against what a look costs.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The first `Some` of `look`.
///
/// # Panics
/// When there was none within [`DEADLINE`]; the panic names `what`.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, look).await
}

/// The first `Some` of `look`.
///
/// # Panics
/// When there was none within `deadline`; the panic names `what`.
pub async fn until_within<T>(deadline: Duration, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    comes(deadline, look).await.unwrap_or_else(|| panic!("waited {deadline:?} in vain for {what}"))
}

/// The first `Some` of `look`, if there was one within `deadline`.
pub(crate) async fn comes<T>(deadline: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(deadline, looking).await.ok()
}
