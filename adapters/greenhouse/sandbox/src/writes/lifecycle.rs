//! Lifecycle of an application: move, reject, unreject, hire, convert. All answer 204, convert
//! excepted.
//!
//! `move` is the API's only compare-and-swap; a prospect's conversion is the only call that changes
//! an application's identity. Statuses are not a ladder: an application can return from each.

use super::{Done, WriteContext, applications};
use crate::body::Body;
use crate::model::Touch;
use crate::model::cell::Cell;
use crate::quirks::{FromStage, Transfer};
use crate::refusal::Refusal;
use crate::schema::Kind;

fn status(context: &WriteContext<'_>, id: i64) -> String {
    context.model.text(Kind::Applications, id, "status").unwrap_or_default().to_owned()
}

fn in_process(context: &WriteContext<'_>, id: i64) -> Result<(), Refusal> {
    match status(context, id).as_str() {
        "in_process" => Ok(()),
        other => Err(Refusal::invalid("base", format!("application is {other}"))),
    }
}

fn activity(context: &mut WriteContext<'_>, id: i64) {
    if let Some(candidate) = context.model.int(Kind::Applications, id, "candidate_id") {
        context.note_activity(candidate);
    }
}

pub(super) fn move_request(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    let body =
        Body::read(body, "from_stage_id!:id to_stage_id:id to_job_id:id email_from_user_id:id")?;
    in_process(context, id)?;
    let (to_stage, to_job) = (body.int("to_stage_id"), body.int("to_job_id"));
    if to_stage.is_some() && to_job.is_some() {
        return Err(Refusal::invalid("to_stage_id", "cannot be combined with to_job_id"));
    }
    let column = match context.quirks.from_stage {
        FromStage::JobInterviewStage => "job_interview_stage_id",
        FromStage::ApplicationStage => "stage_id",
    };
    let current = context.model.int(Kind::Applications, id, column);
    if current.is_none() || current != body.int("from_stage_id") {
        return Err(Refusal::invalid("from_stage_id", "does not match the current stage"));
    }
    if let Some(job) = to_job {
        transfer(context, id, job)?;
    } else {
        let to = match to_stage {
            Some(stage) => stage,
            None => next_stage(context, id)?,
        };
        move_to(context, id, to)?;
    }
    Ok(Done::NoContent)
}

fn next_stage(context: &WriteContext<'_>, id: i64) -> Result<i64, Refusal> {
    let job = context.model.int(Kind::Applications, id, "job_id").unwrap_or(0);
    let current = context.model.int(Kind::Applications, id, "job_interview_stage_id");
    let mut later =
        context.model.pipeline(job).into_iter().skip_while(|stage| Some(*stage) != current);
    later.nth(1).ok_or_else(|| Refusal::invalid("base", "application is in the last stage"))
}

/// Moves an application to a stage of its job.
pub(crate) fn move_to(context: &mut WriteContext<'_>, id: i64, stage: i64) -> Result<(), Refusal> {
    let model = &mut *context.model;
    let job = model.int(Kind::Applications, id, "job_id");
    if job.is_none() || model.int(Kind::JobInterviewStages, stage, "job_id") != job {
        return Err(Refusal::invalid("to_stage_id", "is not a stage of the job"));
    }
    let now = model.now_ms;
    let mut entered = None;
    for row in model.find(Kind::ApplicationStages, "application_id", id) {
        let here = model.int(Kind::ApplicationStages, row, "job_interview_stage_id") == Some(stage);
        let was = model.flag(Kind::ApplicationStages, row, "current");
        if here {
            entered = Some(row);
            let cells = [
                ("current", true.into()),
                ("entered_at", Cell::Time(now)),
                ("exited_at", Cell::Null),
                ("days_in_stage", Cell::Int(0)),
            ];
            model.set(Kind::ApplicationStages, row, Touch::Stamp, &cells);
        } else if was {
            let cells = [("current", false.into()), ("exited_at", Cell::Time(now))];
            model.set(Kind::ApplicationStages, row, Touch::Stamp, &cells);
        }
    }
    let row = entered.unwrap_or_else(|| {
        let cells = [
            ("application_id", id.into()),
            ("current", true.into()),
            ("days_in_stage", Cell::Int(0)),
            ("entered_at", Cell::Time(now)),
            ("job_interview_stage_id", stage.into()),
        ];
        model.insert(Kind::ApplicationStages, &cells)
    });
    let name = model.text(Kind::JobInterviewStages, stage, "name").map(str::to_owned);
    let cells = [
        ("last_activity_at", Cell::Time(now)),
        ("stage_id", row.into()),
        ("job_interview_stage_id", stage.into()),
        ("stage_name", name.into()),
    ];
    model.set(Kind::Applications, id, Touch::Stamp, &cells);
    activity(context, id);
    Ok(())
}

/// Transfers an application to the first stage of another job. Returns its id from then on
/// ([`Transfer`]).
pub(crate) fn transfer(context: &mut WriteContext<'_>, id: i64, job: i64) -> Result<i64, Refusal> {
    if context.model.flag(Kind::Applications, id, "prospect") {
        return Err(Refusal::invalid("base", "application is a prospect"));
    }
    context.must_know(Kind::Jobs, "to_job_id", Some(job))?;
    let candidate = context.model.int(Kind::Applications, id, "candidate_id").unwrap_or(0);
    if applications::on_job(context.model, candidate, job) {
        return Err(Refusal::invalid(
            "to_job_id",
            "candidate already has an application on this job",
        ));
    }
    let to = match context.quirks.transfer {
        Transfer::KeepsId => {
            for row in context.model.find(Kind::ApplicationStages, "application_id", id) {
                context.model.remove(Kind::ApplicationStages, row);
            }
            context.model.set(Kind::Applications, id, Touch::Stamp, &[("job_id", job.into())]);
            id
        }
        Transfer::NewId => anew(context, id, candidate, job),
    };
    applications::create_stages(context.model, to, job, None);
    activity(context, to);
    Ok(to)
}

/// Copies the application to another job under a new id, with its files, and removes the old one.
fn anew(context: &mut WriteContext<'_>, id: i64, candidate: i64, job: i64) -> i64 {
    let now = Cell::Time(context.model.now_ms);
    let mut cells = kept(context, id);
    cells.extend([
        ("candidate_id", Cell::Int(candidate)),
        ("job_id", job.into()),
        ("last_activity_at", now),
        ("needs_decision", false.into()),
        ("prospect", false.into()),
        ("status", "in_process".into()),
    ]);
    let to = context.model.insert(Kind::Applications, &cells);
    for row in context.model.find(Kind::Attachments, "application_id", id) {
        context.model.set(Kind::Attachments, row, Touch::Stamp, &[("application_id", to.into())]);
    }
    applications::destroy(context, id);
    to
}

/// Returns the cells that an application keeps under a new id.
fn kept(context: &WriteContext<'_>, id: i64) -> Vec<(&'static str, Cell)> {
    ["custom_fields", "coordinator_id", "recruiter_id", "referrer_id", "source_id"]
        .map(|name| (name, context.model.cell(Kind::Applications, id, name).clone()))
        .into()
}

/// The parameters of a rejection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejection {
    pub(crate) application_id: i64,
    pub(crate) reason_id: i64,
}

pub(super) fn reject_request(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    let body = Body::read(
        body,
        "rejection_reason_id!:id notes:text rejection_email:map custom_fields:list",
    )?;
    let reason_id = body.int("rejection_reason_id").unwrap_or(0);
    context.must_know(Kind::RejectionReasons, "rejection_reason_id", Some(reason_id))?;
    if let Some(mail) = body.get("rejection_email").filter(|value| !value.is_null()) {
        let mail =
            Body::check(mail, "email_template_id!:int send_email_at:time email_from_user_id:int")?;
        context.must_know(
            Kind::EmailTemplates,
            "rejection_email",
            mail.int("email_template_id"),
        )?;
    }
    in_process(context, id)?;
    let values = match body.get("custom_fields") {
        Some(list) => {
            Some(super::fields::apply(context, "rejection_question", list, &Cell::Null, false)?)
        }
        None => None,
    };
    let note = body.text("notes").filter(|text| !text.is_empty()).map(|text| {
        let candidate = context.model.int(Kind::Applications, id, "candidate_id");
        super::small::add_note(context, candidate.unwrap_or(0), Some(id), text)
    });
    reject(context, Rejection { application_id: id, reason_id });
    if let Some(detail) =
        context.model.find(Kind::RejectionDetails, "application_id", id).last().copied()
    {
        let mut cells = vec![("rejection_note_id", note.into())];
        cells.extend(values.map(|values| ("question_custom_fields", values)));
        context.model.set(Kind::RejectionDetails, detail, Touch::Stamp, &cells);
    }
    Ok(Done::NoContent)
}

/// Rejects; the last stage's row stays `current`.
pub(crate) fn reject(context: &mut WriteContext<'_>, rejection: Rejection) {
    let Rejection { application_id: id, reason_id } = rejection;
    let now = Cell::Time(context.model.now_ms);
    for former in context.model.find(Kind::RejectionDetails, "application_id", id) {
        context.model.remove(Kind::RejectionDetails, former);
    }
    let detail = [
        ("application_id", Cell::Int(id)),
        ("rejected_at", now.clone()),
        ("rejected_by_id", Cell::Int(context.actor_id)),
        ("rejection_reason_id", Cell::Int(reason_id)),
    ];
    context.model.insert(Kind::RejectionDetails, &detail);
    let cells = [
        ("last_activity_at", now.clone()),
        ("rejected_at", now),
        ("rejection_reason_id", Cell::Int(reason_id)),
        ("status", "rejected".into()),
    ];
    context.model.set(Kind::Applications, id, Touch::Stamp, &cells);
    activity(context, id);
}

pub(super) fn unreject_request(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    Body::read(body, "")?;
    if status(context, id) != "rejected" {
        return Err(Refusal::invalid("base", "application is not rejected"));
    }
    unreject(context, id);
    Ok(Done::NoContent)
}

/// Removes a rejection.
pub(crate) fn unreject(context: &mut WriteContext<'_>, id: i64) {
    for detail in context.model.find(Kind::RejectionDetails, "application_id", id) {
        context.model.remove(Kind::RejectionDetails, detail);
    }
    let cells = [
        ("last_activity_at", Cell::Time(context.model.now_ms)),
        ("rejected_at", Cell::Null),
        ("rejection_reason_id", Cell::Null),
        ("status", "in_process".into()),
    ];
    context.model.set(Kind::Applications, id, Touch::Stamp, &cells);
    activity(context, id);
}

/// Removes a hire: the application returns to the last stage of its job, its opening opens again,
/// and its job stays as it is.
pub(crate) fn unhire(context: &mut WriteContext<'_>, id: i64) -> Result<(), Refusal> {
    if status(context, id) != "hired" {
        return Err(Refusal::invalid("base", "application is not hired"));
    }
    let job = context.model.int(Kind::Applications, id, "job_id").unwrap_or(0);
    let last = context.model.pipeline(job).last().copied();
    for opening in context.model.find(Kind::Openings, "application_id", id) {
        let open = [
            ("application_id", Cell::Null),
            ("close_reason_id", Cell::Null),
            ("closed_at", Cell::Null),
            ("open", true.into()),
        ];
        context.model.set(Kind::Openings, opening, Touch::Stamp, &open);
    }
    let cells = [("status", "in_process".into())];
    context.model.set(Kind::Applications, id, Touch::Stamp, &cells);
    match last {
        Some(stage) => move_to(context, id, stage),
        None => Ok(()),
    }
}

pub(super) fn hire_request(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    let body = Body::read(body, "opening_id:id start_date:date_time close_reason_id:int")?;
    context.must_know(Kind::CloseReasons, "close_reason_id", body.int("close_reason_id"))?;
    in_process(context, id)?;
    hire(context, id, body.int("opening_id"), body.int("close_reason_id"))?;
    Ok(Done::NoContent)
}

/// Hires into an opening, which closes. A hired application leaves its stage; the last open opening
/// closes the job.
pub(crate) fn hire(
    context: &mut WriteContext<'_>,
    id: i64,
    opening: Option<i64>,
    close_reason: Option<i64>,
) -> Result<(), Refusal> {
    let Some(job) = context.model.int(Kind::Applications, id, "job_id") else {
        return Err(Refusal::invalid("base", "application has no job"));
    };
    let open: Vec<i64> = open_openings(context, job);
    let opening = match (opening, open.as_slice()) {
        (Some(opening), open) if open.contains(&opening) => opening,
        (Some(_), _) => {
            return Err(Refusal::invalid("opening_id", "is not an open opening of the job"));
        }
        (None, [only]) => *only,
        (None, []) => return Err(Refusal::invalid("base", "job has no open opening")),
        (None, _) => {
            return Err(Refusal::invalid(
                "opening_id",
                "is required when several openings are open",
            ));
        }
    };
    let now = Cell::Time(context.model.now_ms);
    let reason = close_reason.or_else(|| {
        let mut reasons = context.model.rows(Kind::CloseReasons).map(|row| row.id);
        reasons.find(|id| {
            context
                .model
                .text(Kind::CloseReasons, *id, "name")
                .is_some_and(|name| name.starts_with("Hire -"))
        })
    });
    let closed = [
        ("application_id", Cell::Int(id)),
        ("close_reason_id", reason.into()),
        ("closed_at", now.clone()),
        ("open", false.into()),
    ];
    context.model.set(Kind::Openings, opening, Touch::Stamp, &closed);
    for row in context.model.find(Kind::ApplicationStages, "application_id", id) {
        if context.model.flag(Kind::ApplicationStages, row, "current") {
            let cells = [("current", false.into()), ("exited_at", now.clone())];
            context.model.set(Kind::ApplicationStages, row, Touch::Stamp, &cells);
        }
    }
    let cells = [
        ("last_activity_at", now.clone()),
        ("stage_id", Cell::Null),
        ("job_interview_stage_id", Cell::Null),
        ("stage_name", Cell::Null),
        ("status", "hired".into()),
    ];
    context.model.set(Kind::Applications, id, Touch::Stamp, &cells);
    if open_openings(context, job).is_empty() {
        context.model.set(
            Kind::Jobs,
            job,
            Touch::Stamp,
            &[("closed_at", now), ("status", "closed".into())],
        );
    }
    activity(context, id);
    Ok(())
}

fn open_openings(context: &WriteContext<'_>, job: i64) -> Vec<i64> {
    let all = context.model.find(Kind::Openings, "job_id", job);
    all.into_iter().filter(|id| context.model.flag(Kind::Openings, *id, "open")).collect()
}

pub(super) fn convert_request(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Applications, id)?;
    let body = Body::read(body, "job_id!:id to_job_interview_stage_id:id")?;
    let job = body.int("job_id").unwrap_or(0);
    context.must_know(Kind::Jobs, "job_id", Some(job))?;
    let stage = body.int("to_job_interview_stage_id");
    if stage.is_some_and(|stage| {
        context.model.int(Kind::JobInterviewStages, stage, "job_id") != Some(job)
    }) {
        return Err(Refusal::invalid("to_job_interview_stage_id", "is not a stage of the job"));
    }
    let new = convert(context, id, job, stage)?;
    Ok(context.created(Kind::Applications, new))
}

/// Converts a prospect to a **new** application on the job; the prospect's own stays as
/// `converted`.
pub(crate) fn convert(
    context: &mut WriteContext<'_>,
    id: i64,
    job: i64,
    stage: Option<i64>,
) -> Result<i64, Refusal> {
    if !context.model.flag(Kind::Applications, id, "prospect") {
        return Err(Refusal::invalid("base", "application is not a prospect"));
    }
    in_process(context, id)?;
    let tied = context.model.cell(Kind::Applications, id, "prospective_job_ids").ids().to_vec();
    if !tied.is_empty() && !tied.contains(&job) {
        return Err(Refusal::invalid("job_id", "prospect is not tied to this job"));
    }
    let candidate = context.model.int(Kind::Applications, id, "candidate_id").unwrap_or(0);
    let theirs = context.model.find(Kind::Applications, "candidate_id", candidate).into_iter();
    // The prospect itself may name the job.
    if theirs
        .filter(|other| *other != id)
        .any(|other| context.model.int(Kind::Applications, other, "job_id") == Some(job))
    {
        return Err(Refusal::invalid("job_id", "candidate already has an application on this job"));
    }
    let now = Cell::Time(context.model.now_ms);
    let mut cells = kept(context, id);
    cells.extend([
        ("candidate_id", Cell::Int(candidate)),
        ("job_id", job.into()),
        ("last_activity_at", now.clone()),
        ("needs_decision", false.into()),
        ("prospect", false.into()),
        ("status", "in_process".into()),
    ]);
    let new = context.model.insert(Kind::Applications, &cells);
    applications::create_stages(context.model, new, job, stage);
    let converted = [("last_activity_at", now), ("status", "converted".into())];
    context.model.set(Kind::Applications, id, Touch::Stamp, &converted);
    context.note_activity(candidate);
    Ok(new)
}
