//! Which of the two formats of a stream a client wants.

use cstar_realtime::Format;
use http::HeaderMap;
use http::header::ACCEPT;

/// The format that `Accept` prefers, the event stream where it is all the same to it; `None` where it rules both out.
pub(super) fn format(headers: &HeaderMap) -> Option<Format> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range<'_>> = values.flat_map(|value| value.split(',')).filter_map(Range::read).collect();
    if ranges.is_empty() {
        return Some(Format::EventStream);
    }
    let [stream, lines] = [Format::EventStream, Format::Ndjson].map(|format| quality(&ranges, format));
    match (stream, lines) {
        (0, 0) => None,
        _ if stream >= lines => Some(Format::EventStream),
        _ => Some(Format::Ndjson),
    }
}

/// A media range (RFC 9110, 12.5.1): lower-case, with its quality in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// What cannot be read rules nothing in or out.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = quality.map_or(Some(1.0), |quality| quality.trim().parse::<f32>().ok())?;
        Some(Self { kind, subtype, quality: (quality.clamp(0.0, 1.0) * 1000.0) as u16 })
    }

    /// How exactly it names the type; `None` where it does not.
    fn names(&self, kind: &str, subtype: &str) -> Option<u8> {
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, other) if own.eq_ignore_ascii_case(kind) && other.eq_ignore_ascii_case(subtype) => Some(2),
            _ => None,
        }
    }
}

/// The quality that the most exact range gives.
fn quality(ranges: &[Range<'_>], format: Format) -> u16 {
    let (kind, subtype) = format.media_type().split_once('/').unwrap_or_default();
    let naming = ranges.iter().filter_map(|range| Some((range.names(kind, subtype)?, range.quality)));
    naming.max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_preferred_format_is_chosen() {
        let stream = Some(Format::EventStream);
        let lines = Some(Format::Ndjson);
        for (accept, expected) in [
            ("text/event-stream", stream),
            ("*/*", stream),
            ("text/*", stream),
            ("Text/Event-Stream", stream),
            ("application/x-ndjson", lines),
            ("application/*", lines),
            ("application/x-ndjson, text/event-stream", stream),
            ("application/x-ndjson, text/event-stream;q=0.9", lines),
            ("application/x-ndjson, */*;q=0.1", lines),
            ("text/event-stream;q=0, */*", lines),
            ("application/json", None),
            ("text/event-stream;q=0", None),
            ("text/html, image/png", None),
            ("", stream),
            ("nonsense", stream),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(format(&headers), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), stream);
    }
}
