//! One planned write, and the placeholders for records that are not created yet. Pure.

use atsync_model::contract::RemoteRef;
use atsync_model::manifest::OperationRule;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The member of a placeholder for the id of a record that is not created yet: the path of its
/// step.
pub const MADE: &str = "$made";
/// The member of a placeholder that asks for a field of the record instead of its id.
pub const MADE_MEMBER: &str = "$member";

/// A planned write.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// The path that it serves.
    pub path: String,
    /// The operation.
    pub operation: String,
    /// The record that it changes; none for a creation, and where `target_path` names it.
    pub target: Option<RemoteRef>,
    /// The path of the record that it changes, where an earlier step creates that record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// The operation's input.
    pub input: Map<String, Value>,
    /// Paths whose steps must be done first.
    pub after: Vec<String>,
    /// The paths that the records it creates are linked to, by role.
    pub makes: BTreeMap<String, String>,
    /// What it changes, field by field.
    pub fields: Vec<FieldChange>,
    /// The bases that are recorded once it is done, by path.
    pub applied: BTreeMap<String, Map<String, Value>>,
    /// Why it is planned, in a sentence.
    pub reason: String,
    /// Its side effects, in sentences.
    pub side_effects: Vec<String>,
    /// The engine probes before it sends, because the record may exist by now.
    pub probe_first: bool,
    /// How many requests it usually costs, the probe included. The read back is counted with the
    /// plan, which reads several records of a kind at once.
    pub calls: u32,
}

impl Step {
    /// Whether it creates a record instead of changing one.
    pub fn creates(&self) -> bool {
        self.target.is_none() && self.target_path.is_none()
    }

    /// Shows the change of a field.
    pub(super) fn change(&mut self, field: &str, before: Value, after: Value) {
        self.fields.push(FieldChange::new(field, before, after));
    }

    /// Starts a step of a path, which creates or changes nothing yet, at the cost of one request.
    /// For a host's own tests: the engine alone makes plans.
    pub fn new(path: impl Into<String>, operation: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            operation: operation.into(),
            target: None,
            target_path: None,
            input: Map::new(),
            after: Vec::new(),
            makes: BTreeMap::new(),
            fields: Vec::new(),
            applied: BTreeMap::new(),
            reason: String::new(),
            side_effects: Vec::new(),
            probe_first: false,
            calls: 1,
        }
    }

    /// Links the record that it creates to a path.
    pub(super) fn link(&mut self, path: &str) {
        self.makes.insert("subject".to_owned(), path.to_owned());
    }
}

/// One field of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// The value before; null for none.
    pub before: Value,
    /// The value after.
    pub after: Value,
}

impl FieldChange {
    pub(super) fn new(field: &str, before: Value, after: Value) -> Self {
        Self { field: field.to_owned(), before, after }
    }
}

/// Starts a step of an operation, with the parts that follow from its rule.
pub(super) fn step(rule: &OperationRule, path: &str, reason: String) -> Step {
    Step {
        reason,
        side_effects: rule.side_effects.iter().map(|effect| effect.note.clone()).collect(),
        calls: rule.calls,
        ..Step::new(path, rule.name.as_str())
    }
}

/// Returns the placeholder for the id of the record that the step of this path creates.
pub(super) fn made(path: &str) -> Value {
    json!({ MADE: path })
}

/// Returns the placeholder for a field of that record.
pub(super) fn made_member(path: &str, member: &str) -> Value {
    json!({ MADE: path, MADE_MEMBER: member })
}
