//! What end to end tests are written with: a world of one engine and one Greenhouse sandbox, without sockets and without real time.
//!
//! [`World`] wires the real engine (real plan, journal, session, budget; the Greenhouse adapter natively or as a component) to the
//! sandbox's model through [`Wire`], a transport that calls [`Sandbox::handle`] instead of a socket and turns its delivery into what a
//! socket would have shown. Time is a [`ManualClock`]. A world can be *restarted*: the engine is thrown away and a new one opens the same store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test kit stops the test when something does not hold"
)]

use atsync::adapter::{Adapter, NativeAdapter, native};
use atsync::model::contract::{Field, Response};
use atsync::model::desired::DesiredCandidate;
use atsync::store::Store;
use atsync::store::memory::MemoryStore;
use atsync::testing::{ManualClock, SeededEntropy};
use atsync::transport::{Delivery, Transport, WireRequest};
use atsync::{Clock, Connection, ConnectionOptions, Credential, Engine, Secret};
use atsync_adapter::Adapter as _;
use atsync_greenhouse::Greenhouse;
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When every world begins: 2026-11-24T10:00:00Z.
pub const BEGIN_MS: u64 = 1_795_514_400_000;
/// How long an answer takes on the wire, by the manual clock.
const LATENCY_MS: u64 = 40;

/// A transport without a socket: the sandbox's own handler behind the engine's session.
pub struct Wire {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    /// Exchanges so far.
    pub exchanges: AtomicU64,
    /// The exchange at which the engine is killed: the answer never comes. 0: never.
    pub kill_at: AtomicU64,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    fn deliver(&self, request: &WireRequest) -> (u64, Delivery) {
        let path = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        // A socket's client names the host, and the sandbox builds the link to the next page from it.
        let mut headers = request.headers.clone();
        if let Some(host) = request.url.host_str() {
            let port = request.url.port().map_or_else(String::new, |port| format!(":{port}"));
            headers.push(("host".to_owned(), format!("{host}{port}")));
        }
        let answer = self.sandbox.handle(&sandbox::Request {
            method: &request.method,
            path_and_query: &path,
            headers: &headers,
            body: &request.body,
        });
        let headers = answer.headers.iter().map(|(name, value)| Field::new(name.as_str(), value.as_str())).collect();
        let delivery = match answer.delivery {
            sandbox::Delivery::Answer => {
                Delivery::Answered(Response { status: answer.status, headers, body: answer.body })
            }
            sandbox::Delivery::DropBeforeProcessing => {
                Delivery::Unclear("the connection was closed without an answer".into())
            }
            sandbox::Delivery::DropAfterApply => Delivery::Unclear("the connection was reset".into()),
            sandbox::Delivery::Truncate(_) => Delivery::Unclear("the answer was cut".into()),
            other => panic!("the kit does not know {other:?}"),
        };
        (answer.delay_ms, delivery)
    }
}

impl Transport for Wire {
    fn exchange(&self, request: WireRequest) -> futures_util::future::BoxFuture<'_, Delivery> {
        let number = self.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            self.clock.sleep(LATENCY_MS).await;
            let (delay_ms, delivery) = self.deliver(&request);
            if number == self.kill_at.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            self.clock.sleep(delay_ms).await;
            delivery
        })
    }
}

/// One engine, one sandbox, one clock.
pub struct World {
    /// The time.
    pub clock: Arc<ManualClock>,
    /// The truth.
    pub sandbox: Sandbox,
    /// The wire between them.
    pub wire: Arc<Wire>,
    /// What survives a restart.
    pub store: Arc<dyn Store>,
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// The connection's settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
    engine: Engine,
}

/// The Greenhouse adapter, called natively.
pub fn native_greenhouse() -> Arc<dyn Adapter> {
    let functions =
        native::Functions { describe: Greenhouse::describe, start: Greenhouse::start, resume: Greenhouse::resume };
    Arc::new(NativeAdapter::new(functions).expect("the Greenhouse manifest is valid"))
}

impl World {
    /// A world with a company of this many candidates.
    pub fn new(seed: u64, candidates: usize) -> Self {
        let clock = ManualClock::at(BEGIN_MS);
        let mut options = SandboxOptions::sized(seed, candidates);
        options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        let time = Arc::clone(&clock);
        options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
        Self::with(Sandbox::new(options), clock, Arc::new(MemoryStore::default()), native_greenhouse())
    }

    /// A world of given parts.
    pub fn with(sandbox: Sandbox, clock: Arc<ManualClock>, store: Arc<dyn Store>, adapter: Arc<dyn Adapter>) -> Self {
        let wire = Arc::new(Wire {
            sandbox: sandbox.clone(),
            clock: Arc::clone(&clock),
            exchanges: AtomicU64::new(0),
            kill_at: AtomicU64::new(0),
        });
        let engine = engine(&store, &wire, &clock);
        Self { clock, sandbox, wire, store, adapter, settings: serde_json::Map::new(), engine }
    }

    /// Kills the engine and starts a new one on the same store.
    pub fn restart(&mut self) {
        self.wire.kill_at.store(0, Ordering::SeqCst);
        self.engine = engine(&self.store, &self.wire, &self.clock);
    }

    /// Runs a future by the manual clock.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.clock.drive(future)
    }

    /// Opens the connection.
    pub fn connect(&self) -> Connection {
        self.run(self.engine.connect(self.options())).expect("the connection opens")
    }

    /// The connection's options.
    pub fn options(&self) -> ConnectionOptions {
        let credential =
            Credential::ClientCredentials { client_id: "sandbox".into(), client_secret: Secret::new("sandbox-secret") };
        let mut options = ConnectionOptions::new("acme", Arc::clone(&self.adapter), credential);
        for origin in ["api", "auth"] {
            options.origins.insert(origin.into(), "http://127.0.0.1:8099".into());
        }
        options.allow_private_network = true;
        options.settings = self.settings.clone();
        options
    }

    /// Writes to the ATS since the logs were cleared, as `METHOD path`.
    pub fn written(&self) -> Vec<String> {
        let requests = self.sandbox.requests();
        requests
            .iter()
            .filter(|request| request.method != "GET" && request.path != "/token")
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// Reads since the logs were cleared, by path.
    pub fn reads(&self) -> Vec<String> {
        let requests = self.sandbox.requests();
        requests.iter().filter(|request| request.method == "GET").map(|request| request.path.clone()).collect()
    }
}

fn engine(store: &Arc<dyn Store>, wire: &Arc<Wire>, clock: &Arc<ManualClock>) -> Engine {
    Engine::builder()
        .store(Arc::clone(store))
        .transport(Arc::clone(wire) as Arc<dyn Transport>)
        .clock(Arc::clone(clock) as Arc<dyn Clock>)
        .entropy(SeededEntropy::new(7))
        .build()
        .expect("the engine is built")
}

/// Desired records from JSON Lines.
pub fn desired(lines: &str) -> Vec<DesiredCandidate> {
    atsync::declare::parse("test", lines).expect("the records are valid")
}
