//! What the operator may set of the API.

use std::time::Duration;

use crate::{Origins, TrustedProxies};
use cstar_signature::TokenKey;
use cstar_types::limits::{ADDED_TYPES, ENVELOPE_MAX_BYTES, WEBHOOKS_A_TEAM};
use url::Url;

/// Settings of the API; the server checks them against each other before it hands them over.
#[derive(Debug, Clone)]
pub struct Options {
    /// The SHA-256 of the platform key, which opens everything.
    pub platform_key_digest: [u8; 32],
    /// Signs realtime tokens. The same in every process that serves the same teams, and over restarts.
    pub token_key: TokenKey,
    /// Whether more is answered here than who is well, and streams.
    pub serves_api: bool,
    /// Whether streams are opened here.
    pub serves_streams: bool,
    /// The longest envelope, in bytes.
    pub envelope_max_bytes: usize,
    /// The most webhooks of a team.
    pub webhooks_per_team: usize,
    /// The most event types that the platform adds.
    pub added_types: usize,
    /// The most requests of a team key in a second; 0 is no limit.
    pub requests_per_key: u32,
    /// The most requests of a team's keys together in a second; 0 is no limit.
    pub requests_per_team: u32,
    /// How long events are kept. A webhook's retries end within it: what is still to be sent cannot be removed.
    pub retention: Duration,
    /// How long a publish waits for its sync before it is answered `outcome_unknown`.
    pub publish_timeout: Duration,
    /// Whose pages may read answers (CORS).
    pub origins: Origins,
    /// How people reach this server, if that was said.
    pub public_url: Option<Url>,
    /// Whether the cookies of sessions are kept by browsers over TLS alone.
    pub secure_cookies: bool,
    /// The names by which this server is called beside IP addresses and `localhost`; a request that names another host is
    /// refused then. `None`: any.
    pub hosts: Option<Vec<String>>,
    /// Proxies that are believed when they say whom they heard.
    pub trusted_proxies: TrustedProxies,
    /// The most bytes of bodies that are held at a time, over all requests; beyond them a body is refused with
    /// `queue_full`.
    pub body_memory_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

/// One busy application; a batch of 1,000 events counts as one request.
const REQUESTS_PER_KEY: u32 = 1_000;

/// A few of them, and a fraction of the 13,000 single publishes that two cores answer: a few teams at their limit leave room
/// for others.
const REQUESTS_PER_TEAM: u32 = 2_000;

/// A month, in which somebody notices that a receiver missed something.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Far longer than a sync on a slow disk, shorter than the time-outs of common HTTP clients and proxies.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// 64 bodies of the largest size, or some hundred thousand single events; what is made of a body takes about as much
/// again, so at worst this is half a gigabyte, which a small machine still has.
const BODY_MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// 4 MiB, the largest body, take this long over 1.2 Mbit/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

impl Options {
    /// The defaults, with the platform key that has this digest and the key of tokens.
    #[must_use]
    pub fn new(platform_key_digest: [u8; 32], token_key: TokenKey) -> Self {
        Self {
            platform_key_digest,
            token_key,
            serves_api: true,
            serves_streams: true,
            envelope_max_bytes: ENVELOPE_MAX_BYTES,
            webhooks_per_team: WEBHOOKS_A_TEAM,
            added_types: ADDED_TYPES,
            requests_per_key: REQUESTS_PER_KEY,
            requests_per_team: REQUESTS_PER_TEAM,
            retention: RETENTION,
            publish_timeout: PUBLISH_TIMEOUT,
            origins: Origins::default(),
            public_url: None,
            secure_cookies: true,
            hosts: None,
            trusted_proxies: TrustedProxies::default(),
            body_memory_bytes: BODY_MEMORY_BYTES,
            body_timeout: BODY_TIMEOUT,
        }
    }
}
