//! `…/webhooks/{webhook}/test`: an example sent now, and what came of it (T20).

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use cstar_store::{Append, DeliveryQuery, FanOut, NewEvent, TypeFilter};
use cstar_types::limits::TEXT_MAX_CHARS;
use cstar_types::{
    Attempt, DeliveryId, Event, EventId, EventType, Scope, TeamId, Timestamp, Webhook, WebhookId,
    WebhookStatus,
};
use cstar_wire::{self as wire, Code};
use http::HeaderMap;
use tokio::time::{Instant, sleep};

use super::{Api, visible};
use crate::auth::{Access, PathId};
use crate::catalog::Found;
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fields, text};
use crate::publish::known;
use crate::query::NoQuery;
use crate::routes::deliveries::reads_webhook;
use crate::routes::publish::known_within;
use crate::shared::Shared;
use crate::{answer, body};

/// Sent where the webhook wants none of the types that there are.
const TYPE_OTHERWISE: &str = "ticket.created";

/// How often the store is asked for the attempt. It is asked, and nobody waits for a bell: results are put on record by
/// whichever process makes the attempt, and what all of them share is the store. One row is read each time.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the attempt may wait for its turn in the lane and for its record, beside the time that it takes itself.
const MARGIN: Duration = Duration::from_secs(5);

/// `POST …/webhooks/{webhook}/test`
pub(crate) async fn test(
    State(shared): Api,
    access: Access,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::WebhooksWrite)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let mut fields = Fields::read(&body)?;
    let event_type = fields.optional("type", text(1..=TEXT_MAX_CHARS));
    fields.finish(Some(()))?;
    let webhook = visible(&shared, &access, id).await?;
    let example = example(&shared, &access, &webhook, event_type)?;
    let data = example.entry().example.as_bytes();
    let sent = send_now(&shared, &webhook, example.event_type().clone(), data).await?;
    let mut attempt = wire::Attempt::from(sent);
    if !reads_webhook(&shared, &access, id).await? {
        attempt.request = None;
    }
    Ok(answer::ok(&attempt))
}

/// The type that was asked for, else the first that the webhook wants.
fn example(shared: &Shared, access: &Access, webhook: &Webhook, asked: Option<String>) -> ApiResult<Found> {
    let wanted = || shared.catalog.all().into_iter().find(|known| webhook.events.matches(known.event_type()));
    let name = asked.or_else(|| wanted().map(|known| known.event_type().to_string()));
    known(&access.caller, &shared.catalog, name.as_deref().unwrap_or(TYPE_OTHERWISE))
        .map_err(|(code, detail)| ApiError::field(code, "/type", detail))
}

/// Sends a test event to a webhook now; answers with what came of it.
pub(in crate::routes) async fn send_now(
    shared: &Shared,
    webhook: &Webhook,
    event_type: EventType,
    data: &[u8],
) -> ApiResult<Attempt> {
    if webhook.status == WebhookStatus::Disabled {
        return Err(ApiError::new(Code::Conflict, "the webhook is disabled"));
    }
    let now = shared.now();
    let id = EventId::from_uuid(shared.ids.next(now), true);
    let event = Event::new(id, event_type, webhook.team, now, data);
    let delivery = store(shared, webhook.id, event, now).await?;
    first_attempt(shared, webhook.team, delivery).await
}

/// Stores the test event with its one delivery, which is sent at once.
async fn store(shared: &Shared, webhook: WebhookId, event: Event, now: Timestamp) -> ApiResult<DeliveryId> {
    let (team, id) = (event.team, event.id);
    let events = vec![NewEvent { event, idempotency_key: None }];
    let append = shared.store().append(Append { team, events, fan_out: FanOut::Only(webhook), now });
    known_within(shared.options().publish_timeout, append).await?;
    let query = DeliveryQuery {
        filter: TypeFilter::all(),
        webhook: Some(webhook),
        event: Some(id),
        status: None,
        since: None,
        until: None,
        from: None,
        limit: 1,
    };
    let made = shared.store().deliveries(team, query).await?.rows.pop();
    made.map(|delivery| delivery.id).ok_or_else(ApiError::not_found) // its team was deleted meanwhile
}

/// The first attempt, once it is on record.
async fn first_attempt(shared: &Shared, team: TeamId, id: DeliveryId) -> ApiResult<Attempt> {
    let deadline = Instant::now() + shared.api.delivery.attempt_timeout() + MARGIN;
    loop {
        let (delivery, attempts) = shared.store().delivery(team, id).await?;
        if let Some(first) = attempts.into_iter().next() {
            return Ok(first);
        }
        if delivery.status.has_ended() {
            return Err(ApiError::new(
                Code::Conflict,
                "the webhook was disabled or deleted before the attempt",
            ));
        }
        if Instant::now() >= deadline {
            return Err(ApiError::new(
                Code::OutcomeUnknown,
                format!("the attempt of {id} is still waiting for its turn, and will be made"),
            ));
        }
        sleep(LOOK_EVERY).await;
    }
}
