//! The item that another one is declared below: a record, or one that a step creates. Pure.

use super::{Record, made};
use serde_json::Value;
use std::sync::Arc;

/// The item that another one is declared below.
#[derive(Clone, Debug)]
pub(super) struct Parent<'a> {
    /// Its path.
    pub(super) path: String,
    /// Its record; none while a step creates it.
    pub(super) record: Option<&'a Arc<Record>>,
}

impl Parent<'_> {
    /// Returns the id for an input: the record's, or a placeholder.
    pub(super) fn id(&self) -> Value {
        match self.record {
            Some(record) => Value::String(record.id.clone()),
            None => made(&self.path),
        }
    }

    /// Returns the paths of the steps that must run first.
    pub(super) fn after(&self) -> Vec<String> {
        if self.record.is_some() { Vec::new() } else { vec![self.path.clone()] }
    }
}
