//! Publish → webhook: one endpoint, as fast as it goes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::publish::TICKET;
use crate::report::Measured;
use crate::server::Server;
use crate::{Failure, cpu};

/// Events in one batch.
const BATCH: usize = 100;
/// Batches published before the first deliveries are waited for, so that the server never waits for us.
const AHEAD: usize = 5_000;
const DEADLINE: Duration = Duration::from_secs(180);

pub(crate) async fn one_endpoint(server: &Server, events: usize) -> Result<Measured, Failure> {
    let received = Arc::new(AtomicUsize::new(0));
    let endpoint = receive(Arc::clone(&received)).await?;
    let webhook = format!(r#"{{"url":"http://{endpoint}/webhook","events":["ticket.*"]}}"#);
    let mut connection = server.connect().await?;
    let (status, answer) = connection.post(&server.path("webhooks"), webhook.into()).await?;
    if status != 201 {
        return Err(format!("making a webhook: {status}: {}", String::from_utf8_lossy(&answer)).into());
    }
    let batch = Bytes::from(format!(r#"{{"events":[{}]}}"#, vec![TICKET; BATCH].join(",")));
    let cpu_before = cpu::seconds(server.pid()?)?;
    let began = Instant::now();
    let mut published = 0;
    while received.load(Ordering::Relaxed) < events {
        if published < events && published < received.load(Ordering::Relaxed) + AHEAD {
            let (status, _) = connection.post(&server.path("events"), batch.clone()).await?;
            if status != 201 {
                return Err(format!("a batch answered {status}").into());
            }
            published += BATCH;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if began.elapsed() > DEADLINE {
            return Err(format!(
                "only {} of {events} were delivered in time",
                received.load(Ordering::Relaxed)
            )
            .into());
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let recorded_after = until_recorded(server, began).await?;
    let cpu_seconds = cpu::seconds(server.pid()?)? - cpu_before;
    let events = events as f64;
    let figures = vec![
        ("deliveries", events),
        ("deliveries_per_s", events / seconds),
        ("recorded_deliveries_per_s", events / recorded_after),
        ("server_cpu_us_per_delivery", cpu_seconds * 1e6 / events),
        ("received_more_than_once", received.load(Ordering::Relaxed) as f64 - published as f64),
    ];
    Ok(Measured { name: "publish_to_webhook", figures })
}

/// Waits until every delivery is on record as delivered.
async fn until_recorded(server: &Server, began: Instant) -> Result<f64, Failure> {
    let mut connection = server.connect().await?;
    let path = server.path("deliveries?limit=1&status=");
    loop {
        let mut open = 0;
        for status in ["pending", "retrying"] {
            let (_, answer) = connection.get(&format!("{path}{status}")).await?;
            let page: serde_json::Value = serde_json::from_slice(&answer)?;
            let more = page["has_more"].as_bool().unwrap_or(false);
            open += page["data"].as_array().map_or(1, Vec::len) + usize::from(more && status == "retrying");
        }
        if open == 0 {
            return Ok(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > DEADLINE {
            return Err("not every delivery was recorded in time".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn receive(received: Arc<AtomicUsize>) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let received = Arc::clone(&received);
            let service = service_fn(move |request: Request<Incoming>| {
                let received = Arc::clone(&received);
                async move {
                    let _ = request.into_body().collect().await;
                    received.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                }
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Ok(address)
}
