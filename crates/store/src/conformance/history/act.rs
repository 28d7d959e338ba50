//! Doing one step on both sides.

use std::cell::RefCell;
use std::time::Duration;

use cstar_types::{Delivery, DeliveryId, DeliveryStatus, Event, EventId, FailureRule, KeyId, Outcome};
use proptest::sample::Index;

use super::Difference;
use super::op::{Draft, Op, Patch, Receivers, Reported, Result as Came, Seen, Whose};
use super::sides::{Pair, Side, Sides, pick};
use crate::conformance::{Subject, given, read};
use crate::{
    Append, AttemptReport, Cutoffs, FanOut, NewEvent, Rotation, SecretText, StoreError, Verdict, WebhookPatch,
};

/// Histories are short, and so is this rule's patience.
const HASTY: FailureRule = FailureRule { after: Duration::from_secs(5), attempts: 3 };

impl<M: Subject, S: Subject> Sides<M, S> {
    /// Does one step on both sides and compares what they answer and tell.
    pub(super) async fn act(&mut self, op: &Op) -> Result<(), Difference> {
        match op {
            Op::CreateTeam | Op::RenameTeam { .. } | Op::DeleteTeam { .. } => self.act_on_teams(op).await?,
            Op::CreateKey { .. } | Op::RevokeKey { .. } | Op::TouchKeys { .. } => {
                self.act_on_keys(op).await?
            }
            Op::CreateWebhook { .. }
            | Op::UpdateWebhook { .. }
            | Op::DisableWebhook { .. }
            | Op::DeleteWebhook { .. } => self.act_on_webhooks(op).await?,
            Op::RotateSecret { .. } | Op::EndOverlap { .. } => self.act_on_secrets(op).await?,
            Op::Append { team, events, receivers } => self.append(*team, events, *receivers).await?,
            Op::Record { results } => self.record(results).await?,
            Op::Resend { delivery, whose } => self.resend(*delivery, *whose).await?,
            Op::Deliver { event, webhook, whose } => self.deliver(*event, *webhook, *whose).await?,
            Op::Erase { event, whose } => self.erase(*event, *whose).await?,
            Op::ResendMany { .. } | Op::Recover { .. } => self.operate(op).await?,
            Op::RemoveOld { events, deliveries, keys, rows } => {
                let cutoffs = Cutoffs {
                    events: self.seconds_ago(*events),
                    deliveries: self.seconds_ago(*deliveries),
                    idempotency_keys: self.seconds_ago(*keys),
                };
                for side in &self.sides {
                    given::remove_all_old(&side.store, cutoffs, *rows).await; // how many rows is the store's affair
                }
            }
            Op::Wait { seconds } => self.now_second += i64::from(*seconds),
            Op::Reopen => self.reopen().await?,
            Op::Read { .. }
            | Op::LookAtEvent { .. }
            | Op::ListEvents { .. }
            | Op::ListDeliveries { .. }
            | Op::Due { .. } => {
                self.look(op).await?;
            }
        }
        self.compare_told().await
    }

    async fn act_on_teams(&mut self, op: &Op) -> Result<(), Difference> {
        match *op {
            Op::CreateTeam => {
                let team = self.new_team();
                self.both("create_team", async |side| side.store.create_team(team.clone()).await).await?.ok();
            }
            Op::RenameTeam { team, seen } => {
                let team = self.team(team);
                let rename = async |side: &Side| {
                    let expected = seen.version(side.store.team(team).await.map(|team| team.version));
                    side.store.rename_team(team, "Renamed".to_owned(), expected).await
                };
                self.both("rename_team", rename).await?.ok();
            }
            Op::DeleteTeam { team, seen } => {
                let team = self.team(team);
                let delete = async |side: &Side| {
                    let expected = seen.version(side.store.team(team).await.map(|team| team.version));
                    side.store.delete_team(team, expected).await
                };
                self.both("delete_team", delete).await?.ok();
            }
            _ => {}
        }
        Ok(())
    }

    async fn act_on_keys(&mut self, op: &Op) -> Result<(), Difference> {
        let now = self.now();
        match op {
            &Op::CreateKey { team } => {
                let id = KeyId::from_bits(self.new_bits());
                let (key, digest) = given::new_key(self.team(team));
                let key = cstar_types::Key { id, created_at: now, ..key };
                self.keys.push((key.team, id));
                self.both("create_key", async |side| side.store.create_key(key.clone(), digest).await)
                    .await?
                    .ok();
            }
            &Op::RevokeKey { key, whose } => {
                let Some((owner, key)) = pick(&self.keys, key) else { return Ok(()) };
                let team = self.asked_under(owner, whose);
                self.both("revoke_key", async |side| side.store.revoke_key(team, key, now).await).await?.ok();
            }
            Op::TouchKeys { uses } => {
                let used =
                    |(key, ago): &(Index, u16)| Some((pick(&self.keys, *key)?.1, self.seconds_ago(*ago)));
                let uses: Vec<_> = uses.iter().filter_map(used).collect();
                self.both("touch_keys", async |side| side.store.touch_keys(uses.clone()).await).await?.ok();
            }
            _ => {}
        }
        Ok(())
    }

    async fn act_on_webhooks(&mut self, op: &Op) -> Result<(), Difference> {
        let now = self.now();
        match *op {
            Op::CreateWebhook { team, patterns, limit } => {
                let webhook = self.new_webhook(self.team(team), patterns);
                let create = async |side: &Side| {
                    side.store.create_webhook(webhook.clone(), given::secret(), limit).await
                };
                self.both("create_webhook", create).await?.ok();
            }
            Op::UpdateWebhook { webhook, whose, change, seen } => {
                let Some((owner, webhook)) = pick(&self.webhooks, webhook) else { return Ok(()) };
                let team = self.asked_under(owner, whose);
                let update = async |side: &Side| {
                    let expected =
                        seen.version(side.store.webhook(owner, webhook).await.map(|now| now.version));
                    side.store.update_webhook(team, webhook, change.patch(), expected, now).await
                };
                self.both("update_webhook", update).await?.ok();
            }
            Op::DeleteWebhook { webhook, whose, seen } => {
                let Some((owner, webhook)) = pick(&self.webhooks, webhook) else { return Ok(()) };
                let team = self.asked_under(owner, whose);
                let delete = async |side: &Side| {
                    let expected =
                        seen.version(side.store.webhook(owner, webhook).await.map(|now| now.version));
                    side.store.delete_webhook(team, webhook, expected, now).await
                };
                self.both("delete_webhook", delete).await?.ok();
            }
            Op::DisableWebhook { webhook, seen, reason } => {
                let Some((owner, webhook)) = pick(&self.webhooks, webhook) else { return Ok(()) };
                let disable = async |side: &Side| {
                    let seen = seen.version(side.store.webhook(owner, webhook).await.map(|now| now.version));
                    side.store.disable_webhook(webhook, seen, reason, now).await
                };
                self.both("disable_webhook", disable).await?.ok();
            }
            _ => {}
        }
        Ok(())
    }

    async fn act_on_secrets(&mut self, op: &Op) -> Result<(), Difference> {
        let now = self.now();
        match *op {
            Op::RotateSecret { webhook, whose, seen, secret, overlap } => {
                let Some((owner, webhook)) = pick(&self.webhooks, webhook) else { return Ok(()) };
                let team = self.asked_under(owner, whose);
                let overlap_until = overlap.map(|seconds| given::at(self.now_second + i64::from(seconds)));
                let rotation = Rotation { secret: SecretText::new(secret.to_owned()), overlap_until };
                let rotate = async |side: &Side| {
                    let expected =
                        seen.version(side.store.webhook(owner, webhook).await.map(|now| now.version));
                    side.store.rotate_secret(team, webhook, rotation.clone(), expected, now).await
                };
                self.both("rotate_secret", rotate).await?.ok();
            }
            Op::EndOverlap { webhook, whose, seen } => {
                let Some((owner, webhook)) = pick(&self.webhooks, webhook) else { return Ok(()) };
                let team = self.asked_under(owner, whose);
                let end = async |side: &Side| {
                    let expected =
                        seen.version(side.store.webhook(owner, webhook).await.map(|now| now.version));
                    side.store.end_overlap(team, webhook, expected, now).await
                };
                self.both("end_overlap", end).await?.ok();
            }
            _ => {}
        }
        Ok(())
    }

    async fn append(
        &mut self,
        team: Index,
        drafts: &[Draft],
        receivers: Receivers,
    ) -> Result<(), Difference> {
        let (team, now) = (self.team(team), self.now());
        let mut events = Vec::new();
        for draft in drafts {
            let id = EventId::from_bits(self.new_bits(), draft.test);
            let event = Event::new(id, given::event_type(draft.event_type), team, now, draft.data.as_bytes());
            events.push(NewEvent { event, idempotency_key: draft.key.map(str::to_owned) });
        }
        let only = |webhook| pick(&self.webhooks, webhook).map_or(FanOut::Nobody, |(_, id)| FanOut::Only(id));
        let fan_out = match receivers {
            Receivers::Matching => FanOut::Matching,
            Receivers::Nobody => FanOut::Nobody,
            Receivers::Only(webhook) => only(webhook),
        };
        let append = Append { team, events, fan_out, now };
        self.both("append", async |side| side.store.append(append.clone()).await).await?.ok();
        Ok(())
    }

    async fn record(&mut self, results: &[Reported]) -> Result<(), Difference> {
        let known = |one: &Reported| Some((pick(&self.deliveries, one.delivery)?, *one));
        let chosen: Vec<(Pair, Reported)> = results.iter().filter_map(known).collect();
        let record = async |side: &Side| {
            let mut reports: Vec<AttemptReport> = Vec::new();
            for (pair, one) in &chosen {
                let of_same = reports.iter().filter(|report| report.delivery == side.id(*pair)).count();
                reports.push(self.report(side, *pair, *one, of_same as u32).await);
            }
            side.store.record(reports.into(), HASTY).await
        };
        self.both("record", record).await?.ok();
        Ok(())
    }

    /// What a sender would report of the next attempt, after so many others in the same call.
    async fn report(
        &self,
        side: &Side,
        Pair { team, webhook, event }: Pair,
        Reported { came, late, .. }: Reported,
        before: u32,
    ) -> AttemptReport {
        let delivery = side.id(Pair { team, webhook, event });
        let attempts = side.store.delivery(team, delivery).await.map_or(0, |(row, _)| row.attempts);
        let waiting = read::due(&side.store, webhook, given::at(i64::from(u32::MAX))).await;
        let failed = waiting.iter().find(|due| due.id == delivery).map_or(0, |due| due.failed);
        let (outcome, verdict) = match came {
            Came::Delivered => (Outcome::Success, Verdict::Delivered),
            Came::Retry(outcome, wait) => {
                (outcome, Verdict::RetryAt(given::at(self.now_second + i64::from(wait))))
            }
            Came::Failed(outcome) => (outcome, Verdict::Failed),
        };
        let attempt = given::attempt(attempts + 1 + before, outcome, self.now());
        let failed_before = failed + before + u32::from(late);
        AttemptReport { delivery, webhook, failed_before, attempt, verdict }
    }

    async fn resend(&mut self, delivery: Index, whose: Whose) -> Result<(), Difference> {
        let Some(pair) = pick(&self.deliveries, delivery) else { return Ok(()) };
        let (team, now) = (self.asked_under(pair.team, whose), self.now());
        let resend = async |side: &Side| {
            let row = side.store.resend(team, side.id(pair), now).await?;
            assert_eq!(row.status, DeliveryStatus::Pending);
            Ok(self.shared(side, row))
        };
        self.both("resend", resend).await?.ok();
        Ok(())
    }

    async fn erase(&mut self, event: Index, whose: Whose) -> Result<(), Difference> {
        let Some(Pair { team, event, .. }) = pick(&self.deliveries, event) else { return Ok(()) };
        let team = self.asked_under(team, whose);
        self.both("erase", async |side| side.store.erase(team, event).await).await?.ok();
        Ok(())
    }

    async fn deliver(&mut self, event: Index, webhook: Index, whose: Whose) -> Result<(), Difference> {
        let Some(Pair { event, .. }) = pick(&self.deliveries, event) else { return Ok(()) };
        let Some((owner, webhook)) = pick(&self.webhooks, webhook) else { return Ok(()) };
        let (team, now) = (self.asked_under(owner, whose), self.now());
        let ids = RefCell::new(Vec::new());
        let deliver = async |side: &Side| {
            let row = side.store.deliver(team, event, webhook, now).await?;
            ids.borrow_mut().push(row.id);
            Ok(Delivery { id: DeliveryId::from_bits(0), ..row })
        };
        if self.both("deliver", deliver).await?.is_ok() {
            self.learn(Pair { team, event, webhook }, ids.into_inner());
        }
        Ok(())
    }
}

impl Seen {
    fn version(self, present: Result<u64, StoreError>) -> Option<u64> {
        let present = present.unwrap_or(1);
        match self {
            Self::None => None,
            Self::Present => Some(present),
            Self::Older => Some(present - 1),
            Self::Newer => Some(present + 1),
        }
    }
}

impl Patch {
    fn patch(self) -> WebhookPatch {
        let nothing = WebhookPatch::default();
        match self {
            Self::Nothing => nothing,
            Self::Url(url) => WebhookPatch { url: Some(url.to_owned()), ..nothing },
            Self::Schedule(schedule) => {
                let schedule =
                    schedule.map(|text| text.parse().expect("schedules of histories are well formed"));
                WebhookPatch { retry_schedule: Some(schedule), ..nothing }
            }
            Self::Headers(headers) => {
                let owned = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                WebhookPatch { headers: Some(owned.collect()), ..nothing }
            }
            Self::Patterns(patterns) => given::wanting(patterns),
            Self::Filter(filter) => {
                let filter = filter.map(|text| text.parse().expect("filters of histories are well formed"));
                WebhookPatch { filter: Some(filter), ..nothing }
            }
            Self::RateLimit(limit) => WebhookPatch { rate_limit: Some(limit), ..nothing },
            Self::Ordered(ordered) => WebhookPatch { ordered: Some(ordered), ..nothing },
            Self::Description(text) => WebhookPatch { description: Some(text.to_owned()), ..nothing },
            Self::Enable => WebhookPatch { enabled: Some(Ok(())), ..nothing },
            Self::Disable(reason) => WebhookPatch { enabled: Some(Err(reason)), ..nothing },
            Self::Gone(gone) => WebhookPatch { disable_on_gone: Some(gone), ..nothing },
        }
    }
}
