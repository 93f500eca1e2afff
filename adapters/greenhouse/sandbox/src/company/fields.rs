//! Generates the custom fields: one of each value type, private and archived ones, and a label that
//! two options share.

use super::{CompanySpec, DAY_MS, HISTORY_MS};
use crate::model::Model;
use crate::model::cell::Cell;
use crate::schema::Kind;
use crate::writes::name_key;

/// The fields that candidates have values of.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) external_ref: Option<i64>,
    pub(super) dialing_code: i64,
    pub(super) about: i64,
    pub(super) salary: i64,
    pub(super) experience: i64,
    pub(super) available: i64,
    pub(super) visa: i64,
    pub(super) seniority: i64,
    pub(super) seniorities: Vec<i64>,
    pub(super) languages: i64,
    pub(super) language_options: Vec<i64>,
    pub(super) strength: i64,
    pub(super) strengths: Vec<i64>,
    pub(super) employment: i64,
    pub(super) employments: Vec<i64>,
    pub(super) schools: Vec<i64>,
    pub(super) degrees: Vec<i64>,
    pub(super) disciplines: Vec<i64>,
}

/// The specification of one field.
struct Wanted {
    name: &'static str,
    of: &'static str,
    holds: &'static str,
    private: bool,
    active: bool,
}

const fn wanted(name: &'static str, of: &'static str, holds: &'static str) -> Wanted {
    Wanted { name, of, holds, private: false, active: true }
}

pub(super) fn make(model: &mut Model, spec: &CompanySpec) -> Fields {
    let now_ms = model.now_ms;
    // The fields are older than the first candidate.
    model.now_ms = now_ms.saturating_sub(HISTORY_MS).saturating_sub(30 * DAY_MS);
    let mut fields = Fields::default();
    if spec.external_ref_field {
        fields.external_ref =
            Some(field(model, &wanted("external_ref", "candidate", "short_text")));
        field(model, &wanted("external_ref", "application", "short_text"));
    }
    fields.dialing_code = field(model, &wanted("Dialing Code", "candidate", "short_text"));
    fields.about = field(model, &wanted("About", "candidate", "long_text"));
    fields.visa = field(model, &wanted("Needs a Visa?", "candidate", "yes_no"));
    fields.seniority = field(model, &wanted("Seniority", "candidate", "single_select"));
    fields.seniorities = ["Junior", "Mid", "Senior", "Principal"]
        .map(|name| option(model, fields.seniority, name, true))
        .to_vec();
    // Two options share the label: one archived, one active.
    option(model, fields.seniority, "Senior", false);
    fields.languages = field(model, &wanted("Languages", "candidate", "multi_select"));
    fields.language_options = ["Deutsch", "English", "Español", "Yorùbá", "日本語"]
        .map(|name| option(model, fields.languages, name, true))
        .to_vec();
    fields.salary = field(
        model,
        &Wanted { private: true, ..wanted("Salary Expectation", "candidate", "currency") },
    );
    field(model, &wanted("Salary Range", "candidate", "currency_range"));
    fields.experience = field(model, &wanted("Years of Experience", "candidate", "number"));
    field(model, &wanted("Hours per Week", "candidate", "number_range"));
    fields.available = field(model, &wanted("Available From", "candidate", "date"));
    field(model, &wanted("Portfolio", "candidate", "url"));
    field(model, &wanted("Buddy", "candidate", "user"));
    field(model, &Wanted { active: false, ..wanted("Old Rating", "candidate", "number") });
    fields.strength = field(model, &wanted("Referral Strength", "application", "single_select"));
    fields.strengths =
        ["Weak", "Fair", "Strong"].map(|name| option(model, fields.strength, name, true)).to_vec();
    fields.employment = field(model, &wanted("Employment Type", "job", "single_select"));
    fields.employments = ["Full-time", "Part-time", "Contract"]
        .map(|name| option(model, fields.employment, name, true))
        .to_vec();
    field(model, &wanted("Cost Centre", "opening", "short_text"));
    field(model, &wanted("Would reconsider?", "rejection_question", "yes_no"));
    field(model, &wanted("Signing Bonus", "offer", "currency"));
    field(model, &wanted("Badge", "user_attribute", "short_text"));
    for (name, options, made) in [
        ("School Name", ["ETH Zürich", "University of Lagos", "USP"], &mut fields.schools),
        ("Degree", ["Bachelor's", "Master's", "Doctorate"], &mut fields.degrees),
        ("Discipline", ["Mathematics", "History", "Nursing"], &mut fields.disciplines),
    ] {
        let standard = field(model, &wanted(name, "standard", "single_select"));
        *made = options.map(|label| option(model, standard, label, true)).to_vec();
    }
    model.now_ms = now_ms;
    fields
}

fn field(model: &mut Model, wanted: &Wanted) -> i64 {
    let order = i64::try_from(model.count(Kind::CustomFields)).unwrap_or(0);
    let no = || Cell::Bool(false);
    model.insert(
        Kind::CustomFields,
        &[
            ("active", wanted.active.into()),
            ("api_only", no()),
            ("default_value", Cell::Null),
            ("expose_in_job_board_api", no()),
            ("field_type", wanted.of.into()),
            ("name", wanted.name.into()),
            ("name_key", name_key(wanted.name).into()),
            ("private", wanted.private.into()),
            ("require_approval", no()),
            ("required", no()),
            ("sort_order", order.into()),
            ("trigger_new_version", no()),
            ("use_for_job_approvals", no()),
            ("use_for_offer_approvals", no()),
            ("value_type", wanted.holds.into()),
        ],
    )
}

fn option(model: &mut Model, field: i64, name: &str, active: bool) -> i64 {
    let order = model.find(Kind::CustomFieldOptions, "custom_field_id", field).len();
    let cells = [
        ("active", active.into()),
        ("custom_field_id", field.into()),
        ("name", name.into()),
        ("sort_order", i64::try_from(order).unwrap_or(0).into()),
    ];
    model.insert(Kind::CustomFieldOptions, &cells)
}
