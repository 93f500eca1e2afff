//! Generates the organisation: departments, offices, users and referrers, jobs with their stages,
//! posts and openings, and the settings that a customer edits by hand.

use serde_json::json;

use super::fields::Fields;
use super::{CompanySpec, DAY_MS, HISTORY_MS, VENDOR_SOURCE, VendorSource, names};
use crate::model::Model;
use crate::model::cell::Cell;
use crate::schema::Kind;

/// A job that candidates apply to.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: i64,
    pub(super) open: bool,
    pub(super) stages: Vec<(i64, &'static str)>,
}

/// The records that candidates reference.
#[derive(Debug, Clone, Default)]
pub(super) struct Organisation {
    /// Jobs that were ever published.
    pub(super) jobs: Vec<Job>,
    pub(super) users: Vec<i64>,
    pub(super) referrers: Vec<i64>,
    pub(super) sources: Vec<i64>,
    pub(super) rejection_reasons: Vec<i64>,
    pub(super) hire_reason: Option<i64>,
    /// Pools and their stages.
    pub(super) pools: Vec<(i64, Vec<i64>)>,
    pub(super) tags: Vec<(i64, &'static str)>,
}

pub(super) fn make(model: &mut Model, spec: &CompanySpec, fields: &Fields) -> Organisation {
    let now_ms = model.now_ms;
    let began_ms = now_ms.saturating_sub(HISTORY_MS).saturating_sub(20 * DAY_MS);
    model.now_ms = began_ms;
    let mut made = Organisation::default();
    let departments = departments(model);
    let offices: Vec<i64> = names::OFFICES
        .iter()
        .map(|(name, location)| {
            let location = Some(*location).filter(|text| !text.is_empty());
            model.insert(
                Kind::Offices,
                &[
                    ("external_id", Cell::from(format!("OFF-{name}"))),
                    ("location", location.into()),
                    ("name", (*name).into()),
                ],
            )
        })
        .collect();
    made.users = users(model, spec, &departments, &offices);
    referrers(model, &mut made);
    settings(model, spec, &mut made);
    pools(model, &mut made, &departments);
    let board = model.insert(
        Kind::JobBoards,
        &[
            ("company_name", "Sandbox Industries".into()),
            ("internal", false.into()),
            ("status", "live".into()),
            ("url_token", "sandbox".into()),
        ],
    );
    let places = Places { departments, offices, board };
    for at in 0..spec.job_count() {
        let share = i64::try_from(at).unwrap_or(0).saturating_mul(HISTORY_MS)
            / i64::try_from(spec.job_count()).unwrap_or(1).max(1);
        model.now_ms = began_ms.saturating_add(share);
        if let Some(job) = job(model, fields, &made.users, &places, at) {
            made.jobs.push(job);
        }
    }
    model.now_ms = now_ms;
    made
}

struct Places {
    departments: Vec<i64>,
    offices: Vec<i64>,
    board: i64,
}

fn departments(model: &mut Model) -> Vec<i64> {
    let mut made = Vec::new();
    for (name, children) in names::DEPARTMENTS {
        let parent = model.insert(
            Kind::Departments,
            &[("external_id", Cell::from(format!("DEP-{name}"))), ("name", (*name).into())],
        );
        made.push(parent);
        for child in *children {
            made.push(model.insert(
                Kind::Departments,
                &[("name", (*child).into()), ("parent_id", parent.into())],
            ));
        }
    }
    made
}

fn users(model: &mut Model, spec: &CompanySpec, departments: &[i64], offices: &[i64]) -> Vec<i64> {
    let service = [
        ("deactivated", false.into()),
        ("emails", Cell::json(&json!([]))),
        ("first_name", "Sandbox".into()),
        ("last_name", "Integration".into()),
        ("name", "Sandbox Integration".into()),
        ("primary_email", "".into()),
        ("site_admin", true.into()),
    ];
    model.service_user_id = model.insert_special(Kind::Users, true, &service);
    let mut made = Vec::new();
    for at in 0..spec.job_count().saturating_add(8) {
        let (first, last) = (model.rng.word(names::FIRST), model.rng.word(names::LAST));
        let email = format!("{}.{at}@sandbox.example.com", ascii(last));
        let department = model.rng.pick(departments).copied();
        let office = model.rng.pick(offices).copied();
        let title = model.rng.word(names::TITLES);
        // One in nine has left, one in five is a Site Admin.
        let id = model.insert(
            Kind::Users,
            &[
                ("deactivated", (at % 9 == 4).into()),
                ("department_ids", department.into_iter().collect::<Vec<i64>>().into()),
                ("emails", Cell::json(&json!([email]))),
                ("employee_id", format!("E{:05}", at.saturating_mul(7)).into()),
                ("first_name", first.into()),
                ("job_title", title.into()),
                ("last_name", last.into()),
                ("name", format!("{first} {last}").into()),
                ("office_ids", office.into_iter().collect::<Vec<i64>>().into()),
                ("primary_email", email.clone().into()),
                ("site_admin", at.is_multiple_of(5).into()),
            ],
        );
        model.insert(
            Kind::UserEmails,
            &[("email", email.clone().into()), ("user_id", id.into()), ("verified", true.into())],
        );
        if at % 4 == 1 {
            let other = email.replace("@sandbox", "@old.sandbox");
            model.insert(
                Kind::UserEmails,
                &[
                    ("email", other.into()),
                    ("user_id", id.into()),
                    ("verified", (at % 8 == 1).into()),
                ],
            );
        }
        made.push(id);
    }
    made
}

fn referrers(model: &mut Model, made: &mut Organisation) {
    for user in made.users.iter().copied().step_by(2) {
        let name = model.text(Kind::Users, user, "name").unwrap_or_default().to_owned();
        made.referrers.push(
            model.insert(Kind::Referrers, &[("name", name.into()), ("user_id", user.into())]),
        );
    }
    for name in ["Talent Harbour Agency", "Meetup Zürich"] {
        made.referrers.push(model.insert(Kind::Referrers, &[("name", name.into())]));
    }
}

fn settings(model: &mut Model, spec: &CompanySpec, made: &mut Organisation) {
    let kinds = [
        (1, "WE_REJECTED_THEM", "We rejected them"),
        (2, "THEY_REJECTED_US", "They rejected us"),
        (3, "NONE_SPECIFIED", "None specified"),
        (4, "SECURITY_CONCERN", "Security concern"),
    ];
    let kind = |at: usize| {
        kinds.get(at).map_or(Cell::Null, |(id, key, name)| {
            Cell::json(&json!({"id": id, "key": key, "name": name}))
        })
    };
    // Greenhouse's own reasons appear in lists only on request.
    for (name, at) in
        [("Lacking skill(s)/qualification(s)", 0), ("Withdrew", 1), ("Other (add notes below)", 2)]
    {
        model.insert_special(
            Kind::RejectionReasons,
            true,
            &[("name", name.into()), ("type", kind(at))],
        );
    }
    for (name, at) in [
        ("Hired another candidate", 0),
        ("Took another offer", 1),
        ("No reason given", 2),
        ("Failed a background check", 3),
    ] {
        made.rejection_reasons.push(
            model.insert(Kind::RejectionReasons, &[("name", name.into()), ("type", kind(at))]),
        );
    }
    for name in ["Hire - New Headcount", "Hire - Backfill", "Not Filling", "On Hold"] {
        let id = model.insert(Kind::CloseReasons, &[("name", name.into())]);
        made.hire_reason = made.hire_reason.or(Some(id));
    }
    let vendor = match spec.vendor_source {
        VendorSource::Present => 1,
        VendorSource::Missing => 0,
        VendorSource::Duplicate => 2,
    };
    let usual = [
        ("LinkedIn (Prospecting)", 1, "Prospecting"),
        ("Referral", 2, "Referrals"),
        ("Jobs page on your website", 3, "Company marketing"),
    ];
    let own = std::iter::repeat_n((VENDOR_SOURCE, 1, "Prospecting"), vendor);
    for (name, id, strategy) in usual.into_iter().chain(own) {
        let strategy = Cell::json(&json!({"id": id, "name": strategy}));
        made.sources
            .push(model.insert(Kind::Sources, &[("name", name.into()), ("type", strategy)]));
    }
    for name in names::TAGS {
        made.tags.push((model.insert(Kind::CandidateTags, &[("name", (*name).into())]), name));
    }
    for (name, kind, subject) in [
        ("Default Candidate Rejection", "candidate_rejection", "Your application"),
        ("Default Stage Transition", "stage_transition", "Next steps"),
        ("New Candidate", "candidate_auto_reply", "Thank you"),
    ] {
        model.insert(
            Kind::EmailTemplates,
            &[
                ("body", "Hello {{CANDIDATE_FIRST_NAME}}".into()),
                ("default", true.into()),
                ("email_type", kind.into()),
                ("from_type", "organization_email".into()),
                ("html_body", "<p>Hello {{CANDIDATE_FIRST_NAME}}</p>".into()),
                ("name", name.into()),
                ("subject", subject.into()),
            ],
        );
    }
}

fn pools(model: &mut Model, made: &mut Organisation, departments: &[i64]) {
    for (name, active) in [("Alumni", true), ("Engineering Pipeline", true), ("Messe 2024", false)]
    {
        let cells = [
            ("active", active.into()),
            ("department_ids", departments.iter().copied().take(1).collect::<Vec<i64>>().into()),
            ("name", Cell::from(name)),
        ];
        let pool = model.insert(Kind::ProspectPools, &cells);
        let stages = ["Not Contacted", "Contacted", "Conversation"]
            .iter()
            .zip(0_i64..)
            .map(|(name, order)| {
                let cells = [
                    ("name", Cell::from(*name)),
                    ("prospect_pool_id", pool.into()),
                    ("sort_order", order.into()),
                ];
                model.insert(Kind::ProspectPoolStages, &cells)
            })
            .collect();
        made.pools.push((pool, stages));
    }
}

fn job(
    model: &mut Model,
    fields: &Fields,
    users: &[i64],
    places: &Places,
    at: usize,
) -> Option<Job> {
    // Of ten jobs one is a draft and two are closed; one in twenty-five is confidential. The first
    // is open.
    let status = match at % 10 {
        4 => "draft",
        6 | 8 => "closed",
        _ => "open",
    };
    let (level, title) = (model.rng.word(names::LEVELS), model.rng.word(names::TITLES));
    let name = format!("{level} {title}").trim().to_owned();
    let opened = if status == "draft" { Cell::Null } else { Cell::Time(model.now_ms) };
    let closed = if status == "closed" {
        Cell::Time(model.now_ms.saturating_add(40 * DAY_MS))
    } else {
        Cell::Null
    };
    let department = if at % 12 == 9 { None } else { model.rng.pick(&places.departments).copied() };
    let office = model.rng.pick(&places.offices).copied();
    let employment =
        model.rng.pick(&fields.employments).map(|id| (fields.employment, id.to_string().into()));
    let template = if at % 11 == 5 { Cell::Null } else { Cell::Bool(false) };
    let id = model.insert(
        Kind::Jobs,
        &[
            ("closed_at", closed),
            ("confidential", (at % 25 == 5).into()),
            ("custom_fields", Cell::Fields(employment.into_iter().collect())),
            ("department_id", department.into()),
            ("is_template", template),
            ("name", name.clone().into()),
            ("office_ids", office.into_iter().collect::<Vec<i64>>().into()),
            ("opened_at", opened.clone()),
            ("requisition_id", at.saturating_add(1).to_string().into()),
            ("status", status.into()),
        ],
    );
    let stages = stages(model, id, at);
    openings(model, id, at, status == "open");
    team(model, id, at, users);
    if status == "draft" {
        return None;
    }
    post(model, id, &name, places.board, status == "open");
    if at % 3 == 1 {
        post(model, id, &format!("{name} (old)"), places.board, false);
    }
    Some(Job { id, open: status == "open", stages })
}

fn stages(model: &mut Model, job: i64, at: usize) -> Vec<(i64, &'static str)> {
    let skipped = at % 4;
    let mut order = 0_i64;
    let mut made = Vec::new();
    for (position, name) in names::STAGES.iter().enumerate() {
        // Each job leaves out another stage; one job in four keeps an inactive one.
        let inactive = skipped == 1 && position == 3;
        if position == skipped.saturating_add(1) && skipped > 1 {
            continue;
        }
        let cells = [
            ("active", (!inactive).into()),
            ("job_id", Cell::Int(job)),
            ("name", (*name).into()),
            ("sort_order", order.into()),
        ];
        let id = model.insert(Kind::JobInterviewStages, &cells);
        order = order.saturating_add(1);
        if !inactive {
            made.push((id, *name));
        }
    }
    made
}

fn openings(model: &mut Model, job: i64, at: usize, open: bool) {
    for number in 0..=i64::try_from(at % 3).unwrap_or(0) {
        let opened = Cell::Time(model.now_ms);
        let closed = if open { Cell::Null } else { opened.clone() };
        let cells = [
            ("closed_at", closed),
            ("job_id", job.into()),
            ("open", open.into()),
            ("opened_at", opened),
            ("opening_id", format!("{}-{number}", at.saturating_add(1)).into()),
            ("sort_order", number.into()),
        ];
        model.insert(Kind::Openings, &cells);
    }
}

fn team(model: &mut Model, job: i64, at: usize, users: &[i64]) {
    for (kind, step) in [("recruiter", 1), ("coordinator", 2), ("sourcer", 3)] {
        let Some(user) = users.iter().cycle().nth(at.saturating_add(step)).copied() else {
            continue;
        };
        let cells = [
            ("job_id", job.into()),
            ("responsible", (kind == "recruiter").into()),
            ("type", Cell::from(kind)),
            ("user_id", user.into()),
        ];
        model.insert(Kind::JobOwners, &cells);
    }
    if let Some(user) = users.iter().cycle().nth(at.saturating_add(5)).copied() {
        model.insert(Kind::JobHiringManagers, &[("job_id", job.into()), ("user_id", user.into())]);
    }
}

fn post(model: &mut Model, job: i64, title: &str, board: i64, active: bool) {
    let questions = json!([{"id": null, "name": "first_name", "label": "First Name",
        "required": true, "private": false,
        "description": null, "answer_type": "short_text", "options": []}]);
    let published = Cell::Time(model.now_ms.saturating_add(DAY_MS));
    model.insert(
        Kind::JobPosts,
        &[
            ("active", active.into()),
            (
                "content",
                format!("<p>{title}: come and work with us. Ça vous dit&nbsp;?</p>").into(),
            ),
            ("featured", false.into()),
            ("first_published_at", published),
            ("internal", false.into()),
            ("job_board_id", board.into()),
            ("job_id", job.into()),
            ("language", "en".into()),
            ("live", active.into()),
            ("public_url", format!("https://boards.example.com/sandbox?gh_jid={job}").into()),
            ("questions", Cell::json(&questions)),
            ("title", title.into()),
        ],
    );
}

/// Returns the letters of a name that fit an address.
pub(super) fn ascii(name: &str) -> String {
    let letters: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.is_empty() { "person".to_owned() } else { letters }
}
