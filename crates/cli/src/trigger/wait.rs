//! `--wait`: until every registered webhook has the events, or one will not get them soon.

use std::time::Duration;

use cstar_client::{DeliveryQuery, Published, TeamClient};
use cstar_types::{DeliveryStatus, format_duration};
use cstar_wire::DeliveryRow;
use tokio::time::{Instant, sleep, timeout_at};

use crate::exit::{CliError, Failure};
use crate::output::{BAD, GOOD, Output, harmless};

/// Between two looks at the webhook logs.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a look may take that begins late: each event is looked at once at least.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Waits until each delivery of the events has ended or has failed its first attempt, at most for `patience`.
pub(crate) async fn until_delivered(
    team: &TeamClient,
    published: &[Published],
    patience: Duration,
    output: Output,
) -> Result<(), CliError> {
    let deadline = Instant::now() + patience;
    let mut missing = 0;
    for one in published {
        let deliveries = settled(team, one, deadline).await?;
        if deliveries.is_empty() {
            output.note("no registered webhook wants this type");
        }
        for delivery in &deliveries {
            missing += usize::from(delivery.status != DeliveryStatus::Delivered);
            tell(output, delivery, patience);
        }
    }
    match missing {
        0 => Ok(()),
        1 => Err(not_delivered("1 delivery has not arrived")),
        count => Err(not_delivered(format!("{count} deliveries have not arrived"))),
    }
}

fn not_delivered(message: impl Into<String>) -> CliError {
    CliError::new(Failure::NotDelivered, message).hint("`cstar deliveries get <id>` shows each attempt")
}

/// The deliveries of an event, once none of them waits for its first attempt any more, or as they stand at the deadline.
async fn settled(
    team: &TeamClient,
    one: &Published,
    deadline: Instant,
) -> Result<Vec<DeliveryRow>, CliError> {
    let event = one.envelope.fields().map_err(std::io::Error::other)?.id;
    let query = DeliveryQuery { event: Some(event), ..DeliveryQuery::default() };
    loop {
        let until = deadline.max(Instant::now() + LAST_LOOK);
        let look = timeout_at(until, all(team, &query)).await;
        let seen =
            look.map_err(|_| not_delivered(format!("the webhook logs say nothing about {event}")))??;
        let waits = seen.iter().any(|delivery| delivery.status == DeliveryStatus::Pending);
        if !waits || Instant::now() >= deadline {
            return Ok(seen);
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn all(team: &TeamClient, query: &DeliveryQuery) -> Result<Vec<DeliveryRow>, CliError> {
    let mut pages = team.deliveries().list(query);
    let mut rows = Vec::new();
    while let Some(page) = pages.next_page().await? {
        rows.extend(page.data);
    }
    Ok(rows)
}

fn tell(output: Output, delivery: &DeliveryRow, patience: Duration) {
    let style = if delivery.status == DeliveryStatus::Delivered { GOOD } else { BAD };
    let detail = match &delivery.last_attempt {
        Some(attempt) => harmless(&attempt.detail),
        None => format!("no attempt has ended within {}", format_duration(patience)),
    };
    output.note(&format!(
        "{style}{}{style:#} {} to {}: {detail}",
        delivery.status, delivery.id, delivery.webhook_id
    ));
}
