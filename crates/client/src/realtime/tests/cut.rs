//! A server that keeps its word, and a network that does not.

use cstar_sse::{Limits, Parsed, Parser};
use cstar_types::{Cursor, Position};
use proptest::prelude::*;

use crate::realtime::session::{Effect, Session};
use crate::testing::{event, ready};

/// The stream of a log that keeps `oldest..=head`, as the server writes it for this cursor, the filter leaving out what
/// is not a multiple of `every`.
fn stream(cursor: Option<Cursor>, oldest: u64, head: u64, every: u64) -> String {
    let seen = match cursor {
        Some(Cursor::After(position)) => position.seq,
        _ => oldest - 1,
    };
    let at = |seq| Position::new(1, seq);
    let mut text = ready(cursor.is_some(), Some(&at(seen).to_string()), 15_000);
    let mut passed = seen;
    if seen + 1 < oldest {
        passed = oldest - 1;
        text.push_str(&format!(
            "event: cstar.gap\nid: {0}\ndata: {{\"from\":\"{1}\",\"to\":\"{0}\",\"reason\":\"expired\"}}\n\n",
            at(passed),
            at(seen),
        ));
    }
    for seq in passed + 1..=head {
        if seq % every == 0 {
            text.push_str(&event(at(seq)));
        } else {
            text.push_str(&format!("event: cstar.heartbeat\nid: {}\ndata: {{}}\n\n", at(seq)));
        }
    }
    text.push_str("event: cstar.end\ndata: {}\n\n");
    text
}

/// What a connection gave before it broke: positions, `Err` being the range of a gap.
type Given = Vec<Result<u64, std::ops::RangeInclusive<u64>>>;

/// Reads one connection; true if it came to its end.
fn read(session: &mut Session, text: &[u8], chunk_bytes: usize, given: &mut Given) -> bool {
    session.begin();
    let mut parser = Parser::new(Limits::default());
    for mut chunk in text.chunks(chunk_bytes) {
        while let Some(parsed) = parser.next(&mut chunk).unwrap() {
            let Parsed::Event { event, data, id } = parsed else { continue };
            for effect in session.take(event.as_deref(), &id, data).unwrap() {
                match effect {
                    Effect::Deliver(event) => given.push(Ok(event.position.seq)),
                    Effect::Tell(gap) => given.push(Err(gap.from.unwrap().seq + 1..=gap.to.seq)),
                    Effect::End => return true,
                    _ => {}
                }
            }
        }
    }
    false
}

proptest! {
    /// R6, T16, RT-1, RT-2: wherever connections break, and however retention moves meanwhile, each event of the log comes
    /// once and in order, or lies in a gap that was told.
    #[test]
    fn nothing_comes_twice_and_nothing_is_lost_untold(
        head in 1u64..40,
        every in 1u64..4,
        after in 0u64..10,
        cuts in prop::collection::vec((0usize..9000, 0u64..4, 1usize..200), 0..8),
    ) {
        let after = after.min(head);
        let mut session = Session::new(Some(Cursor::After(Position::new(1, after))), true);
        let mut given = Given::new();
        let mut oldest = 1;
        for (cut, expired, chunk_bytes) in cuts {
            oldest = (oldest + expired).min(head + 1);
            let text = stream(session.cursor(), oldest, head, every);
            let cut = cut.min(text.len() - 1);
            prop_assert!(!read(&mut session, &text.as_bytes()[..cut], chunk_bytes, &mut given));
        }
        let text = stream(session.cursor(), oldest, head, every);
        prop_assert!(read(&mut session, text.as_bytes(), 64, &mut given));

        let mut next = after + 1;
        for given in given {
            match given {
                Ok(seq) => {
                    prop_assert!((next..seq).all(|skipped| skipped % every != 0), "{seq} after {next}");
                    prop_assert!(seq >= next && seq % every == 0);
                    next = seq + 1;
                }
                Err(gap) => {
                    prop_assert_eq!(*gap.start(), next.max(*gap.start()));
                    prop_assert!((next..*gap.start()).all(|skipped| skipped % every != 0));
                    next = gap.end() + 1;
                }
            }
        }
        prop_assert!((next..=head).all(|skipped| skipped % every != 0));
        prop_assert_eq!(session.cursor(), Some(Cursor::After(Position::new(1, head.max(oldest - 1)))));
    }
}
