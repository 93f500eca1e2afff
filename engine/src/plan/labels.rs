//! The labels of a record, as the tags of a candidate: put on, left, taken off. Pure.
//!
//! # One fact, observed twice
//! That a candidate carries a tag shows in two places: the tag's own row (`applied_tags`), and the
//! candidate's list. Lists of rows do not show what was taken off, and a candidate's list may be
//! older than its rows, so neither outweighs the other: where they disagree, the one that says that
//! the tag is there is read once more by its id ([`Draft::confirmed`]), and that decides. This
//! costs a request only for a tag about which they disagree; after the engine put one on, both are
//! read.
//!
//! # New records
//! Where the request that makes the record takes its labels, they go with it and cost nothing. The
//! base of the record then says which labels were carried, and whether the ATS showed them since:
//! one that it never showed was not made and is put on by a step of its own; one that it showed was
//! taken off by somebody.
//!
//! # Erased
//! A label is not personal data by itself, and recruiters take single ones off every day: `enforce`
//! puts a single one back. Where several went together and none is left, or where other data of the
//! record were emptied too, they may have been erased, and no policy puts them back
//! ([`super::erasure`]).
//!
//! What is no longer declared is taken off only where the engine put it on.

use super::field::amend;
use super::fields::Creation;
use super::item::Item;
use super::lists::{self, links_below};
use super::ownership::{Decision, of_missing_entry};
use super::parent::Parent;
use super::{Adoption, Draft, FieldChange, Owned, Record, account, erasure, made, step, unseen};
use crate::index;
use crate::link::{LinkHow, LinkRow};
use crate::path;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::{Declarable, Labels};
use atsync_model::manifest::OperationRule;
use atsync_model::{normal, resource};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A label that the creation of its record carried, and that the ATS did not show yet.
const SENT: &str = "sent";
/// A label that the creation of its record carried, and that the ATS showed since.
const SEEN: &str = "seen";

/// The labels of one record.
struct List<'m, 'a> {
    of: &'static Declarable,
    /// The member that lists them. In the base of the record it has the labels that the creation
    /// carried, and what is known of each.
    place: &'static str,
    kinds: Labels,
    parent: &'m Parent<'a>,
    /// What the paths of the labels begin with.
    prefix: String,
    carried: Map<String, Value>,
}

/// What is known of the labels on a record that is there.
struct Known<'a> {
    record: &'a Arc<Record>,
    rows: &'a [Arc<Record>],
    /// The record had several of the wanted labels, and shows none any more.
    are_gone: bool,
}

/// Where a declared label stands.
enum Stands {
    /// On the record, in this row.
    There(RemoteRef),
    /// On the record; its row is not known yet.
    Listed,
    /// Not on the record.
    Off,
}

/// The member by which records name one of a kind.
fn member(kind: &str) -> &'static str {
    resource::of(kind).map_or(resource::PARENT, |of| of.member)
}

/// The labels that are declared.
fn declared<'m>(members: &'m Map<String, Value>, place: &str) -> Option<Vec<&'m str>> {
    let list = members.get(place)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).collect())
}

/// Puts the labels into the step that makes the record, where the ATS takes them with it.
pub(super) fn carry<D: Owned>(
    draft: &mut Draft<'_, D>,
    item: &Item<'_>,
    rule: &OperationRule,
    creation: &mut Creation,
) {
    let Some((place, kinds)) = item.of.labels() else { return };
    if !rule.fields.iter().any(|field| field.name == place) {
        return;
    }
    let mut names: Vec<String> = Vec::new();
    for name in declared(&item.members, place).unwrap_or_default() {
        let Some(name) = spelling_in_ats(draft, kinds, name) else { return };
        if !names.iter().any(|known| normal::is_option(known, &name)) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return;
    }
    creation.set(place, json!(names), json!(names));
    let sent: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(SENT))).collect();
    creation.applied.insert(place.to_owned(), Value::Object(sent));
}

/// The spelling in which a label is sent to the ATS by name: its own where it has the label, else
/// the model's form, which all records share. An ATS that tells spellings apart makes a label of
/// each. None while facts are missing.
fn spelling_in_ats<D: Owned>(
    draft: &mut Draft<'_, D>,
    kinds: Labels,
    name: &str,
) -> Option<String> {
    let held = match draft.input.manifest.kind(kinds.vocabulary) {
        Some(_) => named(draft, kinds, name)?.and_then(|label| label.text("name")),
        None => None,
    };
    Some(held.map_or_else(|| normal::label(name), str::to_owned))
}

/// The ATS's label of this name. Labels are told apart by case, the index is not. The outer option
/// is none while facts are missing.
fn named<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    kinds: Labels,
    name: &str,
) -> Option<Option<&'a Arc<Record>>> {
    let labels = draft.lookup(kinds.vocabulary, index::NAME, name)?;
    let exact = labels.iter().find(|label| label.text("name") == Some(name));
    let is_called =
        |label: &&Arc<Record>| label.text("name").is_some_and(|held| normal::is_option(held, name));
    Some(exact.or_else(|| labels.iter().find(is_called)))
}

/// Plans the labels of a record.
pub(super) fn plan<'a, D: Owned>(draft: &mut Draft<'a, D>, item: &Item<'_>, parent: &Parent<'a>) {
    let Some(list) = List::of(draft, item.of, parent) else { return };
    let Some(wanted) = declared(&item.members, list.place) else {
        return lists::release(draft, &list.prefix);
    };
    let mut names: Vec<String> = Vec::new();
    for name in wanted {
        draft.account(&parent.path, &account::item(list.place, name));
        let name = list.spelling(draft, name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let Some(record) = parent.record else {
        return names.iter().for_each(|name| list.make(draft, name));
    };
    let Some(rows) = lists::rows(draft, list.kinds.tie, item.of.kind, &record.id) else { return };
    let several = names.iter().filter(|name| list.had(draft, name)).count() > 1;
    let shows_none = match record.knows(list.place) {
        true => record.list(list.place).is_empty(),
        false => rows.is_empty(),
    };
    let are_gone = shows_none && several && !draft.is_base_of_another(&parent.path);
    let known = Known { record, rows, are_gone };
    names.iter().for_each(|name| list.keep(draft, &known, name));
    list.take_off(draft, &known, &names);
}

/// Takes off the labels that the engine put on a record.
pub(super) fn take_back<D: Owned>(draft: &mut Draft<'_, D>) {
    let Some(item) = draft.item() else { return };
    let Some(link) = draft.input.links.get(&item.path) else { return };
    let parent = Parent { path: item.path.clone(), record: None };
    let Some(list) = List::of(draft, item.of, &parent) else { return };
    let Some(rows) = lists::rows(draft, list.kinds.tie, item.of.kind, &link.remote.id) else {
        return;
    };
    for link in links_below(draft, &list.prefix) {
        if list.is_ours(link) && rows.iter().any(|row| row.id == link.remote.id) {
            let why = format!("the engine put the {} on", list.noun());
            list.remove(draft, &link.host, &link.remote, why);
        } else {
            draft.plan.releases.push(link.host.clone());
        }
    }
}

impl<'m, 'a> List<'m, 'a> {
    fn of<D: Owned>(
        draft: &Draft<'a, D>,
        of: &'static Declarable,
        parent: &'m Parent<'a>,
    ) -> Option<Self> {
        let (place, kinds) = of.labels()?;
        let base = draft.input.links.get(&parent.path).and_then(|link| link.applied.get(place));
        let carried = base.and_then(Value::as_object).cloned().unwrap_or_default();
        let prefix = path::all_below(&parent.path, place);
        Some(Self { of, place, kinds, parent, prefix, carried })
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A label's word for people.
    fn noun(&self) -> String {
        resource::singular(self.kinds.vocabulary)
    }

    /// Whether the engine put on the label of this link.
    fn is_ours(&self, link: &LinkRow) -> bool {
        link.how != LinkHow::Adopted || link.applied.contains_key(self.place)
    }

    /// Whether the record had a label that the engine did not take off: what is off now was taken
    /// off by somebody.
    fn had<D>(&self, draft: &Draft<'_, D>, name: &str) -> bool {
        match draft.input.links.get(&self.path(name)) {
            Some(link) => !unseen::is_removed(link),
            None => self.carried.get(name).and_then(Value::as_str) == Some(SEEN),
        }
    }

    /// The spelling by which a label is known for the record: that of its link or of what was
    /// carried, else the model's form. Spellings that the model takes for one are one label.
    fn spelling<D>(&self, draft: &Draft<'_, D>, name: &str) -> String {
        let linked = links_below(draft, &self.prefix);
        let linked = linked.filter_map(|link| link.host.strip_prefix(&self.prefix));
        let mut known = linked.chain(self.carried.keys().map(String::as_str));
        let known = known.find(|known| normal::is_option(known, name));
        known.map_or_else(|| normal::label(name), str::to_owned)
    }

    /// Whether the record's own list has the label; none where the record shows no labels.
    fn lists(&self, record: &Record, name: &str) -> Option<bool> {
        let is_it = |label: &Value| {
            let shown = label.as_str().or_else(|| label.get("name").and_then(Value::as_str));
            shown.is_some_and(|held| normal::is_option(held, name))
        };
        record.knows(self.place).then(|| record.list(self.place).iter().any(is_it))
    }

    /// The row that ties a label to the record.
    fn row<'r>(&self, rows: &'r [Arc<Record>], label: &str) -> Option<&'r Arc<Record>> {
        let names = format!("{}.id", member(self.kinds.vocabulary));
        rows.iter().find(|row| row.text(&names) == Some(label))
    }

    /// Where the label stands. None while facts are missing.
    fn stands<D: Owned>(
        &self,
        draft: &mut Draft<'a, D>,
        known: &Known<'a>,
        name: &str,
    ) -> Option<Stands> {
        let link = draft.input.links.get(&self.path(name));
        let linked = link.filter(|link| known.rows.iter().any(|row| row.id == link.remote.id));
        let row = match linked {
            Some(link) => Some(link.remote.clone()),
            None => named(draft, self.kinds, name)?
                .and_then(|label| self.row(known.rows, &label.id))
                .map(|row| row.remote()),
        };
        let lists = self.lists(known.record, name);
        match (row, lists) {
            // What is stored of it may be older than its removal.
            (Some(row), shown) if shown == Some(false) || link.is_some_and(unseen::is_removed) => {
                let is_there = draft.confirmed(&row)?.is_some();
                Some(if is_there { Stands::There(row) } else { Stands::Off })
            }
            (Some(row), _) => Some(Stands::There(row)),
            // Its row is not known. A record that was read before the label was taken off shows it
            // still.
            (None, Some(true)) if link.is_some() || !self.carried.contains_key(name) => {
                let record = draft.confirmed(&known.record.remote())?;
                let still = record.is_some_and(|record| self.lists(record, name) == Some(true));
                Some(if still { Stands::Listed } else { Stands::Off })
            }
            (None, Some(true)) => Some(Stands::Listed),
            (None, _) => Some(Stands::Off),
        }
    }

    /// A label of a record that is to be made.
    fn make<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str) {
        self.record_decision(draft, name, Decision::Write);
        let is_carried = draft
            .plan
            .steps
            .iter()
            .any(|step| step.host == self.parent.path && step.input.contains_key(self.place));
        if !is_carried {
            self.put_on(draft, name);
        }
    }

    /// A label of a record that is there.
    fn keep<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, name: &str) {
        let path = self.path(name);
        let link = draft.input.links.get(&path);
        match self.stands(draft, known, name) {
            None => {}
            // The engine took it off, and the ATS may show that late: this read says nothing yet.
            Some(Stands::There(_))
                if link.is_some_and(unseen::is_removed) && !draft.has_settled(&path) =>
            {
                draft.report_not_shown_yet(&path, self.place);
                self.record_decision(draft, name, Decision::InStep);
            }
            Some(Stands::There(remote)) => {
                self.adopt(draft, name, remote);
                self.there(draft, known, name);
            }
            Some(Stands::Listed) => {
                draft.plan.look_again |= link.is_none();
                self.there(draft, known, name);
            }
            Some(Stands::Off) => self.off(draft, known, name),
        }
    }

    /// Links a label that is there.
    fn adopt<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str, remote: RemoteRef) {
        let host = self.path(name);
        let link = draft.input.links.get(&host);
        if link.is_some_and(|link| link.remote == remote && !unseen::is_removed(link)) {
            return;
        }
        let is_carried = self.carried.contains_key(name);
        // What the engine put on needs no word.
        let reason = (!is_carried).then(|| format!("the {} is there", self.noun()));
        let mut applied = link.map(unseen::without_removed).unwrap_or_default();
        if is_carried {
            applied.insert(self.place.to_owned(), json!(SEEN));
        }
        draft.plan.adoptions.push(Adoption { host, remote, applied, reason });
    }

    fn there<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, name: &str) {
        self.mark(draft, known.record, name, false);
        if self.carried.get(name).and_then(Value::as_str) == Some(SENT) {
            amend(draft, &self.parent.path, known.record, |applied| {
                if let Some(labels) = applied.get_mut(self.place).and_then(Value::as_object_mut) {
                    labels.insert(name.to_owned(), json!(SEEN));
                }
            });
        }
        self.record_decision(draft, name, Decision::InStep);
    }

    fn off<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, name: &str) {
        let path = self.path(name);
        let was_there = self.had(draft, name);
        let is_erased = was_there && self.is_erased(draft, known, name);
        if is_erased && draft.has_settled(&path) {
            self.mark(draft, known.record, name, true);
        }
        // `fill` writes what is empty: a record without any label.
        let is_empty = known.rows.is_empty() && known.record.list(self.place).is_empty();
        let policy = draft.policy(self.place);
        let decision = of_missing_entry(policy, was_there, is_erased, is_empty);
        self.record_decision(draft, name, decision);
        match decision {
            Decision::Write => self.put_on(draft, name),
            _ => lists::report(draft, &path, self.place, name, decision),
        }
    }

    /// Whether a label that is off looks erased.
    fn is_erased<D: Owned>(&self, draft: &Draft<'a, D>, known: &Known<'a>, name: &str) -> bool {
        let is_listed_empty =
            known.record.knows(self.place) && known.record.list(self.place).is_empty();
        known.are_gone
            || self.is_marked(draft, name)
            || (is_listed_empty && (draft.is_erased || draft.has_erased))
    }

    fn is_marked<D>(&self, draft: &Draft<'_, D>, name: &str) -> bool {
        let base = draft.input.links.get(&self.parent.path).map(|link| &link.applied);
        base.is_some_and(|base| erasure::is_marked(base, &account::item(self.place, name)))
    }

    /// Remembers of a label that it was erased, or forgets it.
    fn mark<D: Owned>(&self, draft: &mut Draft<'a, D>, record: &Record, name: &str, erased: bool) {
        if self.is_marked(draft, name) != erased {
            let field = account::item(self.place, name);
            let mark = |applied: &mut Map<String, Value>| erasure::mark(applied, &field, erased);
            amend(draft, &self.parent.path, record, mark);
        }
    }

    fn put_on<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str) {
        let path = self.path(name);
        let Some(label) = named(draft, self.kinds, name) else { return };
        let mut after = self.parent.after();
        let id = match label {
            Some(label) => json!(label.id),
            None => {
                let Some(shared) = self.add_to_vocabulary(draft, &path, name) else { return };
                after.push(shared.clone());
                made(&shared)
            }
        };
        let Some(rule) = draft.operation(&path, &self.kinds.tying()) else { return };
        let reason = format!("the {} does not carry the {}", self.of.noun, self.noun());
        let mut step = step(rule, &path, reason);
        step.input.insert(member(self.of.kind).to_owned(), self.parent.id());
        step.input.insert(member(self.kinds.vocabulary).to_owned(), id);
        let field = self.place.to_owned();
        step.fields.push(FieldChange { field, before: Value::Null, after: json!(name) });
        step.makes.insert("subject".to_owned(), path);
        step.after = after;
        draft.plan.steps.push(step);
    }

    /// Plans the label itself, which all records share. What comes back is its path.
    fn add_to_vocabulary<D: Owned>(
        &self,
        draft: &mut Draft<'a, D>,
        path: &str,
        name: &str,
    ) -> Option<String> {
        let shared = path::shared(self.kinds.vocabulary, &normal::label(name));
        let rule = draft.operation(path, &self.kinds.making())?;
        let mut step = step(rule, &shared, format!("the ATS has no such {}", self.noun()));
        let label = json!(normal::label(name));
        step.input.insert("name".to_owned(), label.clone());
        let field = "name".to_owned();
        step.fields.push(FieldChange { field, before: Value::Null, after: label });
        step.makes.insert("subject".to_owned(), shared.clone());
        draft.shared.push(step);
        Some(shared)
    }

    /// Takes off the labels that the engine put on and that are no longer declared.
    fn take_off<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, wanted: &[String]) {
        let why = || format!("the {} is no longer desired", self.noun());
        let mut linked = Vec::new();
        for link in links_below(draft, &self.prefix) {
            let name = link.host.strip_prefix(&self.prefix).unwrap_or_default();
            if wanted.iter().any(|wanted| wanted == name) {
                continue;
            }
            let shows = known.rows.iter().any(|row| row.id == link.remote.id);
            let Some(stands) = lists::stands(draft, link, shows) else { return };
            if stands && self.is_ours(link) {
                self.remove(draft, &link.host, &link.remote, why());
            } else {
                // Removed already, or put on by others: there is nothing to take off.
                draft.plan.releases.push(link.host.clone());
            }
            linked.push(name);
        }
        let mut ended = Vec::new();
        for name in self.carried.keys().filter(|name| !wanted.contains(name)) {
            if linked.contains(&name.as_str()) {
                ended.push(name);
                continue;
            }
            let Some(label) = named(draft, self.kinds, name) else { return };
            match label.and_then(|label| self.row(known.rows, &label.id)) {
                // Its removal is noted with a link: declared again before it shows, it is new.
                Some(row) => {
                    let (path, remote) = (self.path(name), row.remote());
                    let applied = Map::from_iter([(self.place.to_owned(), json!(SEEN))]);
                    self.remove(draft, &path, &remote, why());
                    draft.plan.adoptions.push(Adoption::of_base(path, remote, applied));
                }
                None => ended.push(name),
            }
        }
        if !ended.is_empty() {
            amend(draft, &self.parent.path, known.record, |applied| {
                if let Some(labels) = applied.get_mut(self.place).and_then(Value::as_object_mut) {
                    labels.retain(|name, _| !ended.contains(&name));
                }
            });
        }
    }

    fn remove<D: Owned>(&self, draft: &mut Draft<'a, D>, path: &str, row: &RemoteRef, why: String) {
        let Some(rule) = draft.operation(path, &self.kinds.removal()) else { return };
        let mut step = step(rule, path, why);
        step.target = Some(row.clone());
        draft.plan.steps.push(step);
    }

    fn record_decision<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str, decision: Decision) {
        draft.account(&self.parent.path, &account::item(self.place, name));
        lists::record_decision(draft, &self.path(name), self.place, name, decision);
    }
}
