//! The settings page: the files that `web/` builds, taken into the binary and served as they are.

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

// `static FILES: &[(&str, &[u8])]`, by name; empty unless the page was built before the server.
include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// The first segments of the page's own paths: it is shown at them and at what is below. Whatever else there is stays the
/// API's, and what there is not stays a 404.
const PATHS: [&str; 6] = ["webhooks", "logs", "live", "event-types", "keys", "portal"];

/// The page may load its own files and speak to this server: nothing from elsewhere, nothing that stands in the page, no
/// frame around it, and no text that becomes markup or script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const NOT_BUILT: &str = "\
The settings page is not in this binary.

`cargo xtask dev` builds both and starts them. By hand, with Node 20.19 or later:

  cd web && npm ci && npm run build
  cargo build -p cstar-cli

Everything that the page does can be done by the API, which is described at /docs, and by the `cstar` command.
";

/// How a file is kept: names of what the build makes carry a hash of the content.
#[derive(Clone, Copy)]
enum Kept {
    ForEver,
    AskAgain,
}

/// The page's routes.
pub(crate) fn routes() -> Router {
    let page = || match file("index.html") {
        Some(_) => serve("index.html", Kept::AskAgain),
        None => get(async || (StatusCode::NOT_FOUND, [(X_CONTENT_TYPE_OPTIONS, "nosniff")], NOT_BUILT)),
    };
    let mut router = Router::new().route("/", page());
    for path in PATHS {
        router = router.route(&format!("/{path}"), page()).route(&format!("/{path}/{{*rest}}"), page());
    }
    let assets = FILES.iter().filter(|(name, _)| name.starts_with("assets/") && encoding(name).is_none());
    assets.fold(router, |router, (name, _)| router.route(&format!("/{name}"), serve(name, Kept::ForEver)))
}

fn file(name: &str) -> Option<&'static [u8]> {
    let place = FILES.binary_search_by_key(&name, |(name, _)| name).ok()?;
    Some(FILES[place].1)
}

fn serve(name: &'static str, kept: Kept) -> MethodRouter {
    get(async move |headers: HeaderMap| answer(name, kept, &headers))
}

fn answer(name: &str, kept: Kept, asked: &HeaderMap) -> Response {
    let (body, encoding) = smallest(name, asked);
    let mut response = Body::from(body).into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, media_type(name));
    set(VARY, "accept-encoding");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(
        CACHE_CONTROL,
        match kept {
            Kept::ForEver => "public, max-age=31536000, immutable",
            Kept::AskAgain => "no-cache",
        },
    );
    if let Some(encoding) = encoding {
        set(CONTENT_ENCODING, encoding);
    }
    response
}

/// The file in the shortest of the forms that the asker takes.
fn smallest(name: &str, asked: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let packed = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(encoding, end)| {
        let body = takes(asked, encoding).then(|| file(&format!("{name}{end}")))??;
        Some((body, Some(encoding)))
    });
    packed.unwrap_or_else(|| (file(name).unwrap_or_default(), None))
}

fn takes(asked: &HeaderMap, encoding: &str) -> bool {
    let lines = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(encoding) && weight != Some(0.0)
    })
}

/// The encoding of a file that is another one, packed.
fn encoding(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, end)| end).filter(|end| ["br", "gz"].contains(end))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_what_the_asker_says() {
        let asked = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
            (takes(&headers, "br"), takes(&headers, "gzip"))
        };
        assert_eq!(asked("gzip, deflate, br, zstd"), (true, true));
        assert_eq!(asked("GZIP;q=0.5"), (false, true));
        assert_eq!(asked("br;q=0, gzip"), (false, true));
        assert_eq!(asked("identity"), (false, false));
        assert!(!takes(&HeaderMap::new(), "gzip"));
    }

    /// Whether the page was built or not.
    #[test]
    fn files_are_found_by_their_names_and_are_of_known_kinds() {
        for (name, body) in FILES {
            assert_eq!(file(name), Some(*body));
            let plain = encoding(name).map_or(*name, |end| &name[..name.len() - end.len() - 1]);
            assert_ne!(media_type(plain), "application/octet-stream", "{name}");
        }
        assert_eq!(file("nothing.js"), None);
    }
}
