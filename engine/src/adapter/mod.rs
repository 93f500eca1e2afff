//! Adapters as the engine sees them.
//!
//! [`Adapter`] is the contract's three functions. `host::ComponentHost` loads WebAssembly
//! components that fulfil it, each call in a fresh store under limits (feature `components`, on by
//! default); [`native::NativeAdapter`] calls the same code compiled natively (tests, simulation,
//! measurements). What an adapter answers is checked in [`check`] before anybody acts on it: an
//! adapter can fail, lie or loop, and that is an [`AdapterError`] on its connection and nothing
//! else.
//!
//! Left out: sending. An adapter does no input or output, and neither does this module beyond
//! reading the component file.

pub mod check;
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

/// Why a call of an adapter came to nothing through its own fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// It used more memory, time, stack or bytes than it may.
    #[error("the adapter went over a limit: {0}")]
    Limit(String),
    /// It trapped.
    #[error("the adapter crashed: {0}")]
    Trap(Crash),
    /// It answered something that the contract does not allow.
    #[error("the adapter broke the contract: {0}")]
    Contract(String),
    /// What it was answered leads back to a page that it has read: the walk would never end.
    #[error("the pages of the ATS name each other in a circle: a link was followed before")]
    Circle,
    /// It did not keep what its manifest says.
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

    /// Whether the host takes the manifest's word for where requests go at first. True of what is
    /// linked into the host; a component that was loaded gets its origins from the operator until
    /// the host says [`ComponentAdapter::vouched`].
    fn is_vouched_for(&self) -> bool {
        true
    }

    /// Begins a task.
    ///
    /// # Errors
    /// The outer error is the adapter's fault, the inner one its answer.
    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError>;

    /// Goes on after a reply.
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
