//! Generates the custom fields: one of each value type, private and archived ones, and a label that
//! two options share.

use super::records::{CustomField, FieldOption};
use super::{Company, CompanySpec};

/// The schools of educations.
pub(super) const SCHOOLS: [&str; 3] = ["ETH Zürich", "University of Lagos", "USP"];
/// Their degrees.
pub(super) const DEGREES: [&str; 3] = ["Bachelor's", "Master's", "Doctorate"];
/// Their fields of study.
pub(super) const DISCIPLINES: [&str; 3] = ["Mathematics", "History", "Nursing"];

/// The fields that records have values of, by their index.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles {
    pub(super) external_ref: Option<usize>,
    pub(super) dialing_code: usize,
    pub(super) about: usize,
    pub(super) salary: usize,
    pub(super) experience: usize,
    pub(super) available: usize,
    pub(super) visa: usize,
    pub(super) seniority: usize,
    pub(super) languages: usize,
    pub(super) strength: usize,
    pub(super) employment: usize,
}

/// The options of the field with the candidates' seniority that candidates have.
pub(super) const SENIORITIES: usize = 4;
/// The options of the field with the strength of a referral.
pub(super) const STRENGTHS: usize = 3;
/// The options of the field with the employment type.
pub(super) const EMPLOYMENTS: usize = 3;

pub(super) fn make(company: &mut Company, spec: &CompanySpec) -> Roles {
    let mut roles = Roles::default();
    if spec.external_ref_field {
        roles.external_ref = Some(field(company, "external_ref", "candidate", "short_text"));
        field(company, "external_ref", "application", "short_text");
    }
    roles.dialing_code = field(company, "Dialing Code", "candidate", "short_text");
    roles.about = field(company, "About", "candidate", "long_text");
    roles.visa = field(company, "Needs a Visa?", "candidate", "yes_no");
    roles.seniority = field(company, "Seniority", "candidate", "single_select");
    for name in ["Junior", "Mid", "Senior", "Principal"] {
        option(company, name, true);
    }
    // Two options share the label: one archived, one active.
    option(company, "Senior", false);
    roles.languages = field(company, "Languages", "candidate", "multi_select");
    for name in ["Deutsch", "English", "Español", "Yorùbá", "日本語"] {
        option(company, name, true);
    }
    roles.salary = field(company, "Salary Expectation", "candidate", "currency");
    if let Some(salary) = company.fields.last_mut() {
        salary.private = true;
    }
    field(company, "Salary Range", "candidate", "currency_range");
    roles.experience = field(company, "Years of Experience", "candidate", "number");
    field(company, "Hours per Week", "candidate", "number_range");
    roles.available = field(company, "Available From", "candidate", "date");
    field(company, "Portfolio", "candidate", "url");
    field(company, "Buddy", "candidate", "user");
    field(company, "Old Rating", "candidate", "number");
    if let Some(rating) = company.fields.last_mut() {
        rating.active = false;
    }
    roles.strength = field(company, "Referral Strength", "application", "single_select");
    for name in ["Weak", "Fair", "Strong"] {
        option(company, name, true);
    }
    roles.employment = field(company, "Employment Type", "job", "single_select");
    for name in ["Full-time", "Part-time", "Contract"] {
        option(company, name, true);
    }
    field(company, "Cost Centre", "opening", "short_text");
    field(company, "Would reconsider?", "rejection_question", "yes_no");
    field(company, "Signing Bonus", "offer", "currency");
    field(company, "Badge", "user_attribute", "short_text");
    for (name, labels) in
        [("School Name", SCHOOLS), ("Degree", DEGREES), ("Discipline", DISCIPLINES)]
    {
        field(company, name, "standard", "single_select");
        for label in labels {
            option(company, label, true);
        }
    }
    roles
}

/// Adds a field. Returns its index.
fn field(
    company: &mut Company,
    name: &'static str,
    of: &'static str,
    holds: &'static str,
) -> usize {
    let step = company.step();
    let options = Vec::new();
    company.fields.push(CustomField {
        step,
        name,
        of,
        holds,
        private: false,
        active: true,
        options,
    });
    company.fields.len().saturating_sub(1)
}

/// Adds an option to the field that was added last.
fn option(company: &mut Company, name: &'static str, active: bool) {
    let step = company.step();
    if let Some(field) = company.fields.last_mut() {
        field.options.push(FieldOption { step, name, active });
    }
}
