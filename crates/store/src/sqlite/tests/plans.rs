//! No list and no look-up reads more than it shows: each goes through the index that it was made for.

use rusqlite::Connection;

use crate::Order;
use crate::sqlite::attempt_rows::AttemptRow;
use crate::sqlite::deliveries::WAYS;
use crate::sqlite::delivery_rows::{DELIVERY_TO, DeliveryRow, UPDATE_DELIVERY};
use crate::sqlite::event_rows::NewEventRow;
use crate::sqlite::rows::NewRow;
use crate::sqlite::{audit, cancel, due, idempotency, operation_rows, retention, schema};

fn plan(conn: &Connection, sql: &str) -> String {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut steps = explain.raw_query(); // what is not bound is null, which is enough to plan with
    let mut plan = Vec::new();
    while let Some(step) = steps.next().unwrap() {
        plan.push(step.get::<_, String>(3).unwrap());
    }
    plan.join("; ")
}

fn file() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    schema::migrate(&conn).unwrap();
    conn
}

#[test]
fn the_webhook_logs_are_searched_and_not_sorted() {
    let conn = file();
    for (way, order) in WAYS.into_iter().flat_map(|way| [(way, Order::Desc), (way, Order::Asc)]) {
        let plan = plan(&conn, way.sql(order));
        assert!(plan.starts_with("SEARCH deliveries USING "), "{way:?}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{way:?}: {plan}");
        assert!(plan.contains("rowid>? AND rowid<?"), "{way:?} leaves out the bounds: {plan}");
    }
}

#[test]
fn the_delivery_of_an_event_to_a_webhook_is_searched() {
    let plan = plan(&file(), DELIVERY_TO);
    assert_eq!(plan, "SEARCH deliveries USING INDEX deliveries_event (event_id=?)");
}

#[test]
fn what_is_due_is_read_in_its_order() {
    let conn = file();
    for sql in [due::WAITING, due::FIRST_DUE] {
        let plan = plan(&conn, sql);
        assert!(plan.contains("deliveries_due (webhook=? AND generation=? AND due_ms>?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    // Sorted, but out of what waits for one webhook, and no more of it is kept than is asked for.
    let in_order = plan(&conn, due::WAITING_IN_ORDER);
    assert!(in_order.contains("deliveries_due (webhook=? AND generation=? AND due_ms>?)"), "{in_order}");
    let lanes = plan(&conn, due::ENABLED);
    assert!(!lanes.contains("TEMP B-TREE"), "{lanes}");
}

#[test]
fn what_is_cancelled_is_searched() {
    let conn = file();
    let slice = plan(&conn, cancel::STILL_WAITING);
    assert!(slice.contains("deliveries_due (webhook=? AND generation<?)"), "{slice}");
    let webhooks = plan(&conn, cancel::CANCELLING);
    assert!(webhooks.contains("webhooks_cancelling") && !webhooks.contains("TEMP B-TREE"), "{webhooks}");
}

#[test]
fn whose_turn_it_is_is_searched_and_not_sorted() {
    let conn = file();
    let running = plan(&conn, operation_rows::RUNNING);
    assert!(running.contains("operations_running") && !running.contains("TEMP B-TREE"), "{running}");
    let of_team = plan(&conn, operation_rows::RUNNING_OF_TEAM);
    assert!(of_team.contains("operations_of_team (team=?)"), "{of_team}");
}

#[test]
fn a_slice_of_a_check_reads_no_other() {
    let plan = plan(&file(), idempotency::NEXT);
    assert!(plan.contains("PRIMARY KEY ((team,key)>(?,?))") && !plan.contains("TEMP B-TREE"), "{plan}");
}

#[test]
fn the_audit_log_is_searched_and_not_sorted() {
    let conn = file();
    for (sql, way) in
        [(audit::OF_TEAM, "audit_of_team (team=? AND id<?)"), (audit::OF_ALL, "PRIMARY KEY (id<?)")]
    {
        let plan = plan(&conn, sql);
        assert!(plan.contains(way) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
    assert!(!plan(&conn, audit::OLDEST).contains("TEMP B-TREE"));
}

/// Removing what is old costs what is removed, not what is kept.
#[test]
fn what_is_old_is_searched_and_not_sorted() {
    let conn = file();
    for sql in retention::SEARCHES {
        let plan = plan(&conn, sql);
        // These two indexes hold nothing but what is wanted.
        let of_wanted = |step: &str| step.ends_with("teams_erasing") || step.ends_with("webhooks_deleted");
        let scanned = plan.split("; ").any(|step| step.starts_with("SCAN") && !of_wanted(step));
        assert!(!scanned && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

/// The writer's statements make no tables of their own.
#[test]
fn what_is_written_for_each_event_makes_no_table() {
    let conn = file();
    let inserts = [NewEventRow::INSERT, DeliveryRow::INSERT, AttemptRow::INSERT];
    let inserts = inserts.iter().flat_map(|insert| [insert.one, insert.many]);
    for sql in inserts.chain([UPDATE_DELIVERY]) {
        let mut explain = conn.prepare(&format!("EXPLAIN {sql}")).unwrap();
        let mut steps = explain.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let operation: String = step.get(1).unwrap();
            assert_ne!(operation, "OpenEphemeral", "{sql}");
        }
    }
}
