//! `cstar deliveries`: the webhook logs (W54).

use cstar_client::DeliveryQuery;
use cstar_types::CancelReason;
use cstar_wire::{DeliveryRow, ResendCount, ResendDeliveries};

use super::{operations, rows};
use crate::args::{Deliveries, Global, Resend};
use crate::ask;
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};

pub(crate) async fn run(global: &Global, command: Deliveries, output: Output) -> Result<(), CliError> {
    let team = Context::find(global)?.team_client()?;
    let deliveries = team.deliveries();
    match command {
        Deliveries::List { rows, period, webhook, event, status, types } => {
            let query =
                DeliveryQuery { webhook, status, types, event, since: period.since, until: period.until };
            let found = rows::collect(deliveries.list(&query), &rows, output).await?;
            output.list(&["ID", "STATUS", "TRIES", "TYPE", "WEBHOOK", "LAST"], &found, row)
        }
        Deliveries::Get { delivery } => output.thing(&deliveries.get(delivery).await?),
        Deliveries::Resend { delivery: Some(delivery), .. } => {
            output.thing(&deliveries.resend(delivery).await?)
        }
        Deliveries::Resend { delivery: None, filter, dry_run, wait } => {
            let Resend { webhook, status, types, event, since, until } = filter;
            let filter = ResendDeliveries { webhook, status, types, event, since, until, dry_run: None };
            if filter == ResendDeliveries::default() {
                return Err(CliError::usage("which deliveries shall be resent?").hint(
                    "give an id, or at least one of --webhook, --status, --types, --event, --since, --until",
                ));
            }
            if dry_run {
                return output.thing(&deliveries.count_resend(&filter).await?);
            }
            if !global.yes {
                ask::confirm(will_be_resent(deliveries.count_resend(&filter).await?), false).await?;
            }
            operations::follow(&team, deliveries.resend_all(&filter).await?, wait, output).await
        }
    }
}

fn will_be_resent(ResendCount { deliveries, complete }: ResendCount) -> String {
    let count = if complete { deliveries.to_string() } else { format!("{deliveries} or more") };
    format!("{count} {} will be resent", if deliveries == 1 { "delivery" } else { "deliveries" })
}

fn row(delivery: &DeliveryRow) -> Vec<String> {
    vec![
        delivery.id.to_string(),
        delivery.status.to_string(),
        delivery.attempts.to_string(),
        delivery.event_type.to_string(),
        delivery.webhook_id.to_string(),
        last_cause(delivery).unwrap_or_default(),
    ]
}

/// Why it stands where it stands: what came of its last attempt, unless it was cancelled since.
pub(crate) fn last_cause(delivery: &DeliveryRow) -> Option<String> {
    let cancelled = delivery.cancel_reason.map(|reason| match reason {
        CancelReason::WebhookDisabled => "its webhook was disabled".to_owned(),
        CancelReason::EndpointGone => "its endpoint is gone: it answered 410".to_owned(),
        CancelReason::WebhookDeleted => "its webhook was deleted".to_owned(),
        CancelReason::EventErased => "the event's data was erased".to_owned(),
        CancelReason::EndpointFailing => {
            "its webhook was disabled: every attempt had failed for days".to_owned()
        }
    });
    cancelled.or_else(|| delivery.last_attempt.as_ref().map(|attempt| harmless(&attempt.detail)))
}
