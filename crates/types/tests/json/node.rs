//! The promise itself, asked of real Node: `JSON.stringify(JSON.parse(x))`.

mod generate;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use generate::Random;

use super::canonical;

const DOCUMENTS: u64 = 6_000;
const NUMBERS: u64 = 20_000;

/// Prints what each text becomes, or null where `JSON.parse` refuses it.
const ROUND_TRIP: &str = "x => JSON.stringify(JSON.parse(x))";

/// Prints each number, or null where T1 refuses it: an infinite one, or an integer that becomes another.
const NUMBER: &str = "x => {
    const n = JSON.parse(x);
    if (!Number.isFinite(n) || (/^-?\\d+$/.test(x) && BigInt(x) !== BigInt(n))) throw new Error(x);
    return JSON.stringify(n);
}";

/// Runs a function of Node's over texts, each answer `None` where it throws. Without Node there is no answer
/// at all, which only a machine that is not set up for CI may pass over.
fn node(function: &str, texts: &[String]) -> Option<Vec<Option<String>>> {
    let script = format!(
        "const f = {function};
        const answer = x => {{ try {{ return f(x); }} catch {{ return null; }} }};
        const answers = JSON.parse(require('fs').readFileSync(0, 'utf8')).map(answer);
        process.stdout.write(JSON.stringify(answers));"
    );
    let child =
        Command::new("node").arg("-e").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound && std::env::var_os("CI").is_none() => return None,
        child => child.expect("node starts"),
    };
    let input = serde_json::to_vec(texts).expect("texts print");
    child.stdin.take().expect("a pipe").write_all(&input).expect("node reads all of its input");
    let output = child.wait_with_output().expect("node ends");
    assert!(output.status.success(), "node failed");
    Some(serde_json::from_slice(&output.stdout).expect("node prints JSON"))
}

/// The seed is told by a failing test; `CSTAR_SEED` repeats it, or tries another.
fn seed() -> u64 {
    std::env::var("CSTAR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_251_210)
}

/// T1, W44: what is accepted becomes what Node makes of it, and Node makes nothing else of that. What Node
/// refuses is refused, and nothing else is called malformed.
#[test]
fn node_makes_the_same_of_every_document() {
    let seed = seed();
    let texts: Vec<_> = (0..DOCUMENTS).map(|n| Random::new(seed ^ (n << 32)).document()).collect();
    let ours: Vec<_> = texts.iter().map(canonical).collect();
    let accepted: Vec<_> = ours.iter().flatten().cloned().collect();
    let (Some(theirs), Some(again)) = (node(ROUND_TRIP, &texts), node(ROUND_TRIP, &accepted)) else { return };

    let mut answers = BTreeMap::new();
    for ((text, ours), theirs) in texts.iter().zip(&ours).zip(&theirs) {
        let code = match ours {
            Ok(ours) => {
                assert_eq!(Some(ours), theirs.as_ref(), "seed {seed}: {text:?}");
                "accepted"
            }
            Err(fault) => fault.kind().code(),
        };
        if theirs.is_none() {
            assert_ne!(code, "accepted", "seed {seed}: {text:?}");
        }
        if code == "malformed_json" {
            assert_eq!(*theirs, None, "seed {seed}: {ours:?}: {text:?}");
        }
        *answers.entry(code).or_insert(0) += 1;
    }
    for (ours, again) in accepted.iter().zip(again) {
        assert_eq!(Some(ours), again.as_ref(), "seed {seed}");
    }
    let kinds = [
        "accepted",
        "duplicate_key",
        "invalid_field",
        "malformed_json",
        "unrepresentable_number",
        "unsafe_key",
    ];
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), kinds, "seed {seed}: every answer is tried");
    assert!(answers["accepted"] > DOCUMENTS / 3, "seed {seed}: {answers:?}");
}

/// T1: a number prints as Node prints it, and is refused exactly where Node's differs from what was written.
#[test]
fn node_prints_the_same_numbers() {
    let seed = seed();
    let mut random = Random::new(seed);
    let texts: Vec<_> = (0..NUMBERS).map(|_| random.number()).collect();
    let Some(theirs) = node(NUMBER, &texts) else { return };
    for (text, theirs) in texts.iter().zip(theirs) {
        assert_eq!(canonical(text).ok(), theirs, "seed {seed}: {text}");
    }
}
