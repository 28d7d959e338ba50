//! `-H 'Name: value'`.

use reqwest::header::{HeaderName, HeaderValue};

/// Reads one header.
pub(crate) fn parse(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("`{text}` has no colon; write 'Name: value'"))?;
    let name: HeaderName = name.trim().parse().map_err(|_| format!("`{name}` is no header name"))?;
    let value: HeaderValue =
        value.trim().parse().map_err(|_| format!("the value of `{name}` is no header value"))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_nonsense_is_refused() {
        let (name, value) = parse("X-Token:  a:b ").unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("x-token", &b"a:b"[..]));
        for text in ["", "x", ": y", "a b: c", "x: a\nb: c"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
