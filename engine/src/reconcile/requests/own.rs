//! What a failure says: something of one request, or of the connection as a whole.
//!
//! An ATS may refuse one path alone, again and again; that must not keep all others back. So a
//! failure is one request's own unless there is evidence that it is everybody's. Where all requests
//! fail, the transport stops them: the breaker what is not answered, the budget what is throttled.
//! A credential that is not accepted has no such guard; there the ATS is asked who the customer is,
//! which any accepted credential learns.
//!
//! Left out: adapters that tell no tenant; theirs is always the connection's.

use super::Requests;
use super::drive::TaskError;
use crate::adapter::AdapterError;
use crate::error::{Error, ErrorKind};
use crate::transport::NotSent;
use atsync_model::contract::Failure;

impl Requests {
    /// A failure with the permission's place where a right is missing.
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

/// Why one request came to nothing, where others may go on.
#[derive(Debug)]
pub(crate) enum OwnFailure {
    /// The adapter said so.
    Failed(Failure),
    /// The adapter itself failed.
    Adapter(AdapterError),
    /// It did not leave, for a reason of its own.
    NotSent(String),
    /// It got no complete answer.
    Unclear(String),
}

impl Requests {
    /// A failure that is one request's own.
    ///
    /// # Errors
    /// The failure, where it is the connection's. `what` says at what it was met.
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
            TaskError::NotSent(NotSent::Refused(reason) | NotSent::Moot(reason)) => {
                OwnFailure::NotSent(reason)
            }
            TaskError::Unclear(reason) => OwnFailure::Unclear(reason),
            error @ (TaskError::NotSent(_) | TaskError::Tenant(_)) => {
                return Err(self.task_error(what, error));
            }
        })
    }

    /// The error of a read that failed, which says whether the failure is that read's own.
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
            TaskError::NotSent(reason) => matches!(reason, NotSent::Refused(_) | NotSent::Moot(_)),
            TaskError::Tenant(_) => false,
        }
    }

    /// Whether the credential is accepted although one request was answered otherwise.
    async fn is_accepted_elsewhere(&self) -> bool {
        self.context.manifest().describes_tenant && self.verify_tenant().await.is_ok()
    }

    /// In a sentence, with the permission's place where a right is missing.
    pub(crate) fn explain_own(&self, failure: &OwnFailure) -> String {
        match failure {
            OwnFailure::Failed(failure) => self.explain_failure(failure),
            OwnFailure::Adapter(error) => error.to_string(),
            OwnFailure::NotSent(reason) => reason.clone(),
            OwnFailure::Unclear(reason) => format!("no complete answer came: {reason}"),
        }
    }
}
