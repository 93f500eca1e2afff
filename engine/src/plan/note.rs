//! Notes on a candidate: left once, never changed. Pure.
//!
//! See [`super::once`] for what becomes of a note whose declaration changes or ends.
//!
//! # A note that hangs on nobody
//! An ATS may take a note for somebody who was merged away a moment before, and then nobody ever
//! reads it. It shows when the person of the desired record has moved and the note has not. Then it
//! is read once more by its id, and if it still names the one who is no more, it is left on the
//! person, after a look at what they carry: a note that the merge brought along is found there.

use super::person::Person;
use super::{Draft, FieldChange, FindingKind, made, once, said, step};
use crate::link::{LinkHow, LinkRow};
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{DesiredNote, Visibility};
use atsync_model::kinds;
use atsync_model::manifest::EffectClass;
use serde_json::{Value, json};

/// Plans all notes of the desired record.
pub(super) fn plan(draft: &mut Draft<'_>, person: &Person<'_>) {
    let desired = draft.input.desired;
    let prefix = path::all_below(&desired.key, path::NOTES);
    for note in &desired.notes {
        let path = format!("{prefix}{}", note.key);
        match draft.input.links.get(&path) {
            None => create(draft, person, note, &path, "it has not been left yet".to_owned()),
            Some(link) => match hangs_on_nobody(draft, person, link) {
                None => {}
                Some(Some(former)) => leave_anew(draft, person, note, link, &former),
                Some(None) => once::compare(draft, &path, "note", link, &said::of_note(note)),
            },
        }
    }
    once::release(draft, &prefix, "note", |key| desired.notes.iter().any(|note| note.key == key));
}

/// Who is no more and has the note all the same; the inner option is none where it hangs on the
/// person. None while facts are missing.
fn hangs_on_nobody(
    draft: &mut Draft<'_>,
    person: &Person<'_>,
    link: &LinkRow,
) -> Option<Option<RemoteRef>> {
    let Person::There(person) = person else { return Some(None) };
    if once::is_found_on(link, &person.id) {
        return Some(None);
    }
    let stored = match draft.stored(&link.remote)? {
        // A note that was never read since it was left may be on whoever was there then.
        None if has_moved(draft) => draft.confirmed(&link.remote)?,
        stored => stored,
    };
    let Some(of) = stored.and_then(|note| note.text("candidate.id")).filter(|of| *of != person.id)
    else {
        return Some(None);
    };
    let former = RemoteRef::new(kinds::CANDIDATES, of);
    if draft.observed(&former)?.is_some() || !draft.facts.is_gone(&former) {
        return Some(None);
    }
    let shown = draft.confirmed(&link.remote)?;
    let still = shown.is_some_and(|note| note.text("candidate.id") == Some(former.id.as_str()));
    Some(still.then_some(former))
}

/// Whether the link of the candidate followed a merge.
fn has_moved(draft: &Draft<'_>) -> bool {
    let link = draft.input.links.get(&draft.input.desired.key);
    link.is_some_and(|link| link.how == LinkHow::Followed)
}

/// Leaves a note that hangs on nobody on the person, where leaving it twice harms nobody.
fn leave_anew(
    draft: &mut Draft<'_>,
    person: &Person<'_>,
    note: &DesiredNote,
    link: &LinkRow,
    former: &RemoteRef,
) {
    let rule = draft.input.manifest.operation("notes.create");
    let lost = format!(
        "{}: {} hangs on {former}, which is no more, so nobody reads it",
        link.host, link.remote
    );
    if rule.is_some_and(|rule| rule.class == EffectClass::Unsafe) {
        let message = format!("{lost}; leaving it once more could do harm, so it is left to you");
        draft.say(FindingKind::Note, &link.host, Reason::HangsOnNobody, message);
        once::compare(draft, &link.host, "note", link, &said::of_note(note));
        return;
    }
    draft.say(
        FindingKind::Note,
        &link.host,
        Reason::HangsOnNobody,
        format!("{lost}; it is left once more"),
    );
    create(
        draft,
        person,
        note,
        &link.host,
        format!("{} hangs on {former}, which is no more", link.remote),
    );
}

fn create(
    draft: &mut Draft<'_>,
    person: &Person<'_>,
    note: &DesiredNote,
    path: &str,
    reason: String,
) {
    let key = draft.input.desired.key.clone();
    let about = note
        .application
        .as_ref()
        .map(|application| path::below(&key, path::APPLICATIONS, application));
    if let Some(about) = about.filter(|about| draft.apart.contains(about)) {
        let message = format!(
            "{path}: {about} is linked to another application than is declared, so the note about \
             it is not left"
        );
        draft.say(FindingKind::Conflict, path, Reason::OtherApplication, message);
        draft.account_whole(path);
        return;
    }
    let Some(rule) = draft.operation(path, "notes.create") else { return };
    let mut step = step(rule, path, reason);
    step.after = person.after(&key);
    step.input.insert("candidate".to_owned(), person.id(&key));
    if let Some(application) = &note.application {
        let about = path::below(&key, path::APPLICATIONS, application);
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
    step.input.insert("visibility".to_owned(), json!(said::word(note.visibility)));
    step.fields.push(FieldChange {
        field: "body".to_owned(),
        before: Value::Null,
        after: json!(note.body),
    });
    if note.visibility != Visibility::Public {
        let after = json!(said::word(note.visibility));
        step.fields.push(FieldChange {
            field: "visibility".to_owned(),
            before: Value::Null,
            after,
        });
    }
    step.makes.insert("subject".to_owned(), path.to_owned());
    step.applied.insert(path.to_owned(), once::base(&said::of_note(note)));
    // A person made in the same run cannot carry the note yet; on any other somebody may have left
    // it.
    step.look_first = matches!(person, Person::There(_));
    step.calls += u32::from(step.look_first);
    draft.plan.steps.push(step);
}
