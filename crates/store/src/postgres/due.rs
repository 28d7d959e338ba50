//! What is due.
//!
//! A row belongs to the node that made it. Another takes it once that node has said nothing for the length of a lease, on the
//! clock of the database, which says what is due, too (`clock`); those whom somebody takes at the same moment are passed over.
//!
//! That a generation or a seq is not negative is said for the planner: who says it may use an index that is kept from others (`due` in the
//! migration).
//!
//! What is sent in order one node sends: who has what goes first. The others hand their own over to it, and whatever is to wait before
//! that is made its own.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_types::{Timestamp, WebhookId};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::delivery_rows::{DELIVERY_COLUMNS, DeliveryRow, delivery_columns};
use super::event_rows::{EventRow, event_columns};
use super::fault::Fault;
use super::tx::Tx;
use super::webhook_rows::{WebhookRow, uuid};
use crate::{Due, DueSlice, LaneRule};

/// The bodies of one slice, in bytes: several webhooks load at once.
const SLICE_BYTES: i64 = 16 << 20;
/// When what somebody had locked is looked for again.
const PASSED_OVER_MS: i64 = 1_000;

/// Every webhook for which something waits that this node may send, and when its first is due: one look into the index for each.
const LANES: &str = "SELECT w.id, f.due_ms FROM webhooks w
     JOIN teams t ON t.number = w.team AND t.state = 0
     CROSS JOIN LATERAL (
         SELECT u.due_ms FROM due u
         WHERE u.team = w.team AND u.webhook = w.id AND u.generation = w.generation AND u.generation >= 0
             AND (u.node = $1 OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.number = u.node AND n.leased_until > now()))
         ORDER BY u.due_ms LIMIT 1
     ) f
     WHERE w.state = 0 ORDER BY w.id";

/// What waits for a webhook, the longest due first.
const WAITING: &str = "SELECT u.number, u.due_ms, u.node FROM due u
     WHERE u.team = $2 AND u.webhook = $3 AND u.generation = $4 AND u.generation >= 0
         AND (u.node = $1 OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.number = u.node AND n.leased_until > now()))
     ORDER BY u.due_ms, u.number LIMIT $5";

/// The same in the order of the log, with what other nodes have: it holds back what is behind it.
const WAITING_IN_ORDER: &str = "SELECT u.number, u.due_ms, u.node,
         u.node <> $1 AND EXISTS (SELECT 1 FROM nodes n WHERE n.number = u.node AND n.leased_until > now())
     FROM due u
     WHERE u.team = $2 AND u.webhook = $3 AND u.generation = $4 AND u.generation >= 0 AND u.event >= 0
     ORDER BY u.event, u.number LIMIT $5";

/// Leaves what a node has of a webhook to the node that has what goes first.
const HAND_OVER: &str =
    "UPDATE due u SET node = f.node FROM (SELECT node FROM due WHERE team = $2 AND number = $5) f
     WHERE f.node <> $1 AND (u.team, u.number) IN (
         SELECT team, number FROM due WHERE team = $2 AND webhook = $3 AND generation = $4 AND generation >= 0 AND node = $1
         ORDER BY number FOR UPDATE
     ) RETURNING f.node";

/// Who has what goes first of what is sent in order, of these webhooks.
const SENDERS: &str = "SELECT w.id, f.node FROM webhooks w
     CROSS JOIN LATERAL (
         SELECT u.node FROM due u JOIN nodes n ON n.number = u.node AND n.leased_until > now()
         WHERE u.team = w.team AND u.webhook = w.id AND u.generation = w.generation AND u.generation >= 0 AND u.event >= 0
         ORDER BY u.event, u.number LIMIT 1
     ) f
     WHERE w.team = $1 AND w.id = ANY($2) AND w.ordered";

/// Takes what no living node has, as it was seen: whether somebody took it meanwhile is asked of the row itself, which alone is read
/// again once it is locked.
macro_rules! take {
    ($lock:literal) => {
        concat!(
            "UPDATE due SET node = $1 WHERE (team, number) IN (
                 SELECT u.team, u.number FROM unnest($3::bigint[], $4::bigint[]) AS seen (number, node)
                 JOIN due u ON u.team = $2 AND u.number = seen.number AND u.node = seen.node
                 WHERE NOT EXISTS (SELECT 1 FROM nodes n WHERE n.number = u.node AND n.leased_until > now())
                 ORDER BY u.number FOR UPDATE OF u",
            $lock,
            ") RETURNING number"
        )
    };
}
const TAKE: &str = take!(" SKIP LOCKED");
/// One that is passed over would be overtaken.
const TAKE_IN_ORDER: &str = take!("");

/// Deliveries with their events, as far as the bodies of those before them are not too much.
const DUE: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", ",
    event_columns!(),
    " FROM (
         SELECT u.number, u.day, u.place, e.seq, e.day AS event_day,
             sum(coalesce(octet_length(e.body), 0)) OVER (ORDER BY u.place ROWS UNBOUNDED PRECEDING)
                 - coalesce(octet_length(e.body), 0) AS before
         FROM (
             SELECT u.number, u.day, asked.place FROM unnest($2::bigint[]) WITH ORDINALITY AS asked (number, place)
             CROSS JOIN LATERAL (SELECT number, day FROM due WHERE team = $1 AND number = asked.number LIMIT 1) u
         ) u
         JOIN deliveries d ON d.team = $1 AND d.number = u.number AND d.day = u.day
         LEFT JOIN events e ON e.team = $1 AND e.seq = d.event AND e.day = d.event_day
     ) page
     JOIN deliveries d ON d.team = $1 AND d.number = page.number AND d.day = page.day
     LEFT JOIN events e ON e.team = $1 AND e.seq = page.seq AND e.day = page.event_day
     WHERE page.before < $3 ORDER BY page.place"
);

/// One that waits, not yet read.
struct Candidate {
    number: i64,
    due_ms: i64,
    /// Who has it.
    node: i64,
    /// This node has it.
    is_ours: bool,
    /// Another node has it.
    is_theirs: bool,
}

impl Tx {
    /// Every webhook for which something waits, and when its first is due.
    pub(super) async fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, Fault> {
        let rows = self.rows(LANES, &[(&self.open.node, Type::INT8)]).await?;
        let lane = |row: &tokio_postgres::Row| {
            (WebhookId::from_uuid(row.get(0)), Timestamp::from_millis(self.open.clock.ours(row.get(1))))
        };
        Ok(rows.iter().map(lane).collect())
    }

    /// What is due for a webhook, taken by this node.
    pub(super) async fn due(
        &mut self,
        webhook: WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<DueSlice, Fault> {
        let known = self.any_webhook(webhook).await?.filter(|row| !row.deleted);
        let Some(webhook) = known else { return Ok(DueSlice::default()) };
        let rule = LaneRule::of(&webhook.webhook);
        let mut waiting = self.waiting(&webhook, limit.saturating_add(1)).await?;
        if rule.ordered && waiting.iter().any(|one| !one.is_ours && !one.is_theirs) {
            self.hold_order(webhook.webhook.id).await?;
            waiting = self.waiting(&webhook, limit.saturating_add(1)).await?;
        }
        if let Some(first) = waiting.first().filter(|first| first.is_theirs) {
            self.hand_over(&webhook, first).await?;
            return Ok(DueSlice { rule, ..DueSlice::default() });
        }
        // In order, what is behind another node's waits until that one hands its own over.
        let ours = waiting.iter().take_while(|one| !one.is_theirs).count();
        let now = self.open.clock.theirs(now.as_millis());
        let is_due = |one: &&Candidate| one.due_ms <= now;
        let due = waiting[..ours].iter().take(limit).take_while(is_due).count();
        let (due, rest) = waiting[..ours].split_at(due);
        let mut next = rest.first().map(|one| one.due_ms);
        let ours = self.take(webhook.team_number, due, rule).await?;
        let read = self.due_rows(&webhook, &ours, rule).await?;
        // Those for whose bodies there was no room come next. Others are not there any more: they were recorded meanwhile.
        let bytes: usize = read.iter().flatten().map(|due| due.entry.event.body.len()).sum();
        let is_full = bytes as i64 >= SLICE_BYTES || read.iter().any(Option::is_none);
        if let Some(first) = ours.get(read.len()).filter(|_| is_full) {
            next = due.iter().find(|one| one.number == *first).map(|one| one.due_ms);
        }
        // What somebody has locked is passed over: a node that stopped in the middle of a record holds its own for a while.
        if ours.len() < due.len() {
            let again = now.saturating_add(PASSED_OVER_MS);
            next = Some(next.map_or(again, |next| next.min(again)));
        }
        let next = next.map(|next| Timestamp::from_millis(self.open.clock.ours(next)));
        Ok(DueSlice { due: read.into_iter().flatten().collect(), next, rule })
    }

    /// In order, one node sends: who has the first.
    async fn hand_over(&mut self, webhook: &WebhookRow, first: &Candidate) -> Result<(), Fault> {
        let of = [
            (&self.open.node as _, Type::INT8),
            (&webhook.team_number as _, Type::INT8),
            (&uuid(webhook.webhook.id) as _, Type::UUID),
            (&webhook.generation as _, Type::INT8),
            (&first.number as _, Type::INT8),
        ];
        let handed = self.rows(HAND_OVER, &of).await?;
        let to = handed.first().map(|row| row.get(0));
        self.effects.handed_over.extend(to.map(|node| (webhook.webhook.id, node)));
        Ok(())
    }

    /// Who sends what is ordered, where that is another node: it may have some on its way, so what is to wait before that is made its
    /// own, and told to it. Who asks has locked the team's row, as everybody has who adds to what waits.
    pub(super) async fn leave_to_senders(
        &mut self,
        team: i64,
        webhooks: &[Uuid],
    ) -> Result<HashMap<WebhookId, i64>, Fault> {
        let rows = self.rows(SENDERS, &[(&team, Type::INT8), (&webhooks, Type::UUID_ARRAY)]).await?;
        let senders = rows.iter().map(|row| (WebhookId::from_uuid(row.get(0)), row.get(1)));
        let others: HashMap<_, i64> = senders.filter(|(_, node)| *node != self.open.node).collect();
        self.effects.handed_over.extend(others.iter().map(|(webhook, node)| (*webhook, *node)));
        Ok(others)
    }

    async fn waiting(&self, webhook: &WebhookRow, limit: usize) -> Result<Vec<Candidate>, Fault> {
        let ordered = webhook.webhook.ordered;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let of = [
            (&self.open.node as _, Type::INT8),
            (&webhook.team_number as _, Type::INT8),
            (&uuid(webhook.webhook.id) as _, Type::UUID),
            (&webhook.generation as _, Type::INT8),
            (&limit as _, Type::INT8),
        ];
        let rows = self.rows(if ordered { WAITING_IN_ORDER } else { WAITING }, &of).await?;
        let candidate = |row: &tokio_postgres::Row| Candidate {
            number: row.get(0),
            due_ms: row.get(1),
            node: row.get(2),
            is_ours: row.get::<_, i64>(2) == self.open.node,
            is_theirs: ordered && row.get(3),
        };
        Ok(rows.iter().map(candidate).collect())
    }

    /// Takes what is not this node's yet; answers what is, in order.
    async fn take(&self, team: i64, due: &[Candidate], rule: LaneRule) -> Result<Vec<i64>, Fault> {
        let free = due.iter().filter(|one| !one.is_ours).map(|one| (one.number, one.node));
        let (free, nodes): (Vec<i64>, Vec<i64>) = free.unzip();
        let mut taken = Vec::new();
        if !free.is_empty() {
            let of = [
                (&self.open.node as _, Type::INT8),
                (&team as _, Type::INT8),
                (&free as _, Type::INT8_ARRAY),
                (&nodes as _, Type::INT8_ARRAY),
            ];
            let take = if rule.ordered { TAKE_IN_ORDER } else { TAKE };
            taken.extend(self.rows(take, &of).await?.iter().map(|row| row.get::<_, i64>(0)));
        }
        let is_ours = |one: &&Candidate| one.is_ours || taken.contains(&one.number);
        Ok(due.iter().filter(is_ours).map(|one| one.number).collect())
    }

    /// Deliveries and their events. `None` for one that is damaged: it is said, and must not hold up the others (LOG-3).
    async fn due_rows(
        &self,
        webhook: &WebhookRow,
        numbers: &[i64],
        rule: LaneRule,
    ) -> Result<Vec<Option<Due>>, Fault> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let of = [
            (&webhook.team_number as _, Type::INT8),
            (&numbers as _, Type::INT8_ARRAY),
            (&SLICE_BYTES as _, Type::INT8),
        ];
        let mut read = Vec::with_capacity(numbers.len());
        for row in self.rows(DUE, &of).await? {
            read.push(match self.due_row(webhook, &row, rule) {
                Err(Fault::Damaged(what)) => {
                    tracing::error!(webhook = %webhook.webhook.id, %what, "a delivery is left out of what is due");
                    None
                }
                due => Some(due?),
            });
        }
        Ok(read)
    }

    fn due_row(&self, webhook: &WebhookRow, row: &tokio_postgres::Row, rule: LaneRule) -> Result<Due, Fault> {
        let delivery = DeliveryRow::read(row, 0)?;
        let team = webhook.webhook.team;
        if row.get::<_, Option<i64>>(DELIVERY_COLUMNS).is_none() {
            return Err(Fault::missing_event(team, delivery.event));
        }
        let entry =
            EventRow::read(row, DELIVERY_COLUMNS, (team, webhook.team_number))?.entry(self.open.epoch);
        Ok(Due {
            id: delivery.id(),
            webhook: webhook.webhook.id,
            entry: Arc::new(entry),
            attempts: delivery.attempts,
            failed: delivery.failed,
            due_at: Timestamp::from_millis(delivery.due_ms.unwrap_or_default()),
            rule,
        })
    }
}
