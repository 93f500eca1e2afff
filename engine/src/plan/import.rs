//! A desired record made from what the ATS holds. Pure.
//!
//! It names the candidate by `id`, so that declaring it links this candidate and makes nobody, whoever shares an
//! address or has none. It names what the person has now: name, contacts, company, title, tags, custom fields, and the applications that a plan can tell apart by
//! their job. Declared unchanged it plans nothing; from there the host edits. What is not named stays nobody's: stages and outcomes, so
//! that importing never moves anybody; notes, which are history; prospects, which have no job to be known by.

use super::custom;
use super::{Record, contacts};
use atsync_model::desired::{
    CONTACT_TYPES, DesiredApplication, DesiredCandidate, DesiredContact, DesiredName, FullReference, Reference,
    TypedContact,
};
use atsync_model::normal::{address_fault, link_fault};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a record is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The person.
    pub person: &'a Record,
    /// The names of the person's tags.
    pub tags: Vec<String>,
    /// The person's applications.
    pub applications: &'a [Arc<Record>],
}

/// The desired record of this key. `writes` says whether a custom field can be written as it stands: key, type, value in the compared form.
pub fn desired(key: &str, source: &Source<'_>, writes: impl Fn(&str, &str, &Value) -> bool) -> DesiredCandidate {
    let person = source.person;
    let text = |path: &str| person.text(path).filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let name = DesiredName { first: text("name.first"), last: text("name.last"), preferred: text("name.preferred") };
    let mut custom_fields = BTreeMap::new();
    if let Some(fields) = person.body.get("custom_fields").and_then(Value::as_object) {
        for (field, value) in fields {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            let plain = custom::observed_plain(person, field, kind);
            if !plain.is_null() && writes(field, kind, &plain) {
                custom_fields.insert(field.clone(), plain);
            }
        }
    }
    DesiredCandidate {
        key: key.to_owned(),
        kind: atsync_model::kinds::CANDIDATES.to_owned(),
        id: Some(person.id.clone()),
        name: (name != DesiredName::default()).then_some(name),
        emails: list(person, contacts::List::Emails),
        phones: list(person, contacts::List::Phones),
        links: list(person, contacts::List::Links),
        company: text("company"),
        title: text("title"),
        tags: (!source.tags.is_empty()).then(|| source.tags.clone()),
        custom_fields,
        applications: applications(source.applications),
        ..DesiredCandidate::default()
    }
}

fn list(person: &Record, list: contacts::List) -> Option<Vec<DesiredContact>> {
    let entry = |entry: &Value| {
        let value = entry.get("value").and_then(Value::as_str).filter(|value| !value.trim().is_empty())?;
        let fault = match list {
            contacts::List::Emails => address_fault(value),
            contacts::List::Links => link_fault(value),
            contacts::List::Phones => None,
        };
        if fault.is_some() {
            // It could not be declared, and nobody is to be found by it.
            return None;
        }
        let kind = entry.get("type").and_then(|kind| kind.get("value")).and_then(Value::as_str);
        Some(match kind.filter(|kind| CONTACT_TYPES.contains(kind)) {
            Some(kind) => DesiredContact::Typed(TypedContact { value: value.to_owned(), kind: Some(kind.to_owned()) }),
            None => DesiredContact::Bare(value.to_owned()),
        })
    };
    let entries: Vec<DesiredContact> = person.list(list.field()).iter().filter_map(entry).collect();
    (!entries.is_empty()).then_some(entries)
}

/// One per job; a job with several is left out, since a plan could not tell which one is meant.
fn applications(rows: &[Arc<Record>]) -> Vec<DesiredApplication> {
    let mut jobs: BTreeMap<&str, Vec<&Arc<Record>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.text("kind") == Some("application")) {
        if let Some(job) = row.text("job.id") {
            jobs.entry(job).or_default().push(row);
        }
    }
    let reference = |id: &str| Some(Reference::Full(FullReference::Id(id.to_owned())));
    let mut found = Vec::new();
    for (job, rows) in jobs {
        let [row] = rows.as_slice() else { continue };
        found.push(DesiredApplication {
            key: format!("a{}", row.id),
            job: reference(job),
            source: row.text("source.id").and_then(reference),
            ..DesiredApplication::default()
        });
    }
    found
}
