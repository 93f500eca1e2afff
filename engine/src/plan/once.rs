//! Items that are created once and never changed: notes and files. Pure.
//!
//! An ATS takes no change of these, so the link keeps digests of what was declared when the record
//! was created. A member that differs since is a conflict, and the plan says what to do instead. A
//! probe before a creation finds a record by the same members. A link without such a base (the host
//! linked an undeclared record, or an earlier version did) takes the declaration as it is.
//!
//! A record that is no longer declared stays in the ATS. Its link is kept, so that declaring it
//! again creates no second one, and the plan reports once that it is no longer managed. Where
//! another key declares the same, the link follows ([`super::renamed`]).
//!
//! # Orphans
//! An ATS may accept a note for a candidate that was merged away a moment before; then no reader
//! ever sees the note. It shows when the candidate of the desired record has moved and the note has
//! not. The engine reads the note again by its id; if it still names the deleted candidate, it is
//! created on the present one, after a probe, since the merge may have moved a copy.
//!
//! Left out: whether the record was changed or deleted in the ATS.

use super::item::{PlacedText, key, listed, text, texts};
use super::lists::links_below;
use super::parent::Parent;
use super::{Adoption, Draft, FindingKind, Owned, item, made, step};
use crate::link::{LinkHow, LinkRow};
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::{self, Below, Declarable, Holds, KnownBy, Mode};
use atsync_model::desired::Desired;
use atsync_model::manifest::EffectClass;
use atsync_model::normal;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The member of a base that marks a record as no longer declared.
pub(crate) const RELEASED: &str = "released";

/// The member of a base that names the parent on which a probe found the record, whatever the
/// record itself shows.
pub(crate) const FOUND_ON: &str = "found_on";

/// Returns what is recorded of a text: line ends and blanks around it do not count.
pub(super) fn digest(text: &str) -> Value {
    let hash = Sha256::digest(normal::text(text).as_bytes());
    json!(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Returns the base of a record that is created from these texts.
pub(super) fn base(members: &[PlacedText]) -> Map<String, Value> {
    members.iter().map(|(place, text)| ((*place).to_owned(), digest(text))).collect()
}

/// Iterates over the kinds below one that are created once, each with its list.
pub(super) fn created_once_below(
    kind: &str,
) -> impl Iterator<Item = (&'static Declarable, &'static Below)> {
    declarable::below(kind).filter(|(of, _)| matches!(of.known_by, KnownBy::Once(_)))
}

/// Whether records of a kind are created once and never changed.
pub(crate) fn is_made_once(kind: &str) -> bool {
    declarable::of(kind).is_some_and(|of| matches!(of.known_by, KnownBy::Once(_)))
}

/// Returns the base of an item that is created once, as its path declares it. None where the path
/// declares no such item.
pub(crate) fn declared_once(desired: &Desired, path: &str) -> Option<Map<String, Value>> {
    let record = serde_json::to_value(desired).ok()?;
    let (of, members) = item::at(record.as_object()?, path)?;
    is_made_once(of.kind).then(|| base(&texts(of, members)))
}

/// Plans the items below another one that are created once.
pub(super) fn plan<D: Owned>(
    draft: &mut Draft<'_, D>,
    members: &Map<String, Value>,
    kind: &str,
    parent: &Parent<'_>,
) {
    for (of, below) in created_once_below(kind) {
        let prefix = path::all_below(&parent.path, below.list);
        for one in listed(members, below.list) {
            let path = format!("{prefix}{}", key(one));
            Once { of, below, parent, members: one, path }.plan(draft);
        }
        release(draft, &prefix, of.noun, |name| {
            listed(members, below.list).any(|one| key(one) == name)
        });
    }
}

/// Accounts for the items below another one that are created once.
pub(super) fn account_all<D: Owned>(
    draft: &mut Draft<'_, D>,
    members: &Map<String, Value>,
    kind: &str,
    path: &str,
) {
    for (_, below) in created_once_below(kind) {
        for one in listed(members, below.list) {
            draft.account_whole(&path::below(path, below.list, key(one)));
        }
    }
}

/// One item that is created once.
struct Once<'m, 'a> {
    of: &'static Declarable,
    below: &'static Below,
    parent: &'m Parent<'a>,
    members: &'m Map<String, Value>,
    path: String,
}

impl Once<'_, '_> {
    fn plan<D: Owned>(&self, draft: &mut Draft<'_, D>) {
        match draft.input.links.get(&self.path) {
            None => {
                let KnownBy::Once(done) = self.of.known_by else { return };
                self.create(draft, format!("it has not been {done} yet"));
            }
            Some(link) => match self.orphaned_on(draft, link) {
                None => {}
                Some(Some(former)) => self.create_again(draft, link, &former),
                Some(None) => self.compare(draft, link),
            },
        }
    }

    /// Returns the deleted candidate that the record still names; the inner option is none where
    /// the record is no orphan. None while facts are missing.
    fn orphaned_on<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        link: &LinkRow,
    ) -> Option<Option<RemoteRef>> {
        // Only candidates are merged.
        let Some(candidate) = self.parent.record.filter(|_| path::is_record(&self.parent.path))
        else {
            return Some(None);
        };
        if is_found_on(link, &candidate.id) {
            return Some(None);
        }
        let names = format!("{}.id", self.below.member);
        let stored = match draft.stored(&link.remote)? {
            // A record that was never read since its creation may name the former candidate.
            None if self.has_moved(draft) => draft.confirmed(&link.remote)?,
            stored => stored,
        };
        let Some(of) = stored.and_then(|row| row.text(&names)).filter(|of| *of != candidate.id)
        else {
            return Some(None);
        };
        let former = RemoteRef::new(&candidate.kind, of);
        if draft.observed(&former)?.is_some() || !draft.facts.is_gone(&former) {
            return Some(None);
        }
        let shown = draft.confirmed(&link.remote)?;
        let is_unmoved = shown.is_some_and(|row| row.text(&names) == Some(former.id.as_str()));
        Some(is_unmoved.then_some(former))
    }

    /// Whether the link of its parent followed a merge.
    fn has_moved<D: Owned>(&self, draft: &Draft<'_, D>) -> bool {
        let link = draft.input.links.get(&self.parent.path);
        link.is_some_and(|link| link.how == LinkHow::Followed)
    }

    /// Creates an orphan again, where creating it twice does no harm.
    fn create_again<D: Owned>(&self, draft: &mut Draft<'_, D>, link: &LinkRow, former: &RemoteRef) {
        let rule = draft.input.manifest.operation(&self.creation());
        let orphan = format!(
            "{}: {} belongs to {former}, which was deleted, so no one sees it",
            link.path, link.remote
        );
        if rule.is_some_and(|rule| rule.class == EffectClass::Unsafe) {
            let message =
                format!("{orphan}; creating it again could do harm, so the engine does not");
            draft.report(FindingKind::Note, &link.path, Reason::Orphaned, message);
            return self.compare(draft, link);
        }
        let message = format!("{orphan}; it is created again");
        draft.report(FindingKind::Note, &link.path, Reason::Orphaned, message);
        self.create(draft, format!("{} belongs to {former}, which was deleted", link.remote));
    }

    fn creation(&self) -> String {
        self.of.operation("create")
    }

    /// Iterates over the paths of the sibling items that it names, each with the place that names
    /// it.
    fn beside<'s>(
        &'s self,
        draft: &'s Draft<'_, impl Owned>,
    ) -> impl Iterator<Item = (&'static str, String)> + 's {
        self.of.fields.iter().filter_map(|field| {
            let Holds::Beside(kind) = field.value else { return None };
            let list = declarable::of(kind)?.below.as_ref()?.list;
            let name = text(self.members, field.place)?;
            Some((field.place, path::below(&draft.input.desired.key(), list, name)))
        })
    }

    fn create<D: Owned>(&self, draft: &mut Draft<'_, D>, reason: String) {
        let path = &self.path;
        let beside: Vec<(&str, String)> = self.beside(draft).collect();
        if let Some((place, about)) =
            beside.iter().find(|(_, about)| draft.mislinked.contains(about))
        {
            let message = format!(
                "{path}: {about} is linked to another {place} than is declared, so the {} about it \
                 is not created",
                self.of.noun
            );
            draft.report(FindingKind::Conflict, path, Reason::OtherApplication, message);
            draft.account_whole(path);
            return;
        }
        let Some(rule) = draft.operation(path, &self.creation()) else { return };
        let mut step = step(rule, path, reason);
        step.after = self.parent.after();
        step.input.insert(self.below.member.to_owned(), self.parent.id());
        for (place, about) in beside {
            let id = match draft.input.links.get(&about) {
                Some(link) => json!(link.remote.id),
                None => {
                    let id = made(&about);
                    step.after.push(about);
                    id
                }
            };
            step.input.insert(place.to_owned(), id);
            draft.account(path, place);
        }
        for field in self.of.fields.iter().filter(|field| !field.value.is_beside()) {
            let value = text(self.members, field.place).unwrap_or_default();
            draft.account(path, field.place);
            step.input.insert(field.member.to_owned(), json!(value));
            if field.mode != Mode::Silent && !field.value.is_usual(value) {
                step.change(field.member, Value::Null, json!(value));
            }
        }
        step.link(path);
        step.applied.insert(path.clone(), base(&texts(self.of, self.members)));
        // A parent that is created in the same run has none yet; any other one may have it already.
        step.probe_first = self.parent.record.is_some();
        step.calls += u32::from(step.probe_first);
        draft.plan.steps.push(step);
    }

    /// Compares the declaration with the one that the record was created from.
    fn compare<D: Owned>(&self, draft: &mut Draft<'_, D>, link: &LinkRow) {
        let declared = base(&texts(self.of, self.members));
        let mut kept = link.applied.clone();
        kept.remove(RELEASED);
        let mut changed = Vec::new();
        let mut is_conflict = false;
        for field in self.of.fields {
            draft.account(&self.path, field.place);
            let now = declared.get(field.place).cloned().unwrap_or_default();
            match kept.get(field.place) {
                Some(before) if *before != now => {
                    changed.push(format!("`{}`", field.place));
                    // Hosts sign a new address for every declaration, so another one alone is a
                    // note and no conflict.
                    is_conflict |= field.value != Holds::Address;
                }
                Some(_) => {}
                None => drop(kept.insert(field.place.to_owned(), now)),
            }
        }
        if !changed.is_empty() {
            let (path, what) = (&self.path, self.of.noun);
            let message = format!(
                "{path}: {} of the {what} changed since it was created as {}, and a {what} cannot \
                 be changed; undo the change, or declare a {what} under another key",
                changed.join(" and "),
                link.remote
            );
            let kind = if is_conflict { FindingKind::Conflict } else { FindingKind::Note };
            draft.report(kind, path, Reason::CannotChange, message);
        }
        record(draft, link, kept);
    }
}

/// Whether a probe found the record on this parent.
fn is_found_on(link: &LinkRow, parent: &str) -> bool {
    link.applied.get(FOUND_ON).and_then(Value::as_str) == Some(parent)
}

/// Reports once that records which are no longer declared stay. `prefix`: where their paths begin.
pub(super) fn release<D: Owned>(
    draft: &mut Draft<'_, D>,
    prefix: &str,
    what: &str,
    is_declared: impl Fn(&str) -> bool,
) {
    for link in links_below(draft, prefix) {
        let path = &link.path;
        let is_one =
            path.get(prefix.len()..).is_some_and(|key| !key.contains('/') && !is_declared(key));
        if !is_one || link.applied.contains_key(RELEASED) {
            continue;
        }
        let message = format!(
            "{path}: no longer declared; the {what} {} stays and is no longer managed",
            link.remote
        );
        draft.report(FindingKind::Note, path, Reason::Released, message);
        let mut kept = link.applied.clone();
        kept.insert(RELEASED.to_owned(), json!(true));
        record(draft, link, kept);
    }
}

/// Records a new base without a request.
fn record<D: Owned>(draft: &mut Draft<'_, D>, link: &LinkRow, applied: Map<String, Value>) {
    let adoptions = &mut draft.plan.adoptions;
    if applied != link.applied && !adoptions.iter().any(|adoption| adoption.path == link.path) {
        adoptions.push(Adoption::of_base(&link.path, link.remote.clone(), applied));
    }
}
