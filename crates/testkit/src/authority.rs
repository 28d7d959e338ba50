//! Certificates for receivers behind TLS: good ones, and bad ones of each kind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// What servers under test are called in their certificates.
pub const SERVER_NAME: &str = "localhost";

static AUTHORITIES: AtomicU32 = AtomicU32::new(0);

/// An authority that nobody trusts unless told to.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Identity {
    certificate: Certificate,
    key: KeyPair,
    protocols: Vec<Vec<u8>>,
}

/// A certificate to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Valid for a long time.
    Now,
    /// It expired on 2024-03-01.
    Expired,
    /// It is valid from 2090 on.
    NotYet,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When the system gives no randomness.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // A stranger of the same name would be told by its signature, not by its name.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name.push(DnType::CommonName, format!("authority {number}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("randomness");
        let pem = params.self_signed(&key).expect("sound parameters").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// The authority's own certificate, for those who are to trust it.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a name or an address.
    ///
    /// # Panics
    /// When `name` is neither.
    #[must_use]
    pub fn issue(&self, name: &str, validity: Validity) -> Identity {
        let key = KeyPair::generate().expect("randomness");
        let certificate = params(name, validity).signed_by(&key, &self.issuer).expect("sound parameters");
        Identity::new(certificate, key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// A certificate that vouches for itself.
    ///
    /// # Panics
    /// When `name` is neither a name nor an address.
    #[must_use]
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().expect("randomness");
        let certificate = params(name, Validity::Now).self_signed(&key).expect("sound parameters");
        Self::new(certificate, key)
    }

    /// The same, of a server that speaks HTTP/2.
    #[must_use]
    pub fn with_http2(mut self) -> Self {
        self.protocols.insert(0, b"h2".to_vec());
        self
    }

    /// Writes the certificate and the key, as a server reads them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, certificate: &Path, key: &Path) -> std::io::Result<()> {
        std::fs::write(certificate, self.certificate.pem())?;
        std::fs::write(key, self.key.serialize_pem())
    }

    fn new(certificate: Certificate, key: KeyPair) -> Self {
        Self { certificate, key, protocols: vec![b"http/1.1".to_vec()] }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("PKCS #8");
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports them")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("the key is the certificate's");
        config.alpn_protocols.clone_from(&self.protocols);
        TlsAcceptor::from(Arc::new(config))
    }
}

fn params(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name or an address");
    match validity {
        Validity::Now => {}
        Validity::Expired => params.not_after = date_time_ymd(2024, 3, 1),
        Validity::NotYet => params.not_before = date_time_ymd(2090, 1, 1),
    }
    params
}
