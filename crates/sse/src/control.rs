//! The names of the blocks with which a stream speaks of itself.

/// What a named block of cStar's stream says. A block without a name carries an event of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Control {
    /// The subscription stands: what is published from now on arrives.
    Ready,
    /// A part of the log can no longer be replayed.
    Gap,
    /// The connection lives, and how far it has passed the log.
    Heartbeat,
    /// The server is about to close; connect again after a while.
    Reconnect,
    /// The token has expired; the stream ends here.
    Unauthorized,
    /// The head that was asked for is reached; the stream ends here.
    End,
}

impl Control {
    /// Every one of them.
    pub const ALL: [Self; 6] =
        [Self::Ready, Self::Gap, Self::Heartbeat, Self::Reconnect, Self::Unauthorized, Self::End];

    /// The value of the `event:` field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "cstar.ready",
            Self::Gap => "cstar.gap",
            Self::Heartbeat => "cstar.heartbeat",
            Self::Reconnect => "cstar.reconnect",
            Self::Unauthorized => "cstar.unauthorized",
            Self::End => "cstar.end",
        }
    }

    /// The one of this name; `None` is for a client to ignore, as a newer server may say more.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| control.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for control in Control::ALL {
            assert_eq!(Control::from_name(control.name()), Some(control));
        }
        assert_eq!(Control::from_name("cstar.later"), None);
    }
}
