//! Calls of the adapter, off the async threads.
//!
//! A call computes and may take long, so it runs on a blocking thread, at most [`CALLS_MAX`] at
//! once for one connection. What the adapter answers is checked before anybody acts on it.

use crate::adapter::AdapterError;
use crate::reconcile::context::Context;
use atsync_model::contract::{Continuation, Failure, Given, Reply, Step, Task};
use std::sync::Arc;

/// Calls of its adapter that one connection has under way; more wait without a thread. Arbitrary:
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

    /// Calls the adapter on a thread of its own kind, so that the call, and the wait for a place to
    /// run, hold up no other connection's work.
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

    /// One connection has no more than [`CALLS_MAX`] of the threads.
    async fn off_thread<T: std::marker::Send + 'static>(
        &self,
        call: impl FnOnce() -> T + std::marker::Send + 'static,
    ) -> T {
        let Some(runtime) = several_threads() else { return call() };
        // Nobody closes the semaphore, and without a permit the call is only less polite.
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

    /// No request leaves under a milder effect than its method and path allow, whoever implements
    /// the adapter. A crash is in the log with its kind and its place. What the adapter said may
    /// quote a candidate's data.
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

/// The runtime, where it has threads to spare. A single thread (a simulation) has nothing to hand
/// its other work to.
fn several_threads() -> Option<tokio::runtime::Handle> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    (runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread).then_some(runtime)
}
