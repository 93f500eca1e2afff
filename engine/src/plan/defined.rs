//! What is declared of custom fields, found in the ATS: a field, and a choice of it. Pure.
//!
//! A field is known by its link, else by its key, else by its name; an ATS makes the key of a new
//! field from its name, so it may get another key than the one that the host names it by. Choices
//! are found by label.
//!
//! The same questions are asked where a field is planned ([`super::definition`]) and where a
//! person's value is resolved ([`super::custom`]), so a plan means one thing by a field wherever it
//! is named.

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

/// The records that are called so: letter by letter where there are such, else by the form of
/// labels.
pub(super) fn called<'a>(
    rows: impl Iterator<Item = &'a Arc<Record>>,
    name: &str,
) -> Vec<&'a Arc<Record>> {
    with_label(rows, "name", name)
}

/// The records whose member is this label: letter by letter where there are such, else by the form
/// of labels.
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

/// The link of a choice, in whatever spelling its path was made.
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

/// The field in the ATS. None while facts are missing or after it blocked the record; messages
/// begin with `host`.
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
                 deleted, or hidden; stop declaring it, or make it again in the ATS and adopt that",
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
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).collect();
            let message = format!(
                "{path}: {} custom fields of the ATS could be {key:?} (ids {}); adopt one of them \
                 with `Connection::link`, for example {} as custom_fields/{}",
                several.len(),
                ids.join(", "),
                desired.path(),
                ids.first().copied().unwrap_or_default()
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
        "{path}: the custom field {key:?} ({}) is archived in the ATS; bring it back there, or \
         take it out of the record",
        record.remote()
    );
    draft.block(path, Reason::Archived, message);
    None
}

/// A declared choice in the ATS. `field`: the field's record, none while it is to be made. None
/// while facts are missing or after it blocked the record.
pub(super) fn choice<'a, D: Owned>(
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
            let option = eldest(several)?;
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).collect();
            let message = format!(
                "{path}: the custom field {:?} has {} active choices {label:?} (ids {}); {} is \
                 used, since it is the oldest; archive the others in the ATS",
                desired.key,
                several.len(),
                ids.join(", "),
                option.id
            );
            if draft.plan.note(Reason::DoubledOption).is_none_or(|note| note.message != message) {
                draft.report(FindingKind::Note, path, Reason::DoubledOption, message);
            }
            Some(Found::Existing(option))
        }
    }
}

/// The record that was made first: of two that are alike, every plan takes the same one.
fn eldest<'a>(several: &[&'a Arc<Record>]) -> Option<&'a Arc<Record>> {
    several.iter().copied().min_by_key(|record| (record.id.len(), record.id.as_str()))
}
