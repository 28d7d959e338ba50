//! What HTTP clients are built from: TLS by rustls with ring, and the way to this machine itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{ClientBuilder, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A builder of HTTP clients for the server at `url`, whose TLS works: rustls with ring, trusting what the system trusts.
/// Over plain HTTP it asks for no certificates of the system, which a small container lacks. To this machine itself it
/// goes on both families, whichever the server there listens on, and never through the proxy that the environment names.
///
/// Makes ring the process's cryptography for rustls, unless the application has chosen another one before.
pub fn http_builder_for(url: &Url) -> ClientBuilder {
    let _ = ring::default_provider().install_default(); // fails where one is chosen, which is as good
    let mut builder = reqwest::Client::builder();
    if url.scheme() != "https" {
        builder = builder.tls_backend_preconfigured(trusting_nobody());
    }
    if !is_this_machine(url) {
        return builder;
    }
    let here = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let here = here.map(|address| SocketAddr::new(address, 0)); // the port is the URL's
    // An address in place of a name is never looked up, so this changes nothing for it.
    builder.no_proxy().resolve_to_addrs(url.host_str().unwrap_or_default(), &here)
}

/// Whether the server at `url` is on this machine, as its name or address says.
#[must_use]
pub fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761: names below `localhost` are this machine, too.
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn trusting_nobody() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_alone_is_this_machine() {
        for (url, here) in [
            ("http://localhost:7070", true),
            ("http://app.localhost", true),
            ("http://127.0.0.1:7070", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:7070", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://10.0.0.1:7070", false),
            ("http://0.0.0.0", false),
            ("https://localhost.example.com", false),
            ("https://notlocalhost", false),
        ] {
            assert_eq!(is_this_machine(&url.parse().unwrap()), here, "{url}");
        }
    }
}
