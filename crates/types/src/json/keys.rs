//! The keys of an object: each once, and array indexes first, as JavaScript keeps them.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Up to this many keys are compared one by one, which costs less than hashing them.
const LINEAR_MAX: usize = 16;

/// The order of every key that is not an array index: after all that are, in the order given. 4294967295
/// itself is not an array index in ECMAScript.
const NOT_AN_INDEX: u32 = u32::MAX;

/// A member in the text that is being written, beginning with its key's opening quote.
#[derive(Clone, Copy, Debug)]
struct Member {
    start: usize,
    key_end: usize,
    order: u32,
}

impl Member {
    /// The key between its quotes. Two keys are equal exactly if their canonical forms are.
    fn key(self, text: &[u8]) -> &[u8] {
        &text[self.start + 1..self.key_end - 1]
    }
}

/// The members of all objects that are open, the innermost object's last: one vector, used again for each
/// object.
#[derive(Debug, Default)]
pub(super) struct Members {
    list: Vec<Member>,
    /// Seeded at random, so that no sender can choose keys that collide.
    hasher: RandomState,
}

/// The keys of one open object.
#[derive(Debug)]
pub(super) struct Keys {
    /// Where this object's members begin in [`Members::list`].
    base: usize,
    /// Places in that list, by hash; empty until there are more than [`LINEAR_MAX`].
    table: HashTable<usize>,
    misplaced: bool,
}

impl Keys {
    pub(super) fn open(members: &Members) -> Self {
        Self { base: members.list.len(), table: HashTable::new(), misplaced: false }
    }

    /// Adds the key that ends `text` and begins at `start`, both with its quotes; false if the object has it
    /// already.
    pub(super) fn add(&mut self, members: &mut Members, text: &[u8], start: usize) -> bool {
        let mut member = Member { start, key_end: text.len(), order: NOT_AN_INDEX };
        member.order = order(member.key(text));
        let earlier = &members.list[self.base..];
        self.misplaced |= earlier.last().is_some_and(|last| last.order > member.order);
        let new = if earlier.len() < LINEAR_MAX {
            earlier.iter().all(|earlier| earlier.key(text) != member.key(text))
        } else {
            self.add_hashed(members, text, member)
        };
        members.list.push(member);
        new
    }

    fn add_hashed(&mut self, members: &Members, text: &[u8], member: Member) -> bool {
        let hash = |key: &[u8]| members.hasher.hash_one(key);
        let key_at = |place: usize| members.list.get(place).map_or(member.key(text), |other| other.key(text));
        if self.table.is_empty() {
            for place in self.base..members.list.len() {
                self.table.insert_unique(hash(key_at(place)), place, |&place| hash(key_at(place)));
            }
        }
        let key = member.key(text);
        match self.table.entry(hash(key), |&place| key_at(place) == key, |&place| hash(key_at(place))) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(members.list.len());
                true
            }
        }
    }

    /// Ends the object, whose last member ends `out`: moves its array indexes to the front where they do not
    /// stand there. A member is moved at most once for each object around it, of which there are at most
    /// [`MAX_DEPTH`](super::MAX_DEPTH).
    pub(super) fn arrange(self, members: &mut Members, out: &mut Vec<u8>) {
        if self.misplaced {
            arrange(&members.list[self.base..], out);
        }
        self.forget(members);
    }

    /// Ends the object without looking at the order of its keys.
    pub(super) fn forget(self, members: &mut Members) {
        members.list.truncate(self.base);
    }
}

fn arrange(members: &[Member], out: &mut Vec<u8>) {
    let ends = members.iter().skip(1).map(|next| next.start - 1).chain([out.len()]);
    let mut spans: Vec<_> =
        members.iter().zip(ends).map(|(member, end)| (member.order, member.start..end)).collect();
    let Some(start) = spans.first().map(|(_, span)| span.start) else { return };
    spans.sort_by_key(|(order, _)| *order); // stable: keys that are no indexes stay as given
    let mut arranged = Vec::with_capacity(out.len() - start);
    for (_, span) in spans {
        if !arranged.is_empty() {
            arranged.push(b',');
        }
        arranged.extend_from_slice(&out[span]);
    }
    out.truncate(start);
    out.append(&mut arranged);
}

/// The array index that a key is, as ECMAScript defines it: canonical decimal, 0…4294967294.
fn order(key: &[u8]) -> u32 {
    let canonical = matches!(key, [b'0'] | [b'1'..=b'9', ..]) && key.len() <= "4294967294".len();
    if !canonical {
        return NOT_AN_INDEX;
    }
    std::str::from_utf8(key).ok().and_then(|key| key.parse().ok()).unwrap_or(NOT_AN_INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_decimals_below_the_last_u32_are_indexes() {
        for (key, want) in [("0", 0), ("7", 7), ("10", 10), ("4294967294", 4_294_967_294)] {
            assert_eq!(order(key.as_bytes()), want, "{key}");
        }
        for key in [
            "",
            "00",
            "01",
            "-0",
            "-1",
            "+1",
            "1.0",
            "1e3",
            " 1",
            "1 ",
            "4294967295",
            "42949672940",
            "١",
            "9".repeat(400).as_str(),
        ] {
            assert_eq!(order(key.as_bytes()), NOT_AN_INDEX, "{key}");
        }
    }

    #[test]
    fn a_repeated_key_is_found_among_few_and_among_many() {
        for count in [1, LINEAR_MAX - 1, LINEAR_MAX, LINEAR_MAX + 1, 5000] {
            for repeated in [0, count / 2, count - 1] {
                let (mut members, mut text) = (Members::default(), Vec::new());
                let mut keys = Keys::open(&members);
                let mut add = |number: usize| {
                    let start = text.len();
                    text.extend_from_slice(format!("\"k{number}\"").as_bytes());
                    keys.add(&mut members, &text, start)
                };
                assert!((0..count).all(&mut add), "{count} keys are different");
                assert!(!add(repeated), "key {repeated} of {count} stands twice");
            }
        }
    }
}
