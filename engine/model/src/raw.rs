//! Raw kinds: records that the unified model has no shape for, as the ATS wrote them.
//!
//! An ATS lists more than the unified model describes. A raw kind brings such a list into the
//! store and the feed: its records have an id, the ATS's own JSON whole ([`RawRecord::content`]),
//! the two usual times, and references. The references make the rest work as for any record: a
//! reader follows them without knowing the ATS, and an erasure finds what belongs to a candidate,
//! through other raw records too. A change of any member of the content is a change of the record.
//!
//! The name of a raw kind begins with [`RAW_PREFIX`], and no other kind's does. So a list that gets
//! a unified shape later gets a name of its own, and the raw kind stays beside it.
//!
//! Raw records are read only: no operation, webhook subscription or plan needs one. A connection
//! reads a raw kind when it is asked for by name, never because the adapter has it. Left out: what
//! a member means.

use crate::unified::{Text, Unified};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the name of a raw kind begins with.
pub const RAW_PREFIX: &str = "raw_";

/// The fields of a raw record. A raw kind lists some of them, [`CONTENT`] always.
pub const RAW_FIELDS: &[&str] = &[REFERENCES, CONTENT, "created_at", "updated_at"];

/// The field with the references of a raw record.
pub const REFERENCES: &str = "references";

/// The field with the ATS's own JSON.
pub const CONTENT: &str = "content";

/// Whether a kind is a raw one, by its name.
pub fn is_raw(kind: &str) -> bool {
    kind.strip_prefix(RAW_PREFIX).is_some_and(|rest| !rest.is_empty())
}

/// Kind and id of the records that a body references, if it is that of a raw record.
pub fn references_of(body: &Value) -> impl Iterator<Item = (&str, &str)> {
    let references = body.get(REFERENCES).and_then(Value::as_array).into_iter().flatten();
    references.filter_map(|one| Some((one.get("kind")?.as_str()?, one.get("id")?.as_str()?)))
}

/// A record of a raw kind. An adapter may write the content as another type than [`Value`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RawRecord<'a, C = Value> {
    /// The records that it names, in the order of the adapter's table.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<RawReference<'a>>,
    /// The ATS's own JSON of it, less the members that the adapter's documentation names as never
    /// kept.
    pub content: C,
    /// When it was created, as the ATS gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    /// When it changed last, as the ATS gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// A reference of a raw record: a member of its content, and the record that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RawReference<'a> {
    /// The member of the content.
    pub member: Text<'a>,
    /// The kind of the named record, unified or raw.
    pub kind: Text<'a>,
    /// Its id.
    pub id: Text<'a>,
}

impl<C> RawRecord<'_, C> {
    /// A record with this content, which names nothing.
    pub fn new(content: C) -> Self {
        Self { references: Vec::new(), content, created_at: None, updated_at: None }
    }
}

impl<'a> RawReference<'a> {
    /// A member that names a record of this kind.
    pub fn new(
        member: impl Into<Text<'a>>,
        kind: impl Into<Text<'a>>,
        id: impl Into<Text<'a>>,
    ) -> Self {
        Self { member: member.into(), kind: kind.into(), id: id.into() }
    }
}

impl Unified for RawRecord<'static> {
    /// Every raw kind, whatever its name; see [`Unified::is_of`].
    const KINDS: &'static [&'static str] = &[];

    fn is_of(kind: &str) -> bool {
        is_raw(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::{RAW_FIELDS, RawRecord, RawReference, is_raw};
    use crate::kinds;
    use crate::unified::Unified;
    use serde_json::{Value, json};

    #[test]
    fn no_unified_kind_has_the_name_of_a_raw_one() {
        assert!(kinds::ALL.iter().all(|kind| !is_raw(kind)));
        assert!(is_raw("raw_offers"));
        assert!(!is_raw("raw_") && !is_raw("rawhides") && !is_raw("offers"));
        assert!(RawRecord::<Value>::is_of("raw_offers") && !RawRecord::<Value>::is_of("offers"));
    }

    #[test]
    fn a_raw_record_has_the_raw_fields_and_no_others() {
        let mut record = RawRecord::new(json!({"id": 7}));
        record.references = vec![RawReference::new("job_id", "jobs", "5")];
        record.created_at = Some("2026-01-01T00:00:00Z".into());
        record.updated_at = record.created_at.clone();
        let written = serde_json::to_value(&record).unwrap();
        let mut members: Vec<&str> =
            written.as_object().unwrap().keys().map(String::as_str).collect();
        let mut fields = RAW_FIELDS.to_vec();
        members.sort_unstable();
        fields.sort_unstable();
        assert_eq!(members, fields);
        assert_eq!(serde_json::from_value::<RawRecord<'static>>(written).unwrap(), record);
    }
}
