//! What something is declared below: a record that is there, or one that a step makes. Pure.

use super::{Record, made};
use serde_json::Value;
use std::sync::Arc;

/// What a declared item depends on, as far as planning has come.
#[derive(Clone, Debug)]
pub(super) struct Parent<'a> {
    /// Its path.
    pub(super) path: String,
    /// Its record; none while the step of its path makes it.
    pub(super) record: Option<&'a Arc<Record>>,
}

impl Parent<'_> {
    /// The id for an input.
    pub(super) fn id(&self) -> Value {
        match self.record {
            Some(record) => Value::String(record.id.clone()),
            None => made(&self.path),
        }
    }

    /// The steps that must come first.
    pub(super) fn after(&self) -> Vec<String> {
        if self.record.is_some() { Vec::new() } else { vec![self.path.clone()] }
    }
}
