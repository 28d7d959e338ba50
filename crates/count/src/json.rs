//! Canonical JSON.

use std::hint::black_box;

use cstar_types::json::{Limits, canonicalize};

use crate::{Case, Run, given};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("canonical_json_ticket", || canonical(given::ticket().to_owned())),
        ("canonical_json_nested", || canonical(given::nested())),
    ]
}

fn canonical(body: String) -> Run {
    Box::new(move || {
        let mut out = Vec::with_capacity(body.len());
        let written = canonicalize(black_box(body.as_bytes()), &mut out, Limits::default());
        written.expect("what is given is JSON");
        black_box(out);
    })
}
