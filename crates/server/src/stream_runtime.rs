//! A runtime of its own for streams, and for connections that have not said yet whether they are one.
//!
//! Tasks of one runtime stand in one line. When an audience of thousands comes back at once, a publish would be answered behind all of
//! them: half a second for 10,000. On a runtime of their own they wait for each other, and the system shares the processors out
//! between the two. What begins with anything but a stream goes to the runtime of everything else, and stays there; TLS and HTTP/2
//! stay here: handshakes come in crowds too, and a connection may carry both.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// Ends, without waiting for what still runs there, when it is dropped.
pub(crate) struct StreamRuntime(Option<Runtime>);

impl StreamRuntime {
    /// Starts its threads: as many as the runtime of everything else has.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().thread_name("cstar-streams").build()?;
        Ok(Self(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it is there until it is dropped").handle()
    }
}

impl Drop for StreamRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::time::Duration;

    use axum::Router;
    use cstar_api::{Api, Service};
    use cstar_delivery::Engine;
    use cstar_realtime::Hub;
    use cstar_signature::TokenKey;
    use cstar_store::model::Model;
    use cstar_types::{Clock, Timestamp};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::listen;

    /// Without a key, so that it is refused before it comes to the store: the way to and from there is what is asked for.
    const PUBLISH: &[u8] = b"POST /v1/teams/550e8400-e29b-41d4-a716-446655440000/events HTTP/1.1\r\n\
        host: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    const REFUSED: &str = "HTTP/1.1 401 ";
    /// Reached only when it fails.
    const DEADLINE: Duration = Duration::from_secs(30);

    fn service() -> Service {
        let clock: Clock = Arc::new(|| Timestamp::from_millis(0));
        let store = Model::new();
        let of_delivery = cstar_delivery::Options::new(Arc::clone(&clock));
        let (_, delivery) = Engine::new(Arc::clone(&store) as _, of_delivery).unwrap();
        let of_streams = cstar_realtime::Options::default();
        let api = Api {
            hub: Hub::new(Arc::clone(&store) as _, of_streams, Arc::clone(&clock)),
            store,
            delivery,
            options: cstar_api::Options::new([0; 32], TokenKey::new(&[7; 32])),
            clock,
            publish_times: cstar_api::publish_times(),
            traces: None,
            metrics: None,
        };
        Service::new(api, Router::new())
    }

    async fn publish(client: &mut TcpStream) {
        client.write_all(PUBLISH).await.unwrap();
        let (mut answer, mut read) = (String::new(), [0; 4096]);
        while !answer.ends_with('}') {
            let bytes = client.read(&mut read).await.unwrap();
            assert!(bytes > 0, "{answer}");
            answer += std::str::from_utf8(&read[..bytes]).unwrap();
        }
        assert!(answer.starts_with(REFUSED), "{answer}");
    }

    /// A publisher who is there is answered while streams keep every thread of theirs busy.
    #[tokio::test]
    async fn publishes_do_not_wait_for_streams() {
        let (streams, stop) = (StreamRuntime::start().unwrap(), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let serving = listen::serve(listener, None, service(), Handle::current(), stop.clone());
        let serving = streams.handle().spawn(serving);
        publish(&mut client).await;

        let threads = streams.handle().metrics().num_workers();
        let (busy, free) = (Arc::new(Barrier::new(threads + 1)), Arc::new(Barrier::new(threads + 1)));
        for _ in 0..threads {
            let (busy, free) = (Arc::clone(&busy), Arc::clone(&free));
            streams.handle().spawn(async move {
                busy.wait();
                free.wait();
            });
        }
        busy.wait();
        timeout(DEADLINE, publish(&mut client)).await.expect("it waits for the streams");
        free.wait();
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
