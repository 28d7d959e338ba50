//! What was measured: as a table for people, as JSON, and held against an earlier run.

mod check;
mod compare;
mod json;
mod table;

pub(crate) use check::{Check, Target};
pub(crate) use compare::compare;

/// One row of what is measured: its figures, each with its unit in its name, and those that have a target.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) figures: Vec<(&'static str, f64)>,
    pub(crate) checks: Vec<Check>,
    /// What was left out or made smaller, and why.
    pub(crate) notes: Vec<String>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    pub(crate) fn figure(&mut self, name: &'static str, figure: f64) {
        self.figures.push((name, figure));
    }

    pub(crate) fn check(&mut self, check: Check) {
        self.checks.push(check);
    }
}

/// All rows of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
}
