//! The bodies that make and change a webhook.

use std::time::Duration;

use cstar_delivery::TargetError;
use cstar_signature::Secret;
use cstar_store::WebhookPatch;
use cstar_types::limits::{OVERLAP_DEFAULT, OVERLAP_MAX, TEXT_MAX_CHARS, URL_MAX_BYTES};
use cstar_types::{DisabledReason, Patterns, Timestamp, Webhook, WebhookId, WebhookStatus};
use cstar_wire::Code;

use crate::auth::{Access, Caller};
use crate::error::{ApiError, ApiResult};
use crate::fields::{
    Fields, boolean, filter, header_map, patterns, rate_limit, schedule, text, webhook_secret, whole_number,
};
use crate::shared::Shared;

/// Looking up the name in a URL may take as long as a whole attempt would be given.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The webhook that a body asks for, and its secret: the given one, or a new one.
pub(super) async fn new(
    shared: &Shared,
    access: &Access,
    body: &[u8],
    id: WebhookId,
    now: Timestamp,
) -> ApiResult<(Webhook, Secret)> {
    let mut fields = Fields::read(body)?;
    let url = fields.required("url", text(1..=URL_MAX_BYTES));
    let events = fields.required("events", patterns);
    let filter = fields.optional("filter", filter).flatten();
    let description = fields.optional("description", text(0..=TEXT_MAX_CHARS));
    let enabled = fields.optional("enabled", boolean).unwrap_or(true);
    let secret = fields.optional("secret", webhook_secret);
    let ordered = fields.optional("ordered", boolean);
    let rate_limit = fields.optional("rate_limit", rate_limit).flatten();
    let retry_schedule = fields.optional("retry_schedule", schedule(shared.options().retention)).flatten();
    let headers = fields.optional("headers", header_map);
    let disable_on_gone = fields.optional("disable_on_gone", boolean);
    let (url, events) = fields.finish(url.zip(events))?;
    within(&access.caller, &events)?;
    let webhook = Webhook {
        id,
        team: access.team,
        url: target(shared, &url).await?,
        events,
        filter,
        description: description.unwrap_or_default(),
        status: if enabled { WebhookStatus::Enabled } else { WebhookStatus::Disabled },
        disabled_reason: (!enabled).then_some(DisabledReason::ByRequest),
        failing_since: None,
        ordered: ordered.unwrap_or(false),
        rate_limit,
        retry_schedule,
        headers: headers.unwrap_or_default(),
        disable_on_gone: disable_on_gone.unwrap_or(false),
        secret_overlap_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    Ok((webhook, secret.unwrap_or_else(generated)))
}

/// A new secret.
pub(in crate::routes) fn generated() -> Secret {
    Secret::generate(rand::random())
}

/// The secret that a body rotates to, the given one or a new one, and how long the one before stays.
pub(super) fn rotation(body: &[u8]) -> ApiResult<(Secret, Duration)> {
    let mut fields = Fields::read(body)?;
    let overlap_s = fields.optional("overlap_seconds", whole_number(0..=OVERLAP_MAX.as_secs()));
    let secret = fields.optional("secret", webhook_secret);
    fields.finish(Some(()))?;
    let overlap = overlap_s.map_or(OVERLAP_DEFAULT, Duration::from_secs);
    Ok((secret.unwrap_or_else(generated), overlap))
}

/// The change that a body asks for.
pub(super) async fn change(shared: &Shared, access: &Access, body: &[u8]) -> ApiResult<WebhookPatch> {
    let mut fields = Fields::read(body)?;
    let url = fields.changed("url", text(1..=URL_MAX_BYTES));
    let enabled = fields.changed("enabled", boolean);
    let mut patch = WebhookPatch {
        url: None,
        events: fields.changed("events", patterns),
        filter: fields.changed("filter", filter),
        description: fields.changed("description", text(0..=TEXT_MAX_CHARS)),
        enabled: enabled.map(|enabled| if enabled { Ok(()) } else { Err(DisabledReason::ByRequest) }),
        ordered: fields.changed("ordered", boolean),
        rate_limit: fields.changed("rate_limit", rate_limit),
        retry_schedule: fields.changed("retry_schedule", schedule(shared.options().retention)),
        headers: fields.changed("headers", header_map),
        disable_on_gone: fields.changed("disable_on_gone", boolean),
    };
    fields.finish(Some(()))?;
    if let Some(events) = &patch.events {
        within(&access.caller, events)?;
    }
    if let Some(url) = url {
        patch.url = Some(target(shared, &url).await?);
    }
    Ok(patch)
}

/// SEC-2: a webhook sees no more than the key that makes or changes it.
fn within(caller: &Caller, events: &Patterns) -> ApiResult<()> {
    if caller.covers(events) {
        return Ok(());
    }
    let detail = format!("the key sees `{}` alone; ask for no more", caller.visible());
    Err(ApiError::field(Code::OutsidePatterns, "/events", detail))
}

/// SEC-1: the URL as it will be dialled. Whether its name resolves is told like any other refusal.
pub(in crate::routes) async fn target(shared: &Shared, url: &str) -> ApiResult<String> {
    let judged = tokio::time::timeout(RESOLVE_TIMEOUT, shared.api.delivery.check_target(url)).await;
    judged.unwrap_or(Err(TargetError::Unresolved)).map(String::from).map_err(refusal)
}

/// What could not be judged is no bad URL.
fn refusal(error: TargetError) -> ApiError {
    match error {
        TargetError::Blocked | TargetError::Unresolved => {
            ApiError::field(Code::BlockedTarget, "/url", error.to_string())
        }
        TargetError::RanOut(_) | TargetError::NoRoom => {
            ApiError::new(Code::QueueFull, format!("{error}; nothing was stored"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-1: a URL that the rule refuses is told apart from one that could not be judged, which is worth repeating.
    #[test]
    fn what_could_not_be_judged_is_no_bad_url() {
        let code = |error| refusal(error).code();
        assert_eq!([TargetError::Blocked, TargetError::Unresolved].map(code), [Code::BlockedTarget; 2]);
        assert_eq!([TargetError::RanOut(24), TargetError::NoRoom].map(code), [Code::QueueFull; 2]);
    }
}
