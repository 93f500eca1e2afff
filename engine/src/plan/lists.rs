//! The decision that all lists of a record share: contacts, labels and records of their own. Pure.
//!
//! One decision about a declared entry that the ATS lacks serves all of them, so that a policy
//! means the same for a phone number, a tag and an education.
//!
//! Left out: how an entry is recognised and written; each list has its own way.

use super::ownership::Decision;
use super::story::Values;
use super::{Draft, FindingKind, Owned, Record, defaults, unseen};
use crate::link::LinkRow;
use crate::reason::Reason;
use atsync_model::resource;
use serde_json::{Value, json};
use std::sync::Arc;

/// Reports an entry that the ATS lacks and that is not written. `shown`: the entry as people read
/// it.
pub(super) fn report<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    list: &str,
    shown: &str,
    decision: Decision,
) {
    let word = defaults::word(draft.policy(list));
    match decision {
        Decision::Erased => draft.report_erased_entries(path, list, &[shown.to_owned()]),
        Decision::Drifted => {
            let message = format!(
                "{path}: {shown:?} was removed from `{list}` in the ATS; it is not added again \
                 (policy {word})"
            );
            draft.report(FindingKind::Drifted, path, Reason::RemovedInAts, message);
        }
        Decision::Leave => {
            let message = format!(
                "{path}: `{list}` in the ATS lacks {shown:?}; it is not added (policy {word}; \
                 `enforce` adds it)"
            );
            draft.report(FindingKind::Note, path, Reason::LeftAlone, message);
        }
        Decision::InStep | Decision::Write | Decision::Conflict => {}
    }
}

/// Reports what is declared and cannot be read by the adapter: it cannot be compared either, so it
/// is not written.
pub(super) fn report_unread<D: Owned>(draft: &mut Draft<'_, D>, path: &str, what: &str) {
    let adapter = &draft.input.manifest.name;
    let message = format!("{path}: {what} is not written: the adapter {adapter} cannot read it");
    draft.report(FindingKind::Note, path, Reason::NotSupported, message);
}

/// Records the decision about one entry.
pub(super) fn record_decision<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    list: &str,
    shown: &str,
    decision: Decision,
) {
    let desired = json!(shown);
    let applied = live_link(draft, path).map(|_| desired.clone());
    let is_there = decision == Decision::InStep;
    let observed = if is_there { desired.clone() } else { Value::Null };
    let values = Values { desired: &desired, applied: applied.as_ref(), observed: &observed };
    draft.record_decision(path, list, decision, &values);
}

/// Returns the link of an entry, unless the engine removed the entry.
pub(super) fn live_link<'a, D>(draft: &Draft<'a, D>, path: &str) -> Option<&'a LinkRow> {
    draft.input.links.get(path).filter(|link| !unseen::is_removed(link))
}

/// Iterates over the links of a list's entries. `prefix`: what their paths begin with.
pub(super) fn links_below<'a, D>(
    draft: &Draft<'a, D>,
    prefix: &str,
) -> impl Iterator<Item = &'a LinkRow> + use<'a, D> {
    let begin = prefix.to_owned();
    let links = draft.input.links.range(begin.clone()..);
    links.take_while(move |(path, _)| path.starts_with(&begin)).map(|(_, link)| link)
}

/// Ends the links of a list that is no longer declared: its entries stay.
pub(super) fn release<D>(draft: &mut Draft<'_, D>, prefix: &str) {
    let released = links_below(draft, prefix).map(|link| link.path.clone());
    draft.plan.releases.extend(released);
}

/// Returns the records of a kind that name a record of another kind. None while facts are missing.
pub(super) fn rows<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    kind: &str,
    of: &str,
    id: &str,
) -> Option<&'a [Arc<Record>]> {
    let indexes = resource::indexes(kind);
    let names_it = indexes.iter().find(|index| index.of() == Some(of));
    draft.lookup(kind, names_it.map_or(resource::PARENT, |index| index.name), id)
}

/// What is known of a linked record that is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It exists.
    Exists,
    /// It does not, or not for this path any more.
    Gone,
    /// The engine wrote it so short a time ago that it need not show yet; the next plan decides.
    NotShownYet,
}

/// Whether a linked record still exists: one that the engine removed may show late, so it is read
/// again, and one that it just added may not show yet. None while facts are missing.
pub(super) fn standing<D: Owned>(
    draft: &mut Draft<'_, D>,
    link: &LinkRow,
    shows: bool,
) -> Option<Standing> {
    let is_removed = unseen::is_removed(link);
    let exists = match shows {
        true if is_removed => draft.confirmed(&link.remote)?.is_some(),
        true => true,
        false => {
            let is_gone = is_removed || draft.facts.is_gone(&link.remote);
            if !is_gone && !draft.has_settled(&link.path) {
                return Some(Standing::NotShownYet);
            }
            false
        }
    };
    Some(if exists { Standing::Exists } else { Standing::Gone })
}
