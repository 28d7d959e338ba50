//! The telling and the hearing.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::doorbell::ToDo;
use crate::{Doorbell, Line, LineError, Lines, News};

/// A line that takes nothing for so long is lost.
const TELL_MAX: Duration = Duration::from_secs(10);
/// The waits between attempts to get a line again: they double from the first to the last.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// News that go in one go.
const NEWS_AT_ONCE: usize = 500;

/// Tells what was rung, and hands on what other nodes tell, until it is dropped.
pub async fn run(doorbell: &Doorbell, lines: &dyn Lines, hear: impl Fn(News) + Sync) {
    let (first, last) = RECONNECT;
    let mut wait = first;
    let mut told = false;
    loop {
        let lost = match lines.connect().await {
            Ok(mut line) => {
                tracing::info!("the doorbell has a line to the other nodes");
                (wait, told) = (first, false);
                use_line(doorbell, &mut *line, &hear).await
            }
            Err(error) => error,
        };
        // Once for each time that it is away, not once for each attempt.
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%lost, "the doorbell has no line: until it is back, news of other nodes take a second");
        }
        // Nodes that lost one server at once do not come back at once.
        sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
        wait = (2 * wait).min(last);
    }
}

/// Until it is lost.
async fn use_line(doorbell: &Doorbell, line: &mut dyn Line, hear: &(impl Fn(News) + Sync)) -> LineError {
    doorbell.begin_anew();
    loop {
        let done = tokio::select! {
            heard = line.hear() => heard.map(hear),
            to_do = doorbell.to_do() => {
                let told = timeout(TELL_MAX, tell(line, to_do)).await;
                told.unwrap_or_else(|_| Err(LineError::Lost("it takes nothing any more".to_owned())))
            }
        };
        if let Err(lost) = done {
            return lost;
        }
    }
}

async fn tell(line: &mut dyn Line, to_do: ToDo) -> Result<(), LineError> {
    for (team, wanted) in to_do.interest {
        line.attend(team, wanted).await?;
    }
    for news in to_do.news.chunks(NEWS_AT_ONCE) {
        line.ring(news).await?;
    }
    Ok(())
}
