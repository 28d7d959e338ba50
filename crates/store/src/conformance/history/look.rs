//! Looking at one thing on both sides.

use cstar_types::Timestamp;

use super::Difference;
use super::op::{Cut, Op};
use super::sides::{Side, Sides, pick};
use crate::conformance::{Subject, given, read};
use crate::{DeliveryQuery, EventQuery, SliceLimit, TypeFilter};

impl<M: Subject, S: Subject> Sides<M, S> {
    /// Reads the same of both sides and compares it.
    pub(super) async fn look(&self, op: &Op) -> Result<(), Difference> {
        match op {
            Op::Read { team, after, entries, bytes } => {
                let team = self.team(*team);
                let limit = SliceLimit { entries: *entries, bytes: *bytes };
                let read = async |side: &Side| {
                    side.store.read(team, *after, limit).await.map(|slice| (slice.entries, slice.ends))
                };
                self.both("read", read).await?.ok();
            }
            Op::LookAtEvent { event, whose } => {
                let Some(pair) = pick(&self.deliveries, *event) else { return Ok(()) };
                let team = self.asked_under(pair.team, *whose);
                self.both("event", async |side| side.store.event(team, pair.event).await).await?.ok();
            }
            Op::ListEvents { team, cut, order, from } => {
                let team = self.team(*team);
                let (since, until) = self.times(cut);
                let (filter, order, from, limit) = (cut.filter(), *order, *from, cut.limit);
                let query = EventQuery { filter, since, until, order, from, limit };
                self.both("events", async |side| read::events(&side.store, team, query.clone()).await)
                    .await?
                    .ok();
            }
            Op::ListDeliveries { team, cut, status, webhook } => {
                let team = self.team(*team);
                let webhook = webhook.and_then(|webhook| pick(&self.webhooks, webhook)).map(|(_, id)| id);
                let (since, until) = self.times(cut);
                let filter = cut.filter();
                let every = read::every_delivery(cut.limit);
                let query = DeliveryQuery { filter, webhook, status: *status, since, until, ..every };
                self.both("deliveries", async |side| self.list(side, team, query.clone()).await).await?.ok();
            }
            Op::Due { webhook, ahead, limit } => {
                let Some((_, webhook)) = pick(&self.webhooks, *webhook) else { return Ok(()) };
                let now = given::at(self.now_second + i64::from(*ahead));
                let due = async |side: &Side| {
                    let slice = side.store.due(webhook, now, *limit).await?;
                    let due: Vec<_> = slice.due.into_iter().map(|due| self.shared_due(side, due)).collect();
                    Ok((due, slice.next))
                };
                self.both("due", due).await?.ok();
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn times(&self, cut: &Cut) -> (Option<Timestamp>, Option<Timestamp>) {
        (cut.since.map(|ago| self.seconds_ago(ago)), cut.until.map(|ago| self.seconds_ago(ago)))
    }
}

impl Cut {
    fn filter(&self) -> TypeFilter {
        TypeFilter { visible: given::list(self.visible), wanted: self.wanted.map(given::list) }
    }
}
