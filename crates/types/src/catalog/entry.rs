//! What the catalog says about one event type.

use thiserror::Error;

use crate::json::{JsonError, Limits, Reader, ValueKind};
use crate::{EventType, PatternError};

/// One event type: what it means, when it is published, what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The type.
    pub event_type: EventType,
    /// What the type tells, in a sentence.
    pub description: String,
    /// When the application publishes it: this is the application's duty, and the catalog only says it
    /// (W8–W28, T19).
    pub fires_on: String,
    /// The JSON Schema (2020-12) of the event's `data`, as canonical JSON.
    pub schema: String,
    /// An event's `data` as it could be, as canonical JSON.
    pub example: String,
}

/// Why a text is no catalog entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// It is not JSON, or a member is of the wrong kind.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// `type` is no event type.
    #[error("`type`: {0}")]
    Type(#[from] PatternError),
    /// A member is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A member that no entry has.
    #[error("{0} is no member of a catalog entry; leave it out")]
    Unknown(String),
}

impl CatalogEntry {
    /// Reads `{type, description, fires_on, schema, example}`, each of them once.
    ///
    /// Only the shape is checked here: whether the schema is a schema, and the example fits it, takes a
    /// validator.
    ///
    /// # Errors
    /// The first member that is missing, unknown or not as it should be.
    pub fn parse(text: &[u8]) -> Result<Self, CatalogError> {
        let (mut event_type, mut description, mut fires_on) = (None, None, None);
        let (mut schema, mut example) = (None, None);
        let mut reader = Reader::new(text);
        reader.object(|reader, key| {
            match &*key {
                "type" => event_type = Some(reader.string()?.parse()?),
                "description" => description = Some(reader.string()?.into_owned()),
                "fires_on" => fires_on = Some(reader.string()?.into_owned()),
                "schema" => schema = Some(object(reader)?),
                "example" => example = Some(object(reader)?),
                _ => return Err(CatalogError::Unknown(reader.pointer())),
            }
            Ok(())
        })?;
        reader.end()?;
        Ok(Self {
            event_type: event_type.ok_or(CatalogError::Missing("type"))?,
            description: description.ok_or(CatalogError::Missing("description"))?,
            fires_on: fires_on.ok_or(CatalogError::Missing("fires_on"))?,
            schema: schema.ok_or(CatalogError::Missing("schema"))?,
            example: example.ok_or(CatalogError::Missing("example"))?,
        })
    }
}

fn object(reader: &mut Reader<'_>) -> Result<String, JsonError> {
    reader.expect(ValueKind::Object)?;
    let mut text = Vec::new();
    reader.canonical(&mut text, Limits::default())?;
    Ok(String::from_utf8(text).expect("canonical JSON is UTF-8"))
}
