//! An embedded sync engine for Applicant Tracking Systems (ATS).
//!
//! A host *declares* the records it wants; the engine *observes* what the ATS holds, *plans* the
//! difference, *applies* it exactly once and *reports* every change through a durable feed. An ATS
//! is taught to it by an adapter, a WebAssembly component without imports.
//!
//! # Example
//! The adapter is a component file here, and the credential comes from the environment:
//!
#![cfg_attr(feature = "components", doc = "```no_run")]
#![cfg_attr(not(feature = "components"), doc = "```ignore")]
//! use atsync::adapter::{ComponentHost, HostOptions};
//! use atsync::model::desired::DesiredCandidate;
//! use atsync::{ConnectionOptions, Credential, Engine, PlanOf, Secret};
//! use std::sync::Arc;
//!
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
//!     acme.pull("jobs", false).await?;
//!
//!     // Declare who should be there. Declared again under the same key, it is the same record.
//!     let ada: DesiredCandidate = serde_json::from_str(
//!         r#"{"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
//!             "emails": ["ada@example.com"], "tags": ["Met at a meetup"]}"#,
//!     )?;
//!     acme.declare(&[ada]).await?;
//!
//!     // Plan, read the plan, and apply it: each effect exactly once.
//!     let plan = acme.plan(PlanOf::Dirty).await?;
//!     print!("{}", atsync::plan::words::plan(&plan));
//!     let report = acme.apply(&plan).await?;
//!     assert!(report.is_complete());
//!     Ok(())
//! }
//! ```
//!
//! Begin with [`Engine`]. The other modules are its rooms, and dependencies between them point one way:
//! [`plan`] and [`journal`] are pure; [`store`], [`transport`] and [`adapter`] do one kind of input and output each; [`reconcile`] composes
//! them for one connection; [`schedule`] says when. The crate knows no ATS by name.
//!
//! Features: `components`, on by default, runs adapters that are components and brings wasmtime along; without it a host links its adapters in
//! and gives them as [`adapter::NativeAdapter`]. `testing` adds what a host's tests need: a clock set by hand, seeded randomness, a scripted transport.

pub mod adapter;
pub mod clock;
mod credential;
pub mod declare;
mod engine;
pub mod entropy;
pub mod error;
mod feed;
pub mod journal;
mod json;
mod life;
pub mod near;
mod path;
mod pin;
pub mod plan;
mod reason;
pub mod reconcile;
mod records;
mod runtime;
pub mod schedule;
pub mod secret;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transport;
pub mod webhook;

pub use atsync_model as model;
pub use clock::{Clock, SystemClock};
pub use credential::Credential;
pub use engine::{
    Connection, ConnectionOptions, Engine, EngineBuilder, Planner, Status, SweepStatus,
};
pub use entropy::{Entropy, SystemEntropy};
pub use error::{Error, ErrorKind};
pub use life::Person;
pub use reason::{ConditionType, Reason};
pub use reconcile::{
    Explanation, HintEnd, PlanOf, Progress, ProgressFn, Resolution, SweepOptions, SweepReport,
};
pub use records::{Filter, Observed, PAGE_ROWS_MAX, Page};
pub use secret::{Secret, SecretRef, TextRef};
pub use webhook::{Received, Verdict};
