//! Generates candidates and their applications, notes and tags.

use super::fields::{Roles, SENIORITIES, STRENGTHS};
use super::organisation::{ascii, pick};
use super::people_records::{
    Application, AppliedTag, Candidate, Contact, Note, Outcome, Prospect, Rejection, Visit,
};
use super::records::{FieldValue, JobState};
use super::{Company, CompanySpec, DAY_MS, HISTORY_MS, names};

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

pub(super) fn make(company: &mut Company, spec: &CompanySpec, roles: &Roles) {
    let now_ms = company.now_ms;
    let began_ms = now_ms.saturating_sub(HISTORY_MS);
    let total = i64::try_from(spec.candidates).unwrap_or(i64::MAX).max(1);
    let mut former_email = String::new();
    let mut serial = 0_usize;
    for at in 0..spec.candidates {
        let share = i64::try_from(at).unwrap_or(0).saturating_mul(HISTORY_MS) / total;
        let jitter = company.rng.between(0, HISTORY_MS / total);
        let created_ms =
            began_ms.saturating_add(share).saturating_add(jitter).min(now_ms.saturating_sub(1000));
        let touched_ms =
            company.rng.between(created_ms, now_ms.min(created_ms.saturating_add(90 * DAY_MS)));
        let mut made = candidate(company, roles, at, [created_ms, touched_ms], &mut former_email);
        let applications = match at % 10 {
            9 => 0,
            4 | 7 => 2,
            _ => 1,
        };
        let mut taken = Vec::new();
        for _ in 0..applications {
            application(company, roles, &mut made, serial, &mut taken);
            serial = serial.saturating_add(1);
        }
        if at.is_multiple_of(3) {
            let text = company.rng.word(names::NOTES);
            let author = pick(company, company.users.len());
            made.note = Some(Note { step: company.step(), text, author });
        }
        company.candidates.push(made);
    }
}

fn candidate(
    company: &mut Company,
    roles: &Roles,
    at: usize,
    [created_ms, touched_ms]: [i64; 2],
    former_email: &mut String,
) -> Candidate {
    let anonymised = at % 41 == 7;
    let (first, last) = (company.rng.word(names::FIRST), company.rng.word(names::LAST));
    let own = format!(
        "{}.{}{at}@example.{}",
        ascii(first),
        ascii(last),
        ["com", "org", "net"].get(at % 3).copied().unwrap_or("com")
    );
    // One in twenty-nine shares the address of the candidate before: ATSs allow two records of one
    // human.
    let email = if at % 29 == 5 { former_email.clone() } else { own };
    former_email.clone_from(&email);
    let contact = |value: String, kind| Contact { value, kind: Some(kind) };
    let emails = match (anonymised, at % 50) {
        (true, _) | (_, 10) => Vec::new(),
        (_, 20) => {
            let work = format!("work.{email}");
            vec![contact(email, "personal"), contact(work, "work")]
        }
        _ => vec![contact(email, "personal")],
    };
    let tagged = if anonymised { Vec::new() } else { tags(company, at) };
    let known = |text: &'static str| (!anonymised).then_some(text);
    let employer = company.rng.word(names::COMPANIES);
    let title = company.rng.word(names::TITLES);
    let values = if anonymised { Vec::new() } else { values(company, roles, at) };
    let step = company.step();
    let tags = tagged.into_iter().map(|tag| AppliedTag { step: company.step(), tag }).collect();
    let mut made = Candidate {
        step,
        created_ms,
        touched_ms,
        first: known(first),
        last: known(last),
        company: known(employer),
        title: known(title),
        anonymised,
        private: at % 17 == 3,
        can_email: at % 13 != 6,
        emails,
        phones: Vec::new(),
        addresses: Vec::new(),
        websites: Vec::new(),
        socials: Vec::new(),
        tags,
        values,
        applications: Vec::new(),
        note: None,
        educations: Vec::new(),
        employments: Vec::new(),
    };
    if !anonymised {
        contacts(&mut made, at, last);
    }
    made
}

/// Adds the contacts besides the e-mail addresses. Nine of ten candidates have a phone, four of
/// five a postal address and a profile, half a website; an anonymised candidate has none.
fn contacts(candidate: &mut Candidate, at: usize, last: &str) {
    let handle = ascii(last);
    let street = word_at(names::STREETS, at);
    let (place, _) = names::OFFICES.get(at % names::OFFICES.len()).copied().unwrap_or_default();
    let list = |has: bool, value: String, kind| {
        if has { vec![Contact { value, kind }] } else { Vec::new() }
    };
    candidate.phones = list(at % 10 != 1, format!("+1 555-01{:02}", at % 100), Some("mobile"));
    let address = format!("{street}\n{:05} {place}", 10_000 + at * 37 % 80_000);
    candidate.addresses = list(at % 5 != 3, address, Some("home"));
    let website = format!("https://{handle}{at}.example.org/portfolio");
    candidate.websites = list(at.is_multiple_of(2), website, Some("portfolio"));
    let profile = format!("https://www.linkedin.com/in/{handle}{at}");
    candidate.socials = list(at % 5 != 2, profile, None);
}

fn word_at(words: &[&'static str], at: usize) -> &'static str {
    words.get(at % words.len().max(1)).copied().unwrap_or_default()
}

/// Picks two tags for two candidates of five, and one for another fifth.
fn tags(company: &mut Company, at: usize) -> Vec<usize> {
    let count = company.tags.len();
    match at % 5 {
        0 => pick(company, count).into_iter().collect(),
        1 | 3 => (0..2).map(|nth: usize| (at + nth * 3) % count.max(1)).collect(),
        _ => Vec::new(),
    }
}

/// Generates custom field values of different types: five or more for half of the candidates, one
/// to four for most others.
fn values(company: &mut Company, roles: &Roles, at: usize) -> Vec<(usize, FieldValue)> {
    let mut values = Vec::new();
    if at.is_multiple_of(2) {
        values.push((roles.dialing_code, FieldValue::Text(format!("+{:02}", at % 97))));
        values.push((roles.visa, FieldValue::Bool(at.is_multiple_of(6))));
        values.push((roles.experience, FieldValue::Number(at % 31)));
        let about = word_at(names::ABOUT, at / 2);
        values.push((roles.about, FieldValue::Text(about.to_owned())));
    }
    let seniority = if at.is_multiple_of(7) {
        pick(company, SENIORITIES)
    } else {
        (at % 10 < 6).then_some(at % SENIORITIES)
    };
    if let Some(option) = seniority {
        values.push((roles.seniority, FieldValue::Single(option)));
    }
    if at % 4 < 2 {
        let day = format!("2026-{:02}-{:02}", 1 + at % 12, 1 + at % 28);
        values.push((roles.available, FieldValue::Date(day)));
    }
    if at.is_multiple_of(11) || at % 4 == 2 {
        values.push((roles.languages, FieldValue::Multi(vec![0, 1])));
        let amount = format!("{}.0", 40_000 + at % 60 * 1_000);
        values.push((roles.salary, FieldValue::Money { amount, currency: "EUR" }));
    }
    if at % 19 == 1
        && let Some(field) = roles.external_ref
    {
        values.push((field, FieldValue::Text(format!("legacy-{at}"))));
    }
    values
}

fn application(
    company: &mut Company,
    roles: &Roles,
    candidate: &mut Candidate,
    serial: usize,
    taken: &mut Vec<usize>,
) {
    let fate = match serial % 20 {
        0..=9 => Fate::InProcess,
        10..=14 => Fate::Rejected,
        15 => Fate::Hired,
        16 => Fate::Prospect,
        17 => Fate::Pooled,
        18 => Fate::Jobless,
        _ => Fate::Converted,
    };
    let ends = matches!(fate, Fate::Rejected | Fate::Hired);
    let fitting: Vec<usize> = company
        .jobs
        .iter()
        .enumerate()
        .filter(|(at, job)| match job.state {
            JobState::Draft => false,
            JobState::Open => !taken.contains(at),
            JobState::Closed => ends && !taken.contains(at),
        })
        .map(|(at, _)| at)
        .collect();
    let Some(job) = company.rng.pick(&fitting).copied() else { return };
    let made = match fate {
        Fate::Prospect | Fate::Pooled | Fate::Jobless => {
            vec![prospect(company, serial, job, fate)]
        }
        Fate::Converted => vec![
            prospect(company, serial, job, fate),
            on_job(company, roles, candidate, serial, job, Fate::InProcess),
        ],
        _ => vec![on_job(company, roles, candidate, serial, job, fate)],
    };
    candidate.applications.extend(made);
    taken.push(job);
}

/// Makes an application on no job yet.
fn bare(company: &mut Company, serial: usize) -> Application {
    let source = pick(company, company.sources.len());
    let referrer =
        if serial.is_multiple_of(4) { pick(company, company.referrers.len()) } else { None };
    let recruiter = pick(company, company.users.len());
    Application {
        step: company.step(),
        serial,
        job: None,
        prospect: None,
        outcome: Outcome::Active,
        source,
        referrer,
        recruiter,
        strength: None,
        visits: Vec::new(),
    }
}

fn prospect(company: &mut Company, serial: usize, job: usize, fate: Fate) -> Application {
    let tied_to = matches!(fate, Fate::Prospect | Fate::Converted).then_some(job);
    let made = bare(company, serial);
    let pool = if fate == Fate::Pooled { pick(company, company.pools.len()) } else { None };
    let owner = pick(company, company.users.len());
    let step = company.step();
    Application {
        job: (fate == Fate::Prospect).then_some(job),
        prospect: Some(Prospect { step, tied_to, pool, owner }),
        outcome: if fate == Fate::Converted { Outcome::Converted } else { Outcome::Active },
        ..made
    }
}

fn on_job(
    company: &mut Company,
    roles: &Roles,
    candidate: &Candidate,
    serial: usize,
    job: usize,
    fate: Fate,
) -> Application {
    let rejected = fate == Fate::Rejected;
    let reason = if rejected { pick(company, company.reasons.len()) } else { None };
    let strength = if serial.is_multiple_of(6) { pick(company, STRENGTHS) } else { None };
    let made = bare(company, serial);
    let pipeline = company.jobs.get(job).map(super::Job::pipeline).unwrap_or_default();
    let reached = company.rng.below(pipeline.len());
    let per_stage_ms = candidate.touched_ms.saturating_sub(candidate.created_ms)
        / i64::try_from(reached.saturating_add(1)).unwrap_or(1).max(1);
    let mut entered_ms = candidate.created_ms;
    let mut visits = Vec::new();
    for (at, stage) in pipeline.into_iter().enumerate() {
        let (visited, current) = (at <= reached, at == reached && fate != Fate::Hired);
        let exited_ms = entered_ms.saturating_add(per_stage_ms);
        visits.push(Visit {
            step: company.step(),
            stage,
            entered_ms: visited.then_some(entered_ms),
            exited_ms: (visited && !current).then_some(exited_ms),
            stayed_ms: if visited { per_stage_ms } else { 0 },
            current,
        });
        if visited {
            entered_ms = exited_ms;
        }
    }
    let outcome = match fate {
        Fate::Rejected => {
            let by = pick(company, company.users.len());
            Outcome::Rejected(Rejection { step: company.step(), reason, by })
        }
        Fate::Hired => Outcome::Hired { opening_step: company.step() },
        _ => Outcome::Active,
    };
    let strength = strength.map(|option| (roles.strength, option));
    Application { job: Some(job), outcome, strength, visits, ..made }
}
