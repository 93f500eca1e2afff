//! The JSON Schema of a sandbox as data, for editors.

use super::shape::SandboxFile;
use serde_json::Value;

/// The schema of a sandbox as data, generated from the types and their documentation. It is kept in
/// the repository as `adapters/conformance/sandbox.schema.json`.
#[must_use]
pub fn sandbox_schema() -> Value {
    let mut schema = serde_json::to_value(schemars::schema_for!(SandboxFile)).unwrap_or_default();
    if let Some(members) = schema.as_object_mut() {
        let _ = members.insert("title".to_owned(), "A sandbox of an ATS as data".into());
    }
    schema
}
