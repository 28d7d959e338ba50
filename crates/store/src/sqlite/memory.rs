//! What the writer remembers between commits. All of it but how much was told can be read again: after a rollback it is
//! forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_types::{EventType, Patterns, TeamId, WebhookId, WebhookStatus};
use rusqlite::{OptionalExtension, params};

use super::failing::Streaks;
use super::fault::Fault;
use super::fresh::Fresh;
use super::look::Look;
use super::notices::Failed;
use super::types;
use super::webhook_rows::WebhookRow;
use crate::LaneRule;
use crate::stored::filters::TeamFilters;

/// A webhook that an event goes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) number: i64,
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
            number: webhook.number,
            id: webhook.webhook.id,
            generation: webhook.generation,
            filter: None,
            rule: LaneRule::of(&webhook.webhook),
        }
    }
}

/// The end of a team's log, and who wants its events.
///
/// Whether a webhook wants events of a type is decided here, by the writer, and not before the queue: it is computed once for
/// each type and costs a look into a map. It is never out of date, because the writer alone changes webhooks. What their
/// filters say of an event's data comes with the event, and is held against the filters that are here: see `filters`.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) number: i64,
    /// The seq of the newest event.
    pub(super) seq: u64,
    /// The newest commit time; times within a team never fall, whatever the clock does.
    pub(super) last_ms: i64,
    /// The count of the newest delivery.
    pub(super) delivery: u64,
    enabled: Vec<(Target, Patterns)>,
    by_type: HashMap<EventType, Arc<[Target]>>,
    /// The filters of those webhooks, if any has one.
    pub(super) filters: Option<Arc<TeamFilters>>,
}

impl Head {
    /// What it counts for among all that is remembered: as much as so many webhooks without a filter.
    fn weight(&self) -> usize {
        const WEBHOOK_BYTES: usize = 256;
        self.enabled.len() + self.filters.as_ref().map_or(0, |filters| filters.bytes() / WEBHOOK_BYTES)
    }

    /// DLV-1: the enabled webhooks that want this type, in the order of their ids.
    pub(super) fn targets(&mut self, event_type: &EventType) -> Arc<[Target]> {
        if let Some(known) = self.by_type.get(event_type) {
            return Arc::clone(known);
        }
        let wanting = self.enabled.iter().filter(|(_, patterns)| patterns.matches(event_type));
        let targets: Arc<[Target]> = wanting.map(|(target, _)| *target).collect();
        self.by_type.insert(event_type.clone(), Arc::clone(&targets));
        targets
    }
}

/// As many teams are remembered; with all their webhooks that is a few tens of megabytes at worst.
const TEAMS_MAX: usize = 4096;
/// As many webhooks of all teams together.
const WEBHOOKS_MAX: usize = 65_536;

/// The writer's memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    heads: HashMap<TeamId, Head>,
    webhooks: usize,
    generations: HashMap<i64, Option<i64>>,
    pub(super) streaks: Streaks,
    pub(super) failed: Failed,
    pub(super) fresh: Fresh,
    types: HashMap<EventType, i64>,
    last_attempt: Option<i64>,
}

impl Memory {
    /// After a rollback: what was learned in the transaction may not be so.
    pub(super) fn forget(&mut self) {
        let failed = std::mem::take(&mut self.failed).with_no_webhook();
        *self = Self { failed, ..Self::default() };
    }

    /// Takes a team's head out, reading it if need be. Whoever took it puts it back.
    pub(super) fn take_head(&mut self, look: Look<'_>, team: TeamId) -> Result<Head, Fault> {
        if let Some(head) = self.heads.remove(&team) {
            self.webhooks -= head.weight();
            return Ok(head);
        }
        let row = look.team(team)?;
        let event = look.last_event(&row)?;
        let delivery = look.last_delivery(row.number)?;
        let (enabled, filters) = enabled(look, row.number)?;
        let times = [Some(row.removed_ms), event.map(|(_, at)| at), delivery.map(|(_, at)| at)];
        Ok(Head {
            number: row.number,
            seq: event.map_or(row.removed_events, |(place, _)| place.count()),
            last_ms: times.into_iter().flatten().max().unwrap_or_default(),
            delivery: delivery.map_or(0, |(place, _)| place.count()).max(row.removed_deliveries),
            enabled,
            by_type: HashMap::new(),
            filters: look.shelf.filters.learn(team, filters),
        })
    }

    pub(super) fn put_head(&mut self, team: TeamId, head: Head) {
        if self.heads.len() >= TEAMS_MAX || self.webhooks >= WEBHOOKS_MAX {
            self.heads.clear();
            self.webhooks = 0;
        }
        self.webhooks += head.weight();
        self.heads.insert(team, head);
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, team: TeamId) -> bool {
        self.heads.contains_key(&team)
    }

    fn forget_team(&mut self, team: TeamId) {
        if let Some(head) = self.heads.remove(&team) {
            self.webhooks -= head.weight();
        }
    }

    /// Something of a webhook changed.
    pub(super) fn forget_webhook(&mut self, team: TeamId, number: i64) {
        self.forget_team(team);
        self.generations.remove(&number);
        self.streaks.forget(number);
    }

    /// A whole team was deleted, with all its webhooks.
    pub(super) fn forget_all_of(&mut self, team: TeamId) {
        self.forget_team(team);
        self.forget_generations();
    }

    /// Rows of webhooks were removed: their numbers may be given again.
    pub(super) fn forget_generations(&mut self) {
        self.generations.clear();
        self.streaks.forget_all();
    }

    /// The present generation of a webhook, deleted or not; `None` if its team was deleted.
    pub(super) fn generation(&mut self, look: Look<'_>, webhook: i64) -> Result<Option<i64>, Fault> {
        if let Some(known) = self.generations.get(&webhook) {
            return Ok(*known);
        }
        let generation = look.webhook_numbered(webhook)?.map(|row| row.generation);
        if self.generations.len() >= WEBHOOKS_MAX {
            self.generations.clear();
        }
        self.generations.insert(webhook, generation);
        Ok(generation)
    }

    /// The number of an event type, given now if it is new.
    pub(super) fn type_number(&mut self, look: Look<'_>, event_type: &EventType) -> Result<i64, Fault> {
        if let Some(number) = self.types.get(event_type) {
            return Ok(*number);
        }
        let mut known = look.conn.prepare_cached("SELECT number, checksum FROM types WHERE name = ?1")?;
        let row = known.query_row([event_type.as_str()], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)));
        let number = match row.optional()? {
            Some((number, stored)) if types::checksum(number, event_type) == stored => number,
            Some((number, _)) => return Err(Fault::damaged("types", number)),
            None => {
                let last: Option<i64> =
                    look.conn.query_row("SELECT max(number) FROM types", (), |row| row.get(0))?;
                let number = last.unwrap_or_default() + 1;
                let mut add = look
                    .conn
                    .prepare_cached("INSERT INTO types (number, name, checksum) VALUES (?1, ?2, ?3)")?;
                add.execute(params![number, event_type.as_str(), types::checksum(number, event_type)])?;
                number
            }
        };
        self.types.insert(event_type.clone(), number);
        Ok(number)
    }

    /// The number of the next attempt.
    pub(super) fn next_attempt(&mut self, look: Look<'_>) -> Result<i64, Fault> {
        let last = match self.last_attempt {
            Some(last) => last,
            None => {
                let last = look.conn.query_row("SELECT max(number) FROM attempts", (), |row| row.get(0));
                last.map(Option::<i64>::unwrap_or_default)?
            }
        };
        self.last_attempt = Some(last + 1);
        Ok(last + 1)
    }
}

fn enabled(look: Look<'_>, team: i64) -> Result<(Vec<(Target, Patterns)>, TeamFilters), Fault> {
    let mut webhooks = look.webhooks_before(team, None, usize::MAX)?;
    webhooks.retain(|row| row.webhook.status == WebhookStatus::Enabled);
    webhooks.reverse(); // lists are newest first
    let mut filters = TeamFilters::default();
    let targets = webhooks.into_iter().map(|row| {
        let events = &row.webhook.events;
        let filter = row.webhook.filter.as_ref().map(|filter| filters.add(filter, events));
        (Target { filter, ..Target::of(&row) }, row.webhook.events)
    });
    Ok((targets.collect(), filters))
}
