//! What somebody puts as an event type.

use cstar_types::EventType;
use cstar_types::catalog::CatalogEntry;
use cstar_types::envelope_len;
use cstar_types::json::{Limits, canonicalize};
use cstar_types::limits::{SCHEMA_MAX_BYTES, TEXT_MAX_CHARS};
use cstar_wire::Code;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::schema::Schema;
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fault, Fields, Taken, text};

/// Canonical texts, in which members stand in the order that they were written in.
#[derive(Deserialize)]
struct Texts {
    schema: Box<RawValue>,
    example: Box<RawValue>,
}

/// The entry that a body is for `event_type`, its schema sound and its example fit to be published. Compiles the schema, which
/// may take a while.
///
/// # Errors
/// Every bad field.
pub(crate) fn read(event_type: EventType, body: &[u8], envelope_max_bytes: usize) -> ApiResult<CatalogEntry> {
    let mut canonical = Vec::with_capacity(body.len());
    canonicalize(body, &mut canonical, Limits::default())?;
    let mut fields = Fields::read(&canonical)?;
    let description = fields.required("description", text(1..=TEXT_MAX_CHARS));
    let fires_on = fields.required("fires_on", text(1..=TEXT_MAX_CHARS));
    let schema = fields.required("schema", schema);
    let example = fields.required("example", object);
    let (((description, fires_on), schema), ()) =
        fields.finish(description.zip(fires_on).zip(schema).zip(example))?;
    let texts: Texts = serde_json::from_slice(&canonical).map_err(ApiError::internal)?;
    let (example, schema_text) = (texts.example.get(), texts.schema.get());
    if schema_text.len() > SCHEMA_MAX_BYTES {
        let detail = format!("a schema may have {SCHEMA_MAX_BYTES} bytes");
        return Err(ApiError::field(Code::TooLarge, "/schema", detail));
    }
    if envelope_len(&event_type, example.len()) > envelope_max_bytes {
        let detail = format!("an envelope may have {envelope_max_bytes} bytes; write a shorter example");
        return Err(ApiError::field(Code::TooLarge, "/example", detail));
    }
    match schema.faults(example.as_bytes(), "/example") {
        faults if faults.is_empty() => {}
        faults => return Err(ApiError::fields(faults)),
    }
    let (schema, example) = (schema_text.to_owned(), example.to_owned());
    Ok(CatalogEntry { event_type, description, fires_on, schema, example })
}

fn object(value: &Value) -> Taken<()> {
    if value.is_object() { Ok(()) } else { Err(vec![Fault::invalid("write an object")]) }
}

fn schema(value: &Value) -> Taken<Schema> {
    object(value)?;
    Schema::compile(value).map_err(|fault| vec![fault])
}
