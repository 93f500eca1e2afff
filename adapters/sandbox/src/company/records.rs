//! The records of the imagined company, in no ATS's words.
//!
//! A reference is an index into the company's list of that kind, within a job into the job's own.
//! `step`, 1 to 9, says how far the record's number lies from that of the one before it: ATSs with
//! numbers as ids leave such gaps.

/// A record that has only a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
}

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// What has it: `candidate`, `application`, `job`, `opening`, `offer`, `rejection_question`,
    /// `user_attribute`; `standard` for the lists of schools, degrees and disciplines.
    pub of: &'static str,
    /// The type of its values: `short_text`, `long_text`, `yes_no`, `single_select`,
    /// `multi_select`, `currency`, `currency_range`, `number`, `number_range`, `date`, `url`,
    /// `user`.
    pub holds: &'static str,
    /// Whether few users see it.
    pub private: bool,
    /// Whether it is in use.
    pub active: bool,
    /// The options of a select.
    pub options: Vec<FieldOption>,
}

/// An option of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldOption {
    /// The gap before its number.
    pub step: i64,
    /// The label.
    pub name: &'static str,
    /// Whether it may be chosen.
    pub active: bool,
}

/// A value of a custom field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(usize),
    /// A day, `2026-01-31`.
    Date(String),
    /// One option, by its index in the field.
    Single(usize),
    /// Options, by their index in the field.
    Multi(Vec<usize>),
    /// An amount of money.
    Money {
        /// The amount, a decimal number.
        amount: String,
        /// The currency's code.
        currency: &'static str,
    },
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// The customer's own id of it.
    pub external_id: Option<String>,
    /// The department above.
    pub parent: Option<usize>,
}

/// An office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// The place.
    pub location: Option<&'static str>,
    /// The customer's own id of it.
    pub external_id: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The gap before its number.
    pub step: i64,
    /// The first name.
    pub first: &'static str,
    /// The last name.
    pub last: &'static str,
    /// The address by which the user signs in.
    pub email: String,
    /// Every address.
    pub addresses: Vec<UserAddress>,
    /// The department.
    pub department: Option<usize>,
    /// The office.
    pub office: Option<usize>,
    /// The title.
    pub title: &'static str,
    /// The customer's own id of the user.
    pub employee_id: String,
    /// Whether the user left.
    pub deactivated: bool,
    /// Whether the user administers the account.
    pub admin: bool,
}

impl User {
    /// Returns first and last name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// An address of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAddress {
    /// The gap before its number.
    pub step: i64,
    /// The address.
    pub email: String,
    /// Whether the user confirmed it.
    pub verified: bool,
}

/// A referrer: a user, or a name from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: String,
    /// The user.
    pub user: Option<usize>,
}

/// Who ended an application, as its reason says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// The company.
    Company,
    /// The candidate.
    Candidate,
    /// The reason does not say.
    Unsaid,
    /// The company, for security.
    Security,
}

/// A reason for a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// Who ended the application.
    pub by: EndedBy,
    /// Whether it comes with the ATS, as opposed to the customer's own.
    pub builtin: bool,
}

/// A source of candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// The group of sources.
    pub strategy: &'static str,
}

/// A template of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailTemplate {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// When it is sent: `candidate_rejection`, `stage_transition`, `candidate_auto_reply`.
    pub purpose: &'static str,
    /// The subject.
    pub subject: &'static str,
}

/// A pool of prospects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// Whether it is in use.
    pub active: bool,
    /// Its stages, in order.
    pub stages: Vec<Named>,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Not published yet.
    Draft,
    /// Open.
    Open,
    /// Closed.
    Closed,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The gap before its number.
    pub step: i64,
    /// When it was created, and opened unless it is a draft.
    pub created_ms: i64,
    /// When it was closed.
    pub closed_ms: Option<i64>,
    /// The name.
    pub name: String,
    /// The state.
    pub state: JobState,
    /// Whether few users see it.
    pub confidential: bool,
    /// Whether it is a template; unknown for old ones.
    pub template: Option<bool>,
    /// The department.
    pub department: Option<usize>,
    /// The office.
    pub office: Option<usize>,
    /// The customer's own number of it.
    pub requisition_id: String,
    /// The employment type, as the index of its custom field and of the option.
    pub employment: Option<(usize, usize)>,
    /// Its stages, in order.
    pub stages: Vec<JobStage>,
    /// Its seats.
    pub openings: Vec<Opening>,
    /// Its team.
    pub team: Vec<TeamMember>,
    /// Its hiring manager: the gap before the row's number, and the user.
    pub hiring_manager: Option<(i64, usize)>,
    /// What the public sees.
    pub posts: Vec<Post>,
}

impl Job {
    /// Lists the indexes of its active stages, in order.
    #[must_use]
    pub fn pipeline(&self) -> Vec<usize> {
        let stages = self.stages.iter().enumerate();
        stages.filter(|(_, stage)| stage.active).map(|(at, _)| at).collect()
    }
}

/// A stage of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobStage {
    /// The gap before its number.
    pub step: i64,
    /// The name.
    pub name: &'static str,
    /// Whether it is in use.
    pub active: bool,
}

/// A seat of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The gap before its number.
    pub step: i64,
    /// The customer's own id of it.
    pub opening_id: String,
    /// Whether it is open.
    pub open: bool,
}

/// A member of a job's team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamMember {
    /// The gap before its number.
    pub step: i64,
    /// `recruiter`, `coordinator` or `sourcer`.
    pub role: &'static str,
    /// The user.
    pub user: usize,
}

/// A post of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The gap before its number.
    pub step: i64,
    /// The title.
    pub title: String,
    /// Whether the public sees it.
    pub active: bool,
    /// When it was first published.
    pub published_ms: i64,
}
