//! Who wants a team's events.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_types::{EventType, Patterns, TeamId, WebhookId, WebhookStatus};
use parking_lot::Mutex;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Fault;
use super::head::Head;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::LaneRule;
use crate::stored::filters::TeamFilters;
use crate::stored::text::read_list;

/// A webhook that an event goes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) id: WebhookId,
    pub(super) generation: i64,
    /// The place of its filter among those of the team, for an event that it may not want.
    pub(super) filter: Option<usize>,
    pub(super) rule: LaneRule,
}

impl Target {
    /// A target that gets the event whatever its filter says.
    pub(super) fn of(webhook: &WebhookRow) -> Self {
        Self {
            id: webhook.webhook.id,
            generation: webhook.generation,
            filter: None,
            rule: LaneRule::of(&webhook.webhook),
        }
    }
}

/// The enabled webhooks of a team, as of one version of them.
#[derive(Debug)]
pub(super) struct Wanting {
    version: i64,
    enabled: Vec<(Target, Patterns)>,
    by_type: Mutex<HashMap<EventType, Arc<[Target]>>>,
    /// The filters of those webhooks, if any has one.
    pub(super) filters: Option<Arc<TeamFilters>>,
}

impl Wanting {
    /// DLV-1: the enabled webhooks that want this type, in the order of their ids.
    pub(super) fn targets(&self, event_type: &EventType) -> Arc<[Target]> {
        let mut by_type = self.by_type.lock();
        if let Some(known) = by_type.get(event_type) {
            return Arc::clone(known);
        }
        let wanting = self.enabled.iter().filter(|(_, patterns)| patterns.matches(event_type));
        let targets: Arc<[Target]> = wanting.map(|(target, _)| *target).collect();
        by_type.insert(event_type.clone(), Arc::clone(&targets));
        targets
    }
}

/// As many teams are remembered; with their webhooks that is a few tens of megabytes at worst.
const TEAMS_MAX: usize = 4096;

/// Who wants the events of teams, as of the version that was last seen committed.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<TeamId, Arc<Wanting>>>);

const ENABLED: &str = "SELECT id, generation, events, filter, ordered, rate_limit FROM webhooks
     WHERE team = $1 AND state = 0 ORDER BY id";

impl Tx {
    /// Who wants the events of a team, as its webhooks stand in this transaction, which has locked it (DLV-1).
    pub(super) async fn wanting(&self, head: &Head) -> Result<Arc<Wanting>, Fault> {
        let known = self.open.known.0.lock().get(&head.id).cloned();
        if let Some(known) = known.filter(|known| known.version == head.webhooks && !self.changed(head.id)) {
            return Ok(known);
        }
        let mut filters = TeamFilters::default();
        let mut enabled = Vec::new();
        for row in self.rows(ENABLED, &[(&head.number, Type::INT8)]).await? {
            let id: Uuid = row.get(0);
            let damaged = || Fault::damaged("webhooks", id);
            let events: Patterns = read_list(row.get(2)).ok_or_else(damaged)?;
            let filter = row.get::<_, Option<&str>>(3).map(str::parse).transpose().map_err(|_| damaged())?;
            let target = Target {
                id: WebhookId::from_uuid(id),
                generation: row.get(1),
                filter: filter.map(|filter| filters.add(&filter, &events)),
                rule: LaneRule {
                    ordered: row.get(4),
                    rate_limit: row.get::<_, Option<i64>>(5).map(|rate| rate as u32),
                },
            };
            enabled.push((target, events));
        }
        let filters = self.open.filters.learn(head.id, filters);
        let wanting =
            Arc::new(Wanting { version: head.webhooks, enabled, by_type: Mutex::default(), filters });
        // What this transaction itself changed may be rolled back, and its version given to something else.
        if !self.changed(head.id) {
            let mut known = self.open.known.0.lock();
            if known.len() >= TEAMS_MAX {
                known.clear();
            }
            known.insert(head.id, Arc::clone(&wanting));
        }
        Ok(wanting)
    }

    /// Says that a webhook of a team changes: from this transaction on nobody takes what is remembered of them.
    pub(super) async fn webhooks_change(&mut self, head: &mut Head) -> Result<(), Fault> {
        head.webhooks += 1;
        self.changed_webhooks.push(head.id);
        let sql = "UPDATE teams SET webhooks = $2 WHERE number = $1";
        self.run(sql, &[(&head.number, Type::INT8), (&head.webhooks, Type::INT8)]).await.map(drop)
    }

    fn changed(&self, team: TeamId) -> bool {
        self.changed_webhooks.contains(&team)
    }
}

impl Tx {
    /// A webhook of the team's that was not deleted, as a target that gets the event whatever its filter says, and how it stands.
    pub(super) async fn target(
        &self,
        team: i64,
        webhook: WebhookId,
    ) -> Result<Option<(Target, WebhookStatus)>, Fault> {
        let sql = "SELECT generation, ordered, rate_limit, state FROM webhooks WHERE team = $1 AND id = $2 AND state <> 3";
        let id = Uuid::from_u128(webhook.bits());
        let row = self.row(sql, &[(&team, Type::INT8), (&id, Type::UUID)]).await?;
        Ok(row.map(|row| {
            let rate_limit = row.get::<_, Option<i64>>(2).map(|rate| rate as u32);
            let rule = LaneRule { ordered: row.get(1), rate_limit };
            let status =
                if row.get::<_, i16>(3) == 0 { WebhookStatus::Enabled } else { WebhookStatus::Disabled };
            (Target { id: webhook, generation: row.get(0), filter: None, rule }, status)
        }))
    }
}
