//! The decision about one field, with the values that it was made from. Pure.

use super::ownership::Decision;
use atsync_model::desired::Policy;
use serde::Serialize;
use serde_json::Value;

/// The decision about one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// The path that it belongs to.
    pub path: String,
    /// The field.
    pub field: String,
    /// The policy of the field.
    pub policy: Policy,
    /// The declared value.
    pub desired: Value,
    /// The base: what the engine last wrote or found in step; null for none.
    pub applied: Value,
    /// The value in the ATS; null for none.
    pub observed: Value,
    /// The decision.
    pub decision: Decision,
}

/// The three values of a field.
pub(super) struct Values<'v> {
    pub(super) desired: &'v Value,
    pub(super) applied: Option<&'v Value>,
    pub(super) observed: &'v Value,
}
