//! A user: found by address or made. Pure.
//!
//! Making one can mail somebody and take a seat, so it waits for the connection's opt-in like
//! everything that can.
//!
//! What differs of one that exists is reported and never written.
//!
//! Left out: changing and deactivating users. What somebody may do in the ATS is not for a sync
//! engine to decide.

use super::definition::is_ours;
use super::field::is_same_text;
use super::{Draft, FieldChange, FindingKind, Owned, Record, made, step};
use crate::link::LinkRow;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{Desired, DesiredUser};
use atsync_model::kinds;
use serde_json::{Map, Value, json};

/// The id of the user in the ATS, or that there is none. None while facts are missing or after it
/// blocked the record.
fn find<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    email: &str,
    link: Option<&LinkRow>,
) -> Option<Option<String>> {
    if let Some(link) = link {
        return Some(Some(link.remote.id.clone()));
    }
    let users = draft.users(email)?;
    match users.as_slice() {
        [] => Some(None),
        [user] => Some(Some(user.clone())),
        several => {
            draft.several_users(host, email, several);
            None
        }
    }
}

/// What a value that names a user by address is written as: an id, or the stand-in for one with the
/// path that makes it. None while facts are missing or after it blocked the record.
pub(super) fn named<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    email: &str,
) -> Option<(Value, Option<String>)> {
    let path = DesiredUser::path_of(email);
    let declared = draft.declared(&path)?;
    let link = declared.and_then(|declared| declared.links.get(&path));
    if let Some(id) = find(draft, host, email, link)? {
        return Some((Value::String(id), None));
    }
    match declared {
        Some(declared) if declared.managed && matches!(declared.desired, Desired::User(_)) => {
            Some((made(&path), Some(path)))
        }
        _ => {
            let message = format!(
                "{host}: no user of the ATS has the address {email}; invite them, declare them as \
                 a user, or correct the address"
            );
            draft.block(host, Reason::UnknownReference, message);
            None
        }
    }
}

/// Whether the ATS has the user of this id, which `field` names. None while facts are missing or
/// after it blocked the record.
pub(super) fn known<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    field: &str,
    id: &str,
) -> Option<()> {
    let can_be_read = draft.input.manifest.kind(kinds::USERS).is_some();
    if !can_be_read || draft.observed(&RemoteRef::new(kinds::USERS, id))?.is_some() {
        return Some(());
    }
    let message = format!(
        "{host}: {field} names the user {id:?}, and the ATS shows no user with this id; correct \
         it, or name the user by e-mail address"
    );
    draft.block(host, Reason::UnknownReference, message);
    None
}

/// Plans the user.
pub(super) fn plan(draft: &mut Draft<'_, DesiredUser>) {
    let desired = draft.input.desired;
    let host = desired.path();
    let link = draft.input.links.get(&host);
    match find(draft, &host, &desired.email, link) {
        Some(Some(id)) => {
            let Some(record) = draft.observed(&RemoteRef::new(kinds::USERS, &id)) else { return };
            match record {
                Some(record) => {
                    if is_ours(draft, &host, record, "it has the same e-mail address") {
                        compare(draft, &host, record);
                    }
                }
                None => {
                    let message = format!(
                        "{host}: users/{id}, which it is linked to, is not shown by the ATS: \
                         removed, or not visible yet; read users again (a pull of everything), or \
                         adopt another user"
                    );
                    draft.block(&host, Reason::NotVisible, message);
                }
            }
        }
        Some(None) => create(draft, &host),
        None => {}
    }
}

/// The declared texts: their place in the record, their member in an input, and in the unified
/// record.
fn texts(desired: &DesiredUser) -> [(&'static str, &'static str, &'static str, Option<&str>); 4] {
    let name = desired.name.as_ref();
    [
        ("name.first", "first", "first_name", name.and_then(|name| name.first.as_deref())),
        ("name.last", "last", "last_name", name.and_then(|name| name.last.as_deref())),
        ("job_title", "job_title", "job_title", desired.job_title.as_deref()),
        ("employee_id", "employee_id", "external_id", desired.employee_id.as_deref()),
    ]
}

/// Says what of a user that exists is not as declared: it is only ever made.
fn compare(draft: &mut Draft<'_, DesiredUser>, host: &str, record: &Record) {
    let desired = draft.input.desired;
    let base = draft.input.links.get(host).map(|link| link.applied.clone()).unwrap_or_default();
    let mut different = Vec::new();
    for (place, member, field, wanted) in texts(desired) {
        draft.account(host, place);
        let Some(wanted) = wanted else { continue };
        // Where the ATS does not show it, what was written counts.
        let there = if record.knows(field) {
            record.text(field)
        } else {
            base.get(member).and_then(Value::as_str)
        };
        if !is_same_text(there.unwrap_or_default(), wanted) {
            different.push(format!("`{place}` ({} in the ATS)", there.unwrap_or("nothing")));
        }
    }
    // Parts of the name that cannot be written in any way.
    if desired.name.as_ref().is_some_and(|name| name.preferred.is_some()) {
        different.push("`name.preferred` (users have none)".to_owned());
    }
    draft.account(host, "name.preferred");
    if desired.invite && base.get("invite").and_then(Value::as_bool) != Some(true) {
        different.push("`invite` (nobody is invited who is there already)".to_owned());
    }
    for place in ["email", "invite"] {
        draft.account(host, place);
    }
    if !different.is_empty() {
        let message = format!(
            "{host}: {} is a user already and is only ever made, never changed from here; it \
             differs in {}",
            record.remote(),
            different.join(", ")
        );
        draft.say(FindingKind::Note, host, Reason::OnlyMade, message);
    }
}

fn create(draft: &mut Draft<'_, DesiredUser>, host: &str) {
    let desired = draft.input.desired;
    let Some(rule) = draft.operation(host, "users.create") else { return };
    let mut step = step(rule, host, "no user of the ATS has the address".to_owned());
    let mut applied = Map::new();
    if desired.name.as_ref().is_some_and(|name| name.preferred.is_some()) {
        let message = format!("{host}: a user has no `name.preferred`; it is left out");
        draft.say(FindingKind::Note, host, Reason::NotSupported, message);
    }
    for place in ["name.first", "name.last", "name.preferred", "job_title", "employee_id"] {
        draft.account(host, place);
    }
    let [first, last, job_title, employee_id] =
        texts(desired).map(|(_, member, _, text)| (member, text));
    for (member, value) in
        [first, last, ("email", Some(desired.email.as_str())), job_title, employee_id]
    {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        step.fields.push(FieldChange {
            field: member.to_owned(),
            before: Value::Null,
            after: json!(value),
        });
        step.input.insert(member.to_owned(), json!(value));
        applied.insert(member.to_owned(), json!(value));
    }
    step.input.insert("invite".to_owned(), json!(desired.invite));
    applied.insert("invite".to_owned(), json!(desired.invite));
    step.fields.push(FieldChange {
        field: "invite".to_owned(),
        before: Value::Null,
        after: json!(desired.invite),
    });
    step.makes.insert("subject".to_owned(), host.to_owned());
    step.applied.insert(host.to_owned(), applied);
    step.look_first = true;
    // An address can be a user's main one, or another of theirs: up to two looks.
    step.calls += 2;
    draft.plan.steps.push(step);
}
