//! What the row of an event, or of a delivery, says of its kind.

/// What an event or a delivery says of its type: the type's number, whether the event is a test event (T20), whether it was
/// kept from the webhooks that match, and whether its data was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) i64);

impl Kind {
    const TEST: i64 = 1;
    const KEPT_FROM_WEBHOOKS: i64 = 2;
    const ERASED: i64 = 4;
    const MARKS: u32 = 3;

    pub(crate) const fn new(type_number: i64, test: bool) -> Self {
        Self(type_number << Self::MARKS | test as i64)
    }

    /// The same, of an event that was kept from the webhooks that match, or not.
    pub(crate) const fn kept_from_webhooks(self, kept: bool) -> Self {
        if kept { Self(self.0 | Self::KEPT_FROM_WEBHOOKS) } else { self }
    }

    pub(crate) const fn is_kept_from_webhooks(self) -> bool {
        self.0 & Self::KEPT_FROM_WEBHOOKS != 0
    }

    /// The same, erased.
    pub(crate) const fn erased(self) -> Self {
        Self(self.0 | Self::ERASED)
    }

    pub(crate) const fn is_erased(self) -> bool {
        self.0 & Self::ERASED != 0
    }

    pub(crate) const fn type_number(self) -> i64 {
        self.0 >> Self::MARKS
    }

    pub(crate) const fn is_test(self) -> bool {
        self.0 & Self::TEST != 0
    }
}
