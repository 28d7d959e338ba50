//! Rows that are inserted together.
//!
//! A good part of what a small row costs is the statement around it, so several share one.

use std::slice;

use rusqlite::{Connection, Statement, ToSql};

/// So many rows share a statement: twice as many gain little more.
const TOGETHER: usize = 16;

/// An `INSERT` of one row, and the same of [`TOGETHER`].
pub(super) struct Insert {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
}

/// A macro, because SQL must be known when it is compiled: nothing is put together on the way of an event.
///
/// `OR FAIL`, since whoever fails rolls the whole transaction back: to undo a statement of many rows by itself, SQLite would
/// copy each page that it changes.
macro_rules! insert_into {
    ($table:literal, $row:literal) => {
        $crate::sqlite::rows::Insert {
            one: concat!("INSERT OR FAIL INTO ", $table, " VALUES ", $row),
            many: insert_into!(@many $table, $row, ",", $row, ",", $row, ",", $row),
        }
    };
    // Four of what it is given, which is four rows.
    (@many $table:literal, $($rows:literal),+) => {
        concat!("INSERT OR FAIL INTO ", $table, " VALUES ", $($rows),+, ",", $($rows),+, ",", $($rows),+, ",", $($rows),+)
    };
}
pub(super) use insert_into;

/// A row that can be inserted.
pub(super) trait NewRow {
    const INSERT: Insert;

    /// Gives each column its value, in the order of the statement.
    fn bind(&self, columns: &mut Columns<'_, '_>) -> rusqlite::Result<()>;
}

/// The columns of the rows of one statement, one after the other.
pub(super) struct Columns<'s, 'c> {
    statement: &'s mut Statement<'c>,
    bound: usize,
}

impl Columns<'_, '_> {
    pub(super) fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.bound += 1;
        self.statement.raw_bind_parameter(self.bound, value)
    }
}

/// Inserts rows, in their order.
pub(super) fn insert<R: NewRow>(conn: &Connection, rows: &[R]) -> rusqlite::Result<()> {
    let (many, few) = rows.as_chunks::<TOGETHER>();
    if !many.is_empty() {
        let mut statement = conn.prepare_cached(R::INSERT.many)?;
        many.iter().try_for_each(|rows| run(&mut statement, rows))?;
    }
    if !few.is_empty() {
        let mut statement = conn.prepare_cached(R::INSERT.one)?;
        few.iter().try_for_each(|row| run(&mut statement, slice::from_ref(row)))?;
    }
    Ok(())
}

fn run<R: NewRow>(statement: &mut Statement<'_>, rows: &[R]) -> rusqlite::Result<()> {
    let mut columns = Columns { statement, bound: 0 };
    rows.iter().try_for_each(|row| row.bind(&mut columns))?;
    debug_assert_eq!(columns.bound, statement.parameter_count(), "each column has its value");
    statement.raw_execute().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(i64, &'static str);

    impl NewRow for Pair {
        const INSERT: Insert = insert_into!("pairs (number, name)", "(?, ?)");

        fn bind(&self, columns: &mut Columns<'_, '_>) -> rusqlite::Result<()> {
            columns.bind(self.0)?;
            columns.bind(self.1)
        }
    }

    /// However many there are, each is there once and in its place.
    #[test]
    fn all_are_inserted_in_their_order() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE pairs (number INTEGER NOT NULL, name TEXT NOT NULL)").unwrap();
        for count in [0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER + 5] {
            conn.execute("DELETE FROM pairs", ()).unwrap();
            let rows: Vec<_> = (0..count as i64).map(|number| Pair(number, "a name")).collect();
            insert(&conn, &rows).unwrap();
            let mut all = conn.prepare("SELECT number, name FROM pairs ORDER BY rowid").unwrap();
            let found =
                all.query_map((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
            let found: Vec<_> = found.map(Result::unwrap).collect();
            assert_eq!(found, rows.iter().map(|row| (row.0, row.1.to_owned())).collect::<Vec<_>>());
        }
    }

    /// One that cannot be inserted is an error, whether it is alone or among many.
    #[test]
    fn one_that_does_not_fit_is_an_error() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE pairs (number INTEGER PRIMARY KEY, name TEXT NOT NULL)").unwrap();
        for count in [2, TOGETHER as i64] {
            let rows: Vec<_> = (0..count).map(|number| Pair(number / 2, "a name")).collect();
            insert(&conn, &rows).unwrap_err();
        }
    }
}
