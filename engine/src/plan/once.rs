//! What is made once and never changed: a note, a file. Pure.
//!
//! An ATS takes no change of these, so what was declared when the record was made is kept with its
//! link, as digests: a member that says something else by now is a conflict, and the plan says what
//! to do instead. Digests, so that a note's text is not stored a second time.
//!
//! A look before a creation finds a record by these members, so the link that it makes keeps them
//! too; and so does a link that a host makes to what it declares. A link without such a base (to
//! what is not declared yet, or of an earlier version) takes what is declared for what is there:
//! the host says so.
//!
//! What is no longer declared stays in the ATS. Its link is kept, so that declaring it again never
//! makes a second one, and the plan says once that it is no longer managed. Where another key
//! declares the same, the link follows; where its own key declares something else by then, that is
//! new ([`super::renamed`]).
//!
//! # What hangs on nobody
//! An ATS may take a note for somebody who was merged away a moment before, and then nobody ever
//! reads it. It shows when the person of the desired record has moved and the note has not. Then it
//! is read once more by its id, and if it still names the one who is no more, it is left on the
//! person, after a look at what they carry: a note that the merge brought along is found there.
//!
//! Left out: whether somebody changed or deleted it in the ATS.

use super::item::{PlacedText, key, listed, text, texts};
use super::parent::Parent;
use super::{Adoption, Draft, FieldChange, FindingKind, Owned, item, made, step};
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

/// The member of a base that says on whom a look found the record, whatever the record itself says.
pub(crate) const FOUND_ON: &str = "found_on";

/// What is recorded of a text: line ends and blanks around it do not count.
pub(super) fn digest(text: &str) -> Value {
    let hash = Sha256::digest(normal::text(text).as_bytes());
    json!(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The base of a record that is made of these members.
pub(super) fn base(members: &[PlacedText]) -> Map<String, Value> {
    members.iter().map(|(place, text)| ((*place).to_owned(), digest(text))).collect()
}

/// The kinds below one that are made once, each with its list.
pub(super) fn made_once_below(
    kind: &str,
) -> impl Iterator<Item = (&'static Declarable, &'static Below)> {
    declarable::below(kind).filter(|(of, _)| matches!(of.known_by, KnownBy::Once(_)))
}

/// Whether records of a kind are made once and never changed.
pub(crate) fn is_made_once(kind: &str) -> bool {
    declarable::of(kind).is_some_and(|of| matches!(of.known_by, KnownBy::Once(_)))
}

/// The base of what is made once, as its path declares it. None where the path declares nothing
/// that is made once.
pub(crate) fn declared_once(desired: &Desired, path: &str) -> Option<Map<String, Value>> {
    let record = serde_json::to_value(desired).ok()?;
    let (of, members) = item::at(record.as_object()?, path)?;
    is_made_once(of.kind).then(|| base(&texts(of, members)))
}

/// Plans what is declared below something and made once.
pub(super) fn plan<D: Owned>(
    draft: &mut Draft<'_, D>,
    members: &Map<String, Value>,
    kind: &str,
    parent: &Parent<'_>,
) {
    for (of, below) in made_once_below(kind) {
        let prefix = path::all_below(&parent.path, below.list);
        for one in listed(members, below.list) {
            let made =
                Made { of, below, parent, members: one, path: format!("{prefix}{}", key(one)) };
            made.plan(draft);
        }
        release(draft, &prefix, of.noun, |name| {
            listed(members, below.list).any(|one| key(one) == name)
        });
    }
}

/// Accounts for all that is declared below something and made once.
pub(super) fn account_all<D: Owned>(
    draft: &mut Draft<'_, D>,
    members: &Map<String, Value>,
    kind: &str,
    path: &str,
) {
    for (_, below) in made_once_below(kind) {
        for one in listed(members, below.list) {
            draft.account_whole(&path::below(path, below.list, key(one)));
        }
    }
}

/// One thing that is made once.
struct Made<'m, 'a> {
    of: &'static Declarable,
    below: &'static Below,
    parent: &'m Parent<'a>,
    members: &'m Map<String, Value>,
    path: String,
}

impl Made<'_, '_> {
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

    /// Who is no more and has the record all the same; the inner option is none where it hangs on
    /// the person. None while facts are missing.
    fn orphaned_on<D: Owned>(
        &self,
        draft: &mut Draft<'_, D>,
        link: &LinkRow,
    ) -> Option<Option<RemoteRef>> {
        // Only a person is ever merged into another.
        let Some(candidate) = self.parent.record.filter(|_| path::is_record(&self.parent.path))
        else {
            return Some(None);
        };
        if is_found_on(link, &candidate.id) {
            return Some(None);
        }
        let names = format!("{}.id", self.below.member);
        let stored = match draft.stored(&link.remote)? {
            // One that was never read since it was made may be on whoever was there then.
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
        let still = shown.is_some_and(|row| row.text(&names) == Some(former.id.as_str()));
        Some(still.then_some(former))
    }

    /// Whether the link of what it hangs on followed a merge.
    fn has_moved<D: Owned>(&self, draft: &Draft<'_, D>) -> bool {
        let link = draft.input.links.get(&self.parent.path);
        link.is_some_and(|link| link.how == LinkHow::Followed)
    }

    /// Makes what hangs on nobody once more, where making it twice harms nobody.
    fn create_again<D: Owned>(&self, draft: &mut Draft<'_, D>, link: &LinkRow, former: &RemoteRef) {
        let rule = draft.input.manifest.operation(&self.creation());
        let lost = format!(
            "{}: {} hangs on {former}, which is no more, so nobody reads it",
            link.host, link.remote
        );
        if rule.is_some_and(|rule| rule.class == EffectClass::Unsafe) {
            let message =
                format!("{lost}; leaving it once more could do harm, so it is left to you");
            draft.report(FindingKind::Note, &link.host, Reason::HangsOnNobody, message);
            return self.compare(draft, link);
        }
        let message = format!("{lost}; it is left once more");
        draft.report(FindingKind::Note, &link.host, Reason::HangsOnNobody, message);
        self.create(draft, format!("{} hangs on {former}, which is no more", link.remote));
    }

    fn creation(&self) -> String {
        self.of.operation("create")
    }

    /// The paths of what it names beside it, each with the place that names it.
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
                 is not left",
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
                let (field, after) = (field.member.to_owned(), json!(value));
                step.fields.push(FieldChange { field, before: Value::Null, after });
            }
        }
        step.makes.insert("subject".to_owned(), path.clone());
        step.applied.insert(path.clone(), base(&texts(self.of, self.members)));
        // What is made in the same run cannot carry it yet; on anything else somebody may have left
        // it.
        step.look_first = self.parent.record.is_some();
        step.calls += u32::from(step.look_first);
        draft.plan.steps.push(step);
    }

    /// Compares what is declared with what the record was made of.
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
                    // Hosts make addresses anew for every declaration, so another one alone is
                    // worth a note and no conflict.
                    is_conflict |= field.value != Holds::Address;
                }
                Some(_) => {}
                None => drop(kept.insert(field.place.to_owned(), now)),
            }
        }
        if !changed.is_empty() {
            let (path, what) = (&self.path, self.of.noun);
            let message = format!(
                "{path}: {} of the {what} changed since it was made as {}, and a {what} cannot be \
                 changed; take the change back, or declare a {what} under another key",
                changed.join(" and "),
                link.remote
            );
            let kind = if is_conflict { FindingKind::Conflict } else { FindingKind::Note };
            draft.report(kind, path, Reason::CannotChange, message);
        }
        record(draft, link, kept);
    }
}

/// Whether a look found the record on this parent.
fn is_found_on(link: &LinkRow, parent: &str) -> bool {
    link.applied.get(FOUND_ON).and_then(Value::as_str) == Some(parent)
}

/// Says once of records that are no longer declared that they stay. `prefix`: where their paths
/// begin.
pub(super) fn release<D: Owned>(
    draft: &mut Draft<'_, D>,
    prefix: &str,
    what: &str,
    is_declared: impl Fn(&str) -> bool,
) {
    let links = draft.input.links;
    let below = links.range(prefix.to_owned()..).take_while(|(path, _)| path.starts_with(prefix));
    for (path, link) in below {
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
    if applied != link.applied && !adoptions.iter().any(|adoption| adoption.host == link.host) {
        adoptions.push(Adoption::of_base(&link.host, link.remote.clone(), applied));
    }
}
