//! What an attempt came to: its outcome, and a sentence for people.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use cstar_types::limits::RESPONSE_KEPT_BYTES;
use cstar_types::{Outcome, Timestamp};
use http::StatusCode;
use rustls::{AlertDescription, CertificateError};

use crate::sender::{Failure, NoTunnel, Stage};

/// Classifies an answer: any 2xx is success (W47), everything else is not (W48).
pub(crate) fn of_status(status: StatusCode) -> (Outcome, String) {
    let code = status.as_u16();
    match code {
        200..=299 => (Outcome::Success, format!("your endpoint answered {code}")),
        300..=399 => {
            let detail = format!(
                "your endpoint answered {code}; redirects are not followed, so register the final URL"
            );
            (Outcome::HttpStatus, detail)
        }
        _ => (Outcome::HttpStatus, format!("your endpoint answered {code}")),
    }
}

/// Classifies an attempt without an answer.
pub(crate) fn of_failure(failure: &Failure, attempt_timeout: Duration) -> (Outcome, String) {
    let (outcome, detail): (Outcome, Cow<'static, str>) = match failure {
        Failure::Blocked => (Outcome::BlockedTarget, "the address is not an allowed target".into()),
        Failure::Unresolved => (Outcome::Dns, "the host name has no address".into()),
        Failure::Connect(error) => (Outcome::Connect, of_connecting(error)),
        Failure::NoTunnel(reason) => (Outcome::Connect, of_proxy(reason)),
        Failure::Tls(Some(error)) => (Outcome::Tls, of_tls(error)),
        Failure::Tls(None) => (Outcome::Tls, "the connection was closed during the TLS handshake".into()),
        Failure::Timeout(stage) => (Outcome::Timeout, of_timeout(*stage, attempt_timeout).into()),
        Failure::Broken => (Outcome::Reset, "your endpoint closed the connection before it answered".into()),
        Failure::NotHttp => {
            let detail =
                "your endpoint answered with something that is not HTTP, or with more headers than are read";
            (Outcome::BadResponse, detail.into())
        }
        Failure::RanOut(error) => (Outcome::Connect, of_connecting(error)),
        Failure::NoRoom => (Outcome::Dns, "too many host names were being looked up".into()),
    };
    (outcome, detail.into_owned())
}

fn of_timeout(stage: Stage, limit: Duration) -> String {
    let missing = match stage {
        Stage::Resolving => "the host name did not resolve",
        Stage::Connecting => "no connection",
        Stage::ReachingProxy => "no connection to this server's egress proxy",
        Stage::Tunnelling => "no connection through this server's egress proxy",
        Stage::Handshaking => "the TLS handshake did not end",
        Stage::Answering => "no response",
    };
    match limit.subsec_millis() {
        0 => format!("{missing} within {} s", limit.as_secs()),
        _ => format!("{missing} within {} ms", limit.as_millis()),
    }
}

fn of_proxy(reason: &NoTunnel) -> Cow<'static, str> {
    match reason {
        NoTunnel::Unreachable => "this server's egress proxy could not be reached".into(),
        NoTunnel::Refused(status) => {
            let status = status.as_u16();
            format!("this server's egress proxy refused the connection: it answered {status}").into()
        }
        NoTunnel::Garbled => "this server's egress proxy gave no answer that can be read".into(),
        NoTunnel::SpokenFirst => {
            "something came through this server's egress proxy before anything was asked".into()
        }
    }
}

fn of_connecting(error: &io::Error) -> Cow<'static, str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            "the connection was reset".into()
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "the host could not be reached".into()
        }
        kind => format!("the connection failed: {kind}").into(),
    }
}

fn of_tls(error: &rustls::Error) -> Cow<'static, str> {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::InvalidMessage(_) => "your endpoint does not speak TLS on this port".into(),
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure,
        ) => "your endpoint offers no version of TLS, or no cipher, that is safe: 1.2 or later is needed"
            .into(),
        rustls::Error::AlertReceived(alert) => format!("your endpoint refused TLS: {alert:?}").into(),
        error => format!("TLS failed: {error}").into(),
    }
}

fn of_certificate(error: &CertificateError) -> Cow<'static, str> {
    match error {
        CertificateError::Expired => "the certificate expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate expired on {}", day(not_after.as_secs())).into()
        }
        CertificateError::NotValidYet => "the certificate is not valid yet".into(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate is not valid before {}", day(not_before.as_secs())).into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host name".into()
        }
        CertificateError::UnknownIssuer => {
            "the certificate is self-signed, or its issuer is not trusted, or an intermediate certificate is missing".into()
        }
        CertificateError::Revoked => "the certificate was revoked".into(),
        error => format!("the certificate is not valid: {error}").into(),
    }
}

/// `2025-12-10`
fn day(seconds: u64) -> String {
    let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    let mut text = Timestamp::from_millis(millis).to_seconds_string();
    text.truncate("2025-12-10".len());
    text
}

/// The beginning of an answer's body as text; a character that the cut has split is left out.
pub(crate) fn kept_body(body: Vec<u8>) -> String {
    let cut = body.len() >= RESPONSE_KEPT_BYTES;
    match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) => {
            let split = cut && error.utf8_error().error_len().is_none();
            let valid = error.utf8_error().valid_up_to();
            let bytes = if split { &error.as_bytes()[..valid] } else { error.as_bytes() };
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W47, W48, T7
    #[test]
    fn two_hundreds_alone_are_success() {
        for code in 100..600u16 {
            let (outcome, detail) = of_status(StatusCode::from_u16(code).unwrap());
            assert_eq!(outcome == Outcome::Success, (200..300).contains(&code), "{code}");
            assert!(detail.starts_with(&format!("your endpoint answered {code}")));
        }
    }

    /// W49
    #[test]
    fn a_timeout_says_what_did_not_come() {
        let detail = |stage, limit| of_failure(&Failure::Timeout(stage), limit);
        let ten = Duration::from_secs(10);
        assert_eq!(detail(Stage::Answering, ten), (Outcome::Timeout, "no response within 10 s".into()));
        assert_eq!(detail(Stage::Connecting, ten).1, "no connection within 10 s");
        assert_eq!(
            detail(Stage::Handshaking, Duration::from_millis(250)).1,
            "the TLS handshake did not end within 250 ms"
        );
        assert_eq!(detail(Stage::Resolving, ten).1, "the host name did not resolve within 10 s");
    }

    #[test]
    fn certificates_are_explained() {
        let of =
            |error| of_failure(&Failure::Tls(Some(rustls::Error::InvalidCertificate(error))), Duration::ZERO);
        let not_after = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(1_765_377_000));
        let expired = CertificateError::ExpiredContext { time: not_after, not_after };
        assert_eq!(of(expired), (Outcome::Tls, "the certificate expired on 2025-12-10".into()));
        assert_eq!(of(CertificateError::NotValidForName).1, "the certificate is for another host name");
    }

    #[test]
    fn a_body_is_kept_as_text() {
        assert_eq!(kept_body(b"plain".to_vec()), "plain");
        assert_eq!(kept_body(vec![b'a', 0xff, b'b']), "a\u{fffd}b");
        let mut cut = vec![b'a'; RESPONSE_KEPT_BYTES - 1];
        cut.push("ü".as_bytes()[0]);
        assert_eq!(kept_body(cut), "a".repeat(RESPONSE_KEPT_BYTES - 1));
    }
}
