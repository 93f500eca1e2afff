//! Applications: two arms (a job, or a prospect), and the rows that come with every application.
//!
//! An application on a job has one `application_stages` row per stage of the job, and only visited
//! ones have times; a prospect has one `prospect_details` row instead.

use serde_json::Value;

use super::{Done, WriteContext, below, fields};
use crate::body::Body;
use crate::model::cell::Cell;
use crate::model::{Model, Touch};
use crate::refusal::Refusal;
use crate::schema::Kind;

const COMMON: &str =
    "source_id:id referrer_id:id recruiter_id:id coordinator_id:id custom_fields:list";
const JOB_ARM: &str = "job_id!:id initial_stage_id:id";
const PROSPECT_ARM: &str = "prospect!:bool job_ids:ids prospect_pool_id:id \
    prospect_pool_stage_id:id \
    prospect_owner_id:id prospective_department_id:id prospective_office_id:id";
const UPDATE: &str = "source_id:id referrer_id:id recruiter_id:id coordinator_id:id \
    prospect_pool_id:id \
    prospect_stage_id:id rejected_at:time created_at:time custom_fields:list";

/// A checked application, not created yet.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    body: Body,
    custom_fields: Cell,
}

/// Checks the `application` of a candidate's creation.
pub(super) fn check_nested(context: &WriteContext<'_>, value: &Value) -> Result<Arm, Refusal> {
    check(context, value, "")
}

fn check(context: &WriteContext<'_>, value: &Value, more: &str) -> Result<Arm, Refusal> {
    let prospect = value.get("prospect").and_then(Value::as_bool).unwrap_or(false);
    let arm = if prospect { PROSPECT_ARM } else { JOB_ARM };
    let body = Body::check(value, &format!("{arm} {COMMON} {more}"))?;
    check_links(context, &body)?;
    context.must_know(Kind::Jobs, "job_id", body.int("job_id"))?;
    for job in body.ids("job_ids").unwrap_or_default() {
        context.must_know(Kind::Jobs, "job_ids", Some(job))?;
    }
    if let Some(stage) = body.int("initial_stage_id")
        && context.model.int(Kind::JobInterviewStages, stage, "job_id") != body.int("job_id")
    {
        return Err(Refusal::invalid("initial_stage_id", "is not a stage of the job"));
    }
    context.must_know(Kind::ProspectPools, "prospect_pool_id", body.int("prospect_pool_id"))?;
    if let Some(stage) = body.int("prospect_pool_stage_id")
        && context.model.int(Kind::ProspectPoolStages, stage, "prospect_pool_id")
            != body.int("prospect_pool_id")
    {
        return Err(Refusal::invalid("prospect_pool_stage_id", "is not a stage of the pool"));
    }
    context.must_know(Kind::Users, "prospect_owner_id", body.int("prospect_owner_id"))?;
    context.must_know(
        Kind::Departments,
        "prospective_department_id",
        body.int("prospective_department_id"),
    )?;
    context.must_know(Kind::Offices, "prospective_office_id", body.int("prospective_office_id"))?;
    let custom_fields = match body.get("custom_fields").filter(|value| !value.is_null()) {
        Some(list) => fields::apply(context, "application", list, &Cell::Null, false)?,
        None => Cell::Fields(Box::default()),
    };
    Ok(Arm { body, custom_fields })
}

fn check_links(context: &WriteContext<'_>, body: &Body) -> Result<(), Refusal> {
    context.must_know(Kind::Sources, "source_id", body.int("source_id"))?;
    context.must_know(Kind::Referrers, "referrer_id", body.int("referrer_id"))?;
    context.must_know(Kind::Users, "recruiter_id", body.int("recruiter_id"))?;
    context.must_know(Kind::Users, "coordinator_id", body.int("coordinator_id"))
}

pub(super) fn create(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    let value: Value =
        serde_json::from_slice(body).map_err(|_| Refusal::BadRequest("Malformed JSON"))?;
    let arm = check(context, &value, "candidate_id!:int")?;
    let candidate = arm.body.int("candidate_id").unwrap_or(0);
    context.must_know(Kind::Candidates, "candidate_id", Some(candidate))?;
    if let Some(job) = arm.body.int("job_id")
        && on_job(context.model, candidate, job)
    {
        return Err(Refusal::invalid("job_id", "candidate already has an application on this job"));
    }
    let id = open(context, candidate, &arm);
    context.note_activity(candidate);
    Ok(context.created(Kind::Applications, id))
}

/// Whether a candidate has an application to a job, of any status.
pub(super) fn on_job(model: &Model, candidate: i64, job: i64) -> bool {
    let theirs = model.find(Kind::Applications, "candidate_id", candidate);
    theirs.into_iter().any(|id| model.int(Kind::Applications, id, "job_id") == Some(job))
}

/// Creates a checked application.
pub(super) fn open(context: &mut WriteContext<'_>, candidate: i64, arm: &Arm) -> i64 {
    let body = &arm.body;
    let prospect = body.bool("prospect").unwrap_or(false);
    let now = Cell::Time(context.model.now_ms);
    let id = context.model.insert(
        Kind::Applications,
        &[
            ("candidate_id", candidate.into()),
            ("custom_fields", arm.custom_fields.clone()),
            ("coordinator_id", body.int("coordinator_id").into()),
            ("job_id", body.int("job_id").into()),
            ("last_activity_at", now),
            ("needs_decision", false.into()),
            ("prospect", prospect.into()),
            ("prospective_job_ids", body.ids("job_ids").unwrap_or_default().into()),
            ("recruiter_id", body.int("recruiter_id").into()),
            ("referrer_id", body.int("referrer_id").into()),
            ("source_id", body.int("source_id").into()),
            ("status", "in_process".into()),
        ],
    );
    if prospect {
        let pool = body.int("prospect_pool_id");
        let first = pool.and_then(|pool| {
            context.model.find(Kind::ProspectPoolStages, "prospect_pool_id", pool).first().copied()
        });
        context.model.insert(
            Kind::ProspectDetails,
            &[
                ("application_id", id.into()),
                ("department_id", body.int("prospective_department_id").into()),
                ("office_id", body.int("prospective_office_id").into()),
                ("pool_id", pool.into()),
                ("pool_stage_id", body.int("prospect_pool_stage_id").or(first).into()),
                ("prospect_owner_id", body.int("prospect_owner_id").into()),
            ],
        );
    } else if let Some(job) = body.int("job_id") {
        create_stages(context.model, id, job, body.int("initial_stage_id"));
    }
    id
}

/// Creates the stage rows of an application and enters one stage (the first if none is named).
pub(crate) fn create_stages(model: &mut Model, application: i64, job: i64, enter: Option<i64>) {
    let stages = model.pipeline(job);
    let entered = enter.or_else(|| stages.first().copied());
    let now = model.now_ms;
    let mut current = None;
    for stage in stages {
        let here = Some(stage) == entered;
        let row = model.insert(
            Kind::ApplicationStages,
            &[
                ("application_id", application.into()),
                ("current", here.into()),
                ("days_in_stage", Cell::Int(0)),
                ("entered_at", if here { Cell::Time(now) } else { Cell::Null }),
                ("job_interview_stage_id", stage.into()),
            ],
        );
        if here {
            current = Some((row, stage));
        }
    }
    if let Some((row, stage)) = current {
        let name = model.text(Kind::JobInterviewStages, stage, "name").map(str::to_owned);
        let cells = [
            ("stage_id", row.into()),
            ("job_interview_stage_id", stage.into()),
            ("stage_name", name.into()),
        ];
        model.set(Kind::Applications, application, Touch::Stamp, &cells);
    }
}

pub(super) fn update(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    let body = Body::read(body, UPDATE)?;
    check_links(context, &body)?;
    context.must_know(Kind::ProspectPools, "prospect_pool_id", body.int("prospect_pool_id"))?;
    let mut cells: Vec<(&str, Cell)> = Vec::new();
    for name in ["source_id", "referrer_id", "recruiter_id", "coordinator_id"] {
        if body.has(name) {
            cells.push((name, body.int(name).into()));
        }
    }
    for name in ["rejected_at", "created_at"] {
        if let Some(at_ms) = body.text(name).and_then(atsync_sandbox::parse_ms) {
            cells.push((name, Cell::Time(at_ms)));
        }
    }
    if let Some(list) = body.get("custom_fields").filter(|value| !value.is_null()) {
        let former = context.model.cell(Kind::Applications, id, "custom_fields");
        cells.push(("custom_fields", fields::apply(context, "application", list, former, true)?));
    }
    if body.has("prospect_pool_id") {
        let Some(detail) =
            context.model.find(Kind::ProspectDetails, "application_id", id).first().copied()
        else {
            return Err(Refusal::invalid("prospect_pool_id", "application is not a prospect"));
        };
        let pool = [
            ("pool_id", body.int("prospect_pool_id").into()),
            ("pool_stage_id", body.int("prospect_stage_id").into()),
        ];
        context.model.set(Kind::ProspectDetails, detail, Touch::Stamp, &pool);
    }
    let same =
        cells.iter().all(|(name, cell)| context.model.cell(Kind::Applications, id, name) == cell);
    let silent = same && context.quirks.unchanged_patch_is_silent;
    context.model.set(
        Kind::Applications,
        id,
        if silent { Touch::Leave } else { Touch::Stamp },
        &cells,
    );
    Ok(context.shown(Kind::Applications, id))
}

pub(super) fn delete(context: &mut WriteContext<'_>, id: i64) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    destroy(context, id);
    Ok(context.deleted(id, "Application"))
}

/// Removes an application and all records below it.
pub(crate) fn destroy(context: &mut WriteContext<'_>, id: i64) {
    below::remove(context, Kind::Applications, id);
}
