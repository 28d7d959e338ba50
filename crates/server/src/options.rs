//! What a server is started with: the settings, read once and checked against each other.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cstar_api::Origins;
use cstar_delivery::EgressProxy;
use cstar_types::{FailureRule, RetrySchedule, limits, parse_duration};
use ipnet::IpNet;

use crate::retention::IDEMPOTENCY_KEPT;
use crate::roles::Roles;
use crate::settings::{Settings, SettingsError};
use crate::traces;

/// Everything that a server is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the API is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The data directory.
    pub data: PathBuf,
    /// The database that several nodes share, in place of the data directory.
    pub store: Option<SharedStore>,
    /// What this node does of what nodes that share a database do.
    pub roles: Roles,
    /// How clients reach this server.
    pub public_url: Option<url::Url>,
    /// When failed attempts are tried again.
    pub retry_schedule: RetrySchedule,
    /// The time for one attempt.
    pub attempt_timeout: Duration,
    /// Which webhooks are disabled because they only fail.
    pub failure_rule: FailureRule,
    /// Attempts under way at once.
    pub max_in_flight: usize,
    /// How long things are kept.
    pub retention: Duration,
    /// How long the audit log is kept.
    pub audit_retention: Duration,
    /// Private ranges that webhooks may reach.
    pub allow_targets: Vec<IpNet>,
    /// Whether `http://` webhooks are allowed.
    pub allow_http: bool,
    /// The proxy that deliveries go through.
    pub egress_proxy: Option<EgressProxy>,
    /// Further certificate authorities for webhooks.
    pub extra_ca: Option<PathBuf>,
    /// Largest envelope in bytes.
    pub envelope_max_bytes: usize,
    /// Most webhooks of a team.
    pub webhooks_per_team: usize,
    /// The most event types that the platform adds.
    pub added_types: usize,
    /// Memory for the newest frames of all streams, in bytes.
    pub stream_memory_bytes: usize,
    /// Most requests of a key in a second; 0 is no limit.
    pub requests_per_key: u32,
    /// Most requests of a team in a second; 0 is no limit.
    pub requests_per_team: u32,
    /// Most open streams of a key.
    pub streams_per_key: usize,
    /// Most open streams of a team.
    pub streams_per_team: usize,
    /// Whose pages may read answers.
    pub cors_origins: Origins,
    /// Proxies that are believed when they say whom they heard.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether requests that name another host are refused.
    pub check_host: bool,
    /// Whether it is a developer's own, which browsers on this machine reach without TLS.
    pub is_for_dev: bool,
    /// Certificate chain and private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where metrics are served, if not with the API.
    pub metrics_listen: Option<SocketAddr>,
    /// Where spans are sent, if they are.
    pub otlp_endpoint: Option<url::Url>,
    /// What is logged.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Where the master key stands.
    pub master_key_file: Option<PathBuf>,
    /// The master key itself.
    pub master_key: Option<SecretSetting>,
    /// The platform key.
    pub platform_key: Option<SecretSetting>,
}

/// A database that several nodes share.
#[derive(Debug, Clone)]
pub struct SharedStore {
    /// Where it is, and who asks.
    pub url: SecretSetting,
    /// How nodes tell each other that there is something new, if not by the database.
    pub doorbell: Option<SecretSetting>,
    /// The authority of both, if the system does not know it.
    pub authority: Option<PathBuf>,
    /// How long a node may be silent before others take over what it was about to send.
    pub lease: Duration,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A secret from the environment; it does not print itself (SEC-3).
#[derive(Clone)]
pub struct SecretSetting(zeroize::Zeroizing<String>);

impl SecretSetting {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(zeroize::Zeroizing::new(secret))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSetting(…)")
    }
}

/// The shortest platform key, in characters: 32 random letters hold more than 128 bits.
const PLATFORM_KEY_MIN_CHARS: usize = 32;
/// A node says every second that it is there; some of that may be lost.
const LEASE_MIN: Duration = Duration::from_secs(3);
/// The longest time for one attempt: longer ones would hold slots without hope.
const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// The shortest retention: an idempotency key is kept as long, and is good for nothing without its event.
const RETENTION_MIN: Duration = IDEMPOTENCY_KEPT;

impl Options {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// The first setting that cannot be read, or the first unsound combination, and what to do.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let required = |name| SettingsError(format!("--{name} is needed"));
        let options = Self {
            listen: settings.read("listen", address)?.ok_or_else(|| required("listen"))?,
            data: settings.read("data", path)?.ok_or_else(|| required("data"))?,
            store: shared_store(settings)?,
            roles: settings.read("roles", str::parse)?.unwrap_or(Roles::ALL),
            public_url: settings.read("public-url", str::parse)?,
            retry_schedule: settings.read("retry-schedule", str::parse)?.unwrap_or_default(),
            attempt_timeout: settings
                .read("attempt-timeout", duration)?
                .ok_or_else(|| required("attempt-timeout"))?,
            failure_rule: failure_rule(settings)?,
            max_in_flight: settings.read("max-in-flight", count)?.ok_or_else(|| required("max-in-flight"))?,
            retention: settings.read("retention", duration)?.ok_or_else(|| required("retention"))?,
            audit_retention: settings
                .read("audit-retention", duration)?
                .ok_or_else(|| required("audit-retention"))?,
            allow_targets: settings.read("allow-targets", ranges)?.unwrap_or_default(),
            allow_http: settings.read("allow-http", switch)?.unwrap_or(false),
            egress_proxy: settings.read("egress-proxy", str::parse)?,
            extra_ca: settings.read("extra-ca", path)?,
            envelope_max_bytes: settings
                .read("envelope-max-bytes", count)?
                .unwrap_or(limits::ENVELOPE_MAX_BYTES),
            webhooks_per_team: settings.read("webhooks-per-team", count)?.unwrap_or(limits::WEBHOOKS_A_TEAM),
            added_types: settings.read("event-types", count)?.unwrap_or(limits::ADDED_TYPES),
            stream_memory_bytes: settings
                .read("stream-memory", count)?
                .ok_or_else(|| required("stream-memory"))?,
            requests_per_key: settings
                .read("requests-per-key", rate)?
                .ok_or_else(|| required("requests-per-key"))?,
            requests_per_team: settings
                .read("requests-per-team", rate)?
                .ok_or_else(|| required("requests-per-team"))?,
            streams_per_key: settings
                .read("streams-per-key", count)?
                .ok_or_else(|| required("streams-per-key"))?,
            streams_per_team: settings
                .read("streams-per-team", count)?
                .ok_or_else(|| required("streams-per-team"))?,
            cors_origins: settings.read("cors-origins", str::parse)?.unwrap_or_default(),
            trusted_proxies: settings.read("trusted-proxies", ranges)?.unwrap_or_default(),
            check_host: settings.read("check-host", switch)?.unwrap_or(false),
            is_for_dev: false,
            tls: tls(settings)?,
            metrics_listen: settings.read("metrics-listen", address)?,
            otlp_endpoint: settings.read("otlp-endpoint", traces::endpoint)?,
            log: settings.read("log", str::parse)?.ok_or_else(|| required("log"))?,
            log_format: settings.read("log-format", log_format)?.unwrap_or(LogFormat::Text),
            master_key_file: settings.read("master-key-file", path)?,
            master_key: settings.read("master-key", secret)?,
            platform_key: settings.read("platform-key", secret)?,
        };
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let refuse = |text: &str| Err(SettingsError(text.to_owned()));
        if self.attempt_timeout.is_zero() || self.attempt_timeout > ATTEMPT_TIMEOUT_MAX {
            return refuse("--attempt-timeout must be above 0 and at most 60s");
        }
        if self.retention < RETENTION_MIN {
            return refuse("--retention must be at least 24h: for so long a repeat finds its first event");
        }
        if self.audit_retention < RETENTION_MIN {
            return refuse("--audit-retention must be at least 24h");
        }
        if self.retry_schedule.waits().iter().sum::<Duration>() > self.retention {
            return refuse(
                "--retry-schedule goes on for longer than --retention keeps events: shorten one or lengthen the other",
            );
        }
        if self.public_url.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https")) {
            return refuse("--public-url must begin with https:// or http://");
        }
        if !(2..=100_000).contains(&self.max_in_flight) {
            return refuse("--max-in-flight must be 2 to 100000: failing webhooks may hold half of it");
        }
        if !(1024..=limits::ENVELOPE_CEILING_BYTES).contains(&self.envelope_max_bytes) {
            return refuse("--envelope-max-bytes must be 1024 to 98304");
        }
        if self.trusted_proxies.iter().any(|range| range.prefix_len() == 0) {
            return refuse("--trusted-proxies must not hold every address: anybody could say who they are");
        }
        if self.webhooks_per_team > limits::WEBHOOKS_A_TEAM_CEILING {
            return refuse("--webhooks-per-team must be at most 1000");
        }
        if self.added_types > limits::ADDED_TYPES_CEILING {
            return refuse("--event-types must be at most 1000");
        }
        if self.platform_key.as_ref().is_some_and(|key| key.reveal().chars().count() < PLATFORM_KEY_MIN_CHARS)
        {
            return refuse(
                "CSTAR_PLATFORM_KEY must have at least 32 characters: take 32 random bytes in hex",
            );
        }
        if self
            .platform_key
            .as_ref()
            .is_some_and(|key| ["csk_", "cst_"].iter().any(|of| key.reveal().starts_with(of)))
        {
            return refuse(
                "CSTAR_PLATFORM_KEY must not begin with csk_ or cst_, as team keys and realtime tokens do",
            );
        }
        if self.store.is_none() && self.roles != Roles::ALL {
            return refuse("--roles is for nodes that share a --store: one alone has all of them");
        }
        if self.store.is_some() && self.platform_key.is_none() {
            return refuse(
                "set CSTAR_PLATFORM_KEY, the same on every node: one that a node made would be its own",
            );
        }
        if self.store.is_some() && self.master_key.is_none() && self.master_key_file.is_none() {
            return refuse(
                "set CSTAR_MASTER_KEY or give --master-key-file, the same on every node: it encrypts what they share",
            );
        }
        if self.master_key.is_some() && self.master_key_file.is_some() {
            return refuse("give CSTAR_MASTER_KEY or --master-key-file, not both");
        }
        Ok(())
    }
}

fn failure_rule(settings: &Settings) -> Result<FailureRule, SettingsError> {
    let FailureRule { after, attempts } = FailureRule::default();
    Ok(FailureRule {
        after: settings.read("disable-after", duration)?.unwrap_or(after),
        attempts: settings.read("disable-attempts", attempts_count)?.unwrap_or(attempts),
    })
}

fn shared_store(settings: &Settings) -> Result<Option<SharedStore>, SettingsError> {
    let lease = settings.read("node-lease", duration)?;
    let doorbell = settings.read("doorbell", doorbell_url)?;
    let authority = settings.read("store-ca", path)?;
    let Some(url) = settings.read("store", store_url)? else {
        return match (doorbell, authority) {
            (None, None) => Ok(None),
            _ => {
                Err(SettingsError("--doorbell and --store-ca are for nodes that share a --store".to_owned()))
            }
        };
    };
    let lease = lease.ok_or_else(|| SettingsError("--node-lease is needed".to_owned()))?;
    if lease < LEASE_MIN {
        return Err(SettingsError(
            "--node-lease must be at least 3s: a node says each second that it is there".to_owned(),
        ));
    }
    Ok(Some(SharedStore { url, doorbell, authority, lease }))
}

/// SEC-3: none of it is repeated.
pub(crate) fn store_url(text: &str) -> Result<SecretSetting, &'static str> {
    match is_postgres(text) {
        true => Ok(SecretSetting::new(text.to_owned())),
        false => Err("write a URL such as postgres://user:password@host:5432/database"),
    }
}

fn doorbell_url(text: &str) -> Result<SecretSetting, &'static str> {
    match is_postgres(text) || text.starts_with("nats://") || text.starts_with("tls://") {
        true => Ok(SecretSetting::new(text.to_owned())),
        false => {
            Err("write a URL such as nats://host:4222, tls://host:4222, or one of a PostgreSQL database")
        }
    }
}

/// Whether it is a URL of a PostgreSQL database.
pub(crate) fn is_postgres(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

fn tls(settings: &Settings) -> Result<Option<(PathBuf, PathBuf)>, SettingsError> {
    match (settings.read("tls-cert", path)?, settings.read("tls-key", path)?) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        _ => Err(SettingsError("--tls-cert and --tls-key go together: give both or neither".to_owned())),
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an address and a port, such as 0.0.0.0:7070 or [::1]:7070")
}

pub(crate) fn path(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(PathBuf::from(text))
}

fn secret(text: &str) -> Result<SecretSetting, std::convert::Infallible> {
    Ok(SecretSetting::new(text.to_owned()))
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text).ok_or("write a whole number with a unit (ms, s, m, h, d), such as 10s")
}

fn count(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "write a whole number")
}

fn attempts_count(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "write a whole number of attempts, or 0 to disable none")
}

fn rate(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "write a whole number of requests a second, or 0 for no limit")
}

fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("write true or false"),
    }
}

fn ranges(text: &str) -> Result<Vec<IpNet>, String> {
    let one = |range: &str| range.parse().map_err(|_| format!("`{range}` is no range such as 10.0.0.0/8"));
    text.split(',').map(str::trim).filter(|range| !range.is_empty()).map(one).collect()
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Result<Options, SettingsError> {
        let flags: BTreeMap<_, _> =
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Options::from_settings(&Settings::resolve(&flags, |_| None, None, &[])?)
    }

    /// W49, W50, W51, W52: what holds if nobody says otherwise.
    #[test]
    fn the_defaults_are_those_of_the_documents() {
        let options = options(&[]).unwrap();
        assert_eq!(options.retry_schedule.to_string(), "1m,5m,30m");
        assert_eq!(options.attempt_timeout, Duration::from_secs(10));
        assert_eq!(options.failure_rule, FailureRule::default());
        assert_eq!(options.retention, Duration::from_secs(30 * 24 * 3600));
        assert!(!options.allow_http && options.allow_targets.is_empty());
    }

    #[test]
    fn unsound_combinations_are_refused_with_the_reason() {
        for (pairs, word) in [
            (vec![("tls-cert", "a.pem")], "--tls-key"),
            (vec![("attempt-timeout", "0s")], "--attempt-timeout"),
            (vec![("attempt-timeout", "2m")], "--attempt-timeout"),
            (vec![("disable-after", "5 days")], "--disable-after"),
            (vec![("disable-attempts", "some")], "--disable-attempts"),
            (vec![("retention", "24h"), ("retry-schedule", "1h,1d")], "--retry-schedule"),
            (vec![("retention", "23h")], "--retention"),
            (vec![("public-url", "mailto:a@example.com")], "--public-url"),
            (vec![("max-in-flight", "1")], "--max-in-flight"),
            (vec![("envelope-max-bytes", "100000")], "--envelope-max-bytes"),
            (vec![("allow-targets", "10.0.0.0/33")], "10.0.0.0/33"),
            (vec![("trusted-proxies", "10.0.0.1/32,0.0.0.0/0")], "--trusted-proxies"),
            (vec![("trusted-proxies", "10.0.0.0/8,::/0")], "--trusted-proxies"),
            (vec![("egress-proxy", "https://proxy.internal:3128")], "--egress-proxy"),
            (vec![("listen", "7070")], "--listen"),
            (vec![("cors-origins", "https://app.example.com/page")], "https://app.example.com/page"),
            (vec![("log-format", "xml")], "text or json"),
            (vec![("store", "mysql://u:hunter2@db/cstar")], "--store"),
            (vec![("store", "postgres://u@db/cstar")], "CSTAR_PLATFORM_KEY"),
            (vec![("store", "postgres://u@db/cstar"), ("node-lease", "2s")], "--node-lease"),
            (vec![("store", "postgres://u@db/cstar"), ("doorbell", "redis://hunter2@db")], "--doorbell"),
            (vec![("doorbell", "nats://127.0.0.1:4222")], "--store"),
            (vec![("roles", "api")], "--store"),
            (vec![("roles", "api,sender")], "api, delivery, realtime"),
            (vec![("otlp-endpoint", "http://us:canary@collector.internal")], "OTEL_EXPORTER_OTLP_HEADERS"),
        ] {
            let error = options(&pairs).unwrap_err();
            assert!(error.0.contains(word), "{pairs:?}: {error}");
        }
    }
}
