//! No list and no look-up reads more than it shows: each goes through the index that it was made for.

use rusqlite::Connection;

use crate::sqlite::append::INSERT_EVENT;
use crate::sqlite::attempt_rows::INSERT_ATTEMPT;
use crate::sqlite::deliveries::WAYS;
use crate::sqlite::delivery_rows::{INSERT_DELIVERY, UPDATE_DELIVERY};
use crate::sqlite::schema;

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
    for way in WAYS {
        let plan = plan(&conn, way.sql());
        assert!(plan.starts_with("SEARCH deliveries USING "), "{way:?}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{way:?}: {plan}");
        assert!(plan.contains("rowid>? AND rowid<?"), "{way:?} leaves out the bounds: {plan}");
    }
}

#[test]
fn what_is_due_is_read_in_its_order() {
    let conn = file();
    let due = "SELECT place FROM deliveries INDEXED BY deliveries_due
               WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL ORDER BY due_ms, place LIMIT 10";
    let plan = plan(&conn, due);
    assert!(plan.contains("deliveries_due (webhook=? AND generation=? AND due_ms>?)"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

/// The writer's statements make no tables of their own.
#[test]
fn what_is_written_for_each_event_makes_no_table() {
    let conn = file();
    for sql in [INSERT_EVENT, INSERT_DELIVERY, UPDATE_DELIVERY, INSERT_ATTEMPT] {
        let mut explain = conn.prepare(&format!("EXPLAIN {sql}")).unwrap();
        let mut steps = explain.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let operation: String = step.get(1).unwrap();
            assert_ne!(operation, "OpenEphemeral", "{sql}");
        }
    }
}
