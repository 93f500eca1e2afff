//! One effect to be had, and what stands in it for what is still to be made. Pure.

use atsync_model::contract::RemoteRef;
use atsync_model::manifest::OperationRule;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member of an input that stands for the id of a record still to be made.
pub const MADE: &str = "$made";
/// The member of such a stand-in that asks for a field of the record instead of its id.
pub const MADE_MEMBER: &str = "$member";

/// One effect to be had.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The path that it serves.
    pub host: String,
    /// The operation.
    pub operation: String,
    /// What it changes; none for a create, and where `target_path` says what.
    pub target: Option<RemoteRef>,
    /// The path whose record it changes, where a step before it makes that record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// The operation's input.
    pub input: Map<String, Value>,
    /// Host paths whose steps must be done first.
    pub after: Vec<String>,
    /// The paths that the records it makes are linked to, by role.
    pub makes: BTreeMap<String, String>,
    /// What it changes, field by field.
    pub fields: Vec<FieldChange>,
    /// What is recorded as last applied once it is done, by host path.
    pub applied: BTreeMap<String, Map<String, Value>>,
    /// Why it is planned, in a sentence.
    pub reason: String,
    /// What it sets off besides, in sentences.
    pub side_effects: Vec<String>,
    /// The engine probes before it sends, because the record may exist by now.
    pub look_first: bool,
    /// How many requests it costs as a rule, the probe before it included. What shows afterwards
    /// what came of it is counted with the plan, since records of a kind are read together.
    pub calls: u32,
}

impl Step {
    /// Whether it makes a record instead of changing one.
    pub fn creates(&self) -> bool {
        self.target.is_none() && self.target_path.is_none()
    }
}

/// One field of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// What is there; null for nothing.
    pub before: Value,
    /// What will be.
    pub after: Value,
}

/// A step of an operation, with the parts that follow from its rule.
pub(super) fn step(rule: &OperationRule, path: &str, reason: String) -> Step {
    Step {
        host: path.to_owned(),
        operation: rule.name.clone(),
        target: None,
        target_path: None,
        input: Map::new(),
        after: Vec::new(),
        makes: BTreeMap::new(),
        fields: Vec::new(),
        applied: BTreeMap::new(),
        reason,
        side_effects: rule.side_effects.iter().map(|effect| effect.note.clone()).collect(),
        look_first: false,
        calls: rule.calls,
    }
}

/// The placeholder for the id of a record that the step of this path makes.
pub(super) fn made(path: &str) -> Value {
    let mut placeholder = Map::new();
    placeholder.insert(MADE.to_owned(), Value::String(path.to_owned()));
    Value::Object(placeholder)
}

/// The placeholder for a field of a record that the step of this path makes.
pub(super) fn made_member(path: &str, member: &str) -> Value {
    let mut placeholder = Map::new();
    placeholder.insert(MADE.to_owned(), Value::String(path.to_owned()));
    placeholder.insert(MADE_MEMBER.to_owned(), Value::String(member.to_owned()));
    Value::Object(placeholder)
}
