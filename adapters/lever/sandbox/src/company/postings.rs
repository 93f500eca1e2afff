//! Makes postings, requisitions and their fields.

use atsync_sandbox::{Company, Job, JobState};
use serde_json::{Value, json};

use super::Made;
use crate::model::Model;

pub(super) fn make(model: &mut Model, company: &Company, made: &mut Made) {
    for (text, kind, required) in [("Cost Centre", "text", false), ("Backfill for", "text", false)]
    {
        let members = json!({"text": text, "type": kind, "isRequired": required,
            "_createdAt": company.began_ms});
        model.add("requisition_fields", members);
    }
    for (at, job) in company.jobs.iter().enumerate() {
        let id = posting(model, company, made, job);
        requisitions(model, company, made, at, &id);
        made.postings.push(id);
    }
}

/// Returns the names of a department and of the one above it.
fn departments(company: &Company, job: &Job) -> (Option<&'static str>, Option<&'static str>) {
    let own = job.department.and_then(|at| company.departments.get(at));
    let above = own.and_then(|own| company.departments.get(own.parent?));
    match (own, above) {
        (Some(own), Some(above)) => (Some(above.name), Some(own.name)),
        (own, _) => (own.map(|own| own.name), None),
    }
}

fn posting(model: &mut Model, company: &Company, made: &Made, job: &Job) -> String {
    let state = match job.state {
        JobState::Draft => "draft",
        JobState::Open => "published",
        JobState::Closed => "closed",
    };
    let (department, team) = departments(company, job);
    let office = job.office.and_then(|at| company.offices.get(at));
    let location = office.map(|office| office.name);
    let commitment = job
        .employment
        .and_then(|(field, option)| Some(company.fields.get(field)?.options.get(option)?.name));
    let recruiter = job.team.iter().find(|member| member.role == "recruiter");
    let recruiter = recruiter.and_then(|member| made.user(Some(member.user)));
    let manager = job.hiring_manager.and_then(|(_, user)| made.user(Some(user)));
    let followers: Vec<&String> = [recruiter, manager].into_iter().flatten().collect();
    let requisitions: Vec<&str> =
        job.openings.iter().map(|opening| opening.opening_id.as_str()).collect();
    let id = model.next_id("postings");
    let urls = json!({
        "list": "https://jobs.example.com/sandbox",
        "show": format!("https://jobs.example.com/sandbox/{id}"),
        "apply": format!("https://jobs.example.com/sandbox/{id}/apply"),
    });
    let words = format!("{}: come and work with us. Ça vous dit ?", job.name);
    let html = format!("<div>{words}</div>");
    model.add_as(
        "postings",
        &id,
        json!({
            "text": job.name,
            "state": state,
            "confidentiality": confidentiality(job.confidential),
            "user": recruiter,
            "owner": recruiter,
            "hiringManager": manager,
            "categories": {
                "commitment": commitment,
                "department": department,
                "level": null,
                "location": location,
                "team": team.or(department),
                "allLocations": location.into_iter().collect::<Vec<&str>>(),
            },
            "country": null,
            "workplaceType": if location == Some("Remote") { "remote" } else { "onsite" },
            "tags": [],
            "content": {"description": words, "descriptionHtml": html, "lists": [], "closing": "",
                "closingHtml": ""},
            "followers": followers,
            "reqCode": job.requisition_id,
            "requisitionCodes": requisitions,
            "distributionChannels": channels(job.state),
            "urls": urls,
            "createdAt": job.created_ms,
            "updatedAt": job.closed_ms.unwrap_or(job.created_ms),
        }),
    );
    id
}

pub(super) fn confidentiality(confidential: bool) -> &'static str {
    if confidential { "confidential" } else { "non-confidential" }
}

fn channels(state: JobState) -> Value {
    match state {
        JobState::Open => json!(["public", "internal"]),
        JobState::Draft | JobState::Closed => json!([]),
    }
}

fn requisitions(model: &mut Model, company: &Company, made: &Made, at: usize, posting: &str) {
    let Some(job) = company.jobs.get(at) else { return };
    let (department, team) = departments(company, job);
    let office = job.office.and_then(|at| company.offices.get(at));
    let manager = job.hiring_manager.and_then(|(_, user)| made.user(Some(user)));
    for opening in &job.openings {
        let status = match (job.state, opening.open) {
            (JobState::Draft, _) => "draft",
            (_, true) => "open",
            (_, false) => "closed",
        };
        let closed_ms = (status == "closed").then_some(job.created_ms);
        model.add(
            "requisitions",
            json!({
                "name": job.name,
                "requisitionCode": opening.opening_id,
                "status": status,
                "headcountTotal": 1,
                "headcountHired": 0,
                "headcountInfinite": false,
                "backfill": false,
                "confidentiality": confidentiality(job.confidential),
                "owner": manager,
                "hiringManager": manager,
                "compensationBand": null,
                "location": office.map(|office| office.name),
                "team": team.or(department),
                "department": department,
                "postings": [posting],
                "offerIds": [],
                "customFields": {"Cost Centre": format!("CC-{at}")},
                "approval": null,
                "createdAt": job.created_ms,
                "updatedAt": job.created_ms,
                "closedAt": closed_ms,
            }),
        );
    }
}
