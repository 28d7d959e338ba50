//! `WEBHOOK_SECRET=whsec_… cargo run -p rust-receiver`, then `cstar listen --forward-to http://localhost:3000/webhook`.
#![expect(clippy::print_stdout, reason = "it is what the example does")]

use std::error::Error;

use cstar_signature::Secret;
use rust_receiver::{Event, router};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Events that wait to be worked on.
const QUEUE_EVENTS: usize = 1000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("WEBHOOK_SECRET").map_err(|_| "set WEBHOOK_SECRET to the webhook's secret")?;
    let (events, mut waiting) = mpsc::channel::<Event>(QUEUE_EVENTS);
    tokio::spawn(async move {
        while let Some(event) = waiting.recv().await {
            println!("{} {}: {}", event.created_at, event.event_type, event.data);
        }
    });
    let listener = TcpListener::bind(("127.0.0.1", 3000)).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    axum::serve(listener, router(Secret::parse(&secret)?, events)).await?;
    Ok(())
}
