//! Putting the house together: store, deliveries, streams, API; then running it.

use std::fs::DirBuilder;
use std::future::Future;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cstar_api::{Api, Service, TrustedProxies};
use cstar_delivery::{Engine, Handle, TargetRule};
use cstar_realtime::Hub;
use cstar_signature::TokenKey;
use cstar_store::sqlite::{self, SqliteStore};
use cstar_store::{Health, Store, StoreError};
use cstar_traces::Traces;
use cstar_types::{Clock, Timestamp};
use rustix::fs::Mode;
use tokio::net::TcpListener;
use tokio::runtime;
use url::Host;

use crate::descriptors;
use crate::error::{StartError, StopError};
use crate::keys::{self, MasterKey, PlatformKey};
use crate::listen;
use crate::metrics::{self, Counts};
use crate::nodes::{self, Node};
use crate::offline::Place;
use crate::operations::Operations;
use crate::options::{Options, SecretSetting};
use crate::page;
use crate::retention::Retention;
use crate::stream_runtime::StreamRuntime;
use crate::tasks::{TaskKind, Tasks};
use crate::tls;
use crate::traces::{self, Export, SpanCounts};

/// A server that has opened its data and its listeners, and serves once it runs.
pub struct Server {
    address: SocketAddr,
    platform_key: PlatformKey,
    data: PathBuf,
    store: Arc<dyn Store>,
    tasks: Tasks,
    /// Ends behind the tasks that run on it.
    _streams: StreamRuntime,
    export: Option<Export>,
}

/// The data directory is for its owner alone: it holds customers' events.
const PRIVATE_MODE: u32 = 0o700;

type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

impl Server {
    /// Opens the data, binds the listeners, and starts everything. Connections are accepted from now on.
    ///
    /// # Errors
    /// When something that was set cannot be used; nothing runs then.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        descriptors::raise_limit();
        keep_files_private();
        let clock: Clock = Arc::new(system_now);
        let Opened { store, node, keys } = open_data(&options).await?;
        let platform_key = keys.platform;
        let (address, listener) = bind(options.listen).await?;
        let tls = options.tls.as_ref().map(|(cert, key)| tls::acceptor(cert, key)).transpose()?;
        let spans = Arc::new(SpanCounts::default());
        let (traces, export) = start_traces(&options, &spans)?.unzip();
        let (engine, delivery) = engine(&options, address, &store, &clock, traces.clone())?;
        let hub = Hub::new(Arc::clone(&store), stream_options(&options), Arc::clone(&clock));
        let publish_times = cstar_api::publish_times();
        let text = metrics::text(Counts {
            store: Arc::clone(&store),
            delivery: delivery.clone(),
            hub: Arc::clone(&hub),
            publish_times: Arc::clone(&publish_times),
            spans,
        });

        let streams = StreamRuntime::start().map_err(|error| {
            StartError::Unusable(format!(
                "starting the runtime of streams: {error}; allow this process more open files"
            ))
        })?;
        let mut tasks = Tasks::new(stop_deadline(&options));
        let own_listener = start_metrics(&options, &text, &mut tasks).await?;
        let api = Api {
            store: Arc::clone(&store),
            hub: Arc::clone(&hub),
            delivery,
            options: api_options(&options, &platform_key, keys.tokens),
            clock: Arc::clone(&clock),
            publish_times,
            traces,
            metrics: (!own_listener).then_some(text),
        };
        let service = Service::new(api, page::routes());
        let main = runtime::Handle::current();
        tasks.start_on(streams.handle(), TaskKind::Api, |stop| {
            listen::serve(listener, tls, service, main, stop)
        });
        if options.roles.realtime {
            tasks.start_on(streams.handle(), TaskKind::Realtime, |stop| async move {
                hub.run(stop.cancelled()).await;
                Ok::<_, StartError>(())
            });
        }
        if options.roles.delivery {
            tasks.start(TaskKind::Delivery, |stop| engine.run(stop.cancelled_owned()));
        }
        start_upkeep(&mut tasks, &store, clock, &options);
        match node {
            Some(node) => {
                tasks.start(TaskKind::Doorbell, |stop| node.run(stop));
                tracing::info!(%address, "serving from a database that nodes share");
            }
            None => tracing::info!(%address, data = %options.data.display(), "serving"),
        }
        Ok(Self { address, platform_key, data: options.data, store, tasks, _streams: streams, export })
    }

    /// The address that the API is served on, with the port that was really taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The platform key, if it was made at this start: to be shown before [`Server::run`], which keeps it, and never again.
    #[must_use]
    pub fn made_platform_key(&self) -> Option<&SecretSetting> {
        self.platform_key.made.as_ref()
    }

    /// Serves until `shutdown` completes, then ends: streams are told when to come back, requests and attempts in flight end
    /// within their deadlines, and the store closes last.
    ///
    /// # Errors
    /// When a part failed. Nothing acknowledged is lost.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), StopError> {
        self.platform_key.keep(&self.data).map_err(StopError::PlatformKey)?;
        let result = self.tasks.run(shutdown).await;
        if let Some(export) = self.export {
            export.end().await;
        }
        self.store.close().await;
        if self.store.health() == Health::Poisoned {
            return Err(StopError::Store(StoreError::Poisoned));
        }
        tracing::info!("stopped");
        Ok(result?)
    }
}

/// Past the deadlines of what is in flight, results are still to be recorded.
const STOP_MARGIN: Duration = Duration::from_secs(8);

fn stop_deadline(options: &Options) -> Duration {
    options.attempt_timeout.max(listen::DRAIN_DEADLINE) + STOP_MARGIN
}

/// What a server cannot do without.
struct Keys {
    platform: PlatformKey,
    tokens: TokenKey,
}

/// The data, and what else they bring.
struct Opened {
    store: Arc<dyn Store>,
    /// This node's part in a store that others share.
    node: Option<Node>,
    keys: Keys,
}

async fn open_data(options: &Options) -> Result<Opened, StartError> {
    let (store, node, master_key): (Arc<dyn Store>, _, _) = match &options.store {
        Some(shared) => {
            let (node, master_key) =
                nodes::open(shared, options.roles, keys::known_master_keys(&Place::of(options))?).await?;
            (Arc::new(node.store.clone()), Some(node), master_key)
        }
        None => {
            let (store, master_key) = open_directory(options).await?;
            (Arc::new(store), None, master_key)
        }
    };
    let keys = Keys { platform: keys::platform_key(options)?, tokens: TokenKey::derived_from(&master_key) };
    Ok(Opened { store, node, keys })
}

async fn open_directory(options: &Options) -> Result<(SqliteStore, MasterKey), StartError> {
    let made = DirBuilder::new().recursive(true).mode(PRIVATE_MODE).create(&options.data);
    made.map_err(|error| StartError::file(&options.data, &error))?;
    let master_keys = keys::master_keys(&Place::of(options))?;
    let data = options.data.clone();
    let opened = tokio::task::spawn_blocking(move || open_store(&data, master_keys)).await;
    Ok(opened.map_err(|error| StartError::Unusable(format!("opening the store: {error}")))??)
}

/// Opens the store with that of the keys which it was encrypted with.
pub(crate) fn open_store(
    data: &Path,
    master_keys: Vec<MasterKey>,
) -> Result<(SqliteStore, MasterKey), StoreError> {
    for master_key in master_keys {
        match SqliteStore::open(sqlite::Options::new(data, sqlite::MasterKey::new(*master_key))) {
            Err(StoreError::OtherMasterKey) => {}
            opened => return opened.map(|store| (store, master_key)),
        }
    }
    Err(StoreError::OtherMasterKey)
}

/// How many peers may wait to be accepted; the system may allow fewer. Where all streams come back at once, as after a restart, those
/// who find no room are not refused but ask again after a second.
const BACKLOG: i32 = 4096;

async fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        rustix::net::listen(&listener, BACKLOG)?; // once more: the first time the runtime chose
        Ok((listener.local_addr()?, listener))
    };
    bound.await.map_err(|error: std::io::Error| {
        StartError::Unusable(format!(
            "cannot listen on {address}: {error}; give another address, or free this one"
        ))
    })
}

fn engine(
    options: &Options,
    address: SocketAddr,
    store: &Arc<dyn Store>,
    clock: &Clock,
    traces: Option<Arc<Traces>>,
) -> Result<(Engine, Handle), StartError> {
    let target = TargetRule {
        allow_http: options.allow_http,
        allowed: options.allow_targets.clone(),
        own_hosts: own_host(options).into_iter().collect(),
        own_ports: [Some(address), options.metrics_listen]
            .into_iter()
            .flatten()
            .map(|own| own.port())
            .collect(),
    };
    let extra = options.extra_ca.as_ref().map(|path| read(path)).transpose()?;
    let options = cstar_delivery::Options {
        attempt_timeout: options.attempt_timeout,
        retry_schedule: options.retry_schedule.clone(),
        failure_rule: options.failure_rule,
        in_flight_max: options.max_in_flight,
        target,
        extra_authorities_pem: extra,
        egress_proxy: options.egress_proxy.clone(),
        traces,
        ..cstar_delivery::Options::new(Arc::clone(clock))
    };
    descriptors::warn_if_few(options.descriptors_max());
    Engine::new(Arc::clone(store), options).map_err(|error| StartError::Unusable(error.to_string()))
}

fn start_traces(
    options: &Options,
    counts: &Arc<SpanCounts>,
) -> Result<Option<(Arc<Traces>, Export)>, StartError> {
    options.otlp_endpoint.as_ref().map(|collector| traces::start(collector, counts)).transpose()
}

/// The name that clients reach this server by.
fn own_host(options: &Options) -> Option<String> {
    options.public_url.as_ref().and_then(|url| url.host_str()).map(str::to_owned)
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|error| StartError::file(path, &error))
}

fn stream_options(options: &Options) -> cstar_realtime::Options {
    cstar_realtime::Options {
        ring_bytes: options.stream_memory_bytes,
        streams_a_key: options.streams_per_key,
        streams_a_team: options.streams_per_team,
        ..cstar_realtime::Options::default()
    }
}

fn api_options(options: &Options, platform_key: &PlatformKey, tokens: TokenKey) -> cstar_api::Options {
    cstar_api::Options {
        serves_api: options.roles.api,
        serves_streams: options.roles.realtime,
        envelope_max_bytes: options.envelope_max_bytes,
        webhooks_per_team: options.webhooks_per_team,
        added_types: options.added_types,
        retention: options.retention,
        origins: options.cors_origins.clone(),
        requests_per_key: options.requests_per_key,
        requests_per_team: options.requests_per_team,
        trusted_proxies: TrustedProxies::new(options.trusted_proxies.clone()),
        public_url: options.public_url.clone(),
        secure_cookies: secure_cookies(options),
        hosts: options.check_host.then(|| own_host(options).into_iter().collect()),
        ..cstar_api::Options::new(platform_key.digest, tokens)
    }
}

/// Browsers keep a secure cookie over TLS alone. Who is reached over plain HTTP on this very machine goes without, and must
/// have said so: a server that listens on loopback mostly stands behind a proxy that speaks TLS.
fn secure_cookies(options: &Options) -> bool {
    let is_local = match &options.public_url {
        Some(url) => url.scheme() == "http" && url.host().is_some_and(|host| is_loopback(&host)),
        None => options.is_for_dev && options.tls.is_none() && options.listen.ip().is_loopback(),
    };
    !is_local
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Serves `/metrics` alone, if it has an address of its own; answers whether it has.
async fn start_metrics(options: &Options, text: &MetricsText, tasks: &mut Tasks) -> Result<bool, StartError> {
    let Some(address) = options.metrics_listen else { return Ok(false) };
    let (_, listener) = bind(address).await?;
    let text = Arc::clone(text);
    let answer = move || std::future::ready(([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text()));
    let router = Router::new().route("/metrics", get(answer));
    let here = runtime::Handle::current();
    tasks.start(TaskKind::Metrics, |stop| listen::serve(listener, None, router.into(), here, stop));
    Ok(true)
}

fn start_upkeep(tasks: &mut Tasks, store: &Arc<dyn Store>, clock: Clock, options: &Options) {
    let operations = Operations { store: Arc::clone(store), clock: Arc::clone(&clock) };
    tasks.start(TaskKind::Operations, |stop| operations.run(stop));
    let retention = Retention {
        store: Arc::clone(store),
        clock,
        kept: options.retention,
        audit_kept: options.audit_retention,
        data: options.data.clone(),
    };
    tasks.start(TaskKind::Retention, |stop| retention.run(stop));
    let store = Arc::clone(store);
    tasks.start(TaskKind::StoreWatch, |stop| async move {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = store.poisoned() => Err(StoreError::Poisoned),
        }
    });
}

/// The system's clock.
pub(crate) fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The store makes its own files, in a directory that may have been there before, open to others: they hold customers'
/// events.
pub(crate) fn keep_files_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn cookies_are_secure_unless_it_is_said_that_there_is_no_tls() {
        let is_secure = |flags: &[(&str, &str)], is_for_dev| {
            let flags = flags.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            let settings = Settings::resolve(&flags, |_| None, None, &[]).unwrap();
            secure_cookies(&Options { is_for_dev, ..Options::from_settings(&settings).unwrap() })
        };
        assert!(is_secure(&[], false), "loopback is where a proxy finds it");
        assert!(is_secure(&[("public-url", "https://localhost")], true));
        assert!(is_secure(&[("public-url", "http://cstar.example.com")], true));
        assert!(is_secure(&[("listen", "0.0.0.0:7070")], true));
        assert!(!is_secure(&[], true));
        assert!(!is_secure(&[("public-url", "http://127.0.0.1:7070")], false));
        assert!(!is_secure(&[("public-url", "http://localhost:7070")], false));
    }
}
