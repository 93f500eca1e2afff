//! A link: a declared item and a record of the ATS are the same thing. Plain data: plans read
//! links, the store keeps them.

use atsync_model::contract::RemoteRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The member of a base that holds, by operation, the first intent whose write the ATS has not
/// shown.
pub(crate) const UNSEEN: &str = "~unseen";
/// The member of a base that names the intent by which the engine removed the record.
pub(crate) const REMOVED: &str = "~removed";

/// A link between a path and a remote record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRow {
    /// The path: a key, or `key/applications/a1`, `key/notes/n1`, `key/tags/<name>`.
    pub path: String,
    /// The remote record.
    pub remote: RemoteRef,
    /// Why they are linked.
    pub how: LinkHow,
    /// The values that the engine last wrote, by field: the base of the three-way comparison.
    pub applied: Map<String, Value>,
    /// Since when.
    pub since_ms: u64,
}

impl LinkRow {
    /// Whether its base names a write, or a removal, that the ATS has not shown yet.
    pub(crate) fn has_marks(&self) -> bool {
        [UNSEEN, REMOVED].iter().any(|mark| self.applied.contains_key(*mark))
    }
}

/// The reason why a path is linked to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkHow {
    /// The engine created the record.
    Created,
    /// The record existed and was adopted.
    Adopted,
    /// A probe found it after a write in doubt.
    Probed,
    /// The linked record was merged or converted into this one, and the link followed.
    Followed,
    /// As `Followed`, but another path was linked to this record before: that one owns it, and this
    /// one is blocked.
    Yielded,
}
