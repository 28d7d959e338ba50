//! The fields of a small body, taken strictly, each fault by its JSON Pointer.
//!
//! A publish is not read this way: it would build a tree of data that is stored as bytes.

mod take;

pub(crate) use take::{
    boolean, ended_status, event_id, filter, header_map, instant, patterns, rate_limit, schedule, scopes,
    team_id, text, webhook_id, webhook_secret, whole_number,
};

use cstar_types::json::{Limits, canonicalize};
use cstar_wire::{Code, FieldError};
use serde_json::{Map, Value};

use crate::error::{ApiError, ApiResult, FIELD_ERRORS_MAX};

/// What is wrong with a value, and where in it (a pointer from the value itself).
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) within: String,
    pub(crate) detail: String,
}

impl Fault {
    /// The value itself is not as it should be.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self { code: Code::InvalidField, within: String::new(), detail: detail.into() }
    }
}

/// What a field's reader gives.
pub(crate) type Taken<T> = Result<T, Vec<Fault>>;

/// The members of a body that were not taken yet, and what was wrong with those that were.
pub(crate) struct Fields {
    members: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a body, which must be an object.
    ///
    /// # Errors
    /// The first fault in the JSON text.
    pub(crate) fn read(body: &[u8]) -> ApiResult<Self> {
        let mut text = Vec::with_capacity(body.len());
        canonicalize(body, &mut text, Limits::default())?;
        match serde_json::from_slice(&text) {
            Ok(Value::Object(members)) => Ok(Self { members, errors: Vec::new() }),
            _ => Err(ApiError::field(Code::InvalidField, "", "send an object")),
        }
    }

    /// A field that must be there. `None` if it is not, or is wrong: [`Fields::finish`] will refuse.
    pub(crate) fn required<T>(&mut self, name: &str, take: impl FnOnce(&Value) -> Taken<T>) -> Option<T> {
        if !self.members.contains_key(name) {
            self.fail(name, vec![Fault::invalid("this field is needed")]);
        }
        self.changed(name, take)
    }

    /// A field that may be missing; `null` is the same.
    pub(crate) fn optional<T>(&mut self, name: &str, take: impl FnOnce(&Value) -> Taken<T>) -> Option<T> {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.members.remove(name);
        }
        self.changed(name, take)
    }

    /// A field of a change: if it is missing it stays as it is, and `null` is a value like any other.
    pub(crate) fn changed<T>(&mut self, name: &str, take: impl FnOnce(&Value) -> Taken<T>) -> Option<T> {
        let value = self.members.remove(name)?;
        take(&value).map_err(|faults| self.fail(name, faults)).ok()
    }

    /// Notes that a field is wrong for another reason.
    pub(crate) fn fail(&mut self, name: &str, faults: Vec<Fault>) {
        self.errors.extend(faults.into_iter().map(|fault| {
            FieldError::new(fault.code, format!("/{}{}", escape(name), fault.within), fault.detail)
        }));
    }

    /// What was taken, if everything was right and nothing else was there.
    ///
    /// # Errors
    /// Every bad field.
    pub(crate) fn finish<T>(mut self, taken: Option<T>) -> ApiResult<T> {
        let unknown: Vec<String> = self.members.keys().take(FIELD_ERRORS_MAX).cloned().collect();
        for name in unknown {
            self.fail(&name, vec![Fault::invalid("there is no such field here; leave it out")]);
        }
        match taken {
            Some(taken) if self.errors.is_empty() => Ok(taken),
            _ => Err(ApiError::fields(self.errors)),
        }
    }
}

/// A key as a part of a JSON Pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named() {
        let mut fields = Fields::read(br#"{"name":7,"enabled":"x","a/b":1,"gone":null}"#).unwrap();
        let name = fields.required("name", text(1..=5));
        let url = fields.required("url", text(1..=5));
        let enabled = fields.optional("enabled", boolean);
        let gone = fields.optional("gone", boolean);
        assert!(name.is_none() && url.is_none() && enabled.is_none() && gone.is_none());
        let answer = format!("{:?}", fields.finish(Some(())).unwrap_err());
        for pointer in ["\"/name\"", "\"/url\"", "\"/enabled\"", "\"/a~1b\""] {
            assert!(answer.contains(pointer), "{pointer} in {answer}");
        }
        assert!(!answer.contains("gone"), "{answer}");
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in ["[]", "1", "null", "\"x\""] {
            assert_eq!(Fields::read(body.as_bytes()).err().unwrap().code(), Code::InvalidField, "{body}");
        }
        assert_eq!(Fields::read(b"{").err().unwrap().code(), Code::MalformedJson);
        assert_eq!(Fields::read(br#"{"a":1,"a":1}"#).err().unwrap().code(), Code::DuplicateKey);
    }
}
