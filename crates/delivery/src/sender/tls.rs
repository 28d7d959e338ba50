//! TLS: rustls, 1.2 and later, certificates verified against the system's authorities and the operator's.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use url::Host;

/// The extra authorities cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not PEM, or without a certificate.
    #[error("the file of extra certificate authorities holds no PEM certificate")]
    NoCertificate,
    /// A certificate that cannot be an authority.
    #[error("an extra certificate authority is damaged: {0}")]
    Damaged(String),
}

/// The connector; `extra_pem` are authorities that are trusted beside the system's.
pub(super) fn connector(extra_pem: Option<&[u8]>) -> Result<TlsConnector, AuthorityError> {
    let mut roots = system_roots();
    if let Some(pem) = extra_pem {
        add_extra(&mut roots, pem)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The name that the certificate must be for.
pub(super) fn server_name(host: Host<&str>) -> Option<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::IpAddress(std::net::IpAddr::V4(address).into())),
        Host::Ipv6(address) => Some(ServerName::IpAddress(std::net::IpAddr::V6(address).into())),
    }
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, unusable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let errors = found.errors.len();
        tracing::warn!(
            unusable,
            errors,
            "the system has no certificate authorities; https endpoints will be refused"
        );
    }
    roots
}

fn add_extra(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), AuthorityError> {
    let mut added = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| AuthorityError::NoCertificate)?;
        roots.add(certificate).map_err(|error| AuthorityError::Damaged(error.to_string()))?;
        added += 1;
    }
    if added == 0 { Err(AuthorityError::NoCertificate) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_authorities_are_read_or_refused_at_the_start() {
        assert_eq!(connector(Some(b"no certificate")).err(), Some(AuthorityError::NoCertificate));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(connector(Some(broken)).err(), Some(AuthorityError::Damaged(_))));
        assert!(connector(None).is_ok());
    }
}
