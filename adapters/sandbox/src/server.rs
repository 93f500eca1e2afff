//! The HTTP shell: an accept loop around a sandbox, without any of an ATS's behaviour.
//!
//! It speaks HTTP/1.1 by hyper directly, because faults need two operations that frameworks hide:
//! closing a connection without an answer, and stopping in the middle of a body whose length was
//! announced. Bounds: [`CONNECTIONS_MAX`] connections, [`HEADERS_MAX`] headers.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::answer::{Answer, Delivery, Request};
use crate::webhooks::sender::{self, HookSource};

/// The largest body that is read; a file of a few megabytes in base64 fits.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most connections served at once; others wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// The most headers of one request.
const HEADERS_MAX: usize = 64;

/// A sandbox that a server can serve. Clones share one state.
pub trait Served: HookSource + Clone + Send + Sync + 'static {
    /// Answers one request, without any HTTP.
    fn handle(&self, request: &Request<'_>) -> Answer;
}

/// A sandbox behind a port.
#[derive(Debug)]
pub struct Running<S> {
    /// The address it listens on.
    pub addr: SocketAddr,
    sandbox: S,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    sending: JoinHandle<()>,
}

impl<S: Served> Running<S> {
    /// Returns the sandbox, to inspect and configure it.
    #[must_use]
    pub fn sandbox(&self) -> &S {
        &self.sandbox
    }

    /// Returns the base URL of everything that the sandbox serves, such as
    /// `http://127.0.0.1:8099`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops accepting, closes every connection, and waits for the end.
    pub async fn shutdown(self) {
        // If there is no receiver, serving has ended already.
        let _ = self.stop.send(true);
        let _ = self.serving.await;
        let _ = self.sending.await;
    }

    /// Waits until no delivery of a webhook is due or under way. One whose retry waits for the
    /// sandbox's clock is not due.
    pub async fn hooks_settled(&self) {
        sender::settled(&self.sandbox).await;
    }
}

/// Serves a sandbox over HTTP on the running tokio runtime.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve<S: Served>(sandbox: S, listen: SocketAddr) -> io::Result<Running<S>> {
    let listener = TcpListener::bind(listen).await?;
    let addr = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let sending = tokio::spawn(sender::run(sandbox.clone(), stopped.clone()));
    let serving = tokio::spawn(accept(listener, sandbox.clone(), stopped));
    Ok(Running { addr, sandbox, stop, serving, sending })
}

async fn accept<S: Served>(listener: TcpListener, sandbox: S, mut stopped: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = stopped.changed() => break,
            // Ended connections are removed as they end.
            Some(_) = connections.join_next() => continue,
            accepted = next(&listener, &slots) => accepted,
        };
        match stream {
            Ok((stream, slot)) => {
                let sandbox = sandbox.clone();
                connections.spawn(async move {
                    connection(stream, sandbox).await;
                    drop(slot);
                });
            }
            // A connection ended before it was accepted, or there are no more descriptors; other
            // tasks run first.
            Err(_) => tokio::task::yield_now().await,
        }
    }
    connections.shutdown().await;
}

/// Accepts the next connection, once there is room for it.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

async fn connection<S: Served>(stream: TcpStream, sandbox: S) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| one(sandbox.clone(), request));
    let served = hyper::server::conn::http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // An error means that the client disconnected, or that a fault was requested.
    drop(served);
}

/// The error that ends a connection without an answer.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a fault ends the connection without an answer")
    }
}

impl std::error::Error for NoAnswer {}

async fn one<S: Served>(
    sandbox: S,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Piece>, NoAnswer> {
    let (head, body) = request.into_parts();
    let Ok(body) = collect(body).await else { return Err(NoAnswer) };
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<(String, String)> =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let answer = sandbox.handle(&Request {
        method: head.method.as_str(),
        path_and_query: head
            .uri
            .path_and_query()
            .map_or("/", hyper::http::uri::PathAndQuery::as_str),
        headers: &headers,
        body: &body,
    });
    deliver(answer).await
}

async fn deliver(answer: Answer) -> Result<hyper::Response<Piece>, NoAnswer> {
    if answer.delay_ms > 0 {
        wait(Duration::from_millis(answer.delay_ms)).await;
    }
    let whole = answer.body.len();
    let cut = match answer.delivery {
        Delivery::DropBeforeProcessing | Delivery::DropAfterApply => return Err(NoAnswer),
        Delivery::Truncate(bytes) => bytes.min(whole),
        Delivery::Answer => whole,
    };
    let truncated = matches!(answer.delivery, Delivery::Truncate(_));
    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let announced = u64::try_from(whole).unwrap_or(u64::MAX);
    let part = Bytes::from(answer.body).slice(..cut);
    response
        .body(Piece { part: Some(part), announced, truncated, flushed: false })
        .map_err(|_| NoAnswer)
}

#[allow(
    clippy::disallowed_methods,
    reason = "a slow answer on a real socket is slow in real time; a simulation reads \
        Answer::delay_ms instead"
)]
async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// A body of one piece, which may end before the length it announced.
///
/// hyper drops unflushed bytes when a body fails, so a cut body waits one turn between its piece
/// and its failure. A piece larger than the socket accepts at once may arrive shorter still: "at
/// most so many bytes".
struct Piece {
    part: Option<Bytes>,
    announced: u64,
    truncated: bool,
    flushed: bool,
}

impl hyper::body::Body for Piece {
    type Data = Bytes;
    type Error = NoAnswer;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, NoAnswer>>> {
        match self.part.take() {
            Some(part) if !part.is_empty() => return Poll::Ready(Some(Ok(Frame::data(part)))),
            _ => {}
        }
        if !self.truncated {
            return Poll::Ready(None);
        }
        if self.flushed {
            return Poll::Ready(Some(Err(NoAnswer)));
        }
        self.flushed = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        !self.truncated && self.part.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

/// Reads the whole body, or enough of it to show that it is too large.
async fn collect(mut body: Incoming) -> Result<Vec<u8>, hyper::Error> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
        if whole.len() > BODY_BYTES_MAX {
            break;
        }
    }
    Ok(whole)
}
