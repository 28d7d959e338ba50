//! An answer that is no success.

use std::fmt;
use std::time::Duration;

use cstar_wire::{Code, Problem};

/// An answer other than the one hoped for: a problem document of cStar's, or what a proxy says in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// What cStar says about it: what is wrong, and what to do. `None` if it was not cStar that answered.
    pub problem: Option<Problem>,
    /// How long to wait before asking again, if the answer says so.
    pub retry_after: Option<Duration>,
    /// `x-request-id` of the answer, to ask the operator about.
    pub request_id: Option<String>,
    /// Where a redirect leads. None is followed: a key goes to the address it was given for, and to no other.
    pub location: Option<String>,
}

impl Refusal {
    /// The problem code, if this version knows it.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.problem.as_ref().and_then(Problem::known)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, problem, location, .. } = self;
        match (problem, location) {
            (Some(problem), _) => problem.fmt(f),
            (None, Some(location)) => {
                write!(f, "the address redirects ({status}) to {location}: give the address that it leads to")
            }
            (None, None) => {
                write!(f, "an answer of {status} that is not cStar's: see to the address, or to a proxy")
            }
        }
    }
}

impl std::error::Error for Refusal {}
