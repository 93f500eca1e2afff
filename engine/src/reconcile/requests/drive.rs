//! Drives a task to its outcome: call the adapter, send its request, hand it the reply.
//!
//! Serves every task that changes nothing. The executor drives writes itself, because it writes the
//! journal just before the request leaves. The items of a page name their raw JSON by position in
//! the last reply, so that reply is returned with the outcome.
//!
//! Records are read only of the customer that the store knows: before the first task that reads
//! any, the ATS is asked which customer this is ([`Requests::verify_tenant_once`]). The check is
//! here because every read passes through here.

use super::Requests;
use super::proven::{TenantGate, WithCredential};
use crate::adapter::{AdapterError, TaskGuard};
use crate::error::{Error, ErrorKind};
use crate::store::StoreError;
use crate::transport::body::BodySecret;
use crate::transport::{Delivery, NotSent, Priority};
use atsync_model::contract::{
    Continuation, Effect, Failure, Given, Grant, Mark, Outcome, Reply, Request, Response, Step,
    Task,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// How often a request waits for a credential that was replaced, before its task fails. Arbitrary.
pub(super) const REPLACED_MAX: usize = 3;

/// Steps of one task. A chunked fetch of 50 ids a call needs tens; more than this is a loop.
pub(crate) const STEPS_MAX: usize = 1_000;

/// Why a task failed.
#[derive(Debug)]
pub(crate) enum TaskError {
    /// The adapter reported a failure.
    Failed(Failure),
    /// The adapter itself failed.
    Adapter(AdapterError),
    /// A request did not leave.
    NotSent(NotSent),
    /// A request got no complete answer, repeats included.
    Unclear(String),
    /// The task did not begin, or did not continue: the credential is of another customer, or the
    /// customer could not be found out.
    Tenant(Error),
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Tenant(error.into())
    }
}

impl From<AdapterError> for TaskError {
    fn from(error: AdapterError) -> Self {
        Self::Adapter(error)
    }
}

/// A finished task.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    /// The reply that the outcome was read from.
    pub(crate) reply: Option<Response>,
}

impl Requests {
    /// Calls the adapter, off the async threads.
    pub(crate) async fn start(
        &self,
        task: Task,
        given: Given,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        self.calls.start(task, given).await
    }

    /// As [`Self::start`].
    pub(crate) async fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        self.calls.resume(state, given, reply).await
    }

    /// What the adapter receives besides the task.
    pub(crate) async fn given(
        &self,
        mark: Option<Mark>,
        grant: Option<Grant>,
    ) -> Result<Given, StoreError> {
        Ok(Given {
            now_ms: self.context.session.ats_now_ms(),
            settings: serde_json::Value::Object(self.context.settings.clone()).to_string(),
            tenant: self.catalogue.known(&self.context).await?,
            mark,
            grant,
        })
    }

    /// Drives a task that changes nothing.
    pub(crate) async fn drive(
        &self,
        task: Task,
        grant: Option<Grant>,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        self.drive_given(task, (None, grant), priority).await
    }

    /// Drives the probe of a write that was sent, with its mark.
    pub(crate) async fn drive_marked(
        &self,
        task: Task,
        mark: Mark,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        self.drive_given(task, (Some(mark), None), priority).await
    }

    /// Asks which customer the credential of this number belongs to. Ends with
    /// [`NotSent::Replaced`] when another credential is in use by then.
    pub(super) async fn drive_tenant(
        &self,
        credential: u64,
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        let given = self.given(None, None).await?;
        self.steps(Task::DescribeTenant, given, priority, Some(credential)).await
    }

    async fn drive_given(
        &self,
        task: Task,
        (mark, grant): (Option<Mark>, Option<Grant>),
        priority: Priority,
    ) -> Result<Finished, TaskError> {
        self.verify_tenant_for(&task).await.map_err(TaskError::Tenant)?;
        let given = self.given(mark, grant).await?;
        self.steps(task, given, priority, None).await
    }

    /// A check reads no record, and is how a user finds out what is wrong with a credential.
    async fn verify_tenant_for(&self, task: &Task) -> Result<(), Error> {
        if matches!(task, Task::Check(_)) { Ok(()) } else { self.verify_tenant_once().await }
    }

    /// Sends a request of a task that reads or writes records. When the credential was replaced
    /// meanwhile, the customer is verified first.
    pub(crate) async fn send_proven(
        &self,
        request: &Request,
        effect: Effect,
        priority: Priority,
    ) -> Result<Delivery, Error> {
        self.send_sealed((request, None), effect, priority).await
    }

    /// As [`Self::send_proven`], with a secret in the body that the adapter did not see.
    pub(super) async fn send_sealed(
        &self,
        request: (&Request, Option<&BodySecret>),
        effect: Effect,
        priority: Priority,
    ) -> Result<Delivery, Error> {
        let session = &self.context.session;
        let gate = TenantGate(&self.proven);
        let mut delivery = Delivery::NotSent(NotSent::Replaced);
        for _ in 0..REPLACED_MAX {
            delivery = session.execute_sealed(&gate, request, effect, priority).await;
            if !matches!(delivery, Delivery::NotSent(NotSent::Replaced)) {
                break;
            }
            self.verify_boxed().await?;
        }
        Ok(delivery)
    }

    /// As [`Self::verify_tenant_once`]; boxed, because its own request is driven here as well.
    fn verify_boxed(&self) -> BoxFuture<'_, Result<(), Error>> {
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
        let mut guard = TaskGuard::held_to(self.context.manifest(), &task);
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
                    self.context
                        .session
                        .execute_through(&gate, &send.request, send.effect, priority)
                        .await
                }
                None if is_check => {
                    self.context.session.execute(&send.request, send.effect, priority).await
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

    /// The error of a task, with the connection's name.
    pub(crate) fn task_error(&self, what: &str, error: TaskError) -> Error {
        let error = match error {
            // It names the connection already, and is not about this task.
            TaskError::Tenant(error) => return error,
            TaskError::Failed(Failure::Denied(denied)) => {
                let place = self.context.manifest().permission(&denied.permission);
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
        error.at(&format!("{}: {what}", self.context.name))
    }

    /// Requests that the connection has sent so far.
    pub(crate) fn requests_sent(&self) -> u64 {
        self.context.session.usage().requests.values().sum()
    }
}
