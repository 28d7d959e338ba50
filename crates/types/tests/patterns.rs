//! `vectors/patterns.json`, the one file of patterns for every language (T18).

use cstar_types::{EventType, Pattern, PatternError, Patterns};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/patterns.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

fn kind(error: PatternError) -> &'static str {
    match error {
        PatternError::Empty => "empty",
        PatternError::NotTwoSegments => "not_two_segments",
        PatternError::BadSegment => "bad_segment",
        PatternError::Wildcard => "wildcard",
        PatternError::DoubleWildcard => "double_wildcard",
    }
}

/// W5, T18
#[test]
fn valid_patterns_are_taken_and_have_one_spelling() {
    for text in texts(&vectors()["valid"]) {
        assert_eq!(text.parse::<Pattern>().expect(text).to_string(), text);
    }
}

/// T18
#[test]
fn anything_else_is_refused_and_the_reason_is_named() {
    for case in vectors()["invalid"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        assert_eq!(text.parse::<Pattern>().map_err(kind), Err(case["kind"].as_str().unwrap()), "{text:?}");
    }
}

/// W4, W5, W6, R7, T18
#[test]
fn patterns_match_what_they_should() {
    for case in vectors()["matches"].as_array().unwrap() {
        let pattern: Pattern = case["pattern"].as_str().unwrap().parse().unwrap();
        for (list, expected) in [("yes", true), ("no", false)] {
            for text in texts(&case[list]) {
                let event_type: EventType = text.parse().unwrap();
                assert_eq!(pattern.matches(&event_type), expected, "{pattern} {text}");
            }
        }
    }
}

/// SEC-2: what a key makes is within its own patterns.
#[test]
fn patterns_cover_what_they_should() {
    for case in vectors()["covers"].as_array().unwrap() {
        let wide = Patterns::parse_list(case["wide"].as_str().unwrap()).unwrap();
        for (list, expected) in [("narrow", true), ("not", false)] {
            for text in texts(&case[list]) {
                assert_eq!(wide.cover(&Patterns::parse_list(text).unwrap()), expected, "{wide} over {text}");
            }
        }
    }
}

/// W6: a type is `resource.action` and nothing wider.
#[test]
fn a_wildcard_is_no_type() {
    for text in ["*", "ticket.*", "*.created"] {
        assert_eq!(text.parse::<EventType>().map_err(kind), Err("wildcard"));
    }
    let event_type: EventType = "ticket.message_added".parse().unwrap();
    assert_eq!((event_type.resource(), event_type.action()), ("ticket", "message_added"));
}

#[test]
fn a_list_names_its_first_wrong_pattern() {
    assert_eq!(
        Patterns::parse_list("ticket.*, boss.defeated").unwrap().to_string(),
        "ticket.*,boss.defeated"
    );
    assert_eq!(Patterns::parse_list("ticket.*,nope").unwrap_err().0, "nope");
    assert_eq!(Patterns::parse_list("").unwrap_err().1, PatternError::Empty);
}
