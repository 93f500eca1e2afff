//! Custom fields and their options, found in the ATS. Pure.
//!
//! A field is known by its link, else by its key, else by its name: an ATS makes the key of a new
//! field from its name, so the key may differ from the declared one. Options are known by label.
//!
//! The planner of a field ([`super::definition`]) and the resolution of a value ([`super::custom`])
//! both ask here, so a plan means the same field wherever it is named.

use super::facts::ids;
use super::found::Found;
use super::{Draft, FindingKind, Owned, Record};
use crate::index;
use crate::link::LinkRow;
use crate::path;
use crate::reason::Reason;
use atsync_model::declarable::CUSTOM_VALUES;
use atsync_model::desired::{DesiredCustomField, Policy};
use atsync_model::normal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the records of a name: exact matches where there are some, else matches by the form of
/// labels.
pub(super) fn called<'a>(
    rows: impl Iterator<Item = &'a Arc<Record>>,
    name: &str,
) -> Vec<&'a Arc<Record>> {
    with_label(rows, "name", name)
}

/// Returns the records whose member is this label: exact matches where there are some, else matches
/// by the form of labels.
pub(super) fn with_label<'a>(
    rows: impl Iterator<Item = &'a Arc<Record>>,
    member: &str,
    label: &str,
) -> Vec<&'a Arc<Record>> {
    let is_it =
        |row: &&'a Arc<Record>| row.text(member).is_some_and(|held| normal::is_option(held, label));
    let mut found: Vec<&'a Arc<Record>> = rows.filter(is_it).collect();
    if found.iter().any(|row| row.text(member) == Some(label)) {
        found.retain(|row| row.text(member) == Some(label));
    }
    found
}

/// Returns the link of an option, in whatever spelling its path was made.
fn option_link<'l>(
    desired: &DesiredCustomField,
    links: &'l BTreeMap<String, LinkRow>,
    label: &str,
) -> Option<&'l LinkRow> {
    let prefix = path::all_below(&desired.path(), path::OPTIONS);
    let below = || {
        links
            .range(prefix.clone()..)
            .map_while(|(path, link)| Some((path.strip_prefix(&prefix)?, link)))
    };
    let spelt = || below().find(|(known, _)| normal::is_option(known, label)).map(|(_, link)| link);
    links.get(&desired.option_path(label)).or_else(spelt)
}

/// Finds the field. None while facts are missing or after it blocked the record; messages begin
/// with `path`.
pub(super) fn find<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    path: &str,
    desired: &DesiredCustomField,
    links: &BTreeMap<String, LinkRow>,
) -> Option<Found<'a>> {
    let key = &desired.key;
    if let Some(link) = links.get(&desired.path()) {
        let unseen = || {
            format!(
                "{path}: the custom field {key:?} is linked to {}, which the ATS does not show: \
                 deleted, or hidden; stop declaring it, or create it again in the ATS and adopt \
                 that",
                link.remote
            )
        };
        let found = draft.observed(&link.remote)?;
        if found.is_none() {
            draft.block(path, Reason::NotVisible, unseen());
        }
        let record = found?;
        return active(draft, path, key, record);
    }
    let applies = |record: &&Arc<Record>| {
        record.text("applies_to.value") == Some(desired.applies_to.as_str())
    };
    let by_key = draft.lookup(CUSTOM_VALUES.field, index::KEY, key)?;
    let mut found: Vec<&'a Arc<Record>> = with_label(by_key.iter().filter(applies), "key", key);
    if let (true, Some(name)) = (found.is_empty(), &desired.name) {
        let by_name = draft.lookup(CUSTOM_VALUES.field, index::NAME, name)?;
        found = called(by_name.iter().filter(applies), name);
    }
    if found.iter().any(|record| record.is_active()) {
        found.retain(|record| record.is_active());
    }
    match found.as_slice() {
        [] => Some(Found::Missing),
        [record] => active(draft, path, key, record),
        several => {
            let message = format!(
                "{path}: {} custom fields of the ATS could be {key:?} (ids {}); adopt one of them \
                 with `Connection::link`, for example {} as custom_fields/{}",
                several.len(),
                ids(several),
                desired.path(),
                several.first().map(|record| record.id.as_str()).unwrap_or_default()
            );
            draft.block(path, Reason::AmbiguousReference, message);
            None
        }
    }
}

fn active<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    path: &str,
    key: &str,
    record: &'a Arc<Record>,
) -> Option<Found<'a>> {
    if record.is_active() {
        return Some(Found::Existing(record));
    }
    let message = format!(
        "{path}: the custom field {key:?} ({}) is archived in the ATS; restore it there, or remove \
         it from the record",
        record.remote()
    );
    draft.block(path, Reason::Archived, message);
    None
}

/// Finds a declared option. `field`: the field's record, none while it is to be created. None while
/// facts are missing or after it blocked the record.
pub(super) fn find_option<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    path: &str,
    desired: &DesiredCustomField,
    links: &BTreeMap<String, LinkRow>,
    field: Option<&Record>,
    label: &str,
) -> Option<Found<'a>> {
    let Some(field) = field else { return Some(Found::Missing) };
    let link = option_link(desired, links, label);
    if let Some(link) = link
        && let Some(option) = draft.observed(&link.remote)?
        && option.is_active()
    {
        return Some(Found::Existing(option));
    }
    let rows = draft.lookup(CUSTOM_VALUES.option, index::PARENT, &field.id)?;
    let fitting = called(rows.iter().filter(|row| row.is_active()), label);
    match fitting.as_slice() {
        [option] => Some(Found::Existing(option)),
        [] if link.is_some() && desired.decided_policy("options") != Policy::Enforce => {
            Some(Found::Removed)
        }
        [] => Some(Found::Missing),
        several => {
            let option = oldest(several)?;
            let message = format!(
                "{path}: the custom field {:?} has {} active options {label:?} (ids {}); {} is \
                 used, since it is the oldest; archive the others in the ATS",
                desired.key,
                several.len(),
                ids(several),
                option.id
            );
            if draft.plan.note(Reason::DoubledOption).is_none_or(|note| note.message != message) {
                draft.report(FindingKind::Note, path, Reason::DoubledOption, message);
            }
            Some(Found::Existing(option))
        }
    }
}

/// Returns the oldest of several records, so that every plan uses the same one of two that are
/// alike.
fn oldest<'a>(several: &[&'a Arc<Record>]) -> Option<&'a Arc<Record>> {
    several.iter().copied().min_by_key(|record| (record.id.len(), record.id.as_str()))
}
