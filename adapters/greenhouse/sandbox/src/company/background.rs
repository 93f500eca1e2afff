//! Generates educations and employments of some candidates.
//!
//! They are generated last and from their own seed, so that the rest of a company is the same with
//! and without them.

use super::fields::Fields;
use crate::model::Model;
use crate::model::cell::Cell;
use crate::schema::Kind;

/// Company, title, first day and last day of an employment.
const JOBS: [(&str, &str, &str, Option<&str>); 4] = [
    ("Analytical Engines Ltd", "Engineer", "2016-02-01", Some("2019-06-30")),
    ("Kaufmann & Töchter", "Team Lead", "2019-07-01", None),
    ("Lagos Data", "Analyst", "2014-09-15", Some("2016-01-31")),
    ("Oficina Central", "Consultant", "2012-03-01", Some("2014-08-31")),
];

pub(super) fn make(model: &mut Model, fields: &Fields) {
    let (now_ms, rng) = (model.now_ms, model.rng.clone());
    let people: Vec<(usize, i64, i64)> = model
        .rows(Kind::Candidates)
        .map(|row| row.id)
        .filter(|id| model.text(Kind::Candidates, *id, "first_name").is_some())
        .enumerate()
        .map(|(at, id)| {
            let created = model.cell(Kind::Candidates, id, "created_at").time_ms();
            (at, id, created.unwrap_or(now_ms))
        })
        .collect();
    for (at, id, created_ms) in people {
        model.now_ms = created_ms;
        if at % 4 == 1 {
            education(model, fields, id, at, true);
        }
        if at % 8 == 1 {
            education(model, fields, id, at.saturating_add(3), false);
        }
        if at % 3 == 1 {
            employment(model, id, at, true);
        }
        if at % 9 == 1 {
            employment(model, id, at.saturating_add(1), false);
        }
    }
    model.now_ms = now_ms;
    model.rng = rng;
}

fn education(model: &mut Model, fields: &Fields, candidate: i64, at: usize, latest: bool) {
    let pick = |options: &[i64]| Cell::from(options.get(at % options.len().max(1)).copied());
    let year = 2000_i64.saturating_add(i64::try_from(at % 12).unwrap_or(0));
    let month = |column, month: i64| {
        (column, if at.is_multiple_of(3) { Cell::Null } else { Cell::Int(month) })
    };
    model.insert(
        Kind::CandidateEducations,
        &[
            ("candidate_id", Cell::Int(candidate)),
            ("degree_custom_field_option_id", pick(&fields.degrees)),
            ("discipline_custom_field_option_id", pick(&fields.disciplines)),
            month("end_date_month", 6),
            ("end_date_year", Cell::Int(year.saturating_add(4))),
            ("latest", latest.into()),
            ("school_name_custom_field_option_id", pick(&fields.schools)),
            month("start_date_month", 9),
            ("start_date_year", Cell::Int(year)),
        ],
    );
}

fn employment(model: &mut Model, candidate: i64, at: usize, latest: bool) {
    let Some((company, title, started, ended)) = JOBS.get(at % JOBS.len()) else { return };
    model.insert(
        Kind::CandidateEmployments,
        &[
            ("candidate_id", Cell::Int(candidate)),
            ("company_name", (*company).into()),
            ("end_date", (*ended).into()),
            ("latest", latest.into()),
            ("start_date", (*started).into()),
            ("title", (*title).into()),
        ],
    );
}
