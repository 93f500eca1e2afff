//! Generates the rest of the company: how it interviews, scores and offers, who may do what, where
//! posts are shown, and the answers of candidates about themselves.
//!
//! They are generated last and without the company's random numbers, so that all else is the same
//! with and without them. Of each collection there is at least one row in the smallest company.

use serde_json::json;

use super::organisation::Organisation;
use super::{DAY_MS, HISTORY_MS};
use crate::model::cell::Cell;
use crate::model::{Model, Touch};
use crate::schema::Kind;

/// The records that many others refer to.
#[derive(Debug, Default)]
struct Frame {
    job_admin: i64,
    pay: i64,
    custom_place: i64,
    /// Demographic questions, each with its options.
    questions: Vec<(i64, Vec<i64>)>,
}

/// How a job is interviewed for.
#[derive(Debug)]
struct Process {
    job: i64,
    interview: i64,
    kit: i64,
    attribute: i64,
    /// Questions of the scorecard: a text, and one with options.
    text: i64,
    choice: i64,
    options: Vec<i64>,
}

/// An application, as far as others refer to it.
#[derive(Debug, Clone, Copy)]
struct Candidacy {
    id: i64,
    candidate: i64,
    job: i64,
    created_ms: i64,
    hired: bool,
}

pub(super) fn make(model: &mut Model, organisation: &Organisation) {
    let (now_ms, rng) = (model.now_ms, model.rng.clone());
    model.now_ms = now_ms.saturating_sub(HISTORY_MS).saturating_sub(20 * DAY_MS);
    let users = &organisation.users;
    let frame = account(model, users);
    let mut processes = Vec::new();
    let jobs: Vec<i64> = model.rows(Kind::Jobs).map(|row| row.id).collect();
    for (at, job) in jobs.into_iter().enumerate() {
        model.now_ms = made_at(model, Kind::Jobs, job, now_ms);
        rights(model, &frame, job, at, users);
        processes.extend(process(model, job, at, users));
    }
    let posts: Vec<i64> = model.rows(Kind::JobPosts).map(|row| row.id).collect();
    for (at, post) in posts.into_iter().enumerate() {
        model.now_ms = made_at(model, Kind::JobPosts, post, now_ms);
        place(model, &frame, organisation, post, at);
    }
    for (at, one) in candidacies(model, now_ms).into_iter().enumerate() {
        model.now_ms = one.created_ms;
        let user = nth(users, at);
        if at.is_multiple_of(3)
            && let Some(process) = processes.iter().find(|process| process.job == one.job)
        {
            interview(model, process, one, user, at);
        }
        if one.hired || at % 12 == 1 {
            offer(model, one, user, at);
        }
        if at % 5 == 2 {
            eeoc(model, one, at);
        }
        if at % 7 == 3 {
            about_oneself(model, &frame, one, at);
        }
    }
    model.now_ms = now_ms;
    model.rng = rng;
}

fn made_at(model: &Model, kind: Kind, id: i64, now_ms: i64) -> i64 {
    model.cell(kind, id, "created_at").time_ms().unwrap_or(now_ms)
}

fn nth(ids: &[i64], at: usize) -> i64 {
    ids.iter().cycle().nth(at % ids.len().max(1)).copied().unwrap_or_default()
}

/// The applications on a job, oldest first.
fn candidacies(model: &Model, now_ms: i64) -> Vec<Candidacy> {
    let int = |id: i64, column: &str| model.int(Kind::Applications, id, column);
    let ids = model.rows(Kind::Applications).map(|row| row.id);
    ids.filter_map(|id| {
        Some(Candidacy {
            id,
            candidate: int(id, "candidate_id")?,
            job: int(id, "job_id")?,
            created_ms: made_at(model, Kind::Applications, id, now_ms),
            hired: model.text(Kind::Applications, id, "status") == Some("hired"),
        })
    })
    .collect()
}

/// Roles, tags, settings, and the questions about candidates themselves.
fn account(model: &mut Model, users: &[i64]) -> Frame {
    let mut role = |name: &str, kind: &str| {
        model.insert(Kind::UserRoles, &[("name", name.into()), ("role_type", kind.into())])
    };
    role("Site Admin", "site_admin");
    let job_admin = role("Job Admin: Standard", "job_admin");
    role("Interviewer", "deprecated_interviewer");
    for name in ["Coding", "Culture", "Trained in 2024"] {
        model.insert(Kind::InterviewerTags, &[("name", name.into())]);
    }
    for (kind, value) in [("email_domain", "spam.example"), ("ip_address", "192.0.2.7")] {
        let cells =
            [("note", "Bots".into()), ("source_type", kind.into()), ("value", Cell::from(value))];
        model.insert(Kind::BlockedSpamSources, &cells);
    }
    // Older templates have no value of these flags.
    let templates: Vec<i64> = model.rows(Kind::EmailTemplates).map(|row| row.id).collect();
    for id in templates {
        let cells = [("cc_coordinator", false.into()), ("cc_recruiter", Cell::Bool(true))];
        model.set(Kind::EmailTemplates, id, Touch::Leave, &cells);
    }
    let first = |model: &Model, kind: Kind| model.rows(kind).next().map(|row| row.id);
    let (department, office) = (first(model, Kind::Departments), first(model, Kind::Offices));
    for user in users.iter().copied().step_by(6) {
        let cells = [
            ("department_id", department.into()),
            ("office_id", office.into()),
            ("role_id", job_admin.into()),
            ("user_id", Cell::Int(user)),
        ];
        model.insert(Kind::FutureJobPermissions, &cells);
    }
    if let Some(field) = first(model, Kind::CustomFields) {
        let field = ("custom_field_id", Cell::Int(field));
        model.insert(
            Kind::CustomFieldDepartments,
            &[field.clone(), ("department_id", department.into())],
        );
        model.insert(Kind::CustomFieldOffices, &[field, ("office_id", office.into())]);
    }
    let board = first(model, Kind::JobBoards);
    let mut custom_place = 0;
    for (value, active) in [("Remote (EMEA)", true), ("Anywhere", false)] {
        let cells = [
            ("active", active.into()),
            ("greenhouse_job_board_id", board.into()),
            ("value", Cell::from(value)),
        ];
        let id = model.insert(Kind::JobBoardCustomLocations, &cells);
        custom_place = if custom_place == 0 { id } else { custom_place };
    }
    let pay = model.insert(
        Kind::PayInputs,
        &[("locked", false.into()), ("priority", 0.into()), ("title", "Base salary".into())],
    );
    Frame { job_admin, pay, custom_place, questions: questions(model) }
}

fn questions(model: &mut Model) -> Vec<(i64, Vec<i64>)> {
    let set = model.insert(
        Kind::DemographicQuestionSets,
        &[
            ("active", true.into()),
            ("description", "We ask, and you need not answer.".into()),
            ("enabled", true.into()),
            ("title", "About you".into()),
        ],
    );
    let mut made = Vec::new();
    for (order, name) in (0_i64..).zip(["How do you identify?", "Do you care for children?"]) {
        let question = model.insert(
            Kind::DemographicQuestions,
            &[
                ("active", true.into()),
                ("answer_type", "multi_value_single_select".into()),
                ("demographic_question_set_id", set.into()),
                ("name", name.into()),
                ("required", false.into()),
                ("sort_order", order.into()),
            ],
        );
        let options =
            (0_i64..).zip(["This", "That", "I do not want to say"]).map(|(order, name)| {
                let cells = [
                    ("active", Cell::Bool(true)),
                    ("decline_to_answer", (order == 2).into()),
                    ("demographic_question_id", question.into()),
                    ("free_form", (order == 1).into()),
                    ("name", name.into()),
                    ("sort_order", order.into()),
                ];
                model.insert(Kind::DemographicAnswerOptions, &cells)
            });
        made.push((question, options.collect()));
    }
    made
}

/// Who may do what on a job, and what its team writes down.
fn rights(model: &mut Model, frame: &Frame, job: i64, at: usize, users: &[i64]) {
    for step in [1, 5] {
        let cells = [
            ("automated", (step == 5).into()),
            ("job_id", job.into()),
            ("role_id", frame.job_admin.into()),
            ("user_id", Cell::Int(nth(users, at.saturating_add(step)))),
        ];
        model.insert(Kind::UserJobPermissions, &cells);
    }
    if at.is_multiple_of(3) {
        let cells = [
            ("body", "The budget is approved.".into()),
            ("job_id", job.into()),
            ("user_id", Cell::Int(nth(users, at))),
            ("visibility", "privately_visible".into()),
        ];
        model.insert(Kind::JobNotes, &cells);
    }
    if at.is_multiple_of(4) {
        let cells = [
            ("approval_status", "approved".into()),
            ("approval_type", "open_job".into()),
            ("job_id", job.into()),
            ("requested_by_id", nth(users, at).into()),
            ("sequential", false.into()),
            ("version", Cell::Int(1)),
        ];
        let flow = model.insert(Kind::ApprovalFlows, &cells);
        approval(model, flow, nth(users, at.saturating_add(2)), true);
    }
}

/// One group with one approver.
fn approval(model: &mut Model, flow: i64, user: i64, is_given: bool) {
    let resolved = if is_given { Cell::Time(model.now_ms) } else { Cell::Null };
    let group = model.insert(
        Kind::ApproverGroups,
        &[
            ("approval_flow_id", flow.into()),
            ("approvals_required", 1.into()),
            ("required_for_exception", false.into()),
            ("resolved_at", resolved.clone()),
            ("sort_order", 0.into()),
        ],
    );
    let by = if is_given { Cell::Int(user) } else { Cell::Null };
    model.insert(
        Kind::Approvers,
        &[
            ("approver_group_id", group.into()),
            ("request_sent_at", Cell::Time(model.now_ms)),
            ("resolved_at", resolved),
            ("resolved_by_id", by),
            ("sort_order", 0.into()),
            ("status", (if is_given { "approved" } else { "due" }).into()),
            ("user_id", user.into()),
        ],
    );
}

/// The interview of a job's first stage, with its kit, what it looks for and what it asks.
fn process(model: &mut Model, job: i64, at: usize, users: &[i64]) -> Option<Process> {
    let stage = model.pipeline(job).first().copied()?;
    let kind = model.insert(
        Kind::CandidateAttributeTypes,
        &[
            ("active", true.into()),
            ("is_draft", false.into()),
            ("job_id", job.into()),
            ("name", "Skills".into()),
            ("sort_order", 0.into()),
        ],
    );
    let attribute = model.insert(
        Kind::JobCandidateAttributes,
        &[
            ("active", true.into()),
            ("candidate_attribute_type_id", kind.into()),
            ("job_id", job.into()),
            ("name", "Explains clearly".into()),
            ("sort_order", 0.into()),
        ],
    );
    let interview = model.insert(
        Kind::JobInterviews,
        &[
            ("active", true.into()),
            ("duration", 45.into()),
            ("instructions", "Let them talk.".into()),
            ("job_id", job.into()),
            ("job_interview_stage_id", stage.into()),
            ("name", "First talk".into()),
            ("require_scorecard", true.into()),
            ("scheduling_type", "needs_scheduling".into()),
            ("sort_order", 0.into()),
        ],
    );
    let kit = model.insert(
        Kind::InterviewKits,
        &[
            ("anonymize_candidate", false.into()),
            ("anonymize_resumes", false.into()),
            ("exercises", "<p>Ask for an example.</p>".into()),
            ("job_id", job.into()),
            ("job_interview_id", interview.into()),
        ],
    );
    let of_kit = ("interview_kit_id", Cell::Int(kit));
    model.insert(
        Kind::DefaultInterviewers,
        &[of_kit.clone(), ("user_id", nth(users, at.saturating_add(3)).into())],
    );
    let focus = model.insert(
        Kind::FocusCandidateAttributes,
        &[of_kit.clone(), ("job_candidate_attribute_id", attribute.into())],
    );
    let mut question = |text: &str, kind: &str, order: i64| {
        let cells = [
            ("active", Cell::Bool(true)),
            ("answer_type", kind.into()),
            of_kit.clone(),
            ("question", text.into()),
            ("required", false.into()),
            ("sort_order", order.into()),
        ];
        model.insert(Kind::ScorecardQuestions, &cells)
    };
    let text = question("What speaks for them?", "long_text", 0);
    let choice = question("When can they start?", "single_select", 1);
    model.insert(
        Kind::ScorecardQuestionCandidateAttributes,
        &[
            ("focus_candidate_attribute_id", focus.into()),
            ("scorecard_question_id", Cell::Int(text)),
        ],
    );
    let options = (0_i64..).zip(["At once", "In three months"]).map(|(order, name)| {
        let cells = [
            ("active", Cell::Bool(true)),
            ("name", name.into()),
            ("scorecard_question_id", choice.into()),
            ("sort_order", order.into()),
        ];
        model.insert(Kind::ScorecardQuestionOptions, &cells)
    });
    let options = options.collect();
    Some(Process { job, interview, kit, attribute, text, choice, options })
}

/// Where a post is shown, what it pays, and a link that is counted.
fn place(model: &mut Model, frame: &Frame, organisation: &Organisation, post: i64, at: usize) {
    let job = model.int(Kind::JobPosts, post, "job_id");
    let of_post = ("job_post_id", Cell::Int(post));
    let office = model.rows(Kind::Offices).nth(at % 3).map(|row| row.id);
    let where_it_is = match at % 3 {
        0 => [("type", "office".into()), ("office_id", office.into())],
        1 => [("type", "custom_list".into()), ("custom_location_id", frame.custom_place.into())],
        _ => [("type", Cell::from("free_text")), ("plain_text_location", "Zürich".into())],
    };
    let [kind, value] = where_it_is;
    model.insert(Kind::JobPostLocations, &[of_post.clone(), kind, value]);
    model.insert(
        Kind::JobPostSearchableLocations,
        &[
            ("city", "Zürich".into()),
            ("country_long_name", "Switzerland".into()),
            ("country_short_name", "CH".into()),
            of_post.clone(),
            ("latitude", Cell::Json("47.3769".into())),
            ("location", "Zürich, Switzerland".into()),
            ("longitude", Cell::Json("8.5417".into())),
            ("postal_code", "8001".into()),
        ],
    );
    model.insert(
        Kind::PayInputRanges,
        &[
            ("currency_type", "CHF".into()),
            of_post.clone(),
            ("max_cents", 12_000_000.into()),
            ("min_cents", 9_000_000.into()),
            ("pay_input_id", frame.pay.into()),
        ],
    );
    let board = model.int(Kind::JobPosts, post, "job_board_id");
    model.insert(
        Kind::TrackingLinks,
        &[
            ("job_board_id", board.into()),
            ("job_id", job.into()),
            of_post,
            ("related_post_id", post.into()),
            ("related_post_type", "JobPost".into()),
            ("source_id", nth(&organisation.sources, at).into()),
            ("token", format!("{:08x}", post.unsigned_abs() % 0xffff_ffff).into()),
        ],
    );
}

/// An interview that took place, and what the interviewer thought.
fn interview(model: &mut Model, process: &Process, one: Candidacy, user: i64, at: usize) {
    let begins_ms = one.created_ms.saturating_add(3 * DAY_MS);
    let ends = Cell::Time(begins_ms.saturating_add(45 * 60_000));
    let interview = model.insert(
        Kind::Interviews,
        &[
            ("application_id", one.id.into()),
            ("ends_at", ends.clone()),
            ("job_id", one.job.into()),
            ("job_interview_id", process.interview.into()),
            ("location", "Room 7".into()),
            ("organizer_id", user.into()),
            ("scheduled_at", Cell::Time(one.created_ms)),
            ("starts_at", Cell::Time(begins_ms)),
            ("status", "complete".into()),
        ],
    );
    let scorecard = model.insert(
        Kind::Scorecards,
        &[
            ("application_id", one.id.into()),
            ("candidate_rating", (if at.is_multiple_of(2) { "yes" } else { "no" }).into()),
            ("interview_kit_id", process.kit.into()),
            ("interviewed_at", Cell::Time(begins_ms)),
            ("interviewer_id", user.into()),
            ("notes", "A good talk.".into()),
            ("status", "complete".into()),
            ("submitted_at", ends),
            ("submitter_id", user.into()),
        ],
    );
    let of_scorecard = ("scorecard_id", Cell::Int(scorecard));
    model.insert(
        Kind::Interviewers,
        &[
            ("interview_id", interview.into()),
            ("response_status", "accepted".into()),
            of_scorecard.clone(),
            ("user_id", user.into()),
        ],
    );
    model.insert(
        Kind::ScorecardCandidateAttributes,
        &[
            ("candidate_attribute_rating", "yes".into()),
            ("job_candidate_attribute_id", process.attribute.into()),
            of_scorecard.clone(),
        ],
    );
    model.insert(
        Kind::ScorecardQuestionAnswers,
        &[
            ("answer", "They listen.".into()),
            of_scorecard.clone(),
            ("scorecard_question_id", process.text.into()),
        ],
    );
    let answer = model.insert(
        Kind::ScorecardQuestionAnswers,
        &[of_scorecard, ("scorecard_question_id", process.choice.into())],
    );
    model.insert(
        Kind::ScorecardQuestionAnswerOptions,
        &[
            ("scorecard_question_answer_id", answer.into()),
            ("scorecard_question_option_id", nth(&process.options, at).into()),
        ],
    );
}

/// An offer, accepted by those who were hired, with its approval.
fn offer(model: &mut Model, one: Candidacy, user: i64, at: usize) {
    let opening = model.find(Kind::Openings, "application_id", one.id).first().copied();
    let status = if one.hired { "Accepted" } else { "Created" };
    let resolved =
        if one.hired { Cell::Time(one.created_ms.saturating_add(9 * DAY_MS)) } else { Cell::Null };
    let offer = model.insert(
        Kind::Offers,
        &[
            ("application_id", one.id.into()),
            ("candidate_id", one.candidate.into()),
            ("job_id", one.job.into()),
            ("opening_id", opening.into()),
            ("resolved_at", resolved),
            ("sent_on", format!("2026-{:02}-{:02}", 1 + at % 12, 1 + at % 28).into()),
            ("starts_on", "2027-01-01".into()),
            ("status", status.into()),
            ("version", 1.into()),
        ],
    );
    let flow = model.insert(
        Kind::ApprovalFlows,
        &[
            ("approval_status", (if one.hired { "approved" } else { "pending" }).into()),
            ("approval_type", "offer_candidate".into()),
            ("job_id", one.job.into()),
            ("offer_id", offer.into()),
            ("requested_by_id", user.into()),
            ("sequential", true.into()),
            ("version", 1.into()),
        ],
    );
    approval(model, flow, user, one.hired);
}

fn eeoc(model: &mut Model, one: Candidacy, at: usize) {
    let said = |id: usize, text: &str| Cell::json(&json!({"id": id, "description": text}));
    model.insert(
        Kind::Eeoc,
        &[
            ("application_id", one.id.into()),
            ("candidate_id", one.candidate.into()),
            ("disability_status", said(3, "I do not want to answer")),
            ("gender", said(1 + at % 3, "Decline To Self Identify")),
            ("race", said(8, "Decline To Self Identify")),
            ("submitted_at", Cell::Time(one.created_ms)),
            ("veteran_status", said(4, "I don't wish to answer")),
        ],
    );
}

fn about_oneself(model: &mut Model, frame: &Frame, one: Candidacy, at: usize) {
    for (question, options) in &frame.questions {
        let cells = [
            ("application_id", one.id.into()),
            ("demographic_answer_option_id", nth(options, at).into()),
            ("demographic_question_id", Cell::Int(*question)),
        ];
        model.insert(Kind::DemographicAnswers, &cells);
    }
}
