//! The person that a record's other parts hang on. Pure.

use super::{Record, made};
use serde_json::Value;
use std::sync::Arc;

/// The person in the ATS, as far as planning has come.
pub(super) enum Person<'a> {
    /// Known.
    There(&'a Arc<Record>),
    /// To be made by the step of the desired record's key.
    ToBeMade,
}

impl Person<'_> {
    /// The id for an input.
    pub(super) fn id(&self, key: &str) -> Value {
        match self {
            Self::There(record) => Value::String(record.id.clone()),
            Self::ToBeMade => made(key),
        }
    }

    /// The steps that must come first.
    pub(super) fn after(&self, key: &str) -> Vec<String> {
        match self {
            Self::There(_) => Vec::new(),
            Self::ToBeMade => vec![key.to_owned()],
        }
    }
}
