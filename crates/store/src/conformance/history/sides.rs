//! The two stores, and what the history has made in both.

use std::collections::BTreeMap;
use std::fmt::Debug;

use cstar_types::{Delivery, DeliveryId, EventId, KeyId, Team, TeamId, Timestamp, Webhook, WebhookId};
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::Difference;
use super::op::Whose;
use crate::conformance::{AnyStore, Subject, given};
use crate::{Due, StoreError, TailReader};

/// Room for everything that a history commits between two looks.
const BUDGET_BYTES: usize = 16 << 20;

/// The model and the store under test, and all that was ever made in them.
pub(super) struct Sides<M, S> {
    subjects: Option<(M, S)>,
    pub(super) sides: [Side; 2],
    pub(super) now_second: i64,
    ids_made: u128,
    pub(super) teams: Vec<TeamId>,
    pub(super) keys: Vec<(TeamId, KeyId)>,
    pub(super) webhooks: Vec<(TeamId, WebhookId)>,
    pub(super) deliveries: Vec<Pair>,
}

/// A delivery, as both sides know it; each gave it an id of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) team: TeamId,
    pub(super) event: EventId,
    pub(super) webhook: WebhookId,
}

/// One of the two stores.
pub(super) struct Side {
    pub(super) store: AnyStore,
    pub(super) tail: TailReader,
    /// Its ids of deliveries, by event and webhook (T8: one for each).
    pub(super) ids: BTreeMap<(EventId, WebhookId), DeliveryId>,
}

impl<M: Subject, S: Subject> Sides<M, S> {
    /// Two stores with a first team in both, and two webhooks, so that no history is about nothing.
    pub(super) async fn begin() -> Self {
        let subjects = (M::fresh().await, S::fresh().await);
        let side = |store: AnyStore| Side { tail: store.tail(BUDGET_BYTES), store, ids: BTreeMap::new() };
        let mut sides = Self {
            sides: [side(subjects.0.store()), side(subjects.1.store())],
            subjects: Some(subjects),
            now_second: 0,
            ids_made: 0,
            teams: Vec::new(),
            keys: Vec::new(),
            webhooks: Vec::new(),
            deliveries: Vec::new(),
        };
        let team = sides.new_team();
        for side in &sides.sides {
            side.store.create_team(team.clone()).await.expect("a new team is taken");
        }
        for patterns in ["*", "ticket.*"] {
            let webhook = sides.new_webhook(team.id, patterns);
            for side in &sides.sides {
                let made = side.store.create_webhook(webhook.clone(), given::secret(), given::WEBHOOKS_MAX);
                made.await.expect("a new webhook is taken");
            }
        }
        sides
    }

    /// Restarts both.
    pub(super) async fn reopen(&mut self) -> Result<(), Difference> {
        self.compare_told().await?;
        let (model, store) = self.subjects.take().expect("it is put back below");
        let subjects = (model.reopened().await, store.reopened().await);
        for (side, store) in self.sides.iter_mut().zip([subjects.0.store(), subjects.1.store()]) {
            side.tail = store.tail(BUDGET_BYTES);
            side.store = store;
        }
        self.subjects = Some(subjects);
        Ok(())
    }

    /// Asks both the same and compares what they answer.
    pub(super) async fn both<T: PartialEq + Debug>(
        &self,
        what: &str,
        ask: impl AsyncFn(&Side) -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, Difference> {
        let model = ask(&self.sides[0]).await.map_err(without_words);
        let store = ask(&self.sides[1]).await.map_err(without_words);
        if model == store {
            return Ok(model);
        }
        Err(TestCaseError::fail(format!("{what}\n  model: {model:?}\n  store: {store:?}")))
    }

    /// Both have this delivery now, each under its own id.
    pub(super) fn learn(&mut self, pair: Pair, ids: Vec<DeliveryId>) {
        for (side, id) in self.sides.iter_mut().zip(ids) {
            side.ids.insert((pair.event, pair.webhook), id);
        }
        let is_it = |known: &Pair| (known.event, known.webhook) == (pair.event, pair.webhook);
        if !self.deliveries.iter().any(is_it) {
            self.deliveries.push(pair);
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        given::at(self.now_second)
    }

    pub(super) fn seconds_ago(&self, seconds: u16) -> Timestamp {
        given::at(self.now_second - i64::from(seconds))
    }

    /// Bits that rise, as those of a UUID version 7 do.
    pub(super) fn new_bits(&mut self) -> u128 {
        self.ids_made += 1;
        self.ids_made
    }

    /// A team that neither knows yet; ids of teams do not rise.
    pub(super) fn new_team(&mut self) -> Team {
        const SCATTER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let id = TeamId::from_uuid(Uuid::from_u128(self.new_bits().wrapping_mul(SCATTER)));
        self.teams.push(id);
        Team { id, created_at: self.now(), ..given::new_team("Acme") }
    }

    /// A webhook that neither knows yet.
    pub(super) fn new_webhook(&mut self, team: TeamId, patterns: &str) -> Webhook {
        let id = WebhookId::from_bits(self.new_bits());
        self.webhooks.push((team, id));
        Webhook { id, created_at: self.now(), updated_at: self.now(), ..given::new_webhook(team, patterns) }
    }

    pub(super) fn team(&self, picked: Index) -> TeamId {
        self.teams[picked.index(self.teams.len())]
    }

    /// The team under which something is asked for.
    pub(super) fn asked_under(&self, owner: TeamId, whose: Whose) -> TeamId {
        match whose {
            Whose::Own => owner,
            Whose::Of(picked) => self.team(picked),
        }
    }

    /// The number of a delivery in the order of their making, as an id that both sides share.
    fn shared_id(&self, event: EventId, webhook: WebhookId) -> DeliveryId {
        let place = self.deliveries.iter().position(|pair| (pair.event, pair.webhook) == (event, webhook));
        DeliveryId::from_bits(place.map_or(u128::MAX, |place| place as u128))
    }

    pub(super) fn shared(&self, side: &Side, row: Delivery) -> Delivery {
        side.assert_same_id(row.event, row.webhook, row.id);
        Delivery { id: self.shared_id(row.event, row.webhook), ..row }
    }

    pub(super) fn shared_due(&self, side: &Side, due: Due) -> Due {
        let event = due.entry.event.id;
        side.assert_same_id(event, due.webhook, due.id);
        Due { id: self.shared_id(event, due.webhook), ..due }
    }
}

impl Side {
    /// This side's id of a delivery.
    pub(super) fn id(&self, pair: Pair) -> DeliveryId {
        self.ids.get(&(pair.event, pair.webhook)).copied().unwrap_or(DeliveryId::from_bits(u128::MAX))
    }

    fn assert_same_id(&self, event: EventId, webhook: WebhookId, id: DeliveryId) {
        assert_eq!(self.ids.get(&(event, webhook)), Some(&id), "T8: one id for each event and webhook");
    }
}

/// The words of a conflict are for people; stores may choose them.
fn without_words(error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict(_) => StoreError::Conflict(""),
        other => other,
    }
}

/// One of what was made so far, if there is any.
pub(super) fn pick<T: Copy>(all: &[T], picked: Index) -> Option<T> {
    if all.is_empty() { None } else { Some(all[picked.index(all.len())]) }
}
