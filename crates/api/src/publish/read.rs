//! The body of a publish, read once.

use std::borrow::Cow;
use std::ops::Range;

use cstar_types::json::{Limits, Reader, ValueKind};
use cstar_types::limits::{BATCH_MAX_EVENTS, IDEMPOTENCY_KEY_MAX_CHARS};
use cstar_wire::{Code, FieldError};

use super::marks::is_idempotency_key;
use crate::error::{ApiError, ApiResult, FIELD_ERRORS_MAX};

/// What a publish asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// The events, in order.
    pub(crate) drafts: Vec<Draft<'a>>,
    /// Whether they came as a batch, which shapes the answer and the pointers.
    pub(crate) batch: bool,
    /// Whether webhooks that match get deliveries.
    pub(crate) webhooks: bool,
    /// The canonical bytes of every `data`, one behind the other: one allocation for a batch.
    canonical: Vec<u8>,
}

/// An event that was not checked yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Draft<'a> {
    pub(crate) event_type: Cow<'a, str>,
    pub(crate) idempotency_key: Option<String>,
    data: Range<usize>,
}

impl Request<'_> {
    /// The canonical `data` of a draft of this request.
    pub(crate) fn data(&self, draft: &Draft<'_>) -> &[u8] {
        &self.canonical[draft.data.clone()]
    }

    /// The JSON Pointer of the event at `place`.
    pub(crate) fn pointer(&self, place: usize) -> String {
        if self.batch { format!("/events/{place}") } else { String::new() }
    }
}

/// Reads `{type, data, webhooks?}` or `{events: [{type, data, idempotency_key?}, …], webhooks?}`.
///
/// # Errors
/// The first fault in the JSON text, in reading order, or every field that is not as it should be.
pub(crate) fn read(body: &[u8], data_max_bytes: usize) -> ApiResult<Request<'_>> {
    let mut reading =
        Reading { canonical: Vec::with_capacity(body.len()), errors: Vec::new(), data_max_bytes };
    let (mut single, mut batch, mut webhooks) = (Partial::default(), None, None);
    let mut reader = Reader::new(body);
    reader.object(|reader, key| match &*key {
        "events" => {
            batch = Some(reading.batch(reader)?);
            Ok(())
        }
        "webhooks" => {
            webhooks = reading.typed(reader, ValueKind::Boolean, Reader::boolean)?;
            Ok(())
        }
        "idempotency_key" => reading.fault(reader.pointer(), "send it as the `idempotency-key` header"),
        _ => reading.member(reader, &key, &mut single),
    })?;
    reader.end()?;
    reading.finish(single, batch, webhooks)
}

/// The fields of an event as far as they have come.
#[derive(Default)]
struct Partial<'a> {
    seen_type: bool,
    seen_data: bool,
    event_type: Option<Cow<'a, str>>,
    data: Option<Range<usize>>,
    idempotency_key: Option<String>,
}

struct Reading {
    canonical: Vec<u8>,
    errors: Vec<FieldError>,
    data_max_bytes: usize,
}

impl Reading {
    fn batch<'a>(&mut self, reader: &mut Reader<'a>) -> ApiResult<Vec<Draft<'a>>> {
        let mut drafts = Vec::new();
        if !self.is(reader, ValueKind::Array)? {
            return Ok(drafts);
        }
        let pointer = reader.pointer();
        reader.array(|reader, place| {
            if place == BATCH_MAX_EVENTS {
                let detail =
                    format!("a batch holds at most {BATCH_MAX_EVENTS} events; send the rest in another");
                return Err(ApiError::field(Code::TooLarge, &pointer, detail));
            }
            drafts.extend(self.element(reader)?);
            Ok(())
        })?;
        if drafts.is_empty() && self.errors.is_empty() {
            self.fault(pointer, "a batch holds at least one event")?;
        }
        Ok(drafts)
    }

    /// One event of a batch; `None` if it is not as it should be.
    fn element<'a>(&mut self, reader: &mut Reader<'a>) -> ApiResult<Option<Draft<'a>>> {
        if !self.is(reader, ValueKind::Object)? {
            return Ok(None);
        }
        let mut partial = Partial::default();
        reader.object(|reader, key| match &*key {
            "idempotency_key" => {
                partial.idempotency_key =
                    self.typed(reader, ValueKind::String, Reader::string)?.map(Cow::into_owned);
                match &partial.idempotency_key {
                    Some(key) if !is_idempotency_key(key) => self.fault(
                        reader.pointer(),
                        &format!("write 1 to {IDEMPOTENCY_KEY_MAX_CHARS} characters"),
                    ),
                    _ => Ok(()),
                }
            }
            _ => self.member(reader, &key, &mut partial),
        })?;
        self.draft(|| reader.pointer(), partial)
    }

    fn member<'a>(&mut self, reader: &mut Reader<'a>, key: &str, partial: &mut Partial<'a>) -> ApiResult<()> {
        match key {
            "type" => {
                partial.seen_type = true;
                partial.event_type = self.typed(reader, ValueKind::String, Reader::string)?;
                Ok(())
            }
            "data" => {
                partial.seen_data = true;
                partial.data = self.data(reader)?;
                Ok(())
            }
            _ => self.fault(reader.pointer(), "there is no such field here; leave it out"),
        }
    }

    fn data(&mut self, reader: &mut Reader<'_>) -> ApiResult<Option<Range<usize>>> {
        if !self.is(reader, ValueKind::Object)? {
            return Ok(None);
        }
        let start = self.canonical.len();
        reader.canonical(&mut self.canonical, Limits { len: self.data_max_bytes, ..Limits::default() })?;
        Ok(Some(start..self.canonical.len()))
    }

    /// What came of an event; `pointer` leads to it.
    fn draft<'a>(
        &mut self,
        pointer: impl Fn() -> String,
        partial: Partial<'a>,
    ) -> ApiResult<Option<Draft<'a>>> {
        for (seen, name) in [(partial.seen_type, "type"), (partial.seen_data, "data")] {
            if !seen {
                self.fault(format!("{}/{name}", pointer()), "this field is needed")?;
            }
        }
        let Partial { event_type, data, idempotency_key, .. } = partial;
        Ok(event_type.zip(data).map(|(event_type, data)| Draft { event_type, idempotency_key, data }))
    }

    fn finish<'a>(
        mut self,
        single: Partial<'a>,
        batch: Option<Vec<Draft<'a>>>,
        webhooks: Option<bool>,
    ) -> ApiResult<Request<'a>> {
        let is_batch = batch.is_some();
        let drafts = match batch {
            Some(_) if single.seen_type || single.seen_data => {
                self.fault("/events".to_owned(), "send either one event or `events`, not both")?;
                Vec::new()
            }
            Some(drafts) => drafts,
            None => self.draft(String::new, single)?.into_iter().collect(),
        };
        if !self.errors.is_empty() {
            return Err(ApiError::fields(self.errors));
        }
        Ok(Request { drafts, batch: is_batch, webhooks: webhooks.unwrap_or(true), canonical: self.canonical })
    }

    /// Reads a value of this kind; another kind is noted, and passed over.
    fn typed<'a, T>(
        &mut self,
        reader: &mut Reader<'a>,
        kind: ValueKind,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, cstar_types::json::JsonError>,
    ) -> ApiResult<Option<T>> {
        if self.is(reader, kind)? { Ok(Some(read(reader)?)) } else { Ok(None) }
    }

    fn is(&mut self, reader: &mut Reader<'_>, expected: ValueKind) -> ApiResult<bool> {
        let found = reader.kind()?;
        if found != expected {
            self.fault(reader.pointer(), &format!("write {expected}; this is {found}"))?;
        }
        Ok(found == expected)
    }

    /// Notes a bad field, and gives up after many.
    fn fault(&mut self, pointer: String, detail: &str) -> ApiResult<()> {
        self.errors.push(FieldError::new(Code::InvalidField, pointer, detail));
        if self.errors.len() < FIELD_ERRORS_MAX {
            return Ok(());
        }
        Err(ApiError::fields(std::mem::take(&mut self.errors)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(body: &str) -> ApiResult<Request<'_>> {
        read(body.as_bytes(), 1000)
    }

    fn refusal(body: &str) -> String {
        format!("{:?}", read_one(body).expect_err(body))
    }

    /// T1: `data` is canonical, whichever order the fields came in.
    #[test]
    fn one_event_is_read() {
        for body in
            [r#"{"type":"a.b","data":{"b":1.0,"7":[ ]}}"#, r#"{ "data" : {"b":1e0,"7":[]}, "type":"a.b" }"#]
        {
            let request = read_one(body).unwrap();
            assert_eq!(request.drafts[0].event_type, "a.b");
            assert_eq!(request.data(&request.drafts[0]), br#"{"7":[],"b":1}"#);
            assert!(request.webhooks && !request.batch);
            assert_eq!(request.pointer(0), "");
        }
        assert!(!read_one(r#"{"webhooks":false,"type":"a.b","data":{}}"#).unwrap().webhooks);
    }

    #[test]
    fn a_batch_is_read_in_order() {
        let request = read_one(
            r#"{"events":[{"type":"a.b","data":{"n":1}},{"type":"c.d","data":{},"idempotency_key":"k"}],"webhooks":true}"#,
        );
        let request = request.unwrap();
        assert_eq!(request.data(&request.drafts[0]), br#"{"n":1}"#);
        assert_eq!(request.data(&request.drafts[1]), b"{}");
        assert_eq!(request.drafts[1].idempotency_key.as_deref(), Some("k"));
        assert_eq!(request.pointer(1), "/events/1");
    }

    #[test]
    fn every_bad_field_is_named() {
        let answer =
            refusal(r#"{"events":[{"type":7,"data":[]},5,{"x":1,"idempotency_key":""}],"webhooks":0,"y":1}"#);
        for pointer in [
            "/events/0/type",
            "/events/0/data",
            "/events/1",
            "/events/2/x",
            "/events/2/idempotency_key",
            "/events/2/type",
            "/events/2/data",
            "/webhooks",
            "/y",
        ] {
            assert!(answer.contains(&format!("\"{pointer}\"")), "{pointer} in {answer}");
        }
    }

    #[test]
    fn shapes_that_are_none_are_refused() {
        for (body, pointer) in [
            ("{}", "/type"),
            (r#"{"type":"a.b"}"#, "/data"),
            (r#"{"events":[]}"#, "/events"),
            (r#"{"events":{}}"#, "/events"),
            (r#"{"events":[{"type":"a.b","data":{}}],"type":"a.b"}"#, "/events"),
            (r#"{"type":"a.b","data":{},"idempotency_key":"k"}"#, "/idempotency_key"),
            (r#"{"type":"a.b","data":null}"#, "/data"),
        ] {
            assert!(refusal(body).contains(&format!("\"{pointer}\"")), "{body}: {}", refusal(body));
        }
    }

    /// Faults are told up to a number: a batch of a thousand bad events is not answered with a book.
    #[test]
    fn many_faults_are_cut() {
        let events = vec!["1"; BATCH_MAX_EVENTS].join(",");
        let answer = refusal(&format!(r#"{{"events":[{events}]}}"#));
        assert_eq!(answer.matches("FieldError {").count(), FIELD_ERRORS_MAX);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let events = vec![r#"{"type":"a.b","data":{}}"#; BATCH_MAX_EVENTS + 1].join(",");
        assert!(refusal(&format!(r#"{{"events":[{events}]}}"#)).contains("TooLarge"));
        let data = "x".repeat(1000);
        let answer = refusal(&format!(r#"{{"events":[{{"type":"a.b","data":{{"x":"{data}"}}}}]}}"#));
        assert!(answer.contains("TooLarge") && answer.contains("/events/0/data"), "{answer}");
    }
}
