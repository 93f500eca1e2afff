//! Reads a candidate's background: education and work history.
//!
//! A row of an education names school, degree and discipline by the ids of options of custom fields
//! (openapi: candidate_education). [`crate::named`] puts their names into the row before it is read
//! here, as the members that v1 had (harvest-v1.md §7). A row with an id and no name leaves the
//! field unknown. Dates are a moment, month and year, or both: the screens have month and year, so
//! the first day of the month is read as the month.

use super::{Read, Unreadable, record};
use crate::wire::{Got, Id, Lacking, Str, Time, row};
use atsync_adapter::rows::Element;
use atsync_model::unified::{Education, Employment, Text};
use std::borrow::Cow;

/// By the member that has the id of an option: the member that receives its name.
pub(crate) const EDUCATION_OPTIONS: &[(&str, &str)] = &[
    ("school_name_custom_field_option_id", "school_name"),
    ("degree_custom_field_option_id", "degree"),
    ("discipline_custom_field_option_id", "discipline"),
];

row!(
    /// openapi: components/schemas/candidate_education.
    EducationRow {
        candidate_id: Id<'a>, school_name: Str<'a>, degree: Str<'a>, discipline: Str<'a>,
        school_name_custom_field_option_id: Id<'a>, degree_custom_field_option_id: Id<'a>,
        discipline_custom_field_option_id: Id<'a>,
        start_at: Time<'a>, start_date_month: i64, start_date_year: i64,
        end_at: Time<'a>, end_date_month: i64, end_date_year: i64,
        latest not null: bool, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of an education that the reader reads.
pub(crate) const EDUCATION_READS: &[&str] = EducationRow::READS;
/// Its flags and lists that are never null.
pub(crate) const EDUCATION_NEVER_NULL: &[&str] = EducationRow::NEVER_NULL;
/// The unified fields of an education.
pub(crate) const EDUCATION_FIELDS: &[&str] = &[
    "candidate",
    "school",
    "degree",
    "discipline",
    "started_on",
    "ended_on",
    "latest",
    "created_at",
    "updated_at",
];

/// Reads an education.
pub(crate) fn education(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = EducationRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Education {
        candidate: row.candidate_id.some_reference("candidate", &mut lacking),
        school: option(
            row.school_name,
            row.school_name_custom_field_option_id,
            "school",
            &mut lacking,
        ),
        degree: option(row.degree, row.degree_custom_field_option_id, "degree", &mut lacking),
        discipline: option(
            row.discipline,
            row.discipline_custom_field_option_id,
            "discipline",
            &mut lacking,
        ),
        started_on: date(
            "started_on",
            row.start_date_year,
            row.start_date_month,
            row.start_at,
            &mut lacking,
        ),
        ended_on: date("ended_on", row.end_date_year, row.end_date_month, row.end_at, &mut lacking),
        latest: row.latest.take("latest", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

/// Returns the name of an option; unknown where the row has only its id.
fn option<'a>(
    name: Got<Str<'a>>,
    id: Got<Id<'a>>,
    field: &'static str,
    lacking: &mut Lacking,
) -> Option<Text<'a>> {
    match (name, id) {
        (Got::Flawed(flaw), _) | (_, Got::Flawed(flaw)) => {
            lacking.flaw(field, flaw);
            None
        }
        (Got::Here(name), _) if !name.0.is_empty() => Some(name.0),
        (_, Got::Here(_)) | (Got::Absent, Got::Absent) => {
            lacking.note(field);
            None
        }
        _ => None,
    }
}

/// Returns a date as precise as the row has it.
fn date<'a>(
    field: &'static str,
    year: Got<i64>,
    month: Got<i64>,
    at: Got<Time<'a>>,
    lacking: &mut Lacking,
) -> Option<Text<'a>> {
    if year.is_absent() && at.is_absent() {
        lacking.note(field);
        return None;
    }
    let flaw = match (&year, &month, &at) {
        (Got::Flawed(flaw), ..) | (_, Got::Flawed(flaw), _) | (.., Got::Flawed(flaw)) => {
            Some(*flaw)
        }
        _ => None,
    };
    if let Some(flaw) = flaw {
        lacking.flaw(field, flaw);
        return None;
    }
    let day = at.text(field, &mut Lacking::default());
    let day = day.as_deref().and_then(|text| text.get(..10));
    let year = year.value().filter(|year| (1..=9999).contains(year));
    let month = month.value().filter(|month| (1..=12).contains(month));
    Some(Cow::Owned(match (year, month, day) {
        (Some(year), Some(month), day) => {
            let month = format!("{year:04}-{month:02}");
            let is_inside = |day: &&str| day.starts_with(&month) && !day.ends_with("-01");
            day.filter(is_inside).map_or(month.clone(), str::to_owned)
        }
        (Some(year), None, _) => format!("{year:04}"),
        (None, _, Some(day)) => day.to_owned(),
        (None, _, None) => return None,
    }))
}

row!(
    /// openapi: components/schemas/candidate_employment.
    EmploymentRow { candidate_id: Id<'a>, company_name: Str<'a>, title: Str<'a>,
        start_date: Time<'a>, end_date: Time<'a>, latest: bool, created_at: Time<'a>,
        updated_at: Time<'a> }
);
/// The members of an employment that the reader reads.
pub(crate) const EMPLOYMENT_READS: &[&str] = EmploymentRow::READS;
/// Its flags and lists that are never null.
pub(crate) const EMPLOYMENT_NEVER_NULL: &[&str] = EmploymentRow::NEVER_NULL;
/// The unified fields of an employment.
pub(crate) const EMPLOYMENT_FIELDS: &[&str] = &[
    "candidate",
    "company",
    "title",
    "started_on",
    "ended_on",
    "latest",
    "created_at",
    "updated_at",
];

/// Reads an employment.
pub(crate) fn employment(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = EmploymentRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Employment {
        candidate: row.candidate_id.some_reference("candidate", &mut lacking),
        company: row.company_name.text("company", &mut lacking),
        title: row.title.text("title", &mut lacking),
        started_on: row.start_date.text("started_on", &mut lacking).map(day),
        ended_on: row.end_date.text("ended_on", &mut lacking).map(day),
        latest: row.latest.take("latest", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

/// Returns the day of a time.
fn day(text: Text<'_>) -> Text<'_> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..10).unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.get(..10).unwrap_or(&text).to_owned()),
    }
}
