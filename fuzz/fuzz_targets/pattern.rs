//! Patterns against their definition, letter by letter (T18, SEC-2).
#![no_main]

use cstar_types::{EventType, Pattern, Patterns};
use libfuzzer_sys::fuzz_target;

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_'))
        && text.len() <= 64
}

fn is_pattern(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    match parts[..] {
        ["*"] => true,
        ["*", "*"] => false,
        [resource, action] => [resource, action].iter().all(|part| *part == "*" || is_name(part)),
        _ => false,
    }
}

fn matches(pattern: &str, event_type: &str) -> bool {
    let same = |(wanted, given): (&str, &str)| wanted == "*" || wanted == given;
    pattern == "*" || pattern.split('.').zip(event_type.split('.')).all(same)
}

fuzz_target!(|input: (&str, &str, &str)| {
    let (one, other, event_type) = input;
    let parsed = one.parse::<Pattern>();
    assert_eq!(parsed.is_ok(), is_pattern(one), "{one:?}");
    let event_type = event_type.parse::<EventType>().ok();
    let Ok(pattern) = parsed else { return };
    assert_eq!(pattern.to_string(), one);
    if let Some(event_type) = &event_type {
        assert_eq!(pattern.matches(event_type), matches(one, event_type.as_str()));
    }
    let Ok(list) = Patterns::parse_list(other) else { return };
    let own: Patterns = [pattern].into_iter().collect();
    if let Some(event_type) = &event_type
        && own.cover(&list)
        && list.matches(event_type)
    {
        assert!(own.matches(event_type), "SEC-2: what is covered is within");
    }
});
