//! Canonical JSON against a real `JSON.stringify(JSON.parse(…))` (T1, W44).
#![no_main]

use cstar_types::json::{JsonErrorKind, Limits, canonicalize};
use libfuzzer_sys::fuzz_target;
use rquickjs::{Context, Ctx, Runtime};

thread_local! {
    static ENGINE: Context = Context::full(&Runtime::new().expect("an engine")).expect("a context");
}

/// What a receiver in JavaScript makes of a text; `None` where it refuses it.
fn reference(ctx: &Ctx<'_>, text: &[u8]) -> Option<String> {
    let parsed = ctx.json_parse(text).ok()?;
    ctx.json_stringify(parsed).ok()??.to_string().ok()
}

fuzz_target!(|input: &[u8]| {
    let mut ours = b"before".to_vec();
    let result = canonicalize(input, &mut ours, Limits::default());
    let theirs = ENGINE.with(|engine| engine.with(|ctx| reference(&ctx, input)));
    match result {
        Ok(()) => {
            let ours = ours.strip_prefix(b"before").expect("what stood there is left alone");
            let text = std::str::from_utf8(ours).expect("UTF-8");
            assert_eq!(
                Some(text),
                theirs.as_deref(),
                "what we take, receivers take, and make the same of it"
            );
            let theirs = ENGINE.with(|engine| engine.with(|ctx| reference(&ctx, ours)));
            assert_eq!(theirs.as_deref().map(str::as_bytes), Some(ours), "a receiver keeps what it was sent");
            let mut again = Vec::new();
            match canonicalize(ours, &mut again, Limits::default()) {
                Ok(()) => assert_eq!(again, ours, "one form"),
                // 1.5e20 and the like become integers, which are held to be exact where a publisher writes them.
                Err(error) => assert_eq!(error.kind(), JsonErrorKind::InexactInteger),
            }
        }
        Err(error) => {
            assert_eq!(ours, b"before", "a refusal writes nothing");
            assert!(error.offset() <= input.len());
            if let JsonErrorKind::Malformed { .. } | JsonErrorKind::TrailingBytes = error.kind() {
                // The engine ends a text at NUL, which is its own matter.
                assert!(theirs.is_none() || input.contains(&0), "called malformed: {error}");
            }
        }
    }
});
