//! The sockets of the HTTP API, and what a peer may cost.
//!
//! A peer that sends no whole head within [`HEAD_MS`], or reads nothing of an answer for
//! [`UNREAD_MS`], is cut. At a stop no request is accepted; one
//! that is under way may end within [`STOP_MS`], and is cut then.
//!
//! Bounds: [`PEERS_MAX`] connections; further ones wait in the system's queue. [`HEAD_BYTES_MAX`]
//! for a head.

#![expect(clippy::disallowed_methods, reason = "serves each peer in a task")]

use super::access::Door;
use super::local::Local;
use super::write_timeout::WriteTimeout;
use atsync::{Clock, SystemClock};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Peers at once, on all sockets.
const PEERS_MAX: usize = 2_048;
/// How long a peer may take for the head of a request, in milliseconds.
const HEAD_MS: u64 = 10_000;
/// How long a peer may read nothing of what is sent to it, in milliseconds.
const UNREAD_MS: u64 = 30_000;
/// How long a peer may take.
const PATIENCE: Patience =
    Patience { head: Duration::from_millis(HEAD_MS), unread: Duration::from_millis(UNREAD_MS) };
/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long a request under way may take after a stop, in milliseconds.
const STOP_MS: u64 = 10_000;
/// How long the system's refusal to accept is waited out, in milliseconds: it has no file
/// descriptors left.
const REFUSED_MS: u64 = 100;

/// How long a peer may take.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For the head of a request.
    head: Duration,
    /// To read anything of what is sent to it.
    unread: Duration,
}

/// The listening sockets.
#[derive(Debug)]
pub(super) struct Listeners {
    local: Local,
    tcp: Option<(TcpListener, SocketAddr)>,
}

impl Listeners {
    /// Binds the unix socket of a store, and the address if there is one.
    ///
    /// # Errors
    /// One sentence that names the socket or the address.
    pub(super) async fn bind(store: &Path, address: Option<SocketAddr>) -> Result<Self, String> {
        let local = Local::bind(store)?;
        let tcp = match address {
            None => None,
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                let bound = bound.and_then(|tcp| tcp.local_addr().map(|at| (tcp, at)));
                let (tcp, at) = bound.map_err(|error| {
                    format!(
                        "serve.listen: {address} cannot be listened on: {error}; stop the program \
                         that uses it, or name another address or port"
                    )
                })?;
                Some((tcp, at))
            }
        };
        Ok(Self { local, tcp })
    }

    /// The unix socket's path, and the address.
    pub(super) fn places(&self) -> (&Path, Option<SocketAddr>) {
        (self.local.path(), self.tcp.as_ref().map(|(_, at)| *at))
    }

    /// Serves until `stop`, then lets requests under way end.
    pub(super) async fn serve(self, app: Router, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(PEERS_MAX));
        let mut peers = JoinSet::new();
        let local = app.clone().layer(Extension(Door::Socket));
        let remote = self.tcp.as_ref().map(|(_, at)| app.layer(Extension(Door::Tcp(*at))));
        loop {
            // Finished ones.
            while peers.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let ended = stop.clone();
            tokio::select! {
                biased;
                () = async { drop(stop.wait_for(|stop| *stop).await) } => break,
                accepted = self.local.accept() => match accepted {
                    Ok(stream) => {
                        drop(peers.spawn(peer(stream, local.clone(), ended, (place, PATIENCE))));
                    }
                    Err(error) => refused(&error).await,
                },
                accepted = accept(self.tcp.as_ref()) => match (accepted, &remote) {
                    (Ok(stream), Some(app)) => {
                        drop(peers.spawn(peer(stream, app.clone(), ended, (place, PATIENCE))));
                    }
                    (Err(error), _) => refused(&error).await,
                    (Ok(_), None) => {}
                },
            }
        }
        drop(self.local);
        while peers.join_next().await.is_some() {}
    }
}

/// Waits for a peer of the address; for ever where there is none.
async fn accept(tcp: Option<&(TcpListener, SocketAddr)>) -> std::io::Result<tokio::net::TcpStream> {
    match tcp {
        Some((tcp, _)) => tcp.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

async fn refused(error: &std::io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    SystemClock.sleep(REFUSED_MS).await;
}

/// Serves one peer until it leaves, or until the server stops.
async fn peer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    app: Router,
    mut stop: watch::Receiver<bool>,
    (_place, patience): (OwnedSemaphorePermit, Patience),
) {
    let stream = WriteTimeout::new(stream, patience.unread);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = async { drop(stop.wait_for(|stop| *stop).await) } => {
            served.as_mut().graceful_shutdown();
            match tokio::time::timeout(Duration::from_millis(STOP_MS), served).await {
                Ok(ended) => ended,
                Err(_) => return tracing::debug!("a request was cut at the stop"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a peer left");
    }
}

#[cfg(test)]
mod tests {
    use super::{HEAD_BYTES_MAX, PATIENCE, Patience, peer};
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::stream;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::{Semaphore, watch};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    /// A peer of a server that streams without end, and the task that serves it.
    fn connected(patience: Patience) -> (DuplexStream, JoinHandle<()>, watch::Sender<bool>) {
        let endless = || async {
            let chunk = || Ok::<_, Infallible>(Bytes::from_static(&[b'a'; 1_024]));
            Body::from_stream(stream::repeat_with(chunk))
        };
        let app = Router::new().route("/endless", get(endless));
        let (ours, theirs) = duplex(4_096);
        let (stop, stopped) = watch::channel(false);
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        (ours, tokio::spawn(peer(theirs, app, stopped, (place, patience))), stop)
    }

    #[tokio::test]
    async fn a_peer_that_stops_reading_a_stream_loses_its_place() {
        let patience = Patience { unread: Duration::from_millis(20), ..PATIENCE };
        let (mut ours, served, _stop) = connected(patience);
        let began = Instant::now();
        ours.write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        served.await.unwrap();
        assert!(began.elapsed() >= patience.unread);
    }

    #[tokio::test]
    async fn a_peer_that_sends_its_head_slowly_is_cut() {
        let patience = Patience { head: Duration::from_millis(20), ..PATIENCE };
        let (mut ours, served, _stop) = connected(patience);
        let began = Instant::now();
        ours.write_all(b"GET /endless HTTP/1.1\r\n").await.unwrap();
        served.await.unwrap();
        assert!(began.elapsed() >= patience.head);
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let (mut ours, served, _stop) = connected(PATIENCE);
        let head = format!("GET /endless HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(HEAD_BYTES_MAX));
        let (mut read, mut write) = tokio::io::split(&mut ours);
        let mut answer = String::new();
        let (_, read) =
            tokio::join!(write.write_all(head.as_bytes()), read.read_to_string(&mut answer));
        read.unwrap();
        served.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}
