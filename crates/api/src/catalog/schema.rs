//! A JSON Schema, compiled within bounds.

use cstar_wire::{Code, FieldError};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::Value;

use super::plain::Plain;
use super::tree;
use crate::fields::{Fault, escape};

/// What is told of one event: more faults in one are rarely read, and a batch may hold a thousand events.
const FAULTS_PER_EVENT_MAX: usize = 10;

/// Faults are listed by the validator all at once, one for each place and each part of the schema at worst. Beyond this product
/// of bytes and parts they are not listed: it bounds them to some hundred thousand, and is far from what real events have.
const LISTED_MAX: usize = 1 << 20;

/// The most memory that one compiled pattern takes: `^[\p{L} -]+$` fits ten times, a repetition of repetitions does not.
pub(super) const PATTERN_MAX_BYTES: usize = 256 * 1024;
/// What each thread may remember of one pattern's matches while it matches.
const PATTERN_CACHE_BYTES: usize = 256 * 1024;

/// A schema that data can be held against: in a time that is bounded by the product of both their sizes.
pub(crate) struct Schema {
    validator: Validator,
    /// The same, if it says little: most data is held against this alone.
    plain: Option<Plain>,
    /// The parts of the schema that are held against one place of the data, at worst.
    parts: usize,
}

impl Schema {
    /// Compiles a schema of JSON Schema 2020-12.
    ///
    /// # Errors
    /// The first thing in it that it may not hold.
    pub(crate) fn compile(schema: &Value) -> Result<Self, Fault> {
        let tree = tree::measure(schema)?;
        for (pattern, place) in &tree.patterns {
            if options().build(&serde_json::json!({"pattern": pattern})).is_err() {
                return Err(Fault { within: place.clone(), ..Fault::invalid(BAD_PATTERN) });
            }
        }
        // The tree is resolved within itself, whatever name it has in the world.
        let mut unnamed = schema.clone();
        unnamed.as_object_mut().and_then(|members| members.remove("$id"));
        let sound = jsonschema::draft202012::meta::validate(&unnamed).map_err(|error| fault(&error));
        sound.and_then(|()| {
            let validator = options().build(&unnamed).map_err(|error| fault(&error))?;
            Ok(Self { validator, plain: Plain::of(&unnamed), parts: tree.parts })
        })
    }

    /// Whether it is plain, at little cost, that `data`, canonical JSON, fits the schema. It may fit it and not be plain.
    pub(super) fn plainly_fits(&self, data: &[u8]) -> bool {
        self.plain.as_ref().is_some_and(|plain| plain.fits(data))
    }

    /// Where `data`, canonical JSON, breaks the schema; `pointer` leads to it in the request.
    pub(crate) fn faults(&self, data: &[u8], pointer: &str) -> Vec<FieldError> {
        let violation = |pointer: &str, detail| vec![FieldError::new(Code::SchemaViolation, pointer, detail)];
        let Ok(value) = serde_json::from_slice::<Value>(data) else {
            return violation(pointer, "this cannot be held against the schema");
        };
        if self.validator.is_valid(&value) {
            return Vec::new();
        }
        if data.len().saturating_mul(self.parts) > LISTED_MAX {
            return violation(pointer, "this breaks the type's schema, and is too large to say where");
        }
        let faults = self.validator.iter_errors(&value).take(FAULTS_PER_EVENT_MAX);
        faults.map(|fault| describe(&fault, pointer)).collect()
    }
}

const BAD_PATTERN: &str = "this is no pattern that can be matched in linear time and little memory: write it without \
     look-around and back-references, and with fewer repetitions";

/// Linear-time patterns, and nothing is fetched: `data` and schemas come from outside.
fn options() -> ValidationOptions<'static> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_MAX_BYTES).dfa_size_limit(PATTERN_CACHE_BYTES);
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).offline().with_pattern_options(patterns)
}

/// What is wrong with a schema, by its place.
fn fault(error: &ValidationError<'_>) -> Fault {
    Fault {
        within: error.instance_path().to_string(),
        ..Fault::invalid(format!("this is no JSON Schema of 2020-12: {}", error.masked_with("it")))
    }
}

/// A fault by its place. Values are masked: they are the customer's, and can be long.
fn describe(fault: &ValidationError<'_>, pointer: &str) -> FieldError {
    let place = format!("{pointer}{}", fault.instance_path());
    match fault.kind() {
        ValidationErrorKind::Required { property: Value::String(name) } => FieldError::new(
            Code::SchemaViolation,
            format!("{place}/{}", escape(name)),
            "this field is needed",
        ),
        _ => FieldError::new(Code::SchemaViolation, place, fault.masked_with("it").to_string()),
    }
}
