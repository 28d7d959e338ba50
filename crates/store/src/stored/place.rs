//! Where the rows of a team stand.

use cstar_types::DeliveryId;
use rand::Rng;

/// Of the 63 bits of a place that is not negative, those that count within the team: a trillion events each.
const COUNT_BITS: u32 = 40;
/// The last count of a team.
pub(crate) const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
/// The last number of a team: numbers are never given twice, so this many teams can be made in the life of a store.
pub(crate) const TEAM_NUMBER_MAX: i64 = (1 << (63 - COUNT_BITS)) - 1;

/// Of a delivery's tag.
const TAG_RANDOM_BITS: u32 = 48;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The number of the operator, whose log holds the notices; teams count from 1.
pub(crate) const OPERATOR_NUMBER: i64 = 0;

/// The place of an event or a delivery: its team's number above, its count within the team below. Places of one team
/// lie together and rise in the order of commits (LOG-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(i64);

impl Place {
    /// The place of this count; it must be at most [`COUNT_MAX`].
    pub(crate) fn new(team: i64, count: u64) -> Self {
        debug_assert!((0..=TEAM_NUMBER_MAX).contains(&team) && count <= COUNT_MAX, "{team} {count}");
        Self(team << COUNT_BITS | (count & COUNT_MAX) as i64)
    }

    /// Before the first row of a team.
    pub(crate) fn before(team: i64) -> Self {
        Self::new(team, 0)
    }

    /// The last that a team could have.
    pub(crate) fn last(team: i64) -> Self {
        Self::new(team, COUNT_MAX)
    }

    /// The number of its team.
    pub(crate) const fn team(self) -> i64 {
        self.0 >> COUNT_BITS
    }

    /// Its count within the team.
    pub(crate) const fn count(self) -> u64 {
        self.0 as u64 & COUNT_MAX
    }

    /// The one behind it.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub(crate) const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> i64 {
        self.0
    }

    /// The identifier of the delivery at this place. The tag makes it unguessable, and different from the one that
    /// stood here before a backup was restored.
    pub(crate) fn delivery_id(self, tag: i64) -> DeliveryId {
        DeliveryId::from_bits(u128::from(self.0 as u64) << 64 | u128::from(tag as u64))
    }

    /// A tag, and with it an identifier, that nobody guesses. The day of its time stands above the random bits, so that an identifier
    /// leads to one partition where deliveries lie in partitions by day.
    pub(crate) fn new_tag(created_ms: i64) -> i64 {
        let random = rand::rng().next_u64() >> (u64::BITS - TAG_RANDOM_BITS);
        (created_ms.div_euclid(DAY_MS)) << TAG_RANDOM_BITS | random as i64
    }

    /// The day in a tag, counted since 1970.
    pub(crate) const fn day_of_tag(tag: i64) -> i64 {
        tag >> TAG_RANDOM_BITS
    }

    /// The place and the tag in an identifier that may be anybody's invention.
    pub(crate) fn of_delivery(id: DeliveryId) -> Option<(Self, i64)> {
        let place = i64::try_from(id.bits() >> 64).ok()?;
        Some((Self(place), id.bits() as u64 as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_team_lie_together() {
        let places = [(0, 0), (0, COUNT_MAX), (1, 0), (1, 1), (TEAM_NUMBER_MAX, COUNT_MAX)];
        let places = places.map(|(team, count)| {
            let place = Place::new(team, count);
            assert_eq!((place.team(), place.count()), (team, count));
            place
        });
        assert!(places.is_sorted());
        assert_eq!(places[4].bits(), i64::MAX);
    }

    #[test]
    fn delivery_ids_come_back_and_rise_with_their_places() {
        let (low, high) = (Place::new(3, 7).delivery_id(-1), Place::new(3, 8).delivery_id(1));
        assert!(low < high);
        assert_eq!(Place::of_delivery(low), Some((Place::new(3, 7), -1)));
        assert_eq!(Place::of_delivery(DeliveryId::from_bits(u128::MAX)), None);
    }
}
