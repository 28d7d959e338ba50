//! A publish, from the bytes that came to the events to append (the way of one event, step 1).
//!
//! [`read`] goes over the body once and writes each `data` in canonical form as it goes (T1); [`Check`] holds the
//! events against the caller's patterns and the catalog, and builds the envelopes (T9). Both are pure.

mod check;
mod marks;
mod read;

pub(crate) use check::{Check, known};
pub(crate) use marks::Marks;
pub(crate) use read::{Request, read};
