//! T1: canonical JSON, held against its vectors, against serde_json and against real Node.

mod faults;
mod node;
mod property;
mod reader;
mod vectors;

use cstar_types::json::{JsonError, Limits, canonicalize};

fn canonical(input: impl AsRef<[u8]>) -> Result<String, JsonError> {
    let mut out = Vec::new();
    canonicalize(input.as_ref(), &mut out, Limits::default())?;
    Ok(String::from_utf8(out).expect("canonical JSON is UTF-8"))
}
