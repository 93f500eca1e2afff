//! The records of candidates of the imagined company. References as in [`super::records`].

use super::records::FieldValue;

/// One way to reach a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The address, number or link.
    pub value: String,
    /// Its type, if it has one.
    pub kind: Option<&'static str>,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The gap before its number.
    pub step: i64,
    /// When it was created.
    pub created_ms: i64,
    /// When it changed last.
    pub touched_ms: i64,
    /// The first name; none for an anonymised candidate.
    pub first: Option<&'static str>,
    /// The last name.
    pub last: Option<&'static str>,
    /// The employer.
    pub company: Option<&'static str>,
    /// The title there.
    pub title: Option<&'static str>,
    /// Whether it was anonymised: nothing but the record itself is left.
    pub anonymised: bool,
    /// Whether few users see it.
    pub private: bool,
    /// Whether it may be mailed.
    pub can_email: bool,
    /// E-mail addresses.
    pub emails: Vec<Contact>,
    /// Telephone numbers.
    pub phones: Vec<Contact>,
    /// Postal addresses.
    pub addresses: Vec<Contact>,
    /// Websites.
    pub websites: Vec<Contact>,
    /// Profiles in social networks.
    pub socials: Vec<Contact>,
    /// Tags.
    pub tags: Vec<AppliedTag>,
    /// Values of custom fields, each with the index of its field.
    pub values: Vec<(usize, FieldValue)>,
    /// Applications, in the order in which they were made.
    pub applications: Vec<Application>,
    /// A note.
    pub note: Option<Note>,
    /// Educations.
    pub educations: Vec<Education>,
    /// Employments.
    pub employments: Vec<Employment>,
}

/// A tag of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedTag {
    /// The gap before its number.
    pub step: i64,
    /// The tag.
    pub tag: usize,
}

/// A note on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// The gap before its number.
    pub step: i64,
    /// The text.
    pub text: &'static str,
    /// The user who wrote it.
    pub author: Option<usize>,
}

/// What became of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in process.
    Active,
    /// It was rejected.
    Rejected(Rejection),
    /// The candidate was hired, into a seat with this gap before its number.
    Hired {
        /// The gap.
        opening_step: i64,
    },
    /// A prospect that became the application that follows it.
    Converted,
}

/// A rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The gap before its number.
    pub step: i64,
    /// The reason, among those of the customer.
    pub reason: Option<usize>,
    /// The user who rejected.
    pub by: Option<usize>,
}

/// What a prospect has instead of a job's stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prospect {
    /// The gap before its number.
    pub step: i64,
    /// The job that it is considered for.
    pub tied_to: Option<usize>,
    /// Its pool, in the first stage.
    pub pool: Option<usize>,
    /// The user who looks after it.
    pub owner: Option<usize>,
}

/// The candidate's way through one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// The gap before its number.
    pub step: i64,
    /// The stage, by its index in the job.
    pub stage: usize,
    /// When it entered, if it did.
    pub entered_ms: Option<i64>,
    /// When it left, if it did.
    pub exited_ms: Option<i64>,
    /// How long it stayed.
    pub stayed_ms: i64,
    /// Whether it is here now.
    pub current: bool,
}

/// An application, or a prospect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The gap before its number.
    pub step: i64,
    /// How many applications the company attempted before.
    pub serial: usize,
    /// The job; none for a prospect without one.
    pub job: Option<usize>,
    /// Set for a prospect.
    pub prospect: Option<Prospect>,
    /// What became of it.
    pub outcome: Outcome,
    /// The source.
    pub source: Option<usize>,
    /// The referrer.
    pub referrer: Option<usize>,
    /// The recruiter.
    pub recruiter: Option<usize>,
    /// The value of its custom field, as the index of the field and of the option.
    pub strength: Option<(usize, usize)>,
    /// The stages of its job, in order.
    pub visits: Vec<Visit>,
}

impl Application {
    /// Returns the stage that it is in, or was in last, by its index in the job.
    #[must_use]
    pub fn stage(&self) -> Option<usize> {
        let visited = self.visits.iter().filter(|visit| visit.entered_ms.is_some());
        visited.map(|visit| visit.stage).next_back()
    }
}

/// An education.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Education {
    /// The gap before its number.
    pub step: i64,
    /// The school.
    pub school: &'static str,
    /// The degree.
    pub degree: &'static str,
    /// The field of study.
    pub discipline: &'static str,
    /// The first year.
    pub started: i64,
    /// The last year.
    pub ended: i64,
    /// Whether the months are known: September to June.
    pub has_months: bool,
    /// Whether it is the latest.
    pub latest: bool,
}

/// An employment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Employment {
    /// The gap before its number.
    pub step: i64,
    /// The employer.
    pub company: &'static str,
    /// The title.
    pub title: &'static str,
    /// The first day.
    pub started_on: &'static str,
    /// The last day.
    pub ended_on: Option<&'static str>,
    /// Whether it is the latest.
    pub latest: bool,
}
