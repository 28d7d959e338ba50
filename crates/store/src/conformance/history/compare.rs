//! Everything that can be read, compared.

use std::cmp::Reverse;

use cstar_types::{Delivery, TeamId};

use super::Difference;
use super::sides::{Side, Sides};
use crate::conformance::{Subject, given, read};
use crate::{DeliveryQuery, ListQuery, Order, SliceLimit, StoreError};

/// Rows of a page: small, so that there are several.
const PAGE: usize = 3;

impl<M: Subject, S: Subject> Sides<M, S> {
    /// Compares everything that can be read of everything that was ever made.
    pub(super) async fn compare_everything(&mut self) -> Result<(), Difference> {
        self.compare_told().await?;
        let teams = async |side: &Side| {
            read::to_the_end(PAGE, None, async |from| side.store.teams(ListQuery { from, limit: PAGE }).await)
                .await
        };
        self.both("all teams", teams).await?.ok();
        for team in &self.teams {
            self.compare_team(*team).await?;
        }
        for (_, key) in &self.keys {
            self.both("key", async |side| side.store.key(*key).await).await?.ok();
        }
        self.compare_webhooks().await?;
        self.compare_deliveries().await?;
        self.both("check", async |side| side.store.check().await).await?.ok();
        Ok(())
    }

    async fn compare_team(&self, team: TeamId) -> Result<(), Difference> {
        self.both("team", async |side| side.store.team(team).await).await?.ok();
        self.both("ends", async |side| side.store.ends(team).await).await?.ok();
        let limit = SliceLimit { entries: PAGE, bytes: 1 << 20 };
        let log = self.both("log", async |side| read::log_behind(&side.store, team, 0, limit).await).await?;
        for entry in log.map_or(Vec::new(), |(entries, _)| entries) {
            self.both("event", async |side| side.store.event(team, entry.event.id).await).await?.ok();
        }
        for order in [Order::Asc, Order::Desc] {
            let query = read::every_event(order, PAGE);
            self.both("events", async |side| read::events(&side.store, team, query.clone()).await)
                .await?
                .ok();
        }
        let keys = async |side: &Side| {
            let ask = async |from| side.store.keys(team, ListQuery { from, limit: PAGE }).await;
            read::to_the_end(PAGE, None, ask).await
        };
        self.both("keys", keys).await?.ok();
        let webhooks = async |side: &Side| {
            let ask = async |from| side.store.webhooks(team, ListQuery { from, limit: PAGE }).await;
            read::to_the_end(PAGE, None, ask).await
        };
        self.both("webhooks", webhooks).await?.ok();
        let every = read::every_delivery(PAGE);
        self.both("deliveries", async |side| self.list(side, team, every.clone()).await).await?.ok();
        Ok(())
    }

    async fn compare_webhooks(&self) -> Result<(), Difference> {
        for (team, webhook) in &self.webhooks {
            self.both("webhook", async |side| side.store.webhook(*team, *webhook).await).await?.ok();
            self.both("webhook_to_send", async |side| side.store.webhook_to_send(*webhook).await).await?.ok();
            let due = async |side: &Side| {
                let due = read::due(&side.store, *webhook, given::at(i64::from(u32::MAX))).await;
                Ok(due.into_iter().map(|due| self.shared_due(side, due)).collect::<Vec<_>>())
            };
            self.both("due", due).await?.ok();
        }
        let lanes = async |side: &Side| {
            let mut lanes = side.store.lanes().await?;
            lanes.sort();
            Ok(lanes)
        };
        self.both("lanes", lanes).await?.ok();
        Ok(())
    }

    async fn compare_deliveries(&self) -> Result<(), Difference> {
        for pair in &self.deliveries {
            let delivery = async |side: &Side| {
                let (row, attempts) = side.store.delivery(pair.team, side.id(*pair)).await?;
                Ok((self.shared(side, row), attempts))
            };
            self.both("delivery", delivery).await?.ok();
        }
        Ok(())
    }

    /// A list of deliveries to its end. Newest first is the order of their making; those that were made together stand as the
    /// store likes.
    pub(super) async fn list(
        &self,
        side: &Side,
        team: TeamId,
        query: DeliveryQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = read::deliveries(&side.store, team, query).await?;
        assert!(rows.is_sorted_by_key(|row| Reverse(row.created_at)), "newest first");
        let mut rows: Vec<Delivery> = rows.into_iter().map(|row| self.shared(side, row)).collect();
        rows.sort_by_key(|row| (Reverse(row.event), row.webhook));
        Ok(rows)
    }
}
