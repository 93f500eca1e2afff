//! The labels of a record, such as the tags of a candidate: added and removed. Pure.
//!
//! # Two observations of one fact
//! A tag on a candidate shows twice: in a row of its own (`applied_tags`) and in the candidate's
//! list. Row lists do not show removals, and a candidate's list may be older than its rows, so
//! neither outweighs the other. Where they disagree, the engine reads the record that shows the tag
//! again by its id ([`Draft::confirmed`]), and that decides. This costs a request only where they
//! disagree.
//!
//! # New records
//! Where the request that creates the record takes its labels, they are sent with it at no cost.
//! The base of the record then says which labels were sent, and whether the ATS showed them since:
//! a label that never showed was not created and is added by a step; one that showed was removed by
//! a recruiter.
//!
//! # Erasure
//! A label is not personal data by itself, and recruiters remove single ones every day: `enforce`
//! adds a single one again. Where several vanished together and none is left, or other data of the
//! record were emptied too, they may have been erased, and no policy restores them
//! ([`super::erasure`]).
//!
//! A label that is no longer declared is removed only where the engine added it.

use super::field::amend;
use super::fields::Creation;
use super::item::Item;
use super::lists::{self, Standing, links_below};
use super::ownership::{Decision, of_missing_entry};
use super::parent::Parent;
use super::{Adoption, Draft, Owned, Record, account, erasure, made, step, unseen};
use crate::index;
use crate::link::{LinkHow, LinkRow};
use crate::path;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::{Declarable, Labels};
use atsync_model::manifest::OperationRule;
use atsync_model::{normal, resource};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A label sent with the creation of its record that the ATS has not shown yet.
const SENT: &str = "sent";
/// A label sent with the creation of its record that the ATS has shown.
const SEEN: &str = "seen";

/// The labels of one record.
struct List<'m, 'a> {
    of: &'static Declarable,
    /// The member that lists them. In the base of the record it has the labels that the creation
    /// sent, each with [`SENT`] or [`SEEN`].
    place: &'static str,
    kinds: Labels,
    parent: &'m Parent<'a>,
    /// What the paths of the labels begin with.
    prefix: String,
    carried: Map<String, Value>,
}

/// The observations of the labels on a record that exists.
struct Known<'a> {
    record: &'a Arc<Record>,
    rows: &'a [Arc<Record>],
    /// The record had several of the declared labels, and shows none any more.
    are_gone: bool,
}

/// The state of a declared label.
enum State {
    /// On the record, by this row.
    Present(RemoteRef),
    /// On the record; its row is not known yet.
    Listed,
    /// Not on the record.
    Missing,
}

/// Returns the member by which records name one of a kind.
fn member(kind: &str) -> &'static str {
    resource::of(kind).map_or(resource::PARENT, |of| of.member)
}

/// Returns the declared labels.
fn declared<'m>(members: &'m Map<String, Value>, place: &str) -> Option<Vec<&'m str>> {
    let list = members.get(place)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).collect())
}

/// Adds the labels to the step that creates the record, where the ATS takes them with it.
pub(super) fn carry<D: Owned>(
    draft: &mut Draft<'_, D>,
    item: &Item<'_>,
    rule: &OperationRule,
    creation: &mut Creation,
) {
    let Some((place, kinds)) = item.of.labels() else { return };
    if rule.field(place).is_none() {
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

/// Returns the spelling in which a label is sent to the ATS by name: the ATS's own where it has the
/// label, else the model's form, which all records share, since some ATSs make a label of each
/// spelling. None while facts are missing.
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

/// Finds the ATS's label of a name. Labels differ by case, the index does not. The outer option is
/// none while facts are missing.
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
    if draft.input.manifest.kind(list.kinds.tie).is_none() {
        return list.report_unread(draft, &names);
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
    let why = format!("the {} is no longer declared", list.noun());
    list.remove_undeclared(draft, &known, &names, &why);
}

/// Plans the removal of all labels that the engine added to a record, those that were sent with its
/// creation among them.
pub(super) fn withdraw<D: Owned>(draft: &mut Draft<'_, D>) {
    let Some(item) = draft.item() else { return };
    let Some(link) = draft.input.links.get(&item.path) else { return };
    let parent = Parent { path: item.path.clone(), record: None };
    let Some(list) = List::of(draft, item.of, &parent) else { return };
    if draft.input.manifest.kind(list.kinds.tie).is_none() {
        return lists::release(draft, &list.prefix);
    }
    let Some(rows) = lists::rows(draft, list.kinds.tie, item.of.kind, &link.remote.id) else {
        return;
    };
    let Some(shown) = draft.observed(&link.remote) else { return };
    let Some(standing) = lists::standing(draft, link, shown.is_some()) else { return };
    match (standing, shown) {
        (Standing::NotShownYet, _) => {}
        (_, Some(record)) => {
            let known = Known { record, rows, are_gone: false };
            let why = format!("the engine added the {}", list.noun());
            list.remove_undeclared(draft, &known, &[], &why);
        }
        (_, None) => lists::release(draft, &list.prefix),
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

    /// Returns the noun for a label.
    fn noun(&self) -> String {
        resource::singular(self.kinds.vocabulary)
    }

    /// Whether the engine added the label of this link.
    fn is_added_by_engine(&self, link: &LinkRow) -> bool {
        link.how != LinkHow::Adopted || link.applied.contains_key(self.place)
    }

    /// Whether the record had a label that the engine did not remove: if it is missing now, a
    /// recruiter removed it.
    fn had<D>(&self, draft: &Draft<'_, D>, name: &str) -> bool {
        match draft.input.links.get(&self.path(name)) {
            Some(link) => !unseen::is_removed(link),
            None => self.carried.get(name).and_then(Value::as_str) == Some(SEEN),
        }
    }

    /// Returns the spelling by which the record knows a label: that of its link or of what was
    /// sent, else the model's form.
    fn spelling<D>(&self, draft: &Draft<'_, D>, name: &str) -> String {
        let linked = links_below(draft, &self.prefix);
        let linked = linked.filter_map(|link| link.path.strip_prefix(&self.prefix));
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

    /// Finds the row that ties a label to the record.
    fn row<'r>(&self, rows: &'r [Arc<Record>], label: &str) -> Option<&'r Arc<Record>> {
        let names = format!("{}.id", member(self.kinds.vocabulary));
        rows.iter().find(|row| row.text(&names) == Some(label))
    }

    /// Returns the state of a label. None while facts are missing.
    fn state<D: Owned>(
        &self,
        draft: &mut Draft<'a, D>,
        known: &Known<'a>,
        name: &str,
    ) -> Option<State> {
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
            // The stored row may be older than its removal.
            (Some(row), shown) if shown == Some(false) || link.is_some_and(unseen::is_removed) => {
                let is_there = draft.confirmed(&row)?.is_some();
                Some(if is_there { State::Present(row) } else { State::Missing })
            }
            (Some(row), _) => Some(State::Present(row)),
            // A record that was read before the label was removed still shows it.
            (None, Some(true)) if link.is_some() || !self.carried.contains_key(name) => {
                let record = draft.confirmed(&known.record.remote())?;
                let still = record.is_some_and(|record| self.lists(record, name) == Some(true));
                Some(if still { State::Listed } else { State::Missing })
            }
            (None, Some(true)) => Some(State::Listed),
            (None, _) => Some(State::Missing),
        }
    }

    /// Reports the labels that an adapter which cannot read them does not write either: all but
    /// those that the creation sends or sent.
    fn report_unread<D: Owned>(&self, draft: &mut Draft<'a, D>, names: &[String]) {
        let is_sent = |name: &String| match self.parent.record {
            None => self.is_carried(draft),
            Some(_) => self.carried.contains_key(name),
        };
        let left: Vec<&str> =
            names.iter().filter(|name| !is_sent(name)).map(String::as_str).collect();
        if !left.is_empty() {
            let what = format!("`{}` ({})", self.place, left.join(", "));
            lists::report_unread(draft, &self.parent.path, &what);
        }
    }

    /// Whether the creation of the record sends its labels.
    fn is_carried<D>(&self, draft: &Draft<'a, D>) -> bool {
        let is_it = |step: &super::Step| {
            step.path == self.parent.path && step.input.contains_key(self.place)
        };
        draft.plan.steps.iter().any(is_it)
    }

    /// Plans a label of a record that is to be created.
    fn make<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str) {
        self.record_decision(draft, name, Decision::Write);
        if !self.is_carried(draft) {
            self.add(draft, name);
        }
    }

    /// Plans a label of a record that exists.
    fn keep<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, name: &str) {
        let path = self.path(name);
        let link = draft.input.links.get(&path);
        match self.state(draft, known, name) {
            None => {}
            // The engine removed it, and the ATS may show that late: this read proves nothing yet.
            Some(State::Present(_))
                if link.is_some_and(unseen::is_removed) && !draft.has_settled(&path) =>
            {
                draft.report_not_shown_yet(&path, self.place);
                self.record_decision(draft, name, Decision::InStep);
            }
            Some(State::Present(remote)) => {
                self.adopt(draft, name, remote);
                self.present(draft, known, name);
            }
            Some(State::Listed) => {
                draft.plan.look_again |= link.is_none();
                self.present(draft, known, name);
            }
            Some(State::Missing) => self.missing(draft, known, name),
        }
    }

    /// Links a label that is on the record.
    fn adopt<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str, remote: RemoteRef) {
        let path = self.path(name);
        let link = draft.input.links.get(&path);
        if link.is_some_and(|link| link.remote == remote && !unseen::is_removed(link)) {
            return;
        }
        let is_carried = self.carried.contains_key(name);
        // A label that the engine sent needs no explanation.
        let reason = (!is_carried).then(|| format!("the {} exists", self.noun()));
        let mut applied = link.map(unseen::without_removed).unwrap_or_default();
        if is_carried {
            applied.insert(self.place.to_owned(), json!(SEEN));
        }
        draft.plan.adoptions.push(Adoption { path, remote, applied, reason });
    }

    fn present<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, name: &str) {
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

    fn missing<D: Owned>(&self, draft: &mut Draft<'a, D>, known: &Known<'a>, name: &str) {
        let path = self.path(name);
        let was_there = self.had(draft, name);
        let is_erased = was_there && self.is_erased(draft, known, name);
        if is_erased && draft.has_settled(&path) {
            self.mark(draft, known.record, name, true);
        }
        // `fill` writes an empty list: a record without any label.
        let is_empty = known.rows.is_empty() && known.record.list(self.place).is_empty();
        let policy = draft.policy(self.place);
        let decision = of_missing_entry(policy, was_there, is_erased, is_empty);
        self.record_decision(draft, name, decision);
        match decision {
            Decision::Write => self.add(draft, name),
            _ => lists::report(draft, &path, self.place, name, decision),
        }
    }

    /// Whether a missing label looks erased.
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

    /// Sets or clears the mark that a label was erased.
    fn mark<D: Owned>(&self, draft: &mut Draft<'a, D>, record: &Record, name: &str, erased: bool) {
        if self.is_marked(draft, name) != erased {
            let field = account::item(self.place, name);
            let mark = |applied: &mut Map<String, Value>| erasure::mark(applied, &field, erased);
            amend(draft, &self.parent.path, record, mark);
        }
    }

    fn add<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str) {
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
        let reason = format!("the {} lacks the {}", self.of.noun, self.noun());
        let mut step = step(rule, &path, reason);
        step.input.insert(member(self.of.kind).to_owned(), self.parent.id());
        step.input.insert(member(self.kinds.vocabulary).to_owned(), id);
        step.change(self.place, Value::Null, json!(name));
        step.link(&path);
        step.after = after;
        draft.plan.steps.push(step);
    }

    /// Plans the label itself, which all records share. Returns its path.
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
        step.change("name", Value::Null, label);
        step.link(&shared);
        draft.shared.push(step);
        Some(shared)
    }

    /// Plans the removal of labels that the engine added and that are no longer declared.
    fn remove_undeclared<D: Owned>(
        &self,
        draft: &mut Draft<'a, D>,
        known: &Known<'a>,
        wanted: &[String],
        why: &str,
    ) {
        let mut linked = Vec::new();
        for link in links_below(draft, &self.prefix) {
            let name = link.path.strip_prefix(&self.prefix).unwrap_or_default();
            if wanted.iter().any(|wanted| wanted == name) {
                continue;
            }
            let shows = known.rows.iter().any(|row| row.id == link.remote.id);
            let Some(standing) = lists::standing(draft, link, shows) else { return };
            match standing {
                Standing::NotShownYet => {}
                Standing::Exists if self.is_added_by_engine(link) => {
                    self.remove(draft, &link.path, &link.remote, why);
                }
                // Removed already, or added by others: nothing to remove.
                _ => draft.plan.releases.push(link.path.clone()),
            }
            linked.push(name);
        }
        let mut settled = Vec::new();
        for name in self.carried.keys().filter(|name| !wanted.contains(name)) {
            if linked.contains(&name.as_str()) {
                settled.push(name);
                continue;
            }
            let Some(label) = named(draft, self.kinds, name) else { return };
            match label.and_then(|label| self.row(known.rows, &label.id)) {
                // A link records the removal: declared again before the removal shows, it is a new
                // label.
                Some(row) => {
                    let (path, remote) = (self.path(name), row.remote());
                    let applied = Map::from_iter([(self.place.to_owned(), json!(SEEN))]);
                    match self.remove(draft, &path, &remote, why) {
                        None => return,
                        Some(true) => {
                            draft.plan.adoptions.push(Adoption::of_base(path, remote, applied));
                        }
                        Some(false) => settled.push(name),
                    }
                }
                // The candidate shows it, and its row may show late.
                None if self.lists(known.record, name) == Some(true)
                    && !draft.has_settled(&self.parent.path) =>
                {
                    draft.report_not_shown_yet(&self.path(name), self.place);
                }
                None => settled.push(name),
            }
        }
        if !settled.is_empty() {
            amend(draft, &self.parent.path, known.record, |applied| {
                if let Some(labels) = applied.get_mut(self.place).and_then(Value::as_object_mut) {
                    labels.retain(|name, _| !settled.contains(&name));
                }
            });
        }
    }

    /// Plans the removal of a label. One that another desired record is linked to stays, and only
    /// the link ends: false. None while facts are missing.
    fn remove<D: Owned>(
        &self,
        draft: &mut Draft<'a, D>,
        path: &str,
        row: &RemoteRef,
        why: &str,
    ) -> Option<bool> {
        if draft.is_linked_by_another(row)? {
            draft.plan.releases.push(path.to_owned());
            return Some(false);
        }
        if let Some(rule) = draft.operation(path, &self.kinds.removal()) {
            let mut step = step(rule, path, why.to_owned());
            step.target = Some(row.clone());
            draft.plan.steps.push(step);
        }
        Some(true)
    }

    fn record_decision<D: Owned>(&self, draft: &mut Draft<'a, D>, name: &str, decision: Decision) {
        draft.account(&self.parent.path, &account::item(self.place, name));
        lists::record_decision(draft, &self.path(name), self.place, name, decision);
    }
}
