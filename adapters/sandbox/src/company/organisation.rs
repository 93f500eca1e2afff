//! Generates the organisation: departments, offices, users and referrers, jobs with their stages,
//! posts and openings, and the settings that a customer edits by hand.

use super::fields::{EMPLOYMENTS, Roles};
use super::records::{
    Department, EndedBy, Job, JobStage, JobState, MailTemplate, Named, Office, Opening, Pool, Post,
    Reason, Referrer, Source, TeamMember, User, UserAddress,
};
use super::{Company, CompanySpec, DAY_MS, HISTORY_MS, VENDOR_SOURCE, VendorSource, names};

pub(super) fn make(company: &mut Company, spec: &CompanySpec, roles: &Roles) {
    departments(company);
    for (name, location) in names::OFFICES {
        let location = Some(*location).filter(|text| !text.is_empty());
        let step = company.step();
        company.offices.push(Office { step, name, location, external_id: format!("OFF-{name}") });
    }
    users(company, spec);
    referrers(company);
    settings(company, spec);
    pools(company);
    company.board_step = company.step();
    for at in 0..spec.job_count() {
        let share = i64::try_from(at).unwrap_or(0).saturating_mul(HISTORY_MS)
            / i64::try_from(spec.job_count()).unwrap_or(1).max(1);
        let created_ms = company.began_ms.saturating_add(share);
        job(company, roles, created_ms, at);
    }
}

fn departments(company: &mut Company) {
    for (name, children) in names::DEPARTMENTS {
        let above = company.departments.len();
        let external_id = Some(format!("DEP-{name}"));
        let step = company.step();
        company.departments.push(Department { step, name, external_id, parent: None });
        for child in *children {
            let step = company.step();
            let parent = Some(above);
            company.departments.push(Department { step, name: child, external_id: None, parent });
        }
    }
}

/// Draws the index of one of so many; none when there are none.
pub(super) fn pick(company: &mut Company, of: usize) -> Option<usize> {
    let at = company.rng.below(of);
    (at < of).then_some(at)
}

fn users(company: &mut Company, spec: &CompanySpec) {
    company.integration_step = company.step();
    for at in 0..spec.job_count().saturating_add(8) {
        let (first, last) = (company.rng.word(names::FIRST), company.rng.word(names::LAST));
        let email = format!("{}.{at}@sandbox.example.com", ascii(last));
        let department = pick(company, company.departments.len());
        let office = pick(company, company.offices.len());
        let title = company.rng.word(names::TITLES);
        let step = company.step();
        let mut addresses =
            vec![UserAddress { step: company.step(), email: email.clone(), verified: true }];
        if at % 4 == 1 {
            let step = company.step();
            let email = email.replace("@sandbox", "@old.sandbox");
            addresses.push(UserAddress { step, email, verified: at % 8 == 1 });
        }
        // One in nine has left, one in five administers the account.
        company.users.push(User {
            step,
            first,
            last,
            email,
            addresses,
            department,
            office,
            title,
            employee_id: format!("E{:05}", at.saturating_mul(7)),
            deactivated: at % 9 == 4,
            admin: at.is_multiple_of(5),
        });
    }
}

fn referrers(company: &mut Company) {
    for user in (0..company.users.len()).step_by(2) {
        let name = company.users.get(user).map(User::name).unwrap_or_default();
        let step = company.step();
        company.referrers.push(Referrer { step, name, user: Some(user) });
    }
    for name in ["Talent Harbour Agency", "Meetup Zürich"] {
        let step = company.step();
        company.referrers.push(Referrer { step, name: name.to_owned(), user: None });
    }
}

fn settings(company: &mut Company, spec: &CompanySpec) {
    for (name, by) in [
        ("Lacking skill(s)/qualification(s)", EndedBy::Company),
        ("Withdrew", EndedBy::Candidate),
        ("Other (add notes below)", EndedBy::Unsaid),
    ] {
        let step = company.step();
        company.builtin_reasons.push(Reason { step, name, by, builtin: true });
    }
    for (name, by) in [
        ("Hired another candidate", EndedBy::Company),
        ("Took another offer", EndedBy::Candidate),
        ("No reason given", EndedBy::Unsaid),
        ("Failed a background check", EndedBy::Security),
    ] {
        let step = company.step();
        company.reasons.push(Reason { step, name, by, builtin: false });
    }
    for name in ["Hire - New Headcount", "Hire - Backfill", "Not Filling", "On Hold"] {
        let step = company.step();
        company.close_reasons.push(Named { step, name });
    }
    let vendor = match spec.vendor_source {
        VendorSource::Present => 1,
        VendorSource::Missing => 0,
        VendorSource::Duplicate => 2,
    };
    let usual = [
        ("LinkedIn (Prospecting)", "Prospecting"),
        ("Referral", "Referrals"),
        ("Jobs page on your website", "Company marketing"),
    ];
    let own = std::iter::repeat_n((VENDOR_SOURCE, "Prospecting"), vendor);
    for (name, strategy) in usual.into_iter().chain(own) {
        let step = company.step();
        company.sources.push(Source { step, name, strategy });
    }
    for name in names::TAGS {
        let step = company.step();
        company.tags.push(Named { step, name });
    }
    for (name, purpose, subject) in [
        ("Default Candidate Rejection", "candidate_rejection", "Your application"),
        ("Default Stage Transition", "stage_transition", "Next steps"),
        ("New Candidate", "candidate_auto_reply", "Thank you"),
    ] {
        let step = company.step();
        company.templates.push(MailTemplate { step, name, purpose, subject });
    }
}

fn pools(company: &mut Company) {
    for (name, active) in [("Alumni", true), ("Engineering Pipeline", true), ("Messe 2024", false)]
    {
        let step = company.step();
        let mut stages = Vec::new();
        for name in ["Not Contacted", "Contacted", "Conversation"] {
            stages.push(Named { step: company.step(), name });
        }
        company.pools.push(Pool { step, name, active, stages });
    }
}

fn job(company: &mut Company, roles: &Roles, created_ms: i64, at: usize) {
    // Of ten jobs one is a draft and two are closed; one in twenty-five is confidential. The first
    // is open.
    let state = match at % 10 {
        4 => JobState::Draft,
        6 | 8 => JobState::Closed,
        _ => JobState::Open,
    };
    let (level, title) = (company.rng.word(names::LEVELS), company.rng.word(names::TITLES));
    let name = format!("{level} {title}").trim().to_owned();
    let department = if at % 12 == 9 { None } else { pick(company, company.departments.len()) };
    let office = pick(company, company.offices.len());
    let employment = pick(company, EMPLOYMENTS).map(|option| (roles.employment, option));
    let mut job = Job {
        step: company.step(),
        created_ms,
        closed_ms: (state == JobState::Closed).then(|| created_ms.saturating_add(40 * DAY_MS)),
        name,
        state,
        confidential: at % 25 == 5,
        template: (at % 11 != 5).then_some(false),
        department,
        office,
        requisition_id: at.saturating_add(1).to_string(),
        employment,
        stages: stages(company, at),
        openings: Vec::new(),
        team: Vec::new(),
        hiring_manager: None,
        posts: Vec::new(),
    };
    for number in 0..=at % 3 {
        let opening_id = format!("{}-{number}", at.saturating_add(1));
        let step = company.step();
        job.openings.push(Opening { step, opening_id, open: state == JobState::Open });
    }
    let users = company.users.len();
    for (role, further) in [("recruiter", 1), ("coordinator", 2), ("sourcer", 3)] {
        if users > 0 {
            let user = at.saturating_add(further) % users;
            job.team.push(TeamMember { step: company.step(), role, user });
        }
    }
    job.hiring_manager = (users > 0).then(|| (company.step(), at.saturating_add(5) % users));
    if state != JobState::Draft {
        let published_ms = created_ms.saturating_add(DAY_MS);
        let (title, active) = (job.name.clone(), state == JobState::Open);
        job.posts.push(Post { step: company.step(), title, active, published_ms });
        if at % 3 == 1 {
            let title = format!("{} (old)", job.name);
            job.posts.push(Post { step: company.step(), title, active: false, published_ms });
        }
    }
    company.jobs.push(job);
}

fn stages(company: &mut Company, at: usize) -> Vec<JobStage> {
    let skipped = at % 4;
    let mut made = Vec::new();
    for (position, name) in names::STAGES.iter().enumerate() {
        // Each job leaves out another stage; one job in four keeps an inactive one.
        let inactive = skipped == 1 && position == 3;
        if position == skipped.saturating_add(1) && skipped > 1 {
            continue;
        }
        made.push(JobStage { step: company.step(), name, active: !inactive });
    }
    made
}

/// Returns the letters of a name that fit an address.
pub(super) fn ascii(name: &str) -> String {
    let letters: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.is_empty() { "person".to_owned() } else { letters }
}
