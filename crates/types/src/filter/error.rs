//! Why a text is no filter, and where.

use std::fmt;

use crate::json::JsonErrorKind;
use crate::limits::{FILTER_MAX_BYTES, FILTER_MAX_CONDITIONS, FILTER_MAX_DEPTH, FILTER_MAX_STEPS};

/// Everything that makes a text no filter; at least one fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Listed(.0))]
pub struct FilterError(pub(super) Vec<FilterFault>);

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterFault {
    /// The JSON Pointer (RFC 6901) of the bad place, from the filter itself.
    pub pointer: String,
    /// What is wrong there.
    pub problem: FilterProblem,
}

/// What is wrong with a place in a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterProblem {
    /// The JSON itself.
    #[error("{0}")]
    Json(JsonErrorKind),
    /// Not an object, or one that asks for nothing.
    #[error("write a condition: an object with `all`, `any`, `not`, or with `pointer` and one test")]
    NotACondition,
    /// An object that is two conditions.
    #[error("write one of `all`, `any`, `not` and `pointer`; several conditions stand within `all` or `any`")]
    TwoConditions,
    /// A key that means nothing here.
    #[error("a condition has no such key here; leave it out")]
    UnknownKey,
    /// `all` or `any` without conditions.
    #[error("write a list of at least one condition")]
    NotConditions,
    /// No pointer into the data.
    #[error("write a JSON Pointer into `data`, such as /customer/plan")]
    NotAPointer,
    /// A pointer without a test.
    #[error("add a test: equals, one_of, greater_than, at_least, less_than, at_most or exists")]
    NoTest,
    /// A pointer with more than one test.
    #[error("write one test in a condition; several conditions stand within `all`")]
    TwoTests,
    /// What nothing can be equal to.
    #[error("write a string, a number, true, false or null")]
    NotAScalar,
    /// `one_of` without values.
    #[error("write a list of at least one value")]
    NoValues,
    /// What nothing can be greater or less than.
    #[error("write a number or a string")]
    NotComparable,
    /// `exists` of something else.
    #[error("write true or false")]
    NotABoolean,
    /// Conditions within conditions within conditions.
    #[error("conditions go at most {FILTER_MAX_DEPTH} deep")]
    TooDeep,
    /// More than each event is held against.
    #[error("a filter has at most {FILTER_MAX_CONDITIONS} conditions")]
    TooMany,
    /// More steps into the data than each event has time for.
    #[error("the pointers of a filter have at most {FILTER_MAX_STEPS} keys together")]
    TooFar,
    /// The whole of it.
    #[error("a filter has at most {FILTER_MAX_BYTES} bytes")]
    TooLong,
}

impl FilterError {
    /// What is wrong, in reading order.
    #[must_use]
    pub fn faults(&self) -> &[FilterFault] {
        &self.0
    }
}

impl From<FilterFault> for FilterError {
    fn from(fault: FilterFault) -> Self {
        Self(vec![fault])
    }
}

impl FilterProblem {
    pub(super) fn at(self, pointer: &str) -> FilterFault {
        FilterFault { pointer: pointer.to_owned(), problem: self }
    }

    /// Of the filter as a whole.
    pub(super) fn alone(self) -> FilterError {
        self.at("").into()
    }
}

impl fmt::Display for FilterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => self.problem.fmt(f),
            pointer => write!(f, "at {pointer}: {}", self.problem),
        }
    }
}

struct Listed<'a>(&'a [FilterFault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { "; " })?;
            fault.fmt(f)?;
        }
        Ok(())
    }
}
