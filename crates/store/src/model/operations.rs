//! Operations.

use async_trait::async_trait;
use cstar_types::limits::OPERATIONS_A_TEAM;
use cstar_types::{
    AuditAction, DeliveryId, DeliveryStatus, EventId, Operation, OperationFailure, OperationId,
    OperationStatus, OperationWork, Patterns, ResendFilter, TeamId, Timestamp, WebhookId, WebhookStatus,
};

use super::Model;
use super::state::{Kept, Row, State};
use crate::operations::{resent, was_attempted_since};
use crate::{Change, ListQuery, NewOperation, Operations, Page, ResendCount, StoreError};

/// An operation, and how far it has come.
#[derive(Debug, Clone)]
pub(super) struct Run {
    operation: Operation,
    /// Up to here, it is done: the bits of a delivery's id, or a seq.
    cursor: u128,
    /// It ends with this one.
    last: u128,
}

#[async_trait]
impl Operations for Model {
    async fn begin(&self, operation: NewOperation, now: Timestamp) -> Result<Operation, StoreError> {
        let begun = self.change(|state| {
            let begun = state.begin(operation.made(now))?;
            state.put_on_record(AuditAction::OperationBegun, Some(begun.team), begun.id);
            Ok((begun, None))
        })?;
        self.operation_begun.notify_one();
        Ok(begun)
    }

    async fn operation(&self, team: TeamId, operation: OperationId) -> Result<Operation, StoreError> {
        self.look(|state| Ok(state.run(team, operation)?.operation.clone()))
    }

    async fn operations(
        &self,
        team: TeamId,
        query: ListQuery<OperationId>,
    ) -> Result<Page<Operation, OperationId>, StoreError> {
        self.look(|state| {
            state.team(team)?;
            let newest_first = state.operations.values().rev().map(|run| &run.operation);
            let older = newest_first.filter(|one| query.from.is_none_or(|from| one.id < from));
            Ok(Page::cut(older.filter(|one| one.team == team).cloned(), query.limit, |one| one.id))
        })
    }

    async fn cancel_operation(
        &self,
        team: TeamId,
        operation: OperationId,
        now: Timestamp,
    ) -> Result<Operation, StoreError> {
        self.change(|state| {
            state.run(team, operation)?;
            let run = state.operations.get_mut(&operation).ok_or(StoreError::NotFound)?;
            if run.operation.status != OperationStatus::Running {
                return Err(StoreError::Conflict("the operation has ended"));
            }
            run.operation.end(OperationStatus::Cancelled, now);
            let cancelled = run.operation.clone();
            state.put_on_record(AuditAction::OperationCancelled, Some(team), operation);
            Ok((cancelled, None))
        })
    }

    async fn go_on(&self, rows: usize, now: Timestamp) -> Result<bool, StoreError> {
        self.change_many(|state| Ok(state.go_on(rows, now)))
    }

    async fn count_resend(
        &self,
        team: TeamId,
        filter: ResendFilter,
        visible: Patterns,
    ) -> Result<ResendCount, StoreError> {
        self.look(|state| {
            state.is_there(team, filter.webhook)?;
            let query = resent(&filter, &visible);
            let rows = state.deliveries.values().map(|row| &row.delivery);
            let asked_for = rows.filter(|row| row.team == team && query.asks_for(row));
            let count = asked_for.filter(|row| state.may_reopen(team, row.id).is_ok()).count();
            Ok(ResendCount { deliveries: count as u64, complete: true })
        })
    }

    async fn begun(&self) {
        self.operation_begun.notified().await;
    }
}

impl State {
    /// T24: the operation of another team is as unknown as one that never was.
    fn run(&self, team: TeamId, operation: OperationId) -> Result<&Run, StoreError> {
        self.operations.get(&operation).filter(|run| run.operation.team == team).ok_or(StoreError::NotFound)
    }

    fn begin(&mut self, operation: Operation) -> Result<Operation, StoreError> {
        self.team(operation.team)?;
        self.may_begin(&operation)?;
        if self.operations.contains_key(&operation.id) {
            return Err(StoreError::Conflict("the operation's id is taken"));
        }
        let of_team = self.operations.values().filter(|run| run.operation.team == operation.team);
        let running = of_team.filter(|run| run.operation.status == OperationStatus::Running).count();
        if running >= OPERATIONS_A_TEAM {
            return Err(StoreError::Conflict("the team has as many operations under way as it may have"));
        }
        let last = match operation.work {
            OperationWork::Resend(_) => self.deliveries.keys().next_back().map_or(0, |id| id.bits()),
            OperationWork::Recover { .. } => self.team(operation.team)?.ends().head.into(),
        };
        let run = Run { operation: operation.clone(), cursor: 0, last };
        self.operations.insert(operation.id, run);
        Ok(operation)
    }

    fn may_begin(&self, Operation { team, work, .. }: &Operation) -> Result<(), StoreError> {
        match work {
            OperationWork::Resend(filter) => self.is_there(*team, filter.webhook),
            OperationWork::Recover { webhook, .. } => match self.webhook(*team, *webhook)?.status {
                WebhookStatus::Enabled => Ok(()),
                WebhookStatus::Disabled => Err(StoreError::Conflict("the webhook is disabled")),
            },
        }
    }

    fn is_there(&self, team: TeamId, webhook: Option<WebhookId>) -> Result<(), StoreError> {
        self.team(team)?;
        webhook.map_or(Ok(()), |webhook| self.webhook(team, webhook).map(|_| ()))
    }

    fn go_on(&mut self, rows: usize, now: Timestamp) -> (bool, Vec<Change>) {
        let running = self.operations.values().filter(|run| run.operation.status == OperationStatus::Running);
        let Some(next) = running.min_by_key(|run| (run.operation.updated_at, run.operation.id)) else {
            return (false, Vec::new());
        };
        let mut run = next.clone();
        run.operation.updated_at = now;
        let told = match run.operation.work {
            OperationWork::Resend(_) => self.resend_slice(&mut run, rows, now),
            OperationWork::Recover { webhook, .. } => self.recover_slice(&mut run, webhook, rows, now),
        };
        self.operations.insert(run.operation.id, run);
        (true, told)
    }

    pub(super) fn erase_operations(&mut self, team: TeamId) {
        self.operations.retain(|_, run| run.operation.team != team);
    }

    pub(super) fn remove_operation(&mut self, cutoff: Timestamp) -> bool {
        let runs = self.operations.values().map(|run| &run.operation);
        let old = runs.filter(|one| one.status != OperationStatus::Running && one.created_at < cutoff);
        let old = old.map(|one| one.id).next();
        old.is_some_and(|id| self.operations.remove(&id).is_some())
    }

    fn resend_slice(&mut self, run: &mut Run, rows: usize, now: Timestamp) -> Vec<Change> {
        let OperationWork::Resend(filter) = &run.operation.work else { return Vec::new() };
        let query = resent(filter, &run.operation.visible);
        let to_do = |row: &&Row| {
            let bits = row.delivery.id.bits();
            row.delivery.team == run.operation.team && run.cursor < bits && bits <= run.last
        };
        let rows_to_do = self.deliveries.values().filter(to_do);
        let slice: Vec<DeliveryId> = rows_to_do.map(|row| row.delivery.id).take(rows).collect();
        let mut told = Vec::new();
        for id in &slice {
            if self.delivery(run.operation.team, *id).is_ok_and(|row| query.asks_for(&row.delivery)) {
                told.extend(self.reopen_for(&mut run.operation, *id, now));
            }
        }
        match slice.last() {
            Some(last) if slice.len() == rows => run.cursor = last.bits(),
            _ => run.operation.end(OperationStatus::Done, now),
        }
        told
    }

    /// Reopens a delivery, or counts it as skipped.
    fn reopen_for(&mut self, operation: &mut Operation, id: DeliveryId, now: Timestamp) -> Option<Change> {
        let last = self.deliveries.get(&id).and_then(|row| row.delivery.last_attempt.as_ref());
        let resent = if was_attempted_since(last, operation.created_at) {
            Err(StoreError::Changed)
        } else {
            self.resend(operation.team, id, now)
        };
        let counted = if resent.is_ok() { &mut operation.done } else { &mut operation.skipped };
        *counted += 1;
        resent.ok().map(|resent| Change::Reopened { delivery: id, webhook: resent.webhook })
    }

    fn recover_slice(
        &mut self,
        run: &mut Run,
        webhook: WebhookId,
        rows: usize,
        now: Timestamp,
    ) -> Vec<Change> {
        let failure = match self.webhook(run.operation.team, webhook).map(|webhook| webhook.status) {
            Ok(WebhookStatus::Enabled) => None,
            Ok(WebhookStatus::Disabled) => Some(OperationFailure::WebhookDisabled),
            Err(_) => Some(OperationFailure::WebhookDeleted),
        };
        if failure.is_some() {
            run.operation.failure = failure;
            run.operation.end(OperationStatus::Failed, now);
            return Vec::new();
        }
        let slice = self.missed(run, webhook, rows);
        run.cursor += rows as u128;
        let mut told = Vec::new();
        for missed in slice {
            match missed {
                Missed::Ended(id) => told.extend(self.reopen_for(&mut run.operation, id, now)),
                Missed::Event(event) => {
                    if let Ok(made) = self.deliver(run.operation.team, event, webhook, now) {
                        run.operation.done += 1;
                        told.push(Change::Reopened { delivery: made.id, webhook });
                    }
                }
            }
        }
        if run.cursor >= run.last {
            run.operation.end(OperationStatus::Done, now);
        }
        told
    }

    /// What a slice of the log has for a webhook that did not get it.
    fn missed(&self, run: &Run, webhook: WebhookId, rows: usize) -> Vec<Missed> {
        let Operation { team, visible, work, .. } = &run.operation;
        let (OperationWork::Recover { since, until, .. }, Ok(log), Ok(wanting)) =
            (work, self.team(*team), self.webhook(*team, webhook))
        else {
            return Vec::new();
        };
        let within = |kept: &&Kept| {
            let seq = u128::from(kept.entry.position.seq);
            (run.cursor < seq && seq <= run.last.min(run.cursor + rows as u128))
                && kept.committed_at >= *since
                && until.is_none_or(|until| kept.committed_at < until)
                && visible.matches(&kept.entry.event.event_type)
        };
        let missed = |kept: &Kept| {
            let event = &kept.entry.event;
            if kept.erased {
                return None;
            }
            let of_both = |row: &&Row| (row.delivery.event, row.delivery.webhook) == (event.id, webhook);
            match self.deliveries.values().find(of_both).map(|row| &row.delivery) {
                Some(row) if matches!(row.status, DeliveryStatus::Failed | DeliveryStatus::Cancelled) => {
                    Some(Missed::Ended(row.id))
                }
                Some(_) => None,
                None => {
                    let wanted = kept.deliver && !event.id.is_test() && wanting.wants(event);
                    wanted.then_some(Missed::Event(event.id))
                }
            }
        };
        log.kept.iter().filter(within).filter_map(missed).collect()
    }
}

/// What a webhook did not get.
enum Missed {
    /// A delivery that failed or was cancelled.
    Ended(DeliveryId),
    /// An event that it has no delivery of.
    Event(EventId),
}
