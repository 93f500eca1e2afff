//! Generates candidates and their applications, notes and tags.

use serde_json::{Value, json};

use super::fields::Fields;
use super::organisation::{Job, Organisation, ascii};
use super::{CompanySpec, DAY_MS, HISTORY_MS, names};
use crate::model::Model;
use crate::model::cell::Cell;
use crate::model::render::ids_text;
use crate::schema::Kind;

/// The outcome of a generated application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    InProcess,
    Rejected,
    Hired,
    /// A prospect on a job.
    Prospect,
    /// A prospect in a pool, tied to no job.
    Pooled,
    /// A prospect without job or pool.
    Jobless,
    /// A prospect that became an application.
    Converted,
}

pub(super) fn make(model: &mut Model, spec: &CompanySpec, fields: &Fields, made: &Organisation) {
    let now_ms = model.now_ms;
    let began_ms = now_ms.saturating_sub(HISTORY_MS);
    let total = i64::try_from(spec.candidates).unwrap_or(i64::MAX).max(1);
    let mut former_email = String::new();
    let mut serial = 0_usize;
    for at in 0..spec.candidates {
        let share = i64::try_from(at).unwrap_or(0).saturating_mul(HISTORY_MS) / total;
        let jitter = model.rng.between(0, HISTORY_MS / total);
        let created_ms =
            began_ms.saturating_add(share).saturating_add(jitter).min(now_ms.saturating_sub(1000));
        model.now_ms = created_ms;
        let touched_ms =
            model.rng.between(created_ms, now_ms.min(created_ms.saturating_add(90 * DAY_MS)));
        let person = Person { at, touched_ms };
        let id = candidate(model, fields, made, &person, &mut former_email);
        let applications = match at % 10 {
            9 => 0,
            4 | 7 => 2,
            _ => 1,
        };
        let mut jobs = Vec::new();
        for _ in 0..applications {
            application(
                model,
                fields,
                made,
                &Opening { candidate: id, serial, touched_ms },
                &mut jobs,
            );
            serial = serial.saturating_add(1);
        }
        if at.is_multiple_of(3) {
            note(model, made, id);
        }
    }
    model.now_ms = now_ms;
}

struct Person {
    at: usize,
    touched_ms: i64,
}

fn candidate(
    model: &mut Model,
    fields: &Fields,
    made: &Organisation,
    person: &Person,
    former_email: &mut String,
) -> i64 {
    let at = person.at;
    let anonymised = at % 41 == 7;
    let (first, last) = (model.rng.word(names::FIRST), model.rng.word(names::LAST));
    let own = format!(
        "{}.{}{at}@example.{}",
        ascii(first),
        ascii(last),
        ["com", "org", "net"].get(at % 3).copied().unwrap_or("com")
    );
    // One in twenty-nine shares the address of the candidate before: Greenhouse allows two rows for
    // one human.
    let email = if at % 29 == 5 { former_email.clone() } else { own };
    former_email.clone_from(&email);
    let emails = match (anonymised, at % 50) {
        (true, _) | (_, 10) => json!([]),
        (_, 20) => {
            json!([{"value": email, "type": "personal"},
                {"value": format!("work.{email}"), "type": "work"}])
        }
        _ => json!([{"value": email, "type": "personal"}]),
    };
    let contacts = Contacts::of(at, anonymised, last);
    let tagged = if anonymised { Vec::new() } else { tags(model, made, at) };
    let tag_names: Vec<&str> = tagged.iter().map(|(_, name)| *name).collect();
    let known = |text: &'static str| if anonymised { Cell::Null } else { Cell::from(text) };
    let employer = model.rng.word(names::COMPANIES);
    let title = model.rng.word(names::TITLES);
    let values = if anonymised { Box::default() } else { values(model, fields, at) };
    let id = model.insert(
        Kind::Candidates,
        &[
            ("addresses", Cell::json(&contacts.addresses)),
            ("can_email", (at % 13 != 6).into()),
            ("company", known(employer)),
            ("custom_fields", Cell::Fields(values)),
            ("email_addresses", Cell::json(&emails)),
            ("first_name", known(first)),
            ("last_activity_at", Cell::Time(person.touched_ms)),
            ("last_name", known(last)),
            ("phone_numbers", Cell::json(&contacts.phones)),
            ("preferred_name", Cell::Null),
            ("private", (at % 17 == 3).into()),
            ("social_media_addresses", Cell::json(&contacts.socials)),
            ("tags", Cell::json(&json!(tag_names))),
            ("time_zone", Cell::Null),
            ("title", known(title)),
            ("website_addresses", Cell::json(&contacts.websites)),
            ("updated_at", Cell::Time(person.touched_ms)),
        ],
    );
    for (tag, _) in tagged {
        model.insert(
            Kind::AppliedCandidateTags,
            &[("candidate_id", id.into()), ("candidate_tag_id", tag.into())],
        );
    }
    id
}

/// The contacts of a candidate besides the e-mail addresses.
struct Contacts {
    phones: Value,
    addresses: Value,
    websites: Value,
    socials: Value,
}

impl Contacts {
    /// Makes the contacts. Nine of ten candidates have a phone, four of five a postal address and a
    /// profile, half a website; an anonymised candidate has none.
    fn of(at: usize, anonymised: bool, last: &str) -> Self {
        let list = |has: bool, entry: Value| {
            if has && !anonymised { json!([entry]) } else { json!([]) }
        };
        let handle = ascii(last);
        let street = word_at(names::STREETS, at);
        let (place, _) = names::OFFICES.get(at % names::OFFICES.len()).copied().unwrap_or_default();
        let phone = format!("+1 555-01{:02}", at % 100);
        let address = format!("{street}\n{:05} {place}", 10_000 + at * 37 % 80_000);
        Self {
            phones: list(at % 10 != 1, json!({"value": phone, "type": "mobile"})),
            addresses: list(at % 5 != 3, json!({"value": address, "type": "home"})),
            websites: list(
                at.is_multiple_of(2),
                json!({"value": format!("https://{handle}{at}.example.org/portfolio"),
                    "type": "portfolio"}),
            ),
            socials: list(
                at % 5 != 2,
                json!({"value": format!("https://www.linkedin.com/in/{handle}{at}")}),
            ),
        }
    }
}

fn word_at(words: &[&'static str], at: usize) -> &'static str {
    words.get(at % words.len().max(1)).copied().unwrap_or_default()
}

/// Picks two tags for two candidates of five, and one for another fifth.
fn tags(model: &mut Model, made: &Organisation, at: usize) -> Vec<(i64, &'static str)> {
    match at % 5 {
        0 => model.rng.pick(&made.tags).copied().into_iter().collect(),
        1 | 3 => {
            let all = made.tags.iter().cycle().skip(at);
            all.step_by(3).take(2).copied().collect()
        }
        _ => Vec::new(),
    }
}

/// Generates custom field values of different types: five or more for half of the candidates, one
/// to four for most others.
fn values(model: &mut Model, fields: &Fields, at: usize) -> Box<[(i64, Box<str>)]> {
    let mut values: Vec<(i64, Box<str>)> = Vec::new();
    let nth = |options: &[i64]| options.get(at % options.len().max(1)).copied();
    if at.is_multiple_of(2) {
        values.push((fields.dialing_code, format!("\"+{:02}\"", at % 97).into()));
        values.push((fields.visa, at.is_multiple_of(6).to_string().into()));
        values.push((fields.experience, (at % 31).to_string().into()));
        let about = word_at(names::ABOUT, at / 2);
        values.push((fields.about, json!(about).to_string().into()));
    }
    let seniority = if at.is_multiple_of(7) {
        model.rng.pick(&fields.seniorities).copied()
    } else {
        nth(&fields.seniorities).filter(|_| at % 10 < 6)
    };
    if let Some(option) = seniority {
        values.push((fields.seniority, option.to_string().into()));
    }
    if at % 4 < 2 {
        let day = format!("\"2026-{:02}-{:02}\"", 1 + at % 12, 1 + at % 28);
        values.push((fields.available, day.into()));
    }
    if at.is_multiple_of(11) || at % 4 == 2 {
        values.push((
            fields.languages,
            ids_text(fields.language_options.get(..2).unwrap_or_default()),
        ));
        let amount = format!("{}.0", 40_000 + at % 60 * 1_000);
        values.push((
            fields.salary,
            json!({"amount": amount, "currency_code": "EUR"}).to_string().into(),
        ));
    }
    if at % 19 == 1
        && let Some(field) = fields.external_ref
    {
        values.push((field, format!("\"legacy-{at}\"").into()));
    }
    values.into()
}

struct Opening {
    candidate: i64,
    serial: usize,
    touched_ms: i64,
}

fn application(
    model: &mut Model,
    fields: &Fields,
    made: &Organisation,
    opening: &Opening,
    taken: &mut Vec<i64>,
) {
    let fate = match opening.serial % 20 {
        0..=9 => Fate::InProcess,
        10..=14 => Fate::Rejected,
        15 => Fate::Hired,
        16 => Fate::Prospect,
        17 => Fate::Pooled,
        18 => Fate::Jobless,
        _ => Fate::Converted,
    };
    let fits = |job: &&Job| {
        !taken.contains(&job.id) && (job.open || matches!(fate, Fate::Rejected | Fate::Hired))
    };
    let fitting: Vec<&Job> = made.jobs.iter().filter(fits).collect();
    let Some(job) = model.rng.pick(&fitting).copied() else { return };
    let prospect = |model: &mut Model, status: &str| {
        let tied = matches!(fate, Fate::Prospect | Fate::Converted).then_some(job.id);
        let job_id = if fate == Fate::Prospect { Some(job.id) } else { None };
        let id = insert(
            model,
            made,
            opening,
            &[
                ("job_id", job_id.into()),
                ("prospect", true.into()),
                ("prospective_job_ids", tied.into_iter().collect::<Vec<i64>>().into()),
                ("status", status.into()),
            ],
        );
        let pool = if fate == Fate::Pooled { model.rng.pick(&made.pools).cloned() } else { None };
        let stage = pool.as_ref().and_then(|(_, stages)| stages.first().copied());
        let owner = model.rng.pick(&made.users).copied();
        let cells = [
            ("application_id", id.into()),
            ("pool_id", pool.map(|(pool, _)| pool).into()),
            ("pool_stage_id", stage.into()),
            ("prospect_owner_id", Cell::from(owner)),
        ];
        model.insert(Kind::ProspectDetails, &cells);
    };
    match fate {
        Fate::Prospect | Fate::Pooled | Fate::Jobless => prospect(model, "in_process"),
        Fate::Converted => {
            prospect(model, "converted");
            on_job(model, fields, made, opening, job, Fate::InProcess);
        }
        _ => on_job(model, fields, made, opening, job, fate),
    }
    taken.push(job.id);
}

fn on_job(
    model: &mut Model,
    fields: &Fields,
    made: &Organisation,
    opening: &Opening,
    job: &Job,
    fate: Fate,
) {
    let status = match fate {
        Fate::Rejected => "rejected",
        Fate::Hired => "hired",
        _ => "in_process",
    };
    let rejected = fate == Fate::Rejected;
    let reason = if rejected { model.rng.pick(&made.rejection_reasons).copied() } else { None };
    let strength = if opening.serial.is_multiple_of(6) {
        model.rng.pick(&fields.strengths).copied()
    } else {
        None
    };
    let values =
        strength.map(|option| (fields.strength, option.to_string().into())).into_iter().collect();
    let ended = Cell::Time(opening.touched_ms);
    // The stage rows are inserted after the application, and complete it with their ids below.
    let id = insert(
        model,
        made,
        opening,
        &[
            ("custom_fields", Cell::Fields(values)),
            ("job_id", job.id.into()),
            ("prospect", false.into()),
            ("rejected_at", if rejected { ended.clone() } else { Cell::Null }),
            ("rejection_reason_id", reason.into()),
            ("status", status.into()),
        ],
    );
    let reached = model.rng.below(job.stages.len());
    let created_ms = model.now_ms;
    let per_stage_ms = opening.touched_ms.saturating_sub(created_ms)
        / i64::try_from(reached.saturating_add(1)).unwrap_or(1).max(1);
    let hired = fate == Fate::Hired;
    let mut entered_ms = created_ms;
    let mut current = None;
    for (at, (stage, name)) in job.stages.iter().enumerate() {
        let (visited, here) = (at <= reached, at == reached && !hired);
        let exited_ms = entered_ms.saturating_add(per_stage_ms);
        let row = model.insert(
            Kind::ApplicationStages,
            &[
                ("application_id", id.into()),
                ("current", here.into()),
                ("days_in_stage", Cell::Int(if visited { per_stage_ms / DAY_MS } else { 0 })),
                ("entered_at", if visited { Cell::Time(entered_ms) } else { Cell::Null }),
                ("exited_at", if visited && !here { Cell::Time(exited_ms) } else { Cell::Null }),
                ("job_interview_stage_id", (*stage).into()),
            ],
        );
        if visited {
            entered_ms = exited_ms;
        }
        if here {
            current = Some((row, *stage, *name));
        }
    }
    if let Some((row, stage, name)) = current {
        let cells = [
            ("stage_id", row.into()),
            ("job_interview_stage_id", stage.into()),
            ("stage_name", Cell::from(name)),
        ];
        model.set(Kind::Applications, id, crate::model::Touch::Leave, &cells);
    }
    if rejected {
        let cells = [
            ("application_id", id.into()),
            ("rejected_at", ended.clone()),
            ("rejected_by_id", model.rng.pick(&made.users).copied().into()),
            ("rejection_reason_id", reason.into()),
            ("created_at", ended.clone()),
            ("updated_at", ended.clone()),
        ];
        model.insert(Kind::RejectionDetails, &cells);
    }
    if hired {
        let cells = [
            ("sort_order", Cell::Int(0)),
            ("application_id", id.into()),
            ("close_reason_id", made.hire_reason.into()),
            ("closed_at", ended),
            ("job_id", job.id.into()),
            ("open", false.into()),
            ("opened_at", Cell::Time(created_ms)),
            ("opening_id", Cell::from(format!("H-{}", opening.serial))),
        ];
        model.insert(Kind::Openings, &cells);
    }
}

fn insert(model: &mut Model, made: &Organisation, opening: &Opening, own: &[(&str, Cell)]) -> i64 {
    let source = model.rng.pick(&made.sources).copied();
    let referrer = if opening.serial.is_multiple_of(4) {
        model.rng.pick(&made.referrers).copied()
    } else {
        None
    };
    let recruiter = model.rng.pick(&made.users).copied();
    let mut cells = vec![
        ("answers", Cell::Json("[]".into())),
        ("candidate_id", opening.candidate.into()),
        ("last_activity_at", Cell::Time(opening.touched_ms)),
        ("needs_decision", false.into()),
        ("recruiter_id", recruiter.into()),
        ("referrer_id", referrer.into()),
        ("source_id", source.into()),
        ("updated_at", Cell::Time(opening.touched_ms)),
    ];
    cells.extend(own.iter().cloned());
    model.insert(Kind::Applications, &cells)
}

fn note(model: &mut Model, made: &Organisation, candidate: i64) {
    let text = model.rng.word(names::NOTES);
    let cells = [
        ("body", Cell::from(text)),
        ("body_with_tags", text.into()),
        ("candidate_id", candidate.into()),
        ("email_cc", Cell::Json("[]".into())),
        ("type", "NOTE".into()),
        ("user_id", model.rng.pick(&made.users).copied().into()),
        ("visibility", "publicly_visible".into()),
    ];
    model.insert(Kind::Notes, &cells);
}
