//! Moves, rejects, unrejects, hires and converts: decides what to send from an application's
//! present state.
//!
//! Each call answers 204 without a body (harvest-v3.md §6), so the state is read first: if it is
//! the desired one already, no request is needed, and an impossible change is a conflict for the
//! planner. Two facts are uncertain: which id `from_stage_id` is (§9.2), and the form of
//! `start_date`, a date-time in the document (openapi) and a day in some accounts. One task sends
//! one reading; a 422 is then a conflict that names the other one, unless the input chose the
//! reading itself, so that the other one is tried once and never in a loop (pitfalls.md 10).

use crate::answer::invalid;
use crate::request::{self, id_number};
use crate::settings::{DateReading, Settings, StageReading};
use crate::write::input::{ConvertInput, HireInput, MoveInput, RejectInput};
use crate::write::row;
use crate::write::sent::{Refusal, Sent, Success, applied, converted_from};
use crate::write::standing::{Standing, Status};
use crate::write::steps::{outcome, send};
use atsync_adapter::contract::{Failure, Step, Written};
use serde_json::{Map, Value, json};

/// Moves an application to another stage or job. `None`: the row does not have the stage
/// definition, and application_stages must be read first.
pub(crate) fn advance(
    standing: &Standing,
    input: &MoveInput,
    settings: &Settings,
    stages_read: bool,
) -> Result<Option<Step>, Failure> {
    if input.to_stage.is_some() == input.to_job.is_some() {
        return Err(invalid("to_stage", "exactly one of to_stage and to_job"));
    }
    if standing.is_at(input) {
        return Ok(Some(standing.unneeded(Vec::new())));
    }
    if standing.status != Status::UnderWay
        || (standing.prospect == Some(true) && input.to_stage.is_some())
    {
        return Err(standing.conflict("moved"));
    }
    let reading = input.reading.unwrap_or(settings.from_stage_reading);
    if standing.stage.is_none()
        && !stages_read
        && (input.to_stage.is_some() || reading == StageReading::StageDefinition)
    {
        return Ok(None);
    }
    let (from, other) = match reading {
        StageReading::StageDefinition => (&standing.stage, "application-stage"),
        StageReading::ApplicationStage => (&standing.stage_row, "stage-definition"),
    };
    let from = from.as_deref().ok_or_else(|| {
        Failure::Conflict("Greenhouse names no current stage of the application".into())
    })?;
    let mut body = Map::new();
    body.insert("from_stage_id".into(), id_number("from_stage", from)?);
    if let Some(stage) = &input.to_stage {
        body.insert("to_stage_id".into(), id_number("to_stage", stage)?);
    }
    if let Some(job) = &input.to_job {
        body.insert("to_job_id".into(), id_number("to_job", job)?);
    }
    let refusal = match input.reading {
        None => Refusal::Reading { other: other.into(), about: String::new() },
        Some(_) => Refusal::Plain,
    };
    standing.send("move", "applications.move", body, refusal, Vec::new()).map(Some)
}

/// Rejects an application. It requests no mail, so none is sent (harvest-v3.md §7).
pub(crate) fn reject(standing: &Standing, input: &RejectInput) -> Result<Step, Failure> {
    let reason = id_number("reason", &input.reason)?;
    match standing.status {
        Status::Rejected => {
            let differs = standing.reason.as_ref().is_some_and(|held| *held != input.reason);
            let warning = format!(
                "rejected already, for reason {} instead of {}",
                standing.reason.as_deref().unwrap_or(""),
                input.reason
            );
            Ok(standing.unneeded(if differs { vec![warning] } else { Vec::new() }))
        }
        Status::UnderWay => {
            let mut body = Map::new();
            body.insert("rejection_reason_id".into(), reason);
            if let Some(note) = input.note.as_deref().filter(|note| !note.trim().is_empty()) {
                body.insert("notes".into(), note.into());
            }
            standing.send("reject", "applications.reject", body, Refusal::Plain, Vec::new())
        }
        _ => Err(standing.conflict("rejected")),
    }
}

/// Removes a rejection.
pub(crate) fn unreject(standing: &Standing) -> Result<Step, Failure> {
    match standing.status {
        Status::UnderWay => Ok(standing.unneeded(Vec::new())),
        Status::Rejected => standing.send(
            "unreject",
            "applications.unreject",
            Map::new(),
            Refusal::Plain,
            Vec::new(),
        ),
        _ => Err(standing.conflict("unrejected")),
    }
}

/// The decision on a hire.
pub(crate) enum Hiring {
    /// The step is decided.
    Step(Step),
    /// The open openings of this job must be counted, since the input names none.
    NeedsOpenings(String),
}

/// Hires an applicant.
///
/// `openings` are the open ones of the job, once read (harvest-v3.md §9.2: required when several
/// are open).
pub(crate) fn hire(
    standing: &Standing,
    input: &HireInput,
    settings: &Settings,
    openings: Option<&[Value]>,
) -> Result<Hiring, Failure> {
    match standing.status {
        Status::Hired => return Ok(Hiring::Step(standing.unneeded(Vec::new()))),
        Status::UnderWay if standing.prospect != Some(true) => {}
        _ => return Err(standing.conflict("hired")),
    }
    let mut body = Map::new();
    let opening = match (&input.opening, openings, &standing.job) {
        (Some(opening), _, _) => Some(opening.clone()),
        (None, None, Some(job)) => return Ok(Hiring::NeedsOpenings(job.clone())),
        (None, None, None) => return Err(standing.conflict("hired without a job")),
        (None, Some(rows), job) => {
            let open = |row: &&Value| {
                row::flag(row, "open") != Some(false)
                    && row::id(row, "job_id").is_none_or(|id| Some(id) == *job)
            };
            let open: Vec<String> =
                rows.iter().filter(open).filter_map(|row| row::id(row, "id")).collect();
            match open.as_slice() {
                // Greenhouse decides whether there is one.
                [] => None,
                [one] => Some(one.clone()),
                several => {
                    let text = format!(
                        "{} openings of the job are open; name one of {}",
                        several.len(),
                        several.join(", ")
                    );
                    return Err(invalid("opening", text));
                }
            }
        }
    };
    if let Some(opening) = opening {
        body.insert("opening_id".into(), id_number("opening", &opening)?);
    }
    if let Some(reason) = &input.close_reason {
        body.insert("close_reason_id".into(), id_number("close_reason", reason)?);
    }
    let mut refusal = Refusal::Plain;
    if let Some(date) = &input.start_on {
        let day = date
            .get(..10)
            .filter(|day| is_day(day))
            .ok_or_else(|| invalid("start_on", "a date such as 2026-12-01"))?;
        let (start, other) = match input.reading.unwrap_or(settings.start_date_reading) {
            DateReading::Date => (day.to_owned(), "date-time"),
            DateReading::DateTime => (format!("{day}T00:00:00Z"), "date"),
        };
        body.insert("start_date".into(), start.into());
        if input.reading.is_none() {
            refusal = Refusal::Reading { other: other.into(), about: "start_date".into() };
        }
    }
    standing.send("hire", "applications.hire", body, refusal, Vec::new()).map(Hiring::Step)
}

fn is_day(text: &str) -> bool {
    text.bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

/// The decision on a conversion.
pub(crate) enum Converting {
    /// The step is decided.
    Step(Step),
    /// It was converted already: the new application is among those of this candidate.
    NeedsSiblings(String),
}

/// Converts a prospect to an application.
pub(crate) fn convert(standing: &Standing, input: &ConvertInput) -> Result<Converting, Failure> {
    let job = id_number("job", &input.job)?;
    match (&standing.status, standing.prospect) {
        (Status::Converted, _) => match &standing.candidate {
            Some(candidate) => Ok(Converting::NeedsSiblings(candidate.clone())),
            None => Err(standing.conflict("followed to its new application")),
        },
        (_, None) => Err(row::not_shown("prospect")),
        (_, Some(false)) if standing.job.as_ref() == Some(&input.job) => {
            Ok(Converting::Step(standing.unneeded(Vec::new())))
        }
        (Status::UnderWay, Some(true)) => {
            let mut body = Map::new();
            body.insert("job_id".into(), job);
            if let Some(stage) = &input.stage {
                body.insert("to_job_interview_stage_id".into(), id_number("stage", stage)?);
            }
            let request = request::post(
                &["applications", &standing.id, "convert_to_candidate"],
                json!(body).to_string(),
            );
            let success = Success::Converted { old: standing.id.clone() };
            let sent = Sent {
                operation: "applications.convert".into(),
                success,
                refusal: Refusal::Plain,
                warnings: Vec::new(),
            };
            send(request, &sent).map(Converting::Step)
        }
        _ => Err(standing.conflict("converted")),
    }
}

/// Returns the applications to the job that can be the result of a conversion.
pub(crate) fn converted(rows: &[Value], old: &str, job: &str) -> Vec<Standing> {
    let all = rows.iter().map(Standing::of);
    let fits = |new: &Standing| {
        new.id != old && new.prospect != Some(true) && new.job.as_deref() == Some(job)
    };
    all.filter(fits).collect()
}

/// Returns the outcome for a prospect that was converted already.
pub(crate) fn converted_already(
    standing: &Standing,
    input: &ConvertInput,
    rows: &[Value],
) -> Result<Step, Failure> {
    match converted(rows, &standing.id, &input.job).as_slice() {
        [new] => {
            let links = vec![new.link(), converted_from(standing.id.clone())];
            Ok(outcome(Written::Unneeded(applied(links, Vec::new()))))
        }
        _ => Err(standing.conflict("followed to its new application, which is not shown")),
    }
}
