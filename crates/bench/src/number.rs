//! Events carry a number in their data, so that whoever receives them can tell which came, and how often.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::Failure;

/// The ticket of the published example; the end of its id is the number.
const TICKET: &str = r#"{"type":"ticket.created","data":{"id":"550e8400-e29b-41d4-a716-000000000000","title":"Cannot log in to my account","status":"new","priority":"high"}}"#;
/// Data begin behind the type, and their number within them.
const DATA_FROM: usize = r#"{"type":"ticket.created","data":"#.len();
const DATA_NUMBER: usize = r#"{"id":"550e8400-e29b-41d4-a716-"#.len();
static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"550e8400-e29b-41d4-a716-"));
const MARK_LEN: usize = 24;
pub(crate) const DIGITS: usize = 12;

/// The body of a publish of one event.
pub(crate) const fn single() -> &'static str {
    TICKET
}

/// The body of a publish of so many.
pub(crate) fn batch(events: usize) -> String {
    format!(r#"{{"events":[{}]}}"#, vec![TICKET; events].join(","))
}

/// The same, of events that go to no webhook.
pub(crate) fn batch_without_webhooks(events: usize) -> String {
    batch(events).replacen('{', r#"{"webhooks":false,"#, 1)
}

/// The data of the event of this number.
pub(crate) fn data(number: u64) -> Vec<u8> {
    let mut data = TICKET.as_bytes()[DATA_FROM..TICKET.len() - 1].to_vec();
    write(&mut data[DATA_NUMBER..], number);
    data
}

/// Where numbers stand in these bytes, in order. The last may be cut: [`read`] says so.
pub(crate) fn places(bytes: &[u8]) -> impl Iterator<Item = usize> {
    MARK.find_iter(bytes).map(|at| at + MARK_LEN)
}

/// The number that these bytes begin with; none if they are too few.
pub(crate) fn read(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.get(..DIGITS)?;
    Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0'))))
}

/// Writes a number over the one that these bytes begin with.
pub(crate) fn write(bytes: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in bytes[..DIGITS].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// How many bytes of an end must be kept, since a number that is not whole may begin in them.
pub(crate) const CUT: usize = MARK_LEN + DIGITS - 1;

/// How often each number came.
pub(crate) struct Tally {
    times: Vec<u8>,
    /// Numbers that nobody gave.
    strange: u64,
}

impl Tally {
    /// Of numbers from 0.
    pub(crate) fn new(numbers: u64) -> Self {
        Self { times: vec![0; numbers as usize], strange: 0 }
    }

    pub(crate) fn note(&mut self, number: u64) {
        match self.times.get_mut(number as usize) {
            Some(times) => *times = times.saturating_add(1),
            None => self.strange += 1,
        }
    }

    /// That each came, and once.
    pub(crate) fn each_once(&self, of_what: &str) -> Result<(), Failure> {
        let lost = self.times.iter().filter(|times| **times == 0).count();
        let repeated = self.times.iter().filter(|times| **times > 1).count();
        if lost == 0 && repeated == 0 && self.strange == 0 {
            return Ok(());
        }
        let (all, strange) = (self.times.len(), self.strange);
        Err(format!(
            "of {all} {of_what}, {lost} were lost, {repeated} came more than once, {strange} are unknown"
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_written() {
        let mut body = batch(2).into_bytes();
        let at: Vec<usize> = places(&body).collect();
        write(&mut body[at[0]..], 7);
        write(&mut body[at[1]..], 123_456_789_012);
        assert_eq!(at.iter().map(|at| read(&body[*at..]).unwrap()).collect::<Vec<_>>(), [7, 123_456_789_012]);
        assert_eq!(read(&body[at[1]..at[1] + DIGITS - 1]), None);
    }

    #[test]
    fn data_are_those_of_a_publish() {
        let mut body = single().as_bytes().to_vec();
        let at = places(&body).next().unwrap();
        write(&mut body[at..], 42);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&data(42)).unwrap(), body["data"]);
        let batch: serde_json::Value = serde_json::from_str(&batch_without_webhooks(3)).unwrap();
        assert_eq!(
            (batch["webhooks"].as_bool(), batch["events"].as_array().unwrap().len()),
            (Some(false), 3)
        );
    }

    #[test]
    fn what_is_lost_or_repeated_is_told() {
        let noted = |numbers: &[u64]| {
            let mut tally = Tally::new(3);
            numbers.iter().for_each(|number| tally.note(*number));
            tally.each_once("events").map_err(|failure| failure.to_string())
        };
        assert_eq!(noted(&[2, 0, 1]), Ok(()));
        assert!(noted(&[2, 0]).unwrap_err().contains("1 were lost, 0"));
        assert!(noted(&[2, 0, 1, 0]).unwrap_err().contains("0 were lost, 1"));
        assert!(noted(&[2, 0, 1, 3]).unwrap_err().contains("1 are unknown"));
    }
}
