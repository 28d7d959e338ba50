//! What a misspelt event type was probably meant to be.

use crate::limits::SEGMENT_MAX_BYTES;

/// The longest name that is compared: comparing takes time and memory by the product of both lengths.
const COMPARED_MAX_BYTES: usize = 2 * SEGMENT_MAX_BYTES + 1;

/// Names less alike than this are no help.
const ALIKE_MIN: f64 = 0.6;

/// More names than this are no hint.
const NEAREST_MAX: usize = 3;

/// The names among `known` that are most like `name`, the likest first, at most three; none for a name that
/// is too long to be an event type.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if name.len() > COMPARED_MAX_BYTES {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let alike = |known| (strsim::normalized_damerau_levenshtein(&name, known), known);
    let mut alike: Vec<_> = known.into_iter().map(alike).filter(|(score, _)| *score >= ALIKE_MIN).collect();
    alike.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    alike.into_iter().take(NEAREST_MAX).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn among_builtin(name: &str) -> Vec<&'static str> {
        nearest(name, Catalog::builtin().iter().map(|entry| entry.event_type.as_str()))
    }

    #[test]
    fn a_misspelt_type_finds_what_was_meant_first() {
        for (misspelt, meant) in [
            ("ticket.create", "ticket.created"),
            ("tickets.created", "ticket.created"),
            ("Ticket.Created", "ticket.created"),
            ("ticket_created", "ticket.created"),
            ("ticket.message.added", "ticket.message_added"),
            ("player.levelup", "player.level_up"),
            ("boss.defeatd", "boss.defeated"),
            ("acheivement.unlocked", "achievement.unlocked"),
        ] {
            assert_eq!(among_builtin(misspelt).first(), Some(&meant), "{misspelt}");
        }
    }

    #[test]
    fn what_is_like_nothing_finds_nothing() {
        for name in ["", "invoice.paid", "*", &"ticket.created".repeat(100_000)] {
            assert_eq!(among_builtin(name), [""; 0], "{}", &name[..name.len().min(20)]);
        }
    }

    #[test]
    fn no_more_than_a_few_are_named() {
        assert!(among_builtin("article.pubdated").len() <= NEAREST_MAX);
    }
}
