//! Making, changing and deleting webhooks.

use cstar_types::{
    AuditAction, CancelReason, DisabledReason, TeamId, Timestamp, Webhook, WebhookId, WebhookStatus,
};

use super::cancel;
use super::failing;
use super::fault::Fault;
use super::notices;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::directory::is_expected;
use crate::stored::vault::Sealed;
use crate::{Change, Rotation, SecretText, StoreError, WebhookPatch};

/// Stores a new webhook and its secret.
pub(super) fn create(
    tx: &mut Tx<'_>,
    webhook: &Webhook,
    secret: &SecretText,
    limit: usize,
) -> Result<Webhook, Fault> {
    let look = tx.look();
    let team = look.team(webhook.team)?;
    let taken = look
        .conn
        .prepare_cached("SELECT 1 FROM webhooks WHERE id = ?1")?
        .exists([webhook.id.bits().to_be_bytes()])?;
    if taken {
        return Err(StoreError::Conflict("the webhook's id is taken").into());
    }
    if look.webhooks_before(team.number, None, limit)?.len() >= limit {
        return Err(StoreError::TooMany { limit }.into());
    }
    let next =
        look.conn.query_row("SELECT max(number) FROM webhooks", (), |row| row.get::<_, Option<i64>>(0))?;
    let mut row = WebhookRow {
        number: next.unwrap_or_default() + 1,
        team_number: team.number,
        webhook: webhook.clone(),
        headers: None,
        deleted: false,
        generation: 0,
        cancelling: false,
        secret: Some(
            tx.shelf.vault.seal(Sealed::Secret(webhook.team, webhook.id), secret.reveal().as_bytes()),
        ),
        previous_secret: None,
    };
    row.set_headers(look, &webhook.headers);
    changed(tx, &row)?;
    match webhook.team {
        TeamId::OPERATOR => tx.record(AuditAction::NoticeCreated, None, webhook.id)?,
        team => tx.record(AuditAction::WebhookCreated, Some(team), webhook.id)?,
    }
    Ok(row.webhook)
}

/// Changes a webhook.
pub(super) fn update(
    tx: &mut Tx<'_>,
    team: TeamId,
    webhook: WebhookId,
    patch: WebhookPatch,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<Webhook, Fault> {
    let look = tx.look();
    let mut row = look.webhook_of(team, webhook)?;
    is_expected(row.webhook.version, expected)?;
    change(tx, &mut row, patch, now)?;
    tx.record(AuditAction::WebhookUpdated, Some(team), webhook)?;
    row.shown(look)
}

fn change(tx: &mut Tx<'_>, row: &mut WebhookRow, patch: WebhookPatch, now: Timestamp) -> Result<(), Fault> {
    let is_enabled = row.webhook.status == WebhookStatus::Enabled;
    // Of one that is disabled nothing waits.
    let disabled = patch.enabled.and_then(Result::err).filter(|_| is_enabled);
    let is_moved = patch.url.as_ref().is_some_and(|url| *url != row.webhook.url);
    if is_moved || (!is_enabled && patch.enabled == Some(Ok(()))) {
        failing::forget(tx, row.number)?;
    }
    if let Some(headers) = &patch.headers {
        row.set_headers(tx.look(), headers);
    }
    patch.apply(&mut row.webhook);
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    if let Some(reason) = disabled {
        cancel::begin(tx, row, reason.into())?;
    }
    changed(tx, row)
}

/// Disables a webhook; one that is disabled stays as it is, with the reason that it has, and so does one that has changed.
pub(super) fn disable(
    tx: &mut Tx<'_>,
    webhook: WebhookId,
    seen: Option<u64>,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut row = tx.look().webhook(webhook)?;
    let has_changed = seen.is_some_and(|seen| seen != row.webhook.version);
    if row.webhook.status == WebhookStatus::Disabled || has_changed {
        return Ok(());
    }
    disable_row(tx, &mut row, reason, now)
}

/// What the server disables by itself is told to the operator.
fn disable_row(
    tx: &mut Tx<'_>,
    row: &mut WebhookRow,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), Fault> {
    let patch = WebhookPatch { enabled: Some(Err(reason)), ..WebhookPatch::default() };
    change(tx, row, patch, now)?;
    notices::webhook_disabled(tx, row, reason, now)
}

/// Disables a webhook that only fails; answers whether it did. One that is damaged is said, and stays as it is: it must not
/// hold up results.
pub(super) fn disable_failing(tx: &mut Tx<'_>, number: i64, now: Timestamp) -> Result<bool, Fault> {
    let mut row = match tx.look().webhook_numbered(number) {
        Ok(Some(row)) if !row.deleted && row.webhook.status == WebhookStatus::Enabled => row,
        Ok(_) => return Ok(false),
        Err(Fault::Damaged(what)) => {
            tracing::error!(%what, "a webhook that only fails is not disabled");
            return Ok(false);
        }
        Err(fault) => return Err(fault),
    };
    disable_row(tx, &mut row, DisabledReason::Failing, now)?;
    let webhook = row.webhook.id;
    if row.webhook.team == TeamId::OPERATOR {
        tracing::warn!(%webhook, "a URL that hears notices is disabled: its attempts have only failed for long; delete it and register it again");
    } else {
        tracing::warn!(%webhook, "a webhook is disabled: its attempts have only failed for long");
    }
    Ok(true)
}

/// Gives a webhook a new secret.
pub(super) fn rotate_secret(
    tx: &mut Tx<'_>,
    team: TeamId,
    webhook: WebhookId,
    rotation: &Rotation,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<Webhook, Fault> {
    let look = tx.look();
    let mut row = look.webhook_of(team, webhook)?;
    is_expected(row.webhook.version, expected)?;
    let before = row.secrets(look)?.current;
    let kept = rotation.kept(&before, &row.webhook, now)?;
    let seal = |what, secret: &SecretText| tx.shelf.vault.seal(what, secret.reveal().as_bytes());
    row.secret = Some(seal(Sealed::Secret(team, webhook), &rotation.secret));
    row.previous_secret = kept.map(|_| seal(Sealed::PreviousSecret(team, webhook), &before));
    row.webhook.secret_overlap_until = kept;
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    changed(tx, &row)?;
    tx.record(AuditAction::SecretRotated, Some(team), webhook)?;
    row.shown(look)
}

/// Forgets the secret before the last rotation.
pub(super) fn end_overlap(
    tx: &mut Tx<'_>,
    team: TeamId,
    webhook: WebhookId,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut row = tx.look().webhook_of(team, webhook)?;
    is_expected(row.webhook.version, expected)?;
    if row.previous_secret.take().is_none() {
        return Ok(());
    }
    row.webhook.secret_overlap_until = None;
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    changed(tx, &row)?;
    tx.record(AuditAction::OverlapEnded, Some(team), webhook)
}

/// Deletes a webhook. Its row stays, without secrets, for as long as its deliveries do.
pub(super) fn delete(
    tx: &mut Tx<'_>,
    team: TeamId,
    webhook: WebhookId,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut row = tx.look().webhook_of(team, webhook)?;
    is_expected(row.webhook.version, expected)?;
    row.deleted = true;
    row.secret = None;
    row.previous_secret = None;
    row.webhook.secret_overlap_until = None;
    row.headers = None;
    row.webhook.updated_at = now;
    failing::forget(tx, row.number)?;
    cancel::begin(tx, &mut row, CancelReason::WebhookDeleted)?;
    changed(tx, &row)?;
    match team {
        TeamId::OPERATOR => tx.record(AuditAction::NoticeDeleted, None, webhook),
        team => tx.record(AuditAction::WebhookDeleted, Some(team), webhook),
    }
}

fn changed(tx: &mut Tx<'_>, row: &WebhookRow) -> Result<(), Fault> {
    row.save(tx.look())?;
    tx.memory.forget_webhook(row.webhook.team, row.number);
    tx.effects.told.push(Change::WebhookChanged(row.webhook.id));
    Ok(())
}
