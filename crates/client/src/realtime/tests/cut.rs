//! A server that keeps its word, and a network that does not.

use cstar_sse::{Limits, Parsed, Parser};
use cstar_types::Cursor;
use proptest::prelude::*;

use super::log::{Given, Kept, at};
use crate::realtime::session::{Effect, Session};

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
        let mut session = Session::new(Some(Cursor::After(at(after))), true);
        let mut given = Given::new();
        let mut kept = Kept { oldest: 1, head, every };
        for (cut, expired, chunk_bytes) in cuts {
            kept.oldest = (kept.oldest + expired).min(head + 1);
            let text = kept.blocks(session.cursor(), 15_000).concat();
            let cut = cut.min(text.len() - 1);
            prop_assert!(!read(&mut session, &text.as_bytes()[..cut], chunk_bytes, &mut given));
        }
        let text = kept.blocks(session.cursor(), 15_000).concat();
        prop_assert!(read(&mut session, text.as_bytes(), 64, &mut given));
        kept.is_given_whole(after, &given);
        prop_assert_eq!(session.cursor(), Some(Cursor::After(at(head.max(kept.oldest - 1)))));
    }
}
