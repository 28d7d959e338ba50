//! Lists of events: filters, orders and cursors.

use std::sync::Arc;

use cstar_types::{Entry, TeamId};

use super::given::{self, at};
use super::{AnyStore, Subject, read};
use crate::{DeliveryQuery, EventQuery, Order, TypeFilter};

const TYPES: [&str; 5] =
    ["ticket.created", "ticket.closed", "customer.created", "boss.spawned", "ticket.message_added"];

/// 60 events of mixed types, one in each second, in appends of several.
async fn a_mixed_log(store: &AnyStore, team: TeamId) -> Vec<Arc<Entry>> {
    let mut log = Vec::new();
    for second in 0..20 {
        let names: Vec<&str> = (0..3).map(|n| TYPES[(second * 3 + n) * 7 % 11 % TYPES.len()]).collect();
        log.extend(given::published(store, team, &names, at(second as i64)).await);
    }
    log
}

fn seen_by(visible: &str, wanted: Option<&str>) -> TypeFilter {
    TypeFilter { visible: given::list(visible), wanted: wanted.map(given::list) }
}

/// Page after page to the end, in either order and whatever the filter, brings each event that passes, once, in order.
pub async fn pages_to_the_end_are_the_whole(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let other = given::team(&store).await;
    let log = a_mixed_log(&store, team).await;
    a_mixed_log(&store, other).await;
    let filters = [
        TypeFilter::all(),
        seen_by("ticket.*", None),
        seen_by("*", Some("boss.spawned")),
        seen_by("ticket.*,customer.*", Some("*.created")),
        seen_by("ticket.created", Some("customer.*")),
        seen_by("player.level_up", None),
    ];
    for filter in filters {
        for order in [Order::Asc, Order::Desc] {
            for limit in [1, 2, 7, 200] {
                let query = EventQuery { filter: filter.clone(), ..read::every_event(order, limit) };
                let listed = read::events(&store, team, query.clone()).await.unwrap();
                assert_eq!(listed, expected(&log, &query), "{query:?}");
            }
        }
    }
}

/// The same list made the plain way.
fn expected(log: &[Arc<Entry>], query: &EventQuery) -> Vec<Entry> {
    let passing = log.iter().filter(|entry| {
        let (seq, at) = (entry.position.seq, entry.event.created_at);
        query.filter.passes(&entry.event.event_type)
            && query.since.is_none_or(|since| since <= at)
            && query.until.is_none_or(|until| at < until)
            && query.from.is_none_or(|from| if query.order == Order::Asc { seq > from } else { seq < from })
    });
    let mut rows: Vec<Entry> = passing.map(|entry| (**entry).clone()).collect();
    if query.order == Order::Desc {
        rows.reverse();
    }
    rows
}

/// `since` takes its instant in, `until` leaves it out; together with cursors and filters they cut both orders.
pub async fn since_is_from_then_on_and_until_is_before_then(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let log = a_mixed_log(&store, team).await;
    let instants = [None, Some(at(-5)), Some(at(0)), Some(at(7)), Some(at(8)), Some(at(99))];
    for since in instants {
        for until in instants {
            for order in [Order::Asc, Order::Desc] {
                let query = EventQuery { since, until, ..read::every_event(order, 8) };
                let listed = read::events(&store, team, query.clone()).await.unwrap();
                assert_eq!(listed, expected(&log, &query), "{query:?}");
                let query = EventQuery { from: Some(24), filter: seen_by("ticket.*", None), ..query };
                let listed = read::events(&store, team, query.clone()).await.unwrap();
                assert_eq!(listed, expected(&log, &query), "{query:?}");
            }
        }
    }
}

/// What comes later in a log is never older, though the clock jumped back: times and positions cut the same. What was
/// published then is due at once all the same.
pub async fn a_clock_that_jumps_back_makes_nothing_older(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let nothing = given::publishing(team, Vec::new(), at(900));
    assert_eq!(store.append(nothing).await, Ok(Vec::new()), "an append of nothing has no time");
    for second in [0, 100, 50, 60, 120] {
        given::published(&store, team, &["ticket.created"], at(second)).await;
    }
    for (since, until, expected) in
        [(0, 100, vec![1]), (40, 70, vec![]), (100, 101, vec![2, 3, 4]), (101, 999, vec![5])]
    {
        let (since, until) = (Some(at(since)), Some(at(until)));
        let query = EventQuery { since, until, ..read::every_event(Order::Asc, 9) };
        assert_eq!(seqs(&read::events(&store, team, query).await.unwrap()), expected);
        let query = DeliveryQuery { since, until, ..read::every_delivery(9) };
        let rows = read::deliveries(&store, team, query).await.unwrap();
        assert_eq!(rows.len(), expected.len());
        assert!(rows.iter().all(|row| since <= Some(row.created_at) && Some(row.created_at) < until));
    }
    let due: Vec<u64> =
        read::due(&store, webhook, at(60)).await.iter().map(|due| due.entry.position.seq).collect();
    assert_eq!(due, [1, 3, 4]);
}

/// A cursor is a place, not a count: what is published between two pages moves neither.
pub async fn a_cursor_stays_where_it_was(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    given::published(&store, team, &["ticket.created"; 6], at(0)).await;
    let newest = store.events(team, read::every_event(Order::Desc, 3)).await.unwrap();
    let oldest = store.events(team, read::every_event(Order::Asc, 3)).await.unwrap();
    given::published(&store, team, &["ticket.created"; 2], at(1)).await;
    let rest = EventQuery { from: newest.next, ..read::every_event(Order::Desc, 9) };
    assert_eq!(seqs(&read::events(&store, team, rest).await.unwrap()), [3, 2, 1]);
    let rest = EventQuery { from: oldest.next, ..read::every_event(Order::Asc, 9) };
    assert_eq!(seqs(&read::events(&store, team, rest).await.unwrap()), [4, 5, 6, 7, 8]);
}

fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position.seq).collect()
}
