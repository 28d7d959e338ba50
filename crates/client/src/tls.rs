//! TLS by rustls, with ring.

use reqwest::{ClientBuilder, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A builder of HTTP clients whose TLS works: rustls with ring, trusting what the system trusts.
///
/// Makes ring the process's cryptography for rustls, unless the application has chosen another one before.
pub fn http_builder() -> ClientBuilder {
    let _ = ring::default_provider().install_default(); // fails where one is chosen, which is as good
    reqwest::Client::builder()
}

/// A builder for one address. Over plain HTTP it asks for no certificates of the system, which a small container lacks.
pub(crate) fn http_builder_for(base: &Url) -> ClientBuilder {
    let builder = http_builder();
    if base.scheme() == "https" { builder } else { builder.tls_backend_preconfigured(trusting_nobody()) }
}

fn trusting_nobody() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}
