//! Operations.

use async_trait::async_trait;
use cstar_types::{Operation, OperationId, Patterns, ResendFilter, TeamId, Timestamp};

use super::{ONE, SqliteStore};
use crate::operations::resent;
use crate::sqlite::operations;
use crate::sqlite::queue::{Class, Size};
use crate::{ListQuery, NewOperation, Operations, Page, ResendCount, StoreError};

/// Rows that a count looks at in one reading …
const COUNT_SLICE_ROWS: usize = 10_000;
/// … and in all: a second or so of one reader.
const COUNT_MAX_ROWS: usize = 100_000;

#[async_trait]
impl Operations for SqliteStore {
    async fn begin(&self, operation: NewOperation, now: Timestamp) -> Result<Operation, StoreError> {
        let operation = operation.made(now);
        let begun = self.change(Class::Change, ONE, move |tx| operations::begin(tx, &operation)).await?;
        self.operation_begun.notify_one();
        Ok(begun)
    }

    async fn operation(&self, team: TeamId, operation: OperationId) -> Result<Operation, StoreError> {
        self.shared.read(move |look| Ok(look.operation(look.team(team)?.number, operation)?.operation)).await
    }

    async fn operations(
        &self,
        team: TeamId,
        ListQuery { from, limit }: ListQuery<OperationId>,
    ) -> Result<Page<Operation, OperationId>, StoreError> {
        let read = self.shared.read(move |look| {
            let rows = look.operations_before(look.team(team)?.number, from, limit.saturating_add(1))?;
            Ok(Page::cut(rows.into_iter().map(|row| row.operation), limit, |operation| operation.id))
        });
        read.await
    }

    // Vital, as disabling a webhook is: what stops work does not wait for room on the disk.
    async fn cancel_operation(
        &self,
        team: TeamId,
        operation: OperationId,
        now: Timestamp,
    ) -> Result<Operation, StoreError> {
        self.change(Class::Vital, ONE, move |tx| operations::cancel(tx, team, operation, now)).await
    }

    async fn go_on(&self, rows: usize, now: Timestamp) -> Result<bool, StoreError> {
        let size = Size { rows, bytes: 0 };
        self.shared.write(Class::Change, size, move |tx| operations::go_on(tx, rows, now)).await
    }

    async fn count_resend(
        &self,
        team: TeamId,
        filter: ResendFilter,
        visible: Patterns,
    ) -> Result<ResendCount, StoreError> {
        let query = resent(&filter, &visible);
        let mut counted = ResendCount { deliveries: 0, complete: false };
        let mut from = None;
        for slice in 0..COUNT_MAX_ROWS / COUNT_SLICE_ROWS {
            let query = query.clone();
            let read = self.shared.read(move |look| {
                let row = look.team(team)?;
                if let Some(webhook) = query.webhook.filter(|_| slice == 0) {
                    look.webhook_of(team, webhook)?;
                }
                operations::count(look, &row, &query, from, COUNT_SLICE_ROWS)
            });
            let (deliveries, next) = read.await?;
            counted.deliveries += deliveries;
            counted.complete = next.is_none();
            if counted.complete {
                break;
            }
            from = next;
        }
        Ok(counted)
    }

    async fn begun(&self) {
        self.operation_begun.notified().await;
    }
}
