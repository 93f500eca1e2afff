//! Makes the rows of educations and employments.

use atsync_sandbox::{Company, Education, Employment};

use super::fields::Fields;
use super::organisation::Organisation;
use crate::model::Model;
use crate::model::cell::Cell;
use crate::schema::Kind;

pub(super) fn make(
    model: &mut Model,
    company: &Company,
    fields: &Fields,
    organisation: &Organisation,
) {
    for (candidate, id) in company.candidates.iter().zip(&organisation.candidates) {
        model.now_ms = candidate.created_ms;
        for one in &candidate.educations {
            education(model, company, fields, *id, one);
        }
        for one in &candidate.employments {
            employment(model, *id, one);
        }
    }
    model.now_ms = company.now_ms;
}

fn education(
    model: &mut Model,
    company: &Company,
    fields: &Fields,
    candidate: i64,
    of: &Education,
) {
    let named = |field: &str, option: &str| Cell::from(fields.named(company, field, option));
    let month = |month: i64| if of.has_months { Cell::Int(month) } else { Cell::Null };
    model.load(
        Kind::CandidateEducations,
        of.step,
        &[
            ("candidate_id", Cell::Int(candidate)),
            ("degree_custom_field_option_id", named("Degree", of.degree)),
            ("discipline_custom_field_option_id", named("Discipline", of.discipline)),
            ("end_date_month", month(6)),
            ("end_date_year", Cell::Int(of.ended)),
            ("latest", of.latest.into()),
            ("school_name_custom_field_option_id", named("School Name", of.school)),
            ("start_date_month", month(9)),
            ("start_date_year", Cell::Int(of.started)),
        ],
    );
}

fn employment(model: &mut Model, candidate: i64, of: &Employment) {
    model.load(
        Kind::CandidateEmployments,
        of.step,
        &[
            ("candidate_id", Cell::Int(candidate)),
            ("company_name", of.company.into()),
            ("end_date", of.ended_on.into()),
            ("latest", of.latest.into()),
            ("start_date", of.started_on.into()),
            ("title", of.title.into()),
        ],
    );
}
