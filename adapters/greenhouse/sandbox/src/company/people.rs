//! Makes the rows of candidates and their applications, notes and tags.

use atsync_sandbox::{Application, Candidate, Company, Contact, Outcome};
use serde_json::{Value, json};

use super::DAY_MS;
use super::fields::Fields;
use super::organisation::{Organisation, at};
use crate::model::cell::Cell;
use crate::model::{Model, Touch};
use crate::schema::Kind;

pub(super) fn make(model: &mut Model, company: &Company, fields: &Fields, made: &mut Organisation) {
    for wanted in &company.candidates {
        model.now_ms = wanted.created_ms;
        let id = candidate(model, company, fields, made, wanted);
        for one in &wanted.applications {
            let rows = Rows { company, fields, made, candidate: wanted, of: one };
            rows.application(model, id);
        }
        if let Some(note) = wanted.note {
            let cells = [
                ("body", Cell::from(note.text)),
                ("body_with_tags", note.text.into()),
                ("candidate_id", id.into()),
                ("email_cc", Cell::Json("[]".into())),
                ("type", "NOTE".into()),
                ("user_id", at(&made.users, note.author).into()),
                ("visibility", "publicly_visible".into()),
            ];
            model.load(Kind::Notes, note.step, &cells);
        }
        made.candidates.push(id);
    }
}

fn contacts(of: &[Contact]) -> Cell {
    let one = |contact: &Contact| match contact.kind {
        Some(kind) => json!({"value": contact.value, "type": kind}),
        None => json!({"value": contact.value}),
    };
    Cell::json(&of.iter().map(one).collect::<Value>())
}

fn candidate(
    model: &mut Model,
    company: &Company,
    fields: &Fields,
    made: &Organisation,
    wanted: &Candidate,
) -> i64 {
    let tags = wanted.tags.iter().filter_map(|applied| company.tags.get(applied.tag));
    let tags: Vec<&str> = tags.map(|tag| tag.name).collect();
    let values = wanted.values.iter().map(|(field, value)| fields.value(*field, value)).collect();
    let id = model.load(
        Kind::Candidates,
        wanted.step,
        &[
            ("addresses", contacts(&wanted.addresses)),
            ("can_email", wanted.can_email.into()),
            ("company", wanted.company.into()),
            ("custom_fields", Cell::Fields(values)),
            ("email_addresses", contacts(&wanted.emails)),
            ("first_name", wanted.first.into()),
            ("last_activity_at", Cell::Time(wanted.touched_ms)),
            ("last_name", wanted.last.into()),
            ("phone_numbers", contacts(&wanted.phones)),
            ("preferred_name", Cell::Null),
            ("private", wanted.private.into()),
            ("social_media_addresses", contacts(&wanted.socials)),
            ("tags", Cell::json(&json!(tags))),
            ("time_zone", Cell::Null),
            ("title", wanted.title.into()),
            ("website_addresses", contacts(&wanted.websites)),
            ("updated_at", Cell::Time(wanted.touched_ms)),
        ],
    );
    for applied in &wanted.tags {
        let tag = at(&made.tags, Some(applied.tag));
        let cells = [("candidate_id", id.into()), ("candidate_tag_id", Cell::from(tag))];
        model.load(Kind::AppliedCandidateTags, applied.step, &cells);
    }
    id
}

/// What the rows of one application are made of.
struct Rows<'a> {
    company: &'a Company,
    fields: &'a Fields,
    made: &'a Organisation,
    candidate: &'a Candidate,
    of: &'a Application,
}

impl Rows<'_> {
    fn application(&self, model: &mut Model, candidate: i64) {
        let of = self.of;
        let job = of.job.and_then(|job| self.made.jobs.get(job));
        let status = match of.outcome {
            Outcome::Active => "in_process",
            Outcome::Rejected(_) => "rejected",
            Outcome::Hired { .. } => "hired",
            Outcome::Converted => "converted",
        };
        let strength = of.strength.and_then(|(field, option)| {
            let option = self.fields.option(field, option)?;
            Some((self.fields.id(field), option.to_string().into()))
        });
        let tied = of.prospect.and_then(|prospect| self.made.jobs.get(prospect.tied_to?));
        let tied = tied.map(|(job, _)| *job).into_iter().collect::<Vec<i64>>();
        let ended = Cell::Time(self.candidate.touched_ms);
        let (rejected_at, reason) = match of.outcome {
            Outcome::Rejected(rejection) => {
                (ended.clone(), at(&self.made.rejection_reasons, rejection.reason))
            }
            _ => (Cell::Null, None),
        };
        let id = model.load(
            Kind::Applications,
            of.step,
            &[
                ("answers", Cell::Json("[]".into())),
                ("candidate_id", candidate.into()),
                ("last_activity_at", ended.clone()),
                ("needs_decision", false.into()),
                ("recruiter_id", at(&self.made.users, of.recruiter).into()),
                ("referrer_id", at(&self.made.referrers, of.referrer).into()),
                ("source_id", at(&self.made.sources, of.source).into()),
                ("updated_at", ended),
                ("custom_fields", Cell::Fields(strength.into_iter().collect())),
                ("job_id", job.map(|(job, _)| *job).into()),
                ("prospect", of.prospect.is_some().into()),
                ("prospective_job_ids", tied.into()),
                ("rejected_at", rejected_at),
                ("rejection_reason_id", reason.into()),
                ("status", status.into()),
            ],
        );
        self.prospect(model, id);
        self.stages(model, id);
        self.end(model, id, reason);
    }

    fn prospect(&self, model: &mut Model, id: i64) {
        let Some(prospect) = self.of.prospect else { return };
        let pool = prospect.pool.and_then(|pool| self.made.pools.get(pool));
        let stage = pool.and_then(|(_, stages)| stages.first().copied());
        let cells = [
            ("application_id", id.into()),
            ("pool_id", pool.map(|(pool, _)| *pool).into()),
            ("pool_stage_id", stage.into()),
            ("prospect_owner_id", Cell::from(at(&self.made.users, prospect.owner))),
        ];
        model.load(Kind::ProspectDetails, prospect.step, &cells);
    }

    /// The stage rows are made after the application, and complete it with their ids.
    fn stages(&self, model: &mut Model, id: i64) {
        let of = self
            .of
            .job
            .and_then(|job| Some((self.made.jobs.get(job)?, self.company.jobs.get(job)?)));
        let Some(((_, ids), job)) = of else { return };
        for visit in &self.of.visits {
            let stage = at(ids, Some(visit.stage));
            let time = |at_ms: Option<i64>| at_ms.map(Cell::Time).unwrap_or_default();
            let row = model.load(
                Kind::ApplicationStages,
                visit.step,
                &[
                    ("application_id", id.into()),
                    ("current", visit.current.into()),
                    ("days_in_stage", Cell::Int(visit.stayed_ms / DAY_MS)),
                    ("entered_at", time(visit.entered_ms)),
                    ("exited_at", time(visit.exited_ms)),
                    ("job_interview_stage_id", stage.into()),
                ],
            );
            if visit.current {
                let name = job.stages.get(visit.stage).map(|stage| stage.name);
                let cells = [
                    ("stage_id", row.into()),
                    ("job_interview_stage_id", stage.into()),
                    ("stage_name", Cell::from(name)),
                ];
                model.set(Kind::Applications, id, Touch::Leave, &cells);
            }
        }
    }

    fn end(&self, model: &mut Model, id: i64, reason: Option<i64>) {
        let ended = Cell::Time(self.candidate.touched_ms);
        let job = self.of.job.and_then(|job| self.made.jobs.get(job)).map(|(job, _)| *job);
        match self.of.outcome {
            Outcome::Rejected(rejection) => {
                let cells = [
                    ("application_id", id.into()),
                    ("rejected_at", ended.clone()),
                    ("rejected_by_id", at(&self.made.users, rejection.by).into()),
                    ("rejection_reason_id", reason.into()),
                    ("created_at", ended.clone()),
                    ("updated_at", ended),
                ];
                model.load(Kind::RejectionDetails, rejection.step, &cells);
            }
            Outcome::Hired { opening_step } => {
                let cells = [
                    ("sort_order", Cell::Int(0)),
                    ("application_id", id.into()),
                    ("close_reason_id", self.made.hire_reason.into()),
                    ("closed_at", ended),
                    ("job_id", job.into()),
                    ("open", false.into()),
                    ("opened_at", Cell::Time(self.candidate.created_ms)),
                    ("opening_id", Cell::from(format!("H-{}", self.of.serial))),
                ];
                model.load(Kind::Openings, opening_step, &cells);
            }
            Outcome::Active | Outcome::Converted => {}
        }
    }
}
