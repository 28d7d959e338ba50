//! The way from the root to the value being read, kept cheaply; it becomes a JSON Pointer only when a fault
//! is told.

use super::cursor::Cursor;

/// The containers that are open around the cursor, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// In a container, at no member or element of it: a fault here is the container's own.
    Between,
    /// At the value of the key whose raw text, quotes included, is `input[from..to]`.
    Member {
        from: usize,
        to: usize,
        constructor: bool,
    },
    Element(usize),
}

impl Path {
    pub(super) fn open(&mut self) {
        self.0.push(Step::Between);
    }

    pub(super) fn close(&mut self) {
        self.0.pop();
    }

    /// Goes out of the innermost `levels` containers, closed or not.
    pub(super) fn leave(&mut self, levels: usize) {
        self.0.truncate(self.0.len().saturating_sub(levels));
    }

    pub(super) fn between(&mut self) {
        self.set(Step::Between);
    }

    pub(super) fn member(&mut self, from: usize, to: usize, constructor: bool) {
        self.set(Step::Member { from, to, constructor });
    }

    pub(super) fn element(&mut self, index: usize) {
        self.set(Step::Element(index));
    }

    fn set(&mut self, step: Step) {
        if let Some(last) = self.0.last_mut() {
            *last = step;
        }
    }

    /// Whether the innermost container is the value of a key `constructor`.
    pub(super) fn inside_constructor(&self) -> bool {
        self.0.iter().nth_back(1).is_some_and(|step| matches!(step, Step::Member { constructor: true, .. }))
    }

    /// The JSON Pointer (RFC 6901) of the place; `input` is the text that the steps point into.
    pub(super) fn pointer(&self, input: &[u8]) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            match *step {
                Step::Between => {}
                Step::Element(index) => pointer.push_str(&format!("/{index}")),
                Step::Member { from, to, .. } => {
                    // The key has been read before, so reading it again does not fail.
                    let key = Cursor::new(&input[from..to]).string().unwrap_or_default();
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        pointer
    }
}
