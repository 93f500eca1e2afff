//! A person: found or made, kept in step, and what hangs on them. Pure.
//!
//! Order of work: is there a link; if not, who has the e-mail address; if nobody, a new record. Two people with the same address
//! block the record: the engine never guesses. What hangs on the person (tags, notes, applications) follows.

use super::contacts::{self, Compared, List, values};
use super::explain::Values;
use super::ownership::{Comparison, Decision};
use super::values::{create_customs, unseen_customs, update_customs};
use super::words::shown;
use super::{Adoption, Draft, FieldChange, FindingKind, Owned, Record, SHARED_PREFIX, application, equal, made, step};
use crate::store::{LinkHow, index};
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{DesiredContact, Policy, Visibility};
use atsync_model::{kinds, normal};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The person in the ATS, as far as planning has come.
pub(super) enum Person<'a> {
    /// Known.
    There(&'a Arc<Record>),
    /// To be made by the step of the desired record's key.
    ToBeMade,
}

impl Person<'_> {
    /// The id for an input.
    pub(super) fn id(&self, key: &str) -> Value {
        match self {
            Self::There(record) => Value::String(record.id.clone()),
            Self::ToBeMade => made(key),
        }
    }

    /// The steps that must come first.
    pub(super) fn after(&self, key: &str) -> Vec<String> {
        match self {
            Self::There(_) => Vec::new(),
            Self::ToBeMade => vec![key.to_owned()],
        }
    }
}

/// Plans the person and what hangs on them.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(person) = find(draft) else { return };
    match &person {
        Person::There(record) => update(draft, record),
        Person::ToBeMade => create(draft),
    }
    tags(draft, &person);
    application::plan(draft, &person);
    notes(draft, &person);
}

/// Linked, found by address, or to be made. None while facts are missing or after the record was blocked.
fn find<'a>(draft: &mut Draft<'a>) -> Option<Person<'a>> {
    let key = draft.input.desired.key.clone();
    if let Some(link) = draft.input.links.get(&key) {
        let remote = link.remote.clone();
        if link.how == LinkHow::Yielded && !holds(draft, &key, &remote)? {
            return None;
        }
        let Some(record) = draft.observed(&remote)? else {
            if draft.facts.is_gone(&remote) {
                draft.block(&key, "Deleted", deleted(&key, &remote));
                return None;
            }
            let message = format!(
                "{key}: it is linked to {remote}, which the ATS does not show: deleted, merged, made private, or not visible yet"
            );
            draft.block(&key, "NotVisible", message);
            return None;
        };
        return may_be_written(draft, &key, record).then_some(Person::There(record));
    }
    let emails = draft.input.desired.emails.as_deref().unwrap_or_default();
    let mut found: Vec<&'a Arc<Record>> = Vec::new();
    let mut complete = true;
    for email in emails {
        match draft.lookup(kinds::CANDIDATES, index::EMAIL, email.value()) {
            Some(records) => {
                for record in records {
                    if !found.iter().any(|known| known.id == record.id) {
                        found.push(record);
                    }
                }
            }
            None => complete = false,
        }
    }
    if !complete {
        return None;
    }
    match found.as_slice() {
        [] => claim(draft, &key, emails).then_some(Person::ToBeMade),
        [record] if !may_be_written(draft, &key, record) => None,
        [record] => adopt(draft, &key, record).then_some(Person::There(record)),
        several => {
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).take(20).collect();
            let addresses: Vec<&str> = emails.iter().map(|email| email.value()).take(20).collect();
            let message = format!(
                "{key}: {} candidates in the ATS have the e-mail address {} (ids {}); merge them in the ATS, or correct the address",
                several.len(),
                addresses.join(" or "),
                ids.join(", ")
            );
            draft.block(&key, "AmbiguousCandidate", message);
            None
        }
    }
}

/// Whether the person's data stand. Where they were erased nothing is written back, be it to a linked person or to one found by an address.
fn may_be_written(draft: &mut Draft<'_>, key: &str, record: &Record) -> bool {
    let anonymised = record.value("privacy.anonymized").and_then(Value::as_bool) == Some(true);
    if anonymised {
        let message = format!("{key}: {} was anonymised in the ATS; nothing is written back to it", record.remote());
        draft.block(key, "Anonymized", message);
    }
    !anonymised
}

/// What to say of a path whose record was deleted: it is not made again by itself.
pub(super) fn deleted(host: &str, remote: &RemoteRef) -> String {
    format!(
        "{host}: {remote} was deleted in the ATS, and is not made again by itself; stop declaring it, or declare it under another key to have it made again"
    )
}

/// Whether a record whose person was merged into another's still has a person of its own. None while facts are missing.
fn holds(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef) -> Option<bool> {
    let hosts = draft.linked_to(remote)?;
    let Some(holder) = hosts.iter().find(|host| host.as_str() != key).cloned() else { return Some(true) };
    let message = format!(
        "{key}: its candidate was merged into {remote}, which {holder} holds; nothing is written for it. Make them one record, or stop declaring one of them"
    );
    draft.block(key, "Merged", message);
    Some(false)
}

/// Two desired records must not make the same person twice.
fn claim(draft: &mut Draft<'_>, key: &str, emails: &[DesiredContact]) -> bool {
    let other = emails.iter().find_map(|email| {
        let claimed = draft.facts.claimed_by(email.value())?;
        (claimed != key).then(|| (email.value().to_owned(), claimed.to_owned()))
    });
    let Some((email, other)) = other else { return true };
    let message =
        format!("{key}: {other} declares a new candidate with the same e-mail address {email}; make them one record");
    draft.block(key, "DuplicateDesired", message);
    false
}

fn adopt(draft: &mut Draft<'_>, key: &str, record: &Record) -> bool {
    let remote = record.remote();
    let Some(others) = draft.linked_to(&remote) else { return false };
    if let Some(other) = others.iter().find(|host| host.as_str() != key) {
        let message = format!(
            "{key}: {remote} has the same e-mail address and is linked to {other} already; make them one record"
        );
        draft.block(key, "DuplicateDesired", message);
        return false;
    }
    let reason = "it has the same e-mail address".to_owned();
    draft.plan.adoptions.push(Adoption { host: key.to_owned(), remote, applied: Map::new(), reason });
    true
}

/// The scalar fields that the record owns: path, desired value.
fn scalars<'d>(draft: &Draft<'d>) -> Vec<(&'static str, &'d str)> {
    let desired = draft.input.desired;
    let name = desired.name.as_ref();
    let fields = [
        ("name.first", name.and_then(|name| name.first.as_deref())),
        ("name.last", name.and_then(|name| name.last.as_deref())),
        ("name.preferred", name.and_then(|name| name.preferred.as_deref())),
        ("company", desired.company.as_deref()),
        ("title", desired.title.as_deref()),
    ];
    fields.into_iter().filter_map(|(path, value)| Some((path, value?))).collect()
}

fn lists<'d>(draft: &Draft<'d>) -> Vec<(List, &'d [DesiredContact])> {
    let desired = draft.input.desired;
    let fields = [(List::Emails, &desired.emails), (List::Phones, &desired.phones), (List::Links, &desired.links)];
    fields.into_iter().filter_map(|(list, contacts)| Some((list, contacts.as_deref()?))).collect()
}

/// Puts a value at a path that is one level deep at most.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        Some((outer, inner)) => {
            let entry = object.entry(outer.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Some(entry) = entry.as_object_mut() {
                entry.insert(inner.to_owned(), value);
            }
        }
        None => {
            object.insert(path.to_owned(), value);
        }
    }
}

fn create(draft: &mut Draft<'_>) {
    let key = draft.input.desired.key.clone();
    let Some(rule) = draft.operation(&key, "candidates.create") else {
        draft.block(&key, "NotSupported", format!("{key}: the adapter cannot make candidates"));
        return;
    };
    let mut step = step(rule, &key, "nobody in the ATS has one of its e-mail addresses".to_owned());
    let mut applied = Map::new();
    for (path, value) in scalars(draft) {
        if !value.is_empty() {
            put(&mut step.input, path, json!(value));
            step.fields.push(FieldChange { field: path.to_owned(), before: Value::Null, after: json!(value) });
            applied.insert(path.to_owned(), json!(value));
        }
    }
    for (list, contacts) in lists(draft) {
        let (entries, base) = contacts::create(Compared::by(draft.input.manifest, list), contacts);
        if !entries.is_empty() {
            step.fields.push(FieldChange {
                field: list.field().to_owned(),
                before: Value::Null,
                after: json!(values(&entries)),
            });
            step.input.insert(list.field().to_owned(), Value::Array(entries));
        }
        contacts::record_applied(&mut applied, list, base);
    }
    if let Some(private) = draft.input.desired.private {
        step.input.insert("private".to_owned(), json!(private));
    }
    let customs =
        create_customs(draft, &key, "candidate", &draft.input.desired.custom_fields, &mut step.fields, &mut applied);
    customs.join(&mut step.input, &mut step.after);
    step.makes.insert("subject".to_owned(), key.clone());
    step.applied.insert(key, applied);
    step.look_first = true;
    step.calls += 1;
    draft.plan.steps.push(step);
}

/// Acts on a decision: notes the change and the base, or says why not. True when the field is to be written.
#[allow(clippy::too_many_arguments, reason = "one place for all fields keeps the words of a plan alike")]
pub(super) fn follow<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    path: &str,
    decision: Decision,
    observed: &Value,
    desired: &Value,
    fields: &mut Vec<FieldChange>,
    applied: &mut Map<String, Value>,
) -> bool {
    let had_base = applied.contains_key(path);
    match decision {
        Decision::Write => {
            fields.push(FieldChange { field: path.to_owned(), before: observed.clone(), after: desired.clone() });
            applied.insert(path.to_owned(), desired.clone());
            true
        }
        Decision::InStep => {
            applied.insert(path.to_owned(), desired.clone());
            false
        }
        Decision::Drifted if !had_base => {
            let message = format!(
                "{host}: `{path}` was {} in the ATS before it was linked; that stands (policy yield)",
                shown(observed)
            );
            draft.say(FindingKind::Drifted, host, "WasThere", message);
            false
        }
        Decision::Drifted => {
            let message = format!("{host}: `{path}` was changed in the ATS; their value stands (policy yield)");
            draft.say(FindingKind::Drifted, host, "ChangedInAts", message);
            false
        }
        Decision::Conflict => {
            let message = format!(
                "{host}: `{path}` was changed in the ATS and in the desired record; nothing is written until one of them gives way (or the policy is enforce)"
            );
            draft.say(FindingKind::Conflict, host, "ChangedByBoth", message);
            false
        }
        Decision::Leave => false,
    }
}

/// Whether two texts are the same.
pub(super) fn is_same_text(one: &str, other: &str) -> bool {
    normal::text(one) == normal::text(other)
}

/// Whether the desired record names the field. What was released has no base any more: should it be named again, the engine meets it as
/// it meets a stranger's value.
fn owns(desired: &atsync_model::desired::DesiredCandidate, path: &str) -> bool {
    let name = desired.name.as_ref();
    match path {
        "name.first" => name.is_some_and(|name| name.first.is_some()),
        "name.last" => name.is_some_and(|name| name.last.is_some()),
        "name.preferred" => name.is_some_and(|name| name.preferred.is_some()),
        "company" => desired.company.is_some(),
        "title" => desired.title.is_some(),
        "emails" => desired.emails.is_some(),
        "phones" => desired.phones.is_some(),
        "links" => desired.links.is_some(),
        _ => path.strip_prefix("custom_fields.").is_none_or(|key| desired.custom_fields.contains_key(key)),
    }
}

fn update(draft: &mut Draft<'_>, record: &Record) {
    let key = draft.input.desired.key.clone();
    let base = draft.input.links.get(&key).map(|link| link.applied.clone()).unwrap_or_default();
    let mut applied = base.clone();
    applied.retain(|path, _| owns(draft.input.desired, path));
    let mut fields = Vec::new();
    let (mut set, mut add, mut remove) = (Map::new(), Map::new(), Map::new());
    for (path, value) in scalars(draft) {
        let last = base.get(path).and_then(Value::as_str);
        if !record.knows(path) {
            draft.is_shown(&key, kinds::CANDIDATES, path, last.is_some_and(|last| is_same_text(last, value)));
            continue;
        }
        let observed = record.text(path).unwrap_or_default();
        let before = if observed.is_empty() { Value::Null } else { json!(observed) };
        let comparison = Comparison {
            observed_is_desired: is_same_text(observed, value) || equal::holds(&base, path, &before, &json!(value)),
            observed_is_empty: observed.trim().is_empty(),
            has_base: last.is_some(),
            observed_is_base: last
                .is_some_and(|last| is_same_text(last, observed) || equal::holds(&base, path, &before, &json!(last))),
            desired_is_base: last.is_some_and(|last| is_same_text(last, value)),
        };
        let wanted = json!(value);
        let told = Values { desired: &wanted, applied: base.get(path), observed: &before };
        let decision = draft.decide(&key, path, comparison, &told);
        if follow(draft, &key, path, decision, &before, &wanted, &mut fields, &mut applied) {
            put(&mut set, path, json!(value));
        }
    }
    for (list, contacts) in lists(draft) {
        if !record.knows(list.field()) {
            draft.is_shown(&key, kinds::CANDIDATES, list.field(), base.contains_key(list.field()));
            continue;
        }
        let policy = draft.policy(list.field());
        let mut planned =
            contacts::plan(Compared::by(draft.input.manifest, list), contacts, record, base.get(list.field()), policy);
        let missing: Vec<&str> =
            values(&planned.add).into_iter().chain(planned.drifted.iter().map(|value| value.trim())).collect();
        let there = json!(values(record.list(list.field())));
        if !missing.is_empty() && equal::holds(&base, list.field(), &there, &json!(missing)) {
            planned.add.clear();
            planned.drifted.clear();
            planned.applied = base.get(list.field()).cloned().unwrap_or_default();
        }
        let decision = match &planned {
            planned if !planned.add.is_empty() || !planned.remove.is_empty() => Decision::Write,
            planned if !planned.drifted.is_empty() => Decision::Drifted,
            _ => Decision::InStep,
        };
        let wanted = json!(contacts.iter().map(DesiredContact::value).collect::<Vec<_>>());
        let told = Values { desired: &wanted, applied: base.get(list.field()), observed: &there };
        draft.tell(&key, list.field(), decision, &told);
        for value in &planned.drifted {
            let message =
                format!("{key}: {value} was taken out of `{}` in the ATS; it stays out (policy yield)", list.field());
            draft.say(FindingKind::Drifted, &key, "RemovedInAts", message);
        }
        for (entries, what) in [(&planned.add, &mut add), (&planned.remove, &mut remove)] {
            if !entries.is_empty() {
                what.insert(list.field().to_owned(), Value::Array(entries.clone()));
            }
        }
        if !planned.add.is_empty() || !planned.remove.is_empty() {
            let after = json!({ "add": values(&planned.add), "remove": values(&planned.remove) });
            fields.push(FieldChange {
                field: list.field().to_owned(),
                before: json!(values(record.list(list.field()))),
                after,
            });
        }
        contacts::record_applied(&mut applied, list, planned.applied);
    }
    let customs =
        update_customs(draft, &key, "candidate", &draft.input.desired.custom_fields, record, &mut fields, &mut applied);
    if fields.is_empty() {
        rebase(draft, &key, record, applied, &base);
        return;
    }
    let Some(rule) = draft.operation(&key, "candidates.update") else { return };
    let mut step = step(rule, &key, "its fields differ from what is desired".to_owned());
    step.target = Some(record.remote());
    for (name, part) in [("set", set), ("add", add), ("remove", remove)] {
        if !part.is_empty() {
            step.input.insert(name.to_owned(), Value::Object(part));
        }
    }
    if !customs.is_empty() {
        unseen_customs(draft, &key, "candidate", rule, record, &customs);
    }
    customs.join(&mut step.input, &mut step.after);
    step.fields = fields;
    step.applied.insert(key, applied);
    draft.plan.steps.push(step);
}

/// Records a new base without a request: what was found in step is the base from now on.
pub(super) fn rebase<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    record: &Record,
    applied: Map<String, Value>,
    base: &Map<String, Value>,
) {
    if let Some(adoption) = draft.plan.adoptions.iter_mut().find(|adoption| adoption.host == host) {
        adoption.applied = applied;
    } else if applied != *base {
        let reason = "it is in step".to_owned();
        draft.plan.adoptions.push(Adoption { host: host.to_owned(), remote: record.remote(), applied, reason });
    }
}

fn tags(draft: &mut Draft<'_>, person: &Person<'_>) {
    let key = draft.input.desired.key.clone();
    let prefix = format!("{key}/tags/");
    let Some(wanted) = &draft.input.desired.tags else {
        // Released as a whole: the tags stay where they are, and are nobody's from now on.
        let links = draft.input.links.range(prefix.clone()..);
        let released = links.map(|(host, _)| host).take_while(|host| host.starts_with(&prefix));
        draft.plan.releases.extend(released.cloned());
        return;
    };
    let there: Vec<(String, String)> = match person {
        Person::There(record) => {
            let Some(rows) = draft.lookup(kinds::APPLIED_TAGS, index::CANDIDATE, &record.id) else { return };
            rows.iter().filter_map(|row| Some((row.text("tag.id")?.to_owned(), row.id.clone()))).collect()
        }
        Person::ToBeMade => Vec::new(),
    };
    let mut wanted_paths = Vec::new();
    for name in wanted {
        let host = format!("{key}/tags/{name}");
        if wanted_paths.contains(&host) {
            continue;
        }
        wanted_paths.push(host.clone());
        tag(draft, person, name, &host, &there);
    }
    // A tag that the engine put there and that is no longer desired is taken off again.
    for (host, link) in draft.input.links.range(prefix.clone()..) {
        if !host.starts_with(&prefix) {
            break;
        }
        if wanted_paths.contains(host) {
            continue;
        }
        let stands = there.iter().any(|(_, row)| *row == link.remote.id);
        if !stands || link.how == crate::store::LinkHow::Adopted {
            // Gone, or somebody else's: there is nothing to take off.
            draft.plan.releases.push(host.clone());
            continue;
        }
        let Some(rule) = draft.operation(host, "applied_tags.delete") else { continue };
        let mut step = step(rule, host, "the tag is no longer desired".to_owned());
        step.target = Some(link.remote.clone());
        draft.plan.steps.push(step);
    }
}

fn tag(draft: &mut Draft<'_>, person: &Person<'_>, name: &str, host: &str, there: &[(String, String)]) {
    let key = draft.input.desired.key.clone();
    let Some(known) = draft.lookup(kinds::TAGS, index::NAME, name) else { return };
    // Tags are told apart by case, the index is not.
    let called = |tag: &&Arc<Record>, name: &str| tag.text("name").is_some_and(|held| normal::is_option(held, name));
    let exact = known.iter().find(|tag| tag.text("name") == Some(name));
    let known = exact.or_else(|| known.iter().find(|tag| called(tag, name)));
    let link = draft.input.links.get(host);
    if let Some(known) = known
        && let Some((_, row)) = there.iter().find(|(tag, _)| *tag == known.id)
    {
        if link.is_none() {
            let remote = RemoteRef::new(kinds::APPLIED_TAGS, row);
            let reason = "the tag is there".to_owned();
            draft.plan.adoptions.push(Adoption { host: host.to_owned(), remote, applied: Map::new(), reason });
        }
        tell_tag(draft, host, name, Decision::InStep);
        return;
    }
    if link.is_some() && draft.policy("tags") != Policy::Enforce {
        let message = format!("{key}: the tag {name:?} was taken off in the ATS; it stays off (policy yield)");
        draft.say(FindingKind::Drifted, host, "RemovedInAts", message);
        tell_tag(draft, host, name, Decision::Drifted);
        return;
    }
    tell_tag(draft, host, name, Decision::Write);
    let shared = format!("{SHARED_PREFIX}tags/{name}");
    let mut after = person.after(&key);
    let tag_id = match known {
        Some(known) => Value::String(known.id.clone()),
        None => {
            let Some(rule) = draft.operation(host, "tags.create") else { return };
            let mut step = step(rule, &shared, "the ATS has no such tag".to_owned());
            step.input.insert("name".to_owned(), json!(name));
            step.fields.push(FieldChange { field: "name".to_owned(), before: Value::Null, after: json!(name) });
            step.makes.insert("subject".to_owned(), shared.clone());
            draft.shared.push(step);
            after.push(shared.clone());
            made(&shared)
        }
    };
    let Some(rule) = draft.operation(host, "applied_tags.create") else { return };
    let mut step = step(rule, host, "the candidate does not carry the tag".to_owned());
    step.input.insert("candidate".to_owned(), person.id(&key));
    step.input.insert("tag".to_owned(), tag_id);
    step.fields.push(FieldChange { field: "tags".to_owned(), before: Value::Null, after: json!(name) });
    step.makes.insert("subject".to_owned(), host.to_owned());
    step.after = after;
    draft.plan.steps.push(step);
}

fn tell_tag(draft: &mut Draft<'_>, host: &str, name: &str, decision: Decision) {
    let applied = draft.input.links.contains_key(host).then(|| json!(name));
    let observed = if decision == Decision::InStep { json!(name) } else { Value::Null };
    let told = Values { desired: &json!(name), applied: applied.as_ref(), observed: &observed };
    draft.tell(host, "tags", decision, &told);
}

fn notes(draft: &mut Draft<'_>, person: &Person<'_>) {
    let key = draft.input.desired.key.clone();
    for note in &draft.input.desired.notes {
        let host = format!("{key}/notes/{}", note.key);
        if draft.input.links.contains_key(&host) {
            continue;
        }
        let Some(rule) = draft.operation(&host, "notes.create") else { continue };
        let mut step = step(rule, &host, "it has not been left yet".to_owned());
        step.after = person.after(&key);
        step.input.insert("candidate".to_owned(), person.id(&key));
        if let Some(application) = &note.application {
            let path = format!("{key}/applications/{application}");
            match draft.input.links.get(&path) {
                Some(link) => {
                    step.input.insert("application".to_owned(), json!(link.remote.id));
                }
                None => {
                    step.input.insert("application".to_owned(), made(&path));
                    step.after.push(path);
                }
            }
        }
        let visibility = match note.visibility {
            Visibility::Public => "public",
            Visibility::Private => "private",
            Visibility::AdminOnly => "admin_only",
        };
        step.input.insert("body".to_owned(), json!(note.body));
        step.input.insert("visibility".to_owned(), json!(visibility));
        step.fields.push(FieldChange { field: "body".to_owned(), before: Value::Null, after: json!(note.body) });
        step.makes.insert("subject".to_owned(), host);
        // A person made in the same run cannot carry the note yet; on any other somebody may have left it.
        step.look_first = matches!(person, Person::There(_));
        step.calls += u32::from(step.look_first);
        draft.plan.steps.push(step);
    }
}
