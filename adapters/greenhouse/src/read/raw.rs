//! Reads a row of a raw kind: the row itself, its times, and the records that it names.
//!
//! The content is the row's own text, byte for byte, so that no member is lost and nothing has to
//! be known of it; members that are never kept are left out. A reference that is absent or has no
//! id's shape is a problem of its own, and the other references stand: an erasure depends on them.

use super::{Read, Record, Unreadable};
use crate::request;
use crate::wire::{self, Got, Id, Lacking, Time};
use atsync_adapter::json;
use atsync_adapter::rows::Element;
use atsync_model::raw::{RawRecord, RawReference};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The members of a row.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// Reads a row. `refers` has the kind of the records that a member names, `never_kept` the members
/// that the content leaves out.
pub(crate) fn record(
    element: &Element<'_>,
    refers: &[(&'static str, &'static str)],
    never_kept: &[&str],
) -> Result<Read, Unreadable> {
    let row = element.read::<&RawValue>()?;
    let members = wire::members(row.get())?;
    let mut lacking = Lacking::default();
    let id = match got::<Id<'_>>(&members, "id") {
        Got::Here(id) => id.0.into_owned(),
        _ => return Err(Unreadable::NoId),
    };
    let kept = if never_kept.is_empty() {
        None
    } else {
        let is_kept = |name: &str| !never_kept.contains(&name);
        let kept: BTreeMap<&str, &&RawValue> = members
            .iter()
            .map(|(name, value)| (name.as_ref(), value))
            .filter(|(name, _)| is_kept(name))
            .collect();
        Some(serde_json::value::to_raw_value(&kept)?)
    };
    let mut record = RawRecord::new(kept.as_deref().unwrap_or(row));
    for (member, named) in refers {
        refer(&members, (member, named), &mut record.references, &mut lacking);
    }
    record.created_at = got::<Time<'_>>(&members, "created_at").text("created_at", &mut lacking);
    record.updated_at = got::<Time<'_>>(&members, "updated_at").text("updated_at", &mut lacking);
    let updated_at = record.updated_at.as_ref().map(|text| text.as_ref().to_owned());
    let body = json::write(&record, element.length() + element.length() / 4 + 128)?;
    Ok(Read::Record(Record { id, updated_at, body, lacking }))
}

/// Reads one member.
fn got<'a, T: serde::Deserialize<'a>>(members: &Members<'a>, name: &'static str) -> Got<T> {
    members.get(name).map_or(Got::Absent, |value| wire::member(name, value.get()))
}

/// Adds the records that a member names: one, or those of a list.
fn refer<'a>(
    members: &Members<'a>,
    (member, kind): (&'static str, &'static str),
    references: &mut Vec<RawReference<'a>>,
    lacking: &mut Lacking,
) {
    let ids = match members.get(member).map(|value| value.get()) {
        Some("null") => Some(Vec::new()),
        Some(list) if list.starts_with('[') => serde_json::from_str::<Vec<Id<'a>>>(list).ok(),
        Some(one) => serde_json::from_str::<Id<'a>>(one).ok().map(|id| vec![id]),
        None => None,
    };
    match ids {
        Some(ids) => {
            let ids = ids.into_iter().filter(|id| request::is_id(&id.0));
            references.extend(ids.map(|id| RawReference::new(member, kind, id.0)));
        }
        None => lacking.part(format!("references.{member}")),
    }
}
