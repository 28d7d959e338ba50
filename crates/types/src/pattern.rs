//! Event types, and the patterns that choose among them. `vectors/patterns.json` holds both for every language.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::SEGMENT_MAX_BYTES;

/// `resource.action`, such as `ticket.created` (W6, W32).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType {
    text: Arc<str>,
    dot: usize,
}

/// Why a text is no event type or no pattern; each says what would be one (T18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing there.
    #[error("it is empty; write `*` for every event, or `resource.action`")]
    Empty,
    /// No dot, or more than one.
    #[error(
        "it needs exactly one dot: `resource.action`, `resource.*`, `*.action`, or `*` alone for every event"
    )]
    NotTwoSegments,
    /// A segment that is neither `*` nor a name.
    #[error("each part is `*` or a name of a-z, 0-9 and _ that begins with a letter, at most 64 characters")]
    BadSegment,
    /// A wildcard where only a full type may stand.
    #[error("a wildcard cannot stand here; name one type, such as `ticket.created`")]
    Wildcard,
    /// `*.*`, which has a shorter spelling.
    #[error("write `*` for every event")]
    DoubleWildcard,
}

impl EventType {
    /// The whole `resource.action`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the dot.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.text[..self.dot]
    }

    /// The part behind the dot.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.text[self.dot + 1..]
    }
}

impl FromStr for EventType {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match Pattern::from_str(text)? {
            Pattern::Exact(event_type) => Ok(event_type),
            _ => Err(PatternError::Wildcard),
        }
    }
}

/// Which event types are meant: `*`, `resource.*`, `*.action` or `resource.action` (T18).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// `*`
    All,
    /// `resource.*`
    Resource(Arc<str>),
    /// `*.action`
    Action(Arc<str>),
    /// `resource.action`
    Exact(EventType),
}

impl Pattern {
    /// Whether `event_type` is one of those meant.
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::All => true,
            Self::Resource(resource) => **resource == *event_type.resource(),
            Self::Action(action) => **action == *event_type.action(),
            Self::Exact(exact) => exact == event_type,
        }
    }

    /// Whether every type that `other` means is meant by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exact(event_type) => self.matches(event_type),
            _ => *self == Self::All || self == other,
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match text {
            "" => return Err(PatternError::Empty),
            "*" => return Ok(Self::All),
            _ => {}
        }
        let (resource, action) = text.split_once('.').ok_or(PatternError::NotTwoSegments)?;
        if action.contains('.') {
            return Err(PatternError::NotTwoSegments);
        }
        match (segment(resource)?, segment(action)?) {
            (None, None) => Err(PatternError::DoubleWildcard),
            (Some(resource), None) => Ok(Self::Resource(resource.into())),
            (None, Some(action)) => Ok(Self::Action(action.into())),
            (Some(resource), Some(_)) => {
                Ok(Self::Exact(EventType { text: text.into(), dot: resource.len() }))
            }
        }
    }
}

/// The name in a segment, or `None` for `*`.
fn segment(text: &str) -> Result<Option<&str>, PatternError> {
    if text == "*" {
        return Ok(None);
    }
    let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    let goes_on_well =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if starts_well && goes_on_well && text.len() <= SEGMENT_MAX_BYTES {
        Ok(Some(text))
    } else {
        Err(PatternError::BadSegment)
    }
}

/// A set of patterns; it means what any of them means.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![Pattern::All])
    }

    /// Whether any of them matches.
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event_type))
    }

    /// Whether every type that `other` means is meant here too: what a key makes stays within the key (SEC-2).
    ///
    /// Names are without end, so no union of narrower patterns covers a wildcard: looking at one at a time is exact.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|wanted| self.0.iter().any(|own| own.covers(wanted)))
    }

    /// The patterns, in the order given.
    #[must_use]
    pub fn as_slice(&self) -> &[Pattern] {
        &self.0
    }

    /// Reads a list separated by commas, as `?types=` and `--events` have it. Blanks around a pattern are dropped.
    ///
    /// # Errors
    /// The first pattern that is none, and why.
    pub fn parse_list(text: &str) -> Result<Self, (String, PatternError)> {
        text.split(',')
            .map(str::trim)
            .map(|one| one.parse().map_err(|error| (one.to_owned(), error)))
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }
}

impl FromIterator<Pattern> for Patterns {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Resource(resource) => write!(f, "{resource}.*"),
            Self::Action(action) => write!(f, "*.{action}"),
            Self::Exact(event_type) => f.write_str(event_type.as_str()),
        }
    }
}

/// As [`Patterns::parse_list`] reads it.
impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, pattern) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            fmt::Display::fmt(pattern, f)?;
        }
        Ok(())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
