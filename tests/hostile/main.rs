//! Hostile components in a whole engine: each fault is named by its class, costs its own connection
//! alone, and sends nothing that the contract does not allow.
//!
//! Method: one engine and one sandbox of Greenhouse on a manual clock, two connections, real
//! components on one adapter runtime. `acme` has the hostile component, `guild` beside it the
//! Greenhouse adapter as it ships; during each attack and after it `guild` reads, declares and
//! writes. `guest` is Greenhouse's adapter with one fault at a time; the `.wat` files are bodies of
//! functions in `frame.wat`. Calls are measured by fuel, so that a busy machine ends no honest one.
//! README.md lists the attacks with their tests, and `table.rs` proves the list complete.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops when something does not hold, and reads files"
)]

#[path = "../../engine/tests/adapter_support/frame.rs"]
mod frame;
mod guests;
mod reads;
mod table;
mod writes;

use atsync::internals::adapter::{Adapter, AdapterError, ComponentHost, HostOptions, Metering};
use atsync::internals::transport::NotSent;
use atsync::{Clock as _, Connection, Error, ErrorKind};
use atsync_tests::{World, desired};
use futures_util::future::join;
use serde_json::json;
use std::cell::Cell;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Ends a loop in less than a second; a page of the sandbox takes a tenth of it.
const FUEL: u64 = 1_000_000_000;

/// Whom the guest would create although she was not declared.
const STRANGER: &str = "eve@example.com";

fn tmp() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// The one adapter runtime of all connections.
fn host() -> &'static ComponentHost {
    static HOST: OnceLock<ComponentHost> = OnceLock::new();
    HOST.get_or_init(|| {
        let mut options = HostOptions::default();
        options.metering = Metering::Fuel(FUEL);
        options.cache_dir = Some(tmp().join("hostile-compiled"));
        ComponentHost::new(options).unwrap()
    })
}

/// Greenhouse's adapter with the fault that a setting names.
fn guest() -> Arc<dyn Adapter> {
    static GUEST: OnceLock<Arc<dyn Adapter>> = OnceLock::new();
    let build = || -> Arc<dyn Adapter> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let component = atsync_componentize::build_published(atsync_componentize::Published {
            package: "atsync-adapter-hostile",
            version: "0.1.0",
            source: Some(&workspace.join("tests/hostile/guest")),
            patches: &[],
            lock: Some(&workspace.join("Cargo.lock")),
            directory: &tmp().join("hostile"),
            target_dir: &tmp().parent().unwrap().join("adapters"),
        });
        Arc::new(host().load("hostile", &component.unwrap()).unwrap().vouched())
    };
    Arc::clone(GUEST.get_or_init(build))
}

/// The Greenhouse adapter as it ships.
fn greenhouse() -> Arc<dyn Adapter> {
    static GREENHOUSE: OnceLock<Arc<dyn Adapter>> = OnceLock::new();
    let load = || -> Arc<dyn Adapter> {
        let bundled = atsync_adapters_bundled::GREENHOUSE;
        Arc::new(host().load("greenhouse", bundled).unwrap().vouched())
    };
    Arc::clone(GREENHOUSE.get_or_init(load))
}

/// The class of a failure, by its types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The adapter used more than it may.
    Limit,
    /// It crashed.
    Crash,
    /// Its answer violates the contract.
    Contract,
    /// Its pages name each other.
    Circle,
    /// It broke a promise of its manifest.
    Promise,
    /// Its request breaks a rule and was not sent.
    Malformed,
    /// Its request leads out of the grant and was not sent.
    Outside,
}

/// The class of an error. Its kind must fit: a fault of the adapter is called one.
#[track_caller]
fn class(error: &Error) -> Class {
    let class = match (error.cause::<AdapterError>(), error.cause::<NotSent>()) {
        (Some(AdapterError::Limit(_)), _) => Class::Limit,
        (Some(AdapterError::Trap(_)), _) => Class::Crash,
        (Some(AdapterError::Contract(_)), _) => Class::Contract,
        (Some(AdapterError::Circle), _) => Class::Circle,
        (Some(AdapterError::Promise(_)), _) => Class::Promise,
        (_, Some(NotSent::Malformed(_))) => Class::Malformed,
        (_, Some(NotSent::Refused(_))) => Class::Outside,
        _ => panic!("{:?}: {error}", error.kind()),
    };
    let kind = match class {
        Class::Outside => ErrorKind::Configuration,
        _ => ErrorKind::Adapter,
    };
    assert_eq!(error.kind(), kind, "{error}");
    class
}

/// Two connections of one engine.
struct Scene {
    world: World,
    /// With the hostile adapter.
    acme: Connection,
    /// With an honest one.
    guild: Connection,
    rounds: Cell<u32>,
}

impl Scene {
    /// With the guest and this attack.
    fn new(attack: &str) -> Self {
        let mut world = World::new(41, 20);
        world.adapter = guest();
        world.settings.insert("attack".into(), json!(attack));
        Self::of(world)
    }

    /// With the adapter and the settings of this world.
    fn of(world: World) -> Self {
        let acme = world.connect();
        let guild = world.connect_beside("guild", greenhouse());
        Self { world, acme, guild, rounds: Cell::new(0) }
    }

    /// Opens the hostile connection anew with this attack.
    fn turn_to(mut self, attack: &str) -> Self {
        drop(self.acme);
        self.world.settings.insert("attack".into(), json!(attack));
        self.acme = self.world.connect();
        self
    }

    /// Runs an attack. The neighbour reads and writes during it and after it.
    fn beside<T>(&self, attack: impl Future<Output = T>) -> T {
        let (ended, ()) = self.world.run(join(attack, self.round()));
        self.world.run(self.round());
        ended
    }

    /// What the neighbour does: it reads a kind, and creates one candidate that it declares.
    async fn round(&self) {
        let number = self.rounds.get();
        self.rounds.set(number + 1);
        let address = format!("guild-{number}@example.com");
        let record = json!({"key": format!("guild-{number}"),
            "name": {"first": "Grace", "last": format!("Hopper {number}")}, "emails": [address]});
        self.guild.pull("candidates").await.unwrap();
        self.guild.declare(&desired(&record.to_string())).await.unwrap();
        let (_, report) = self.guild.sync().await.unwrap();
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!(self.world.sandbox.candidates_by_email(&address).len(), 1);
    }

    /// Lets time pass.
    fn pass(&self, by_ms: u64) {
        self.world.run(self.world.clock.sleep(by_ms));
    }

    /// Nothing reached the ATS but reads of its lists, tokens, and creates of what was declared.
    #[track_caller]
    fn sent_nothing_else(&self) {
        for request in self.world.sandbox.requests() {
            let is_read = request.method == "GET" && request.path.starts_with("/v3/");
            let is_create = request.method == "POST" && request.path == "/v3/candidates";
            assert!(
                is_read || is_create || request.path == "/token",
                "{} {}",
                request.method,
                request.path
            );
            assert!(!request.path.contains("evil") && !request.path.contains("%2e"));
        }
        assert!(self.world.sandbox.candidates_by_email(STRANGER).is_empty());
    }
}
