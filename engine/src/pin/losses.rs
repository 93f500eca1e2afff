//! What a newer version of an adapter can no longer do, as far as a connection uses it. Pure.
//!
//! A component can be replaced by another version while its connections are in use. A version that
//! leaves out a kind, a field or an operation would make records that are kept in step silently
//! fall behind, so the engine compares the two versions' [`Abilities`] first and names each loss
//! that the connection would feel ([`felt`]). Whether it is accepted is the operator's decision;
//! see [`super::hold`].
//!
//! What counts as use ([`Used`]): a kind whose records are stored or were read completely; an
//! operation and its members in an open write; a field that a desired record declares, with the
//! operations that write it. An operation that changes a course (a move, a rejection) counts only
//! where a stage or an outcome is declared.
//!
//! Bounds: abilities are names of a checked manifest. Left out: what an operation promises (its
//! class, windows and costs), which a plan states anew; settings, which are checked at each
//! opening.

use crate::journal::Intent;
use atsync_model::declarable::{self, Declarable, Form};
use atsync_model::manifest::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What an adapter can read and write, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Abilities {
    /// The kinds that can be read, each with its fields.
    pub(crate) kinds: BTreeMap<String, BTreeSet<String>>,
    /// The operations.
    pub(crate) operations: BTreeMap<String, Writes>,
}

/// What an operation writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Writes {
    /// The kind of its record.
    pub(crate) kind: String,
    /// The members of its input.
    pub(crate) members: BTreeSet<String>,
}

impl Abilities {
    /// What a manifest declares.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let kinds = manifest.kinds.iter();
        let operations = manifest.operations.iter().map(|rule| {
            let members = rule.fields.iter().map(|field| field.name.clone()).collect();
            (rule.name.clone(), Writes { kind: rule.kind.clone(), members })
        });
        Self {
            kinds: kinds.map(|k| (k.name.clone(), k.fields.iter().cloned().collect())).collect(),
            operations: operations.collect(),
        }
    }

    /// What must have been there for a connection whose earlier version is not known.
    pub(crate) fn used(used: &Used) -> Self {
        let none = || (BTreeSet::new(), Writes::default());
        Self {
            kinds: used.kinds.iter().map(|kind| (kind.clone(), none().0)).collect(),
            operations: used.operations.keys().map(|name| (name.clone(), none().1)).collect(),
        }
    }

    /// What these have and the later ones do not.
    pub(crate) fn lost_in(&self, later: &Self) -> Vec<Loss> {
        let mut lost = Vec::new();
        for (kind, fields) in &self.kinds {
            match later.kinds.get(kind) {
                None => lost.push(Loss::Kind { kind: kind.clone() }),
                Some(left) => lost.extend(
                    fields
                        .difference(left)
                        .map(|field| Loss::Field { kind: kind.clone(), field: field.clone() }),
                ),
            }
        }
        for (operation, writes) in &self.operations {
            let (kind, operation) = (writes.kind.clone(), operation.clone());
            match later.operations.get(&operation) {
                None => lost.push(Loss::Operation { operation, kind }),
                Some(left) => {
                    lost.extend(writes.members.difference(&left.members).map(|member| {
                        let (kind, member) = (kind.clone(), member.clone());
                        Loss::Member { operation: operation.clone(), kind, member }
                    }));
                }
            }
        }
        lost
    }
}

/// One ability that a version lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// A kind is not read.
    Kind { kind: String },
    /// A field of a kind is not read.
    Field { kind: String, field: String },
    /// An operation is not carried out.
    Operation { operation: String, kind: String },
    /// A member is not written by an operation.
    Member { operation: String, kind: String, member: String },
}

impl Loss {
    /// What the token that accepts it is made of.
    pub(super) fn words(&self) -> [&str; 4] {
        match self {
            Self::Kind { kind } => ["lost", "kind", kind, ""],
            Self::Field { kind, field } => ["lost", "field", kind, field],
            Self::Operation { operation, .. } => ["lost", "operation", operation, ""],
            Self::Member { operation, member, .. } => ["lost", "member", operation, member],
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { kind } => write!(f, "it does not read the kind {kind}"),
            Self::Field { kind, field } => write!(f, "it does not read {kind}.{field}"),
            Self::Operation { operation, .. } => write!(f, "it has no operation {operation}"),
            Self::Member { operation, member, .. } => {
                write!(f, "it does not write {member} with {operation}")
            }
        }
    }
}

/// What a connection uses of its adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Kinds with records in the store, or with a complete pass.
    pub(crate) kinds: BTreeSet<String>,
    /// Operations of open writes, each with the members of its inputs.
    pub(crate) operations: BTreeMap<String, BTreeSet<String>>,
    /// Kinds of desired records, each with what is declared of them.
    declared: BTreeMap<String, Declared>,
}

/// What desired records declare of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Declared {
    /// The members that operations write.
    written: BTreeSet<String>,
    /// The fields that are compared.
    shown: BTreeSet<String>,
    /// A stage or an outcome is among them.
    has_course: bool,
}

/// The parts of an update's input that hold members.
const PARTS: [&str; 3] = ["set", "add", "remove"];

impl Used {
    /// Adds what an open write uses.
    pub(crate) fn intent(&mut self, intent: &Intent) {
        let input: Map<String, Value> = serde_json::from_str(&intent.input).unwrap_or_default();
        let parts = PARTS.iter().filter_map(|part| input.get(*part)?.as_object());
        let within = parts.flat_map(Map::keys).cloned();
        let top = input.keys().filter(|key| !PARTS.contains(&key.as_str())).cloned();
        self.operations
            .entry(intent.operation.clone())
            .or_default()
            .extend(within.chain(top).collect::<Vec<_>>());
    }

    /// Adds what a desired record uses, as the store has it. One that cannot be read uses nothing.
    pub(crate) fn desired(&mut self, body: &str) {
        let Ok(Value::Object(record)) = serde_json::from_str(body) else { return };
        let named = record.get("kind").and_then(Value::as_str).and_then(declarable::of);
        if let Some(kind) = named.or_else(declarable::root) {
            self.item(kind, &record);
        }
    }

    fn item(&mut self, of: &Declarable, item: &Map<String, Value>) {
        let declared = self.declared.entry(of.kind.to_owned()).or_default();
        for field in of.fields.iter().filter(|field| has(item, field.place)) {
            declared.written.insert(top(field.member).to_owned());
            declared.shown.insert(top(field.shown).to_owned());
        }
        let mut ties = Vec::new();
        for other in of.others.iter().filter(|other| has(item, other.place)) {
            declared.written.insert(top(other.place).to_owned());
            declared.shown.insert(top(other.place).to_owned());
            declared.has_course |= matches!(other.form, Form::Course(_));
            if let Form::Labels(labels) = other.form {
                ties.extend([labels.vocabulary, labels.tie]);
            }
        }
        for kind in ties {
            self.declared.entry(kind.to_owned()).or_default();
        }
        for (below, place) in declarable::below(of.kind) {
            let items = item.get(place.list).and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                // An option may be its name alone.
                let empty = Map::new();
                self.item(below, item.as_object().unwrap_or(&empty));
            }
        }
    }

    /// Whether the connection would feel the loss.
    fn feels(&self, loss: &Loss) -> bool {
        let declares = |kind: &str| self.declared.get(kind);
        match loss {
            Loss::Kind { kind } => self.kinds.contains(kind) || declares(kind).is_some(),
            Loss::Field { kind, field } => {
                declares(kind).is_some_and(|declared| declared.shown.contains(field))
            }
            Loss::Operation { operation, kind } => {
                self.operations.contains_key(operation)
                    || declares(kind)
                        .is_some_and(|declared| declared.has_course || !is_course(operation))
            }
            Loss::Member { operation, kind, member } => {
                let in_write = self.operations.get(operation);
                in_write.is_some_and(|members| members.contains(member))
                    || declares(kind).is_some_and(|declared| declared.written.contains(member))
            }
        }
    }
}

/// The losses among these that a connection with this use would feel.
pub(crate) fn felt(lost: &[Loss], used: &Used) -> Vec<Loss> {
    lost.iter().filter(|loss| used.feels(loss)).cloned().collect()
}

fn top(path: &str) -> &str {
    path.split_once('.').map_or(path, |(top, _)| top)
}

/// Whether a record has a value at a place, one level deep at most.
fn has(item: &Map<String, Value>, place: &str) -> bool {
    let value = match place.split_once('.') {
        Some((top, rest)) => item.get(top).and_then(|top| top.get(rest)),
        None => item.get(place),
    };
    value.is_some_and(|value| !value.is_null())
}

/// Whether an operation only moves a record along its course.
fn is_course(operation: &str) -> bool {
    let verb = operation.split_once('.').map_or("", |(_, verb)| verb);
    !matches!(verb, "create" | "update" | "destroy" | "delete")
}

#[cfg(test)]
#[path = "losses_tests.rs"]
mod tests;
