//! Creates candidates, and changes them by the smallest PATCH.
//!
//! Attributes: harvest-v3.md §9.1. A scalar is cleared by `""` (§7 \[2nd\]). The request for a new
//! candidate has the tags by name (§9.1). For an existing candidate this module never writes tags:
//! the join rows of `applied_tags` add one tag without overwriting those of other users (§9.4).

use crate::request;
use crate::settings::{FieldsReading, Settings};
use crate::write::application;
use crate::write::contacts;
use crate::write::custom;
use crate::write::custom::CustomEdit;
use crate::write::edit::Edit;
use crate::write::input::{CandidateEdit, CandidateNew, Clearable, ContactInput, required};
use crate::write::sent::{Refusal, Sent, Success};
use crate::write::steps::send;
use crate::write::words::{self, ContactList};
use crate::write::{normal, row};
use atsync_adapter::contract::{Failure, Mark, Step};
use atsync_adapter::model::kinds;
use serde_json::{Map, Value, json};

/// Sends a new candidate.
pub(crate) fn create(
    new: &CandidateNew,
    settings: &Settings,
    mark: Option<&Mark>,
) -> Result<Step, Failure> {
    let mut body = Map::new();
    let first = required("name.first", new.name.first.as_deref().unwrap_or(""))?;
    let last = required("name.last", new.name.last.as_deref().unwrap_or(""))?;
    body.insert("first_name".into(), first.into());
    body.insert("last_name".into(), last.into());
    for (attribute, text) in
        [("preferred_name", &new.name.preferred), ("company", &new.company), ("title", &new.title)]
    {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            body.insert(attribute.into(), text.into());
        }
    }
    if let Some(private) = new.private {
        body.insert(words::PRIVATE.0.into(), private.into());
    }
    if !new.tags.is_empty() {
        body.insert("tags".into(), json!(new.tags));
    }
    let links = |list| {
        new.links.iter().filter(move |link| contacts::link_list(link.r#type.as_deref()) == list)
    };
    for (list, entries) in [
        (ContactList::Emails, new.emails.iter().collect()),
        (ContactList::Phones, new.phones.iter().collect()),
        (ContactList::Addresses, new.addresses.iter().collect()),
        (ContactList::Websites, links(ContactList::Websites).collect()),
        (ContactList::Social, links(ContactList::Social).collect::<Vec<&ContactInput>>()),
    ] {
        let entries = contacts::fresh(list, &entries);
        if !entries.is_empty() {
            body.insert(list.attribute().into(), entries.into());
        }
    }
    let mut values = Vec::new();
    for wanted in new.custom_fields.iter().filter(|wanted| !wanted.value.is_null()) {
        values.push((wanted.key.clone(), custom::written(wanted)?));
    }
    if let (Some(field), Some(mark)) = (&settings.marker_field, mark)
        && !values.iter().any(|(key, _)| key == field)
    {
        values.push((field.clone(), mark.text.clone().into()));
    }
    if !values.is_empty() {
        body.insert("custom_fields".into(), custom::attribute(&values));
    }
    let mut warnings = Vec::new();
    if let Some(application) = &new.application {
        body.insert("application".into(), application::carried(application, &mut warnings)?.into());
    }
    let request = request::post(&["candidates"], Value::Object(body).to_string());
    let success = Success::Candidate { carried: new.application.is_some() };
    send(
        request,
        &Sent { operation: "candidates.create".into(), success, refusal: Refusal::Plain, warnings },
    )
}

/// Computes the remaining changes of an edit, given the candidate as just read.
pub(crate) fn difference(
    id: &str,
    edit: &CandidateEdit,
    row: &Value,
    settings: &Settings,
) -> Result<Edit, Failure> {
    writable(row)?;
    let mut body = Map::new();
    for (field, attribute, wanted) in [
        ("set.name.first", "first_name", &edit.set.name.first),
        ("set.name.last", "last_name", &edit.set.name.last),
    ] {
        if let Some(wanted) = wanted {
            let wanted = required(field, wanted)?;
            scalar(&mut body, row, attribute, wanted);
        }
    }
    let preferred: Clearable<String> = edit.set.name.preferred.clone().map(Some);
    for (attribute, wanted) in [
        ("preferred_name", &preferred),
        ("company", &edit.set.company),
        ("title", &edit.set.title),
        ("time_zone", &edit.set.time_zone),
    ] {
        if let Some(wanted) = wanted {
            scalar(&mut body, row, attribute, wanted.as_deref().unwrap_or(""));
        }
    }
    let (written, read) = words::PRIVATE;
    // Neither null nor a row without the member means that it is not private.
    if let Some(private) = edit.set.private.filter(|private| row::flag(row, read) != Some(*private))
    {
        body.insert(written.into(), json!(private));
    }
    body.extend(contacts::merge(row, &edit.add, &edit.remove)?);
    let complete = settings.custom_fields_reading == FieldsReading::Unknown;
    let stored = custom::stored(row, "custom_fields", &edit.custom_fields, complete)?;
    let merge = custom::merge(stored, &edit.custom_fields, complete, &edit.must_show)?;
    Ok(Edit {
        operation: "candidates.update",
        collection: "candidates",
        kind: kinds::CANDIDATES,
        id: id.into(),
        body,
        custom: merge.map(|merge| CustomEdit::new("candidate", merge, stored)),
    })
}

fn scalar(body: &mut Map<String, Value>, row: &Value, attribute: &str, wanted: &str) {
    if normal::text(row::text(row, attribute)) != normal::text(wanted) {
        body.insert(attribute.into(), wanted.into());
    }
}

/// Refuses to write to an incomplete candidate.
///
/// A stub is still being created or is hidden (harvest-v3.md §7); a merge with it would clear
/// lists. A candidate without a name was anonymised, wholly or in part, and erased values must not
/// be restored (pitfalls.md 25).
pub(crate) fn writable(row: &Value) -> Result<(), Failure> {
    if row::is_stub(row) {
        return Err(Failure::NotFound(
            "Greenhouse shows only a message for the candidate: still being created, or hidden"
                .into(),
        ));
    }
    if row::is_erased(row) {
        return Err(Failure::Conflict(
            "the candidate has no name: it was anonymised, and nothing is written to it".into(),
        ));
    }
    Ok(())
}
