//! Creates applications, in two arms, and changes them by the smallest PATCH.
//!
//! A prospect is an application with `prospect: true` (harvest-v3.md §9.12). The two arms take
//! different members, and Greenhouse refuses the wrong ones with 422 (§9.2), so an input that mixes
//! them is refused before it is sent. The application in a new candidate's request takes fewer
//! members than one of its own (§9.1); an update writes the others later, and the plan says so.

use crate::answer::invalid;
use crate::request::{self, id_number};
use crate::settings::{FieldsReading, Settings};
use crate::write::custom;
use crate::write::custom::CustomEdit;
use crate::write::edit::Edit;
use crate::write::input::{ApplicationEdit, ApplicationNew, ArmInput, Clearable};
use crate::write::sent::{Refusal, Sent};
use crate::write::steps::{made, send};
use crate::write::{row, words};
use atsync_adapter::contract::{Failure, Step};
use atsync_adapter::model::kinds;
use serde_json::{Map, Value};

/// Sends a new application or prospect of a known candidate.
pub(crate) fn create(new: &ApplicationNew) -> Result<Step, Failure> {
    let candidate = new.candidate.as_deref().ok_or_else(|| invalid("candidate", "missing"))?;
    let mut body = arm(new, "")?;
    body.insert("candidate_id".into(), id_number("candidate", candidate)?);
    credit(&mut body, new, "")?;
    let mut values = Vec::new();
    for wanted in new.custom_fields.iter().filter(|wanted| !wanted.value.is_null()) {
        values.push((wanted.key.clone(), custom::written(wanted)?));
    }
    if !values.is_empty() {
        body.insert("custom_fields".into(), custom::attribute(&values));
    }
    let request = request::post(&["applications"], Value::Object(body).to_string());
    let success = made(kinds::APPLICATIONS, "application");
    send(
        request,
        &Sent {
            operation: "applications.create".into(),
            success,
            refusal: Refusal::Plain,
            warnings: Vec::new(),
        },
    )
}

/// Builds the nested `application` of a new candidate.
pub(crate) fn carried(
    new: &ApplicationNew,
    warnings: &mut Vec<String>,
) -> Result<Map<String, Value>, Failure> {
    let prefix = "application.";
    let mut body = arm(new, prefix)?;
    let mut later: Vec<&str> = Vec::new();
    if new.kind == ArmInput::Application {
        credit(&mut body, new, prefix)?;
    } else if credit_names(new).iter().any(|(_, _, id)| id.is_some()) {
        later.push("source, referrer, recruiter and coordinator of a prospect");
    }
    if !new.custom_fields.is_empty() {
        later.push("custom fields of an application");
    }
    for what in later {
        warnings.push(format!(
            "{what} cannot be given together with a new candidate: an update of the application \
             must follow"
        ));
    }
    Ok(body)
}

/// Builds the members in which the arms differ.
fn arm(new: &ApplicationNew, prefix: &str) -> Result<Map<String, Value>, Failure> {
    let field = |name: &str| format!("{prefix}{name}");
    let refused = |name: &str, arm: &str| invalid(field(name), format!("{arm} has none"));
    let mut body = Map::new();
    match new.kind {
        ArmInput::Application => {
            for (name, given) in [
                ("pool", &new.pool),
                ("pool_stage", &new.pool_stage),
                ("owner", &new.owner),
                ("jobs", &new.jobs.first().cloned()),
            ] {
                if given.is_some() {
                    return Err(refused(name, "an application to a job"));
                }
            }
            let job = new
                .job
                .as_deref()
                .ok_or_else(|| invalid(field("job"), "an application needs a job"))?;
            body.insert("job_id".into(), id_number(&field("job"), job)?);
            if let Some(stage) = &new.stage {
                body.insert("initial_stage_id".into(), id_number(&field("stage"), stage)?);
            }
        }
        ArmInput::Prospect => {
            if new.stage.is_some() {
                return Err(refused("stage", "a prospect"));
            }
            body.insert("prospect".into(), true.into());
            let jobs = prospective(new)
                .into_iter()
                .map(|job| id_number(&field("jobs"), job))
                .collect::<Result<_, _>>()?;
            body.insert("job_ids".into(), Value::Array(jobs));
            for (name, attribute, given) in [
                ("pool", words::POOL.0, &new.pool),
                ("pool_stage", words::POOL_STAGE.0, &new.pool_stage),
                ("owner", words::POOL_OWNER.0, &new.owner),
            ] {
                if let Some(id) = given {
                    body.insert(attribute.into(), id_number(&field(name), id)?);
                }
            }
        }
    }
    Ok(body)
}

/// Lists the jobs that a prospect is considered for: `job` and `jobs` together, each once.
pub(crate) fn prospective(new: &ApplicationNew) -> Vec<&str> {
    let mut jobs: Vec<&str> = Vec::new();
    for job in new.job.iter().chain(&new.jobs) {
        if !jobs.contains(&job.as_str()) {
            jobs.push(job);
        }
    }
    jobs
}

fn credit_names(new: &ApplicationNew) -> [(&'static str, &'static str, Option<&str>); 4] {
    [
        ("source", "source_id", new.source.as_deref()),
        ("referrer", "referrer_id", new.referrer.as_deref()),
        ("recruiter", "recruiter_id", new.recruiter.as_deref()),
        ("coordinator", "coordinator_id", new.coordinator.as_deref()),
    ]
}

/// Writes source, referrer and the like. A referrer's id is never a user's id (pitfalls.md 52): the
/// planner resolves it.
fn credit(
    body: &mut Map<String, Value>,
    new: &ApplicationNew,
    prefix: &str,
) -> Result<(), Failure> {
    for (name, attribute, given) in credit_names(new) {
        if let Some(id) = given {
            body.insert(attribute.into(), id_number(&format!("{prefix}{name}"), id)?);
        }
    }
    Ok(())
}

/// Computes the remaining changes of an edit.
///
/// `pool` is the pool as just read from prospect_details; it is read only when the edit names one.
pub(crate) fn difference(
    id: &str,
    edit: &ApplicationEdit,
    row: &Value,
    pool: Option<&str>,
    settings: &Settings,
) -> Result<Edit, Failure> {
    let mut body = Map::new();
    let mut put = |field: &str,
                   attribute: &str,
                   wanted: &Clearable<String>,
                   held: Option<&str>|
     -> Result<(), Failure> {
        match wanted {
            Some(wanted) if wanted.as_deref() != held => {
                let id = wanted.as_deref().ok_or_else(|| {
                    let why = "Greenhouse cannot clear it: an update takes an id and no null";
                    invalid(field, format!("{why}; clear it in Greenhouse, or name another"))
                })?;
                body.insert(attribute.into(), id_number(field, id)?);
                Ok(())
            }
            _ => Ok(()),
        }
    };
    for (field, attribute, wanted) in [
        ("source", "source_id", &edit.source),
        ("referrer", "referrer_id", &edit.referrer),
        ("recruiter", "recruiter_id", &edit.recruiter),
        ("coordinator", "coordinator_id", &edit.coordinator),
    ] {
        put(field, attribute, wanted, row::id(row, attribute).as_deref())?;
    }
    put("pool", words::POOL.0, &edit.pool, pool)?;
    let complete = settings.custom_fields_reading == FieldsReading::Unknown;
    let stored = custom::stored(row, "custom_fields", &edit.custom_fields, complete)?;
    let merge = custom::merge(stored, &edit.custom_fields, complete, &edit.must_show)?;
    Ok(Edit {
        operation: "applications.update",
        collection: "applications",
        kind: kinds::APPLICATIONS,
        id: id.into(),
        body,
        custom: merge.map(|merge| CustomEdit::new("application", merge, stored)),
    })
}

/// Returns the pool of an application, from its rows of prospect_details.
pub(crate) fn pool_of(rows: &[Value], application: &str) -> Option<String> {
    let row =
        rows.iter().find(|row| row::id(row, "application_id").as_deref() == Some(application))?;
    row::id(row, words::POOL.1)
}

/// Computes the remaining changes of an edit of a rejection.
///
/// On read the values are called `question_custom_fields` (harvest-v3.md §9.3).
pub(crate) fn rejection_difference(
    id: &str,
    edit: &crate::write::input::RejectionEdit,
    row: &Value,
    settings: &Settings,
) -> Result<Edit, Failure> {
    let mut body = Map::new();
    if let Some(reason) = edit
        .reason
        .as_ref()
        .filter(|reason| row::id(row, "rejection_reason_id").as_ref() != Some(reason))
    {
        body.insert("rejection_reason_id".into(), id_number("reason", reason)?);
    }
    // openapi: reject.custom_fields has ranges with both ends and a currency, and no others.
    for wanted in &edit.custom_fields {
        let ends: &[&str] = match wanted.r#type.as_str() {
            "range" => &["min", "max"],
            "money_range" => &["min", "max", "currency"],
            _ => &[],
        };
        let is_open = |end: &&str| wanted.value.get(*end).is_none_or(Value::is_null);
        if !wanted.value.is_null() && ends.iter().any(is_open) {
            let field = format!("custom_fields.{}", wanted.key);
            return Err(invalid(
                field,
                format!("a range of a rejection needs {}", ends.join(", ")),
            ));
        }
    }
    // Both names are accepted, openapi's first.
    let member = if row.get("question_custom_fields").is_some() {
        "question_custom_fields"
    } else {
        "custom_fields"
    };
    let complete = settings.custom_fields_reading == FieldsReading::Unknown;
    let stored = custom::stored(row, member, &edit.custom_fields, complete)?;
    let merge = custom::merge(stored, &edit.custom_fields, complete, &edit.must_show)?;
    Ok(Edit {
        operation: "rejections.update",
        collection: "rejection_details",
        kind: kinds::REJECTIONS,
        id: id.into(),
        body,
        custom: merge.map(|merge| CustomEdit::new("rejection_question", merge, stored)),
    })
}
