//! What nodes tell each other beside events: what one of them remembers, another has changed.
//!
//! A transaction that changes such a thing says so in the same commit; each node reads what was said since it last did (`follow`).
//! So nothing depends on a bell.

use cstar_types::{KeyId, TeamId, WebhookId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Fault;
use super::tx::{Effects, Tx};
use super::webhook_rows::uuid;
use crate::Change;

const WEBHOOK_CHANGED: i16 = 0;
const ERASED: i16 = 1;
const KEY_REVOKED: i16 = 2;
const TEAM_DELETED: i16 = 3;
const EVENT_TYPES: i16 = 4;
const DUE: i16 = 5;

/// What another node has changed.
#[derive(Debug)]
pub(super) enum Said {
    /// As the tail tells it.
    Change(Change),
    EventTypes,
}

/// One row.
#[derive(Debug, Default)]
struct Word {
    kind: i16,
    receiver: Option<i64>,
    team: Option<Uuid>,
    what: Option<Uuid>,
    seq: Option<i64>,
    webhooks: Option<Vec<Uuid>>,
}

impl Word {
    /// `None` for what other nodes find by themselves, or is this node's alone.
    fn of(change: &Change) -> Option<Self> {
        let word = Self::default();
        match change {
            Change::Appended { .. } | Change::Reopened { .. } | Change::Due(_) => None,
            Change::WebhookChanged(webhook) => {
                Some(Self { kind: WEBHOOK_CHANGED, what: Some(uuid(*webhook)), ..word })
            }
            Change::Erased { team, seq, webhooks } => Some(Self {
                kind: ERASED,
                team: Some(*team.as_uuid()),
                seq: Some(*seq as i64),
                webhooks: Some(webhooks.iter().copied().map(uuid).collect()),
                ..word
            }),
            Change::KeyRevoked(key) => {
                Some(Self { kind: KEY_REVOKED, what: Some(Uuid::from_u128(key.bits())), ..word })
            }
            Change::TeamDeleted(team) => {
                Some(Self { kind: TEAM_DELETED, team: Some(*team.as_uuid()), ..word })
            }
        }
    }

    fn all(effects: &Effects) -> Vec<Self> {
        let handed = effects.handed_over.iter().map(|(webhook, to)| Self {
            kind: DUE,
            receiver: Some(*to),
            what: Some(uuid(*webhook)),
            ..Self::default()
        });
        let types = (!effects.event_types.is_empty()).then(|| Self { kind: EVENT_TYPES, ..Self::default() });
        effects.told.iter().filter_map(Self::of).chain(handed).chain(types).collect()
    }
}

impl Tx {
    /// Says what other nodes must hear of, if there is anything; answers whether there is.
    pub(super) async fn say(&self) -> Result<bool, Fault> {
        const SAY: &str = "INSERT INTO changes (node, receiver, kind, team, what, seq, webhooks)
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let words = Word::all(&self.effects);
        for word in &words {
            let params = [
                (&self.open.node as _, Type::INT8),
                (&word.receiver as _, Type::INT8),
                (&word.kind as _, Type::INT2),
                (&word.team as _, Type::UUID),
                (&word.what as _, Type::UUID),
                (&word.seq as _, Type::INT8),
                (&word.webhooks as _, Type::UUID_ARRAY),
            ];
            self.run(SAY, &params).await?;
        }
        Ok(!words.is_empty())
    }
}

/// This moment, what was said to the node $2 by others than the node $3 since the moment $1. Of the transactions of then, those that
/// had not begun or were under way are looked for by their numbers: so it reads what is new and nothing else, however long one of
/// them, anywhere in the cluster, is under way.
pub(super) const READ: &str = "SELECT pg_current_snapshot()::text, c.kind, c.team, c.what, c.seq, c.webhooks, pg_postmaster_start_time()::text
     FROM (SELECT 1) AS always LEFT JOIN (
         SELECT * FROM changes WHERE transaction >= pg_snapshot_xmax($1::text::pg_snapshot)
         UNION ALL
         SELECT * FROM changes WHERE transaction = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))
     ) c ON c.node <> $3 AND coalesce(c.receiver, $2) = $2
     ORDER BY c.number";

/// Where to begin reading, and of which server.
pub(super) const BEGIN: &str = "SELECT pg_current_snapshot()::text, pg_postmaster_start_time()::text";

/// What a row of [`READ`] says.
pub(super) fn read(row: &Row) -> Option<Said> {
    let team = || Some(TeamId::from_uuid(row.get::<_, Option<Uuid>>(2)?));
    let what = || row.get::<_, Option<Uuid>>(3);
    let webhook = || what().map(WebhookId::from_uuid);
    let change = match row.get::<_, Option<i16>>(1)? {
        EVENT_TYPES => return Some(Said::EventTypes),
        WEBHOOK_CHANGED => webhook().map(Change::WebhookChanged),
        KEY_REVOKED => what().map(|key| Change::KeyRevoked(KeyId::from_bits(key.as_u128()))),
        TEAM_DELETED => team().map(Change::TeamDeleted),
        DUE => Some(Change::Due(webhook())),
        ERASED => team().zip(row.get::<_, Option<i64>>(4)).map(|(team, seq)| {
            let webhooks: Option<Vec<Uuid>> = row.get(5);
            let webhooks = webhooks.unwrap_or_default().into_iter().map(WebhookId::from_uuid).collect();
            Change::Erased { team, seq: seq as u64, webhooks }
        }),
        _ => None, // a newer version's
    };
    change.map(Said::Change)
}
