//! The sockets of the HTTP API, and what a peer may cost.
//!
//! A peer that sends no whole head within [`HEAD_MS`] is cut. At a stop no request is accepted; one
//! that is under way may end within [`STOP_MS`], and is cut then.
//!
//! Bounds: [`PEERS_MAX`] connections; further ones wait in the system's queue. [`HEAD_BYTES_MAX`]
//! for a head.

#![expect(clippy::disallowed_methods, reason = "serves each peer in a task")]

use super::access::Door;
use super::local::Local;
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
/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long a request under way may take after a stop, in milliseconds.
const STOP_MS: u64 = 10_000;
/// How long the system's refusal to accept is waited out, in milliseconds: it has no file
/// descriptors left.
const REFUSED_MS: u64 = 100;

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
                    format!("serve.listen: {address} cannot be listened on: {error}")
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
                    Ok(stream) => drop(peers.spawn(peer(stream, local.clone(), ended, place))),
                    Err(error) => refused(&error).await,
                },
                accepted = accept(self.tcp.as_ref()) => match (accepted, &remote) {
                    (Ok(stream), Some(app)) => {
                        drop(peers.spawn(peer(stream, app.clone(), ended, place)));
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
    _place: OwnedSemaphorePermit,
) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEAD_MS))
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
