//! List entries that are known by their content: added and removed, never changed. Pure.
//!
//! Such an entry has no key. Its content makes its path and finds it in the ATS: texts by the form
//! of labels, dates as far as both are given, the exact ones first ([`super::fit`]). A declared
//! entry that is missing is added, after a probe. An entry that the engine added and that is no
//! longer declared is removed, while it shows what the engine wrote ([`super::written`]) and no
//! other desired record is linked to it; entries of others never are. The removal carries what the
//! plan saw ([`super::guard`]).
//!
//! An entry that a recruiter changed or removed is drift: `yield` keeps that, `enforce` adds the
//! entry again, beside the changed one, unless it may have been erased ([`super::erasure`]).
//!
//! Left out: changing an entry in place.

use super::fit::{self, Fit, pairs};
use super::guard::Seen;
use super::item::{content_name, listed, text};
use super::lists::{self, Standing, links_below};
use super::ownership::{Decision, of_missing_entry};
use super::parent::Parent;
use super::written::{self, Shows};
use super::{Adoption, Draft, FindingKind, Owned, Record, base, erasure, step, unseen};
use crate::link::{LinkHow, LinkRow};
use crate::path;
use crate::reason::Reason;
use atsync_model::declarable::{self, Below, Declarable, KnownBy};
use atsync_model::desired::Policy;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The mark of a base for an entry that may have been erased.
const ENTRY: &str = "entry";

/// Iterates over the kinds below one that are known by content, each with its list.
fn known_by_content(
    kind: &str,
) -> impl Iterator<Item = (&'static Declarable, &'static Below)> + use<'_> {
    declarable::below(kind).filter(|(of, _)| of.known_by == KnownBy::Content)
}

/// Plans the entries that are declared below an item.
pub(super) fn plan<D: Owned>(
    draft: &mut Draft<'_, D>,
    members: &Map<String, Value>,
    kind: &str,
    parent: &Parent<'_>,
) {
    for (of, below) in known_by_content(kind) {
        let prefix = path::all_below(&parent.path, below.list);
        let mut declared: Vec<Entry<'_>> = Vec::new();
        for one in listed(members, below.list) {
            let path = format!("{prefix}{}", content_name(of, one));
            if !declared.iter().any(|(known, _)| *known == path) {
                declared.push((path, one));
            }
        }
        let is_linked = links_below(draft, &prefix).next().is_some();
        if !members.contains_key(below.list) {
            lists::release(draft, &prefix);
        } else if is_linked || !declared.is_empty() {
            let list = List { of, below, parent, prefix: &prefix };
            list.plan(draft, &declared);
        }
    }
}

/// One list of entries.
struct List<'m, 'a> {
    of: &'static Declarable,
    below: &'static Below,
    parent: &'m Parent<'a>,
    prefix: &'m str,
}

/// A declared entry.
type Entry<'m> = (String, &'m Map<String, Value>);

impl List<'_, '_> {
    fn plan<D: Owned>(&self, draft: &mut Draft<'_, D>, declared: &[Entry<'_>]) {
        if draft.input.manifest.kind(self.of.kind).is_none() {
            let what = format!("`{}`", self.below.list);
            lists::report_unread(draft, &self.parent.path, &what);
            declared.iter().for_each(|(path, _)| draft.account_whole(path));
            return;
        }
        let Some(rows) = self.rows(draft) else { return };
        let found = self.rows_of(draft, declared, rows);
        for ((path, members), row) in declared.iter().zip(&found) {
            match row {
                Some(row) => self.keep(draft, path, members, row, rows),
                None => self.missing(draft, path, members, rows),
            }
        }
        let kept: Vec<&str> = found.iter().flatten().map(|row| row.id.as_str()).collect();
        self.remove_undeclared(draft, declared, rows, &kept);
    }

    /// Returns the entries that the ATS shows. None while facts are missing.
    fn rows<'a, D: Owned>(&self, draft: &mut Draft<'a, D>) -> Option<&'a [Arc<Record>]> {
        let Some(record) = self.parent.record else { return Some(&[]) };
        lists::rows(draft, self.of.kind, self.below.kind, &record.id)
    }

    /// Returns the row of each declared entry: its linked row unless that shows something else,
    /// then, for all entries, one that shows just what is declared, then one that is the same as
    /// far as dates go. Loose matches are given so that as many entries as possible have a row. An
    /// unlinked row of which a field does not show is no entry's: it may be another school's.
    fn rows_of<'a, D: Owned>(
        &self,
        draft: &Draft<'a, D>,
        declared: &[Entry<'_>],
        rows: &'a [Arc<Record>],
    ) -> Vec<Option<&'a Arc<Record>>> {
        let links = draft.input.links;
        let mut found: Vec<Option<&Arc<Record>>> = Vec::with_capacity(declared.len());
        for (path, members) in declared {
            let is_linked = |row: &&Arc<Record>| {
                links.get(path).is_some_and(|link| link.remote.id == row.id)
                    && self.fit(draft, members, row).is_some()
            };
            found.push(rows.iter().find(is_linked));
        }
        for (at, (_, members)) in declared.iter().enumerate() {
            let is_exact = |row: &&Arc<Record>| {
                !found.iter().flatten().any(|taken| taken.id == row.id)
                    && self.fit(draft, members, row) == Some(Fit::Exact)
            };
            let exact = rows.iter().find(is_exact);
            if let Some(place) = found.get_mut(at).filter(|place| place.is_none()) {
                *place = exact;
            }
        }
        let mut free: Vec<&Arc<Record>> = rows.iter().collect();
        free.retain(|row| !found.iter().flatten().any(|taken| taken.id == row.id));
        let fits: Vec<Vec<usize>> = declared
            .iter()
            .zip(&found)
            .map(|((_, members), row)| {
                let is_loose = |row: &Record| self.fit(draft, members, row) == Some(Fit::Loose);
                let free = free.iter().enumerate().filter(|(_, free)| is_loose(free));
                if row.is_some() { Vec::new() } else { free.map(|(at, _)| at).collect() }
            })
            .collect();
        for (row, entry) in pairs(&fits) {
            if let (Some(place), Some(row)) = (found.get_mut(entry), free.get(row)) {
                *place = Some(row);
            }
        }
        found
    }

    /// Compares a row with a declared entry. What the engine wrote, and what shows that still, is
    /// the entry only as it was written: a host who adds the month means another one.
    fn fit<D: Owned>(
        &self,
        draft: &Draft<'_, D>,
        members: &Map<String, Value>,
        row: &Record,
    ) -> Option<Fit> {
        let manifest = draft.input.manifest;
        let own = links_below(draft, self.prefix)
            .filter(|link| link.remote.id == row.id && is_added_by_engine(link))
            .find(|link| written::compare(manifest, self.of, &link.applied, row) == Shows::Written);
        match own {
            Some(link) => {
                written::is_declared(self.of, &link.applied, members).then_some(Fit::Exact)
            }
            None => fit::of(manifest, self.of, members, row),
        }
    }

    /// Plans an entry that shows.
    fn keep<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        path: &str,
        members: &Map<String, Value>,
        row: &Record,
        rows: &[Arc<Record>],
    ) {
        let remote = row.remote();
        let link = draft.input.links.get(path);
        if link.is_some_and(|link| link.remote == remote && unseen::is_removed(link)) {
            // The engine removed it, and the ATS may show that late.
            if !draft.has_settled(path) {
                draft.report_not_shown_yet(path, self.below.list);
                return self.record_decision(draft, path, members, Decision::InStep);
            }
            match draft.confirmed(&remote) {
                None => return,
                Some(None) => return self.missing(draft, path, members, rows),
                Some(Some(_)) => {}
            }
        }
        if link.is_none_or(|link| link.remote != remote || unseen::is_removed(link)) {
            let former = links_below(draft, self.prefix).find(|link| link.remote == remote);
            let reason = former.is_none().then(|| "the entry exists".to_owned());
            let applied = former.map(unseen::without_removed).unwrap_or_default();
            let path = path.to_owned();
            draft.plan.adoptions.push(Adoption { path, remote, applied, reason });
        } else if let Some(link) = link.filter(|link| is_added_by_engine(link)) {
            let manifest = draft.input.manifest;
            written::note_shown(&mut draft.plan, manifest, self.of, link, row);
        }
        self.record_decision(draft, path, members, Decision::InStep);
    }

    /// Plans an entry that does not show, or not as it is declared.
    fn missing<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        path: &str,
        members: &Map<String, Value>,
        rows: &[Arc<Record>],
    ) {
        if self.parent.record.is_none() {
            return self.create(draft, path, members);
        }
        let Some(link) = lists::live_link(draft, path) else {
            return self.decide_missing(draft, path, members, false, false, rows);
        };
        if let Some(row) = rows.iter().find(|row| row.id == link.remote.id) {
            return self.changed(draft, path, members, link, row);
        }
        let Some(shown) = draft.observed(&link.remote) else { return };
        if shown.is_some() || (!draft.facts.is_gone(&link.remote) && !draft.has_settled(path)) {
            draft.report_not_shown_yet(path, self.below.list);
            return self.record_decision(draft, path, members, Decision::InStep);
        }
        self.vanished(draft, path, members, link, rows);
    }

    /// Plans an entry that shows something else than is declared. The ATS's entry is kept under
    /// every policy. `enforce` adds the declared one beside it if that showed once, since an ATS
    /// that stores a text in a form of its own would get it again with each plan, and unless a
    /// field was emptied, which may be an erasure.
    fn changed<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        path: &str,
        members: &Map<String, Value>,
        link: &LinkRow,
        row: &Record,
    ) {
        let has_shown = !is_added_by_engine(link) || written::has_shown(&link.applied);
        let is_emptied = fit::read(draft.input.manifest, self.of).any(|field| {
            let is_empty = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
            !is_empty(text(members, field.place))
                && row.knows(field.shown)
                && is_empty(row.text(field.shown))
        });
        let is_erased = is_emptied || erasure::is_marked(&link.applied, ENTRY);
        let is_enforced = draft.policy(self.below.list) == Policy::Enforce && has_shown;
        if is_enforced && !is_erased {
            return self.create(draft, path, members);
        }
        let why = match is_enforced {
            true => {
                "a part of it was emptied, which may be an erasure, and no policy restores that"
            }
            false => "an entry is never changed from here",
        };
        let message = format!(
            "{path}: {} was changed in the ATS and differs from the declaration; the ATS's value \
             is kept, since {why}",
            link.remote
        );
        draft.report(FindingKind::Drifted, path, Reason::ChangedInAts, message);
        self.record_decision(draft, path, members, Decision::Drifted);
    }

    /// Plans an entry that showed once and vanished.
    fn vanished<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        path: &str,
        members: &Map<String, Value>,
        link: &LinkRow,
        rows: &[Arc<Record>],
    ) {
        let gone = links_below(draft, self.prefix).filter(|link| !unseen::is_removed(link)).count();
        let is_group = rows.is_empty() && gone > 1;
        let is_erased = erasure::is_marked(&link.applied, ENTRY)
            || is_group
            || (rows.is_empty() && (draft.is_erased || draft.has_erased));
        if is_erased && draft.has_settled(path) {
            let mark = |applied: &mut Map<String, Value>| erasure::mark(applied, ENTRY, true);
            base::amend(&mut draft.plan, path, &link.remote, &link.applied, mark);
        }
        self.decide_missing(draft, path, members, true, is_erased, rows);
    }

    /// Decides about an entry that the record lacks.
    fn decide_missing<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        path: &str,
        members: &Map<String, Value>,
        was_there: bool,
        is_erased: bool,
        rows: &[Arc<Record>],
    ) {
        let policy = draft.policy(self.below.list);
        let decision = of_missing_entry(policy, was_there, is_erased, rows.is_empty());
        if decision == Decision::Write {
            return self.create(draft, path, members);
        }
        lists::report(draft, path, self.below.list, &self.shown(members), decision);
        self.record_decision(draft, path, members, decision);
    }

    fn create<D: Owned>(&self, draft: &mut Draft<'_, D>, path: &str, members: &Map<String, Value>) {
        self.record_decision(draft, path, members, Decision::Write);
        let operation = self.of.operation("create");
        let Some(rule) = draft.operation(path, &operation) else { return };
        let reason = format!("the {} has no such entry", self.parent_noun());
        let mut step = step(rule, path, reason);
        step.after = self.parent.after();
        step.input.insert(self.below.member.to_owned(), self.parent.id());
        for field in self.of.fields {
            let Some(value) = text(members, field.place).filter(|value| !value.is_empty()) else {
                continue;
            };
            step.input.insert(field.member.to_owned(), json!(value));
            step.change(field.member, Value::Null, json!(value));
        }
        step.link(path);
        step.applied.insert(path.to_owned(), written::content(self.of, members));
        step.probe_first = self.parent.record.is_some();
        step.calls += u32::from(step.probe_first);
        draft.plan.steps.push(step);
    }

    fn parent_noun(&self) -> &'static str {
        declarable::of(self.below.kind).map_or("record", |of| of.noun)
    }

    /// Removes what the engine added and the record no longer declares.
    fn remove_undeclared<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        declared: &[Entry<'_>],
        rows: &[Arc<Record>],
        kept: &[&str],
    ) {
        let is_declared = |path: &str| declared.iter().any(|(known, _)| known == path);
        for link in links_below(draft, self.prefix).filter(|link| !is_declared(&link.path)) {
            let is_kept = kept.contains(&link.remote.id.as_str());
            let shows = !is_kept && rows.iter().any(|row| row.id == link.remote.id);
            let standing =
                if is_kept { Some(Standing::Gone) } else { lists::standing(draft, link, shows) };
            let Some(standing) = standing else { return };
            let row = rows.iter().find(|row| row.id == link.remote.id);
            match (standing, row.filter(|_| is_added_by_engine(link))) {
                (Standing::NotShownYet, _) => {}
                (Standing::Exists, Some(row)) => {
                    remove(draft, self.of, link, row, "the entry is no longer declared");
                }
                // Deleted, linked by another path, or added by others: nothing to remove.
                _ => draft.plan.releases.push(link.path.clone()),
            }
        }
    }

    /// Renders an entry for messages.
    fn shown(&self, members: &Map<String, Value>) -> String {
        let value = self.of.fields.iter().filter_map(|field| text(members, field.place));
        value.collect::<Vec<_>>().join(", ")
    }

    fn record_decision<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        path: &str,
        members: &Map<String, Value>,
        decision: Decision,
    ) {
        draft.account_whole(path);
        lists::record_decision(draft, path, self.below.list, &self.shown(members), decision);
    }
}

/// Whether the engine added the entry of a link.
fn is_added_by_engine(link: &LinkRow) -> bool {
    link.how != LinkHow::Adopted
}

/// Plans the removal of one entry that the engine added. One that a recruiter changed since, or
/// that another desired record is linked to, stays, and only the link ends.
fn remove<D: Owned>(
    draft: &mut Draft<'_, D>,
    of: &'static Declarable,
    link: &LinkRow,
    row: &Record,
    why: &str,
) {
    let manifest = draft.input.manifest;
    let Some(is_anothers) = draft.is_linked_by_another(&link.remote) else { return };
    let stays = match written::compare(manifest, of, &link.applied, row) {
        _ if is_anothers => "another record is linked to it",
        Shows::Other => "it was changed in the ATS since the engine added it",
        Shows::Unknown => "the ATS does not show all of it, so it may have been changed there",
        Shows::Written => {
            let Some(rule) = draft.operation(&link.path, &of.operation("destroy")) else { return };
            let mut step = step(rule, &link.path, why.to_owned());
            step.target = Some(link.remote.clone());
            let mut seen = Seen::default();
            for field in fit::read(manifest, of) {
                seen.removed(field.shown, json!(row.text(field.shown)));
            }
            seen.join(rule, &mut step.input);
            return draft.plan.steps.push(step);
        }
    };
    let message = format!("{}: the {} {} stays: {stays}", link.path, of.noun, link.remote);
    draft.report(FindingKind::Note, &link.path, Reason::Stays, message);
    draft.plan.releases.push(link.path.clone());
}

/// Plans the removal of all entries that the engine added below a record.
pub(super) fn withdraw<D: Owned>(draft: &mut Draft<'_, D>) {
    let (path, links) = (draft.input.desired.key(), draft.input.links);
    let Some(record) = links.get(&path).map(|link| link.remote.clone()) else { return };
    for (of, below) in known_by_content(&record.kind) {
        let prefix = path::all_below(&path, below.list);
        for link in links_below(draft, &prefix) {
            let Some(shown) = draft.observed(&link.remote) else { return };
            let Some(standing) = lists::standing(draft, link, shown.is_some()) else { return };
            match (standing, shown.filter(|_| is_added_by_engine(link))) {
                (Standing::NotShownYet, _) => {}
                (Standing::Exists, Some(row)) => {
                    remove(draft, of, link, row, "the engine added the entry");
                }
                _ => draft.plan.releases.push(link.path.clone()),
            }
        }
    }
}
