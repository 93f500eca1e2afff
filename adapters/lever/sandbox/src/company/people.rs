//! Makes contacts with their opportunities, applications, notes and feedback.

use atsync_sandbox::{Application, Candidate, Company, Contact, Outcome};
use serde_json::{Value, json};

use super::Made;
use super::below::Below;
use super::postings::confidentiality;
use crate::model::Model;

/// One opportunity of so many has an `updatedAt`, as recorded: 40 of 1,004.
const TOUCHED_EVERY: usize = 25;

pub(super) fn make(model: &mut Model, company: &Company, made: &Made, null_updated_at: bool) {
    for (at, candidate) in company.candidates.iter().enumerate() {
        let contact = contact(model, candidate);
        let person = Person { company, made, candidate, contact, at };
        let real = |one: &&Application| one.outcome != Outcome::Converted;
        let applications: Vec<&Application> = candidate.applications.iter().filter(real).collect();
        let mut first = None;
        for application in &applications {
            let stamped = !null_updated_at || application.serial % TOUCHED_EVERY == 3;
            let id = person.opportunity(model, Some(application), stamped);
            first = first.or(Some(id));
        }
        let first = match first {
            Some(first) => first,
            None => person.opportunity(model, None, !null_updated_at),
        };
        person.note(model, &first);
    }
}

fn values(of: &[Contact]) -> Vec<&str> {
    of.iter().map(|contact| contact.value.as_str()).collect()
}

fn name(candidate: &Candidate) -> String {
    match (candidate.first, candidate.last) {
        (Some(first), Some(last)) => format!("{first} {last}"),
        _ => String::new(),
    }
}

fn contact(model: &mut Model, candidate: &Candidate) -> String {
    let headline = match (candidate.title, candidate.company) {
        (Some(title), Some(company)) => format!("{title}, {company}"),
        _ => String::new(),
    };
    let place = candidate.addresses.first().map(|address| address.value.replace('\n', ", "));
    let phone = |one: &Contact| json!({"type": one.kind, "value": one.value});
    let links = [values(&candidate.socials), values(&candidate.websites)].concat();
    model.add(
        "contacts",
        json!({
            "name": name(candidate),
            "headline": headline,
            "isAnonymized": candidate.anonymised,
            "location": {"name": place.unwrap_or_default()},
            "emails": values(&candidate.emails),
            "phones": candidate.phones.iter().map(phone).collect::<Vec<Value>>(),
            "dataProtection": null,
            "_links": links,
            "_createdAt": candidate.created_ms,
        }),
    )
}

/// What the records of one candidate are made of.
struct Person<'a> {
    company: &'a Company,
    made: &'a Made,
    candidate: &'a Candidate,
    contact: String,
    at: usize,
}

impl Person<'_> {
    /// Lists the stages that an application was in, each with the time of its entry.
    fn visits(&self, application: Option<&Application>) -> Vec<(String, i64)> {
        let created_ms = self.candidate.created_ms;
        let lead = |id: &str| vec![(id.to_owned(), created_ms)];
        let Some(application) = application else { return lead("lead-new") };
        if application.prospect.is_some() {
            return match application.serial % 3 {
                0 => lead("lead-new"),
                1 => lead("lead-reached-out"),
                _ => lead("lead-responded"),
            };
        }
        let job = application.job.and_then(|job| self.company.jobs.get(job));
        let entered = application.visits.iter().filter_map(|visit| {
            let name = job?.stages.get(visit.stage)?.name;
            Some((self.made.stage(name)?.clone(), visit.entered_ms?))
        });
        let visits: Vec<(String, i64)> = entered.collect();
        if visits.is_empty() { lead("applicant-new") } else { visits }
    }

    fn archived(&self, application: Option<&Application>) -> Value {
        let reason = match application.map(|application| application.outcome) {
            Some(Outcome::Hired { .. }) => Some(&self.made.hired),
            Some(Outcome::Rejected(rejection)) => {
                rejection.reason.and_then(|at| self.made.reasons.get(at))
            }
            _ => None,
        };
        reason.map_or(
            Value::Null,
            |reason| json!({"reason": reason, "archivedAt": self.candidate.touched_ms}),
        )
    }

    /// Makes an opportunity. Returns its id.
    fn opportunity(
        &self,
        model: &mut Model,
        application: Option<&Application>,
        stamped: bool,
    ) -> String {
        let candidate = self.candidate;
        let user = |at: Option<usize>| self.made.user(at);
        let owner = user(application.and_then(|one| one.recruiter));
        let visits = self.visits(application);
        let ranks = model.ranks();
        let changes: Vec<Value> = visits
            .iter()
            .map(|(stage, at_ms)| {
                json!({"toStageId": stage, "toStageIndex": ranks.get(stage), "updatedAt": at_ms,
                    "userId": owner})
            })
            .collect();
        let source = application.and_then(|one| self.company.sources.get(one.source?));
        let referred = application.is_some_and(|one| one.referrer.is_some());
        let origin = match source.map(|source| source.strategy) {
            _ if referred => "referred",
            Some("Company marketing") => "applied",
            Some("Referrals") => "referred",
            _ => "sourced",
        };
        let tags: Vec<&str> = candidate
            .tags
            .iter()
            .filter_map(|applied| Some(self.company.tags.get(applied.tag)?.name))
            .collect();
        let posting = application.and_then(|one| self.made.postings.get(one.job?));
        let id = model.next_id("opportunities");
        let archived = self.archived(application);
        let applications = posting
            .zip(application)
            .map(|(posting, one)| self.application(model, &id, posting, one, &archived));
        let current = visits.last();
        model.add_as(
            "opportunities",
            &id,
            json!({
                "contact": self.contact,
                "stage": current.map(|(stage, _)| stage),
                "archived": archived,
                "tags": tags,
                "sources": source.map(|source| source.name).into_iter().collect::<Vec<&str>>(),
                "origin": origin,
                "sourcedBy": if origin == "sourced" { owner } else { None },
                "owner": owner,
                "followers": owner.into_iter().collect::<Vec<&String>>(),
                "applications": applications.into_iter().collect::<Vec<String>>(),
                "stageChanges": changes,
                "createdAt": candidate.created_ms,
                "updatedAt": stamped.then_some(candidate.touched_ms),
                "lastInteractionAt": candidate.touched_ms,
                "lastAdvancedAt": current.map(|(_, at_ms)| at_ms),
                "snoozedUntil": null,
                "confidentiality": confidentiality(candidate.private),
                "isAnonymized": candidate.anonymised,
                "dataProtection": null,
                "_posting": posting,
            }),
        );
        if let Some(application) = application {
            self.feedback(model, &id, application);
            let recruiter = owner.cloned();
            let below = Below { opportunity: &id, user: recruiter, of: application, posting };
            below.make(model, candidate.created_ms);
        }
        id
    }

    fn application(
        &self,
        model: &mut Model,
        opportunity: &str,
        posting: &str,
        of: &Application,
        archived: &Value,
    ) -> String {
        let candidate = self.candidate;
        let referrer = of.referrer.and_then(|at| self.company.referrers.get(at));
        let referrer = referrer.and_then(|referrer| self.made.user(referrer.user));
        let kind = match (referrer, of.serial % 2) {
            (Some(_), _) => "referral",
            (None, 0) => "posting",
            (None, _) => "user",
        };
        let owner = model.text("postings", posting, "owner").map(str::to_owned);
        let manager = model.text("postings", posting, "hiringManager").map(str::to_owned);
        let phone = candidate.phones.first();
        model.add(
            "applications",
            json!({
                "type": kind,
                "opportunityId": opportunity,
                "candidateId": opportunity,
                "posting": posting,
                "postingOwner": owner,
                "postingHiringManager": manager,
                "user": referrer,
                "name": name(candidate),
                "email": candidate.emails.first().map(|one| one.value.as_str()),
                "phone": phone.map(|one| json!({"type": one.kind, "value": one.value})),
                "company": candidate.company,
                "links": values(&candidate.socials),
                "comments": null,
                "customQuestions": [],
                "archived": archived,
                "requisitionForHire": null,
                "createdAt": candidate.created_ms,
                "ipAddress": null,
                "referer": null,
                "userAgent": null,
            }),
        )
    }

    fn note(&self, model: &mut Model, opportunity: &str) {
        let Some(note) = self.candidate.note else { return };
        let stage = model.text("opportunities", opportunity, "stage").map(str::to_owned);
        let author = self.made.user(note.author);
        let at_ms = self.candidate.created_ms;
        model.add(
            "notes",
            json!({
                "text": "Note",
                "fields": [{"type": "note", "text": "Comment", "value": note.text, "score": null,
                    "stage": stage, "user": author, "createdAt": at_ms}],
                "user": author,
                "secret": self.at.is_multiple_of(9),
                "completedAt": at_ms,
                "createdAt": at_ms,
                "deletedAt": null,
                "_opportunity": opportunity,
            }),
        );
    }

    /// Adds a completed form to one opportunity in seven that reached a second stage.
    fn feedback(&self, model: &mut Model, opportunity: &str, of: &Application) {
        let reached = of.visits.iter().filter_map(|visit| visit.entered_ms).nth(1);
        let (Some(at_ms), 3) = (reached, of.serial % 7) else { return };
        let user = self.made.user(of.recruiter);
        model.add(
            "feedback",
            json!({
                "type": "interview",
                "text": "Phone Screen Feedback",
                "instructions": "",
                "fields": [
                    {"type": "score-system", "text": "Rating", "required": true,
                        "value": "3 - Hire"},
                    {"type": "textarea", "text": "Summary", "required": false,
                        "value": "Knows the field."},
                ],
                "baseTemplateId": null,
                "interview": null,
                "panel": null,
                "user": user,
                "createdAt": at_ms,
                "completedAt": at_ms,
                "_opportunity": opportunity,
            }),
        );
    }
}
