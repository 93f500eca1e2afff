//! Education and work history of a candidate: create and destroy, no update.
//!
//! The bodies of creations are empty in the OpenAPI document; shipped clients send the members
//! below. A repeated creation makes another row.

use atsync_sandbox::parse_ms;

use super::{Done, WriteContext};
use crate::body::Body;
use crate::model::cell::Cell;
use crate::model::{Model, Touch};
use crate::refusal::Refusal;
use crate::schema::Kind;

/// By the key of a field: the column that has the id of one of its options.
const OPTIONS: [(&str, &str); 3] = [
    ("school_name", "school_name_custom_field_option_id"),
    ("degree", "degree_custom_field_option_id"),
    ("discipline", "discipline_custom_field_option_id"),
];

pub(super) fn create_education(
    context: &mut WriteContext<'_>,
    body: &[u8],
) -> Result<Done, Refusal> {
    let form = "candidate_id!:id school_name_custom_field_option_id:int \
        degree_custom_field_option_id:int discipline_custom_field_option_id:int \
        start_date:text start_date_month:int start_date_year:int \
        end_date:text end_date_month:int end_date_year:int";
    let body = Body::read(body, form)?;
    let candidate = body.int("candidate_id").unwrap_or(0);
    context.must_know(Kind::Candidates, "candidate_id", Some(candidate))?;
    let mut cells = Vec::new();
    for (key, column) in OPTIONS {
        let Some(id) = body.int(column) else { continue };
        let field = context.model.int(Kind::CustomFieldOptions, id, "custom_field_id");
        let known =
            field.and_then(|field| context.model.text(Kind::CustomFields, field, "name_key"));
        if known != Some(key) || !context.model.flag(Kind::CustomFieldOptions, id, "active") {
            return Err(Refusal::invalid(column, "is not an active option of the field"));
        }
        cells.push((column, Cell::Int(id)));
    }
    for (side, at, month, year) in [
        ("start_date", "start_at", "start_date_month", "start_date_year"),
        ("end_date", "end_at", "end_date_month", "end_date_year"),
    ] {
        let day = body.text(side).map(|text| day(side, text)).transpose()?;
        match (day, body.int(year), body.int(month)) {
            (None, None, None) => {}
            (Some(day), None, None) => cells.extend(dated(&day, at, month, year)),
            (None, Some(number @ 1900..=2100), number_of_month @ (None | Some(1..=12))) => {
                let first = format!("{number:04}-{:02}-01", number_of_month.unwrap_or(1));
                cells.push((at, parse_ms(&first).map_or(Cell::Null, Cell::Time)));
                cells.push((year, Cell::Int(number)));
                cells.push((month, number_of_month.into()));
            }
            _ => return Err(Refusal::invalid(side, "is neither a date nor a year and a month")),
        }
    }
    let id = add(context, Kind::CandidateEducations, candidate, &cells);
    Ok(context.created(Kind::CandidateEducations, id))
}

pub(super) fn create_employment(
    context: &mut WriteContext<'_>,
    body: &[u8],
) -> Result<Done, Refusal> {
    let form = "candidate_id!:id company_name!:name title!:name start_date!:name end_date:text";
    let body = Body::read(body, form)?;
    let candidate = body.int("candidate_id").unwrap_or(0);
    context.must_know(Kind::Candidates, "candidate_id", Some(candidate))?;
    let mut cells: Vec<(&str, Cell)> = Vec::new();
    for name in ["company_name", "title"] {
        cells.push((name, body.text(name).into()));
    }
    for name in ["start_date", "end_date"] {
        if let Some(text) = body.text(name) {
            cells.push((name, day(name, text)?.into()));
        }
    }
    let id = add(context, Kind::CandidateEmployments, candidate, &cells);
    Ok(context.created(Kind::CandidateEmployments, id))
}

pub(super) fn destroy(
    context: &mut WriteContext<'_>,
    kind: Kind,
    id: i64,
) -> Result<Done, Refusal> {
    context.must_find(kind, id)?;
    let candidate = context.model.int(kind, id, "candidate_id").unwrap_or(0);
    context.model.remove(kind, id);
    touch(context, candidate);
    Ok(context.deleted(id, "Record"))
}

/// Adds an education by the names of its options, and creates missing ones.
pub(crate) fn add_education(
    context: &mut WriteContext<'_>,
    candidate: i64,
    names: [Option<&str>; 3],
    years: [Option<i64>; 2],
) -> i64 {
    let mut cells = Vec::new();
    for ((key, column), name) in OPTIONS.iter().zip(names) {
        if let Some(name) = name {
            cells.push((*column, option_named(context.model, key, name).into()));
        }
    }
    let [started, ended] = years;
    cells.extend([("start_date_year", started.into()), ("end_date_year", ended.into())]);
    add(context, Kind::CandidateEducations, candidate, &cells)
}

/// Adds an employment.
pub(crate) fn add_employment(
    context: &mut WriteContext<'_>,
    candidate: i64,
    company: &str,
    title: &str,
    days: [Option<&str>; 2],
) -> i64 {
    let [started, ended] = days;
    let cells = [
        ("company_name", company.into()),
        ("title", title.into()),
        ("start_date", started.into()),
        ("end_date", ended.into()),
    ];
    add(context, Kind::CandidateEmployments, candidate, &cells)
}

fn add(context: &mut WriteContext<'_>, kind: Kind, candidate: i64, cells: &[(&str, Cell)]) -> i64 {
    let is_first = context.model.find(kind, "candidate_id", candidate).is_empty();
    let mut all = vec![("candidate_id", Cell::Int(candidate)), ("latest", is_first.into())];
    all.extend(cells.iter().cloned());
    let id = context.model.insert(kind, &all);
    touch(context, candidate);
    id
}

/// Changes the candidate's stamp if the switch says so.
fn touch(context: &mut WriteContext<'_>, candidate: i64) {
    if context.child_touch() == Touch::Stamp {
        context.model.set(Kind::Candidates, candidate, Touch::Stamp, &[]);
    }
}

/// Returns the option of that name of the field with this key, and creates it if it is missing.
fn option_named(model: &mut Model, key: &str, name: &str) -> Option<i64> {
    let field = model.find_text(Kind::CustomFields, "name_key", key).first().copied()?;
    let options = model.find(Kind::CustomFieldOptions, "custom_field_id", field);
    let is_it = |id: &i64| model.text(Kind::CustomFieldOptions, *id, "name") == Some(name);
    if let Some(known) = options.iter().copied().find(|id| is_it(id)) {
        return Some(known);
    }
    let order = i64::try_from(options.len()).unwrap_or(0);
    let cells = [
        ("active", true.into()),
        ("custom_field_id", field.into()),
        ("name", name.into()),
        ("sort_order", order.into()),
    ];
    Some(model.insert(Kind::CustomFieldOptions, &cells))
}

/// Checks a day of the calendar, as `2016-09-01`.
fn day(field: &str, text: &str) -> Result<String, Refusal> {
    let day: Option<jiff::civil::Date> = text.parse().ok();
    day.map(|day| day.to_string()).ok_or_else(|| Refusal::invalid(field, "is not a date"))
}

/// Returns the columns of a day.
fn dated<'a>(day: &str, at: &'a str, month: &'a str, year: &'a str) -> [(&'a str, Cell); 3] {
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<i64>().ok());
    [
        (at, parse_ms(day).map_or(Cell::Null, Cell::Time)),
        (month, number(day.get(5..7)).into()),
        (year, number(day.get(..4)).into()),
    ]
}
