//! Adapters without WebAssembly: the same three functions, compiled into the host.
//!
//! For hosts that build without wasmtime and trust the adapters they link in, and for tests and
//! measurements. Answers go through the same checks, and a panic is a crash of the adapter, like a
//! trap. The difference: memory, stack and time have no limit here, so load an adapter of others as
//! a component.
//!
//! [`NativeAdapter::of`] takes a type that implements [`PureAdapter`], as every adapter that is
//! written with the SDK does.

use super::check;
use super::limits::{NOTICE_BYTES_MAX, REPLY_BYTES_MAX};
use super::{Adapter, AdapterError, Crash, manifest_check};
use atsync_model::PureAdapter;
use atsync_model::contract::{Continuation, Failure, Given, Reply, Step, Task};
use atsync_model::manifest::Manifest;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The three functions of a [`PureAdapter`] as values: tests replace one of them.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// The adapter's manifest.
    pub describe: fn() -> Manifest,
    /// Begins a task.
    pub start: fn(Task, &Given) -> Result<Step, Failure>,
    /// Continues after a reply.
    pub resume: fn(Continuation, &Given, Reply) -> Result<Step, Failure>,
}

/// An adapter compiled into the host.
#[derive(Debug)]
pub struct NativeAdapter {
    functions: Functions,
    manifest: Manifest,
}

impl NativeAdapter {
    /// The adapter of a type:
    ///
    /// ```no_run
    /// use atsync::model::PureAdapter;
    /// use atsync::{AdapterError, NativeAdapter};
    ///
    /// fn linked<A: PureAdapter>() -> Result<NativeAdapter, AdapterError> {
    ///     NativeAdapter::of::<A>()
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`NativeAdapter::new`].
    pub fn of<A: PureAdapter>() -> Result<Self, AdapterError> {
        Self::new(Functions { describe: A::describe, start: A::start, resume: A::resume })
    }

    /// Reads and checks the manifest.
    ///
    /// # Errors
    /// [`AdapterError::Contract`] when the manifest is not valid.
    pub fn new(functions: Functions) -> Result<Self, AdapterError> {
        let manifest = guarded(functions.describe)?;
        manifest_check::check(&manifest).map_err(AdapterError::Contract)?;
        Ok(Self { functions, manifest })
    }
}

impl Adapter for NativeAdapter {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let mut answer = guarded(|| (self.functions.start)(task, &given))?;
        check::receive(&self.manifest, &mut answer, None)?;
        Ok(answer)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let reply_bytes = check::reply(&reply, REPLY_BYTES_MAX)?;
        let mut answer = guarded(|| (self.functions.resume)(state, &given, reply))?;
        check::receive(&self.manifest, &mut answer, reply_bytes)?;
        Ok(answer)
    }
}

/// Runs a function of the adapter. It has no state that a panic could leave inconsistent. The
/// panic's message goes into the error; only the process's panic hook, which the host owns, knows
/// its place.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, AdapterError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        AdapterError::Trap(Crash::panicked(text.as_deref().map(one_line)))
    })
}

/// A panic's message, bounded and without control characters, as a component's is.
fn one_line(text: &str) -> String {
    let chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    chars.take(NOTICE_BYTES_MAX).collect::<String>().trim().to_owned()
}
