//! An embedded sync engine for Applicant Tracking Systems (ATS).
//!
//! A host *declares* the records it wants; the engine *observes* what the ATS holds, *plans* the
//! difference, *applies* it exactly once and *reports* every change through a durable feed. An
//! adapter teaches it one ATS: a WebAssembly component without imports.
//!
//! # Example
//! The adapter is a component file here, and the credential comes from the environment:
//!
//! ```no_run
//! # #[cfg(not(feature = "components"))]
//! # fn main() {}
//! # #[cfg(feature = "components")]
//! use atsync::{
//!     ComponentHost, ConnectionOptions, Credential, DesiredCandidate, Engine, HostOptions, PlanOf,
//!     Secret,
//! };
//! use std::sync::Arc;
//!
//! # #[cfg(feature = "components")]
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // One engine serves all customers of a process; one store file holds what it knows.
//!     let engine = Engine::builder().store_file("acme.redb")?.build()?;
//!     let host = ComponentHost::new(HostOptions::default())?;
//!     let adapter = Arc::new(host.load_file("adapter.wasm".as_ref())?);
//!     let credential = Credential::ClientCredentials {
//!         client_id: std::env::var("ATS_ID")?,
//!         client_secret: Secret::new(std::env::var("ATS_SECRET")?),
//!     };
//!     let acme = engine.connect(ConnectionOptions::new("acme", adapter, credential)).await?;
//!
//!     // Observe: a later pull reads only what changed since.
//!     acme.pull("jobs").await?;
//!
//!     // Declare a candidate. Declared again under the same key, it is the same record.
//!     let ada: DesiredCandidate = serde_json::from_str(
//!         r#"{"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
//!             "emails": ["ada@example.com"], "tags": ["Met at a meetup"]}"#,
//!     )?;
//!     acme.declare(&[ada]).await?;
//!
//!     // Plan, read the plan, and apply it: each write exactly once.
//!     let plan = acme.plan(PlanOf::Dirty).await?;
//!     print!("{plan}");
//!     let report = acme.apply(&plan).await?;
//!     assert!(report.is_complete());
//!     Ok(())
//! }
//! ```
//!
//! Begin with [`Engine`] and [`Connection`]. Every name that a host needs is on this page;
//! [`model`] has the types of candidates, manifests and the contract. The crate knows no ATS by
//! name.
//!
//! Features: `components`, on by default, runs adapters that are components, and needs wasmtime,
//! which takes about half of a first build; without it a host links its adapters in
//! ([`NativeAdapter`]). `testing` adds tools for a host's tests: a clock that is set by hand,
//! seeded randomness, a scripted transport.

#![cfg_attr(
    not(feature = "internals"),
    allow(
        dead_code,
        unused_imports,
        unreachable_pub,
        reason = "what a room shows is for the other rooms and for tests, which have the feature \
                  `internals`; with it these lints hold"
    )
)]

mod adapter;
mod clock;
mod consent;
mod credential;
mod declaration;
mod declare;
mod engine;
mod entropy;
mod error;
mod feed;
mod heartbeat;
mod index;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod journal;
mod json;
mod life;
mod link;
mod near;
mod path;
mod pin;
mod plan;
mod reason;
mod reconcile;
mod records;
mod runtime;
mod schedule;
mod secret;
mod store;
mod sunset;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tidy;
mod transport;
mod vault;
mod webhook;

// The engine and its connections.
pub use consent::ConsentStart;
pub use credential::Credential;
pub use engine::{
    Backlog, Connection, ConnectionOptions, Engine, EngineBuilder, Planner, Status, SweepStatus,
};
pub use error::{Error, ErrorKind};
pub use heartbeat::{Heartbeat, LoopStatus};
pub use secret::{SealError, SealKeys, Secret, SecretRef, TextRef};
pub use vault::Vault;

// Declaring.
pub use atsync_model as model;
pub use atsync_model::contract::RemoteRef;
pub use atsync_model::desired::{Desired, DesiredCandidate};
pub use atsync_model::manifest::Manifest;
pub use declare::parse as parse_desired;
pub use declare::{Declare, Records as DesiredRecords, Refusal as DesiredRefusal};
pub use near::did_you_mean;
pub use store::DeclareReport;

// Planning, and reading a plan.
pub use plan::import::Imported;
pub use plan::withdraw::WithdrawOptions;
pub use plan::{Adoption, FieldChange, Finding, FindingKind, Plan, RecordPlan, Step};
pub use reconcile::{Explanation, FieldStory, IntentStory, Next, PlanOf};

// Doing, and what came of it.
pub use journal::{GivenUpBy, Intent, IntentState};
pub use life::Person;
pub use reason::{AuthReason, ConditionType, Reason, SunsetReason};
pub use reconcile::{
    ApplyReport, CheckResult, HintEnd, Progress, ProgressFn, PullReport, Resolution, SettleReport,
    StepEnd, StepReport, SweepOptions, SweepReport,
};
pub use store::{ErasureReport, HeldBy, Hold, ProblemRow};

// Reading records and the feed.
pub use link::{LinkHow, LinkRow};
pub use records::{Filter, Observed, Page};
pub use store::{
    Cause, Change, ChangeWhat, Condition, DesiredRow, DesiredStatus, Expected, Keep, Mode, Note,
    ObservedRow, Proof,
};

// Webhooks and schedules.
pub use schedule::{Cron, CronError, Crons, Round};
pub use webhook::{HintsReport, Received, Verdict, WebhookEnd, WebhooksBlocked, WebhooksReport};

// Adapters.
pub use adapter::{Adapter, AdapterError, Crash, NativeAdapter};
#[cfg(feature = "components")]
pub use adapter::{
    Compiler, CompilerProgram, ComponentAdapter, ComponentHost, HostError, HostOptions, Limits,
    LoadError, Metering,
};
pub use sunset::SunsetWarning;

// What a host may bring itself.
pub use clock::{Clock, SystemClock};
pub use entropy::{Entropy, SystemEntropy};
pub use store::memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use store::postgres::{PostgresOptions, PostgresStore};
pub use store::redb::{Backup, Compacted, RedbOptions, RedbStore, StoreFile};
pub use store::{Store, StoreError};
pub use transport::{
    Delivery, HttpOptions, HttpTransport, NotSent, TokenKeeper, Transport, Usage, WireRequest,
};
