//! Applications, with the rejections that come in their rows; the history of their stages.

use crate::custom::{Values, values};
use crate::value::{Named, Person, changes, pages, sparse};
use atsync_adapter::kit::*;
use atsync_adapter::model::unified::{Ref, Word};
use serde::Deserialize;
use std::borrow::Cow;

pub(crate) const APPLICATIONS: Kind = Kind::of::<Application>("applications")
    .fields(&[
        "candidate",
        "job",
        "kind",
        "outcome",
        "stage",
        "source",
        "referrer",
        "recruiter",
        "coordinator",
        "posting",
        "reject_reason",
        "rejected_at",
        "custom_fields",
        "created_at",
        "updated_at",
    ])
    .expected(&["candidate", "job", "outcome", "stage", "created_at"])
    .list(changes("/application.list", "{}"))
    .fetch(INFO)
    .deletes(&[DeleteSign::GoneOnFetch])
    .confidential()
    .permission("candidatesRead");

const INFO: Fetch =
    Fetch::by(Ask::post("/application.info").body(r#"{"applicationId": "{id}"}"#)).at("/results");

pub(crate) const REJECTIONS: Kind = Kind::of::<Application>("rejections")
    .fields(&["application", "reject_reason", "rejected_at"])
    .inside("applications")
    .permission("candidatesRead");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    id: Id,
    candidate: Got<Named>,
    job: Got<Named>,
    status: Got<String>,
    current_interview_stage: Got<Named>,
    source: Got<Named>,
    credited_to_user: Got<Person>,
    hiring_team: Got<Vec<Person>>,
    applied_via_job_posting_id: Got<Id>,
    archive_reason: Got<Reason>,
    archived_at: Got<Time>,
    custom_fields: Got<Values>,
    created_at: Got<Time>,
    updated_at: Got<Time>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reason {
    id: Id,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    reason_type: Option<String>,
}

impl Reason {
    fn reference(self) -> Ref<'static> {
        Ref { id: Some(Cow::Owned(self.id.into())), name: self.text.map(Cow::Owned) }
    }
}

/// The id of a stage: one of a plan counts once for each job that has the plan, since a stage of
/// the unified model belongs to a job.
pub(crate) fn stage_id(job: &str, stage: &str) -> Id {
    Id::join([job, stage])
}

/// Active, hired or archived; the reason of an archived one says by whom.
pub(crate) fn outcome(status: String, reason: Option<&str>) -> Word<'static> {
    let value = match (status.as_str(), reason) {
        ("Lead" | "Active", _) => "active",
        ("Hired", _) => "hired",
        ("Archived", Some("RejectedByOrg")) => "rejected",
        ("Archived", Some("RejectedByCandidate")) => "withdrawn",
        ("Archived", _) => "closed",
        _ => "other",
    };
    Word { value: Cow::Borrowed(value), source: Some(Cow::Owned(status)) }
}

/// The member of the hiring team with this role. Customers can rename roles.
fn member(team: &Got<Vec<Person>>, roles: &[&str]) -> Got<Ref<'static>> {
    let is = |one: &&Person| {
        let role = one.role.as_deref().unwrap_or_default();
        roles.iter().any(|known| known.eq_ignore_ascii_case(role))
    };
    match team {
        Got::Here(team) => Got::from(team.iter().find(is).map(|one| {
            let name = crate::value::full(one.first.as_deref(), one.last.as_deref());
            Ref { id: Some(Cow::Owned(one.id.to_string())), name: name.map(Cow::Owned) }
        })),
        Got::Absent => Got::Absent,
        Got::Bad(bad) => Got::Bad(*bad),
        Got::Empty => Got::Empty,
    }
}

impl Row for Application {
    fn record(self, _: &Source<'_>) -> Record {
        let reason = sparse(self.archive_reason);
        let kind = reason.as_ref().and_then(|reason| reason.reason_type.clone());
        let is_archived = self.status.as_ref().is_some_and(|status| status == "Archived");
        let job = self.job.as_ref().map(|job| job.id.clone());
        let stage = self.current_interview_stage.map(|stage| {
            let id = match &job {
                Some(job) => stage_id(job.as_str(), stage.id.as_str()),
                None => stage.id.clone(),
            };
            Ref { id: Some(Cow::Owned(id.into())), name: stage.title.map(Cow::Owned) }
        });
        // A reason or a time of an earlier archiving says nothing of an open application.
        let reason = match is_archived {
            true => reason.map(Reason::reference),
            false => Got::Empty,
        };
        let archived_at = if is_archived { sparse(self.archived_at) } else { Got::Empty };
        let rejection = is_archived.then(|| {
            Record::of("rejections", self.id.clone())
                .value("application", self.id.clone().reference())
                .field("reject_reason", reason.clone())
                .field("rejected_at", archived_at.clone())
        });
        let record = Record::new(self.id)
            .version(&self.updated_at)
            .field("candidate", self.candidate.map(Named::reference))
            .field("job", self.job.map(Named::reference))
            .value("kind", "application")
            .field("outcome", self.status.map(|status| outcome(status, kind.as_deref())))
            .field("stage", stage)
            .field("source", sparse(self.source).map(Named::reference))
            .field("referrer", sparse(self.credited_to_user).map(Person::reference))
            .field("recruiter", member(&self.hiring_team, &["Recruiter"]))
            .field(
                "coordinator",
                member(&self.hiring_team, &["Coordinator", "Recruiting Coordinator"]),
            )
            .field("posting", sparse(self.applied_via_job_posting_id).reference())
            .field("reject_reason", reason)
            .field("rejected_at", archived_at)
            .field("custom_fields", self.custom_fields.map(values))
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at);
        rejection.into_iter().fold(record, Record::and)
    }
}

// --------------------------------------------------------------------------------- stages entered
pub(crate) const APPLICATION_STAGES: Kind = Kind::of::<Visit>("application_stages")
    .fields(&["application", "stage", "current", "entered_at", "exited_at"])
    .expected(&["entered_at"])
    .under("applications")
    .list(pages("/application.listHistory", r#"{"applicationId": "{parent}"}"#))
    .permission("candidatesRead");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Visit {
    id: Id,
    title: Got<String>,
    entered_stage_at: Got<Time>,
    left_stage_at: Got<Time>,
}

impl Row for Visit {
    fn record(self, source: &Source<'_>) -> Record {
        let left = sparse(self.left_stage_at);
        let named = self.title.map(|title| Ref { id: None, name: Some(Cow::Owned(title)) });
        Record::new(self.id)
            .value("application", Id::from(source.parent_id()).reference())
            .value("current", matches!(left, Got::Empty))
            // By its name alone: its id would need the job, which the history does not have.
            .field("stage", named)
            .field("entered_at", self.entered_stage_at)
            .field("exited_at", left)
    }
}
