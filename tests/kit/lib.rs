//! The kit of the end-to-end tests: a world of one engine and one Greenhouse sandbox, without
//! sockets and without real time.
//!
//! [`World`] wires the real engine (real plan, journal, session, budget; the Greenhouse adapter
//! natively or as a component) to the sandbox's model through [`Wire`], a transport that calls
//! [`Sandbox::handle`] instead of a socket and turns its delivery into what a socket would have
//! shown. Time is a [`ManualClock`]. A world can be *restarted*: the engine is thrown away and a
//! new one opens the same store.

use atsync::internals::adapter::Adapter;
use atsync::internals::plan::{Plan, words};
use atsync::internals::store::Store;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::transport::Transport;
use atsync::model::desired::Desired;
use atsync::testing::{ManualClock, SeededEntropy};
use atsync::{Clock, Connection, ConnectionOptions, Credential, Engine, Secret};
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;

mod adapters;
pub mod company;
mod death;
mod lines;
mod set_clock;
mod store;
mod wire;

pub use adapters::{
    Altered, BelowCandidates, CANARY, component_greenhouse, native_greenhouse,
    panicking_greenhouse, panicking_greenhouse_with_a_blank_probe, wasm_greenhouse,
};
pub use death::Death;
pub use lines::Lines;
pub use set_clock::SetClock;
pub use store::{StoreUpset, UpsetStore};
pub use wire::{Meddle, Wire};

/// When every world begins: 2026-11-24T10:00:00Z.
pub const BEGIN_MS: u64 = 1_795_514_400_000;
/// One engine, one sandbox, one clock.
pub struct World {
    /// The time.
    pub clock: Arc<ManualClock>,
    /// The sandbox, which knows what really happened.
    pub sandbox: Sandbox,
    /// The wire between them.
    pub wire: Arc<Wire>,
    /// The store, which survives a restart.
    pub store: Arc<dyn Store>,
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// The connection's settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The switch that ends an engine.
    pub death: Arc<Death>,
    lives: u64,
    engine: Engine,
}

impl World {
    /// A world with a company of this many candidates.
    pub fn new(seed: u64, candidates: usize) -> Self {
        let clock = ManualClock::at(BEGIN_MS);
        let mut options = SandboxOptions::sized(seed, candidates);
        options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        let time = Arc::clone(&clock);
        options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
        Self::with(
            Sandbox::new(options),
            clock,
            Arc::new(MemoryStore::default()),
            native_greenhouse(),
        )
    }

    /// Ids of the open jobs that every user may see.
    pub fn open_jobs(&self) -> Vec<String> {
        let jobs = self.sandbox.rows("jobs");
        let is_open = |job: &&Value| {
            job["status"] == "open" && job["is_template"] != true && job["confidential"] != true
        };
        jobs.iter().filter(is_open).map(|job| job["id"].to_string()).collect()
    }

    /// Declares one record ten minutes later and syncs it, which must complete.
    pub fn bring(&self, connection: &Connection, record: &Value) -> Plan {
        self.clock.set(self.clock.now_ms() + 600_000);
        self.run(connection.declare(&desired(&record.to_string()))).unwrap();
        self.sandbox.clear_logs();
        let (plan, report) = self.run(connection.sync()).unwrap();
        assert!(report.is_complete(), "{}\n{report:#?}", words::plan(&plan));
        plan
    }

    /// A world made of these parts.
    pub fn with(
        sandbox: Sandbox,
        clock: Arc<ManualClock>,
        store: Arc<dyn Store>,
        adapter: Arc<dyn Adapter>,
    ) -> Self {
        Self::mortal(sandbox, clock, store, adapter, Arc::default())
    }

    /// A world whose engine dies when `death` says so; the store may share it.
    pub fn mortal(
        sandbox: Sandbox,
        clock: Arc<ManualClock>,
        store: Arc<dyn Store>,
        adapter: Arc<dyn Adapter>,
        death: Arc<Death>,
    ) -> Self {
        let wire = Arc::new(Wire::new(sandbox.clone(), Arc::clone(&clock), Arc::clone(&death)));
        wire.audit(&store, "acme");
        let engine = engine(&store, &wire, &clock, 0);
        Self {
            clock,
            sandbox,
            wire,
            store,
            adapter,
            settings: serde_json::Map::new(),
            death,
            lives: 0,
            engine,
        }
    }

    /// Kills the engine and starts a new one on the same store.
    pub fn restart(&mut self) {
        self.wire.spare();
        self.wire.audit(&self.store, "acme");
        self.death.undo();
        self.lives += 1;
        self.engine = engine(&self.store, &self.wire, &self.clock, self.lives);
    }

    /// Runs a future on the manual clock.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.clock.drive(future)
    }

    /// Runs a future until its end or the engine's death, whichever comes first. After a death it
    /// is dropped, and the call returns none.
    pub fn live<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.clock.drive(self.death.or(future))
    }

    /// Opens the connection.
    pub fn connect(&self) -> Connection {
        self.run(self.engine.connect(self.options())).expect("the connection opens")
    }

    /// Opens another connection of the engine to the same ATS, with this adapter and no settings.
    pub fn connect_beside(&self, name: &'static str, adapter: Arc<dyn Adapter>) -> Connection {
        self.wire.audit_also(name);
        let mut options = self.options();
        (options.name, options.adapter) = (name.to_owned(), adapter);
        options.settings = serde_json::Map::new();
        self.run(self.engine.connect(options)).expect("the connection opens")
    }

    /// The engine that is alive.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The connection's options.
    pub fn options(&self) -> ConnectionOptions {
        let credential = Credential::ClientCredentials {
            client_id: "sandbox".into(),
            client_secret: Secret::new("sandbox-secret"),
        };
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
        requests
            .iter()
            .filter(|request| request.method == "GET")
            .map(|request| request.path.clone())
            .collect()
    }
}

/// Each engine has its own randomness, as a real one has.
fn engine(
    store: &Arc<dyn Store>,
    wire: &Arc<Wire>,
    clock: &Arc<ManualClock>,
    lives: u64,
) -> Engine {
    Engine::builder()
        .store(Arc::clone(store))
        .transport(Arc::clone(wire) as Arc<dyn Transport>)
        .clock(Arc::clone(clock) as Arc<dyn Clock>)
        .entropy(SeededEntropy::new(7 + lives))
        .build()
        .expect("the engine is built")
}

/// Desired records from JSON Lines.
pub fn desired(lines: &str) -> Vec<Desired> {
    atsync::internals::declare::parse("test", lines).expect("the records are valid")
}
