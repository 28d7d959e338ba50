//! The ledger: what was asked of a server and what it answered, kept outside it, to be held against what is found later.

mod check;
mod evidence;

use std::sync::Mutex;

use hyper::Method;
use serde_json::json;

use crate::http::{Answer, JSON, NoAnswer};
use crate::team::{Published, Team};
use crate::wait::{DEADLINE, until};

use check::breaches;
pub use evidence::{Crash, Delivered, Endpoint, Evidence, Life, Watched};

/// A publisher that notes each request.
#[derive(Debug)]
pub struct Ledger {
    /// Tells this ledger's idempotency keys from another's.
    name: String,
    notes: Mutex<Vec<Note>>,
}

/// One publish.
#[derive(Debug, Clone)]
pub struct Note {
    /// Counts from 0, and stands in the event.
    pub number: usize,
    /// What is to have happened.
    pub event_type: &'static str,
    /// What was said about it: canonical JSON, which must come back byte for byte.
    pub data: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// What a publisher knows after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Answered 2xx: it is there for good.
    Ok(Published),
    /// Refused before it was handed to the writer: it is not there.
    Failed(u16, String),
    /// No answer, or one that says so: it may be there or not.
    Unknown,
}

/// What is published, in turn.
const TYPES: [&str; 4] = ["ticket.created", "ticket.updated", "customer.created", "player.level_up"];

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), notes: Mutex::default() }
    }

    /// Publishes one event and notes what is known of it.
    pub async fn publish(&self, team: &Team) -> Verdict {
        let note = self.begin();
        let verdict = verdict(self.send(team, &note).await);
        self.settle_as(note.number, verdict.clone());
        verdict
    }

    /// Publishes events until one is not answered 2xx, and says what became of that one.
    ///
    /// # Panics
    /// When all are answered so within [`DEADLINE`].
    pub async fn publish_until_refused(&self, team: &Team) -> Verdict {
        let publishing = async {
            loop {
                let verdict = self.publish(team).await;
                if !matches!(verdict, Verdict::Ok(_)) {
                    return verdict;
                }
            }
        };
        tokio::time::timeout(DEADLINE, publishing).await.expect("a publish that is not answered 2xx")
    }

    /// Repeats what is unknown, with the same idempotency key, until it is known: it becomes one event, whether the
    /// first try had stored it or not.
    pub async fn settle(&self, team: &Team) {
        for note in self.notes().into_iter().filter(|note| note.verdict == Verdict::Unknown) {
            let verdict = until("an unknown publish to be settled", async || {
                let verdict = verdict(self.send(team, &note).await);
                matches!(verdict, Verdict::Ok(_)).then_some(verdict)
            });
            self.settle_as(note.number, verdict.await);
        }
    }

    /// Everything noted so far.
    ///
    /// # Panics
    /// When a publishing task has panicked.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().expect("nobody panics with it").clone()
    }

    /// How many were answered 2xx so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Ok(_)))
    }

    /// How many ended so, so far.
    pub(crate) fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        let notes = self.notes.lock().expect("nobody panics with it");
        notes.iter().filter(|note| is(&note.verdict)).count()
    }

    fn begin(&self) -> Note {
        let mut notes = self.notes.lock().expect("nobody panics with it");
        let number = notes.len();
        // Until an answer is there it is unknown; so it stays if this task is dropped.
        let note = Note {
            number,
            event_type: TYPES[number % TYPES.len()],
            data: data(number),
            verdict: Verdict::Unknown,
        };
        notes.push(note.clone());
        note
    }

    fn settle_as(&self, number: usize, verdict: Verdict) {
        self.notes.lock().expect("nobody panics with it")[number].verdict = verdict;
    }

    async fn send(&self, team: &Team, note: &Note) -> Result<Answer, NoAnswer> {
        let body = format!(r#"{{"type":"{}","data":{}}}"#, note.event_type, note.data);
        let key = format!("{}-{}", self.name, note.number);
        team.http.send(Method::POST, &team.path("events"), &[JSON, ("idempotency-key", &key)], body).await
    }
}

fn verdict(answer: Result<Answer, NoAnswer>) -> Verdict {
    let Ok(answer) = answer else { return Verdict::Unknown };
    match (answer.status, answer.code().as_str()) {
        (200 | 201, _) => Verdict::Ok(Published::read(&answer)),
        (503, "queue_full" | "shutting_down") | (400..500 | 507, _) => {
            Verdict::Failed(answer.status, answer.code())
        }
        _ => Verdict::Unknown,
    }
}

/// Fits every type of [`TYPES`], is already canonical, and is of many lengths, so that rows cross pages of the store.
fn data(number: usize) -> String {
    let text = "é\u{2028}\"\\\n😀 ".repeat(number * 37 % 150);
    let id = format!("00000000-0000-4000-8000-{number:012}");
    json!({"id": id, "number": number, "priority": "high", "status": "open", "title": text}).to_string()
}

#[cfg(test)]
mod tests {
    use cstar_types::json::{Limits, canonicalize};

    use super::*;

    /// T1: so whatever differs later was changed by the server.
    #[test]
    fn what_is_published_is_canonical_already() {
        for number in [0, 1, 7, 149] {
            let mut canonical = Vec::new();
            canonicalize(data(number).as_bytes(), &mut canonical, Limits::default()).unwrap();
            assert_eq!(data(number).as_bytes(), canonical);
        }
    }

    #[test]
    fn only_what_was_refused_before_hand_over_counts_as_failed() {
        let answered = |status, code: &str| {
            let body = json!({"code": code}).to_string().into();
            let (version, headers) = (hyper::Version::HTTP_11, hyper::HeaderMap::new());
            verdict(Ok(Answer { version, status, headers, body }))
        };
        assert_eq!(answered(503, "queue_full"), Verdict::Failed(503, "queue_full".into()));
        assert_eq!(answered(503, "shutting_down"), Verdict::Failed(503, "shutting_down".into()));
        assert_eq!(answered(507, "storage_full"), Verdict::Failed(507, "storage_full".into()));
        assert_eq!(answered(422, "invalid_field"), Verdict::Failed(422, "invalid_field".into()));
        assert_eq!(answered(503, "outcome_unknown"), Verdict::Unknown);
        assert_eq!(answered(500, "internal"), Verdict::Unknown);
    }
}
