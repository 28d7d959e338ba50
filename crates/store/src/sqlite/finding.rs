//! What a check finds, and what to do about it.

/// What is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is a part of.
    pub about: About,
    /// Which it is, and what is wrong with it.
    pub what: String,
}

/// What a check tells while it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Something is not as it was written.
    Found(Finding),
    /// How far it is.
    At {
        /// What it looks at.
        part: &'static str,
        /// About how many rows it has looked at.
        rows: u64,
    },
}

/// What a finding is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The structure of the database file.
    Structure,
    /// What everything else leans on: the epoch, event types, teams.
    Store,
    /// What teams have made: keys, webhooks, operations and the like.
    Settings,
    /// A team's log.
    Log,
    /// The deliveries.
    Deliveries,
    /// The attempts at deliveries.
    Attempts,
    /// The idempotency keys.
    IdempotencyKeys,
}

impl About {
    /// Its name, for machines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Store => "store",
            Self::Settings => "settings",
            Self::Log => "log",
            Self::Deliveries => "deliveries",
            Self::Attempts => "attempts",
            Self::IdempotencyKeys => "idempotency_keys",
        }
    }

    /// What the damage means, and what to do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Structure | Self::Store => {
                "do not go on with this directory: have its disk looked at, and restore a backup elsewhere"
            }
            Self::Settings => {
                "what is damaged is refused and not used: make it anew under another id, or restore a backup"
            }
            Self::Log => {
                "lists and streams of the team stop in front of it: restore a backup, and publish again what came later"
            }
            Self::Deliveries => {
                "it is neither sent nor shown, and holds up no other: send its event to the webhook again with `cstar \
                 events resend`, or restore a backup"
            }
            Self::Attempts => "the log of its delivery cannot be shown whole; nothing is lost but that",
            Self::IdempotencyKeys => {
                "a repeat of its publish is refused; it goes by itself, a day after it was used"
            }
        }
    }
}
