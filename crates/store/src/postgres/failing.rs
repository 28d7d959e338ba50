//! Failed attempts of webhooks since their last success, and disabling those that only fail.
//!
//! A webhook that is well has no row. The results of one call are counted in memory first and judged at their end, so that a
//! success among them counts, wherever it stands, and each webhook is written once.

use cstar_types::{Attempt, FailureRule, FailureStreak, Timestamp, WebhookId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::head::Head;
use super::tx::Tx;
use super::webhook_rows::uuid;
use super::webhooks;

/// What the results of one call say of the webhooks of one team.
#[derive(Default)]
pub(super) struct Counting(Vec<Counted>);

struct Counted {
    webhook: WebhookId,
    before: Option<FailureStreak>,
    after: Option<FailureStreak>,
    /// When the last of its attempts began.
    last_at: Timestamp,
}

impl Counting {
    /// Counts an attempt; `before` are the webhook's failures before the call.
    pub(super) fn add(&mut self, webhook: WebhookId, before: Option<FailureStreak>, attempt: &Attempt) {
        let started_at = attempt.started_at;
        let known = self.0.iter().rposition(|counted| counted.webhook == webhook);
        let place = known.unwrap_or_else(|| {
            self.0.push(Counted { webhook, before, after: before, last_at: started_at });
            self.0.len() - 1
        });
        let counted = &mut self.0[place];
        counted.after = FailureStreak::after(counted.after, attempt.outcome, started_at);
        counted.last_at = counted.last_at.max(started_at);
    }

    /// Writes down what changed, and disables whom the rule says. Answers whom it disabled. The team is locked.
    pub(super) async fn settle(
        self,
        tx: &mut Tx,
        head: &mut Head,
        rule: FailureRule,
    ) -> Result<Vec<WebhookId>, Fault> {
        let mut disabled = Vec::new();
        for Counted { webhook, before, after, last_at } in self.0 {
            if before != after {
                tx.save_streak(head.number, webhook, after).await?;
            }
            let only_fails = after.is_some_and(|streak| rule.disables(streak, last_at));
            if only_fails && webhooks::disable_failing(tx, head, webhook, last_at).await? {
                disabled.push(webhook);
            }
        }
        Ok(disabled)
    }
}

/// The failures of a webhook since its last success, if the row beside which they stand has some.
pub(super) fn read_streak(row: &Row, first: usize) -> Option<FailureStreak> {
    let since = row.get::<_, Option<i64>>(first)?;
    Some(FailureStreak {
        since: Timestamp::from_millis(since),
        attempts: row.get::<_, i64>(first + 1) as u32,
    })
}

impl Tx {
    /// Forgets the failures of a webhook: it begins anew.
    pub(super) async fn forget_streak(&self, team: i64, webhook: WebhookId) -> Result<(), Fault> {
        self.save_streak(team, webhook, None).await
    }

    async fn save_streak(
        &self,
        team: i64,
        webhook: WebhookId,
        streak: Option<FailureStreak>,
    ) -> Result<(), Fault> {
        let webhook = uuid(webhook);
        let Some(FailureStreak { since, attempts }) = streak else {
            let sql = "DELETE FROM failures WHERE team = $1 AND webhook = $2";
            return self.run(sql, &[(&team, Type::INT8), (&webhook, Type::UUID)]).await.map(drop);
        };
        let sql = "INSERT INTO failures (team, webhook, since_ms, attempts) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (team, webhook) DO UPDATE SET since_ms = $3, attempts = $4";
        let params = [
            (&team as _, Type::INT8),
            (&webhook as _, Type::UUID),
            (&since.as_millis() as _, Type::INT8),
            (&i64::from(attempts) as _, Type::INT8),
        ];
        self.run(sql, &params).await.map(drop)
    }
}
