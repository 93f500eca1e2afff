//! A task driven to its outcome: call, send, call again.
//!
//! Serves every task that changes nothing; writes have their own driver in [`super::effect`], since
//! the journal stands in their middle. A page's items name their raw JSON by place in the last
//! reply, so that reply is handed out with the outcome.
//!
//! Records are read only of the customer whom the store knows: before the first task that reads
//! any, the ATS is asked which customer this is ([`Reconciler::verify_tenant_once`]). Here, since
//! no read goes past this place.

#![expect(clippy::disallowed_methods, reason = "runs a guest on a blocking thread")]

use super::Reconciler;
use super::proven::{TenantGate, WithCredential};
use crate::adapter::{AdapterError, TaskGuard};
use crate::error::{Error, ErrorKind};
use crate::transport::{Delivery, NotSent, Priority};
use atsync_model::contract::{
    Continuation, Effect, Failure, Given, Grant, Mark, Outcome, Reply, Request, Response, Step,
    Task,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Calls of its adapter that one connection has under way; more wait without a thread. Arbitrary:
/// what a connection does at once is bounded elsewhere.
pub(super) const CALLS_MAX: usize = 8;

/// How often a request is held back for a credential that was replaced, before its task gives up.
/// Arbitrary.
pub(super) const REPLACED_MAX: usize = 3;

/// Steps of one task. A chunked fetch of 50 ids a call needs tens; more than this is a loop.
pub(super) const STEPS_MAX: usize = 1_000;

/// Why a task came to nothing.
#[derive(Debug)]
pub(super) enum TaskError {
    /// The adapter said so.
    Failed(Failure),
    /// The adapter itself failed.
    Adapter(AdapterError),
    /// A request did not leave.
    NotSent(NotSent),
    /// A request got no complete answer, repeats included.
    Unclear(String),
    /// The task was not begun, or not gone on with: the credential is of another customer, or which
    /// one could not be found out.
    Tenant(Error),
}

impl From<AdapterError> for TaskError {
    fn from(error: AdapterError) -> Self {
        Self::Adapter(error)
    }
}

/// A finished task.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    /// The reply that the outcome was read from.
    pub(super) reply: Option<Response>,
}

impl Reconciler {
    /// What the adapter is told besides the task.
    pub(super) fn given(&self, mark: Option<Mark>, grant: Option<Grant>) -> Given {
        Given {
            now_ms: self.session.ats_now_ms(),
            settings: serde_json::Value::Object(self.settings.clone()).to_string(),
            tenant: None,
            mark,
            grant,
        }
    }

    /// Drives a task that changes nothing.
    pub(super) async fn drive(
        &self,
        task: Task,
        grant: Option<Grant>,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        let given = self.given(None, grant);
        self.drive_given(task, given, priority).await
    }

    /// Drives the probe of a write that was sent: the mark goes along.
    pub(super) async fn drive_marked(
        &self,
        task: Task,
        mark: Mark,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        let given = self.given(Some(mark), None);
        self.drive_given(task, given, priority).await
    }

    /// Asks which customer a credential belongs to, by its number; the adapter is told what the
    /// store knows of them. Ends with [`NotSent::Replaced`] when another one is in use by then.
    pub(super) async fn drive_tenant(
        &self,
        tenant: Option<String>,
        credential: u64,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        let given = Given { tenant, ..self.given(None, None) };
        self.steps(Task::DescribeTenant, given, priority, Some(credential)).await
    }

    async fn drive_given(
        &self,
        task: Task,
        given: Given,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        self.verify_tenant_for(&task).await.map_err(TaskError::Tenant)?;
        self.steps(task, given, priority, None).await
    }

    /// A check reads no record, and is how somebody finds out what is wrong with a credential.
    async fn verify_tenant_for(&self, task: &Task) -> Result<(), Error> {
        if matches!(task, Task::Check(_)) { Ok(()) } else { self.verify_tenant_once().await }
    }

    /// Sends a request of a task that reads or writes records. Where the credential was replaced
    /// meanwhile, the customer is asked for first.
    pub(super) async fn send_proven(
        &self,
        request: &Request,
        effect: Effect,
        priority: Priority,
    ) -> Result<Delivery, Error> {
        let gate = TenantGate(self);
        let mut delivery = Delivery::NotSent(NotSent::Replaced);
        for _ in 0..REPLACED_MAX {
            delivery = self.session.execute_through(&gate, request, effect, priority).await;
            if !matches!(delivery, Delivery::NotSent(NotSent::Replaced)) {
                break;
            }
            self.proven_soon().await?;
        }
        Ok(delivery)
    }

    /// As [`Self::verify_tenant_once`]; boxed, since what it sends takes the same way.
    fn proven_soon(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.verify_tenant_once().boxed()
    }

    async fn steps(
        &self,
        task: Task,
        given: Given,
        priority: Priority,
        credential: Option<u64>,
    ) -> Result<Finished, TaskError> {
        let is_check = matches!(task, Task::Check(_));
        let mut guard = TaskGuard::held_to(self.adapter.manifest(), &task);
        let mut reply: Option<Response> = None;
        let mut step = self.start(task, given.clone()).await?.map_err(TaskError::Failed)?;
        for _ in 0..STEPS_MAX {
            guard.step(&step, reply.as_ref())?;
            let send = match step {
                Step::Done(outcome) => return Ok(Finished { outcome, reply }),
                Step::Send(send) => send,
                Step::Verify(_) | Step::Transfer(_) => {
                    return Err(AdapterError::Contract(
                        "a step that this version of the engine does not carry out".into(),
                    )
                    .into());
                }
            };
            let delivery = match credential {
                Some(credential) => {
                    let gate = WithCredential(credential);
                    self.session.execute_through(&gate, &send.request, send.effect, priority).await
                }
                None if is_check => {
                    self.session.execute(&send.request, send.effect, priority).await
                }
                None => self
                    .send_proven(&send.request, send.effect, priority)
                    .await
                    .map_err(TaskError::Tenant)?,
            };
            let response = match delivery {
                Delivery::Answered(response) => response,
                Delivery::NotSent(reason) => return Err(TaskError::NotSent(reason)),
                Delivery::Unclear(reason) => return Err(TaskError::Unclear(reason)),
            };
            reply = Some(response.clone());
            step = self
                .resume(send.state, given.clone(), Reply::Response(response))
                .await?
                .map_err(TaskError::Failed)?;
        }
        Err(AdapterError::Contract(format!("it took more than {STEPS_MAX} steps for one task"))
            .into())
    }

    /// A task's error in the words of this connection.
    pub(super) fn task_error(&self, what: &str, error: TaskError) -> Error {
        let error = match error {
            // It names the connection, and was not about this task.
            TaskError::Tenant(error) => return error,
            TaskError::Failed(Failure::Denied(denied)) => {
                let place = self.adapter.manifest().permission(&denied.permission);
                let hint = place.map(|permission| {
                    format!(" Tick \u{201c}{}\u{201d}: {}.", permission.label, permission.grant_at)
                });
                let message = format!("{}{}", Failure::Denied(denied), hint.unwrap_or_default());
                Error::new(ErrorKind::Denied, message)
            }
            TaskError::Failed(failure) => Error::from(failure),
            TaskError::Adapter(error) => Error::from(error),
            TaskError::NotSent(reason) => Error::from(reason),
            TaskError::Unclear(reason) => {
                Error::new(ErrorKind::Unavailable, format!("no complete answer came: {reason}"))
            }
        };
        error.at(&format!("{}: {what}", self.name))
    }
}

impl Reconciler {
    /// Calls the adapter on a thread of its own kind, so that the call, and the wait for a place to
    /// run, hold up no other connection's work.
    pub(super) async fn start(
        &self,
        task: Task,
        given: Given,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let adapter = Arc::clone(&self.adapter);
        self.judged(self.off_thread(move || adapter.start(task, given)).await)
    }

    /// As [`Self::start`].
    pub(super) async fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let adapter = Arc::clone(&self.adapter);
        self.judged(self.off_thread(move || adapter.resume(state, given, reply)).await)
    }

    /// One connection has no more than [`CALLS_MAX`] of the threads.
    async fn off_thread<T: std::marker::Send + 'static>(
        &self,
        call: impl FnOnce() -> T + std::marker::Send + 'static,
    ) -> T {
        let Some(runtime) = several_threads() else { return call() };
        // Nobody closes the semaphore, and without a permit the call is only less polite.
        let _turn = self.calls.acquire().await;
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
            crate::adapter::check::effect(self.adapter.manifest(), send)?;
        }
        if let Err(AdapterError::Trap(crash)) = &called {
            tracing::warn!(connection = %self.name, %crash, "the adapter crashed");
            if let Some(said) = crash.said() {
                tracing::debug!(connection = %self.name, said, "what the adapter said when it \
                    crashed");
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
