//! `vectors/json.json`, which the other languages read too.

use serde::Deserialize;

use super::canonical;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Option<String>,
    input_hex: Option<String>,
    #[serde(flatten)]
    want: Want,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Want {
    Output { output: String },
    Error { error: String, pointer: Option<String> },
}

impl Case {
    fn input(&self) -> Vec<u8> {
        match (&self.input, &self.input_hex) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hex)) => {
                let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
                (0..hex.len()).step_by(2).map(byte).collect()
            }
            _ => panic!("{}: either `input` or `input_hex`", self.name),
        }
    }
}

/// T1: each input has the output or the refusal that is written down.
#[test]
fn every_vector_holds() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../../../vectors/json.json")).expect("vectors");
    assert!(vectors.cases.len() > 100, "the vectors are there");
    for case in &vectors.cases {
        match (canonical(case.input()), &case.want) {
            (Ok(got), Want::Output { output }) => assert_eq!(got, *output, "{}", case.name),
            (Err(fault), Want::Error { error, pointer }) => {
                let pointer = pointer.as_deref().unwrap_or(fault.pointer());
                assert_eq!(
                    (fault.kind().code(), fault.pointer()),
                    (&**error, pointer),
                    "{}: {fault}",
                    case.name
                );
            }
            (Ok(got), Want::Error { error, .. }) => panic!("{}: {error} was accepted as {got}", case.name),
            (Err(fault), Want::Output { .. }) => panic!("{}: refused: {fault}", case.name),
        }
    }
}
