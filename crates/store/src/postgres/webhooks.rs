//! Making, changing and deleting webhooks.
//!
//! Each change locks the team first, and raises the number by which whoever appends to its log knows that its webhooks are not
//! the ones that it remembers: so they count as they stand in the order of commits (DLV-1).

use cstar_types::{
    AuditAction, CancelReason, DisabledReason, TeamId, Timestamp, Webhook, WebhookId, WebhookStatus,
};
use tokio_postgres::types::Type;

use super::cancel;
use super::fault::Fault;
use super::head::Head;
use super::notices;
use super::tx::Tx;
use super::webhook_rows::{WebhookRow, uuid};
use crate::directory::is_expected;
use crate::stored::vault::Sealed;
use crate::{Change, Rotation, SecretText, StoreError, WebhookPatch};

/// Stores a new webhook and its secret.
pub(super) async fn create(
    tx: &mut Tx,
    webhook: &Webhook,
    secret: &SecretText,
    limit: usize,
) -> Result<Webhook, Fault> {
    let mut team = tx.lock(webhook.team).await?;
    let id = uuid(webhook.id);
    if tx.row("SELECT 1 FROM webhooks WHERE id = $1", &[(&id, Type::UUID)]).await?.is_some() {
        return Err(StoreError::Conflict("the webhook's id is taken").into());
    }
    if tx.webhooks_before(team.number, None, limit).await?.len() >= limit {
        return Err(StoreError::TooMany { limit }.into());
    }
    let vault = &tx.open.vault;
    let sealed = vault.seal(Sealed::Secret(webhook.team, webhook.id), secret.reveal().as_bytes());
    let mut row = WebhookRow {
        team_number: team.number,
        webhook: webhook.clone(),
        failing_since: None,
        headers: None,
        deleted: false,
        generation: 0,
        cancelling: false,
        secret: Some(sealed),
        previous_secret: None,
    };
    row.set_headers(vault, &webhook.headers);
    changed(tx, &mut team, &row).await?;
    match webhook.team {
        TeamId::OPERATOR => tx.record(AuditAction::NoticeCreated, None, webhook.id).await?,
        team => tx.record(AuditAction::WebhookCreated, Some(team), webhook.id).await?,
    }
    Ok(row.webhook)
}

/// A webhook that is to be changed: its team is locked, so nobody else changes it.
async fn to_change(
    tx: &Tx,
    team: TeamId,
    webhook: WebhookId,
    expected: Option<u64>,
) -> Result<(Head, WebhookRow), Fault> {
    let head = tx.lock(team).await?;
    let row = tx.webhook_of(team, webhook).await?;
    is_expected(row.webhook.version, expected)?;
    Ok((head, row))
}

/// Changes a webhook.
pub(super) async fn update(
    tx: &mut Tx,
    team: TeamId,
    webhook: WebhookId,
    patch: WebhookPatch,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<Webhook, Fault> {
    let (mut head, mut row) = to_change(tx, team, webhook, expected).await?;
    change(tx, &mut head, &mut row, patch, now).await?;
    let shown = row.shown(&tx.open.vault)?;
    tx.record(AuditAction::WebhookUpdated, Some(team), webhook).await?;
    Ok(shown)
}

async fn change(
    tx: &mut Tx,
    head: &mut Head,
    row: &mut WebhookRow,
    patch: WebhookPatch,
    now: Timestamp,
) -> Result<(), Fault> {
    let is_enabled = row.webhook.status == WebhookStatus::Enabled;
    // Of one that is disabled nothing waits.
    let disabled = patch.enabled.and_then(Result::err).filter(|_| is_enabled);
    let is_moved = patch.url.as_ref().is_some_and(|url| *url != row.webhook.url);
    if is_moved || (!is_enabled && patch.enabled == Some(Ok(()))) {
        tx.forget_streak(row.team_number, row.webhook.id).await?;
        row.failing_since = None;
    }
    if let Some(headers) = &patch.headers {
        row.set_headers(&tx.open.vault, headers);
    }
    patch.apply(&mut row.webhook);
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    if let Some(reason) = disabled {
        cancel::all_that_waits(tx, row, reason.into()).await?;
    }
    changed(tx, head, row).await
}

/// Disables a webhook; one that is disabled stays as it is, with the reason that it has, and so does one that has changed.
pub(super) async fn disable(
    tx: &mut Tx,
    webhook: WebhookId,
    seen: Option<u64>,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), Fault> {
    let team = tx.webhook(webhook).await?.webhook.team;
    let (mut head, mut row) = to_change(tx, team, webhook, None).await?;
    let has_changed = seen.is_some_and(|seen| seen != row.webhook.version);
    if row.webhook.status == WebhookStatus::Disabled || has_changed {
        return Ok(());
    }
    disable_row(tx, &mut head, &mut row, reason, now).await
}

/// What the server disables by itself is told to the operator.
async fn disable_row(
    tx: &mut Tx,
    head: &mut Head,
    row: &mut WebhookRow,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), Fault> {
    let patch = WebhookPatch { enabled: Some(Err(reason)), ..WebhookPatch::default() };
    change(tx, head, row, patch, now).await?;
    notices::webhook_disabled(tx, row, reason, now).await
}

/// Disables a webhook of a team that is locked, if it only fails; answers whether it did.
pub(super) async fn disable_failing(
    tx: &mut Tx,
    head: &mut Head,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<bool, Fault> {
    let known = tx.any_webhook(webhook).await?;
    let enabled = known.filter(|row| !row.deleted && row.webhook.status == WebhookStatus::Enabled);
    let Some(mut row) = enabled else { return Ok(false) };
    disable_row(tx, head, &mut row, DisabledReason::Failing, now).await?;
    if row.webhook.team == TeamId::OPERATOR {
        tracing::warn!(%webhook, "a URL that hears notices is disabled: its attempts have only failed for long; delete it and register it again");
    } else {
        tracing::warn!(%webhook, "a webhook is disabled: its attempts have only failed for long");
    }
    Ok(true)
}

/// Gives a webhook a new secret.
pub(super) async fn rotate_secret(
    tx: &mut Tx,
    team: TeamId,
    webhook: WebhookId,
    rotation: &Rotation,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<Webhook, Fault> {
    let (mut head, mut row) = to_change(tx, team, webhook, expected).await?;
    let vault = &tx.open.vault;
    let before = row.secrets(vault)?.current;
    let kept = rotation.kept(&before, &row.webhook, now)?;
    let seal = |what, secret: &SecretText| vault.seal(what, secret.reveal().as_bytes());
    row.secret = Some(seal(Sealed::Secret(team, webhook), &rotation.secret));
    row.previous_secret = kept.map(|_| seal(Sealed::PreviousSecret(team, webhook), &before));
    row.webhook.secret_overlap_until = kept;
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    changed(tx, &mut head, &row).await?;
    let shown = row.shown(&tx.open.vault)?;
    tx.record(AuditAction::SecretRotated, Some(team), webhook).await?;
    Ok(shown)
}

/// Forgets the secret before the last rotation.
pub(super) async fn end_overlap(
    tx: &mut Tx,
    team: TeamId,
    webhook: WebhookId,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<(), Fault> {
    let (mut head, mut row) = to_change(tx, team, webhook, expected).await?;
    if row.previous_secret.take().is_none() {
        return Ok(());
    }
    row.webhook.secret_overlap_until = None;
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    changed(tx, &mut head, &row).await?;
    tx.record(AuditAction::OverlapEnded, Some(team), webhook).await
}

/// Deletes a webhook. Its row stays, without secrets, for as long as its deliveries do.
pub(super) async fn delete(
    tx: &mut Tx,
    team: TeamId,
    webhook: WebhookId,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<(), Fault> {
    let (mut head, mut row) = to_change(tx, team, webhook, expected).await?;
    row.deleted = true;
    row.secret = None;
    row.previous_secret = None;
    row.webhook.secret_overlap_until = None;
    row.headers = None;
    row.webhook.updated_at = now;
    tx.forget_streak(row.team_number, webhook).await?;
    cancel::all_that_waits(tx, &mut row, CancelReason::WebhookDeleted).await?;
    changed(tx, &mut head, &row).await?;
    match team {
        TeamId::OPERATOR => tx.record(AuditAction::NoticeDeleted, None, webhook).await,
        team => tx.record(AuditAction::WebhookDeleted, Some(team), webhook).await,
    }
}

async fn changed(tx: &mut Tx, head: &mut Head, row: &WebhookRow) -> Result<(), Fault> {
    tx.save_webhook(row).await?;
    tx.webhooks_change(head).await?;
    tx.effects.told.push(Change::WebhookChanged(row.webhook.id));
    Ok(())
}
