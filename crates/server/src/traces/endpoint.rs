//! Where the collector is.

use url::Url;

/// Where OTLP over HTTP takes traces, unless it is said otherwise.
const PATH: &str = "/v1/traces";

/// Reads the URL of a collector. What may hold a secret has no place in it: URLs are printed (SEC-3).
pub(crate) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let mut url: Url = text.parse().map_err(|_| "write a URL such as http://127.0.0.1:4318")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the URL must begin with http:// or https://: traces are sent by OTLP over HTTP");
    }
    let has_secrets = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    if has_secrets || url.fragment().is_some() {
        return Err(
            "give a host and a path alone; keys of the collector go into OTEL_EXPORTER_OTLP_HEADERS in the environment",
        );
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_enough() {
        for (given, meant) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.internal/", "https://collector.internal/v1/traces"),
            ("https://collector.internal/otlp/v1/traces", "https://collector.internal/otlp/v1/traces"),
        ] {
            assert_eq!(endpoint(given).unwrap().as_str(), meant);
        }
    }

    /// SEC-3: and a key has no place in it.
    #[test]
    fn what_is_no_collector_is_refused() {
        for wrong in [
            "127.0.0.1:4318",
            "grpc://collector.internal:4317",
            "http://us:canary@collector.internal",
            "http://us@collector.internal",
            "http://collector.internal/v1/traces?key=canary",
            "http://collector.internal/#canary",
        ] {
            assert!(!endpoint(wrong).unwrap_err().contains("canary"), "{wrong}");
        }
    }
}
