//! Adapters, as the engine calls them.
//!
//! [`Adapter`] is the contract's three functions. `host::ComponentHost` loads WebAssembly
//! components that implement it, each call in a fresh store under limits (feature `components`, on
//! by default); [`native::NativeAdapter`] calls the same code compiled natively (tests, simulation,
//! measurements). [`check`] checks each answer of an adapter before it is used: an adapter can
//! fail, return false answers or loop, and each is an [`AdapterError`] of its connection alone.
//!
//! Left out: sending. An adapter does no input or output, and neither does this module beyond
//! reading the component file.

pub mod check;
pub mod contract;
mod crash;
#[cfg(feature = "components")]
pub mod host;
pub mod limits;
pub mod manifest_check;
pub mod native;
pub mod promise;

pub use check::TaskGuard;
pub use crash::Crash;
#[cfg(feature = "components")]
pub use host::{
    Compiler, CompilerProgram, ComponentAdapter, ComponentHost, HostError, HostOptions, Limits,
    LoadError, Metering,
};
pub use native::NativeAdapter;

use atsync_model::contract::{Continuation, Failure};
use atsync_model::contract::{Given, Reply, Step, Task};
use atsync_model::manifest::Manifest;
use std::fmt::Debug;

/// A fault of an adapter that made a call fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// It used more memory, time, stack or bytes than it may.
    #[error("the adapter went over a limit: {0}")]
    Limit(String),
    /// It trapped.
    #[error("the adapter crashed: {0}")]
    Trap(Crash),
    /// Its answer violates the contract.
    #[error("the adapter broke the contract: {0}")]
    Contract(String),
    /// The ATS's answer leads back to a page that was read: the scan would never end.
    #[error("the pages of the ATS name each other in a circle: a link was followed before")]
    Circle,
    /// It broke a promise of its manifest.
    #[error("{0}")]
    Promise(Box<promise::BrokenPromise>),
}

/// The contract's three functions. Calls are pure; implementations may be called from several
/// threads at once.
pub trait Adapter: Debug + Send + Sync {
    /// What the adapter is; read once at load.
    fn manifest(&self) -> &Manifest;

    /// SHA-256 of its code in hexadecimal, where it is a component.
    fn code_hash(&self) -> Option<&str> {
        None
    }

    /// Whether the host accepts the manifest's origins at first use. True for an adapter that is
    /// linked in; a loaded component gets its origins from the operator unless the host calls
    /// [`ComponentAdapter::vouched`].
    fn is_vouched_for(&self) -> bool {
        true
    }

    /// Begins a task.
    ///
    /// # Errors
    /// The outer error is the adapter's fault, the inner one its answer.
    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError>;

    /// Continues after a reply.
    ///
    /// # Errors
    /// As for [`Adapter::start`].
    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError>;
}
