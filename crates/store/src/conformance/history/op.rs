//! What can happen in a history.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use cstar_types::{DeliveryStatus, DisabledReason, Outcome};

use crate::Order;

/// One step. What it is done to is picked among what the history has made so far, gone or not.
#[derive(Debug, Clone)]
pub(super) enum Op {
    CreateTeam,
    RenameTeam {
        team: Index,
        seen: Seen,
    },
    DeleteTeam {
        team: Index,
        seen: Seen,
    },
    CreateKey {
        team: Index,
    },
    RevokeKey {
        key: Index,
        whose: Whose,
    },
    CreateWebhook {
        team: Index,
        patterns: &'static str,
        limit: usize,
    },
    UpdateWebhook {
        webhook: Index,
        whose: Whose,
        change: Patch,
        seen: Seen,
    },
    DisableWebhook {
        webhook: Index,
        reason: DisabledReason,
    },
    DeleteWebhook {
        webhook: Index,
        whose: Whose,
        seen: Seen,
    },
    Append {
        team: Index,
        events: Vec<Draft>,
        deliver: bool,
    },
    Record {
        results: Vec<(Index, Result)>,
    },
    Resend {
        delivery: Index,
        whose: Whose,
    },
    RemoveOld {
        events: u16,
        deliveries: u16,
        keys: u16,
        rows: usize,
    },
    /// The clock goes on, or jumps back.
    Wait {
        seconds: i16,
    },
    Read {
        team: Index,
        after: u64,
        entries: usize,
        bytes: usize,
    },
    ListEvents {
        team: Index,
        cut: Cut,
        order: Order,
        from: Option<u64>,
    },
    ListDeliveries {
        team: Index,
        cut: Cut,
        status: Option<DeliveryStatus>,
        webhook: Option<Index>,
    },
    Due {
        webhook: Index,
        ahead: u16,
        limit: usize,
    },
    Reopen,
}

/// The version that the caller says it saw.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen {
    None,
    Present,
    Another,
}

/// Under which team something is asked for (T24).
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Own,
    Of(Index),
}

/// What changes of a webhook.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patch {
    Nothing,
    Patterns(&'static str),
    Description(&'static str),
    Enable,
    Disable(DisabledReason),
    Gone(bool),
}

/// An event to publish.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft {
    pub(super) event_type: &'static str,
    pub(super) data: &'static str,
    pub(super) key: Option<&'static str>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Result {
    Delivered,
    Retry(Outcome, u16),
    Failed(Outcome),
}

/// What a list is cut to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) visible: &'static str,
    pub(super) wanted: Option<&'static str>,
    /// Seconds before now.
    pub(super) since: Option<u16>,
    /// Seconds before now.
    pub(super) until: Option<u16>,
    pub(super) limit: usize,
}

const TYPES: &[&str] = &["ticket.created", "ticket.closed", "customer.created", "boss.spawned"];
const PATTERNS: &[&str] =
    &["*", "ticket.*", "*.created", "boss.spawned", "ticket.created,customer.*", "player.*"];
const DATA: &[&str] = &["{}", r#"{"id":"1"}"#, r#"{"id":"ž\u0000"}"#];
const KEYS: &[&str] = &["a", "b", "c"];
/// How far back cutoffs and lists reach, in seconds: all, some, nearly none.
const BACK: &[u16] = &[0, 1, 5, 20, 60, 9999];
const REASONS: &[DisabledReason] = &[DisabledReason::ByRequest, DisabledReason::Gone];

/// Any step; those that make and end deliveries are the most frequent.
pub(super) fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => Just(Op::CreateTeam),
        1 => (any::<Index>(), seen()).prop_map(|(team, seen)| Op::RenameTeam { team, seen }),
        1 => (any::<Index>(), seen()).prop_map(|(team, seen)| Op::DeleteTeam { team, seen }),
        1 => any::<Index>().prop_map(|team| Op::CreateKey { team }),
        1 => (any::<Index>(), whose()).prop_map(|(key, whose)| Op::RevokeKey { key, whose }),
        6 => (any::<Index>(), select(PATTERNS), select(&[1usize, 3, 99][..]))
            .prop_map(|(team, patterns, limit)| Op::CreateWebhook { team, patterns, limit }),
        6 => (any::<Index>(), whose(), patch(), seen())
            .prop_map(|(webhook, whose, change, seen)| Op::UpdateWebhook { webhook, whose, change, seen }),
        1 => (any::<Index>(), select(REASONS)).prop_map(|(webhook, reason)| Op::DisableWebhook { webhook, reason }),
        2 => (any::<Index>(), whose(), seen())
            .prop_map(|(webhook, whose, seen)| Op::DeleteWebhook { webhook, whose, seen }),
        16 => (any::<Index>(), proptest::collection::vec(draft(), 0..4), prop::bool::weighted(0.9))
            .prop_map(|(team, events, deliver)| Op::Append { team, events, deliver }),
        12 => proptest::collection::vec((any::<Index>(), result()), 0..5).prop_map(|results| Op::Record { results }),
        6 => (any::<Index>(), whose()).prop_map(|(delivery, whose)| Op::Resend { delivery, whose }),
        3 => (select(BACK), select(BACK), select(BACK), 1usize..9)
            .prop_map(|(events, deliveries, keys, rows)| Op::RemoveOld { events, deliveries, keys, rows }),
        6 => prop_oneof![6 => 0i16..40, 1 => -30i16..0].prop_map(|seconds| Op::Wait { seconds }),
        3 => (any::<Index>(), 0u64..12, 1usize..5, 0usize..900)
            .prop_map(|(team, after, entries, bytes)| Op::Read { team, after, entries, bytes }),
        3 => (any::<Index>(), cut(), select(&[Order::Desc, Order::Asc][..]), proptest::option::of(0u64..12))
            .prop_map(|(team, cut, order, from)| Op::ListEvents { team, cut, order, from }),
        3 => (any::<Index>(), cut(), proptest::option::of(select(&DeliveryStatus::ALL[..])), proptest::option::of(any::<Index>()))
            .prop_map(|(team, cut, status, webhook)| Op::ListDeliveries { team, cut, status, webhook }),
        4 => (any::<Index>(), 0u16..60, 1usize..5).prop_map(|(webhook, ahead, limit)| Op::Due { webhook, ahead, limit }),
        2 => Just(Op::Reopen),
    ]
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![3 => Just(Seen::None), 3 => Just(Seen::Present), 1 => Just(Seen::Another)]
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![9 => Just(Whose::Own), 1 => any::<Index>().prop_map(Whose::Of)]
}

fn patch() -> impl Strategy<Value = Patch> {
    prop_oneof![
        Just(Patch::Nothing),
        select(PATTERNS).prop_map(Patch::Patterns),
        select(&["", "of the shop"][..]).prop_map(Patch::Description),
        Just(Patch::Enable),
        select(REASONS).prop_map(Patch::Disable),
        any::<bool>().prop_map(Patch::Gone),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let key = proptest::option::weighted(0.3, select(KEYS));
    (select(TYPES), select(DATA), key).prop_map(|(event_type, data, key)| Draft { event_type, data, key })
}

fn result() -> impl Strategy<Value = Result> {
    let failure = || select(&Outcome::ALL[1..]);
    prop_oneof![
        Just(Result::Delivered),
        (failure(), 0u16..60).prop_map(|(outcome, wait)| Result::Retry(outcome, wait)),
        failure().prop_map(Result::Failed),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    let back = || proptest::option::of(select(BACK));
    (select(PATTERNS), proptest::option::of(select(PATTERNS)), back(), back(), 1usize..6)
        .prop_map(|(visible, wanted, since, until, limit)| Cut { visible, wanted, since, until, limit })
}
