//! Checks one permission of the credential.

use super::Requests;
use super::drive::TaskError;
use crate::error::{Error, ErrorKind};
use crate::transport::Priority;
use atsync_model::contract::{Checked, Failure, Outcome, Task, Verdict};

impl Requests {
    /// Checks one permission.
    pub(crate) async fn check_one(&self, permission: &str) -> Result<Checked, Error> {
        let grant = self
            .context
            .session
            .grant()
            .await
            .map_err(|reason| Error::from(reason).at(&self.context.name))?;
        match self.drive(Task::Check(permission.to_owned()), grant, Priority::Interactive).await {
            Ok(finished) => match finished.outcome {
                Outcome::Checked(checked) => Ok(checked),
                _ => Err(self
                    .context
                    .error(ErrorKind::Adapter, "the adapter answered a check with something else")),
            },
            Err(TaskError::Failed(Failure::Denied(denied))) => {
                Ok(Checked { verdict: Verdict::Refused, detail: denied.message })
            }
            Err(error) => Err(self.task_error(&format!("checking {permission}"), error)),
        }
    }
}
