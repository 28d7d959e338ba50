//! Where `cstar listen` forwards to, in the short forms that people type.

use reqwest::Url;

/// The port of a path alone: the one that the documentation's example uses.
const DEFAULT_PORT: u16 = 3000;

/// Reads a URL, `3000`, `:3000`, `localhost:3000/webhook` or `/webhook`.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let whole = if text.starts_with("http://") || text.starts_with("https://") {
        text.to_owned()
    } else if text.contains("://") {
        return Err(format!("`{text}` is not http or https"));
    } else if text.starts_with('/') {
        format!("http://localhost:{DEFAULT_PORT}{text}")
    } else if let Some(rest) = port_in_front(text) {
        format!("http://localhost:{rest}")
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&whole).map_err(|error| {
        format!("`{text}` is no target: {error}; write a URL, a port, or host:port/path, such as http://localhost:3000/webhook")
    })?;
    if url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err(format!("`{text}` holds credentials: give them with -H 'Authorization: …'"))
    }
}

/// What follows localhost where the text is a port, with or without a colon before it and a path behind it.
fn port_in_front(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(':').unwrap_or(text);
    let port = rest.split(['/', '?']).next().unwrap_or_default();
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W55: the documented form, and the short ones.
    #[test]
    fn every_form_of_a_target_is_read() {
        for (text, url) in [
            ("http://localhost:3000/webhook", "http://localhost:3000/webhook"),
            ("https://example.test", "https://example.test/"),
            ("3000", "http://localhost:3000/"),
            (":3000", "http://localhost:3000/"),
            ("3000/webhook", "http://localhost:3000/webhook"),
            ("localhost:3000/webhook", "http://localhost:3000/webhook"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("[::1]:8080/a?b=c", "http://[::1]:8080/a?b=c"),
            ("/webhook", "http://localhost:3000/webhook"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), url, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        for text in ["", ":", "ftp://localhost", "99999", "http://", "http://user:word@localhost/", "a b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
