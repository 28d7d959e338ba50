//! `cstar webhooks`.

use std::collections::BTreeMap;

use cstar_types::{Filter, Outcome, WebhookStatus};
use cstar_wire::{
    Attempt, CreateWebhook, RecoverWebhook, RotateSecret, ShownOnce, TestWebhook, UpdateWebhook, Webhook,
};

use super::{operations, rows};
use crate::args::{Global, WebhookOptions, Webhooks};
use crate::ask;
use crate::context::Context;
use crate::data;
use crate::exit::{CliError, Failure};
use crate::output::{BAD, GOOD, Output, harmless};

pub(crate) async fn run(global: &Global, command: Webhooks, output: Output) -> Result<(), CliError> {
    let team = Context::find(global)?.team_client()?;
    let webhooks = team.webhooks();
    match command {
        Webhooks::List(rows) => {
            let found = rows::collect(webhooks.list(), &rows, output).await?;
            output.list(&["ID", "STATUS", "EVENTS", "URL"], &found, row)
        }
        Webhooks::Get { webhook } => output.thing(&webhooks.get(webhook).await?),
        Webhooks::Create { url, events, options, secret } => {
            let headers = headers(&options)?;
            let webhook = CreateWebhook {
                filter: filter(options.filter).await?,
                description: options.description,
                secret: secret.map(ShownOnce::new),
                ordered: options.ordered,
                rate_limit: options.rate_limit,
                retry_schedule: options.retry_schedule,
                headers,
                disable_on_gone: options.disable_on_gone,
                ..CreateWebhook::new(url, events)
            };
            let created = webhooks.create(&webhook).await?;
            output.note("The secret is shown this once: keep it where the receiver finds it.");
            output.thing(&created)
        }
        Webhooks::Update { webhook, url, events, options, no_filter, no_rate_limit, enable, disable } => {
            let headers = headers(&options)?;
            let change = UpdateWebhook {
                url,
                events,
                filter: if no_filter { Some(None) } else { filter(options.filter).await?.map(Some) },
                description: options.description,
                enabled: if enable { Some(true) } else { disable.then_some(false) },
                ordered: options.ordered,
                rate_limit: if no_rate_limit { Some(None) } else { options.rate_limit.map(Some) },
                retry_schedule: options.retry_schedule.map(Some),
                headers,
                disable_on_gone: options.disable_on_gone,
            };
            output.thing(&webhooks.update(webhook, &change).await?)
        }
        Webhooks::RotateSecret { webhook, overlap, secret } => {
            let rotation = RotateSecret { overlap_seconds: overlap, secret: secret.map(ShownOnce::new) };
            let rotated = webhooks.rotate_secret(webhook, &rotation).await?;
            output.note("The secret is shown this once: keep it where the receiver finds it.");
            if let Some(until) = rotated.secret_overlap_until {
                output.note(&format!(
                    "Until {until} x-cstar-signature is made with the secret before, webhook-signature with both."
                ));
                output.note(&format!(
                    "Once the receiver has the new one: cstar webhooks end-overlap {webhook}"
                ));
            }
            output.thing(&rotated)
        }
        Webhooks::EndOverlap { webhook } => {
            webhooks.end_overlap(webhook).await?;
            output.note(&format!("requests to {webhook} are signed with its new secret alone"));
            Ok(())
        }
        Webhooks::Test { webhook, event_type } => {
            let attempt = webhooks.test(webhook, &TestWebhook { event_type }).await?;
            let hint = format!("`cstar deliveries list --webhook {webhook}` shows its retries");
            tell_attempt(&attempt, output, hint)
        }
        Webhooks::Recover { webhook, since, until, wait } => {
            let begun = webhooks.recover(webhook, &RecoverWebhook { since, until }).await?;
            operations::follow(&team, begun, wait, output).await
        }
        Webhooks::Delete { webhook } => {
            let what = format!("{webhook} will be deleted, and what waits for it cancelled");
            ask::confirm(what, global.yes).await?;
            webhooks.delete(webhook).await?;
            output.note(&format!("deleted {webhook}"));
            Ok(())
        }
    }
}

/// What came of a test: shown in any case, and an error if it failed.
pub(super) fn tell_attempt(attempt: &Attempt, output: Output, hint: String) -> Result<(), CliError> {
    let succeeded = attempt.outcome == Outcome::Success;
    if output.json {
        output.thing(attempt)?;
    } else {
        let style = if succeeded { GOOD } else { BAD };
        let answer = attempt.status_code.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let outcome = attempt.outcome.as_str();
        output.line(&format!("{style}{outcome}{style:#}  {answer}  {} ms", attempt.duration_ms))?;
    }
    if succeeded {
        return Ok(());
    }
    Err(CliError::new(Failure::NotDelivered, harmless(&attempt.detail)).hint(hint))
}

/// A filter is parsed here, so that its bad places are named as they stand in the file.
async fn filter(source: Option<String>) -> Result<Option<Filter>, CliError> {
    let Some(source) = source else { return Ok(None) };
    let text = data::read("--filter", source).await?;
    let filter = text.get().parse::<Filter>();
    filter.map(Some).map_err(|error| {
        CliError::usage(format!("--filter is no filter: {error}"))
            .hint("write a condition, such as '{\"pointer\":\"/priority\",\"equals\":\"high\"}'")
    })
}

fn headers(options: &WebhookOptions) -> Result<Option<BTreeMap<String, String>>, CliError> {
    let one = |(name, value): &(reqwest::header::HeaderName, reqwest::header::HeaderValue)| {
        let value =
            value.to_str().map_err(|_| CliError::usage(format!("the value of `{name}` is no text")))?;
        Ok((name.to_string(), value.to_owned()))
    };
    let headers: BTreeMap<String, String> =
        options.headers.iter().map(one).collect::<Result<_, CliError>>()?;
    Ok((!headers.is_empty()).then_some(headers))
}

/// As the API writes it.
pub(super) fn status(status: WebhookStatus) -> String {
    let status = serde_json::to_value(status).ok();
    status.as_ref().and_then(|status| status.as_str()).unwrap_or_default().to_owned()
}

fn row(webhook: &Webhook) -> Vec<String> {
    let status = status(webhook.status);
    vec![webhook.id.to_string(), status, webhook.events.to_string(), harmless(&webhook.url)]
}
