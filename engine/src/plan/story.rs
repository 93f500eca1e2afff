//! One field as a plan saw it. Pure.

use super::ownership::Decision;
use atsync_model::desired::Policy;
use serde::Serialize;
use serde_json::Value;

/// One field as the plan saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// The path that it belongs to.
    pub host: String,
    /// The field.
    pub field: String,
    /// What happens when it is changed in the ATS.
    pub policy: Policy,
    /// What the host wants.
    pub desired: Value,
    /// What the engine last wrote or found in step; null for nothing.
    pub applied: Value,
    /// What the ATS holds; null for nothing.
    pub observed: Value,
    /// What comes of it.
    pub decision: Decision,
}

/// The three values of a field.
pub(super) struct Values<'v> {
    pub(super) desired: &'v Value,
    pub(super) applied: Option<&'v Value>,
    pub(super) observed: &'v Value,
}
