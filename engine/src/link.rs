//! That a declared item and a record of the ATS are the same thing. Plain data: plans read links,
//! the store keeps them.

use atsync_model::contract::RemoteRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// That a host path and a remote record are the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRow {
    /// The host path: a key, or `key/applications/a1`, `key/notes/n1`, `key/tags/<name>`.
    pub host: String,
    /// The remote record.
    pub remote: RemoteRef,
    /// How it is known.
    pub how: LinkHow,
    /// The values that the engine last wrote, by field: the base of the three-way comparison.
    pub applied: Map<String, Value>,
    /// Since when.
    pub since_ms: u64,
}

/// How a link is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkHow {
    /// The engine made the record.
    Created,
    /// It was there and fitted.
    Adopted,
    /// A probe found it after a doubt.
    Probed,
    /// What it led to lives on under this id, and the link followed.
    Followed,
    /// As `Followed`, but another host path led here before: that one holds the record, this one
    /// waits.
    Yielded,
}
