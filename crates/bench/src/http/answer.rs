//! Answers as they come in, in whatever pieces.

use super::head::Head;

/// Reads the answers of one connection, one after the other: there is never more than one under way.
#[derive(Default)]
pub(crate) struct AnswerReader {
    /// A head that has not come whole.
    begun: Vec<u8>,
    /// Status and missing bytes of the answer whose head has.
    body: Option<(u16, usize)>,
}

impl AnswerReader {
    /// Takes what was read; the status once the answer is whole.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<u16> {
        if let Some((status, missing)) = self.body {
            return self.body_came(status, missing, bytes.len());
        }
        if self.begun.is_empty()
            && let Some(head) = Head::parse(bytes)
        {
            return self.body_came(head.status, head.body_len, bytes.len() - head.len);
        }
        self.begun.extend_from_slice(bytes);
        let head = Head::parse(&self.begun)?;
        let came = self.begun.len() - head.len;
        self.begun.clear();
        self.body_came(head.status, head.body_len, came)
    }

    fn body_came(&mut self, status: u16, missing: usize, came: usize) -> Option<u16> {
        let missing = missing.saturating_sub(came);
        self.body = (missing > 0).then_some((status, missing));
        (missing == 0).then_some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\nbody";

    const NEXT: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn an_answer_is_whole_wherever_it_is_cut() {
        for cut in 1..ANSWER.len() {
            for more in cut..ANSWER.len() {
                let mut reader = AnswerReader::default();
                let (first, rest) = ANSWER.split_at(cut);
                let (second, third) = rest.split_at(more - cut);
                assert_eq!(reader.take(first), None, "{cut}");
                assert_eq!(reader.take(second), None, "{cut} {more}");
                assert_eq!(reader.take(third), Some(201), "{cut} {more}");
                assert_eq!(reader.take(NEXT), Some(503), "and the next one after it: {cut} {more}");
            }
        }
    }

    #[test]
    fn an_answer_without_a_body_ends_with_its_head() {
        assert_eq!(AnswerReader::default().take(b"HTTP/1.1 204 No Content\r\n\r\n"), Some(204));
    }
}
