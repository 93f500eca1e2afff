//! An embedded sync engine for Applicant Tracking Systems (ATS).
//!
//! A host *declares* the records it wants; the engine *observes* what the ATS holds, *plans* the difference, *applies* it exactly
//! once and *reports* every change through a durable feed. An ATS is taught to it by an adapter, a WebAssembly component without imports.
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
pub mod plan;
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
pub use engine::{Connection, ConnectionOptions, Engine, EngineBuilder, Status, SweepStatus};
pub use entropy::{Entropy, SystemEntropy};
pub use error::{Error, ErrorKind};
pub use life::Person;
pub use reconcile::{Explanation, HintEnd, PlanOf, Progress, ProgressFn, Resolution, SweepOptions, SweepReport};
pub use records::{Filter, Observed, PAGE_ROWS_MAX, Page};
pub use secret::{Secret, SecretRef, TextRef};
pub use webhook::{Received, Verdict};
