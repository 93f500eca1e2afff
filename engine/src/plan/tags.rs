//! Tags on a candidate: put on, left, taken off. Pure.
//!
//! # One fact, observed twice
//! That a candidate carries a tag shows in two places: the tag's own row (`applied_tags`), and the
//! candidate's list. Lists of rows do not show what was taken off, and a candidate's list may be
//! older than its rows, so neither is believed against the other: where they disagree, the one that
//! says that the tag is there is read once more by its id ([`Draft::confirmed`]), and that decides.
//! The question costs a request only for a tag about which they disagree; after the engine put one
//! on, both are read.
//!
//! # New candidates
//! Where the request that makes the candidate takes `tags`, they go with it and cost nothing. The
//! base of the candidate then says which tags were carried, and whether they were seen since: one
//! that was never seen did not come about and is put on by itself; one that was seen was taken off
//! by somebody.
//!
//! # Erased
//! A tag is a label and not the person's own word, and taking one off is an everyday gesture:
//! `enforce` puts a single one back. Where several went together and none is left, or where other
//! data of the candidate were emptied too, it looks like an erasure, and no policy puts them back
//! ([`super::erasure`]).
//!
//! What is no longer declared is taken off again only where the engine put it on.

use super::above::Above;
use super::field::amend;
use super::fields::Making;
use super::ownership::Decision;
use super::story::Values;
use super::{
    Adoption, Draft, FieldChange, FindingKind, Record, account, erasure, made, step, unseen,
};
use crate::index;
use crate::link::{LinkHow, LinkRow};
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::Policy;
use atsync_model::manifest::OperationRule;
use atsync_model::{kinds, normal};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The member of a candidate's base that has the tags that its creation carried, and what is known
/// of each.
const CARRIED: &str = "tags";
/// Carried, and not seen yet.
const SENT: &str = "sent";
/// Carried, and seen on the candidate since.
const SEEN: &str = "seen";

/// Whether the engine put on the tag of this link.
pub(super) fn is_ours(link: &LinkRow) -> bool {
    link.how != LinkHow::Adopted || link.applied.contains_key(CARRIED)
}

/// The link of a tag, unless the engine took the tag off.
fn standing<'a>(draft: &Draft<'a>, path: &str) -> Option<&'a LinkRow> {
    draft.input.links.get(path).filter(|link| !unseen::is_removed(link))
}

/// Whether the candidate had a tag that the engine did not take off: what is off now was taken off
/// by somebody.
fn had(draft: &Draft<'_>, carried: &Map<String, Value>, name: &str, path: &str) -> bool {
    match draft.input.links.get(path) {
        Some(link) => !unseen::is_removed(link),
        None => carried.get(name).and_then(Value::as_str) == Some(SEEN),
    }
}

/// The tags that the creation of the candidate carried, and whether each was seen since.
fn carried(draft: &Draft<'_>) -> Map<String, Value> {
    let base =
        draft.input.links.get(&draft.input.desired.key).and_then(|link| link.applied.get(CARRIED));
    base.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Puts the tags into the step that makes the candidate, where the ATS takes them with it.
pub(super) fn carry(draft: &mut Draft<'_>, rule: &OperationRule, making: &mut Making) {
    let desired = draft.input.desired;
    if !rule.fields.iter().any(|field| field.name == "tags") {
        return;
    }
    let mut names: Vec<String> = Vec::new();
    for name in desired.tags.iter().flatten() {
        let Some(name) = spelling_in_ats(draft, name) else { return };
        if !names.iter().any(|known| normal::is_option(known, &name)) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return;
    }
    making.set("tags", json!(names), json!(names));
    let sent: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(SENT))).collect();
    making.applied.insert(CARRIED.to_owned(), Value::Object(sent));
}

/// What is known of the tags on the candidate.
struct Known<'a> {
    record: &'a Arc<Record>,
    rows: &'a [Arc<Record>],
    /// The candidate had several of the wanted tags, and shows none any more.
    are_gone: bool,
}

impl<'a> Known<'a> {
    /// Whether the candidate's own list has the tag; none where the candidate shows no tags.
    fn lists(&self, name: &str) -> Option<bool> {
        lists(self.record, name)
    }

    fn row(&self, tag: &str) -> Option<&'a Arc<Record>> {
        self.rows.iter().find(|row| row.text("tag.id") == Some(tag))
    }
}

fn lists(record: &Record, name: &str) -> Option<bool> {
    let shown = |tag: &Value| {
        tag.as_str().or_else(|| tag.get("name").and_then(Value::as_str)).map(str::to_owned)
    };
    let named = |tag: &Value| shown(tag).is_some_and(|held| normal::is_option(&held, name));
    record.knows("tags").then(|| record.list("tags").iter().any(named))
}

/// Where a desired tag stands.
enum Stands {
    /// On the candidate, in this row.
    There(RemoteRef),
    /// On the candidate; its row is not known yet.
    Listed,
    /// Not on the candidate.
    Off,
}

/// Plans the tags of the desired record.
pub(super) fn plan(draft: &mut Draft<'_>, person: &Above<'_>) {
    let desired = draft.input.desired;
    let prefix = path::all_below(&desired.key, path::TAGS);
    let Some(wanted) = &desired.tags else {
        // Released as a whole: the tags stay where they are, and are nobody's from now on.
        let links = draft.input.links.range(prefix.clone()..);
        let released = links.map(|(path, _)| path).take_while(|path| path.starts_with(&prefix));
        draft.plan.releases.extend(released.cloned());
        return;
    };
    let mut names: Vec<String> = Vec::new();
    for name in wanted {
        draft.account(&desired.key, &account::item("tags", name));
        let name = spelling(draft, &prefix, name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let known = match person.record {
        Some(record) => {
            let Some(rows) = draft.lookup(kinds::APPLIED_TAGS, index::CANDIDATE, &record.id) else {
                return;
            };
            let carried = carried(draft);
            let shows_none =
                if record.knows("tags") { record.list("tags").is_empty() } else { rows.is_empty() };
            let had =
                names.iter().filter(|name| had(draft, &carried, name, &format!("{prefix}{name}")));
            let several = had.count() > 1;
            Some(Known {
                record,
                rows,
                are_gone: shows_none && several && !draft.is_base_of_another(&desired.key),
            })
        }
        None => None,
    };
    for name in &names {
        one(draft, person, known.as_ref(), name, &format!("{prefix}{name}"));
    }
    if let Some(known) = known {
        take_off(draft, &known, &prefix, &names);
    }
}

/// The spelling by which a tag is known for the record: that of its link or of what was carried,
/// else the model's form. Spellings that the model takes for one are one tag, however each is
/// declared.
fn spelling(draft: &Draft<'_>, prefix: &str, name: &str) -> String {
    let links = draft.input.links.range(prefix.to_owned()..).map(|(path, _)| path);
    let linked = links
        .map_while(|path| path.strip_prefix(prefix))
        .find(|known| normal::is_option(known, name));
    let known = linked.map(str::to_owned);
    let known = known.or_else(|| {
        carried(draft)
            .into_iter()
            .map(|(known, _)| known)
            .find(|known| normal::is_option(known, name))
    });
    known.unwrap_or_else(|| normal::label(name))
}

/// The spelling in which a tag is sent to the ATS by name: its own where it has the tag, else the
/// model's form, which all records share. An ATS that tells spellings apart makes a tag of each.
/// None while facts are missing.
fn spelling_in_ats(draft: &mut Draft<'_>, name: &str) -> Option<String> {
    let held = match draft.input.manifest.kind(kinds::TAGS) {
        Some(_) => tag_named(draft, name)?.and_then(|tag| tag.text("name")),
        None => None,
    };
    Some(held.map_or_else(|| normal::label(name), str::to_owned))
}

/// Where the tag stands. None while facts are missing.
fn stands(draft: &mut Draft<'_>, known: &Known<'_>, name: &str, path: &str) -> Option<Stands> {
    let link = draft.input.links.get(path);
    let linked = link.filter(|link| known.rows.iter().any(|row| row.id == link.remote.id));
    let row = match linked {
        Some(link) => Some(link.remote.clone()),
        None => tag_named(draft, name)?.and_then(|tag| known.row(&tag.id)).map(|row| row.remote()),
    };
    match (row, known.lists(name)) {
        (Some(row), _) if link.is_some_and(unseen::is_removed) => {
            Some(if draft.confirmed(&row)?.is_some() { Stands::There(row) } else { Stands::Off })
        }
        // What is stored of it may be older than its removal.
        (Some(row), Some(false)) => {
            Some(if draft.confirmed(&row)?.is_some() { Stands::There(row) } else { Stands::Off })
        }
        (Some(row), _) => Some(Stands::There(row)),
        // Its row is not known. A candidate that was read before the tag was taken off shows it
        // still.
        (None, Some(true)) if link.is_some() || !carried(draft).contains_key(name) => {
            let candidate = draft.confirmed(&known.record.remote())?;
            let still = candidate.is_some_and(|record| lists(record, name) == Some(true));
            Some(if still { Stands::Listed } else { Stands::Off })
        }
        (None, Some(true)) => Some(Stands::Listed),
        (None, _) => Some(Stands::Off),
    }
}

/// The ATS's tag of this name. Tags are told apart by case, the index is not. The outer option is
/// none while facts are missing.
fn tag_named<'a>(draft: &mut Draft<'a>, name: &str) -> Option<Option<&'a Arc<Record>>> {
    let tags = draft.lookup(kinds::TAGS, index::NAME, name)?;
    let called =
        |tag: &&Arc<Record>| tag.text("name").is_some_and(|held| normal::is_option(held, name));
    Some(
        tags.iter().find(|tag| tag.text("name") == Some(name)).or_else(|| tags.iter().find(called)),
    )
}

fn one(
    draft: &mut Draft<'_>,
    person: &Above<'_>,
    known: Option<&Known<'_>>,
    name: &str,
    path: &str,
) {
    let key = draft.input.desired.key.clone();
    let Some(known) = known else {
        tell(draft, path, name, Decision::Write);
        let is_carried =
            draft.plan.steps.iter().any(|step| step.host == key && step.input.contains_key("tags"));
        if !is_carried {
            put_on(draft, person, name, path);
        }
        return;
    };
    let all_carried = carried(draft);
    let carried = all_carried.get(name).and_then(Value::as_str).map(str::to_owned);
    let link = draft.input.links.get(path);
    match stands(draft, known, name, path) {
        None => {}
        // The engine took it off, and the ATS may show that late: this read says nothing yet.
        Some(Stands::There(_))
            if link.is_some_and(unseen::is_removed) && !draft.has_settled(path) =>
        {
            draft.say_not_shown_yet(path, "tags");
            tell(draft, path, name, Decision::InStep);
        }
        Some(Stands::There(remote)) => {
            if link.is_none_or(|link| link.remote != remote || unseen::is_removed(link)) {
                // What the engine put on needs no word.
                let reason = carried.is_none().then(|| "the tag is there".to_owned());
                let mut applied = link.map(unseen::without_removed).unwrap_or_default();
                if carried.is_some() {
                    applied.insert(CARRIED.to_owned(), json!(SEEN));
                }
                draft.plan.adoptions.push(Adoption {
                    host: path.to_owned(),
                    remote,
                    applied,
                    reason,
                });
            }
            mark(draft, known.record, name, false);
            seen(draft, known.record, name, carried.as_deref());
            tell(draft, path, name, Decision::InStep);
        }
        Some(Stands::Listed) => {
            draft.plan.look_again |= link.is_none();
            mark(draft, known.record, name, false);
            seen(draft, known.record, name, carried.as_deref());
            tell(draft, path, name, Decision::InStep);
        }
        Some(Stands::Off) => {
            let was_there = had(draft, &all_carried, name, path);
            let is_erased = was_there && is_erased(draft, known, name);
            if is_erased && draft.has_settled(path) {
                mark(draft, known.record, name, true);
            }
            match draft.policy("tags") {
                Policy::Enforce if is_erased => {
                    draft.say_erased_entries(path, "tags", &[name.to_owned()]);
                    tell(draft, path, name, Decision::Erased);
                    return;
                }
                Policy::Enforce => {}
                Policy::Yield if !was_there => {}
                Policy::Yield => {
                    let message = format!(
                        "{key}: the tag {name:?} was taken off in the ATS; it stays off (policy \
                         yield)"
                    );
                    draft.say(FindingKind::Drifted, path, Reason::RemovedInAts, message);
                    tell(draft, path, name, Decision::Drifted);
                    return;
                }
                policy => {
                    // `fill` writes what is empty: a candidate without any tag.
                    let is_empty = known.rows.is_empty() && known.record.list("tags").is_empty();
                    if policy == Policy::Seed || was_there || !is_empty {
                        let word = super::defaults::word(policy);
                        let message = format!(
                            "{key}: `tags` of the ATS lacks {name:?}; it stays so (policy {word}; \
                             `enforce` puts it on)"
                        );
                        draft.say(FindingKind::Note, path, Reason::LeftAlone, message);
                        tell(draft, path, name, Decision::Leave);
                        return;
                    }
                }
            }
            tell(draft, path, name, Decision::Write);
            put_on(draft, person, name, path);
        }
    }
}

/// Whether a tag that is off looks erased.
fn is_erased(draft: &Draft<'_>, known: &Known<'_>, name: &str) -> bool {
    let base = draft.input.links.get(&draft.input.desired.key).map(|link| &link.applied);
    let is_marked = base.is_some_and(|base| erasure::is_marked(base, &account::item("tags", name)));
    let shows_none =
        known.are_gone || (known.record.knows("tags") && known.record.list("tags").is_empty());
    is_marked || known.are_gone || (shows_none && (draft.is_erased || draft.has_erased))
}

/// Remembers of a tag that it was erased, or forgets it.
fn mark(draft: &mut Draft<'_>, record: &Record, name: &str, is_erased: bool) {
    let (key, field) = (draft.input.desired.key.clone(), account::item("tags", name));
    let base = draft.input.links.get(&key).map(|link| &link.applied);
    if base.is_some_and(|base| erasure::is_marked(base, &field)) != is_erased {
        amend(draft, &key, record, |applied| erasure::mark(applied, &field, is_erased));
    }
}

/// Remembers that a tag which the creation carried was seen.
fn seen(draft: &mut Draft<'_>, record: &Record, name: &str, carried: Option<&str>) {
    if carried == Some(SENT) {
        let key = draft.input.desired.key.clone();
        amend(draft, &key, record, |applied| {
            if let Some(tags) = applied.get_mut(CARRIED).and_then(Value::as_object_mut) {
                tags.insert(name.to_owned(), json!(SEEN));
            }
        });
    }
}

fn put_on(draft: &mut Draft<'_>, person: &Above<'_>, name: &str, path: &str) {
    let Some(tag) = tag_named(draft, name) else { return };
    let shared = path::shared(path::TAGS, &normal::label(name));
    let mut after = person.after();
    let tag_id = match tag {
        Some(tag) => Value::String(tag.id.clone()),
        None => {
            let Some(rule) = draft.operation(path, "tags.create") else { return };
            let mut step = step(rule, &shared, "the ATS has no such tag".to_owned());
            let label = json!(normal::label(name));
            step.input.insert("name".to_owned(), label.clone());
            step.fields.push(FieldChange {
                field: "name".to_owned(),
                before: Value::Null,
                after: label,
            });
            step.makes.insert("subject".to_owned(), shared.clone());
            draft.shared.push(step);
            after.push(shared.clone());
            made(&shared)
        }
    };
    let Some(rule) = draft.operation(path, "applied_tags.create") else { return };
    let mut step = step(rule, path, "the candidate does not carry the tag".to_owned());
    step.input.insert("candidate".to_owned(), person.id());
    step.input.insert("tag".to_owned(), tag_id);
    step.fields.push(FieldChange {
        field: "tags".to_owned(),
        before: Value::Null,
        after: json!(name),
    });
    step.makes.insert("subject".to_owned(), path.to_owned());
    step.after = after;
    draft.plan.steps.push(step);
}

/// A tag that the engine put there and that is no longer desired is taken off again.
fn take_off(draft: &mut Draft<'_>, known: &Known<'_>, prefix: &str, wanted: &[String]) {
    let links = draft.input.links;
    let below = links.range(prefix.to_owned()..).take_while(|(path, _)| path.starts_with(prefix));
    let named = |path: &str| path.get(prefix.len()..).unwrap_or_default().to_owned();
    let mut linked = Vec::new();
    for (path, link) in below {
        let name = named(path);
        if wanted.contains(&name) {
            continue;
        }
        let stands = known.rows.iter().any(|row| row.id == link.remote.id);
        let stands = match stands && unseen::is_removed(link) {
            true => {
                let Some(row) = draft.confirmed(&link.remote) else { return };
                row.is_some()
            }
            false => stands,
        };
        if stands && is_ours(link) {
            remove(draft, path, &link.remote);
        } else {
            // Gone, or somebody else's: there is nothing to take off.
            draft.plan.releases.push(path.clone());
        }
        linked.push(name);
    }
    let mut ended = Vec::new();
    for (name, _) in carried(draft).into_iter().filter(|(name, _)| !wanted.contains(name)) {
        if linked.contains(&name) {
            ended.push(name);
            continue;
        }
        let Some(tag) = tag_named(draft, &name) else { return };
        match tag.and_then(|tag| known.row(&tag.id)) {
            // Its removal is noted with a link: declared again before it shows, it is a new wish.
            Some(row) => {
                let (host, remote) = (format!("{prefix}{name}"), row.remote());
                let applied = json!({ CARRIED: SEEN }).as_object().cloned().unwrap_or_default();
                remove(draft, &host, &remote);
                draft.plan.adoptions.push(Adoption { host, remote, applied, reason: None });
            }
            None => ended.push(name),
        }
    }
    if !ended.is_empty() {
        let key = draft.input.desired.key.clone();
        amend(draft, &key, known.record, |applied| {
            if let Some(tags) = applied.get_mut(CARRIED).and_then(Value::as_object_mut) {
                tags.retain(|name, _| !ended.contains(name));
            }
        });
    }
}

fn remove(draft: &mut Draft<'_>, path: &str, row: &RemoteRef) {
    let Some(rule) = draft.operation(path, "applied_tags.delete") else { return };
    let mut step = step(rule, path, "the tag is no longer desired".to_owned());
    step.target = Some(row.clone());
    draft.plan.steps.push(step);
}

fn tell(draft: &mut Draft<'_>, path: &str, name: &str, decision: Decision) {
    draft.account(&draft.input.desired.key.clone(), &account::item("tags", name));
    let applied = standing(draft, path).map(|_| json!(name));
    let observed = if decision == Decision::InStep { json!(name) } else { Value::Null };
    let told = Values { desired: &json!(name), applied: applied.as_ref(), observed: &observed };
    draft.tell(path, "tags", decision, &told);
}
