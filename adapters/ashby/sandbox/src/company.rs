//! The imagined company as records of Ashby.
//!
//! Each job has a plan of its own, with a lead stage before the company's and one for hires and one
//! for the archive after them. Ashby has no application without a job, so prospects are left out,
//! and so is a prospect that became an application.

use crate::breadth;
use crate::model::{Model, put};
use atsync_sandbox::{
    Application, Candidate, Company, CompanySpec, Contact, EndedBy, FieldValue, Job, JobState,
    Outcome, format_ms,
};
use serde_json::{Map, Value, json};

/// The ids of records that others reference, each in the company's order.
#[derive(Debug, Clone, Default)]
struct Made {
    users: Vec<String>,
    fields: Vec<String>,
    departments: Vec<String>,
    locations: Vec<String>,
    sources: Vec<String>,
    tags: Vec<String>,
    reasons: Vec<String>,
    jobs: Vec<String>,
    /// Of each job: the ids of its stages, lead first, hired and archived last.
    stages: Vec<Vec<String>>,
}

/// Makes the organisation.
pub(crate) fn make(spec: &CompanySpec, now_ms: i64) -> Model {
    let company = Company::generate(spec, now_ms);
    let mut model = Model::new(spec.seed, company.now_ms);
    let mut made = Made::default();
    settings(&mut model, &company, &mut made);
    for job in &company.jobs {
        make_job(&mut model, &company, &mut made, job);
    }
    for candidate in &company.candidates {
        person(&mut model, &company, &made, candidate);
    }
    breadth::make(&mut model);
    model.documents.logging = true;
    model
}

fn settings(model: &mut Model, company: &Company, made: &mut Made) {
    let began = format_ms(company.began_ms);
    for user in &company.users {
        let role = if user.admin { "Organization Admin" } else { "Limited Access" };
        made.users.push(model.add(
            "users",
            json!({"firstName": user.first, "lastName": user.last, "email": user.email,
                "globalRole": role, "isEnabled": !user.deactivated, "updatedAt": began}),
        ));
    }
    for field in &company.fields {
        let choice = |one: &atsync_sandbox::FieldOption| {
            json!({"label": one.name, "value": one.name,
                "isArchived": !one.active})
        };
        let choices: Vec<Value> = field.options.iter().map(choice).collect();
        let mut members = json!({"title": field.name, "objectType": object(field.of),
            "fieldType": field_type(field.holds), "isArchived": !field.active,
            "isPrivate": field.private, "isRequired": false});
        if !choices.is_empty() {
            put(&mut members, "selectableValues", choices.into());
        }
        made.fields.push(model.add("customFields", members));
    }
    for department in &company.departments {
        let parent = department.parent.and_then(|at| made.departments.get(at));
        let members = json!({"name": department.name, "isArchived": false, "parentId": parent,
            "createdAt": began, "updatedAt": began});
        made.departments.push(model.add("departments", members));
    }
    for office in &company.offices {
        let place =
            office.location.map(|place| json!({"postalAddress": {"addressLocality": place}}));
        let members = json!({"name": office.name, "isArchived": false, "address": place,
            "isRemote": office.name == "Remote", "type": "Location"});
        made.locations.push(model.add("locations", members));
    }
    for source in &company.sources {
        let group = model.next_id("sourceTypes");
        let group = json!({"id": group, "title": source.strategy, "isArchived": false});
        let members = json!({"title": source.name, "isArchived": false, "sourceType": group});
        made.sources.push(model.add("sources", members));
    }
    for tag in &company.tags {
        let members = json!({"title": tag.name, "isArchived": false});
        made.tags.push(model.add("candidateTags", members));
    }
    for reason in company.reasons.iter().chain(&company.builtin_reasons) {
        let kind = match reason.by {
            EndedBy::Company => "RejectedByOrg",
            EndedBy::Candidate => "RejectedByCandidate",
            EndedBy::Unsaid | EndedBy::Security => "Other",
        };
        let members = json!({"text": reason.name, "reasonType": kind, "isArchived": false});
        made.reasons.push(model.add("archiveReasons", members));
    }
    for reason in &company.close_reasons {
        model.add("closeReasons", json!({"reasonText": reason.name, "isArchived": false}));
    }
}

fn object(of: &str) -> &'static str {
    match of {
        "candidate" => "Candidate",
        "application" => "Application",
        "job" => "Job",
        "opening" => "Opening",
        "offer" => "Offer",
        _ => "Employee",
    }
}

fn field_type(holds: &str) -> &'static str {
    match holds {
        "long_text" => "LongText",
        "yes_no" | "boolean" => "Boolean",
        "number" => "Number",
        "date" => "Date",
        "single_select" | "single" => "ValueSelect",
        "multi_select" | "multi" => "MultiValueSelect",
        "currency" | "money" => "Currency",
        // Of `Url` the document knows creations alone.
        _ => "String",
    }
}

fn make_job(model: &mut Model, company: &Company, made: &mut Made, job: &Job) {
    let created = format_ms(job.created_ms);
    let plan = model.add(
        "interviewPlans",
        json!({"title": format!("{} plan", job.name), "isArchived": false, "createdAt": created,
            "updatedAt": created}),
    );
    let own = job.stages.iter().enumerate().map(|(at, stage)| {
        let kind = match (at, stage.name) {
            (_, "Offer") => "Offer",
            (0, _) => "PreInterviewScreen",
            _ => "Active",
        };
        (stage.name, kind)
    });
    let all = std::iter::once(("New Lead", "Lead")).chain(own);
    let all = all.chain([("Hired", "Hired"), ("Archived", "Archived")]);
    let mut stages = Vec::new();
    for (order, (title, kind)) in all.enumerate() {
        let members = json!({"title": title, "type": kind, "orderInInterviewPlan": order,
            "interviewPlanId": plan});
        stages.push(model.add("interviewStages", members));
    }
    made.stages.push(stages);
    let member = |user: usize, role: &str| {
        let (id, of) = (made.users.get(user)?, company.users.get(user)?);
        Some(json!({"userId": id, "firstName": of.first, "lastName": of.last, "email": of.email,
            "role": role}))
    };
    let role = |role: &str| match role {
        "recruiter" => "Recruiter",
        "coordinator" => "Coordinator",
        "sourcer" => "Sourcer",
        _ => "Interviewer",
    };
    let manager = job.hiring_manager.and_then(|(_, user)| member(user, "Hiring Manager"));
    let team = job.team.iter().filter_map(|one| member(one.user, role(one.role)));
    let team: Vec<Value> = manager.into_iter().chain(team).collect();
    let status = match job.state {
        JobState::Draft => "Draft",
        JobState::Open => "Open",
        JobState::Closed => "Closed",
    };
    let department = job.department.and_then(|at| made.departments.get(at)).cloned();
    let location = job.office.and_then(|at| made.locations.get(at)).cloned();
    let id = model.add(
        "jobs",
        json!({"title": job.name, "confidential": job.confidential, "status": status,
            "employmentType": "FullTime", "locationId": location, "departmentId": department,
            "defaultInterviewPlanId": plan, "interviewPlanIds": [plan], "customFields": [],
            "customRequisitionId": job.requisition_id, "hiringTeam": team, "createdAt": created,
            "updatedAt": format_ms(job.closed_ms.unwrap_or(job.created_ms)),
            "openedAt": (job.state != JobState::Draft).then_some(&created),
            "closedAt": job.closed_ms.map(format_ms)}),
    );
    for opening in &job.openings {
        let state = match (job.state, opening.open) {
            (JobState::Draft, _) => "Draft",
            (_, true) => "Open",
            (_, false) => "Closed",
        };
        let version = json!({"id": model.next_id("openingVersions"),
            "identifier": opening.opening_id, "description": "", "authorId": made.users.first(),
            "createdAt": created,
            "jobIds": [id], "isBackfill": false, "employmentType": "FullTime", "locationIds":
            location.iter().collect::<Vec<_>>(), "hiringTeam": [], "customFields": []});
        let closed = (state == "Closed").then_some(&created);
        model.add(
            "openings",
            json!({"openedAt": created, "closedAt": closed, "isArchived": false,
                "openingState": state, "latestVersion": version}),
        );
    }
    for post in &job.posts {
        let primary = location.as_deref().unwrap_or_default();
        let published = format_ms(post.published_ms);
        model.add(
            "jobPostings",
            json!({"title": post.title, "jobId": id, "departmentName": "", "teamName": "",
                "locationName": "", "locationIds": {"primaryLocationId": primary,
                "secondaryLocationIds": []}, "employmentType": "FullTime", "isListed": post.active,
                "publishedDate": published.get(..10), "applyLink": "https://jobs.example.com/apply",
                "externalLink": "https://jobs.example.com/post",
                "shouldDisplayCompensationOnJobBoard": false, "updatedAt": published}),
        );
    }
    made.jobs.push(id);
}

fn addresses(all: &[Contact]) -> Vec<Value> {
    let kind = |kind: Option<&str>| match kind {
        Some("personal" | "home" | "mobile") => "Personal",
        Some("work") => "Work",
        _ => "Other",
    };
    let all = all.iter().enumerate();
    all.map(|(at, one)| json!({"value": one.value, "type": kind(one.kind), "isPrimary": at == 0}))
        .collect()
}

fn person(model: &mut Model, company: &Company, made: &Made, of: &Candidate) {
    let name = match (of.first, of.last) {
        (Some(first), Some(last)) => format!("{first} {last}"),
        _ => "Anonymized".to_owned(),
    };
    let link = |one: &Contact| {
        let kind = if one.value.contains("linkedin") {
            "LinkedIn"
        } else if one.value.contains("github") {
            "GitHub"
        } else {
            "Website"
        };
        json!({"type": kind, "url": one.value})
    };
    let links: Vec<Value> = of.socials.iter().chain(&of.websites).map(link).collect();
    let tags: Vec<&String> = of.tags.iter().filter_map(|tag| made.tags.get(tag.tag)).collect();
    let custom = of.values.iter().filter_map(|(field, value)| custom(company, made, *field, value));
    let custom: Vec<Value> = custom.collect();
    let place = of.addresses.first().map(|one| {
        json!({"id": "location", "locationSummary": one.value.replace('\n', ", "),
            "locationComponents": []})
    });
    let id = model.add(
        "candidates",
        json!({"name": name, "emailAddresses": addresses(&of.emails),
            "phoneNumbers": addresses(&of.phones), "socialLinks": links, "position": of.title,
            "company": of.company, "fileHandles": [], "customFields": custom,
            "location": place, "createdAt": format_ms(of.created_ms),
            "updatedAt": format_ms(of.touched_ms), "_tags": tags}),
    );
    for application in &of.applications {
        if application.outcome != Outcome::Converted && application.prospect.is_none() {
            apply(model, company, made, of, application, &id);
        }
    }
    if let Some(note) = of.note {
        let author = note.author.and_then(|at| made.users.get(at)).or(made.users.first());
        model.add(
            "notes",
            json!({"content": note.text, "isPrivate": false, "createdAt":
                format_ms(of.created_ms), "_author": author, "_candidate": id}),
        );
    }
}

fn custom(company: &Company, made: &Made, field: usize, value: &FieldValue) -> Option<Value> {
    let (id, of) = (made.fields.get(field)?, company.fields.get(field)?);
    let option = |at: &usize| of.options.get(*at).map(|option| option.name);
    let (value, label) = match value {
        FieldValue::Text(text) | FieldValue::Date(text) => (json!(text), Value::Null),
        FieldValue::Bool(is) => (json!(is), Value::Null),
        FieldValue::Number(number) => (json!(number), Value::Null),
        FieldValue::Single(at) => (json!(option(at)?), json!(option(at)?)),
        FieldValue::Multi(all) => {
            let names: Vec<&str> = all.iter().filter_map(option).collect();
            (json!(names), json!(names))
        }
        FieldValue::Money { amount, currency } => {
            let amount: f64 = amount.parse().ok()?;
            (json!({"value": amount, "currencyCode": currency}), Value::Null)
        }
    };
    let mut held = Map::new();
    held.insert("id".to_owned(), id.as_str().into());
    held.insert("title".to_owned(), of.name.into());
    held.insert("isPrivate".to_owned(), of.private.into());
    held.insert("value".to_owned(), value);
    if !label.is_null() {
        held.insert("valueLabel".to_owned(), label);
    }
    Some(held.into())
}

fn apply(
    model: &mut Model,
    company: &Company,
    made: &Made,
    candidate: &Candidate,
    of: &Application,
    id: &str,
) {
    let Some((job, stages)) = of.job.and_then(|at| made.jobs.get(at).zip(made.stages.get(at)))
    else {
        return;
    };
    // The lead stage comes before the company's own.
    let visited = of
        .visits
        .iter()
        .filter_map(|visit| Some((stages.get(visit.stage.saturating_add(1))?, visit.entered_ms?)));
    let mut visits: Vec<(String, i64)> = visited.map(|(id, at)| (id.clone(), at)).collect();
    if visits.is_empty() {
        visits.extend(stages.get(1).map(|first| (first.clone(), candidate.created_ms)));
    }
    let mut end = stages.iter().rev();
    let (archived, hired) = (end.next(), end.next());
    let mut reason = None;
    match of.outcome {
        Outcome::Hired { .. } => {
            visits.extend(hired.map(|stage| (stage.clone(), candidate.touched_ms)));
        }
        Outcome::Rejected(rejection) => {
            visits.extend(archived.map(|stage| (stage.clone(), candidate.touched_ms)));
            let at = rejection.reason.unwrap_or_default();
            reason = made.reasons.get(at).or(made.reasons.first());
        }
        Outcome::Active | Outcome::Converted => {}
    }
    let credited = of.referrer.and_then(|at| company.referrers.get(at)?.user);
    let history: Vec<Value> = visits
        .iter()
        .enumerate()
        .map(|(at, (stage, entered))| {
            let left = visits.get(at.saturating_add(1)).map(|(_, left)| format_ms(*left));
            let title = model.text("interviewStages", stage, "title").unwrap_or_default();
            let mut row = json!({"stageId": stage, "title": title, "stageNumber": at,
                "enteredStageAt": format_ms(*entered), "allowedActions": ["none"]});
            if let Some(left) = left {
                put(&mut row, "leftStageAt", left.into());
            }
            row
        })
        .collect();
    let history: Vec<Value> = history
        .into_iter()
        .map(|mut row| {
            put(&mut row, "id", model.next_id("history").into());
            row
        })
        .collect();
    let recruiter = of.recruiter.and_then(|at| Some((made.users.get(at)?, company.users.get(at)?)));
    let team: Vec<Value> = recruiter
        .map(|(id, of)| {
            json!({"userId": id, "firstName": of.first, "lastName": of.last, "email": of.email,
                "role": "Recruiter"})
        })
        .into_iter()
        .collect();
    let strength = of
        .strength
        .and_then(|(field, option)| custom(company, made, field, &FieldValue::Single(option)));
    model.add(
        "applications",
        json!({"createdAt": format_ms(candidate.created_ms),
            "updatedAt": format_ms(candidate.touched_ms),
            "customFields": strength.into_iter().collect::<Vec<_>>(), "_team": team,
            "archivedAt": reason.map(|_| format_ms(candidate.touched_ms)),
            "_candidate": id, "_job": job, "_stage": visits.last().map(|(stage, _)| stage),
            "_source": of.source.and_then(|at| made.sources.get(at)), "_reason": reason,
            "_credited": credited.and_then(|at| made.users.get(at)), "_history": history}),
    );
}
