//! What one node tells another.

use cstar_types::TeamId;
use serde::{Deserialize, Serialize};

/// What is new: where to look, and nothing of what is there. On its way it is JSON, so that an operator can read what goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A team's log has come so far.
    Reached {
        /// Whose log.
        team: TeamId,
        /// The count of its newest event.
        seq: u64,
    },
    /// A webhook, a key, an event type or an event changed, or is gone.
    Changed,
    /// Something is due that no node has yet: for those that send.
    Due,
}

pub(crate) fn write(news: News) -> String {
    serde_json::to_string(&news).expect("ids and numbers are JSON")
}

/// `None` for what is no news: whoever sent it, it is no more than a bell that was not heard.
pub(crate) fn read(text: &[u8]) -> Option<News> {
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_come_back_and_what_is_none_is_passed_over() {
        let team = TeamId::from_uuid(uuid::Uuid::from_u128(7));
        for news in [News::Changed, News::Due, News::Reached { team, seq: u64::MAX }] {
            assert_eq!(read(write(news).as_bytes()), Some(news));
        }
        for text in ["", "moved", "{}", r#"{"reached":{"team":"x","seq":1}}"#, r#"{"moved":1}"#, "\u{0}"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
