//! Calls of the adapter, off the async threads.
//!
//! A call computes and may take long, so it runs on a blocking thread, at most [`CALLS_MAX`] at
//! once for one connection. The answer is checked before it is used.

#![expect(clippy::disallowed_methods, reason = "runs a guest on a blocking thread")]

use crate::adapter::AdapterError;
use crate::reconcile::context::Context;
use atsync_model::contract::{Continuation, Failure, Given, Reply, Step, Task};
use std::sync::Arc;

/// Calls of its adapter that one connection has in progress; more wait without a thread. Arbitrary:
/// what a connection does at once is bounded elsewhere.
const CALLS_MAX: usize = 8;

/// The calls of one connection's adapter.
#[derive(Debug)]
pub(super) struct Calls {
    context: Arc<Context>,
    turns: tokio::sync::Semaphore,
}

impl Calls {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, turns: tokio::sync::Semaphore::new(CALLS_MAX) }
    }

    /// Calls the adapter on a blocking thread, so that neither the call nor the wait for a place to
    /// run delays another connection.
    pub(super) async fn start(
        &self,
        task: Task,
        given: Given,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let adapter = Arc::clone(&self.context.adapter);
        self.judged(self.off_thread(move || adapter.start(task, given)).await)
    }

    /// As [`Self::start`].
    pub(super) async fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let adapter = Arc::clone(&self.context.adapter);
        self.judged(self.off_thread(move || adapter.resume(state, given, reply)).await)
    }

    /// One connection uses at most [`CALLS_MAX`] threads.
    async fn off_thread<T: std::marker::Send + 'static>(
        &self,
        call: impl FnOnce() -> T + std::marker::Send + 'static,
    ) -> T {
        let Some(runtime) = several_threads() else { return call() };
        // The semaphore is never closed; without a permit the call would still be correct.
        let _turn = self.turns.acquire().await;
        match runtime.spawn_blocking(call).await {
            Ok(answer) => answer,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Checks that a request declares no milder effect than its method and path allow, for any
    /// adapter. Logs a crash with its kind and place; what the adapter said may quote a candidate's
    /// data, so it is logged at debug.
    fn judged(
        &self,
        called: Result<Result<Step, Failure>, AdapterError>,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        if let Ok(Ok(Step::Send(send))) = &called {
            crate::adapter::check::effect(self.context.manifest(), send)?;
        }
        if let Err(AdapterError::Trap(crash)) = &called {
            tracing::warn!(connection = %self.context.name, %crash, "the adapter crashed");
            if let Some(said) = crash.said() {
                tracing::debug!(connection = %self.context.name, said, "what the adapter said when \
                    it crashed");
            }
        }
        called
    }
}

/// The runtime, when it has several threads. A single-threaded one (a simulation) makes the call in
/// place.
fn several_threads() -> Option<tokio::runtime::Handle> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    (runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread).then_some(runtime)
}
