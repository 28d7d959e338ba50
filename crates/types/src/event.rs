//! An event, and the one envelope in which everybody gets it (T9).

use bytes::Bytes;
use serde_json::Value;

use crate::{EventId, EventType, Position, TeamId, Timestamp};

/// Something that happened in the application. Its body is built once; the same bytes are stored, signed, sent,
/// resent and streamed (T1, LOG-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which event, the same everywhere.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// Whose event.
    pub team: TeamId,
    /// When the application's publish was taken.
    pub created_at: Timestamp,
    /// The envelope `{id, type, team_id, created_at, data}`, in that order, as canonical JSON (W30).
    pub body: Bytes,
}

impl Event {
    /// Builds the envelope around `data`, which must be a JSON object in canonical form ([`crate::json`]).
    #[must_use]
    pub fn new(id: EventId, event_type: EventType, team: TeamId, created_at: Timestamp, data: &[u8]) -> Self {
        Envelope::new(team, created_at).around(id, event_type, data)
    }

    /// What is left once its data is erased: the same envelope around an empty object.
    #[must_use]
    pub fn erased(&self) -> Self {
        Self::new(self.id, self.event_type.clone(), self.team, self.created_at, b"{}")
    }

    /// The canonical bytes of `data`, cut out of the envelope.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let before = ENVELOPE_FIXED_BYTES + self.id.text_len() + self.event_type.as_str().len();
        self.body.get(before..self.body.len() - 1).unwrap_or_default()
    }

    /// `data` as a tree, for a [`crate::Filter`] to look into. It is built anew each time.
    #[must_use]
    pub fn data_tree(&self) -> Value {
        // Canonical JSON is JSON. What is not has nothing in it that could be asked for.
        serde_json::from_slice(self.data()).unwrap_or_default()
    }
}

/// What the events of one publish have in common, written once for all of them.
#[derive(Debug, Clone)]
pub struct Envelope {
    team: TeamId,
    created_at: Timestamp,
    /// What stands between the type and `data`.
    between: String,
}

impl Envelope {
    /// The envelope of events that a team publishes at this time.
    #[must_use]
    pub fn new(team: TeamId, created_at: Timestamp) -> Self {
        let seconds = created_at.to_seconds_string();
        let between = format!(r#"","team_id":"{team}","created_at":"{seconds}","data":"#);
        Self { team, created_at, between }
    }

    /// Builds an event around `data`, which must be a JSON object in canonical form ([`crate::json`]).
    #[must_use]
    pub fn around(&self, id: EventId, event_type: EventType, data: &[u8]) -> Event {
        let mut body = Vec::with_capacity(envelope_len(&event_type, data.len()));
        body.extend_from_slice(b"{\"id\":\"");
        id.write_to(&mut body);
        body.extend_from_slice(b"\",\"type\":\"");
        body.extend_from_slice(event_type.as_str().as_bytes());
        body.extend_from_slice(self.between.as_bytes());
        body.extend_from_slice(data);
        body.push(b'}');
        Event { id, event_type, team: self.team, created_at: self.created_at, body: body.into() }
    }
}

/// An event in its team's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// What stands there.
    pub event: Event,
}

/// Everything before `data` but the id and the type: keys, quotes, the team's UUID and the time.
const ENVELOPE_FIXED_BYTES: usize =
    r#"{"id":"","type":"","team_id":"","created_at":"","data":"#.len() + UUID_LEN + SECONDS_LEN;
const UUID_LEN: usize = 36;
const SECONDS_LEN: usize = "2025-12-10T14:30:00Z".len();

/// An upper bound of the envelope's length in bytes, known before it is built.
#[must_use]
pub fn envelope_len(event_type: &EventType, data_len: usize) -> usize {
    ENVELOPE_FIXED_BYTES + EventId::MAX_LEN + event_type.as_str().len() + data_len + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(test: bool) -> Event {
        let team = "550e8400-e29b-41d4-a716-446655440000".parse().unwrap();
        let at = Timestamp::parse("2025-12-10T14:30:00.9Z").unwrap();
        Event::new(EventId::from_bits(1, test), "ticket.created".parse().unwrap(), team, at, br#"{"id":"1"}"#)
    }

    /// W30, W31, W32, W33, W34: the keys of the envelope and their order.
    #[test]
    fn the_envelope_has_five_keys_in_order() {
        assert_eq!(
            std::str::from_utf8(&event(false).body).unwrap(),
            r#"{"id":"evt_00000000000000000000000001","type":"ticket.created","team_id":"550e8400-e29b-41d4-a716-446655440000","created_at":"2025-12-10T14:30:00Z","data":{"id":"1"}}"#
        );
    }

    #[test]
    fn data_is_cut_out_of_the_envelope_and_its_length_is_foreseen() {
        for test in [false, true] {
            let event = event(test);
            assert_eq!(event.data(), br#"{"id":"1"}"#);
            assert!(event.body.len() <= envelope_len(&event.event_type, event.data().len()));
        }
    }
}
