//! `--wait`: until every registered webhook has the events, or one will not get them.

use std::time::Duration;

use cstar_client::{DeliveryQuery, Published, TeamClient};
use cstar_types::DeliveryStatus;
use cstar_wire::DeliveryRow;

use crate::exit::{CliError, Failure};
use crate::output::{BAD, GOOD, Output, harmless};

/// Between two looks at the webhook logs.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits until each delivery of the events has ended or has failed its first attempt.
pub(crate) async fn until_delivered(
    team: &TeamClient,
    published: &[Published],
    output: Output,
) -> Result<(), CliError> {
    let mut failed = 0;
    for one in published {
        let event = one.envelope.fields().map_err(std::io::Error::other)?.id;
        let deliveries = loop {
            let query = DeliveryQuery { event: Some(event), ..DeliveryQuery::default() };
            let deliveries = all(team, &query).await?;
            if deliveries.iter().all(|delivery| delivery.status != DeliveryStatus::Pending) {
                break deliveries;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        if deliveries.is_empty() {
            output.note("no registered webhook wants this type");
        }
        for delivery in &deliveries {
            failed += usize::from(delivery.status != DeliveryStatus::Delivered);
            tell(output, delivery);
        }
    }
    match failed {
        0 => Ok(()),
        count => Err(CliError::new(Failure::NotDelivered, format!("{count} deliveries did not arrive"))
            .hint("`cstar deliveries get <id>` shows each attempt")),
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

fn tell(output: Output, delivery: &DeliveryRow) {
    let style = if delivery.status == DeliveryStatus::Delivered { GOOD } else { BAD };
    let detail = delivery.last_attempt.as_ref().map(|attempt| harmless(&attempt.detail)).unwrap_or_default();
    output.note(&format!(
        "{style}{}{style:#} {} to {} {detail}",
        delivery.status, delivery.id, delivery.webhook_id
    ));
}
