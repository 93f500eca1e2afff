//! The stage and status of an application: the part of a row that decides the remaining work.
//!
//! Writes decide by it, and probes compare with it. The status differs by direction: `active` in a
//! filter, `in_process` in a row (harvest-v3.md §9.2). The row has the stage twice: `stage_id` is
//! its own row in application_stages, `job_interview_stage_id` the stage's definition, which rows
//! of the older spec do not have. Left out: the request, which [`crate::write::lifecycle`] builds.

use crate::request;
use crate::write::input::MoveInput;
use crate::write::sent::{Refusal, Sent, Success, applied, subject};
use crate::write::steps::{outcome, send};
use crate::write::{row, words};
use atsync_adapter::contract::{Failure, Link, Step, Written};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Stage and status of an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) candidate: Option<String>,
    pub(crate) job: Option<String>,
    /// `None` where the row does not have it.
    pub(crate) prospect: Option<bool>,
    pub(crate) status: Status,
    /// The id of the application's row in application_stages.
    pub(crate) stage_row: Option<String>,
    /// The id of the stage definition; rows of the older spec do not have it.
    pub(crate) stage: Option<String>,
    pub(crate) reason: Option<String>,
}

/// The status of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    UnderWay,
    Rejected,
    Hired,
    Converted,
    /// A word that the adapter does not know.
    Other(String),
}

impl Standing {
    /// Reads the standing from an application's row.
    pub(crate) fn of(row: &Value) -> Self {
        let status = match row::text(row, "status") {
            word if words::is_under_way(word) => Status::UnderWay,
            "rejected" => Status::Rejected,
            "hired" => Status::Hired,
            "converted" => Status::Converted,
            other => Status::Other(other.chars().take(50).collect()),
        };
        Self {
            id: row::id(row, "id").unwrap_or_default(),
            candidate: row::id(row, "candidate_id"),
            job: row::id(row, "job_id"),
            prospect: row::flag(row, "prospect"),
            status,
            stage_row: row::id(row, "stage_id"),
            stage: row::id(row, "job_interview_stage_id"),
            reason: row::id(row, "rejection_reason_id"),
        }
    }

    /// Completes the stage definition from the rows of application_stages, where the application
    /// does not name it.
    ///
    /// `stage_id` is the row's id (harvest-v3.md §9.2 \[2nd\]). If it is the definition's, the
    /// current row shows that; the current row also counts where the application names none.
    pub(crate) fn with_stages(mut self, rows: &[Value]) -> Self {
        let own = |row: &&Value| row::id(row, "application_id").is_none_or(|id| id == self.id);
        let is = |row: &Value, member: &str| {
            self.stage_row.is_some() && row::id(row, member) == self.stage_row
        };
        let is_current = |row: &Value| row::flag(row, "current") == Some(true);
        let own: Vec<&Value> = rows.iter().filter(own).collect();
        let current = own
            .iter()
            .find(|row| is(row, "id"))
            .or_else(|| own.iter().find(|row| is_current(row) && is(row, "job_interview_stage_id")))
            .or_else(|| own.iter().find(|row| is_current(row)));
        if let Some(current) = current {
            self.stage = row::id(current, "job_interview_stage_id");
            self.stage_row = row::id(current, "id");
        }
        self
    }

    /// Whether the application is in the target stage already.
    pub(crate) fn is_at(&self, input: &MoveInput) -> bool {
        match (&input.to_stage, &input.to_job) {
            (Some(stage), None) => self.stage.as_ref() == Some(stage),
            (None, Some(job)) => self.job.as_ref() == Some(job),
            _ => false,
        }
    }

    /// Links the application as the main record.
    pub(crate) fn link(&self) -> Link {
        subject(kinds::APPLICATIONS, self.id.clone())
    }

    /// Returns the outcome when nothing is left to do.
    pub(crate) fn unneeded(&self, warnings: Vec<String>) -> Step {
        outcome(Written::Unneeded(applied(vec![self.link()], warnings)))
    }

    /// Returns the failure when the present state forbids a change.
    pub(crate) fn conflict(&self, change: &str) -> Failure {
        let status = match &self.status {
            Status::UnderWay => "under way",
            Status::Rejected => "rejected",
            Status::Hired => "hired",
            Status::Converted => "converted",
            Status::Other(word) => word,
        };
        let kind = if self.prospect == Some(true) { "prospect" } else { "application" };
        Failure::Conflict(format!("the {kind} is {status} and cannot be {change}"))
    }

    /// Sends a lifecycle call.
    pub(crate) fn send(
        &self,
        call: &str,
        operation: &str,
        body: Map<String, Value>,
        refusal: Refusal,
        warnings: Vec<String>,
    ) -> Result<Step, Failure> {
        let request =
            request::post(&["applications", &self.id, call], Value::Object(body).to_string());
        let success = Success::Done { id: self.id.clone() };
        send(request, &Sent { operation: operation.into(), success, refusal, warnings })
    }
}
