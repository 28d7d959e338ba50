//! What can go wrong inside the store, and what that means for the transaction and for the caller.

use rusqlite::{ErrorCode, ffi};

use crate::StoreError;

/// Why a piece of work stopped.
#[derive(Debug)]
pub(super) enum Fault {
    /// The state forbids it. It has written nothing.
    Refused(StoreError),
    /// A row is not as it was written (LOG-3). Something may have been written before it was found.
    Damaged(String),
    /// It does not fit into this commit any more, but will into the next. It has written nothing.
    NoRoom,
    /// SQLite said so.
    Sqlite(rusqlite::Error),
}

/// What a fault asks of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Roll back and make room.
    MakeRoom,
    /// Roll back, and find the one at fault by doing each alone: it is the work's fault, not the disk's.
    DoEachAlone,
    /// Roll back and refuse all: a stranger holds the file, and each alone would wait for it as long as all did.
    RefuseAll,
    /// Stop for good: whether the disk still does as it says is not known.
    Poison,
}

/// What an error of SQLite's means for a caller.
#[cfg(feature = "postgres")]
pub(crate) fn fault_of(error: rusqlite::Error) -> StoreError {
    Fault::Sqlite(error).into()
}

impl Fault {
    /// A row of `table` whose checksum is wrong, or which says what no row says.
    pub(super) fn damaged(table: &str, place: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("{table} row {place} is not as it was written"))
    }

    /// LOG-2: a team's log has no holes.
    pub(super) fn missing_event(team: cstar_types::TeamId, seq: u64) -> Self {
        Self::Damaged(format!("event {seq} of team {team} is missing"))
    }

    pub(super) fn remedy(&self) -> Remedy {
        let Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) = self else {
            return Remedy::DoEachAlone;
        };
        match failure.code {
            ErrorCode::DiskFull => Remedy::MakeRoom,
            ErrorCode::ConstraintViolation
            | ErrorCode::TooBig
            | ErrorCode::TypeMismatch
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::Unknown => Remedy::DoEachAlone,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Remedy::RefuseAll,
            _ => Remedy::Poison,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    /// The tables are strict: a value of another type or range than was written is damage.
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match error {
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::Utf8Error(..)
            | E::InvalidColumnType(..) => Self::Damaged(error.to_string()),
            other => Self::Sqlite(other),
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
            Fault::NoRoom => Self::QueueFull,
            Fault::Sqlite(rusqlite::Error::SqliteFailure(failure, _))
                if failure.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE =>
            {
                Self::Conflict("the id is taken")
            }
            Fault::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    Self::Damaged(error.to_string())
                }
                Some(ErrorCode::DiskFull) => Self::StorageFull,
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::QueueFull,
                _ => Self::Database(error.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> Fault {
        Fault::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    /// LOG-1: whatever the disk may have done wrong ends the store; only a full disk and the work's own faults do not.
    #[test]
    fn a_disk_that_fails_is_not_trusted_again() {
        for code in [
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_READONLY,
        ] {
            assert_eq!(sqlite(code).remedy(), Remedy::Poison, "{code}");
        }
        assert_eq!(sqlite(ffi::SQLITE_FULL).remedy(), Remedy::MakeRoom);
        assert_eq!(sqlite(ffi::SQLITE_BUSY).remedy(), Remedy::RefuseAll);
        assert_eq!(sqlite(ffi::SQLITE_CONSTRAINT_UNIQUE).remedy(), Remedy::DoEachAlone);
        assert_eq!(Fault::damaged("events", 1).remedy(), Remedy::DoEachAlone);
    }

    /// LOG-3
    #[test]
    fn damage_is_called_damage() {
        assert!(matches!(StoreError::from(sqlite(ffi::SQLITE_CORRUPT)), StoreError::Damaged(_)));
        let foreign = rusqlite::Error::IntegralValueOutOfRange(0, -1);
        assert!(matches!(StoreError::from(Fault::from(foreign)), StoreError::Damaged(_)));
        assert_eq!(StoreError::from(sqlite(ffi::SQLITE_FULL)), StoreError::StorageFull);
    }
}
