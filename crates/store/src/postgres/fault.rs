//! What can go wrong between the store and the database, and what that means for the caller.

use deadpool::managed::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::StoreError;

/// Why a transaction did not come to its end.
#[derive(Debug)]
pub(super) enum Fault {
    /// The state forbids it.
    Refused(StoreError),
    /// A row is not as it was written (LOG-3).
    Damaged(String),
    /// It does not fit into this commit any more, but will into the next. It has written nothing.
    NoRoom,
    /// Somebody has locked what it needs, and it is to be passed over. It is rolled back.
    Held,
    /// Others were in the way and it was rolled back: the same again may succeed.
    InTheWay(Error),
    /// The partitions of a day that it writes are not known to be there.
    NoDay(i32),
    /// They are not: it was rolled back, and may be tried again when they are.
    NoPartition(Error),
    /// The database went away before it was asked to commit: nothing was stored.
    Away(String),
    /// This server is not the one that takes the store's writes.
    Elsewhere(String),
    /// It was asked to commit, and whether it did is not known (LOG-1).
    Unknown,
    /// The database said so.
    Postgres(Error),
}

impl Fault {
    /// What no row says.
    pub(super) fn damaged(table: &str, place: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("{table} row {place} is not as it was written"))
    }

    /// LOG-2: a team's log has no holes.
    pub(super) fn missing_event(team: cstar_types::TeamId, seq: i64) -> Self {
        Self::Damaged(format!("event {seq} of team {team} is missing"))
    }

    /// Whether the same again may succeed at once.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::InTheWay(_))
    }
}

/// What a SQLSTATE says of the transaction, before its commit was asked for.
fn sort(error: Error) -> Fault {
    let Some(state) = error.code().cloned() else {
        // Without a code it did not come from the database: the connection broke, or a value is not of its column's type.
        return if error.is_closed() || error.as_db_error().is_none() && is_io(&error) {
            Fault::Away(in_full(&error))
        } else {
            Fault::Postgres(error)
        };
    };
    match state {
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE => Fault::InTheWay(error),
        SqlState::CHECK_VIOLATION if is_without_partition(&error) => Fault::NoPartition(error),
        SqlState::UNIQUE_VIOLATION => Fault::Refused(StoreError::Conflict("the id is taken")),
        SqlState::DISK_FULL => Fault::Refused(StoreError::StorageFull),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => Fault::Damaged(in_full(&error)),
        // A primary that was made a standby answers so.
        SqlState::READ_ONLY_SQL_TRANSACTION => Fault::Away(in_full(&error)),
        state if is_away(&state) => Fault::Away(in_full(&error)),
        _ => Fault::Postgres(error),
    }
}

/// The connection is broken (08), or the server is going down or coming up (57P01 to 57P05), or has no room for one more (53300).
pub(super) fn is_away(state: &SqlState) -> bool {
    state.code().starts_with("08")
        || state.code().starts_with("57P")
        || *state == SqlState::TOO_MANY_CONNECTIONS
}

fn is_io(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

/// PostgreSQL has no code of its own for it; the name of the routine is not translated.
fn is_without_partition(error: &Error) -> bool {
    error.as_db_error().and_then(|error| error.routine()) == Some("ExecFindPartition")
}

/// With the causes below it, which say more than itself.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text = format!("{text}: {cause}");
        below = cause.source();
    }
    text
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        sort(error)
    }
}

impl From<PoolError<Fault>> for Fault {
    fn from(error: PoolError<Fault>) -> Self {
        match error {
            PoolError::Timeout(_) => Self::Refused(StoreError::QueueFull),
            PoolError::Closed => Self::Refused(StoreError::ShuttingDown),
            PoolError::Backend(Self::Postgres(error)) => Self::Away(in_full(&error)),
            PoolError::Backend(fault) => fault,
            PoolError::PostCreateHook(_) => Self::Away("a connection cannot be used".to_owned()),
            PoolError::NoRuntimeSpecified => Self::Away("nobody keeps the time".to_owned()),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(error) => error,
            Fault::Damaged(what) => Self::Damaged(what),
            Fault::NoRoom | Fault::Held => Self::QueueFull,
            Fault::Unknown => Self::OutcomeUnknown,
            Fault::InTheWay(error) => {
                tracing::warn!(error = in_full(&error), "given up: others were in the way each time");
                Self::QueueFull
            }
            Fault::Away(error) | Fault::Elsewhere(error) => {
                tracing::debug!(error, "the database cannot be reached");
                Self::Unreachable(format!("the database cannot be reached: {error}"))
            }
            Fault::NoDay(day) => Self::Database(format!("the partitions of day {day} cannot be made")),
            Fault::NoPartition(error) | Fault::Postgres(error) => Self::Database(in_full(&error)),
        }
    }
}
