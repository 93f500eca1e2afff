//! Makes the rows of the organisation: departments, offices, users and referrers, jobs with their
//! stages, posts and openings, and the settings that a customer edits by hand.

use atsync_sandbox::{Company, EndedBy, JobState, Post, Reason};
use serde_json::json;

use super::fields::Fields;
use crate::model::Model;
use crate::model::cell::Cell;
use crate::schema::Kind;

/// The ids of records that others reference, each in the company's order.
#[derive(Debug, Clone, Default)]
pub(super) struct Organisation {
    pub(super) departments: Vec<i64>,
    pub(super) offices: Vec<i64>,
    pub(super) users: Vec<i64>,
    pub(super) referrers: Vec<i64>,
    pub(super) sources: Vec<i64>,
    pub(super) rejection_reasons: Vec<i64>,
    pub(super) hire_reason: Option<i64>,
    pub(super) tags: Vec<i64>,
    /// Pools and their stages.
    pub(super) pools: Vec<(i64, Vec<i64>)>,
    /// Jobs and their stages.
    pub(super) jobs: Vec<(i64, Vec<i64>)>,
    pub(super) candidates: Vec<i64>,
}

/// Returns the id at an index, if there is one.
pub(super) fn at(ids: &[i64], index: Option<usize>) -> Option<i64> {
    ids.get(index?).copied()
}

pub(super) fn make(model: &mut Model, company: &Company, fields: &Fields) -> Organisation {
    model.now_ms = company.began_ms;
    let mut made = Organisation::default();
    places(model, company, &mut made);
    users(model, company, &mut made);
    for referrer in &company.referrers {
        let mut cells = vec![("name", Cell::from(referrer.name.as_str()))];
        cells.extend(at(&made.users, referrer.user).map(|user| ("user_id", user.into())));
        made.referrers.push(model.load(Kind::Referrers, referrer.step, &cells));
    }
    settings(model, company, &mut made);
    pools(model, company, &mut made);
    let board = model.load(
        Kind::JobBoards,
        company.board_step,
        &[
            ("company_name", "Sandbox Industries".into()),
            ("internal", false.into()),
            ("status", "live".into()),
            ("url_token", "sandbox".into()),
        ],
    );
    for wanted in &company.jobs {
        model.now_ms = wanted.created_ms;
        let job = job(model, fields, &made, wanted);
        for one in &wanted.posts {
            post(model, job.0, board, one);
        }
        made.jobs.push(job);
    }
    made
}

fn places(model: &mut Model, company: &Company, made: &mut Organisation) {
    for wanted in &company.departments {
        let parent = at(&made.departments, wanted.parent);
        let cells = [
            ("external_id", Cell::from(wanted.external_id.clone())),
            ("name", wanted.name.into()),
            ("parent_id", parent.into()),
        ];
        made.departments.push(model.load(Kind::Departments, wanted.step, &cells));
    }
    for wanted in &company.offices {
        let cells = [
            ("external_id", Cell::from(wanted.external_id.as_str())),
            ("location", wanted.location.into()),
            ("name", wanted.name.into()),
        ];
        made.offices.push(model.load(Kind::Offices, wanted.step, &cells));
    }
}

fn users(model: &mut Model, company: &Company, made: &mut Organisation) {
    let service = [
        ("deactivated", false.into()),
        ("emails", Cell::json(&json!([]))),
        ("first_name", "Sandbox".into()),
        ("last_name", "Integration".into()),
        ("name", "Sandbox Integration".into()),
        ("primary_email", "".into()),
        ("site_admin", true.into()),
    ];
    model.service_user_id = model.load_special(Kind::Users, company.integration_step, &service);
    for wanted in &company.users {
        let one = |id: Option<i64>| Cell::from(id.into_iter().collect::<Vec<i64>>());
        let id = model.load(
            Kind::Users,
            wanted.step,
            &[
                ("deactivated", wanted.deactivated.into()),
                ("department_ids", one(at(&made.departments, wanted.department))),
                ("emails", Cell::json(&json!([wanted.email]))),
                ("employee_id", wanted.employee_id.as_str().into()),
                ("first_name", wanted.first.into()),
                ("job_title", wanted.title.into()),
                ("last_name", wanted.last.into()),
                ("name", wanted.name().into()),
                ("office_ids", one(at(&made.offices, wanted.office))),
                ("primary_email", wanted.email.as_str().into()),
                ("site_admin", wanted.admin.into()),
            ],
        );
        for address in &wanted.addresses {
            let cells = [
                ("email", Cell::from(address.email.as_str())),
                ("user_id", id.into()),
                ("verified", address.verified.into()),
            ];
            model.load(Kind::UserEmails, address.step, &cells);
        }
        made.users.push(id);
    }
}

fn reason(by: EndedBy) -> Cell {
    let (id, key, name) = match by {
        EndedBy::Company => (1, "WE_REJECTED_THEM", "We rejected them"),
        EndedBy::Candidate => (2, "THEY_REJECTED_US", "They rejected us"),
        EndedBy::Unsaid => (3, "NONE_SPECIFIED", "None specified"),
        EndedBy::Security => (4, "SECURITY_CONCERN", "Security concern"),
    };
    Cell::json(&json!({"id": id, "key": key, "name": name}))
}

fn settings(model: &mut Model, company: &Company, made: &mut Organisation) {
    let cells = |of: &Reason| [("name", Cell::from(of.name)), ("type", reason(of.by))];
    // Greenhouse's own reasons appear in lists only on request.
    for wanted in &company.builtin_reasons {
        model.load_special(Kind::RejectionReasons, wanted.step, &cells(wanted));
    }
    for wanted in &company.reasons {
        let id = model.load(Kind::RejectionReasons, wanted.step, &cells(wanted));
        made.rejection_reasons.push(id);
    }
    for wanted in &company.close_reasons {
        let id = model.load(Kind::CloseReasons, wanted.step, &[("name", wanted.name.into())]);
        made.hire_reason = made.hire_reason.or(Some(id));
    }
    for wanted in &company.sources {
        let strategy = match wanted.strategy {
            "Prospecting" => 1,
            "Referrals" => 2,
            _ => 3,
        };
        let strategy = Cell::json(&json!({"id": strategy, "name": wanted.strategy}));
        let cells = [("name", wanted.name.into()), ("type", strategy)];
        made.sources.push(model.load(Kind::Sources, wanted.step, &cells));
    }
    for wanted in &company.tags {
        let cells = [("name", Cell::from(wanted.name))];
        made.tags.push(model.load(Kind::CandidateTags, wanted.step, &cells));
    }
    for wanted in &company.templates {
        model.load(
            Kind::EmailTemplates,
            wanted.step,
            &[
                ("body", "Hello {{CANDIDATE_FIRST_NAME}}".into()),
                ("default", true.into()),
                ("email_type", wanted.purpose.into()),
                ("from_type", "organization_email".into()),
                ("html_body", "<p>Hello {{CANDIDATE_FIRST_NAME}}</p>".into()),
                ("name", wanted.name.into()),
                ("subject", wanted.subject.into()),
            ],
        );
    }
}

fn pools(model: &mut Model, company: &Company, made: &mut Organisation) {
    let departments: Vec<i64> = made.departments.iter().copied().take(1).collect();
    for wanted in &company.pools {
        let cells = [
            ("active", wanted.active.into()),
            ("department_ids", departments.clone().into()),
            ("name", Cell::from(wanted.name)),
        ];
        let pool = model.load(Kind::ProspectPools, wanted.step, &cells);
        let stages = (0_i64..).zip(&wanted.stages).map(|(order, stage)| {
            let cells = [
                ("name", Cell::from(stage.name)),
                ("prospect_pool_id", pool.into()),
                ("sort_order", order.into()),
            ];
            model.load(Kind::ProspectPoolStages, stage.step, &cells)
        });
        made.pools.push((pool, stages.collect()));
    }
}

fn job(
    model: &mut Model,
    fields: &Fields,
    made: &Organisation,
    wanted: &atsync_sandbox::Job,
) -> (i64, Vec<i64>) {
    let (status, opened) = match wanted.state {
        JobState::Draft => ("draft", None),
        JobState::Open => ("open", Some(wanted.created_ms)),
        JobState::Closed => ("closed", Some(wanted.created_ms)),
    };
    let employment = wanted.employment.and_then(|(field, option)| {
        let option = fields.option(field, option)?;
        Some((fields.id(field), option.to_string().into()))
    });
    let office = at(&made.offices, wanted.office).into_iter().collect::<Vec<i64>>();
    let id = model.load(
        Kind::Jobs,
        wanted.step,
        &[
            ("closed_at", wanted.closed_ms.map(Cell::Time).unwrap_or_default()),
            ("confidential", wanted.confidential.into()),
            ("custom_fields", Cell::Fields(employment.into_iter().collect())),
            ("department_id", at(&made.departments, wanted.department).into()),
            ("is_template", wanted.template.into()),
            ("name", wanted.name.as_str().into()),
            ("office_ids", office.into()),
            ("opened_at", opened.map(Cell::Time).unwrap_or_default()),
            ("requisition_id", wanted.requisition_id.as_str().into()),
            ("status", status.into()),
        ],
    );
    let stages = (0_i64..).zip(&wanted.stages).map(|(order, stage)| {
        let cells = [
            ("active", stage.active.into()),
            ("job_id", Cell::Int(id)),
            ("name", stage.name.into()),
            ("sort_order", order.into()),
        ];
        model.load(Kind::JobInterviewStages, stage.step, &cells)
    });
    let stages = stages.collect();
    openings(model, id, wanted);
    team(model, id, made, wanted);
    (id, stages)
}

fn openings(model: &mut Model, job: i64, wanted: &atsync_sandbox::Job) {
    for (number, opening) in (0_i64..).zip(&wanted.openings) {
        let opened = Cell::Time(model.now_ms);
        let closed = if opening.open { Cell::Null } else { opened.clone() };
        let cells = [
            ("closed_at", closed),
            ("job_id", job.into()),
            ("open", opening.open.into()),
            ("opened_at", opened),
            ("opening_id", opening.opening_id.as_str().into()),
            ("sort_order", number.into()),
        ];
        model.load(Kind::Openings, opening.step, &cells);
    }
}

fn team(model: &mut Model, job: i64, made: &Organisation, wanted: &atsync_sandbox::Job) {
    for member in &wanted.team {
        let cells = [
            ("job_id", job.into()),
            ("responsible", (member.role == "recruiter").into()),
            ("type", Cell::from(member.role)),
            ("user_id", at(&made.users, Some(member.user)).into()),
        ];
        model.load(Kind::JobOwners, member.step, &cells);
    }
    if let Some((step, user)) = wanted.hiring_manager {
        let user = at(&made.users, Some(user));
        let cells = [("job_id", job.into()), ("user_id", user.into())];
        model.load(Kind::JobHiringManagers, step, &cells);
    }
}

fn post(model: &mut Model, job: i64, board: i64, wanted: &Post) {
    let questions = json!([{"id": null, "name": "first_name", "label": "First Name",
        "required": true, "private": false,
        "description": null, "answer_type": "short_text", "options": []}]);
    let title = &wanted.title;
    model.load(
        Kind::JobPosts,
        wanted.step,
        &[
            ("active", wanted.active.into()),
            (
                "content",
                format!("<p>{title}: come and work with us. Ça vous dit&nbsp;?</p>").into(),
            ),
            ("featured", false.into()),
            ("first_published_at", Cell::Time(wanted.published_ms)),
            ("internal", false.into()),
            ("job_board_id", board.into()),
            ("job_id", job.into()),
            ("language", "en".into()),
            ("live", wanted.active.into()),
            ("public_url", format!("https://boards.example.com/sandbox?gh_jid={job}").into()),
            ("questions", Cell::json(&questions)),
            ("title", title.as_str().into()),
        ],
    );
}
