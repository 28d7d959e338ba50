//! `--wait`: until every registered webhook has the events, or one of them will not get them.

use std::collections::HashSet;
use std::time::Duration;

use cstar_client::{DeliveryQuery, Published, TeamClient};
use cstar_types::{DeliveryStatus, format_duration};
use cstar_wire::DeliveryRow;
use tokio::time::{Instant, sleep, timeout_at};

use crate::commands::deliveries::last_cause;
use crate::exit::{CliError, Failure};
use crate::output::{BAD, GOOD, Output};

/// Between two looks at the webhook logs.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a look may take that begins late: each event is looked at once at least.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Waits until each delivery of the events has ended, retries included, at most for `patience`.
pub(crate) async fn until_delivered(
    team: &TeamClient,
    published: &[Published],
    patience: Duration,
    output: Output,
) -> Result<(), CliError> {
    let deadline = Instant::now() + patience;
    let mut missing = 0;
    for one in published {
        let deliveries = settled(team, one, deadline, output).await?;
        if deliveries.is_empty() {
            output.note("no registered webhook wants this type");
        }
        for delivery in &deliveries {
            missing += usize::from(delivery.status != DeliveryStatus::Delivered);
            tell(output, delivery, patience)?;
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

/// The deliveries of an event, once all of them have ended, or as they stand at the deadline.
async fn settled(
    team: &TeamClient,
    one: &Published,
    deadline: Instant,
    output: Output,
) -> Result<Vec<DeliveryRow>, CliError> {
    let event = one.envelope.fields().map_err(std::io::Error::other)?.id;
    let query = DeliveryQuery { event: Some(event), ..DeliveryQuery::default() };
    let mut heard = HashSet::new();
    loop {
        let until = deadline.max(Instant::now() + LAST_LOOK);
        let look = timeout_at(until, all(team, &query)).await;
        let seen =
            look.map_err(|_| not_delivered(format!("the webhook logs say nothing about {event}")))??;
        for delivery in seen.iter().filter(|delivery| delivery.status == DeliveryStatus::Retrying) {
            if heard.insert((delivery.id, delivery.attempts)) {
                tell_retry(output, delivery);
            }
        }
        if seen.iter().all(|delivery| delivery.status.has_ended()) || Instant::now() >= deadline {
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

/// Told as it happens: the next attempt may be minutes away.
fn tell_retry(output: Output, delivery: &DeliveryRow) {
    let next = delivery.next_attempt_at.map_or_else(String::new, |at| format!("; next attempt at {at}"));
    let cause = last_cause(delivery).unwrap_or_default();
    output.note(&format!("{} {} to {}: {cause}{next}", delivery.status, delivery.id, delivery.webhook_id));
}

/// How it stands in the end: for people on stderr; for programs on stdout, as `cstar deliveries list` shows it.
fn tell(output: Output, delivery: &DeliveryRow, patience: Duration) -> Result<(), CliError> {
    if output.json {
        return output.thing(delivery);
    }
    let style = if delivery.status == DeliveryStatus::Delivered { GOOD } else { BAD };
    let detail = match last_cause(delivery) {
        Some(cause) if delivery.status.has_ended() => cause,
        _ => format!("not delivered within {}", format_duration(patience)),
    };
    output.note(&format!(
        "{style}{}{style:#} {} to {}: {detail}",
        delivery.status, delivery.id, delivery.webhook_id
    ));
    Ok(())
}
