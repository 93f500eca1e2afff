//! Classifies a failure: it belongs to one request, or to the connection as a whole.
//!
//! An ATS may refuse one path alone, again and again; that must not stop all others. So a failure
//! belongs to one request unless there is evidence that it affects all. When all requests fail, the
//! transport stops them: the breaker when nothing is answered, the budget when they are throttled.
//! A credential that is not accepted has no such guard; there the ATS is asked which customer it
//! belongs to, which it answers for any accepted credential.
//!
//! Left out: adapters that do not describe the tenant; a refused credential is always the
//! connection's failure there.

use super::Requests;
use super::drive::TaskError;
use crate::adapter::AdapterError;
use crate::error::{Error, ErrorKind};
use crate::transport::NotSent;
use atsync_model::contract::Failure;

impl Requests {
    /// Explains a failure of the adapter, with the permission's place when a right is missing.
    pub(crate) fn explain_failure(&self, failure: &Failure) -> String {
        if let Failure::Denied(denied) = failure
            && let Some(permission) = self.context.manifest().permission(&denied.permission)
        {
            return format!(
                "{failure}. Tick \u{201c}{}\u{201d}: {}",
                permission.label, permission.grant_at
            );
        }
        failure.to_string()
    }
}

/// Whether an error blocks only the records that ask about the kind that was read: a right is
/// missing, the adapter cannot read it, or its own request fails while others may go on.
pub(crate) fn concerns_kind(error: &Error) -> bool {
    is_closed(error.kind()) || error.is_of_one_request()
}

pub(crate) fn is_closed(how: ErrorKind) -> bool {
    matches!(how, ErrorKind::Denied | ErrorKind::NotSupported)
}

/// Why one request failed, where others may succeed.
#[derive(Debug)]
pub(crate) enum OwnFailure {
    /// The adapter reported a failure.
    Failed(Failure),
    /// The adapter itself failed.
    Adapter(AdapterError),
    /// It did not leave, for a reason that concerns it alone.
    NotSent(String),
    /// It got no complete answer.
    Unclear(String),
}

impl Requests {
    /// Takes a failure that belongs to one request.
    ///
    /// # Errors
    /// The failure, when it is the connection's. `what` names the work that met it.
    pub(crate) async fn own_failure(
        &self,
        error: TaskError,
        what: &str,
    ) -> Result<OwnFailure, Error> {
        if !self.is_own(&error).await {
            return Err(self.task_error(what, error));
        }
        Ok(match error {
            TaskError::Failed(failure) => OwnFailure::Failed(failure),
            TaskError::Adapter(error) => OwnFailure::Adapter(error),
            TaskError::NotSent(
                NotSent::Refused(reason) | NotSent::Malformed(reason) | NotSent::Moot(reason),
            ) => OwnFailure::NotSent(reason),
            TaskError::Unclear(reason) => OwnFailure::Unclear(reason),
            error @ (TaskError::NotSent(_) | TaskError::Tenant(_)) => {
                return Err(self.task_error(what, error));
            }
        })
    }

    /// The error of a read that failed, marked when it belongs to that request alone.
    pub(crate) async fn read_error(&self, error: TaskError, what: &str) -> Error {
        let is_own = self.is_own(&error).await;
        let error = self.task_error(what, error);
        if is_own { error.of_one_request() } else { error }
    }

    async fn is_own(&self, error: &TaskError) -> bool {
        match error {
            TaskError::Failed(Failure::Auth(_)) => self.is_accepted_elsewhere().await,
            TaskError::Failed(Failure::Misconfigured(_) | Failure::Quota(_)) => false,
            TaskError::Failed(_) | TaskError::Adapter(_) | TaskError::Unclear(_) => true,
            TaskError::NotSent(reason) => {
                matches!(reason, NotSent::Refused(_) | NotSent::Malformed(_) | NotSent::Moot(_))
            }
            TaskError::Tenant(_) => false,
        }
    }

    /// Whether the ATS accepts the credential although it refused it for one request.
    async fn is_accepted_elsewhere(&self) -> bool {
        self.context.manifest().describes_tenant && self.verify_tenant().await.is_ok()
    }

    /// Explains a failure in a sentence, with the permission's place when a right is missing.
    pub(crate) fn explain_own(&self, failure: &OwnFailure) -> String {
        match failure {
            OwnFailure::Failed(failure) => self.explain_failure(failure),
            OwnFailure::Adapter(error) => error.to_string(),
            OwnFailure::NotSent(reason) => reason.clone(),
            OwnFailure::Unclear(reason) => format!("no complete answer came: {reason}"),
        }
    }
}
