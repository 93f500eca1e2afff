//! A user of Ashby's own screens: changes without a request, which a sync must detect.

use crate::model::{COLLECTIONS, text};
use crate::refusal::Refusal;
use crate::writes::{self, Writing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One action. In JSON: `{"do": "move", "application_id": …, "stage": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Recruiter {
    /// Moves an application to a stage of its plan, by the stage's id or title.
    Move {
        /// The application.
        application_id: String,
        /// The stage.
        stage: String,
    },
    /// Archives an application, for the first reason if none is named.
    Archive {
        /// The application.
        application_id: String,
        /// The reason.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Hires.
    Hire {
        /// The application.
        application_id: String,
    },
    /// Adds a person; returns the id.
    AddCandidate {
        /// The name.
        name: String,
        /// An e-mail address.
        #[serde(default)]
        email: Option<String>,
    },
    /// Deletes a candidate with everything below: no list tells it.
    DeleteCandidate {
        /// The candidate.
        candidate_id: String,
    },
    /// Merges a candidate into another: the second one's id ends, and no list tells it.
    Merge {
        /// The candidate that stays.
        candidate_id: String,
        /// The candidate whose id ends.
        deleted_candidate_id: String,
    },
    /// Blanks a candidate's data.
    Anonymise {
        /// The candidate.
        candidate_id: String,
    },
    /// Adds an opening to a job; returns its id.
    AddOpening {
        /// The job.
        job_id: String,
    },
    /// Adds a job with the plan of another one; returns its id.
    AddJob {
        /// The title.
        title: String,
        /// The job whose plan it has.
        like: String,
    },
    /// Adds a record of a kind without rules of its own here: an offer, a schedule of interviews,
    /// the answers to a survey. Returns its id.
    Add {
        /// The collection.
        collection: String,
        /// Members and values.
        values: Map<String, Value>,
    },
    /// Removes a record of any collection.
    Remove {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
    },
    /// Sets members of any record.
    Set {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
        /// Members and values.
        values: Map<String, Value>,
    },
}

/// Carries out one action. Returns the id of the created or changed record.
pub(crate) fn act(context: &mut Writing<'_>, deed: &Recruiter) -> Result<String, Refusal> {
    match deed {
        Recruiter::Move { application_id, stage } => {
            let found = stage_by(context, application_id, |one| {
                text(one, "id") == Some(stage) || text(one, "title") == Some(stage)
            })?;
            writes::enter(context.model, application_id, &found, None);
            Ok(application_id.clone())
        }
        Recruiter::Archive { application_id, reason } => {
            let found =
                stage_by(context, application_id, |one| text(one, "type") == Some("Archived"))?;
            let first = |context: &Writing<'_>| {
                let mut all = context.model.documents.all("archiveReasons");
                all.find_map(|one| text(one, "id")).map(str::to_owned)
            };
            let reason = reason.clone().or_else(|| first(context));
            writes::enter(context.model, application_id, &found, reason.as_deref());
            Ok(application_id.clone())
        }
        Recruiter::Hire { application_id } => {
            let found =
                stage_by(context, application_id, |one| text(one, "type") == Some("Hired"))?;
            writes::enter(context.model, application_id, &found, None);
            Ok(application_id.clone())
        }
        Recruiter::AddCandidate { name, email } => {
            let body = json!({"name": name, "email": email});
            let body = body.as_object().cloned().unwrap_or_default();
            let made = context.perform("candidate.create", &body)?;
            Ok(made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
        }
        Recruiter::DeleteCandidate { candidate_id } => {
            known(context, "candidates", candidate_id)?;
            for below in ["applications", "notes"] {
                for id in context.model.find(below, "_candidate", candidate_id) {
                    context.model.documents.remove(below, &id);
                }
            }
            context.model.documents.remove("candidates", candidate_id);
            Ok(candidate_id.clone())
        }
        Recruiter::Merge { candidate_id, deleted_candidate_id } => {
            known(context, "candidates", candidate_id)?;
            known(context, "candidates", deleted_candidate_id)?;
            if candidate_id == deleted_candidate_id {
                return Err(Refusal::input("a candidate cannot be merged into itself"));
            }
            for below in ["applications", "notes"] {
                for id in context.model.find(below, "_candidate", deleted_candidate_id) {
                    context.model.set(below, &id, json!({"_candidate": candidate_id}));
                }
            }
            context.model.documents.remove("candidates", deleted_candidate_id);
            let pair = (deleted_candidate_id.clone(), candidate_id.clone());
            context.model.merged.push(pair);
            context.model.set("candidates", candidate_id, json!({}));
            Ok(candidate_id.clone())
        }
        Recruiter::Anonymise { candidate_id } => {
            known(context, "candidates", candidate_id)?;
            writes::blank(context.model, candidate_id);
            Ok(candidate_id.clone())
        }
        Recruiter::AddOpening { job_id } => {
            known(context, "jobs", job_id)?;
            let now = context.model.now();
            let author = context.model.documents.all("users").find_map(|one| text(one, "id"));
            let author = author.map(str::to_owned);
            let version = json!({"authorId": author, "id": context.model.next_id("openingVersions"),
                "identifier": "new", "description": "", "createdAt": now, "jobIds": [job_id],
                "isBackfill": false, "employmentType": "FullTime", "locationIds": [],
                "hiringTeam": [], "customFields": []});
            let members = json!({"openedAt": now, "isArchived": false, "openingState": "Open",
                "latestVersion": version});
            Ok(context.model.add("openings", members))
        }
        Recruiter::AddJob { title, like } => {
            let held = context.model.get("jobs", like).cloned();
            let mut held = held.ok_or_else(|| Refusal::code("job_not_found"))?;
            let now = Value::from(context.model.now());
            for (name, value) in
                [("title", title.as_str().into()), ("createdAt", now.clone()), ("updatedAt", now)]
            {
                held.insert(name.to_owned(), value);
            }
            Ok(context.model.add("jobs", held.into()))
        }
        Recruiter::Add { collection, values } => {
            let of = collection_named(collection)?;
            Ok(context.model.add(of, values.clone().into()))
        }
        Recruiter::Remove { collection, id } => {
            let of = collection_named(collection)?;
            known(context, of, id)?;
            context.model.documents.remove(of, id);
            Ok(id.clone())
        }
        Recruiter::Set { collection, id, values } => {
            let of = collection_named(collection)?;
            known(context, of, id)?;
            context.model.set(of, id, values.clone().into());
            Ok(id.clone())
        }
    }
}

fn collection_named(name: &str) -> Result<&'static str, Refusal> {
    let of = COLLECTIONS.into_iter().find(|one| *one == name);
    of.ok_or_else(|| Refusal::input("there is no such collection"))
}

fn known(context: &Writing<'_>, collection: &str, id: &str) -> Result<(), Refusal> {
    let found = context.model.get(collection, id).map(|_| ());
    found.ok_or_else(|| Refusal::input("there is no such record"))
}

/// A stage of an application's plan.
fn stage_by(
    context: &Writing<'_>,
    application: &str,
    is: impl Fn(&atsync_sandbox::Document) -> bool,
) -> Result<String, Refusal> {
    let model = &context.model;
    let held = model.text("applications", application, "_stage");
    let held = held.ok_or_else(|| Refusal::code("application_not_found"))?;
    let plan = model.text("interviewStages", held, "interviewPlanId").unwrap_or_default();
    let found = model.stages(plan).into_iter().find(|one| is(one));
    let found = found.and_then(|one| text(one, "id")).map(str::to_owned);
    found.ok_or_else(|| Refusal::code("interview_stage_not_found"))
}
