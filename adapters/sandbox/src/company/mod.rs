//! The imagined company: realistic, of any size, the same for the same seed, size and time, and the
//! same for every ATS.
//!
//! It is neutral data: each sandbox turns it into its own rows, so that the records that adapters
//! read of different ATSs can be compared. Rare cases (a private candidate, an anonymised one, a
//! shared e-mail address, every outcome) occur by count, not at random, so a company of forty
//! candidates has them like one of twenty thousand. All addresses and telephone numbers are in the
//! ranges reserved for examples.
//!
//! One generator feeds everything in a fixed order, the gaps between numbers (`step`) included. A
//! new kind of record must draw from a generator of its own, or every company changes.

mod background;
mod fields;
mod names;
mod organisation;
mod people;
mod people_records;
mod records;
mod spec;

pub use people_records::{
    Application, AppliedTag, Candidate, Contact, Education, Employment, Note, Outcome, Prospect,
    Rejection, Visit,
};
pub use records::{
    CustomField, Department, EndedBy, FieldOption, FieldValue, Job, JobStage, JobState,
    MailTemplate, Named, Office, Opening, Pool, Post, Reason, Referrer, Source, TeamMember, User,
    UserAddress,
};
pub use spec::{CompanySpec, VENDOR_SOURCE, VendorSource};

use crate::rng::Rng;

/// The age of the oldest candidates: three years.
const HISTORY_MS: i64 = 3 * 365 * 86_400_000;
/// A day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The company.
#[derive(Debug, Clone)]
pub struct Company {
    /// The company's present.
    pub now_ms: i64,
    /// When the custom fields were defined.
    pub fields_ms: i64,
    /// When the organisation was set up.
    pub began_ms: i64,
    /// Custom fields.
    pub fields: Vec<CustomField>,
    /// Departments; a parent comes before its children.
    pub departments: Vec<Department>,
    /// Offices.
    pub offices: Vec<Office>,
    /// The gap before the number of the integration's own user, who comes before the others.
    pub integration_step: i64,
    /// Users.
    pub users: Vec<User>,
    /// Referrers.
    pub referrers: Vec<Referrer>,
    /// Reasons that come with the ATS.
    pub builtin_reasons: Vec<Reason>,
    /// The customer's reasons.
    pub reasons: Vec<Reason>,
    /// Reasons to close a seat; the first is that of a hire.
    pub close_reasons: Vec<Named>,
    /// Sources.
    pub sources: Vec<Source>,
    /// Tags.
    pub tags: Vec<Named>,
    /// Templates of mails.
    pub templates: Vec<MailTemplate>,
    /// Pools of prospects.
    pub pools: Vec<Pool>,
    /// The gap before the number of the job board.
    pub board_step: i64,
    /// Jobs, in the order in which they were made.
    pub jobs: Vec<Job>,
    /// Candidates, in the order in which they were made.
    pub candidates: Vec<Candidate>,
    /// The generator, for what the ATS draws later.
    pub rng: Rng,
}

impl Company {
    /// Generates the company; `now_ms` is used when the spec has no present of its own.
    #[must_use]
    pub fn generate(spec: &CompanySpec, now_ms: i64) -> Self {
        let now_ms = spec.now_ms.unwrap_or(now_ms);
        let mut company = Self {
            now_ms,
            fields_ms: now_ms.saturating_sub(HISTORY_MS).saturating_sub(30 * DAY_MS),
            began_ms: now_ms.saturating_sub(HISTORY_MS).saturating_sub(20 * DAY_MS),
            fields: Vec::new(),
            departments: Vec::new(),
            offices: Vec::new(),
            integration_step: 0,
            users: Vec::new(),
            referrers: Vec::new(),
            builtin_reasons: Vec::new(),
            reasons: Vec::new(),
            close_reasons: Vec::new(),
            sources: Vec::new(),
            tags: Vec::new(),
            templates: Vec::new(),
            pools: Vec::new(),
            board_step: 0,
            jobs: Vec::new(),
            candidates: Vec::new(),
            rng: Rng::seeded(spec.seed),
        };
        let roles = fields::make(&mut company, spec);
        organisation::make(&mut company, spec, &roles);
        people::make(&mut company, spec, &roles);
        background::make(&mut company);
        company
    }

    /// Draws the gap before the next record's number.
    fn step(&mut self) -> i64 {
        self.rng.between(1, 9)
    }
}
