//! What can happen in a history.

use proptest::collection::vec;
use proptest::option;
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
    TouchKeys {
        /// And how many seconds ago each was used.
        uses: Vec<(Index, u16)>,
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
        seen: Seen,
        reason: DisabledReason,
    },
    DeleteWebhook {
        webhook: Index,
        whose: Whose,
        seen: Seen,
    },
    RotateSecret {
        webhook: Index,
        whose: Whose,
        seen: Seen,
        secret: &'static str,
        /// Seconds from now.
        overlap: Option<u16>,
    },
    EndOverlap {
        webhook: Index,
        whose: Whose,
        seen: Seen,
    },
    Append {
        team: Index,
        events: Vec<Draft>,
        receivers: Receivers,
    },
    Record {
        results: Vec<Reported>,
    },
    Resend {
        delivery: Index,
        whose: Whose,
    },
    /// Of those that made a delivery, gone or not.
    Deliver {
        event: Index,
        webhook: Index,
        whose: Whose,
    },
    /// All that a filter matches, in slices to the end.
    ResendMany {
        team: Index,
        cut: Cut,
        status: Option<DeliveryStatus>,
        webhook: Option<Index>,
    },
    /// What a webhook did not get, in slices to the end.
    Recover {
        webhook: Index,
        whose: Whose,
        cut: Cut,
    },
    /// Of those that made a delivery.
    Erase {
        event: Index,
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
    /// Of those that made a delivery.
    LookAtEvent {
        event: Index,
        whose: Whose,
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
    Older,
    Newer,
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
    Url(&'static str),
    Patterns(&'static str),
    Filter(Option<&'static str>),
    Ordered(bool),
    RateLimit(Option<u32>),
    Description(&'static str),
    Schedule(Option<&'static str>),
    Headers(&'static [(&'static str, &'static str)]),
    Enable,
    Disable(DisabledReason),
    Gone(bool),
}

/// Which webhooks get what is published.
#[derive(Debug, Clone, Copy)]
pub(super) enum Receivers {
    Matching,
    Nobody,
    /// Anybody's.
    Only(Index),
}

/// An event to publish.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft {
    pub(super) event_type: &'static str,
    pub(super) data: &'static str,
    pub(super) key: Option<&'static str>,
    pub(super) test: bool,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Result {
    Delivered,
    Retry(Outcome, u16),
    Failed(Outcome),
}

/// A result and where it belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported {
    pub(super) delivery: Index,
    pub(super) came: Result,
    /// It comes from a schedule that a resend has replaced.
    pub(super) late: bool,
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
    &["*", "*", "*", "ticket.*", "*.created", "boss.spawned", "ticket.created,customer.*", "player.*"];
const DATA: &[&str] = &["{}", r#"{"id":"1"}"#, r#"{"id":"ž\u0000"}"#];
const FILTERS: &[Option<&str>] = &[
    None,
    Some(r#"{"pointer":"/id","equals":"1"}"#),
    Some(r#"{"pointer":"/id","exists":false}"#),
    Some(r#"{"any":[{"pointer":"/id","greater_than":"2"},{"not":{"pointer":"/id","exists":true}}]}"#),
];
const KEYS: &[&str] = &["a", "b", "c"];
const URLS: &[&str] = &["https://example.com/hook", "https://example.net/another?n=1"];
const SCHEDULES: &[Option<&str>] = &[None, Some(""), Some("10s,1m,5m")];
const HEADERS: &[&[(&str, &str)]] = &[&[], &[("x-a", "1")], &[("x-b", "ž"), ("x-a", "")]];
const SECRETS: &[&str] = &["whsec_a", "whsec_b", "whsec_c"];
const REASONS: &[DisabledReason] =
    &[DisabledReason::ByRequest, DisabledReason::Gone, DisabledReason::Failing];

/// Any step. Deliveries are made and come to an end far more often than what they need is taken away: a history in
/// which nothing is left shows nothing.
pub(super) fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![6 => of_directory(), 8 => of_log(), 9 => of_deliveries(), 3 => looks(), 3 => of_time()]
}

fn of_directory() -> impl Strategy<Value = Op> {
    let any = any::<Index>;
    let limit = || prop_oneof![1 => 1usize..4, 4 => Just(99)];
    prop_oneof![
        4 => Just(Op::CreateTeam),
        2 => (any(), seen()).prop_map(|(team, seen)| Op::RenameTeam { team, seen }),
        1 => (any(), seen()).prop_map(|(team, seen)| Op::DeleteTeam { team, seen }),
        3 => any().prop_map(|team| Op::CreateKey { team }),
        5 => (any(), whose()).prop_map(|(key, whose)| Op::RevokeKey { key, whose }),
        3 => vec((any(), 0u16..60), 1..4).prop_map(|uses| Op::TouchKeys { uses }),
        10 => (any(), select(PATTERNS), limit())
            .prop_map(|(team, patterns, limit)| Op::CreateWebhook { team, patterns, limit }),
        10 => (any(), whose(), patch(), seen())
            .prop_map(|(webhook, whose, change, seen)| Op::UpdateWebhook { webhook, whose, change, seen }),
        2 => (any(), seen(), select(REASONS))
            .prop_map(|(webhook, seen, reason)| Op::DisableWebhook { webhook, seen, reason }),
        2 => (any(), whose(), seen())
            .prop_map(|(webhook, whose, seen)| Op::DeleteWebhook { webhook, whose, seen }),
        4 => rotation(),
        2 => (any(), whose(), seen())
            .prop_map(|(webhook, whose, seen)| Op::EndOverlap { webhook, whose, seen }),
    ]
}

fn rotation() -> impl Strategy<Value = Op> {
    let overlap = option::weighted(0.7, 0u16..60);
    (any::<Index>(), whose(), seen(), select(SECRETS), overlap).prop_map(
        |(webhook, whose, seen, secret, overlap)| Op::RotateSecret { webhook, whose, seen, secret, overlap },
    )
}

fn of_log() -> impl Strategy<Value = Op> {
    let receivers = prop_oneof![
        8 => Just(Receivers::Matching),
        1 => Just(Receivers::Nobody),
        1 => any::<Index>().prop_map(Receivers::Only),
    ];
    (any::<Index>(), vec(draft(), 0..4), receivers).prop_map(|(team, events, receivers)| Op::Append {
        team,
        events,
        receivers,
    })
}

fn of_deliveries() -> impl Strategy<Value = Op> {
    let any = any::<Index>;
    let status = option::of(select(&DeliveryStatus::ALL[..]));
    prop_oneof![
        4 => vec(reported(), 0..5).prop_map(|results| Op::Record { results }),
        1 => (any(), cut(), status, option::of(any()))
            .prop_map(|(team, cut, status, webhook)| Op::ResendMany { team, cut, status, webhook }),
        1 => (any(), whose(), cut()).prop_map(|(webhook, whose, cut)| Op::Recover { webhook, whose, cut }),
        1 => (any(), whose()).prop_map(|(delivery, whose)| Op::Resend { delivery, whose }),
        1 => (any(), any(), whose())
            .prop_map(|(event, webhook, whose)| Op::Deliver { event, webhook, whose }),
        1 => (any(), whose()).prop_map(|(event, whose)| Op::Erase { event, whose }),
    ]
}

fn looks() -> impl Strategy<Value = Op> {
    let any = any::<Index>;
    let order = select(&[Order::Desc, Order::Asc][..]);
    let status = option::of(select(&DeliveryStatus::ALL[..]));
    prop_oneof![
        (any(), 0u64..12, 1usize..5, 0usize..900).prop_map(|(team, after, entries, bytes)| Op::Read {
            team,
            after,
            entries,
            bytes
        }),
        (any(), whose()).prop_map(|(event, whose)| Op::LookAtEvent { event, whose }),
        (any(), cut(), order, option::of(0u64..12)).prop_map(|(team, cut, order, from)| Op::ListEvents {
            team,
            cut,
            order,
            from
        }),
        (any(), cut(), status, option::of(any()))
            .prop_map(|(team, cut, status, webhook)| Op::ListDeliveries { team, cut, status, webhook }),
        (any(), 0u16..60, 1usize..5).prop_map(|(webhook, ahead, limit)| Op::Due { webhook, ahead, limit }),
    ]
}

fn of_time() -> impl Strategy<Value = Op> {
    let seconds = prop_oneof![6 => 0i16..30, 1 => -30i16..0];
    prop_oneof![
        4 => seconds.prop_map(|seconds| Op::Wait { seconds }),
        2 => (ago(), ago(), ago(), 1usize..9)
            .prop_map(|(events, deliveries, keys, rows)| Op::RemoveOld { events, deliveries, keys, rows }),
        1 => Just(Op::Reopen),
    ]
}

/// How far back cutoffs and lists reach, in seconds: nearly all of a history, some of it, none.
fn ago() -> impl Strategy<Value = u16> {
    prop_oneof![1 => 0u16..3, 2 => 3u16..60, 2 => Just(9999)]
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![3 => Just(Seen::None), 3 => Just(Seen::Present), 1 => Just(Seen::Older), 1 => Just(Seen::Newer)]
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![9 => Just(Whose::Own), 1 => any::<Index>().prop_map(Whose::Of)]
}

fn patch() -> impl Strategy<Value = Patch> {
    prop_oneof![
        1 => Just(Patch::Nothing),
        1 => select(URLS).prop_map(Patch::Url),
        3 => select(PATTERNS).prop_map(Patch::Patterns),
        3 => select(FILTERS).prop_map(Patch::Filter),
        2 => any::<bool>().prop_map(Patch::Ordered),
        1 => option::of(1u32..3).prop_map(Patch::RateLimit),
        1 => select(&["", "of the shop"][..]).prop_map(Patch::Description),
        1 => select(SCHEDULES).prop_map(Patch::Schedule),
        1 => select(HEADERS).prop_map(Patch::Headers),
        4 => Just(Patch::Enable),
        1 => select(REASONS).prop_map(Patch::Disable),
        1 => any::<bool>().prop_map(Patch::Gone),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let key = option::weighted(0.3, select(KEYS));
    let test = prop::bool::weighted(0.2);
    (select(TYPES), select(DATA), key, test).prop_map(|(event_type, data, key, test)| Draft {
        event_type,
        data,
        key,
        test,
    })
}

fn reported() -> impl Strategy<Value = Reported> {
    let late = prop::bool::weighted(0.2);
    (any::<Index>(), result(), late).prop_map(|(delivery, came, late)| Reported { delivery, came, late })
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
    let back = || option::of(ago());
    (select(PATTERNS), option::of(select(PATTERNS)), back(), back(), 1usize..6)
        .prop_map(|(visible, wanted, since, until, limit)| Cut { visible, wanted, since, until, limit })
}
