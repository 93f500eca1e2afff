//! Writes notes, tags, files, users, custom fields and their options: one request each.
//!
//! No request is sent twice: the engine probes before a creation, and a change is compared with the
//! row just read. Paths and members: harvest-v3.md §9.4, §9.10, §9.11, §9.13, §9.14. Left out:
//! changes of notes, files and users, which Greenhouse does not have or no host may declare.

use crate::answer::invalid;
use crate::request::{self, id_number};
use crate::settings::{Settings, UsersForm};
use crate::write::edit::Edit;
use crate::write::input::{
    AppliedTagNew, AttachmentNew, FieldEdit, FieldNew, NoteNew, OptionEdit, OptionNew, TagNew,
    UserNew, required,
};
use crate::write::op::{Op, target_of};
use crate::write::sent::{Refusal, Sent, Success};
use crate::write::steps::{made, send};
use crate::write::{normal, row, words};
use atsync_adapter::contract::{Failure, Step};
use atsync_adapter::model::kinds;
use base64::Engine as _;
use serde_json::{Map, Value, json};

/// Sends a creation without special cases.
fn create(
    operation: &str,
    segments: &[&str],
    body: &Value,
    success: Success,
    refusal: Refusal,
) -> Result<Step, Failure> {
    let sent = Sent { operation: operation.into(), success, refusal, warnings: Vec::new() };
    send(request::post(segments, body.to_string()), &sent)
}

/// Creates a note. It can never be changed or removed (pitfalls.md 7).
///
/// It is uncertain whether Greenhouse accepts `user_id` (§9.13): it is sent only when the input or
/// the settings name an author.
pub(crate) fn note(new: &NoteNew, settings: &Settings) -> Result<Step, Failure> {
    let visibility = words::visibility_written(&new.visibility)
        .ok_or_else(|| invalid("visibility", "one of public, private and admin_only"))?;
    let mut body = Map::new();
    body.insert("candidate_id".into(), id_number("candidate", &new.candidate)?);
    if let Some(application) = &new.application {
        body.insert("application_id".into(), id_number("application", application)?);
    }
    if let Some(author) = new.author.as_ref().or(settings.note_author.as_ref()) {
        body.insert("user_id".into(), id_number("author", author)?);
    }
    body.insert(words::NOTE_TYPE.0.into(), "NOTE".into());
    body.insert("visibility".into(), visibility.into());
    body.insert("body".into(), required("body", &new.body)?.into());
    let refusal = if new.author.is_none() { Refusal::Author } else { Refusal::Plain };
    create("notes.create", &["notes"], &Value::Object(body), made(kinds::NOTES, "note"), refusal)
}

/// Creates a tag. Its name is unique and case-sensitive.
pub(crate) fn tag(new: &TagNew) -> Result<Step, Failure> {
    let body = json!({ "name": required("name", &new.name)? });
    create(
        "tags.create",
        &["candidate_tags"],
        &body,
        made(kinds::TAGS, "candidate_tag"),
        Refusal::Unique,
    )
}

/// Adds a tag to a candidate.
pub(crate) fn applied_tag(new: &AppliedTagNew) -> Result<Step, Failure> {
    let body = json!({
        "candidate_id": id_number("candidate", &new.candidate)?,
        "candidate_tag_id": id_number("tag", &new.tag)?,
    });
    let success = made(kinds::APPLIED_TAGS, "applied_candidate_tag");
    create("applied_tags.create", &["applied_candidate_tags"], &body, success, Refusal::Plain)
}

/// Returns the id of the row of `applied_candidate_tags` that has this tag on this candidate.
pub(crate) fn applied_row(rows: &[Value], new: &AppliedTagNew) -> Option<String> {
    let fits = |row: &&Value| {
        row::id(row, "candidate_id").as_ref() == Some(&new.candidate)
            && row::id(row, "candidate_tag_id").as_ref() == Some(&new.tag)
    };
    rows.iter().find(fits).and_then(|row| row::id(row, "id"))
}

/// Removes a record: a candidate's tag, education or employment. If it no longer exists, that
/// counts as a success.
pub(crate) fn remove(op: &Op) -> Result<Step, Failure> {
    let (collection, id) = target_of(op)
        .ok_or_else(|| Failure::Bug(format!("{} has no target to remove", op.name())))?;
    let (success, refusal) = (Success::Deleted, Refusal::DeletedAlready);
    let sent = Sent { operation: op.name().into(), success, refusal, warnings: Vec::new() };
    send(request::delete(collection, id), &sent)
}

/// Attaches a file to an application.
pub(crate) fn attachment(new: &AttachmentNew) -> Result<Step, Failure> {
    let mut body = Map::new();
    body.insert("application_id".into(), id_number("application", &new.application)?);
    body.insert("filename".into(), required("filename", &new.filename)?.into());
    body.insert("type".into(), words::attachment_type(required("type", &new.r#type)?).into());
    match (&new.url, &new.content_base64) {
        (Some(url), None) => body.insert("url".into(), required("url", url)?.into()),
        (None, Some(content)) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(content);
            if bytes.is_ok_and(|bytes| bytes.is_empty())
                || base64::engine::general_purpose::STANDARD.decode(content).is_err()
            {
                return Err(invalid("content_base64", "not base64"));
            }
            body.insert("content".into(), content.as_str().into())
        }
        _ => return Err(invalid("url", "exactly one of url and content_base64")),
    };
    if let Some(visibility) = &new.visibility {
        let written = words::visibility_written(visibility)
            .ok_or_else(|| invalid("visibility", "one of public, private and admin_only"))?;
        body.insert("visibility".into(), written.into());
    }
    let success = made(kinds::ATTACHMENTS, "attachment");
    create("attachments.create", &["attachments"], &Value::Object(body), success, Refusal::Plain)
}

/// Creates a user. Greenhouse sends no mail unless the input says so (§7 \[ok\]).
pub(crate) fn user(new: &UserNew, settings: &Settings) -> Result<Step, Failure> {
    let mut row = Map::new();
    row.insert("first_name".into(), required("first", &new.first)?.into());
    row.insert("last_name".into(), required("last", &new.last)?.into());
    row.insert("primary_email".into(), required("email", &new.email)?.trim().into());
    row.insert("send_email_invite".into(), (new.invite == Some(true)).into());
    for (attribute, text) in [("job_title", &new.job_title), ("employee_id", &new.employee_id)] {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            row.insert(attribute.into(), text.into());
        }
    }
    let (segments, body, other): (&[&str], _, _) = match new.reading.unwrap_or(settings.users_form)
    {
        UsersForm::Single => (&["users"], Value::Object(row), "bulk"),
        UsersForm::Bulk => (&["users", "bulk"], json!({ "data": [row] }), "single"),
    };
    let refusal =
        if new.reading.is_none() { Refusal::Form { other: other.into() } } else { Refusal::Unique };
    create("users.create", segments, &body, made(kinds::USERS, "user"), refusal)
}

/// Defines a custom field.
pub(crate) fn field(new: &FieldNew) -> Result<Step, Failure> {
    let mut body = Map::new();
    body.insert("name".into(), required("name", &new.name)?.into());
    let field_type = words::field_type(&new.applies_to).ok_or_else(|| {
        invalid("applies_to", "one of candidate, application, job, opening and offer")
    })?;
    body.insert("field_type".into(), field_type.into());
    let value_type = words::value_type(&new.r#type).ok_or_else(|| {
        invalid("type", format!("Greenhouse has no fields of type {:?}", new.r#type))
    })?;
    body.insert("value_type".into(), value_type.into());
    if let Some(private) = new.private {
        // Definitions use the same word in both directions, unlike candidates (§9.11).
        body.insert("private".into(), private.into());
    }
    if let Some(description) = &new.description {
        body.insert("description".into(), description.as_str().into());
    }
    if !new.options.is_empty() {
        if !matches!(value_type, "single_select" | "multi_select") {
            return Err(invalid("options", "only fields of type single and multi have options"));
        }
        let mut options = Vec::new();
        for (order, option) in new.options.iter().enumerate() {
            let mut row = Map::new();
            row.insert("name".into(), required("options", &option.name)?.into());
            row.insert("sort_order".into(), order.into());
            if let Some(external) = &option.external_id {
                row.insert("external_id".into(), external.as_str().into());
            }
            options.push(Value::Object(row));
        }
        body.insert("custom_field_options".into(), options.into());
    }
    let success = made(kinds::CUSTOM_FIELDS, "custom_field");
    create(
        "custom_fields.create",
        &["custom_fields"],
        &Value::Object(body),
        success,
        Refusal::Unique,
    )
}

/// Adds an option to a custom field.
pub(crate) fn option(new: &OptionNew) -> Result<Step, Failure> {
    let mut body = Map::new();
    body.insert("custom_field_id".into(), id_number("custom_field", &new.custom_field)?);
    body.insert("name".into(), required("name", &new.name)?.into());
    if let Some(order) = new.order {
        body.insert("sort_order".into(), order.into());
    }
    if let Some(external) = &new.external_id {
        body.insert("external_id".into(), external.as_str().into());
    }
    let success = made(kinds::CUSTOM_FIELD_OPTIONS, "custom_field_option");
    create(
        "custom_field_options.create",
        &["custom_field_options"],
        &Value::Object(body),
        success,
        Refusal::Unique,
    )
}

/// Computes the remaining changes of an edit of a definition.
pub(crate) fn field_difference(id: &str, edit: &FieldEdit, row: &Value) -> Result<Edit, Failure> {
    let mut body = Map::new();
    if let Some(name) = &edit.name {
        let name = required("name", name)?;
        if normal::text(row::text(row, "name")) != normal::text(name) {
            body.insert("name".into(), name.into());
        }
    }
    if let Some(private) =
        edit.private.filter(|private| row::flag(row, "private").unwrap_or(false) != *private)
    {
        body.insert("private".into(), private.into());
    }
    if let Some(description) = &edit.description {
        let description = description.as_deref().unwrap_or("");
        if normal::text(row::text(row, "description")) != normal::text(description) {
            body.insert("description".into(), description.into());
        }
    }
    Ok(plain("custom_fields.update", kinds::CUSTOM_FIELDS, id, body))
}

/// Computes the remaining changes of an edit of an option.
pub(crate) fn option_difference(id: &str, edit: &OptionEdit, row: &Value) -> Result<Edit, Failure> {
    let mut body = Map::new();
    if let Some(name) = &edit.name {
        let name = required("name", name)?;
        if normal::text(row::text(row, "name")) != normal::text(name) {
            body.insert("name".into(), name.into());
        }
    }
    if let Some(order) =
        edit.order.filter(|order| row.get("sort_order").and_then(Value::as_i64) != Some(*order))
    {
        body.insert("sort_order".into(), order.into());
    }
    if let Some(external) = &edit.external_id
        && row::text(row, "external_id") != external.as_deref().unwrap_or("")
    {
        body.insert("external_id".into(), external.clone().into());
    }
    Ok(plain("custom_field_options.update", kinds::CUSTOM_FIELD_OPTIONS, id, body))
}

fn plain(
    operation: &'static str,
    collection: &'static str,
    id: &str,
    body: Map<String, Value>,
) -> Edit {
    // The collections of definitions and options have the names of their kinds.
    Edit { operation, collection, kind: collection, id: id.into(), body, custom: None }
}
