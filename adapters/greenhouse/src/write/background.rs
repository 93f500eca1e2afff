//! Creates education and employment entries of a candidate: one request each, after its options are
//! resolved.
//!
//! The host names school, degree and discipline by text, but Greenhouse takes the ids of options
//! (openapi: candidate_education). So the options of each field are read, before the parent is
//! confirmed, until one has the text. If none has it, nothing is sent: an option belongs to the
//! whole account and is not created as a side effect. [`OPTION_PAGES_MAX`] bounds the pages.
//!
//! The document does not describe the request of a creation ([?],
//! adapters/greenhouse/REFERENCE.md). The reading decides whether dates are sent as shipped clients
//! send them (`start_date`, or year and month) or as rows have them (`start_at`). Left out:
//! updates, which Greenhouse does not have.

use crate::answer::invalid;
use crate::request::{self, id_number};
use crate::settings::{BackgroundDates, Settings};
use crate::write::input::{EducationNew, EmploymentNew, required};
use crate::write::op::Op;
use crate::write::pages::{self, Page};
use crate::write::sent::{Refusal, Sent};
use crate::write::steps::{made, send};
use crate::write::{normal, row};
use atsync_adapter::contract::{Failure, Request, Response, Step};
use atsync_adapter::model::kinds;
use atsync_adapter::model::normal::part_date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most pages of options that are read for one field, 500 rows each. There are thousands of
/// schools.
const OPTION_PAGES_MAX: u32 = 20;

/// By member of the input: the key of the field that has the option, and the member of the request.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("school", "school_name", "school_name_custom_field_option_id"),
    ("degree", "degree", "degree_custom_field_option_id"),
    ("discipline", "discipline", "discipline_custom_field_option_id"),
];

/// Option ids, by member of the input.
pub(crate) type OptionIds = BTreeMap<String, u64>;

/// An education whose options are being resolved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resolving {
    pub(crate) op: Op,
    found: OptionIds,
    /// The number of pages read of the options of the next field.
    pages: u32,
}

/// The next step of resolving options.
pub(crate) enum Resolved {
    /// A request for another page of options.
    Ask(Request, Resolving),
    /// The options are complete; the parent is confirmed next.
    Done(Op, OptionIds),
}

impl Resolving {
    /// Begins to resolve options, after all checks that need no request.
    pub(crate) fn begin(op: Op) -> Result<Resolved, Failure> {
        match &op {
            Op::EducationCreate { input, .. } => check_education(input)?,
            Op::EmploymentCreate { input, .. } => {
                employment(input)?;
            }
            _ => {}
        }
        Ok(Self { op, found: OptionIds::new(), pages: 0 }.next())
    }

    /// Reads a page of options.
    pub(crate) fn answered(mut self, response: &Response) -> Result<Resolved, Failure> {
        let Page { rows, next } = pages::read(response, "custom_field_options")?;
        let Some((member, key, _)) = self.wanted() else { return Ok(self.next()) };
        let text = self.text(member).unwrap_or_default().to_owned();
        let fits = |row: &&Value| {
            row::flag(row, "active") != Some(false)
                && normal::is_option(row::text(row, "name"), &text)
        };
        if let Some(id) = rows.iter().find(fits).and_then(|row| row.get("id")?.as_u64()) {
            self.found.insert(member.to_owned(), id);
            self.pages = 0;
            return Ok(self.next());
        }
        self.pages += 1;
        match next.filter(|_| self.pages < OPTION_PAGES_MAX) {
            Some(link) => Ok(Resolved::Ask(request::follow(link), self)),
            None => Err(invalid(
                member,
                format!(
                    "Greenhouse has no active option {text:?} of the field `{key}`; add it there, \
                     or declare one of its options (the records of the kind \
                     custom_field_options, once it is pulled)"
                ),
            )),
        }
    }

    fn next(self) -> Resolved {
        match self.wanted() {
            Some((_, key, _)) => {
                let filters = [("custom_field_key", key), ("active", "true")];
                Resolved::Ask(pages::list("custom_field_options", &filters), self)
            }
            None => Resolved::Done(self.op, self.found),
        }
    }

    /// Returns the first named option that is not found yet.
    fn wanted(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let open = |member: &str| self.text(member).is_some() && !self.found.contains_key(member);
        OPTIONS.iter().copied().find(|(member, ..)| open(member))
    }

    fn text(&self, member: &str) -> Option<&str> {
        let Op::EducationCreate { input, .. } = &self.op else { return None };
        let text = match member {
            "school" => &input.school,
            "degree" => &input.degree,
            _ => &input.discipline,
        };
        said(text)
    }
}

/// Returns a text unless it is empty.
fn said(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.trim().is_empty())
}

fn check_education(new: &EducationNew) -> Result<(), Failure> {
    id_number("candidate", &new.candidate)?;
    let texts = [&new.school, &new.degree, &new.discipline, &new.started_on, &new.ended_on];
    if !texts.into_iter().any(|text| said(text).is_some()) {
        return Err(invalid(
            "school",
            "an education needs a school, a degree, a discipline or a date",
        ));
    }
    for (field, text) in [("started_on", &new.started_on), ("ended_on", &new.ended_on)] {
        said(text).map(|text| date(field, text)).transpose()?;
    }
    Ok(())
}

/// Checks a date: a day, a month or a year.
fn date(field: &str, text: &str) -> Result<String, Failure> {
    part_date(text).ok_or_else(|| {
        invalid(field, "a day, a month or a year, as in 2016-09-01, 2016-09 or 2016")
    })
}

/// Completes a date to its first day.
fn first_day(date: String) -> String {
    match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date,
    }
}

/// Adds an education to a candidate.
pub(crate) fn education(
    new: &EducationNew,
    options: &OptionIds,
    settings: &Settings,
) -> Result<Step, Failure> {
    check_education(new)?;
    let mut body = Map::new();
    body.insert("candidate_id".into(), id_number("candidate", &new.candidate)?);
    for (member, _, attribute) in OPTIONS {
        if let Some(id) = options.get(*member) {
            body.insert((*attribute).into(), (*id).into());
        }
    }
    let reading = new.reading.unwrap_or(settings.background_dates_reading);
    let mut about = "";
    for (side, text) in [("end", &new.ended_on), ("start", &new.started_on)] {
        let Some(text) = said(text) else { continue };
        let date = date(if side == "end" { "ended_on" } else { "started_on" }, text)?;
        dated(&mut body, side, date, reading);
        about = if side == "end" { "ended_on" } else { "started_on" };
    }
    let other = match reading {
        BackgroundDates::Parts => "moment",
        BackgroundDates::Moment => "parts",
    };
    let refusal = if about.is_empty() || new.reading.is_some() {
        Refusal::Plain
    } else {
        Refusal::Reading { other: other.into(), about: about.into() }
    };
    create("educations.create", "candidate_educations", kinds::EDUCATIONS, body, refusal)
}

/// Writes one date of an education.
fn dated(body: &mut Map<String, Value>, side: &str, date: String, reading: BackgroundDates) {
    if reading == BackgroundDates::Moment {
        let moment = format!("{}T00:00:00.000Z", first_day(date));
        body.insert(format!("{side}_at"), moment.into());
        return;
    }
    let number = |text: &str| text.parse::<u32>().map_or(Value::Null, Value::from);
    match (date.len(), date.split_once('-')) {
        (7, Some((year, month))) => {
            body.insert(format!("{side}_date_year"), number(year));
            body.insert(format!("{side}_date_month"), number(month));
        }
        (4, _) => {
            body.insert(format!("{side}_date_year"), number(&date));
        }
        _ => {
            body.insert(format!("{side}_date"), date.into());
        }
    }
}

/// Adds an employment to a candidate. Greenhouse requires whole days.
pub(crate) fn employment(new: &EmploymentNew) -> Result<Step, Failure> {
    let mut body = Map::new();
    body.insert("candidate_id".into(), id_number("candidate", &new.candidate)?);
    body.insert("company_name".into(), required("company", &new.company)?.into());
    body.insert("title".into(), required("title", &new.title)?.into());
    let started = date("started_on", required("started_on", &new.started_on)?)?;
    body.insert("start_date".into(), first_day(started).into());
    if let Some(ended) = said(&new.ended_on) {
        body.insert("end_date".into(), first_day(date("ended_on", ended)?).into());
    }
    let collection = "candidate_employments";
    create("employments.create", collection, kinds::EMPLOYMENTS, body, Refusal::Plain)
}

fn create(
    operation: &str,
    collection: &str,
    kind: &str,
    body: Map<String, Value>,
    refusal: Refusal,
) -> Result<Step, Failure> {
    let member = collection.strip_suffix('s').unwrap_or(collection);
    let success = made(kind, member);
    let sent = Sent { operation: operation.into(), success, refusal, warnings: Vec::new() };
    send(request::post(&[collection], json!(body).to_string()), &sent)
}
