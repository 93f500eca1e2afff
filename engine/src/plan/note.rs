//! Notes on a candidate: left once, never changed. Pure.
//!
//! See [`super::once`] for what becomes of a note whose declaration changes or ends.

use super::candidate::Person;
use super::{Draft, FieldChange, made, once, step};
use atsync_model::desired::{DesiredNote, Visibility};
use serde_json::{Value, json};

/// Plans all notes of the desired record.
pub(super) fn plan(draft: &mut Draft<'_>, person: &Person<'_>) {
    let desired = draft.input.desired;
    let prefix = format!("{}/notes/", desired.key);
    for note in &desired.notes {
        let path = format!("{prefix}{}", note.key);
        match draft.input.links.get(&path) {
            Some(link) => once::compare(draft, &path, "note", link, &members(note)),
            None => create(draft, person, note, &path),
        }
    }
    once::release(draft, &prefix, "note", |key| desired.notes.iter().any(|note| note.key == key));
}

fn word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
        Visibility::AdminOnly => "admin_only",
    }
}

fn members(note: &DesiredNote) -> [once::Member<'_>; 3] {
    let application = note.application.as_deref().unwrap_or_default();
    [("body", &note.body), ("visibility", word(note.visibility)), ("application", application)]
}

fn create(draft: &mut Draft<'_>, person: &Person<'_>, note: &DesiredNote, path: &str) {
    let key = draft.input.desired.key.clone();
    let Some(rule) = draft.operation(path, "notes.create") else { return };
    let mut step = step(rule, path, "it has not been left yet".to_owned());
    step.after = person.after(&key);
    step.input.insert("candidate".to_owned(), person.id(&key));
    if let Some(application) = &note.application {
        let about = format!("{key}/applications/{application}");
        match draft.input.links.get(&about) {
            Some(link) => {
                step.input.insert("application".to_owned(), json!(link.remote.id));
            }
            None => {
                step.input.insert("application".to_owned(), made(&about));
                step.after.push(about);
            }
        }
        draft.account(path, "application");
    }
    draft.account(path, "visibility");
    step.input.insert("body".to_owned(), json!(note.body));
    step.input.insert("visibility".to_owned(), json!(word(note.visibility)));
    step.fields.push(FieldChange { field: "body".to_owned(), before: Value::Null, after: json!(note.body) });
    if note.visibility != Visibility::Public {
        let after = json!(word(note.visibility));
        step.fields.push(FieldChange { field: "visibility".to_owned(), before: Value::Null, after });
    }
    step.makes.insert("subject".to_owned(), path.to_owned());
    step.applied.insert(path.to_owned(), once::base(&members(note)));
    // A person made in the same run cannot carry the note yet; on any other somebody may have left it.
    step.look_first = matches!(person, Person::There(_));
    step.calls += u32::from(step.look_first);
    draft.plan.steps.push(step);
}
