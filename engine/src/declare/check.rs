//! Checks a desired record by itself: keys, limits, members that belong together. Pure.
//!
//! A refusal names the field and says what is allowed. Left out: whether the ATS can do it, which
//! the plan says.

use crate::near::did_you_mean;
use crate::path;
use crate::plan::defaults;
use atsync_model::declarable::{self, Declarable, VALUES_MEMBER};
use atsync_model::desired::{
    ATTACHMENT_TYPES, ApplicationKind, CONTACT_TYPES, Desired, DesiredApplication,
    DesiredCandidate, DesiredContact, DesiredCustomField, DesiredName, DesiredUser, FullReference,
    Reference, limits,
};
use atsync_model::normal;
use std::collections::BTreeSet;

/// The kinds that custom fields can belong to.
const APPLIES_TO: [&str; 5] = ["candidate", "application", "job", "opening", "offer"];
/// The types of custom fields.
const VALUE_TYPES: [&str; 12] = [
    "text",
    "long_text",
    "boolean",
    "number",
    "single",
    "multi",
    "money",
    "money_range",
    "range",
    "date",
    "url",
    "user",
];

/// Checks one record by itself.
///
/// # Errors
/// A sentence that names the field.
pub fn check(record: &Desired) -> Result<(), String> {
    match record {
        Desired::Candidate(record) => candidate(record),
        Desired::CustomField(record) => custom_field(record),
        Desired::User(record) => user(record),
    }
}

/// Checks a candidate.
pub(super) fn candidate(record: &DesiredCandidate) -> Result<(), String> {
    key("key", &record.key, true)?;
    if record.kind != DesiredCandidate::KIND {
        return Err(format!(
            "`kind` is {:?}; candidates, custom_fields and users can be declared (an application, \
             a tag or a note belongs to its candidate)",
            record.kind
        ));
    }
    if let Some(id) = &record.id {
        key("id", id, true)?;
    }
    super::texts::check(record)?;
    contacts("emails", record.emails.as_deref())?;
    contacts("phones", record.phones.as_deref())?;
    contacts("links", record.links.as_deref())?;
    names(record.name.as_ref())?;
    for (field, text) in [("company", &record.company), ("title", &record.title)] {
        not_blank(field, text.as_deref())?;
    }
    let labels = declarable::of(DesiredCandidate::KIND).and_then(Declarable::labels);
    for tag in record.tags.iter().flatten() {
        key(labels.map_or("", |(list, _)| list), tag, false)?;
    }
    let applications = applications(record)?;
    notes(record, &applications)?;
    for field in record.policy.keys() {
        policy_field(field)?;
    }
    super::entries::check(record, DesiredCandidate::KIND)?;
    super::twice::check(record)
}

/// Checks a list of contacts.
fn contacts(field: &str, contacts: Option<&[DesiredContact]>) -> Result<(), String> {
    let contacts = contacts.unwrap_or_default();
    for (index, contact) in contacts.iter().enumerate() {
        if let Some(kind) = contact.kind() {
            one_of(&format!("{field}.type"), kind, &CONTACT_TYPES)?;
        }
        if contact.value().trim().is_empty() {
            return Err(format!("`{field}` has an empty entry"));
        }
        match field {
            "emails" => address(field, contact.value())?,
            "links" => {
                let place = format!("entry {} of `{field}`", index.saturating_add(1));
                web_text(&place, contact.value(), "link", normal::link_fault)?;
            }
            _ => {}
        }
    }
    entries(field, contacts.len())
}

/// Checks the applications of a candidate, and returns their keys.
fn applications(record: &DesiredCandidate) -> Result<BTreeSet<&str>, String> {
    let mut keys = BTreeSet::new();
    for application in &record.applications {
        let place = format!("applications[{}]", application.key);
        key(&format!("{place}.key"), &application.key, true)?;
        if !keys.insert(application.key.as_str()) {
            return Err(format!("`applications` has the key {:?} twice", application.key));
        }
        goal(&place, application)?;
        references(&place, application)?;
        attachments(&place, application)?;
    }
    Ok(keys)
}

/// Checks that an application says what it is for.
fn goal(place: &str, application: &DesiredApplication) -> Result<(), String> {
    let is_application = application.kind == ApplicationKind::Application;
    if is_application && application.job.is_none() {
        return Err(format!(
            "`{place}.job` is missing; an application is to a job (a prospect need not be)"
        ));
    }
    if is_application && (application.pool.is_some() || application.pool_stage.is_some()) {
        return Err(format!("`{place}.pool` is for prospects only; set `\"kind\": \"prospect\"`"));
    }
    if application.pool_stage.is_some() && application.pool.is_none() {
        return Err(format!("`{place}.pool_stage` needs `pool`"));
    }
    Ok(())
}

fn references(place: &str, application: &DesiredApplication) -> Result<(), String> {
    for (field, reference) in [
        ("job", &application.job),
        ("pool", &application.pool),
        ("source", &application.source),
        ("referrer", &application.referrer),
        ("stage", &application.stage),
        ("pool_stage", &application.pool_stage),
        ("reject_reason", &application.reject_reason),
        ("opening", &application.opening),
    ] {
        let Some(named) = reference else { continue };
        check_reference(&format!("{place}.{field}"), named)?;
        if let ("referrer", Reference::Bare(text)) = (field, named)
            && text.contains('@')
        {
            address(&format!("{place}.{field}"), text)?;
        }
    }
    Ok(())
}

fn attachments(place: &str, application: &DesiredApplication) -> Result<(), String> {
    entries(&format!("{place}.attachments"), application.attachments.len())?;
    let mut keys = BTreeSet::new();
    for file in &application.attachments {
        key(&format!("{place}.attachments.key"), &file.key, true)?;
        if !keys.insert(file.key.as_str()) {
            return Err(format!("`{place}.attachments` has the key {:?} twice", file.key));
        }
        let place = format!("{place}.attachments[{}]", file.key);
        one_of(&format!("{place}.type"), &file.kind, &ATTACHMENT_TYPES)?;
        web_text(
            &format!("`{place}.url`"),
            &file.url,
            "URL that the ATS can fetch a file from",
            normal::url_fault,
        )?;
        if file.filename.trim().is_empty() || file.filename.chars().any(char::is_control) {
            return Err(format!(
                "`{place}.filename` is {:?}; a file needs a name in one line",
                file.filename
            ));
        }
    }
    Ok(())
}

/// Checks the notes on a candidate, which may name an application by its key.
fn notes(record: &DesiredCandidate, applications: &BTreeSet<&str>) -> Result<(), String> {
    let mut keys = BTreeSet::new();
    for note in &record.notes {
        key("notes.key", &note.key, true)?;
        if note.body.trim().is_empty() {
            return Err(format!("`notes[{}].body` is empty", note.key));
        }
        if !keys.insert(note.key.as_str()) {
            return Err(format!("`notes` has the key {:?} twice", note.key));
        }
        if let Some(application) = &note.application
            && !applications.contains(application.as_str())
        {
            return Err(format!(
                "`notes[{}].application` is {application:?}, which `applications` does not have",
                note.key
            ));
        }
    }
    Ok(())
}

/// Checks a custom field.
pub(super) fn custom_field(record: &DesiredCustomField) -> Result<(), String> {
    of_kind(&record.kind, DesiredCustomField::KIND)?;
    key("key", &record.key, true)?;
    key("key with what it applies to", &record.path(), false)?;
    one_of("applies_to", &record.applies_to, &APPLIES_TO)?;
    one_of("type", &record.value_type, &VALUE_TYPES)?;
    if let Some(name) = &record.name {
        key("name", name, false)?;
    }
    super::texts::check(record)?;
    let options = record.options.as_deref().unwrap_or_default();
    if !options.is_empty() && !record.has_options() {
        return Err(format!(
            "`options` are for fields of type single and multi; this one is of type {}",
            record.value_type
        ));
    }
    entries("options", options.len())?;
    for label in options {
        key("options", label, false)?;
    }
    super::twice::labels("options", options.iter().map(String::as_str))?;
    let owned = defaults::settable(DesiredCustomField::KIND);
    match record.policy.keys().find(|field| !owned.contains(&field.as_str())) {
        Some(field) => Err(no_owned_field(field, &owned)),
        None => Ok(()),
    }
}

/// Checks a user.
pub(super) fn user(record: &DesiredUser) -> Result<(), String> {
    of_kind(&record.kind, DesiredUser::KIND)?;
    key("email", &record.email, true)?;
    key("email", &record.path(), false)?;
    address("email", &record.email)?;
    names(record.name.as_ref())?;
    for (field, text) in [("job_title", &record.job_title), ("employee_id", &record.employee_id)] {
        not_blank(field, text.as_deref())?;
    }
    super::texts::check(record)
}

/// Checks that a reference is not empty, and that an id is written as the ATS writes it.
fn check_reference(field: &str, reference: &Reference) -> Result<(), String> {
    let text = match reference {
        Reference::Bare(text) => text,
        Reference::Full(
            FullReference::Id(text)
            | FullReference::Name(text)
            | FullReference::Email(text)
            | FullReference::RequisitionId(text),
        ) => text,
    };
    if text.trim().is_empty() {
        return Err(format!("`{field}` is empty; remove it, or name a record"));
    }
    if matches!(reference, Reference::Full(FullReference::Email(_))) {
        address(field, text)?;
    }
    if matches!(reference, Reference::Full(FullReference::Id(_))) && text.trim() != text {
        return Err(format!("`{field}` has the id {text:?}; write it without blanks around it"));
    }
    Ok(())
}

/// Checks that a text is one plain address: one that reads as another address, or as several, would
/// match another candidate.
fn address(field: &str, value: &str) -> Result<(), String> {
    match normal::address_fault(value) {
        Some(fault) => {
            Err(format!("`{field}` has {value:?}, which is no plain e-mail address: {fault}"))
        }
        None => Ok(()),
    }
}

/// Checks a text with a format of the web. The text may be a secret, as a signed URL is, so the
/// refusal does not show it.
fn web_text(
    place: &str,
    value: &str,
    noun: &str,
    fault: impl Fn(&str) -> Option<&'static str>,
) -> Result<(), String> {
    match fault(value) {
        Some(fault) => Err(format!("{place} is no {noun}: {fault}")),
        None => Ok(()),
    }
}

fn names(name: Option<&DesiredName>) -> Result<(), String> {
    let Some(name) = name else { return Ok(()) };
    [("name.first", &name.first), ("name.last", &name.last), ("name.preferred", &name.preferred)]
        .into_iter()
        .try_for_each(|(field, text)| not_blank(field, text.as_deref()))
}

/// Refuses blanks alone: they are neither a value nor the empty text that clears one.
fn not_blank(field: &str, text: Option<&str>) -> Result<(), String> {
    match text {
        Some(text) if !text.is_empty() && text.trim().is_empty() => {
            Err(format!("`{field}` has blanks only; set a value, or remove it"))
        }
        _ => Ok(()),
    }
}

fn of_kind(kind: &str, expected: &str) -> Result<(), String> {
    if kind == expected {
        Ok(())
    } else {
        Err(format!("`kind` is {kind:?}; here it is {expected}"))
    }
}

fn one_of(field: &str, value: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&value) {
        return Ok(());
    }
    let hint = did_you_mean(value, words.iter().copied());
    Err(format!("`{field}` is {value:?}; it is one of {}{hint}", words.join(", ")))
}

/// Checks that `policy` may name a field: one of the table, or a part of `name` or `custom_fields`.
fn policy_field(field: &str) -> Result<(), String> {
    let owned = defaults::settable(DesiredCandidate::KIND);
    let is_part = match field.split_once('.') {
        Some(("name", part)) => ["first", "last", "preferred"].contains(&part),
        Some((VALUES_MEMBER, _)) => true,
        _ => false,
    };
    if is_part || owned.contains(&field) { Ok(()) } else { Err(no_owned_field(field, &owned)) }
}

fn no_owned_field(field: &str, owned: &[&str]) -> String {
    let parts = |owned: &&str| match *owned {
        "name" => "name, name.first, name.last, name.preferred".to_owned(),
        VALUES_MEMBER => format!("{VALUES_MEMBER}, {VALUES_MEMBER}.<key>"),
        owned => owned.to_owned(),
    };
    // A custom field's definition has a name without parts.
    let is_candidate = owned.contains(&"emails");
    let words: Vec<String> = owned
        .iter()
        .map(|field| if is_candidate { parts(field) } else { (*field).to_owned() })
        .collect();
    let hint = did_you_mean(field, owned.iter().copied());
    format!(
        "`policy` names {field:?}, which is no owned field; they are {}{hint}",
        words.join(", ")
    )
}

fn key(field: &str, value: &str, is_path: bool) -> Result<(), String> {
    if value.is_empty() || value.len() > limits::KEY_BYTES_MAX {
        return Err(format!(
            "`{field}` must have 1 to {} bytes and has {}",
            limits::KEY_BYTES_MAX,
            value.len()
        ));
    }
    if value.chars().any(char::is_control) || value.trim() != value {
        return Err(format!(
            "`{field}` is {value:?}; control characters and blanks around it are not allowed"
        ));
    }
    if is_path && !path::may_be_key(value) {
        return Err(format!(
            "`{field}` is {value:?}; it may not contain `/` or begin with `~` or `@`"
        ));
    }
    Ok(())
}

fn entries(field: &str, count: usize) -> Result<(), String> {
    if count > limits::LIST_ENTRIES_MAX {
        return Err(format!(
            "`{field}` has {count} entries; at most {} are allowed",
            limits::LIST_ENTRIES_MAX
        ));
    }
    Ok(())
}
