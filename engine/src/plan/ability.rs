//! Holds each step against the rule of its operation in the manifest. Pure.
//!
//! The planner works from what is declared; the manifest says which part of it the adapter can
//! carry out. A member is not sent where the rule does not list it or its mode forbids the change:
//! the plan reports the field (`NotSupported`) and does not record it as applied. A step that would
//! mean something else without such a member is dropped, with the steps that depend on it. A
//! required member that is missing blocks the record.
//!
//! Left out: what an adapter answers; see [`crate::adapter::promise`].

use super::{Draft, FindingKind, Owned, Step, base};
use crate::reason::Reason;
use atsync_model::declarable::{self, Declarable, VALUES_MEMBER};
use atsync_model::manifest::{FieldMode, Manifest, OperationRule};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The members of an update that hold fields.
const PARTS: [&str; 3] = ["set", "add", "remove"];

/// Why a member is not sent.
enum Fault {
    Unlisted,
    CreationOnly,
    NeverEmpty,
    NothingRemoved,
}

impl Fault {
    fn message(&self, field: &str, operation: &str, adapter: &str) -> String {
        let can = match self {
            Self::Unlisted => "does not list it for",
            Self::CreationOnly => "takes it only when a record is created, not with",
            Self::NeverEmpty => "cannot clear it with",
            Self::NothingRemoved => "cannot remove from it with",
        };
        format!("`{field}` is not written: the adapter {adapter} {can} {operation}")
    }
}

impl<D: Owned> Draft<'_, D> {
    /// Holds every step against the rule of its operation.
    pub(super) fn apply_manifest(&mut self) {
        let mut dropped: BTreeSet<String> = BTreeSet::new();
        let (own, shared) =
            (std::mem::take(&mut self.plan.steps), std::mem::take(&mut self.shared));
        let mut keep = |steps: Vec<Step>| -> Vec<Step> {
            steps.into_iter().filter_map(|step| self.feasible(step, &mut dropped)).collect()
        };
        let (shared, own) = (keep(shared), keep(own));
        (self.shared, self.plan.steps) = (shared, own);
    }

    /// Returns the step as far as the adapter can do it. None where it cannot.
    fn feasible(&mut self, mut step: Step, dropped: &mut BTreeSet<String>) -> Option<Step> {
        let manifest = self.input.manifest;
        let rule = manifest.operation(&step.operation)?;
        if let Some(before) = step.after.iter().find(|path| dropped.contains(*path)) {
            let message =
                format!("{}: it depends on {before}, which the adapter cannot create", step.path);
            self.report(FindingKind::Note, &step.path, Reason::NotSupported, message);
            dropped.insert(step.path.clone());
            return None;
        }
        let mut removed: BTreeSet<String> = BTreeSet::new();
        for (part, member, fault) in faults(rule, &step.input) {
            if !is_optional(&step, &member) {
                let path = step.path.clone();
                let message = format!(
                    "{path}: {} is not planned: {}",
                    step.operation,
                    fault.message(&member, &step.operation, &manifest.name)
                );
                self.report(FindingKind::Note, &path, Reason::NotSupported, message);
                dropped.insert(path);
                return None;
            }
            // What an update writes is planned once the new record shows.
            let is_later =
                matches!(fault, Fault::Unlisted) && is_updatable(manifest, rule, &member);
            if !is_later && is_worth_reporting(&step, &member) {
                let message = format!(
                    "{}: {}",
                    step.path,
                    fault.message(&member, &step.operation, &manifest.name)
                );
                self.report(FindingKind::Note, &step.path, Reason::NotSupported, message);
            }
            let last = self.input.links.get(&step.path).map(|link| &link.applied);
            remove_member(&mut step, part.as_deref(), &member, last);
            removed.insert(member);
        }
        if !removed.is_empty() && step.target.is_some() && step.fields.is_empty() {
            // Fields in step are the base all the same.
            self.keep_base(step);
            return None;
        }
        self.require(rule, &step);
        Some(step)
    }

    fn keep_base(&mut self, step: Step) {
        let Some(target) = step.target else { return };
        for (path, applied) in step.applied {
            let link = self.input.links.get(&path);
            let is_known = link.is_some_and(|link| link.applied == applied);
            base::record(&mut self.plan, &path, target.clone(), applied, is_known);
        }
    }

    /// Blocks the record where a required member of the operation is missing.
    fn require(&mut self, rule: &OperationRule, step: &Step) {
        let missing = rule.required.iter().filter(|path| !has_value(&step.input, path));
        for path in missing {
            let message = if rule.name.ends_with(".create") {
                let what = rule.kind.trim_end_matches('s').replace('_', " ");
                let field = declarable::of(&rule.kind)
                    .and_then(|of| of.fields.iter().find(|field| field.member == path));
                let path = field.map_or(path.as_str(), |field| field.place);
                format!("{}: a new {what} needs `{path}`", step.path)
            } else {
                format!("{}: {} needs `{path}`", step.path, rule.name)
            };
            self.block(&step.path, Reason::MissingField, message);
        }
    }

    /// Whether the adapter reads a field, so that it can be compared. Reports a field that is not
    /// read and not known to be written.
    pub(super) fn is_shown(
        &mut self,
        path: &str,
        kind: &str,
        field: &str,
        is_applied: bool,
    ) -> bool {
        let top = field.split_once('.').map_or(field, |(top, _)| top);
        let manifest = self.input.manifest;
        let lists =
            manifest.kind(kind).is_none_or(|rule| rule.fields.iter().any(|listed| listed == top));
        if !lists && !is_applied {
            let message = format!(
                "{path}: `{field}` is not written: the adapter {} does not read it, so it cannot \
                 be compared",
                manifest.name
            );
            self.report(FindingKind::Note, path, Reason::NotSupported, message);
        }
        lists
    }
}

/// Returns the members of an input that its rule forbids: the part that holds the member, the
/// member, and why.
fn faults(
    rule: &OperationRule,
    input: &Map<String, Value>,
) -> Vec<(Option<String>, String, Fault)> {
    let mut found = Vec::new();
    for (name, value) in input {
        match value.as_object() {
            Some(inner) if PARTS.contains(&name.as_str()) && rule.field(name).is_none() => {
                for (member, value) in inner {
                    if let Some(fault) = fault(rule, member, value, name) {
                        found.push((Some(name.clone()), member.clone(), fault));
                    }
                }
            }
            _ => {
                if let Some(fault) = fault(rule, name, value, "set") {
                    found.push((None, name.clone(), fault));
                }
            }
        }
    }
    found
}

fn fault(rule: &OperationRule, member: &str, value: &Value, part: &str) -> Option<Fault> {
    // `may_carry` lists what an operation creates besides.
    if member == "application" && !rule.may_carry.is_empty() {
        return None;
    }
    let Some(field) = rule.field(member) else { return Some(Fault::Unlisted) };
    let makes = rule.name.ends_with(".create");
    match field.mode {
        FieldMode::CreateOnly if rule.name.ends_with(".update") => Some(Fault::CreationOnly),
        FieldMode::Set if !makes && part == "set" && clears(value) => Some(Fault::NeverEmpty),
        FieldMode::AppendOnly if part == "remove" => Some(Fault::NothingRemoved),
        _ => None,
    }
}

/// Whether a value empties its field: null or empty, or with a part that is.
fn clears(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(parts) => parts.values().any(clears),
        Value::Array(list) => {
            list.iter().any(|entry| entry.get("value").is_some_and(Value::is_null))
        }
        _ => false,
    }
}

/// Whether the step means the same without this member. A member that names the candidate, holds
/// the content, or limits who may see it is essential.
fn is_optional(step: &Step, member: &str) -> bool {
    let value = step.input.get(member);
    let is = |word: &str| value.and_then(Value::as_str) == Some(word);
    if step.operation.ends_with(".update") {
        return true;
    }
    let kind = step.operation.strip_suffix(".create").unwrap_or_default();
    let is_optional = |of: &Declarable| of.optional.has(member);
    match member {
        "private" => value != Some(&Value::Bool(true)),
        "invite" | "order" => true,
        "kind" => is("application"),
        "visibility" => is("public"),
        VALUES_MEMBER => true,
        _ => declarable::of(kind).is_some_and(is_optional),
    }
}

/// Whether an update of the kind writes a member that its creation does not take.
fn is_updatable(manifest: &Manifest, creation: &OperationRule, member: &str) -> bool {
    let update = format!("{}.update", creation.kind);
    creation.name.ends_with(".create")
        && manifest.operation(&update).is_some_and(|rule| rule.field(member).is_some())
}

/// Whether dropping the member is reported: a usual value is not.
fn is_worth_reporting(step: &Step, member: &str) -> bool {
    let value = step.input.get(member);
    match member {
        "private" | "invite" => value == Some(&Value::Bool(true)),
        "kind" | "visibility" | "order" => false,
        _ => true,
    }
}

/// Removes a member from a step. Its base stays: `base` is that of the link.
fn remove_member(
    step: &mut Step,
    part: Option<&str>,
    member: &str,
    base: Option<&Map<String, Value>>,
) {
    match part {
        None => drop(step.input.remove(member)),
        Some(part) => {
            if let Some(Value::Object(inner)) = step.input.get_mut(part) {
                inner.remove(member);
                if inner.is_empty() {
                    step.input.remove(part);
                }
            }
        }
    }
    let is_it = |path: &str| {
        path == member || path.strip_prefix(member).is_some_and(|rest| rest.starts_with('.'))
    };
    // Another part of the same list may still be sent; the next plan compares it again.
    let stays = PARTS
        .iter()
        .any(|part| step.input.get(*part).is_some_and(|part| part.get(member).is_some()));
    if !stays {
        step.fields.retain(|field| !is_it(&field.field));
    }
    if let Some(applied) = step.applied.get_mut(&step.path) {
        applied.retain(|path, _| !is_it(path));
        let before = base.into_iter().flatten().filter(|(path, _)| is_it(path));
        applied.extend(before.map(|(path, value)| (path.clone(), value.clone())));
    }
}

/// Whether an input has a value at a path of one or two parts. An update has it in one of its
/// [`PARTS`].
fn has_value(input: &Map<String, Value>, path: &str) -> bool {
    let within = |input: &Map<String, Value>| {
        let value = match path.split_once('.') {
            Some((outer, inner)) => input.get(outer).and_then(|value| value.get(inner)),
            None => input.get(path),
        };
        value.is_some_and(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        })
    };
    within(input)
        || PARTS.iter().any(|part| input.get(*part).and_then(Value::as_object).is_some_and(within))
}
