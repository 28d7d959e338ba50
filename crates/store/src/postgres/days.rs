//! Days: the partitions of the large tables.

use std::collections::HashSet;

use cstar_types::Timestamp;
use parking_lot::Mutex;

use super::fault::Fault;
use super::store::Open;

/// The tables that are cut by days.
pub(super) const PARENTS: [&str; 3] = ["events", "deliveries", "attempts"];

/// Days since 1970.
pub(super) type Day = i32;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The day of a time.
pub(super) fn day_of(ms: i64) -> Day {
    i32::try_from(ms.div_euclid(DAY_MS)).unwrap_or(Day::MAX - 1)
}

/// The day of a time.
pub(super) fn day_at(at: Timestamp) -> Day {
    day_of(at.as_millis())
}

/// The days that are known to have their partitions.
#[derive(Debug, Default)]
pub(super) struct Days(Mutex<HashSet<Day>>);

impl Days {
    /// Refuses a day that may have none: they must be made outside of a transaction that writes, so that no lock is held for long.
    pub(super) fn have(&self, day: Day) -> Result<(), Fault> {
        if self.0.lock().contains(&day) { Ok(()) } else { Err(Fault::NoDay(day)) }
    }

    /// Somebody else may have dropped some.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}

/// Attaching takes a lock that holds up no reader and no writer, unlike making a partition in its place.
const MAKE: &str = r"
DO $make$
DECLARE
    parent text;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(1666413666);
    FOREACH parent IN ARRAY '{PARENTS}'::text[] LOOP
        part := parent || '_' || to_char(date 'epoch' + DAY, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES) WITH (fillfactor = FILL)', part, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (DAY) TO (NEXT)', parent, part);
        END IF;
    END LOOP;
END
$make$";

/// Makes the partitions of a day, unless they are there.
pub(super) fn make_script(day: Day) -> String {
    // Deliveries are written again once they end: with room on their page no index is touched by it.
    let script = MAKE.replace("PARENTS", &PARENTS.join(","));
    let script = script.replace("FILL", "85").replace("NEXT", &(day + 1).to_string());
    script.replace("DAY", &day.to_string())
}

impl Open {
    /// Makes the partitions of a day, unless they are there.
    pub(super) async fn make_day(&self, day: Day) -> Result<(), Fault> {
        self.connections.get().await?.script(&make_script(day)).await?;
        self.days.0.lock().insert(day);
        Ok(())
    }
}
