//! A person: found or made, kept in step, and what hangs on them. Pure.
//!
//! Order of work: is there a link; if not, which candidate does the record's `id` name; if it names
//! none, who has the e-mail address; if nobody, a new record. Two people with the same address
//! block the record: the engine never guesses. What hangs on the person (tags, notes, applications)
//! follows.

use super::contacts::{self, Compared, List, values};
use super::field::{follow, is_same_text, not_shown, rebase, release};
use super::forms::{self, Kept};
use super::guard::Seen;
use super::ownership::{Comparison, Decision};
use super::person::Person;
use super::story::Values;
use super::values::{create_customs, foreign_contacts, unseen_customs, update_customs};
use super::{Adoption, Draft, FieldChange, FindingKind, Record};
use super::{account, application, contact_types, equal, erasure, note, step, tags};
use crate::index;
use crate::link::LinkHow;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{DesiredContact, Policy};
use atsync_model::{kinds, normal};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The contact lists of a candidate.
const LISTS: [&str; 3] = ["emails", "phones", "links"];
/// The fields whose every change is somebody's ([`super::guard`]).
const GUARDED: [&str; 6] =
    ["name.first", "name.last", "name.preferred", "company", "title", "private"];

/// Plans the person and what hangs on them.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(person) = find(draft) else { return };
    match &person {
        Person::There(record) => update(draft, record),
        Person::ToBeMade => create(draft),
    }
    tags::plan(draft, &person);
    application::plan(draft, &person);
    note::plan(draft, &person);
}

/// Linked, found by address, or to be made. None while facts are missing or after the record was
/// blocked.
fn find<'a>(draft: &mut Draft<'a>) -> Option<Person<'a>> {
    let key = draft.input.desired.key.clone();
    if let Some(link) = draft.input.links.get(&key) {
        let remote = link.remote.clone();
        if link.how == LinkHow::Yielded && !holds(draft, &key, &remote)? {
            return None;
        }
        let Some(record) = draft.observed(&remote)? else {
            if draft.facts.is_gone(&remote) {
                let message = gone(draft, &key, &remote)?;
                draft.block(&key, Reason::Deleted, message);
                return None;
            }
            let message = format!(
                "{key}: it is linked to {remote}, which the ATS does not show: deleted, merged, \
                 made private, or not visible yet; it goes on when the ATS shows it, and a sweep \
                 of candidates tells which"
            );
            draft.block(&key, Reason::NotVisible, message);
            return None;
        };
        if !is_named(draft, &key, &remote, link.how) {
            return None;
        }
        return may_be_written(draft, &key, record).then_some(Person::There(record));
    }
    if let Some(id) = &draft.input.desired.id {
        return named(draft, &key, &RemoteRef::new(kinds::CANDIDATES, id));
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
        [record] => adopt(draft, &key, record, "has the same e-mail address")
            .then_some(Person::There(record)),
        several => {
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).take(20).collect();
            let addresses: Vec<&str> = emails.iter().map(|email| email.value()).take(20).collect();
            let message = format!(
                "{key}: {} candidates in the ATS have the e-mail address {} (ids {}); merge them \
                 in the ATS, or correct the address, or name the one that is meant by `id`",
                several.len(),
                addresses.join(" or "),
                ids.join(", ")
            );
            draft.block(&key, Reason::AmbiguousCandidate, message);
            None
        }
    }
}

/// The candidate that the record names by its id: there, or the record is blocked. Nobody is made
/// in its place.
fn named<'a>(draft: &mut Draft<'a>, key: &str, remote: &RemoteRef) -> Option<Person<'a>> {
    let Some(record) = draft.observed(remote)? else {
        let message = if draft.facts.is_gone(remote) {
            format!(
                "{key}: {remote}, which its `id` names, was deleted or merged in the ATS; correct \
                 `id`, or leave it out"
            )
        } else {
            format!(
                "{key}: the ATS does not show {remote}, which its `id` names: deleted, merged, \
                 hidden, or forgotten here; correct `id`, or leave it out"
            )
        };
        draft.block(key, Reason::NotVisible, message);
        return None;
    };
    let is_its = may_be_written(draft, key, record)
        && adopt(draft, key, record, "is the one that `id` names");
    is_its.then_some(Person::There(record))
}

/// Whether a linked record's `id` names what it is linked to. A link that followed a merge leads
/// elsewhere by right.
fn is_named(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef, how: LinkHow) -> bool {
    let Some(id) = draft.input.desired.id.as_ref() else { return true };
    if *id == remote.id || matches!(how, LinkHow::Followed | LinkHow::Yielded) {
        return true;
    }
    let message = format!(
        "{key}: it is linked to {remote}, and its `id` is {id:?}; correct `id`, or abandon the \
         record before it is declared anew"
    );
    draft.block(key, Reason::LinkedElsewhere, message);
    false
}

/// Whether the person's data stand. Where they were erased nothing is written back, be it to a
/// linked person or to one found by an address.
fn may_be_written(draft: &mut Draft<'_>, key: &str, record: &Record) -> bool {
    let anonymised = record.value("privacy.anonymized").and_then(Value::as_bool) == Some(true);
    if anonymised {
        let message = format!(
            "{key}: {} was anonymised in the ATS; nothing is written back to it",
            record.remote()
        );
        draft.block(key, Reason::Anonymized, message);
    }
    !anonymised
}

/// What to say of a candidate who is no more. An ATS may tell a merge from a deletion by the
/// applications alone, which move; so whoever has one of the addresses now is named. None while
/// facts are missing.
fn gone(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef) -> Option<String> {
    let emails = draft.input.desired.emails.as_deref().unwrap_or_default();
    let mut there: BTreeSet<RemoteRef> = BTreeSet::new();
    for email in emails {
        let known = draft.lookup(kinds::CANDIDATES, index::EMAIL, email.value())?;
        there.extend(known.iter().map(|record| record.remote()));
    }
    let mut there = there.into_iter().filter(|record| record != remote);
    let on = match (there.next(), there.next()) {
        (Some(one), None) => format!(
            "{one} has the e-mail address: if it was merged into that one, link the record to it \
             (`Connection::link`), or declare it under another key"
        ),
        _ => "stop declaring it, or declare it under another key to have it made again".to_owned(),
    };
    Some(format!(
        "{key}: {remote} was deleted in the ATS, or merged into another candidate, and is not made \
         again by itself; {on}"
    ))
}

/// Whether a record may use the candidate that its own was merged into: no other record is linked
/// to it, or the one that was is no longer declared and this record is next in order. None while
/// facts are missing.
fn holds(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef) -> Option<bool> {
    let hosts = draft.linked_to(remote)?;
    let Some(holder) = hosts.first().filter(|host| host.as_str() != key).cloned() else {
        return Some(true);
    };
    let message = format!(
        "{key}: its candidate was merged into {remote}, which {holder} holds; nothing is written \
         for it. Make them one record, or stop declaring one of them"
    );
    draft.block(key, Reason::Merged, message);
    Some(false)
}

/// Two desired records must not make the same person twice.
fn claim(draft: &mut Draft<'_>, key: &str, emails: &[DesiredContact]) -> bool {
    let other = emails.iter().find_map(|email| {
        let claimed = draft.facts.claimed_by(email.value())?;
        (claimed != key).then(|| (email.value().to_owned(), claimed.to_owned()))
    });
    let Some((email, other)) = other else { return true };
    let message = format!(
        "{key}: {other} declares a new candidate with the same e-mail address {email}; make them \
         one record"
    );
    draft.block(key, Reason::DuplicateDesired, message);
    false
}

/// Takes a candidate for the record's own. `why` completes "it …" in the plan's words.
fn adopt(draft: &mut Draft<'_>, key: &str, record: &Record, why: &str) -> bool {
    let remote = record.remote();
    let Some(others) = draft.linked_to(&remote) else { return false };
    if let Some(other) = others.iter().find(|host| host.as_str() != key) {
        let message =
            format!("{key}: {remote} {why} and is linked to {other} already; make them one record");
        draft.block(key, Reason::DuplicateDesired, message);
        return false;
    }
    let reason = format!("it {why}");
    draft.plan.adoptions.push(Adoption {
        host: key.to_owned(),
        remote,
        applied: Map::new(),
        reason: Some(reason),
    });
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

/// The contact lists that the record owns, each value once: a type that is given with one of its
/// repetitions counts.
fn lists(draft: &Draft<'_>) -> Vec<(List, Vec<DesiredContact>)> {
    let desired = draft.input.desired;
    let fields = [
        (List::Emails, &desired.emails),
        (List::Phones, &desired.phones),
        (List::Links, &desired.links),
    ];
    let once = |list: List, contacts: &[DesiredContact]| {
        let mut once: Vec<DesiredContact> = Vec::new();
        for contact in contacts {
            let normal = list.normal(contact.value());
            match once.iter_mut().find(|known| list.normal(known.value()) == normal) {
                Some(known) if known.kind().is_none() => *known = contact.clone(),
                Some(_) => {}
                None => once.push(contact.clone()),
            }
        }
        once
    };
    fields
        .into_iter()
        .filter_map(|(list, contacts)| Some((list, once(list, contacts.as_deref()?))))
        .collect()
}

/// Accounts for the values of a list, and for the types where the entries are written with them.
fn account_contacts(draft: &mut Draft<'_>, list: List, with_types: bool) {
    let desired = draft.input.desired;
    let contacts = match list {
        List::Emails => &desired.emails,
        List::Phones => &desired.phones,
        List::Links => &desired.links,
    };
    for contact in contacts.iter().flatten() {
        draft.account(&desired.key, &account::item(list.field(), contact.value()));
        draft.account(&desired.key, &account::entry(list.field(), contact.value(), "value"));
        if with_types {
            draft.account(&desired.key, &account::entry(list.field(), contact.value(), "type"));
        }
    }
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
        draft.block(
            &key,
            Reason::NotSupported,
            format!("{key}: the adapter cannot make candidates"),
        );
        return;
    };
    let reason = if draft.input.desired.emails.as_ref().is_none_or(Vec::is_empty) {
        "it names no `id` and no e-mail address that somebody in the ATS could be found by"
    } else {
        "nobody in the ATS has one of its e-mail addresses"
    };
    let mut step = step(rule, &key, reason.to_owned());
    let mut applied = Map::new();
    for (path, value) in scalars(draft) {
        // What is to be empty is so in a new record.
        draft.account(&key, path);
        if !value.is_empty() {
            put(&mut step.input, path, json!(value));
            step.fields.push(FieldChange {
                field: path.to_owned(),
                before: Value::Null,
                after: json!(value),
            });
            applied.insert(path.to_owned(), json!(value));
            forms::wrote(&mut applied, path, &Value::Null, &json!(value));
        }
    }
    for (list, contacts) in lists(draft) {
        let compared = Compared::by(draft.input.manifest, list);
        let (entries, mut base) = contacts::create(compared, &contacts);
        forms::began_empty(&mut base, &entries);
        with_types(&mut base, contact_types::written(compared, &contacts));
        account_contacts(draft, list, true);
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
        step.fields.push(FieldChange {
            field: "private".to_owned(),
            before: Value::Null,
            after: json!(private),
        });
        applied.insert("private".to_owned(), json!(private));
    }
    tags::carry(draft, rule, &mut step, &mut applied);
    let customs = create_customs(
        draft,
        &key,
        "candidate",
        &draft.input.desired.custom_fields,
        &mut step.fields,
        &mut applied,
    );
    customs.join(&mut step.input, &mut step.after);
    step.makes.insert("subject".to_owned(), key.clone());
    step.applied.insert(key, applied);
    step.look_first = true;
    // One look for each address: that is all that an ATS can be searched by.
    let addresses =
        step.input.get("emails").and_then(Value::as_array).map_or(1, |emails| emails.len().max(1));
    step.calls = step.calls.saturating_add(u32::try_from(addresses).unwrap_or(u32::MAX));
    draft.plan.steps.push(step);
}

/// Adds the types of a list to what is recorded as last applied.
fn with_types(base: &mut Value, types: Map<String, Value>) {
    if let (Some(base), false) = (base.as_object_mut(), types.is_empty()) {
        base.insert("types".to_owned(), Value::Object(types));
    }
}

/// Whether the desired record names the field. What was released has no base any more: should it be
/// named again, the engine meets it as it meets a stranger's value.
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
        "private" => desired.private.is_some(),
        "tags" => desired.tags.is_some(),
        _ => match path.strip_prefix("tags[").and_then(|tag| tag.strip_suffix(']')) {
            Some(tag) => desired.tags.iter().flatten().any(|wanted| normal::is_option(wanted, tag)),
            None => path
                .strip_prefix("custom_fields.")
                .is_none_or(|key| desired.custom_fields.contains_key(key)),
        },
    }
}

fn update(draft: &mut Draft<'_>, record: &Record) {
    let key = draft.input.desired.key.clone();
    let base = draft.input.links.get(&key).map(|link| link.applied.clone()).unwrap_or_default();
    if contacts::are_gone(record, &base) {
        draft.is_erased = true;
        let message = format!(
            "{key}: {} has no contact left in the ATS, so its data may have been erased; nothing \
             that was there is put back, whatever the policy",
            record.remote()
        );
        draft.say(FindingKind::Drifted, &key, Reason::ContactsGone, message);
    }
    let mut applied = base.clone();
    draft.take_base(&key, &mut applied);
    let desired = draft.input.desired;
    release(draft, &key, &mut applied, |path| owns(desired, path));
    let mut fields = Vec::new();
    let (mut set, mut add, mut remove) = (Map::new(), Map::new(), Map::new());
    let mut guards = Seen::default();
    for (path, value) in scalars(draft) {
        let last = base.get(path).and_then(Value::as_str);
        if !record.knows(path) {
            if draft.is_shown(
                &key,
                kinds::CANDIDATES,
                path,
                last.is_some_and(|last| is_same_text(last, value)),
            ) {
                not_shown(draft, &key, path);
            }
            draft.account(&key, path);
            continue;
        }
        let observed = record.text(path).unwrap_or_default();
        let before = if observed.is_empty() { Value::Null } else { json!(observed) };
        let comparison = Comparison {
            observed_is_desired: is_same_text(observed, value),
            observed_is_empty: observed.trim().is_empty(),
            has_base: last.is_some(),
            observed_is_base: last.is_some_and(|last| {
                is_same_text(last, observed) || equal::holds(&base, path, &before, &json!(last))
            }),
            desired_is_base: last.is_some_and(|last| is_same_text(last, value)),
        };
        let wanted = json!(value);
        let told = Values { desired: &wanted, applied: base.get(path), observed: &before };
        let decision = draft.decide(&key, path, comparison, &told);
        if follow(draft, &key, path, decision, &before, &wanted, &mut fields, &mut applied) {
            put(&mut set, path, json!(value));
        }
    }
    private(draft, &key, record, &base, &mut fields, &mut applied, &mut set);
    for (list, contacts) in lists(draft) {
        account_contacts(draft, list, !record.knows(list.field()));
        if !record.knows(list.field()) {
            if draft.is_shown(
                &key,
                kinds::CANDIDATES,
                list.field(),
                base.contains_key(list.field()),
            ) {
                not_shown(draft, &key, list.field());
            }
            continue;
        }
        let policy = draft.policy(list.field());
        let compared = Compared::by(draft.input.manifest, list);
        let last = base.get(list.field());
        let kept = Kept::of(draft, &key, compared, &contacts, record, last);
        let seen = kept.seen(record);
        let mut planned = contacts::plan(
            compared,
            &contacts,
            &seen,
            last,
            kept.is_of_another(draft, &key),
            policy,
        );
        let mut types = contact_types::plan(compared, &contacts, &seen, last, policy);
        if types.verdicts.iter().any(|verdict| verdict.kept_as_other) && !draft.has_settled(&key) {
            types.wait_for_first_sight(compared);
        }
        kept.spell(&mut planned, &mut types);
        guards.types(draft, list.field(), &types);
        tell_types(draft, &key, list, &types, policy, &mut fields);
        left_out(draft, &key, list, &contacts, &seen, &planned, policy);
        let missing: Vec<&str> = values(&planned.add)
            .into_iter()
            .chain(planned.away().map(|value| value.trim()))
            .collect();
        let there = json!(values(record.list(list.field())));
        if !missing.is_empty() && equal::holds(&base, list.field(), &there, &json!(missing)) {
            planned.add.clear();
            planned.drifted.clear();
            planned.erased.clear();
            planned.applied = base.get(list.field()).cloned().unwrap_or_default();
        }
        let decision = match &planned {
            planned if !planned.add.is_empty() || !planned.remove.is_empty() => Decision::Write,
            planned if !planned.erased.is_empty() => Decision::Erased,
            planned if !planned.drifted.is_empty() => Decision::Drifted,
            _ => Decision::InStep,
        };
        let wanted = json!(contacts.iter().map(DesiredContact::value).collect::<Vec<_>>());
        let told = Values { desired: &wanted, applied: base.get(list.field()), observed: &there };
        draft.tell(&key, list.field(), decision, &told);
        for value in &planned.drifted {
            let message = format!(
                "{key}: {value} was taken out of `{}` in the ATS; it stays out (policy yield)",
                list.field()
            );
            draft.say(FindingKind::Drifted, &key, Reason::RemovedInAts, message);
        }
        if planned.applied.get("erased").is_some() && !draft.has_settled(&key) {
            planned.forget_erased(base.get(list.field()));
        }
        if !planned.erased.is_empty() {
            draft.has_erased = true;
            draft.say_erased_entries(&key, list.field(), &planned.erased);
        }
        let both =
            |one: &[Value], other: &[Value]| one.iter().chain(other).cloned().collect::<Vec<_>>();
        for (entries, what) in [
            (both(&planned.add, &types.add), &mut add),
            (both(&planned.remove, &types.remove), &mut remove),
        ] {
            if !entries.is_empty() {
                what.insert(list.field().to_owned(), Value::Array(entries));
            }
        }
        with_types(&mut planned.applied, types.applied);
        kept.record(draft, &key, &mut planned);
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
    let mut customs = update_customs(
        draft,
        &key,
        "candidate",
        &draft.input.desired.custom_fields,
        record,
        &mut fields,
        &mut applied,
    );
    draft.has_erased |= erasure::is_noted(&applied);
    if fields.is_empty() {
        rebase(draft, &key, record, applied, &base);
        return;
    }
    let Some(rule) = draft.operation(&key, "candidates.update") else { return };
    let mut step = step(rule, &key, "its fields differ from what is desired".to_owned());
    step.target = Some(record.remote());
    let touched: Vec<&str> = LISTS
        .into_iter()
        .filter(|list| add.contains_key(*list) || remove.contains_key(*list))
        .collect();
    let mut others = foreign_contacts(draft, &key, rule, record, &touched);
    guards.extend(customs.take_seen());
    guards.changes(draft, &base, &fields, &GUARDED);
    guards.join(rule, &mut step.input);
    for (name, part) in [("set", set), ("add", add), ("remove", remove)] {
        if !part.is_empty() {
            step.input.insert(name.to_owned(), Value::Object(part));
        }
    }
    if !customs.is_empty() {
        others.extend(unseen_customs(draft, &key, "candidate", rule, record, &customs));
    }
    others.join(rule, &mut step.input);
    customs.join(&mut step.input, &mut step.after);
    step.fields = fields;
    step.applied.insert(key, applied);
    draft.plan.steps.push(step);
}

/// Who may see the candidate. Set at creation; see the policy for what happens to one that exists.
fn private(
    draft: &mut Draft<'_>,
    key: &str,
    record: &Record,
    base: &Map<String, Value>,
    fields: &mut Vec<FieldChange>,
    applied: &mut Map<String, Value>,
    set: &mut Map<String, Value>,
) {
    let Some(private) = draft.input.desired.private else { return };
    let Some(observed) = record.value("privacy.private").and_then(Value::as_bool) else {
        not_shown(draft, key, "private");
        return;
    };
    let last = base.get("private").and_then(Value::as_bool);
    let comparison = Comparison {
        observed_is_desired: observed == private,
        // Visible to everybody is how every candidate begins: nobody has decided yet.
        observed_is_empty: !observed,
        has_base: last.is_some(),
        observed_is_base: last == Some(observed),
        desired_is_base: last == Some(private),
    };
    let (wanted, there) = (json!(private), json!(observed));
    let told = Values { desired: &wanted, applied: base.get("private"), observed: &there };
    let decision = draft.decide(key, "private", comparison, &told);
    if follow(draft, key, "private", decision, &there, &wanted, fields, applied) {
        set.insert("private".to_owned(), wanted);
    }
}

/// Takes down what comes of the types of a list.
fn tell_types(
    draft: &mut Draft<'_>,
    key: &str,
    list: List,
    types: &contact_types::TypesPlan,
    policy: Policy,
    fields: &mut Vec<FieldChange>,
) {
    let field = list.field();
    // Those that are not there are added with their type, or are spoken of as a whole.
    account_contacts(draft, list, true);
    for verdict in &types.verdicts {
        let contact_types::TypeVerdict { value, desired, .. } = verdict;
        let shown = verdict.observed.as_deref().unwrap_or("none");
        match verdict.decision {
            Decision::Write => fields.push(FieldChange {
                field: verdict.place.clone(),
                before: json!(verdict.observed),
                after: json!(desired),
            }),
            Decision::InStep if verdict.kept_as_other => {
                let message = format!(
                    "{key}: the ATS keeps the type {desired} of {value} in `{field}` as {shown}"
                );
                draft.say(FindingKind::Note, key, Reason::KeptAsOther, message);
            }
            Decision::InStep => {}
            Decision::Drifted => {
                let message = format!(
                    "{key}: the type of {value} in `{field}` is {shown} in the ATS and not \
                     {desired}; theirs stands (policy yield)"
                );
                draft.say(FindingKind::Drifted, key, Reason::ChangedInAts, message);
            }
            Decision::Conflict => {
                let message = format!(
                    "{key}: the type of {value} in `{field}` was changed in the ATS (to {shown}) \
                     and in the desired record (to {desired}); nothing is written until one of \
                     them gives way (or the policy is enforce)"
                );
                draft.say(FindingKind::Conflict, key, Reason::ChangedByBoth, message);
            }
            // The entry is there, so nothing of it was erased.
            Decision::Erased => {}
            Decision::Leave => {
                let word = if policy == Policy::Fill { "fill" } else { "seed" };
                let message = format!(
                    "{key}: the type of {value} in `{field}` is {shown} in the ATS and not \
                     {desired}; it stays so (policy {word}; `enforce` writes it)"
                );
                draft.say(FindingKind::Note, key, Reason::LeftAlone, message);
            }
        }
    }
}

/// Says which declared entries are not there and stay away because the policy writes once.
fn left_out(
    draft: &mut Draft<'_>,
    key: &str,
    list: List,
    contacts: &[DesiredContact],
    record: &Record,
    planned: &contacts::ListPlan,
    policy: Policy,
) {
    let word = match policy {
        Policy::Seed => "seed",
        Policy::Fill => "fill",
        Policy::Enforce | Policy::Yield => return,
    };
    let there: Vec<String> =
        values(record.list(list.field())).iter().map(|value| list.normal(value)).collect();
    let added: Vec<String> = values(&planned.add).iter().map(|value| list.normal(value)).collect();
    let left: Vec<&str> = contacts
        .iter()
        .map(DesiredContact::value)
        .filter(|value| {
            let normal = list.normal(value);
            !there.contains(&normal) && !added.contains(&normal)
        })
        .collect();
    if !left.is_empty() {
        let message = format!(
            "{key}: `{}` of the ATS lacks {}; it stays so (policy {word}; `enforce` writes it)",
            list.field(),
            left.join(", ")
        );
        draft.say(FindingKind::Note, key, Reason::LeftAlone, message);
    }
}
