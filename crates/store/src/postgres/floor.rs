//! What PostgreSQL alone does with the rows of a store: the floor that nodes are measured against.
//!
//! It is here and not with the load because it must be the store's own schema: a floor that drifted would flatter. Rows go by `COPY`, in
//! PostgreSQL's own form, which nothing is cheaper than.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, TryStreamExt as _, pin_mut};
use tokio_postgres::types::Type;

use super::connect::{at_start, reach};
use super::days::{Day, make_script};
use super::fault::Fault;
use super::options::Options;
use super::pool::{self, Link};
use super::schema;
use crate::StoreError;
use crate::sqlite::MasterKey;

/// What a `COPY` begins with: its signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// And what it ends with.
const TRAILER: &[u8] = &[0xff, 0xff];

/// What is on record in a database, counted row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Events of all teams.
    pub events: u64,
    /// Deliveries, however they stand.
    pub deliveries: u64,
    /// Deliveries that ended as delivered.
    pub delivered: u64,
    /// Deliveries that wait.
    pub waiting: u64,
    /// Attempts.
    pub attempts: u64,
}

/// Rows as they were stored, checksums included: the events of a log, the deliveries and the attempts.
pub struct Rows {
    tables: [(&'static str, Vec<Bytes>); 3],
    days: Vec<Day>,
}

/// A database that is looked at, or written to, beside the nodes that use it.
pub struct Bare {
    link: Link,
    options: Options,
}

impl Bare {
    /// Connects to it.
    ///
    /// # Errors
    /// `Unusable` or `Unreachable`, as at the start of a store.
    pub async fn reach(url: &str) -> Result<Self, StoreError> {
        let options = Options::new(url, MasterKey::new([0; 32]))?;
        let link = reach(&pool::pool(&options)?, &options).await?;
        Ok(Self { link, options })
    }

    /// Makes another database on the same server.
    ///
    /// # Errors
    /// As the database says.
    pub async fn make_database(&self, name: &str) -> Result<(), StoreError> {
        self.judge(self.link.script(&format!("CREATE DATABASE {name}")).await)
    }

    /// Makes the tables of a store in an empty database, as it is when so many days are kept, today among them.
    ///
    /// # Errors
    /// As the database says.
    pub async fn make_tables(&self, days: u32) -> Result<(), StoreError> {
        let made = async {
            schema::migrate(&self.link).await?;
            let sql =
                format!("SELECT current_date - date 'epoch' - n FROM generate_series(0, {days} - 1) AS n");
            for row in self.link.rows(&sql, &[]).await? {
                self.link.script(&make_script(row.get(0))).await?;
            }
            Ok(())
        };
        self.judge(made.await)
    }

    /// How far the server's write-ahead log has come, in bytes.
    ///
    /// # Errors
    /// As the database says.
    pub async fn wal_bytes(&self) -> Result<u64, StoreError> {
        let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        self.judge(self.number(sql).await)
    }

    /// Counts what is stored.
    ///
    /// # Errors
    /// As the database says.
    pub async fn count(&self) -> Result<Counted, StoreError> {
        let counted = async {
            Ok(Counted {
                events: self.number("SELECT count(*) FROM events").await?,
                deliveries: self.number("SELECT count(*) FROM deliveries").await?,
                delivered: self
                    .number("SELECT count(*) FROM deliveries WHERE status = 2 AND due_ms IS NULL")
                    .await?,
                waiting: self.number("SELECT count(*) FROM due").await?,
                attempts: self.number("SELECT count(*) FROM attempts").await?,
            })
        };
        self.judge(counted.await)
    }

    async fn number(&self, sql: &str) -> Result<u64, Fault> {
        let row = self.link.row(sql, &[]).await?.ok_or_else(|| Fault::damaged("count", sql))?;
        Ok(row.get::<_, i64>(0) as u64)
    }

    fn judge<T>(&self, done: Result<T, Fault>) -> Result<T, StoreError> {
        done.map_err(|fault| at_start(&self.options, fault))
    }
}

impl Rows {
    /// Reads the events of a log, and all deliveries and attempts.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(from: &Bare, team: &str) -> Result<Self, StoreError> {
        from.judge(read_rows(&from.link, team).await)
    }

    /// The rows of events, each with its body in it, in the order of the log.
    pub fn events(&self) -> impl Iterator<Item = &[u8]> {
        self.tables[0].1.iter().map(|row| &row[..])
    }

    /// Copies them into a database that has the tables and no rows, over one connection, those of so many events with each commit. Commits are synced.
    ///
    /// # Errors
    /// As the database says.
    pub async fn copy(&self, to: &Bare, group: usize) -> Result<Duration, StoreError> {
        to.judge(self.try_copy(&to.link, group).await)
    }

    async fn try_copy(&self, link: &Link, group: usize) -> Result<Duration, Fault> {
        for day in &self.days {
            link.script(&make_script(*day)).await?;
        }
        let groups = self.tables[0].1.len().div_ceil(group.max(1)).max(1);
        let mut parts = Vec::new();
        for (table, rows) in &self.tables {
            parts.push((table, rows.chunks(rows.len().div_ceil(groups).max(1))));
        }
        let began = Instant::now();
        for _ in 0..groups {
            link.script("BEGIN").await?;
            for (table, parts) in &mut parts {
                if let Some(rows) = parts.next() {
                    copy_rows(link, table, rows).await?;
                }
            }
            link.commit().await?;
        }
        Ok(began.elapsed())
    }
}

async fn read_rows(link: &Link, team: &str) -> Result<Rows, Fault> {
    let row = link.row("SELECT number FROM teams WHERE id::text = $1", &[(&team, Type::TEXT)]).await?;
    let team: i64 = row.ok_or(Fault::Refused(StoreError::NotFound))?.get(0);
    let days = link.rows("SELECT day FROM events UNION SELECT day FROM deliveries", &[]).await?;
    Ok(Rows {
        tables: [
            ("events", table(link, &format!("SELECT * FROM events WHERE team = {team} ORDER BY seq")).await?),
            ("deliveries", table(link, "SELECT * FROM deliveries ORDER BY team, number").await?),
            ("attempts", table(link, "SELECT * FROM attempts ORDER BY team, delivery, place").await?),
        ],
        days: days.iter().map(|row| row.get(0)).collect(),
    })
}

/// Each row comes as one message; the first has the header before it.
async fn table(link: &Link, select: &str) -> Result<Vec<Bytes>, Fault> {
    let rows = link.copy_out(&format!("COPY ({select}) TO STDOUT (FORMAT binary)")).await?;
    let mut rows: Vec<Bytes> = rows.try_collect().await?;
    if let Some(first) = rows.first_mut()
        && first.starts_with(HEADER)
    {
        *first = first.slice(HEADER.len()..);
    }
    rows.retain(|row| &row[..] != TRAILER);
    Ok(rows)
}

async fn copy_rows(link: &Link, table: &str, rows: &[Bytes]) -> Result<(), Fault> {
    let mut all = BytesMut::from(HEADER);
    rows.iter().for_each(|row| all.extend_from_slice(row));
    all.extend_from_slice(TRAILER);
    let sink = link.copy_in(&format!("COPY {table} FROM STDIN (FORMAT binary)")).await?;
    pin_mut!(sink);
    sink.send(all.freeze()).await?;
    sink.finish().await?;
    Ok(())
}
