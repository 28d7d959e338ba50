//! What can go wrong in a store, shaped by what the caller can do about it.

/// Why the store did not do what was asked. Unless the variant says otherwise nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No such team, key, webhook, event or delivery, or it belongs to another team (T24).
    #[error("not found")]
    NotFound,
    /// The state forbids it: the reason says what it is.
    #[error("{0}")]
    Conflict(&'static str),
    /// It is no longer the version that the caller saw.
    #[error("changed since it was read")]
    Changed,
    /// One more would be over the limit.
    #[error("at most {limit} are allowed")]
    TooMany {
        /// The limit that would be passed.
        limit: usize,
    },
    /// The events would make more deliveries than one commit may hold.
    #[error("these events make {deliveries} deliveries; one commit holds at most {limit}")]
    FanOutTooLarge {
        /// How many there would be.
        deliveries: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The idempotency key was used for something else.
    #[error("the idempotency key of event {index} was used for another event")]
    IdempotencyKeyReused {
        /// Which event of the batch, from 0.
        index: usize,
    },
    /// The way to the writer is full, or another process holds the file. Try again later.
    #[error("too much is waiting to be written")]
    QueueFull,
    /// The database cannot be reached. Nothing was stored; try again later.
    #[error("{0}")]
    Unreachable(String),
    /// The store takes nothing new.
    #[error("shutting down")]
    ShuttingDown,
    /// It was handed to the writer, and whether it is on disk is not known: it may be found there after a restart.
    #[error("it is not known whether this was stored; repeat it with the same idempotency key")]
    OutcomeUnknown,
    /// The disk is nearly full. Reading and recording results go on.
    #[error("the disk is nearly full")]
    StorageFull,
    /// A sync or a write failed; the store has closed itself for good and the process must end.
    #[error("the store has stopped after a failed write")]
    Poisoned,
    /// What was stored is not what is read (LOG-3).
    #[error("stored bytes are damaged: {0}")]
    Damaged(String),
    /// The data directory cannot be used as it is: the text says why and what to do.
    #[error("{0}")]
    Unusable(String),
    /// The secrets in the data are encrypted with a master key that was not given.
    #[error("the data was encrypted with another master key: give that one")]
    OtherMasterKey,
    /// The database refused something that it should not have refused.
    #[error("database: {0}")]
    Database(String),
}
