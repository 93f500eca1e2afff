//! A recruiter in Greenhouse's own screens: changes without an API request, which a sync must
//! detect.
//!
//! They bypass scopes, the API's checks and the rate budget, and change stamps as the same change
//! through the API would. Each is a value, so a simulation can generate it and the control surface
//! can read it from JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::cell::Cell;
use crate::model::{Touch, Writer};
use crate::refusal::Refusal;
use crate::sandbox::Sandbox;
use crate::schema::Kind;
use crate::setup;
use crate::writes::{self, Rejection, WriteContext};

/// One action. In JSON: `{"do": "move", "application_id": …, "stage_name": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recruiter {
    /// Moves an application to a stage of its job, by name.
    Move {
        /// The application.
        application_id: i64,
        /// The stage's name.
        stage_name: String,
    },
    /// Rejects an application, with the first reason of the list if none is named.
    Reject {
        /// The application.
        application_id: i64,
        /// The reason.
        #[serde(default)]
        rejection_reason_id: Option<i64>,
    },
    /// Adds a candidate with an application, or as a prospect; returns the candidate's id.
    AddCandidate {
        /// The first name.
        first_name: String,
        /// The last name.
        last_name: String,
        /// An e-mail address.
        #[serde(default)]
        email: Option<String>,
        /// The job; none for a prospect.
        #[serde(default)]
        job_id: Option<i64>,
    },
    /// Removes a hire: the application is in the last stage of its job again.
    Unhire {
        /// The application.
        application_id: i64,
    },
    /// Removes a rejection.
    Unreject {
        /// The application.
        application_id: i64,
    },
    /// Hires into an open opening, the first if none is named.
    Hire {
        /// The application.
        application_id: i64,
        /// The opening.
        #[serde(default)]
        opening_id: Option<i64>,
    },
    /// Converts a prospect; returns the new application's id.
    Convert {
        /// The prospect's application.
        application_id: i64,
        /// The job.
        job_id: i64,
    },
    /// Transfers an application to another job, into its first stage; returns its id there.
    Transfer {
        /// The application.
        application_id: i64,
        /// The job.
        job_id: i64,
    },
    /// Replaces one e-mail address by another, or adds it when `from` is not present.
    EditEmail {
        /// The candidate.
        candidate_id: i64,
        /// The removed address.
        #[serde(default)]
        from: Option<String>,
        /// The added address.
        to: String,
    },
    /// Changes a candidate's name.
    Rename {
        /// The candidate.
        candidate_id: i64,
        /// The first name.
        first_name: String,
        /// The last name.
        last_name: String,
    },
    /// Adds a tag to a candidate; creates the tag if there is none of that name.
    AddTag {
        /// The candidate.
        candidate_id: i64,
        /// The tag's name.
        tag: String,
    },
    /// Removes a tag from a candidate.
    RemoveTag {
        /// The candidate.
        candidate_id: i64,
        /// The tag's name.
        tag: String,
    },
    /// Writes a note; returns its id.
    AddNote {
        /// The candidate.
        candidate_id: i64,
        /// The text.
        body: String,
    },
    /// Adds an education by the names of its options; returns its id.
    AddEducation {
        /// The candidate.
        candidate_id: i64,
        /// The school.
        school: String,
        /// The degree.
        #[serde(default)]
        degree: Option<String>,
        /// The field of study.
        #[serde(default)]
        discipline: Option<String>,
        /// The first year.
        #[serde(default)]
        started: Option<i64>,
        /// The last year.
        #[serde(default)]
        ended: Option<i64>,
    },
    /// Adds an employment; returns its id.
    AddEmployment {
        /// The candidate.
        candidate_id: i64,
        /// The company.
        company: String,
        /// The title.
        title: String,
        /// The first day.
        started_on: String,
        /// The last day.
        #[serde(default)]
        ended_on: Option<String>,
    },
    /// Merges the secondary candidate into the primary one.
    Merge {
        /// The candidate that stays.
        candidate_id: i64,
        /// The candidate whose id stops existing.
        secondary_candidate_id: i64,
    },
    /// Deletes a candidate with all records below it.
    DeleteCandidate {
        /// The candidate.
        candidate_id: i64,
    },
    /// Deletes an application.
    DeleteApplication {
        /// The application.
        application_id: i64,
    },
    /// Anonymises a candidate: the named groups of fields, or all.
    Anonymise {
        /// The candidate.
        candidate_id: i64,
        /// The groups.
        #[serde(default)]
        fields: Vec<String>,
    },
    /// Closes a job.
    CloseJob {
        /// The job.
        job_id: i64,
    },
    /// Sets columns of any row, as a user with more rights would.
    Set {
        /// The collection.
        collection: String,
        /// The row.
        id: i64,
        /// Columns and values, in the read side's vocabulary.
        values: serde_json::Map<String, Value>,
    },
    /// Adds a row, as an admin would: a job, a post, a department, an office. Columns that are not
    /// named are empty.
    Add {
        /// The collection.
        collection: String,
        /// Columns and values, in the read side's vocabulary.
        values: serde_json::Map<String, Value>,
    },
    /// Deletes a job, post, stage, department or office, as an admin would.
    Delete {
        /// The collection.
        collection: String,
        /// The row.
        id: i64,
    },
    /// Sets one custom field of a candidate, an application, a job or an opening, and keeps the
    /// others.
    SetCustomField {
        /// The collection.
        collection: String,
        /// The row.
        id: i64,
        /// The field's key.
        name_key: String,
        /// The value as the write side takes it (option ids for selects); null clears.
        value: Value,
    },
    /// Stores a value in a custom field without checks, as an older form, an import or another type
    /// may have done. The others stay.
    PlantCustomField {
        /// The collection.
        collection: String,
        /// The row.
        id: i64,
        /// The field's key; it may be archived.
        name_key: String,
        /// The stored value: option ids for selects.
        value: Value,
    },
    /// Removes any row, without a webhook.
    Remove {
        /// The collection.
        collection: String,
        /// The row.
        id: i64,
    },
}

impl Sandbox {
    /// Carries out one action. Returns `{"id": …}` of the created or changed record.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    pub fn recruiter(&self, deed: &Recruiter) -> Result<Value, String> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.model.settle();
        state.model.delay(&state.quirks);
        let actor = state.model.rows(Kind::Users).find(|row| !row.special).map_or(0, |row| row.id);
        let mut context = state.writing(Writer::Recruiter, actor);
        let id = act(&mut context, deed).map_err(|refusal| refusal.text());
        if matches!(deed, Recruiter::Remove { .. }) {
            state.model.watch.end();
        }
        state.announce();
        drop(guard);
        self.hook_signals().wake();
        Ok(json!({"id": id?}))
    }
}

fn known(context: &WriteContext<'_>, kind: Kind, id: i64) -> Result<(), Refusal> {
    if context.model.has(kind, id) { Ok(()) } else { Err(Refusal::NotFound) }
}

fn act(context: &mut WriteContext<'_>, deed: &Recruiter) -> Result<i64, Refusal> {
    match deed {
        Recruiter::Move { application_id, .. }
        | Recruiter::Reject { application_id, .. }
        | Recruiter::Unreject { application_id }
        | Recruiter::Unhire { application_id }
        | Recruiter::Hire { application_id, .. }
        | Recruiter::Convert { application_id, .. }
        | Recruiter::Transfer { application_id, .. }
        | Recruiter::DeleteApplication { application_id } => {
            known(context, Kind::Applications, *application_id)?;
            on_application(context, *application_id, deed)
        }
        Recruiter::EditEmail { candidate_id, .. }
        | Recruiter::Rename { candidate_id, .. }
        | Recruiter::AddTag { candidate_id, .. }
        | Recruiter::RemoveTag { candidate_id, .. }
        | Recruiter::AddNote { candidate_id, .. }
        | Recruiter::AddEducation { candidate_id, .. }
        | Recruiter::AddEmployment { candidate_id, .. }
        | Recruiter::Merge { candidate_id, .. }
        | Recruiter::DeleteCandidate { candidate_id }
        | Recruiter::Anonymise { candidate_id, .. } => {
            known(context, Kind::Candidates, *candidate_id)?;
            on_candidate(context, *candidate_id, deed)
        }
        Recruiter::CloseJob { job_id } => {
            known(context, Kind::Jobs, *job_id)?;
            let now = Cell::Time(context.model.now_ms);
            context.model.set(
                Kind::Jobs,
                *job_id,
                Touch::Stamp,
                &[("status", "closed".into()), ("closed_at", now)],
            );
            Ok(*job_id)
        }
        Recruiter::Set { collection, id, values } => setup::set(context, collection, *id, values),
        Recruiter::Add { collection, values } => setup::add(context, collection, values),
        Recruiter::Delete { collection, id } => setup::delete(context, collection, *id),
        Recruiter::AddCandidate { first_name, last_name, email, job_id } => {
            let emails: Vec<Value> =
                email.iter().map(|email| json!({"value": email, "type": "personal"})).collect();
            let application = match job_id {
                Some(job_id) => json!({"job_id": job_id}),
                None => json!({"prospect": true}),
            };
            let body = json!({"first_name": first_name, "last_name": last_name,
                "email_addresses": emails, "application": application});
            writes::create_candidate(context, body.to_string().as_bytes())?;
            Ok(context.model.rows(Kind::Candidates).next_back().map_or(0, |row| row.id))
        }
        Recruiter::SetCustomField { collection, id, name_key, value } => {
            let kind = Kind::named(collection).ok_or(Refusal::NotFound)?;
            known(context, kind, *id)?;
            let field_type = match kind {
                Kind::Candidates => "candidate",
                Kind::Applications => "application",
                Kind::Jobs => "job",
                Kind::Openings => "opening",
                _ => return Err(Refusal::invalid("collection", "has no custom fields")),
            };
            let list = json!([{"name_key": name_key, "value": value}]);
            let former = context.model.cell(kind, *id, "custom_fields");
            let cell = writes::edited_fields(context, field_type, &list, former)?;
            context.model.set(kind, *id, Touch::Stamp, &[("custom_fields", cell)]);
            Ok(*id)
        }
        Recruiter::PlantCustomField { collection, id, name_key, value } => {
            let kind = Kind::named(collection).ok_or(Refusal::NotFound)?;
            known(context, kind, *id)?;
            let applies_to = collection.trim_end_matches('s');
            let fields = context.model.find_text(Kind::CustomFields, "name_key", name_key);
            let of_kind = |field: &i64| {
                context.model.text(Kind::CustomFields, *field, "field_type") == Some(applies_to)
            };
            let field = fields.into_iter().find(of_kind).ok_or(Refusal::NotFound)?;
            let mut held = context.model.cell(kind, *id, "custom_fields").fields().to_vec();
            held.retain(|(known, _)| *known != field);
            held.push((field, value.to_string().into()));
            context.model.set(
                kind,
                *id,
                Touch::Stamp,
                &[("custom_fields", Cell::Fields(held.into()))],
            );
            Ok(*id)
        }
        Recruiter::Remove { collection, id } => {
            let kind = Kind::named(collection).ok_or(Refusal::NotFound)?;
            if context.model.remove(kind, *id) { Ok(*id) } else { Err(Refusal::NotFound) }
        }
    }
}

fn on_application(
    context: &mut WriteContext<'_>,
    id: i64,
    deed: &Recruiter,
) -> Result<i64, Refusal> {
    match deed {
        Recruiter::Move { stage_name, .. } => {
            let job = context.model.int(Kind::Applications, id, "job_id").unwrap_or(0);
            let named = |stage: &i64| {
                context.model.text(Kind::JobInterviewStages, *stage, "name") == Some(stage_name)
            };
            let stage = context.model.pipeline(job).into_iter().find(named);
            writes::move_to(
                context,
                id,
                stage.ok_or_else(|| Refusal::invalid("stage_name", "is not a stage of the job"))?,
            )?;
        }
        Recruiter::Reject { rejection_reason_id, .. } => {
            let first = context
                .model
                .rows(Kind::RejectionReasons)
                .find(|row| !row.special)
                .map_or(0, |row| row.id);
            let reason_id = rejection_reason_id.unwrap_or(first);
            writes::reject(context, Rejection { application_id: id, reason_id });
        }
        Recruiter::Unreject { .. } => writes::unreject(context, id),
        Recruiter::Unhire { .. } => writes::unhire(context, id)?,
        Recruiter::Hire { opening_id, .. } => {
            let job = context.model.int(Kind::Applications, id, "job_id").unwrap_or(0);
            let openings = context.model.find(Kind::Openings, "job_id", job);
            let open = openings
                .into_iter()
                .find(|opening| context.model.flag(Kind::Openings, *opening, "open"));
            writes::hire(context, id, opening_id.or(open), None)?;
        }
        Recruiter::Convert { job_id, .. } => return writes::convert(context, id, *job_id, None),
        Recruiter::Transfer { job_id, .. } => return writes::transfer(context, id, *job_id),
        _ => writes::destroy_application(context, id),
    }
    Ok(id)
}

fn on_candidate(context: &mut WriteContext<'_>, id: i64, deed: &Recruiter) -> Result<i64, Refusal> {
    match deed {
        Recruiter::EditEmail { from, to, .. } => {
            let held = context.model.cell(Kind::Candidates, id, "email_addresses").value();
            let mut entries = held.as_array().cloned().unwrap_or_default();
            entries.retain(|entry| entry.get("value").and_then(Value::as_str) != from.as_deref());
            entries.push(json!({"value": to, "type": "personal"}));
            let cells = [("email_addresses", Cell::json(&Value::Array(entries)))];
            context.model.set(Kind::Candidates, id, Touch::Stamp, &cells);
        }
        Recruiter::Rename { first_name, last_name, .. } => {
            let cells = [
                ("first_name", first_name.as_str().into()),
                ("last_name", last_name.as_str().into()),
            ];
            context.model.set(Kind::Candidates, id, Touch::Stamp, &cells);
        }
        Recruiter::AddTag { tag, .. } => {
            let tag = writes::tag_named(context, tag);
            return Ok(writes::apply_tag(context, id, tag));
        }
        Recruiter::RemoveTag { tag, .. } => {
            let tag = context.model.find_text(Kind::CandidateTags, "name", tag).first().copied();
            for row in context.model.find(Kind::AppliedCandidateTags, "candidate_id", id) {
                if context.model.int(Kind::AppliedCandidateTags, row, "candidate_tag_id") == tag {
                    context.model.remove(Kind::AppliedCandidateTags, row);
                }
            }
            let touch = context.child_touch();
            context.model.refresh_tags(id, touch);
        }
        Recruiter::AddNote { body, .. } => return Ok(writes::add_note(context, id, None, body)),
        Recruiter::AddEducation { school, degree, discipline, started, ended, .. } => {
            let names = [Some(school.as_str()), degree.as_deref(), discipline.as_deref()];
            return Ok(writes::add_education(context, id, names, [*started, *ended]));
        }
        Recruiter::AddEmployment { company, title, started_on, ended_on, .. } => {
            let days = [Some(started_on.as_str()), ended_on.as_deref()];
            return Ok(writes::add_employment(context, id, company, title, days));
        }
        Recruiter::Merge { secondary_candidate_id, .. } => {
            known(context, Kind::Candidates, *secondary_candidate_id)?;
            if *secondary_candidate_id == id {
                return Err(Refusal::invalid(
                    "secondary_candidate_id",
                    "must be another candidate",
                ));
            }
            writes::merge(context, id, *secondary_candidate_id);
        }
        Recruiter::Anonymise { fields, .. } => writes::anonymise(context, id, fields),
        _ => writes::destroy(context, id),
    }
    Ok(id)
}
