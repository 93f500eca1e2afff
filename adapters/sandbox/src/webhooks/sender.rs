//! Sends the deliveries of a running server: one task, one delivery at a time.
//!
//! It holds no lock while it sends, so a receiver may call the sandbox's API before it answers. A
//! receiver that is slow delays the other deliveries, never an answer of the API. Retries are due
//! by the sandbox's clock, which tests advance; while one waits, the task reads the clock every
//! [`TICK`]. Bounds: [`ANSWER_MAX`] for an answer. Left out: TLS. An `https` endpoint counts as one
//! that does not answer.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use super::queue::HookRequest;

/// The time for an answer. That of an ATS is mostly unknown; this one is usual.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How often the clock is read while a retry waits. Arbitrary.
const TICK: Duration = Duration::from_millis(50);

/// The signals between the sandbox, its sender, and callers that wait for the sender.
#[derive(Debug, Clone, Default)]
pub struct HookSignals {
    queued: Arc<Notify>,
    ended: Arc<Notify>,
}

impl HookSignals {
    /// Says that a delivery may be due.
    pub fn wake(&self) {
        self.queued.notify_one();
    }

    /// Says that an attempt ended.
    pub fn ended(&self) {
        self.ended.notify_waiters();
    }
}

/// A sandbox whose deliveries the server's sender sends.
pub trait HookSource: Send + Sync {
    /// Returns the signals of this sandbox.
    fn hook_signals(&self) -> &HookSignals;

    /// Takes the next delivery that is due.
    fn next_hook(&self) -> Option<HookRequest>;

    /// Takes the answer to a delivery: its status, or none without one in time.
    fn hook_answered(&self, number: u64, status: Option<u16>);

    /// Whether an attempt is due or under way.
    fn is_hook_due(&self) -> bool;

    /// Whether a delivery waits, now or for a later attempt.
    fn is_hook_waiting(&self) -> bool;
}

/// Waits until no attempt is due or under way.
pub(crate) async fn settled<S: HookSource>(sandbox: &S) {
    let signals = sandbox.hook_signals();
    loop {
        let mut ended = std::pin::pin!(signals.ended.notified());
        ended.as_mut().enable();
        if !sandbox.is_hook_due() {
            return;
        }
        ended.await;
    }
}

/// Sends deliveries until the server stops.
pub(crate) async fn run<S: HookSource>(sandbox: S, mut stopped: watch::Receiver<bool>) {
    loop {
        let Some(request) = sandbox.next_hook() else {
            tokio::select! {
                _ = stopped.changed() => return,
                () = wait(&sandbox) => continue,
            }
        };
        let status = tokio::select! {
            _ = stopped.changed() => return,
            sent = tokio::time::timeout(ANSWER_MAX, send(&request)) => sent.ok().flatten(),
        };
        sandbox.hook_answered(request.number, status);
    }
}

/// Waits until a delivery may be due.
async fn wait<S: HookSource>(sandbox: &S) {
    let queued = sandbox.hook_signals().queued.clone();
    if sandbox.is_hook_waiting() {
        // A test may advance its clock without a signal, so the clock is read again after a while.
        let _ = tokio::time::timeout(TICK, queued.notified()).await;
    } else {
        queued.notified().await;
    }
}

/// Sends one delivery. Returns the status of its answer, if there is one.
async fn send(request: &HookRequest) -> Option<u16> {
    let uri: hyper::Uri = request.url.parse().ok()?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"))?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await.ok()?;
    let path = uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let mut head = hyper::Request::post(path).header("Host", authority.as_str());
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    let body = Full::new(Bytes::from(request.body.clone()));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut answer = std::pin::pin!(sender.send_request(head.body(body).ok()?));
    // The connection ends with this function; only the status counts, not the answer's body.
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // It may end in the same moment as its answer arrives.
        _ = connection => answer.await,
    };
    answer.ok().map(|answer| answer.status().as_u16())
}
