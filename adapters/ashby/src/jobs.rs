//! Jobs with their teams, and what belongs to them: stages, openings, postings.

use crate::custom::{Values, values};
use crate::hiring::stage_id;
use crate::value::{Person, changes, once, sparse};
use atsync_adapter::kit::*;
use atsync_adapter::model::unified::{Ref, Word};
use serde::Deserialize;

// A list without states leaves drafts out.
const EVERY: &str = r#"{"status": ["Draft", "Open", "Closed", "Archived"]}"#;

pub(crate) const JOBS: Kind = Kind::of::<Job>("jobs")
    .fields(&[
        "title",
        "requisition_id",
        "state",
        "confidential",
        "departments",
        "offices",
        "custom_fields",
        "opened_at",
        "closed_at",
        "created_at",
        "updated_at",
    ])
    .expected(&["title", "state", "confidential"])
    .list(changes("/job.list", EVERY))
    .fetch(Fetch::by(Ask::post("/job.info").body(r#"{"id": "{id}"}"#)).at("/results"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .confidential()
    .permission("jobsRead");

pub(crate) const HIRING_MANAGERS: Kind = Kind::of::<Job>("hiring_managers")
    .fields(&["job", "user", "role"])
    .inside("jobs")
    .permission("jobsRead");

pub(crate) const JOB_OWNERS: Kind = Kind::of::<Job>("job_owners")
    .fields(&["job", "user", "role"])
    .inside("jobs")
    .permission("jobsRead");

const STATES: Words =
    Words(&[("Draft", "draft"), ("Open", "open"), ("Closed", "closed"), ("Archived", "archived")]);

/// The usual names of roles in a hiring team.
const ROLES: Words = Words(&[
    ("Hiring Manager", "hiring_manager"),
    ("Recruiter", "recruiter"),
    ("Coordinator", "coordinator"),
    ("Recruiting Coordinator", "coordinator"),
    ("Sourcer", "sourcer"),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    id: Id,
    title: Got<String>,
    custom_requisition_id: Got<String>,
    status: Got<String>,
    confidential: Got<bool>,
    department_id: Got<Id>,
    location_id: Got<Id>,
    hiring_team: Got<Vec<Person>>,
    custom_fields: Got<Values>,
    opened_at: Got<Time>,
    closed_at: Got<Time>,
    created_at: Got<Time>,
    updated_at: Got<Time>,
}

impl Row for Job {
    fn record(self, _: &Source<'_>) -> Record {
        let one = |got: Got<Id>| sparse(got).map(|id| vec![id.reference()]);
        let job = self.id.clone();
        let member = |one: Person| {
            let role = ROLES.read(one.role.clone().unwrap_or_default());
            let is_manager = role.value == "hiring_manager";
            let kind = if is_manager { "hiring_managers" } else { "job_owners" };
            let id =
                Id::join([job.as_str(), one.id.as_str(), role.source.as_deref().unwrap_or("-")]);
            Record::of(kind, id)
                .value("job", job.clone().reference())
                .value("user", one.reference())
                .value("role", role)
        };
        let unread = |record: Record| {
            let record = record.without("hiring_managers", &self.hiring_team);
            record.without("job_owners", &self.hiring_team)
        };
        let record = unread(Record::new(self.id));
        let team: Vec<Record> =
            self.hiring_team.value().into_iter().flatten().map(member).collect();
        let record = record
            .version(&self.updated_at)
            .field("title", self.title)
            .field("requisition_id", sparse(self.custom_requisition_id))
            .field("state", self.status.word(&STATES))
            .field("confidential", self.confidential)
            .field("departments", one(self.department_id))
            .field("offices", one(self.location_id))
            .field("custom_fields", self.custom_fields.map(values))
            .field("opened_at", sparse(self.opened_at))
            .field("closed_at", sparse(self.closed_at))
            .field("created_at", sparse(self.created_at))
            .field("updated_at", self.updated_at);
        team.into_iter().fold(record, Record::and)
    }
}

// ----------------------------------------------------------------------------------------- stages
pub(crate) const STAGES: Kind = Kind::of::<Stage>("stages")
    .fields(&["name", "parent", "order", "type"])
    .expected(&["name", "order"])
    .under("jobs")
    .list(
        List::by(Ask::post("/jobInterviewPlan.info").body(r#"{"jobId": "{parent}"}"#))
            .rows("/results/stages"),
    )
    .permission("jobsRead");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage {
    id: Id,
    title: Got<String>,
    #[serde(rename = "type")]
    kind: Got<String>,
    order_in_interview_plan: Got<i64>,
}

impl Row for Stage {
    fn record(self, source: &Source<'_>) -> Record {
        let job = source.parent_id();
        let kind = |kind: String| Word { value: "other".into(), source: Some(kind.into()) };
        Record::new(stage_id(job, self.id.as_str()))
            .field("name", self.title)
            .value("parent", Id::from(job).reference())
            .field("order", self.order_in_interview_plan)
            .field("type", self.kind.map(kind))
    }
}

// --------------------------------------------------------------------------------------- openings
pub(crate) const OPENINGS: Kind = Kind::of::<Opening>("openings")
    .fields(&[
        "job",
        "external_id",
        "state",
        "close_reason",
        "target_start_on",
        "custom_fields",
        "opened_at",
        "closed_at",
    ])
    .expected(&["state"])
    // The document gives the answer no `moreDataAvailable`; a page without a cursor is the last.
    .list(
        once("/opening.list", "{}")
            .size("limit", 100)
            .cursor("cursor", "/nextCursor")
            .token("syncToken", "/syncToken"),
    )
    .fetch(Fetch::by(Ask::post("/opening.info").body(r#"{"openingId": "{id}"}"#)).at("/results"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .confidential()
    .permission("jobsRead");

const SEATS: Words = Words(&[
    ("Open", "open"),
    ("Draft", "closed"),
    ("Approved", "closed"),
    ("Filled", "closed"),
    ("Closed", "closed"),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Opening {
    id: Id,
    opening_state: Got<String>,
    close_reason_id: Got<Id>,
    opened_at: Got<Time>,
    closed_at: Got<Time>,
    is_archived: Got<bool>,
    latest_version: Got<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    identifier: Got<String>,
    job_ids: Got<Vec<Id>>,
    target_start_date: Got<Time>,
    custom_fields: Got<Values>,
}

impl Row for Opening {
    fn record(self, _: &Source<'_>) -> Record {
        let is_archived = self.is_archived.value() == Some(true);
        let state = self.opening_state.word(&SEATS).map(|mut state| {
            if is_archived {
                state.value = "closed".into();
            }
            state
        });
        let (job, external_id, target, custom) = match self.latest_version {
            Got::Here(version) => (
                version.job_ids.and_then(|all| Got::from(all.into_iter().next())),
                sparse(version.identifier),
                sparse(version.target_start_date),
                version.custom_fields,
            ),
            Got::Bad(bad) => (Got::Bad(bad), Got::Bad(bad), Got::Bad(bad), Got::Bad(bad)),
            Got::Absent | Got::Empty => (Got::Absent, Got::Absent, Got::Absent, Got::Absent),
        };
        let job: Got<Ref<'static>> = job.reference();
        // A time of day says nothing about a day.
        let target = target.map(|at| at.as_str().chars().take(10).collect::<String>());
        Record::new(self.id)
            .field("job", job)
            .field("external_id", external_id)
            .field("state", state)
            .field("close_reason", sparse(self.close_reason_id).reference())
            .field("target_start_on", target)
            .field("custom_fields", custom.map(values))
            .field("opened_at", sparse(self.opened_at))
            .field("closed_at", sparse(self.closed_at))
    }
}

// --------------------------------------------------------------------------------------- postings
pub(crate) const POSTINGS: Kind = Kind::of::<Posting>("postings")
    .fields(&["job", "title", "live", "url", "published_at", "updated_at"])
    .expected(&["job", "title", "live"])
    .list(once("/jobPosting.list", "{}"))
    .fetch(
        Fetch::by(Ask::post("/jobPosting.info").body(r#"{"jobPostingId": "{id}"}"#)).at("/results"),
    )
    .permission("jobsRead");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Posting {
    id: Id,
    job_id: Got<Id>,
    title: Got<String>,
    is_listed: Got<bool>,
    external_link: Got<String>,
    published_date: Got<Time>,
    updated_at: Got<Time>,
}

impl Row for Posting {
    fn record(self, _: &Source<'_>) -> Record {
        Record::new(self.id)
            .version(&self.updated_at)
            .field("job", self.job_id.reference())
            .field("title", self.title)
            .field("live", self.is_listed)
            .field("url", sparse(self.external_link))
            .field("published_at", sparse(self.published_date))
            .field("updated_at", self.updated_at)
    }
}
