//! The JSON Schema of a description, for editors.

use crate::description::Description;
use serde_json::Value;

/// The schema, generated from the types and their documentation. It is kept in the repository as
/// `adapters/described/description.schema.json`.
#[must_use]
pub fn schema() -> Value {
    let mut schema = serde_json::to_value(schemars::schema_for!(Description)).unwrap_or_default();
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".to_owned(), "An atsync adapter as data".into());
    }
    schema
}
