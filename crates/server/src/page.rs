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

/// The licences of what the page is made of: the one name there that says nothing of the content.
const LICENCES: &str = "assets/licences.md";

const NOT_BUILT: &str = "\
The settings page is not in this binary.

`cargo xtask dev` builds both and starts them. By hand, with Node 20.19 or later:

  (cd sdk/typescript && npm ci && npm run build)
  (cd web && npm ci && npm run build)
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
    Files(FILES).routes()
}

/// Files by name, in the order of their names.
#[derive(Clone, Copy)]
struct Files(&'static [(&'static str, &'static [u8])]);

impl Files {
    fn routes(self) -> Router {
        let mut router = Router::new().route("/", self.index());
        for path in PATHS {
            router = router
                .route(&format!("/{path}"), self.index())
                .route(&format!("/{path}/"), self.index())
                .route(&format!("/{path}/{{*rest}}"), self.index());
        }
        let assets =
            self.0.iter().filter(|(name, _)| name.starts_with("assets/") && encoding(name).is_none());
        assets.fold(router, |router, (name, _)| {
            let kept = if *name == LICENCES { Kept::AskAgain } else { Kept::ForEver };
            router.route(&format!("/{name}"), self.serve(name, kept))
        })
    }

    fn index(self) -> MethodRouter {
        match self.find("index.html") {
            Some(_) => self.serve("index.html", Kept::AskAgain),
            None => get(async || (StatusCode::NOT_FOUND, [(X_CONTENT_TYPE_OPTIONS, "nosniff")], NOT_BUILT)),
        }
    }

    fn serve(self, name: &'static str, kept: Kept) -> MethodRouter {
        get(async move |headers: HeaderMap| self.answer(name, kept, &headers))
    }

    fn answer(self, name: &str, kept: Kept, asked: &HeaderMap) -> Response {
        let (body, encoding) = self.smallest(name, asked);
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
    fn smallest(self, name: &str, asked: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
        let packed = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(encoding, end)| {
            let body = takes(asked, encoding).then(|| self.find(&format!("{name}{end}")))??;
            Some((body, Some(encoding)))
        });
        packed.unwrap_or_else(|| (self.find(name).unwrap_or_default(), None))
    }

    fn find(self, name: &str) -> Option<&'static [u8]> {
        let place = self.0.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some(self.0[place].1)
    }
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
        Some((_, "md")) => "text/markdown; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    const BUILT: Files = Files(&[
        ("assets/a-1.js", b"plain"),
        ("assets/a-1.js.br", b"br"),
        ("assets/a-1.js.gz", b"gz"),
        ("index.html", b"the page"),
    ]);

    /// The status, the encoding and the body of what is at a path.
    async fn at(files: Files, path: &str, accept: &str) -> (u16, Option<String>, String) {
        let request = Request::get(path).header(ACCEPT_ENCODING, accept).body(Body::empty()).unwrap();
        let answer = files.routes().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let encoding = headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, encoding, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_is_at_its_own_paths_alone() {
        for path in ["/", "/webhooks", "/webhooks/", "/webhooks/wh_1/edit", "/portal", "/portal/"] {
            assert_eq!(at(BUILT, path, "br").await, (200, None, "the page".to_owned()), "{path}");
        }
        for path in ["/v1", "/docs", "/index.html", "/assets/b.js", "/assets/a-1.js.br", "/webhooksmith"] {
            assert_eq!(at(BUILT, path, "").await.0, 404, "{path}");
        }
    }

    #[tokio::test]
    async fn a_file_is_served_in_the_shortest_form_that_is_taken() {
        let got = async |accept| {
            let (_, encoding, body) = at(BUILT, "/assets/a-1.js", accept).await;
            (encoding.unwrap_or_default(), body)
        };
        let expected = |encoding: &str, body: &str| (encoding.to_owned(), body.to_owned());
        assert_eq!(got("gzip, deflate, br, zstd").await, expected("br", "br"));
        assert_eq!(got("GZIP;q=0.5").await, expected("gzip", "gz"));
        assert_eq!(got("br;q=0, gzip").await, expected("gzip", "gz"));
        assert_eq!(got("identity").await, expected("", "plain"));
    }

    #[tokio::test]
    async fn a_server_without_the_page_says_how_to_come_by_it() {
        let (status, _, told) = at(Files(&[]), "/portal", "br").await;
        assert_eq!(status, 404);
        assert!(told.contains("cargo xtask dev"), "{told}");
    }

    /// Whether the page was built or not.
    #[test]
    fn files_are_found_by_their_names_and_are_of_known_kinds() {
        for (name, body) in FILES {
            assert_eq!(Files(FILES).find(name), Some(*body));
            let plain = encoding(name).map_or(*name, |end| &name[..name.len() - end.len() - 1]);
            assert_ne!(media_type(plain), "application/octet-stream", "{name}");
        }
        assert_eq!(Files(FILES).find("nothing.js"), None);
    }
}
