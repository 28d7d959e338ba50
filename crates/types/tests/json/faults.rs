//! What a refusal says, and that hostile texts cost no more than their length.

use cstar_types::json::{Found, JsonErrorKind, Limits, MAX_DEPTH, canonicalize};

use super::canonical;

#[track_caller]
fn check(input: impl AsRef<[u8]>, offset: usize, says: &str) {
    let fault = canonical(input).expect_err("a refusal");
    assert_eq!((fault.offset(), fault.to_string().as_str()), (offset, says));
}

#[test]
fn a_refusal_says_what_is_wrong_where_and_what_to_do() {
    check("", 0, "expected a value, found the end, at byte 0");
    check(r#"{"a": [1, }"#, 10, "expected a value, found `}`, at byte 10 in /a/1");
    check(r#"{"a": 1, }"#, 9, "expected a key in double quotes, found `}`, at byte 9");
    check(r#"{"a" 1}"#, 5, "expected `:`, found `1`, at byte 5 in /a");
    check("[1\u{e9}", 2, "expected `,` or `]`, found byte 0xc3, at byte 2");
    check("[nul]", 4, "expected null, found `]`, at byte 4 in /0");
    check("\"a\tb\"", 2, "expected an escape for a control character, found byte 0x09, at byte 2");
    check("\u{feff}{}", 0, "a byte order mark is not JSON; leave it out, at byte 0");
    check("{} {}", 3, "more follows the value; send one JSON value, at byte 3");
    check(b"[\"ab\xff\"]", 4, "the bytes are not UTF-8, at byte 4 in /0");
    check(r#"{"a":1,"a":2}"#, 7, "the key stands twice in one object; send it once, at byte 7 in /a");
    check(
        r#"{"id": 9007199254740993}"#,
        7,
        "a double does not hold this integer exactly; send it as a string, at byte 7 in /id",
    );
    check("[1e999]", 1, "the number is larger than a double can be; send it as a string, at byte 1 in /0");
    check(
        r#"{"constructor":{"prototype":1}}"#,
        16,
        "common servers refuse the key `__proto__`, and `prototype` in `constructor`; rename it, \
         at byte 16 in /constructor/prototype",
    );
    check(
        r#"{"s":"ab\ud800"}"#,
        8,
        "the escape is half of a surrogate pair; send both halves, or the character itself, at byte 8 in /s",
    );
    let nested = "[".repeat(MAX_DEPTH + 1);
    let place = "/0".repeat(MAX_DEPTH);
    check(nested, 64, &format!("nesting goes past 64 levels; make the value flatter, at byte 64 in {place}"));
}

/// T1: the bytes before stay, whatever is refused.
#[test]
fn a_refused_text_leaves_the_output_as_it_was() {
    for input in ["", "{\"a\":[1,2", "[1,1e999]", "{\"a\":1} x"] {
        let mut out = b"before".to_vec();
        canonicalize(input.as_bytes(), &mut out, Limits::default()).expect_err("a refusal");
        assert_eq!(out, b"before", "{input}");
    }
}

#[test]
fn the_length_counts_what_is_written_and_not_what_is_read() {
    let spaced = format!("{{ \"a\" : {}[ 1.0 , \"\\u0041\" ] }}", " ".repeat(1000));
    let want = r#"{"a":[1,"A"]}"#;
    for len in 0..20 {
        let mut out = b"before".to_vec();
        let result = canonicalize(spaced.as_bytes(), &mut out, Limits { len, ..Limits::default() });
        match result {
            Ok(()) => assert!(len >= want.len() && out.ends_with(want.as_bytes()), "{len}"),
            Err(fault) => {
                assert!(len < want.len(), "{len}");
                assert_eq!(fault.kind(), JsonErrorKind::TooLong { limit: len });
                assert_eq!((fault.pointer(), fault.kind().code()), ("", "too_large"));
            }
        }
    }
}

#[test]
fn a_lower_depth_is_heeded_and_a_higher_one_is_not() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for (limit, heeded) in [(0, 0), (1, 1), (63, 63), (64, 64), (65, 64), (usize::MAX, 64)] {
        let limits = Limits { depth: limit, ..Limits::default() };
        if heeded > 0 {
            canonicalize(deep(heeded).as_bytes(), &mut Vec::new(), limits).expect("within the limit");
        }
        let fault = canonicalize(deep(heeded + 1).as_bytes(), &mut Vec::new(), limits).expect_err("too deep");
        assert_eq!(fault.kind(), JsonErrorKind::TooDeep { limit: heeded });
    }
}

/// Each of these would not end within a test's time if a key, an element or a level cost more than a small
/// constant.
#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let million = "[".repeat(1_000_000);
    assert_eq!(canonical(million).expect_err("too deep").kind(), JsonErrorKind::TooDeep { limit: 64 });

    let keys: Vec<_> = (0..200_000).map(|n| format!("\"k{n:06}\":{n}")).collect();
    let object = format!("{{{}}}", keys.join(","));
    assert_eq!(canonical(&object).expect("different keys"), object);
    let twice = format!("{{{},\"k000007\":0}}", keys.join(","));
    assert_eq!(canonical(twice).expect_err("a duplicate").kind(), JsonErrorKind::DuplicateKey);

    let falling: Vec<_> = (0..100_000).rev().map(|n| format!("\"{n}\":{n}")).collect();
    let rising: Vec<_> = falling.iter().rev().cloned().collect();
    let (falling, rising) = (falling.join(","), rising.join(","));
    assert_eq!(canonical(format!("{{{falling}}}")).expect("indexes"), format!("{{{rising}}}"));

    let (open, close) = ("{\"x\":".repeat(62), ",\"0\":0}".repeat(62));
    let nested = canonical(format!("{open}{{{falling}}}{close}")).expect("misplaced at each level");
    assert!(nested.starts_with(r#"{"0":0,"x":{"0":0,"x":"#));

    let digits = "9".repeat(1_000_000);
    assert_eq!(canonical(format!("0.{digits}")).as_deref(), Ok("1"));
    assert_eq!(canonical(&digits).expect_err("infinite").kind(), JsonErrorKind::NumberOverflow);

    let escapes = "\\u0041".repeat(200_000);
    assert_eq!(canonical(format!("\"{escapes}\"")).expect("escapes").len(), 200_002);
}

#[test]
fn what_stands_at_the_fault_can_be_asked_for() {
    let kind = |input: &str| canonical(input).expect_err("a refusal").kind();
    assert_eq!(kind("[1,]"), JsonErrorKind::Malformed { expected: "a value", found: Found(Some(b']')) });
    assert_eq!(kind("[1,"), JsonErrorKind::Malformed { expected: "a value", found: Found(None) });
}
