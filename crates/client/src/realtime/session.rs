//! What becomes of each block of a stream. Pure.

use std::time::Duration;

use cstar_sse::Control;
use cstar_types::{Cursor, Position};
use cstar_wire::{Code, Envelope, Gap, GapReason, StreamReady, StreamReconnect, StreamUnauthorized};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::event::{Event, Opened};

/// How often a server says that it lives, until it has said how often.
pub(crate) const HEARTBEAT_UNLESS_SAID: Duration = Duration::from_secs(15);

/// The rarest heartbeat that is believed: with a rarer one, a dead connection would hardly ever be noticed.
const HEARTBEAT_MAX: Duration = Duration::from_secs(600);

/// A reader's place in the log, over all connections of its stream.
///
/// RT-1, RT-2, T16: what it lets through rises, has no repeat, and no hole that was not told. Each id moves the place on,
/// that of a heartbeat too; only a gap that is told may move it back.
#[derive(Debug)]
pub(crate) struct Session {
    cursor: Option<Cursor>,
    until_head: bool,
    ready: bool,
}

/// What a block leads to.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The stream stands.
    Open(Opened),
    /// An event for the reader.
    Deliver(Event),
    /// Something was missed.
    Tell(Gap),
    /// The server is about to close, and asks to stay away for so long.
    Reconnect(Duration),
    /// The key or token is not taken any more, or its team is no more.
    Unauthorized(Option<Code>),
    /// The head that was asked for is reached.
    End,
}

impl Session {
    /// A reader that stopped at `cursor`, and who wants no more than what is there (`until_head`) or all that comes.
    pub(crate) const fn new(cursor: Option<Cursor>, until_head: bool) -> Self {
        Self { cursor, until_head, ready: false }
    }

    /// Where the next connection goes on.
    pub(crate) const fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// A new connection begins.
    pub(crate) fn begin(&mut self) {
        self.ready = false;
    }

    /// Takes a block in, and says what it leads to, in order.
    ///
    /// # Errors
    /// When it is none of cStar's: what is wrong with it.
    pub(crate) fn take(
        &mut self,
        event: Option<&str>,
        id: &str,
        data: String,
    ) -> Result<Vec<Effect>, String> {
        let position = id.parse().ok();
        let effect = match event.map(Control::from_name) {
            None => return self.event(position, data),
            Some(Some(Control::Ready)) => return self.open(position, &data),
            Some(Some(Control::Gap)) => return self.gap(position, &data),
            Some(Some(Control::Reconnect)) => Some(Effect::Reconnect(come_back_after(&data)?)),
            Some(Some(Control::Unauthorized)) => Some(Effect::Unauthorized(refused_with(&data)?)),
            Some(Some(Control::End)) if self.until_head => Some(Effect::End),
            // A heartbeat, and what a newer server says more than this client knows.
            Some(_) => None,
        };
        let gap = position.and_then(|position| self.pass(position, position));
        Ok(gap.map(Effect::Tell).into_iter().chain(effect).collect())
    }

    fn event(&mut self, position: Option<Position>, data: String) -> Result<Vec<Effect>, String> {
        let position = position.ok_or("an event of the stream has no position")?;
        if !self.ready {
            return Err(format!("an event came before `{}`", Control::Ready.name()));
        }
        if self.has_passed(position) {
            return Ok(Vec::new());
        }
        let event = read_event(position, data)?;
        let before = Position::new(position.epoch, position.seq.saturating_sub(1));
        let gap = self.pass(position, before);
        Ok(gap.map(Effect::Tell).into_iter().chain([Effect::Deliver(event)]).collect())
    }

    fn open(&mut self, position: Option<Position>, data: &str) -> Result<Vec<Effect>, String> {
        let StreamReady { resumed, head, oldest, heartbeat_ms } = read(Control::Ready, data)?;
        self.ready = true;
        let gap = position.and_then(|position| self.go_on_at(position));
        let open = Effect::Open(Opened { resumed, head, oldest, heartbeat: heartbeat(heartbeat_ms) });
        Ok([open].into_iter().chain(gap.map(Effect::Tell)).collect())
    }

    fn gap(&mut self, position: Option<Position>, data: &str) -> Result<Vec<Effect>, String> {
        let gap: Gap = read(Control::Gap, data)?;
        self.cursor = Some(Cursor::After(position.unwrap_or(gap.to)));
        Ok(vec![Effect::Tell(gap)])
    }

    /// A stream that goes on further than the reader has come leaves something out, whether it says so or not.
    fn go_on_at(&mut self, position: Position) -> Option<Gap> {
        let seen = self.seen();
        let gap = self.pass(position, position);
        let skipped = seen.filter(|seen| gap.is_none() && position > *seen);
        gap.or(skipped.map(|seen| Gap { from: Some(seen), to: position, reason: GapReason::Unknown }))
    }

    /// Moves on to `position`. Into a new life of the store leads only a gap, which ends at `gap_to`.
    fn pass(&mut self, position: Position, gap_to: Position) -> Option<Gap> {
        if self.has_passed(position) {
            return None;
        }
        let left = self.seen().filter(|seen| seen.epoch != position.epoch);
        self.cursor = Some(Cursor::After(position));
        left.map(|seen| Gap { from: Some(seen), to: gap_to, reason: GapReason::Restored })
    }

    fn has_passed(&self, position: Position) -> bool {
        self.seen().is_some_and(|seen| position <= seen)
    }

    const fn seen(&self) -> Option<Position> {
        match self.cursor {
            Some(Cursor::After(seen)) => Some(seen),
            Some(Cursor::Oldest) | None => None,
        }
    }
}

fn read_event(position: Position, data: String) -> Result<Event, String> {
    let wrong = |error: serde_json::Error| format!("the event at {position} is no envelope ({error})");
    let envelope = Envelope::from(RawValue::from_string(data).map_err(wrong)?);
    let fields = envelope.fields().map_err(wrong)?;
    Ok(Event { position, id: fields.id, event_type: fields.event_type, envelope })
}

fn read<T: DeserializeOwned>(control: Control, data: &str) -> Result<T, String> {
    serde_json::from_str(data).map_err(|error| format!("`{}` cannot be read ({error})", control.name()))
}

fn come_back_after(data: &str) -> Result<Duration, String> {
    let said: StreamReconnect = read(Control::Reconnect, data)?;
    Ok(Duration::from_millis(said.after_ms))
}

/// The code, if it is one that this client knows.
fn refused_with(data: &str) -> Result<Option<Code>, String> {
    let said: StreamUnauthorized = read(Control::Unauthorized, data)?;
    Ok(said.code.parse().ok())
}

fn heartbeat(ms: u64) -> Duration {
    if ms == 0 { HEARTBEAT_UNLESS_SAID } else { Duration::from_millis(ms).min(HEARTBEAT_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{event, ready};

    /// What a block leads to, in short.
    #[track_caller]
    fn check(session: &mut Session, block: &str, expected: &[&str]) {
        let mut parser = cstar_sse::Parser::new(cstar_sse::Limits::default());
        let Ok(Some(cstar_sse::Parsed::Event { event, data, id })) = parser.next(&mut block.as_bytes())
        else {
            panic!("no block: {block}");
        };
        let effects = match session.take(event.as_deref(), &id, data) {
            Ok(effects) => effects.into_iter().map(in_short).collect(),
            Err(wrong) => vec![wrong],
        };
        assert_eq!(effects, expected, "{block}");
    }

    fn in_short(effect: Effect) -> String {
        match effect {
            Effect::Open(opened) => format!("open, a heartbeat every {:?}", opened.heartbeat),
            Effect::Deliver(event) => format!("event {}", event.position),
            Effect::Tell(Gap { from, to, reason }) => {
                format!("{reason} {}..{to}", from.map_or_else(String::new, |from| from.to_string()))
            }
            Effect::Reconnect(after) => format!("reconnect after {after:?}"),
            Effect::Unauthorized(code) => format!("unauthorized: {code:?}"),
            Effect::End => "end".into(),
        }
    }

    fn after(cursor: &str) -> Session {
        let mut session = Session::new(Some(cursor.parse().unwrap()), false);
        check(&mut session, &ready(true, Some(cursor), 15_000), &["open, a heartbeat every 15s"]);
        session
    }

    /// RT-1: on one connection and over all of them positions rise.
    #[test]
    fn what_was_passed_is_not_shown_again() {
        let mut session = after("2.40");
        check(&mut session, &event(Position::new(2, 42)), &["event 2.42"]);
        for (epoch, seq) in [(2, 42), (2, 41), (2, 0), (1, 99)] {
            check(&mut session, &event(Position::new(epoch, seq)), &[]);
        }
        session.begin();
        check(&mut session, &ready(true, Some("2.42"), 15_000), &["open, a heartbeat every 15s"]);
        check(&mut session, &event(Position::new(2, 42)), &[]);
        check(&mut session, &event(Position::new(2, 43)), &["event 2.43"]);
    }

    /// RT-2: into a new life of the store leads a gap, told by whatever shows it first.
    #[test]
    fn a_new_life_is_told_once() {
        let mut session = after("1.40");
        check(&mut session, "event: cstar.heartbeat\nid: 2.30\ndata: {}\n\n", &["restored 1.40..2.30"]);
        check(&mut session, &event(Position::new(2, 31)), &["event 2.31"]);

        let mut session = after("1.40");
        check(&mut session, &event(Position::new(2, 31)), &["restored 1.40..2.30", "event 2.31"]);

        let mut session = after("1.40");
        let opened = ["open, a heartbeat every 15s", "restored 1.40..2.30"];
        check(&mut session, &ready(false, Some("2.30"), 15_000), &opened);
    }

    /// RT-2: only a gap moves the cursor back.
    #[test]
    fn a_gap_may_lead_back() {
        let mut session = after("3.90");
        let gap = r#"{"from":"3.90","to":"1.50","reason":"unknown"}"#;
        check(&mut session, &format!("event: cstar.gap\ndata: {gap}\n\n"), &["unknown 3.90..1.50"]);
        assert_eq!(session.cursor(), Some(Cursor::After(Position::new(1, 50))));
        check(&mut session, &event(Position::new(1, 51)), &["event 1.51"]);
    }

    #[test]
    fn a_heartbeat_that_cannot_be_is_not_believed() {
        let mut session = Session::new(None, false);
        check(&mut session, &ready(false, None, 0), &["open, a heartbeat every 15s"]);
        check(&mut session, &ready(false, None, u64::MAX), &["open, a heartbeat every 600s"]);
    }

    #[test]
    fn the_end_is_one_only_for_those_who_asked() {
        let end = "event: cstar.end\nid: 1.50\ndata: {}\n\n";
        check(&mut Session::new(None, true), end, &["end"]);
        let mut session = Session::new(None, false);
        check(&mut session, end, &[]);
        assert_eq!(session.cursor(), Some(Cursor::After(Position::new(1, 50))));
    }

    #[test]
    fn what_is_not_cstars_is_an_error() {
        let mut session = Session::new(None, false);
        check(&mut session, &event(Position::new(1, 1)), &["an event came before `cstar.ready`"]);
        let mut session = after("1.40");
        check(&mut session, "data: {}\n\n", &["an event of the stream has no position"]);
        let gap = r#"{"from":"1.40","to":45,"reason":"expired"}"#;
        for (name, data) in [
            (Some("cstar.ready"), "{}"),
            (Some("cstar.gap"), gap),
            (Some("cstar.reconnect"), "5"),
            (Some("cstar.unauthorized"), r#"{"code":5}"#),
            (None, "{}"),
            (None, "{"),
        ] {
            assert!(session.take(name, "1.41", data.to_owned()).is_err(), "{name:?} {data}");
        }
        assert_eq!(session.cursor(), Some(Cursor::After(Position::new(1, 40))), "nothing was passed");
    }
}
