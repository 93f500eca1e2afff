//! Finds the events of one write, by comparing its records before and after.
//!
//! They cascade, as in Ashby: a hire is a change of the stage and of the application, too. Nothing
//! fires for a changed candidate, since Ashby has no such event.

use atsync_sandbox::{Document, Touched};
use serde_json::{Value, json};

use crate::model::{Model, text};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) action: &'static str,
    pub(super) data: Value,
}

/// Lists the events of a write. `merged` has the candidates that it merged into others.
pub(super) fn of(
    model: &Model,
    touched: &[Touched],
    merged: &[(String, String)],
    nulls: bool,
) -> Vec<Event> {
    let mut events = Vec::new();
    for one in touched {
        let after = model.get(one.collection, &one.id);
        let shown = |member: &str| {
            let held = after.or(one.before.as_ref())?;
            Some(json!({ member: model.show(one.collection, held, nulls) }))
        };
        let mut push = |action: &'static str, data: Option<Value>| {
            events.extend(data.map(|data| Event { action, data }));
        };
        let is_new = one.before.is_none();
        match (one.collection, &one.before, after) {
            ("candidates", Some(_), None) => {
                let into = merged.iter().find(|(from, _)| *from == one.id);
                match into {
                    Some((from, into)) => push(
                        "candidateMerge",
                        Some(json!({"deletedCandidate": {"id": from},
                            "mergedCandidate": {"id": into}})),
                    ),
                    None => push("candidateDelete", Some(json!({"candidate": {"id": one.id}}))),
                }
            }
            ("applications", None, Some(_)) => push("applicationSubmit", shown("application")),
            ("applications", Some(before), Some(after)) => {
                for action in application(model, before, after) {
                    push(action, shown("application"));
                }
            }
            ("jobs", _, Some(_)) => {
                push(if is_new { "jobCreate" } else { "jobUpdate" }, shown("job"));
            }
            ("openings", None, Some(_)) => push("openingCreate", shown("opening")),
            ("jobPostings", before, Some(after)) => {
                push(posting(before.as_ref(), after), shown("jobPosting"));
            }
            ("interviewSchedules", _, Some(_)) => {
                let action =
                    if is_new { "interviewScheduleCreate" } else { "interviewScheduleUpdate" };
                push(action, shown("interviewSchedule"));
            }
            ("offers", Some(before), None) => {
                let of = before.get("applicationId");
                push("offerDelete", Some(json!({"offer": {"id": one.id, "applicationId": of}})));
            }
            ("offers", _, Some(_)) => {
                push(if is_new { "offerCreate" } else { "offerUpdate" }, shown("offer"));
            }
            ("surveySubmissions" | "questionnaireSubmissions", None, Some(_)) => {
                push("surveySubmit", shown("surveySubmission"));
            }
            _ => {}
        }
    }
    events
}

fn application(model: &Model, before: &Document, after: &Document) -> Vec<&'static str> {
    let kind = |of: &Document| {
        let stage = text(of, "_stage").unwrap_or_default();
        model.text("interviewStages", stage, "type").unwrap_or_default().to_owned()
    };
    let mut actions = Vec::new();
    let is_moved = text(before, "_stage") != text(after, "_stage");
    if is_moved && kind(after) == "Hired" {
        actions.push("candidateHire");
    }
    if is_moved {
        actions.push("candidateStageChange");
    }
    let plain = |of: &Document| -> Document {
        let own = ["_seq", "updatedAt"];
        let all = of.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    if plain(before) != plain(after) {
        actions.push("applicationUpdate");
    }
    actions
}

fn posting(before: Option<&Document>, after: &Document) -> &'static str {
    let is_listed = |of: &Document| of.get("isListed") == Some(&Value::Bool(true));
    match (before.is_some_and(is_listed), is_listed(after)) {
        (false, true) => "jobPostingPublish",
        (true, false) => "jobPostingUnpublish",
        _ => "jobPostingUpdate",
    }
}
