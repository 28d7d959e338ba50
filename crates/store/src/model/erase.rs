//! Erasing what an event said.

use std::sync::Arc;

use cstar_types::{Attempt, AuditAction, CancelReason, Entry, EventId, TeamId};

use super::state::State;
use crate::{Change, StoreError};

impl State {
    pub(super) fn erase_event(
        &mut self,
        team: TeamId,
        event: EventId,
    ) -> Result<((), Option<Change>), StoreError> {
        let kept = self.team_mut(team)?.kept.iter_mut().find(|kept| kept.entry.event.id == event);
        let kept = kept.ok_or(StoreError::NotFound)?;
        if std::mem::replace(&mut kept.erased, true) {
            return Ok(((), None));
        }
        let Entry { position, event: whole } = &*kept.entry;
        let (entry, seq) = (Arc::new(Entry { position: *position, event: whole.erased() }), position.seq);
        kept.entry = Arc::clone(&entry);
        let mut webhooks = Vec::new();
        for row in self.deliveries.values_mut().filter(|row| row.delivery.event == event) {
            row.entry = Arc::clone(&entry);
            row.erased = true;
            row.attempts =
                std::mem::take(&mut row.attempts).into_iter().map(Attempt::without_answer).collect();
            if !row.delivery.status.has_ended() {
                webhooks.push(row.delivery.webhook);
                row.cancel(CancelReason::EventErased);
            }
        }
        self.put_on_record(AuditAction::EventErased, Some(team), event);
        Ok(((), Some(Change::Erased { team, seq, webhooks })))
    }
}
